//! Gather over encoded lines: columns of 32 bits, or of 16 bits relative to a common one, two bytes per index instead
//! of four.

use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::gather::{line_sum, tiles};
use crate::linalg::kernels::panel::OutOfRange;
use crate::linalg::kernels::processor;
use crate::linalg::kernels::update::{Conjugation, SumShape, Update};

/// `Y = A X` or `Y += A X`; `ends` has 0 and the end of every line, `x` starts at the common column.
pub(crate) fn gather_encoded<T: Factor<X>, I: Copy + Into<u64> + Sync, X: Scalar>(
    (ends, columns, values): (&[u32], &[I], &[T]),
    sums: SumShape,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<(), OutOfRange> {
    if k == 1 {
        for (pair, y) in ends.windows(2).zip(y) {
            update.apply(line_sum(line(pair, columns, values)?, sums, entries, x)?, y);
        }
        return Ok(());
    }
    processor::widest(
        #[inline(always)]
        || {
            for (pair, y) in ends.windows(2).zip(y.chunks_exact_mut(k)) {
                tiles(line(pair, columns, values)?, sums, entries, update, x, y)?;
            }
            Ok(())
        },
    )
}

/// Columns and values between two ends.
#[inline(always)]
fn line<'a, T, I>(
    ends: &[u32],
    columns: &'a [I],
    values: &'a [T],
) -> Result<(&'a [I], &'a [T]), OutOfRange> {
    let range = ends[0] as usize..ends[1] as usize;
    Ok((columns.get(range.clone()).ok_or(OutOfRange)?, values.get(range).ok_or(OutOfRange)?))
}
