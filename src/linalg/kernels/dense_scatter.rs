//! Dense scatter: every contiguous row of a dense matrix adds to all outputs.
//!
//! ```text
//! for each block of rows:  part = sum of x[i] * a[i] over its rows;  y += part
//! ```
//!
//! 1. The height of the blocks depends only on the number of columns, parts are added to `y` from top to bottom, and
//!    within a block every column adds its rows from top to bottom. So panels cut at multiples of [`scatter_height`]
//!    give the bits of the whole.
//! 2. If there are many columns, threads divide the columns and need no memory; otherwise they divide the blocks, each
//!    with a separate part, and the parts are short. Both methods add the same numbers in the same order.
//! 3. Wide rows are added eight at a time, so that sums stay in registers (19 GB/s on one thread against 10), and
//!    narrow ones singly, as one stream that the hardware prefetches (28 GB/s against 10). Rows so wide that blocks
//!    have fewer than eight are also added eight at a time, block by block (two threads: 29 GB/s against 12). The order
//!    of additions is the same.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::dense_rows::{DenseRows, TASK};
use crate::linalg::kernels::processor;
use crate::linalg::kernels::update::{Conjugation, Update, check_len};
use crate::storage::parallel;
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::prefetch_ahead;

/// Rows that make adding a part to the output cheap compared with computing it.
const LEAST_HEIGHT: usize = 64;

/// Numbers of a block beyond which it has fewer rows than that: a block is the least that a panel can have.
const MOST_NUMBERS: usize = 1 << 19;

/// Rows that a scatter adds at a time, if they are at least `WIDE`.
const TALL: usize = 8;
const WIDE: usize = 512;

/// Columns whose sums stay in registers while `TALL` rows are added: 8 of `f64` in the smallest instruction set.
const COLUMNS: usize = 16;

/// Numbers of the parts that are computed at once, if rows are narrow.
const PARTS: usize = 1 << 14;

/// Columns in a task of a scatter that divides columns.
const BAND: usize = 2048;

/// Rows in a block of [`dense_scatter`]; cut a matrix into panels at its multiples to keep the bits of the whole.
pub(crate) fn scatter_height(ncols: usize) -> usize {
    let least = LEAST_HEIGHT.min(MOST_NUMBERS / ncols.max(1)).max(1);
    (TASK / ncols.max(1)).max(least).next_power_of_two()
}

/// Y = Aᵀ X, or Y += Aᵀ X, one pass over A; X is nrows x k and Y ncols x k, both row-major.
///
/// Work space: [`scatter_sums`] for each column of X.
pub(crate) fn dense_scatter<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    check_len("x", x, a.nrows, k)?;
    check_len("y", y, a.ncols, k)?;
    if k == 0 || a.ncols == 0 {
        return Ok(());
    }
    let threads = parallel::threads();
    if a.ncols >= BAND * threads {
        scatter_by_columns(a, entries, update, x, y, k);
    } else {
        let mut work =
            || scatter_by_blocks(a, entries, update, x, y, k, blocks_at_once(a.ncols, threads));
        match a.nrows.saturating_mul(a.ncols) > TASK {
            true => parallel::within(work),
            false => work(),
        }
    }
    Ok(())
}

/// Maximum numbers of work space per column of X.
pub(crate) fn scatter_sums(ncols: usize, threads: usize) -> usize {
    blocks_at_once(ncols, threads) * ncols.min(BAND * threads)
}

/// Blocks between two synchronisations of the threads: two per thread, more for narrow rows, so that synchronising
/// costs nothing.
fn blocks_at_once(ncols: usize, threads: usize) -> usize {
    (2 * threads).max(PARTS / ncols.max(1))
}

/// The blocks of rows that a scatter adds up one by one.
fn blocks(nrows: usize, ncols: usize) -> impl Iterator<Item = Range<usize>> {
    let height = scatter_height(ncols);
    (0..nrows).step_by(height).map(move |start| start..(start + height).min(nrows))
}

fn scatter_by_columns<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) {
    y.par_chunks_mut(BAND * k).enumerate().for_each(|(band, y)| {
        update.prepare(y);
        let columns = band * BAND..band * BAND + y.len() / k;
        let done = if k == 1 { add_low_blocks(a, columns.clone(), entries, x, y) } else { 0 };
        let mut part = vec![X::zero(); y.len()];
        for rows in blocks(a.nrows, a.ncols).filter(|rows| rows.start >= done) {
            fill_part(a, rows, columns.clone(), entries, x, &mut part, k);
            add_part(&part, y);
        }
    });
}

