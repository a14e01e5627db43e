//! Gather: every output is the sum over one stored row of a compressed matrix.
//!
//! ```text
//! for each row i:
//!     sum = 0
//!     for each entry (j, a) of row i:  sum += a * x[j]
//!     y[i] = sum, or y[i] += sum
//! ```
//!
//! 1. An index is checked by the lookup in `x` itself, one predictable branch for each entry. Clamping it and checking
//!    the largest at the end was measured: four instructions instead of one, and a tenth slower.
//! 2. Entries are prefetched `AHEAD` positions early, every `STEP` entries and at the start of every row.
//! 3. A row is summed in `STEP` interleaved partial sums and a tail, so that additions do not wait for each other. The
//!    shape depends only on the row's length. Short rows are all tail: there the next rows fill the waiting time.
//! 4. Rows are independent, so runs of rows are distributed to threads dynamically, more runs than threads. A row that
//!    alone would keep a thread busy while others wait is summed in chunks, by all of them.
//! 5. Several right-hand sides are processed in tiles of 16, 8, 4, 2 and 1 columns: the sums of a tile stay in
//!    registers, and the row's entries, read again for the next tile, come from the first-level cache. Rows of X are
//!    prefetched some entries ahead; tiles are compiled for the vector units found at run time.

use crate::error::Result;
use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::panel::{OutOfRange, Panel};
use crate::linalg::kernels::processor;
use crate::linalg::kernels::update::{Conjugation, SumShape, Update, check_len};
use crate::sparse::by_index;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{CACHE_LINE, Index, parallel, prefetch_lines, prefetch_to_read};

/// Interleaved partial sums of a long row, and entries between two prefetches.
const STEP: usize = 8;

/// Entries of a chunk of a longer row: chunks are summed separately, on any thread, and then added sequentially. Long
/// enough that chunks cost nothing.
pub(crate) const CHUNK: usize = 1 << 16;

/// Positions by which prefetching runs ahead: 128 to 512 are equally good.
const AHEAD: usize = 256;

/// Entries of a matrix below which none are prefetched.
const NEAR: usize = 1 << 13;

/// Cache lines of X that are prefetched ahead of the work.
const LINES_AHEAD: usize = 32;

/// Rows and entries below which starting threads costs more than the product.
const SMALL: usize = 1 << 16;

/// Runs of rows for each thread: enough that a delayed thread leaves its last runs to others.
const RUNS_PER_THREAD: usize = 8;

/// Y = A X, or Y += A X, one pass over A; X is ncols x k and Y nrows x k, both row-major.
///
/// Fails with `Shape` before anything is written, and with `Index` if a pointer or an index is out of range. With k = 1
/// a long row is summed in more partial sums, so a column of a wider Y equals it only up to rounding.
pub(crate) fn gather<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    gather_from(SMALL, a, entries, update, x, y, k)
}

/// As [`gather`], on several threads from a cost of `small` on.
pub(crate) fn gather_from<T: Factor<X>, I: Index, X: Scalar>(
    small: usize,
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    check_len("x", x, a.ncols(), k)?;
    check_len("y", y, a.nrows(), k)?;
    if k == 0 {
        return Ok(());
    }
    // Small products do not even query the number of threads.
    let done = if a.cost().saturating_mul(k) < small || parallel::threads() == 1 {
        gather_rows(a, entries, update, x, y, k)
    } else {
        let runs = runs_with_outputs(a, y, k, parallel::threads() * RUNS_PER_THREAD);
        runs.into_par_iter().try_for_each(|(a, y)| gather_rows(a, entries, update, x, y, k))
    };
    done.map_err(|OutOfRange| a.out_of_range())
}

/// The panel in at most `parts` runs of rows, each with its part of `y`.
pub(crate) fn runs_with_outputs<'a, 'y, T, I: Index, X>(
    a: Panel<'a, T, I>,
    mut y: &'y mut [X],
    k: usize,
    parts: usize,
) -> Vec<(Panel<'a, T, I>, &'y mut [X])> {
    let runs = a.split(parts).into_iter();
    runs.map(|run| {
        let (mine, rest) = std::mem::take(&mut y).split_at_mut(run.len() * k);
        y = rest;
        (a.rows(run), mine)
    })
    .collect()
}

/// The sequential kernel for a run of rows.
fn gather_rows<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> std::result::Result<(), OutOfRange> {
    match k {
        1 => gather_one(a, entries, update, x, y),
        _ => gather_tiles(a, entries, update, x, y, k),
    }
}

