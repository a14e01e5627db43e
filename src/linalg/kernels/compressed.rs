//! Gather: every output is the sum over one stored row of a compressed matrix.
//!
//! ```text
//! for each row i:
//!     sum = 0
//!     for each entry (j, a) of row i:  sum += a * x[j]
//!     y[i] = alpha * sum + beta * y[i]
//! ```
//!
//! 1. An index is clamped to the last column and the largest one seen is kept; one comparison at the end of the run
//!    replaces a branch at every entry, and no index whatever reaches beyond `x`.
//! 2. A row is summed in `LANES` interleaved partial sums and a tail, so that additions do not wait for each other.
//!    The shape follows from the row's length alone. Rows shorter than that are all tail.
//! 3. Rows are independent, so runs of rows are handed to threads as they come, more runs than threads.
//! 4. Several right-hand sides go in tiles of 16, 8, 4, 2 and 1 columns: the sums of a tile stay in registers, and the row's
//!    entries, read again for the next tile, come from the first-level cache.

use rayon::prelude::*;

use super::panel::{Fault, Panel};
use super::update::{Entries, Update, check_len};
use crate::error::Result;
use crate::linalg::{Factor, Scalar, partition};
use crate::storage::Index;

/// Interleaved partial sums of a long row.
const LANES: usize = 4;

/// Rows and entries below which starting threads costs more than the product.
pub(super) const SMALL: usize = 1 << 14;

/// Runs of rows for each thread: enough that a thread that was held up leaves its last runs to others.
const RUNS_PER_THREAD: usize = 8;

/// y = alpha A x + beta y, one pass over A.
///
/// `x` has a number for each column, `y` one for each row of the panel. Fails with `Shape` before anything is written,
/// and with `Index` if a pointer or an index is out of range.
pub(crate) fn gather<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
) -> Result<()> {
    gather_block(a, entries, update, x, y, 1)
}

/// Y = alpha A X + beta Y, one pass over A; X is ncols x k and Y nrows x k, both row-major.
///
/// Fails as [`gather`] does. A column of Y has the bits that [`gather`] would give only up to rounding.
pub(crate) fn gather_block<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    check_len("x", x, a.ncols(), k)?;
    check_len("y", y, a.nrows(), k)?;
    if k == 0 {
        return Ok(());
    }
    let threads = rayon::current_num_threads();
    let done = if threads == 1 || partition::cost(a.indptr).saturating_mul(k) < SMALL {
        gather_rows(a, entries, update, x, y, k)
    } else {
        let runs = runs_with_outputs(a, y, k, threads * RUNS_PER_THREAD);
        runs.into_par_iter().try_for_each(|(a, y)| gather_rows(a, entries, update, x, y, k))
    };
    done.map_err(|Fault| a.fault())
}

/// The panel in at most `parts` runs of rows, each with its part of `y`.
fn runs_with_outputs<'a, 'y, T, I: Index, P: Index, X>(
    a: Panel<'a, T, I, P>,
    mut y: &'y mut [X],
    k: usize,
    parts: usize,
) -> Vec<(Panel<'a, T, I, P>, &'y mut [X])> {
    let runs = partition::split(a.indptr, parts).into_iter();
    runs.map(|run| {
        let (mine, rest) = std::mem::take(&mut y).split_at_mut(run.len() * k);
        y = rest;
        (a.rows(run), mine)
    })
    .collect()
}

/// The sequential kernel for a run of rows.
fn gather_rows<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> std::result::Result<(), Fault> {
    #[cfg(target_arch = "x86_64")]
    if k == 1
        && let Some(done) = super::csr_avx512::gather(a, update, x, y)
    {
        return done;
    }
    match k {
        1 => gather_one(a, entries, update, x, y),
        _ => gather_tiles(a, entries, update, x, y, k),
    }
}

