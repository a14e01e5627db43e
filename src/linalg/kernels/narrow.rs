//! Gather over lines whose columns are 16-bit offsets from a common one: two bytes an index instead of four.

use super::compressed::{line_sum, tiles};
use super::panel::Fault;
use super::processor;
use super::update::{Entries, Update};
use crate::linalg::{Factor, Scalar};

/// `Y = alpha A X + beta Y`; `ends` holds 0 and the end of every line, `x` starts at the common column.
pub(crate) fn gather_narrow<T: Factor<X>, X: Scalar>(
    (ends, columns, values): (&[u32], &[u16], &[T]),
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<(), Fault> {
    if k == 1 {
        for (pair, y) in ends.windows(2).zip(y) {
            let (columns, values) = line(pair, columns, values)?;
            update.apply(line_sum(columns, values, entries, x)?, y);
        }
        return Ok(());
    }
    processor::widest(
        #[inline(always)]
        || {
            for (pair, y) in ends.windows(2).zip(y.chunks_exact_mut(k)) {
                tiles(line(pair, columns, values)?, entries, update, x, y)?;
            }
            Ok(())
        },
    )
}

/// Columns and values between two ends.
#[inline(always)]
fn line<'a, T>(
    ends: &[u32],
    columns: &'a [u16],
    values: &'a [T],
) -> Result<(&'a [u16], &'a [T]), Fault> {
    let range = ends[0] as usize..ends[1] as usize;
    Ok((columns.get(range.clone()).ok_or(Fault)?, values.get(range).ok_or(Fault)?))
}