fn gather_one<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
) -> std::result::Result<(), OutOfRange> {
    let x = &x[..a.columns()];
    // A small matrix is in the caches, and what is after it may not be memory.
    let ahead = if a.indices.len() < NEAR { 0 } else { AHEAD };
    // Branches on the width of pointers once, not for every row.
    by_index!(a.indptr, indptr => {
        for (i, y) in y.iter_mut().enumerate() {
            let range = a.between(indptr[i].to_usize(), indptr[i + 1].to_usize())?;
            let line = (&a.indices[range.clone()], &a.values[range]);
            prefetch_to_read(line.0, ahead);
            prefetch_to_read(line.1, ahead);
            let sum = line_sum_in_cache(line, SumShape::Interleaved, entries, x)?;
            update.apply(sum, y);
        }
        Ok(())
    })
}

/// The sum over one row, in the shape that its length requires.
#[inline(always)]
pub(crate) fn line_sum<T: Factor<X>, I: Copy + Into<u64> + Sync, X: Scalar>(
    (indices, values): (&[I], &[T]),
    sums: SumShape,
    entries: Conjugation,
    x: &[X],
) -> std::result::Result<X, OutOfRange> {
    prefetch_ahead(indices, values);
    line_sum_in_cache((indices, values), sums, entries, x)
}

/// As [`line_sum`], without prefetching.
#[inline(always)]
fn line_sum_in_cache<T: Factor<X>, I: Copy + Into<u64> + Sync, X: Scalar>(
    (indices, values): (&[I], &[T]),
    sums: SumShape,
    entries: Conjugation,
    x: &[X],
) -> std::result::Result<X, OutOfRange> {
    if indices.len() < 2 * STEP || sums == SumShape::InOrder {
        sum_from(X::zero(), indices, values, entries, x)
    } else {
        long_sum(indices, values, entries, x)
    }
}

/// The sum over a long row; kept out of the loop over short ones, which it would slow down.
#[inline(never)]
fn long_sum<T: Factor<X>, I: Copy + Into<u64> + Sync, X: Scalar>(
    indices: &[I],
    values: &[T],
    entries: Conjugation,
    x: &[X],
) -> std::result::Result<X, OutOfRange> {
    if indices.len() <= CHUNK {
        return sum_in_lanes(indices, values, entries, x);
    }
    let chunks = indices.par_chunks(CHUNK).zip(values.par_chunks(CHUNK));
    let sums: std::result::Result<Vec<X>, OutOfRange> =
        chunks.map(|chunk| line_sum(chunk, SumShape::Interleaved, entries, x)).collect();
    Ok(sums?.into_iter().fold(X::zero(), |all, sum| all + sum))
}

/// `sum` plus the terms, added sequentially.
#[inline(always)]
fn sum_from<T: Factor<X>, I: Copy + Into<u64>, X: Scalar>(
    mut sum: X,
    indices: &[I],
    values: &[T],
    entries: Conjugation,
    x: &[X],
) -> std::result::Result<X, OutOfRange> {
    for (&index, &value) in indices.iter().zip(values) {
        sum += entries.times(value, *x.get(index.into() as usize).ok_or(OutOfRange)?);
    }
    Ok(sum)
}

/// The sum over a row, or a chunk of one, in interleaved sums.
#[inline(always)]
fn sum_in_lanes<T: Factor<X>, I: Copy + Into<u64>, X: Scalar>(
    indices: &[I],
    values: &[T],
    entries: Conjugation,
    x: &[X],
) -> std::result::Result<X, OutOfRange> {
    let (steps, last_indices) = indices.as_chunks::<STEP>();
    let (step_values, last_values) = values.as_chunks::<STEP>();
    let mut lanes = [X::zero(); STEP];
    for (indices, values) in steps.iter().zip(step_values) {
        prefetch_ahead(indices, values);
        for lane in 0..STEP {
            let x = *x.get(indices[lane].into() as usize).ok_or(OutOfRange)?;
            lanes[lane] += entries.times(values[lane], x);
        }
    }
    let [a0, a1, a2, a3, a4, a5, a6, a7] = lanes;
    let sum = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7));
    sum_from(sum, last_indices, last_values, entries, x)
}

/// Prefetches the entries `AHEAD` after the first of these, which may be another row's.
#[inline(always)]
fn prefetch_ahead<T, I>(indices: &[I], values: &[T]) {
    prefetch_to_read(indices, AHEAD);
    prefetch_to_read(values, AHEAD);
}