pub(super) fn gather_one<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
) -> std::result::Result<(), Fault> {
    let Some(last) = a.last_column() else {
        return without_columns(a, update, y);
    };
    let x = &x[..=last];
    let mut largest = 0;
    for (i, y) in y.iter_mut().enumerate() {
        let range = a.row(i)?;
        let (indices, values) = (&a.indices[range.clone()], &a.values[range]);
        let mut term = |index: &I, value: &T| {
            let j = index.to_usize();
            largest = largest.max(j);
            entries.times(*value, x[j.min(x.len() - 1)])
        };
        let mut sum = X::zero();
        let mut short = (indices, values);
        if indices.len() >= 2 * LANES {
            let mut lanes = [X::zero(); LANES];
            let (long_indices, tail_indices) = indices.as_chunks::<LANES>();
            let (long_values, tail_values) = values.as_chunks::<LANES>();
            for (indices, values) in long_indices.iter().zip(long_values) {
                for (lane, (index, value)) in lanes.iter_mut().zip(indices.iter().zip(values)) {
                    *lane += term(index, value);
                }
            }
            sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
            short = (tail_indices, tail_values);
        }
        for (index, value) in short.0.iter().zip(short.1) {
            sum += term(index, value);
        }
        update.apply(sum, y);
    }
    if largest > last { Err(Fault) } else { Ok(()) }
}

fn gather_tiles<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> std::result::Result<(), Fault> {
    let Some(last) = a.last_column() else {
        return without_columns(a, update, y);
    };
    let mut largest = 0;
    for (i, y) in y.chunks_exact_mut(k).enumerate() {
        let range = a.row(i)?;
        let row = (&a.indices[range.clone()], &a.values[range]);
        largest = row.0.iter().fold(largest, |largest, index| largest.max(index.to_usize()));
        let mut column = 0;
        while column < k {
            column += match k - column {
                16.. => tile::<16, _, _, _>(row, entries, update, x, y, (column, last)),
                8.. => tile::<8, _, _, _>(row, entries, update, x, y, (column, last)),
                4.. => tile::<4, _, _, _>(row, entries, update, x, y, (column, last)),
                2.. => tile::<2, _, _, _>(row, entries, update, x, y, (column, last)),
                _ => tile::<1, _, _, _>(row, entries, update, x, y, (column, last)),
            };
        }
    }
    if largest > last { Err(Fault) } else { Ok(()) }
}

/// `WIDTH` neighbouring columns of one output row `y`, starting at `column`; indices are clamped to `last`.
#[inline(always)]
fn tile<const WIDTH: usize, T: Factor<X>, I: Index, X: Scalar>(
    (indices, values): (&[I], &[T]),
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    (column, last): (usize, usize),
) -> usize {
    let k = y.len();
    let mut sums = [X::zero(); WIDTH];
    for (index, value) in indices.iter().zip(values) {
        let start = index.to_usize().min(last) * k + column;
        for (sum, x) in sums.iter_mut().zip(&x[start..start + WIDTH]) {
            *sum += entries.times(*value, *x);
        }
    }
    for (sum, y) in sums.into_iter().zip(&mut y[column..column + WIDTH]) {
        update.apply(sum, y);
    }
    WIDTH
}

/// A matrix without columns has empty rows alone, or a fault.
fn without_columns<T, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    update: Update<X>,
    y: &mut [X],
) -> std::result::Result<(), Fault> {
    for i in 0..a.nrows() {
        if !a.row(i)?.is_empty() {
            return Err(Fault);
        }
    }
    y.iter_mut().for_each(|y| update.apply(X::zero(), y));
    Ok(())
}
#[cfg(test)]
pub(super) fn gather_parallel_portable<P: Index>(a: Panel<'_, f64, u32, P>, update: Update<f64>, x: &[f64], y: &mut [f64]) {
    let runs = runs_with_outputs(a, y, 1, rayon::current_num_threads() * RUNS_PER_THREAD);
    runs.into_par_iter().for_each(|(a, y)| gather_one(a, Entries::AsStored, update, x, y).unwrap());
}
