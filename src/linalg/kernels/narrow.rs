//! Gather over lines whose columns are 16-bit offsets from a common one: two bytes an index instead of four.

use super::compressed::line_sum;
use super::panel::Fault;
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
    for (pair, y) in ends.windows(2).zip(y.chunks_exact_mut(k)) {
        let range = pair[0] as usize..pair[1] as usize;
        let columns = columns.get(range.clone()).ok_or(Fault)?;
        let values = values.get(range).ok_or(Fault)?;
        match y {
            [y] => update.apply(line_sum(columns, values, entries, x)?, y),
            _ => {
                for (column, y) in y.iter_mut().enumerate() {
                    let mut sum = X::zero();
                    for (&j, &value) in columns.iter().zip(values) {
                        sum +=
                            entries.times(value, *x.get(usize::from(j) * k + column).ok_or(Fault)?);
                    }
                    update.apply(sum, y);
                }
            }
        }
    }
    Ok(())
}