/// Adds as many rows as possible of blocks lower than `TALL`, `TALL` rows at a time; returns the number of rows added.
fn add_low_blocks<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    columns: Range<usize>,
    entries: Conjugation,
    x: &[X],
    y: &mut [X],
) -> usize {
    let (height, whole) = (scatter_height(a.ncols), a.nrows / TALL * TALL);
    if height >= TALL {
        return 0;
    }
    for (i, x) in (0..whole).step_by(TALL).zip(x.as_chunks::<TALL>().0) {
        let tall = std::array::from_fn(|r| &a.row(i + r)[columns.clone()]);
        // Wider vectors gained nothing here, and would take three times the code.
        match height {
            1 => add_tall::<1, T, X>(tall, entries, x, y),
            2 => add_tall::<2, T, X>(tall, entries, x, y),
            _ => add_tall::<4, T, X>(tall, entries, x, y),
        }
    }
    whole
}

fn scatter_by_blocks<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
    at_once: usize,
) {
    update.prepare(y);
    let all: Vec<_> = blocks(a.nrows, a.ncols).collect();
    let mut parts = vec![vec![X::zero(); y.len()]; at_once.min(all.len())];
    for blocks in all.chunks(at_once) {
        blocks.par_iter().zip(&mut parts).for_each(|(rows, part)| {
            fill_part(a, rows.clone(), 0..a.ncols, entries, x, part, k);
        });
        parts.iter().take(blocks.len()).for_each(|part| add_part(part, y));
    }
}

fn add_part<X: Scalar>(part: &[X], y: &mut [X]) {
    y.iter_mut().zip(part).for_each(|(y, part)| *y += *part);
}

/// `part = the sum of x[i] * a[i][columns]` over `rows`, from top to bottom.
fn fill_part<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    rows: Range<usize>,
    columns: Range<usize>,
    entries: Conjugation,
    x: &[X],
    part: &mut [X],
    k: usize,
) {
    part.fill(X::zero());
    let mut i = rows.start;
    while k == 1 && columns.len() >= WIDE && i + TALL <= rows.end {
        let tall = std::array::from_fn(|r| &a.row(i + r)[columns.clone()]);
        let x = x[i..].first_chunk().expect("a number for each row");
        // Every row is added separately, as a block of one.
        processor::widest(
            #[inline(always)]
            || add_tall::<1, T, X>(tall, entries, x, part),
        );
        i += TALL;
    }
    processor::widest(
        #[inline(always)]
        || {
            for i in i..rows.end {
                add_row(&a.row(i)[columns.clone()], entries, &x[i * k..][..k], part);
            }
        },
    );
}

#[inline(always)]
fn add_row<T: Factor<X>, X: Scalar>(row: &[T], entries: Conjugation, x: &[X], part: &mut [X]) {
    if let [x] = x {
        prefetch_ahead(row);
        return part.iter_mut().zip(row).for_each(|(part, a)| *part += entries.times(*a, *x));
    }
    for (part, a) in part.chunks_exact_mut(x.len()).zip(row) {
        part.iter_mut().zip(x).for_each(|(part, x)| *part += entries.times(*a, *x));
    }
}

/// Adds `TALL` rows in blocks of `H` to `y`, `COLUMNS` columns at a time, whose sums stay in registers for all the
/// rows.
#[inline(always)]
fn add_tall<const H: usize, T: Factor<X>, X: Scalar>(
    rows: [&[T]; TALL],
    entries: Conjugation,
    x: &[X; TALL],
    y: &mut [X],
) {
    let (tiles, tail) = y.as_chunks_mut::<COLUMNS>();
    let (row_tiles, row_tails) = (
        rows.map(|row| &row.as_chunks::<COLUMNS>().0[..tiles.len()]),
        rows.map(|row| row.as_chunks::<COLUMNS>().1),
    );
    for (t, tile) in tiles.iter_mut().enumerate() {
        let mut sums = *tile;
        for (rows, x) in row_tiles.as_chunks::<H>().0.iter().zip(x.as_chunks::<H>().0) {
            add_block(rows.map(|row| &row[t]), entries, x, &mut sums);
        }
        *tile = sums;
    }
    for (j, y) in tail.iter_mut().enumerate() {
        for (rows, x) in row_tails.as_chunks::<H>().0.iter().zip(x.as_chunks::<H>().0) {
            add_block(
                rows.map(|row| std::array::from_ref(&row[j])),
                entries,
                x,
                std::array::from_mut(y),
            );
        }
    }
}

/// `y += the sum of x[i] * a[i]` over the rows of a block.
#[inline(always)]
fn add_block<const H: usize, const N: usize, T: Factor<X>, X: Scalar>(
    rows: [&[T; N]; H],
    entries: Conjugation,
    x: &[X; H],
    y: &mut [X; N],
) {
    let mut part = [X::zero(); N];
    for (row, x) in rows.iter().zip(x) {
        for (part, a) in part.iter_mut().zip(*row) {
            *part += entries.times(*a, *x);
        }
    }
    y.iter_mut().zip(part).for_each(|(y, part)| *y += part);
}
