//! Dense gather: every output is the sum over one contiguous row of a dense matrix.
//!
//! ```text
//! for each row i:  y[i] = dot(a[i], x), or y[i] += dot(a[i], x)
//! ```
//!
//! A dot product runs in `LANES` partial sums, added as a tree, and a tail: the shape depends only on the length. Four
//! long rows are processed together, so that `x` is read from the first-level cache (31 GB/s against 26). A
//! Fortran-ordered matrix is the transposed call, a scatter.

use crate::error::Result;
use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::dense_rows::{DenseRows, TASK};
use crate::linalg::kernels::processor;
use crate::linalg::kernels::update::{Conjugation, Update, check_len};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::prefetch_ahead;

/// Interleaved partial sums of a dot product: 8 vector registers of `f64` in the smallest instruction set.
const LANES: usize = 16;

/// Numbers of `x` that stay in the first-level cache while `TOGETHER` rows, each a stream, are multiplied by them.
const NEAR: usize = 1024;
const TOGETHER: usize = 4;

/// Y = A X, or Y += A X, one pass over A; X is ncols x k and Y nrows x k, both row-major.
pub(crate) fn dense_gather<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    check_len("x", x, a.ncols, k)?;
    check_len("y", y, a.nrows, k)?;
    if k == 0 {
        return Ok(());
    }
    let rows = (TASK / a.ncols.max(1)).max(1);
    y.par_chunks_mut(rows * k).enumerate().for_each(|(task, y)| {
        let row = |i: usize| a.row(task * rows + i);
        processor::widest(
            #[inline(always)]
            || match k {
                1 if a.ncols > NEAR => dots(row, entries, update, x, y),
                1 => (y.iter_mut().enumerate())
                    .for_each(|(i, y)| update.apply(dot(row(i), entries, x), y)),
                _ => (y.chunks_exact_mut(k).enumerate())
                    .for_each(|(i, y)| row_times_block(row(i), entries, update, x, y)),
            },
        );
    });
    Ok(())
}

/// Products of long rows: a few rows are multiplied by one part of `x` after the other, so that it is read from the
/// first-level cache.
#[inline(always)]
fn dots<'a, T: Factor<X>, X: Scalar>(
    row: impl Fn(usize) -> &'a [T],
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
) {
    let whole = x.len() / LANES * LANES;
    for (block, y) in y.chunks_mut(TOGETHER).enumerate() {
        let mut lanes = [[X::zero(); LANES]; TOGETHER];
        for start in (0..whole).step_by(NEAR) {
            let part = start..whole.min(start + NEAR);
            for (i, lanes) in lanes.iter_mut().enumerate().take(y.len()) {
                *lanes = add_to_lanes(
                    *lanes,
                    &row(block * TOGETHER + i)[part.clone()],
                    entries,
                    &x[part.clone()],
                );
            }
        }
        for (i, (lanes, y)) in lanes.into_iter().zip(y).enumerate() {
            let row = &row(block * TOGETHER + i)[whole..];
            update.apply(total(lanes, row, entries, &x[whole..]), y);
        }
    }
}

#[inline(always)]
fn dot<T: Factor<X>, X: Scalar>(row: &[T], entries: Conjugation, x: &[X]) -> X {
    let whole = x.len() / LANES * LANES;
    let lanes = add_to_lanes([X::zero(); LANES], &row[..whole], entries, &x[..whole]);
    total(lanes, &row[whole..], entries, &x[whole..])
}

/// Adds the products of whole blocks of `LANES`.
#[inline(always)]
fn add_to_lanes<T: Factor<X>, X: Scalar>(
    mut lanes: [X; LANES],
    row: &[T],
    entries: Conjugation,
    x: &[X],
) -> [X; LANES] {
    for (row, x) in row.as_chunks::<LANES>().0.iter().zip(x.as_chunks::<LANES>().0) {
        prefetch_ahead(row);
        for lane in 0..LANES {
            lanes[lane] += entries.times(row[lane], x[lane]);
        }
    }
    lanes
}

/// The sum of the lanes, and after it of the products of the tail.
#[inline(always)]
fn total<T: Factor<X>, X: Scalar>(
    mut lanes: [X; LANES],
    row: &[T],
    entries: Conjugation,
    x: &[X],
) -> X {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let upper = lanes[lane + width];
            lanes[lane] += upper;
        }
        width /= 2;
    }
    row.iter().zip(x).fold(lanes[0], |sum, (a, x)| sum + entries.times(*a, *x))
}

/// One row of the output, eight columns at a time; the row is read again from the cache for the next eight.
#[inline(always)]
fn row_times_block<T: Factor<X>, X: Scalar>(
    row: &[T],
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
) {
    let k = y.len();
    for (tile, y) in y.chunks_mut(8).enumerate() {
        let mut sums = [X::zero(); 8];
        for (a, x) in row.iter().zip(x.chunks_exact(k)) {
            for (sum, x) in sums.iter_mut().zip(&x[tile * 8..][..y.len()]) {
                *sum += entries.times(*a, *x);
            }
        }
        for (sum, y) in sums.into_iter().zip(y) {
            update.apply(sum, y);
        }
    }
}