/// Prefetches the entries `AHEAD` after `position`.
#[inline(always)]
pub(crate) fn prefetch_entries<T, I>(a: Panel<'_, T, I>, position: usize) {
    prefetch_to_read(a.indices, position + AHEAD);
    prefetch_to_read(a.values, position + AHEAD);
}

fn gather_tiles<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> std::result::Result<(), OutOfRange> {
    let x = &x[..a.columns() * k];
    let ahead = rows_ahead::<X>(k);
    processor::widest(
        #[inline(always)]
        || {
            for (i, y) in y.chunks_exact_mut(k).enumerate() {
                let range = a.row(i)?;
                prefetch_entries(a, range.start);
                let next = range.start + ahead..range.end + ahead;
                for index in a.indices.get(next).filter(|_| k > 16).unwrap_or_default() {
                    prefetch_row(x, index.to_usize(), k);
                }
                let row = (&a.indices[range.clone()], &a.values[range]);
                tiles(row, SumShape::Interleaved, entries, update, x, y)?;
            }
            Ok(())
        },
    )
}

/// Entries by which rows of X are prefetched ahead: as many as can be in flight from memory at a time.
pub(crate) fn rows_ahead<X>(k: usize) -> usize {
    (LINES_AHEAD * CACHE_LINE / (k * size_of::<X>()).max(CACHE_LINE)).max(4)
}

/// Prefetches row `row` of X, which need not exist.
#[inline(always)]
pub(crate) fn prefetch_row<X>(x: &[X], row: usize, k: usize) {
    prefetch_lines(x, row.wrapping_mul(k), k);
}

/// One output row `y`, tile by tile.
#[inline(always)]
pub(crate) fn tiles<T: Factor<X>, I: Copy + Into<u64> + Sync, X: Scalar>(
    row: (&[I], &[T]),
    sums: SumShape,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
) -> std::result::Result<(), OutOfRange> {
    if row.0.len() > CHUNK && sums == SumShape::Interleaved {
        return tiles_of_chunks(row, entries, update, x, y);
    }
    let mut column = 0;
    while column < y.len() {
        column += match y.len() - column {
            16.. => tile::<16, _, _, _>(row, entries, update, x, y, column)?,
            8.. => tile::<8, _, _, _>(row, entries, update, x, y, column)?,
            4.. => tile::<4, _, _, _>(row, entries, update, x, y, column)?,
            2.. => tile::<2, _, _, _>(row, entries, update, x, y, column)?,
            _ => tile::<1, _, _, _>(row, entries, update, x, y, column)?,
        };
    }
    Ok(())
}

/// One output row, from the sums over chunks of a long row.
#[inline(never)]
fn tiles_of_chunks<T: Factor<X>, I: Copy + Into<u64> + Sync, X: Scalar>(
    (indices, values): (&[I], &[T]),
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
) -> std::result::Result<(), OutOfRange> {
    let chunks = indices.par_chunks(CHUNK).zip(values.par_chunks(CHUNK));
    let sums: std::result::Result<Vec<Vec<X>>, OutOfRange> = chunks
        .map(|chunk| {
            let mut sums = vec![X::zero(); y.len()];
            tiles(chunk, SumShape::InOrder, entries, Update::Set, x, &mut sums)?;
            Ok(sums)
        })
        .collect();
    let mut all = vec![X::zero(); y.len()];
    for sums in sums? {
        all.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
    }
    all.into_iter().zip(y).for_each(|(sum, y)| update.apply(sum, y));
    Ok(())
}

/// `WIDTH` neighbouring columns of one output row `y`, starting at `column`; returns `WIDTH`.
#[inline(always)]
fn tile<const WIDTH: usize, T: Factor<X>, I: Copy + Into<u64>, X: Scalar>(
    (indices, values): (&[I], &[T]),
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    column: usize,
) -> std::result::Result<usize, OutOfRange> {
    let k = y.len();
    let mut sums = [X::zero(); WIDTH];
    for (index, value) in indices.iter().zip(values) {
        // Saturated, an invalid index is beyond every slice; wrapped, it might be in range.
        let start = ((*index).into() as usize).saturating_mul(k).saturating_add(column);
        let x = x.get(start..).and_then(|x| x.first_chunk::<WIDTH>()).ok_or(OutOfRange)?;
        entries.add_times(&mut sums, &[*value; WIDTH], x);
    }
    let y = y.get_mut(column..).and_then(|y| y.first_chunk_mut()).ok_or(OutOfRange)?;
    update.apply_all(sums, y);
    Ok(WIDTH)
}
