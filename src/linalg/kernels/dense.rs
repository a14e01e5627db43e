//! Products of a dense matrix whose rows are contiguous; a Fortran-ordered one is the transposed call.
//!
//! ```text
//! gather:   for each row i:            y[i] = alpha * dot(a[i], x) + beta * y[i]
//! scatter:  for each block of rows:    part = sum of x[i] * a[i] over its rows;  y += alpha * part
//! ```
//!
//! 1. A dot product runs in `LANES` partial sums, added up as a tree, and a tail: the shape depends on the length alone.
//! 2. The height of a scatter's blocks depends on the number of columns alone, parts enter `y` from top to bottom, and within
//!    a block every column takes its rows from top to bottom. Panels cut at multiples of [`scatter_height`] therefore
//!    give the bits of the whole.
//! 3. A scatter's threads share out the columns where there are many, and need no memory; else they share out the
//!    blocks, each with a part of its own, and the parts are short. Both ways add the same numbers in the same order.
//! 4. A scatter adds wide rows eight at a time, so that sums stay in registers (19 GB/s on one thread against 10), and narrow
//!    ones singly, in one stream that the hardware prefetches (28 GB/s against 10). Rows so wide that blocks have fewer than
//!    eight go eight at a time as well, block by block (two threads: 29 GB/s against 12). The order of additions is the same.
//! 5. Of long rows a gather takes four side by side, so that `x` comes from the nearest cache (31 GB/s against 26).

use std::ops::Range;

use rayon::prelude::*;

use super::processor;
use super::update::{Alpha, Entries, Update, check_len};
use crate::error::{Error, Result};
use crate::linalg::{Factor, Scalar};

/// Interleaved partial sums of a dot product: 8 vector registers of `f64` in the smallest instruction set.
const LANES: usize = 16;

/// Numbers of `x` that stay in the nearest cache while `TOGETHER` rows, which come as so many streams, take them.
const NEAR: usize = if cfg!(test) { 32 } else { 1024 };
const TOGETHER: usize = 4;

/// Numbers of the matrix that make a task worth its while; few in tests, so that they see many tasks.
const TASK: usize = if cfg!(test) { 64 } else { 1 << 16 };

/// Rows that make adding a part to the output cheap beside making it.
const LEAST_HEIGHT: usize = if cfg!(test) { 16 } else { 64 };

/// Numbers of a block beyond which it has fewer rows than that: a block is the least that a panel can hold.
const MOST_NUMBERS: usize = 1 << 19;

/// Rows that a scatter adds in one go, if they are at least `WIDE`.
const TALL: usize = 8;
const WIDE: usize = if cfg!(test) { 20 } else { 512 };

/// Columns in a task of a scatter that shares out columns.
const STRIP: usize = if cfg!(test) { 30 } else { 2048 };

/// `nrows` rows of `ncols` numbers, `stride` numbers from the start of one row to that of the next.
pub(crate) struct DenseRows<'a, T> {
    data: &'a [T],
    nrows: usize,
    ncols: usize,
    stride: usize,
}

impl<T> Clone for DenseRows<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for DenseRows<'_, T> {}

impl<'a, T> DenseRows<'a, T> {
    /// Fails if rows overlap or reach beyond `data`.
    pub(crate) fn new(data: &'a [T], nrows: usize, ncols: usize, stride: usize) -> Result<Self> {
        let needed = match nrows {
            0 => Some(0),
            _ => (nrows - 1).checked_mul(stride).and_then(|start| start.checked_add(ncols)),
        };
        if needed.is_none_or(|needed| needed > data.len()) || (stride < ncols && nrows > 1) {
            let shape = format!("{nrows} rows of {ncols}, {stride} apart");
            return Err(Error::shape("dense matrix", shape, format!("{} numbers", data.len())));
        }
        Ok(DenseRows { data, nrows, ncols, stride })
    }

    #[inline(always)]
    fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..][..self.ncols]
    }
}

/// Rows in a block of [`dense_scatter`]; cut a matrix into panels at its multiples to keep the bits of the whole.
pub(crate) fn scatter_height(ncols: usize) -> usize {
    let least = LEAST_HEIGHT.min(MOST_NUMBERS / ncols.max(1)).max(1);
    (TASK / ncols.max(1)).max(least).next_power_of_two()
}

/// Y = alpha A X + beta Y, one pass over A; X is ncols x k and Y nrows x k, both row-major.
pub(crate) fn dense_gather<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    entries: Entries,
    update: Update<X>,
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
        processor::widest(|| match k {
            1 if a.ncols > NEAR => dots(row, entries, update, x, y),
            1 => (y.iter_mut().enumerate())
                .for_each(|(i, y)| update.apply(dot(row(i), entries, x), y)),
            _ => (y.chunks_exact_mut(k).enumerate())
                .for_each(|(i, y)| row_times_block(row(i), entries, update, x, y)),
        });
    });
    Ok(())
}

/// Products of long rows: a few rows take one part of `x` after the other, so that it comes from the nearest cache.
#[inline(always)]
fn dots<'a, T: Factor<X>, X: Scalar>(
    row: impl Fn(usize) -> &'a [T],
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
) {
    let whole = x.len() / LANES * LANES;
    for (group, y) in y.chunks_mut(TOGETHER).enumerate() {
        let mut lanes = [[X::zero(); LANES]; TOGETHER];
        for start in (0..whole).step_by(NEAR) {
            let part = start..whole.min(start + NEAR);
            for (i, lanes) in lanes.iter_mut().enumerate().take(y.len()) {
                *lanes = add_to_lanes(
                    *lanes,
                    &row(group * TOGETHER + i)[part.clone()],
                    entries,
                    &x[part.clone()],
                );
            }
        }
        for (i, (lanes, y)) in lanes.into_iter().zip(y).enumerate() {
            let row = &row(group * TOGETHER + i)[whole..];
            update.apply(total(lanes, row, entries, &x[whole..]), y);
        }
    }
}

#[inline(always)]
fn dot<T: Factor<X>, X: Scalar>(row: &[T], entries: Entries, x: &[X]) -> X {
    let whole = x.len() / LANES * LANES;
    let lanes = add_to_lanes([X::zero(); LANES], &row[..whole], entries, &x[..whole]);
    total(lanes, &row[whole..], entries, &x[whole..])
}

/// Adds the products of whole groups of `LANES`.
#[inline(always)]
fn add_to_lanes<T: Factor<X>, X: Scalar>(
    mut lanes: [X; LANES],
    row: &[T],
    entries: Entries,
    x: &[X],
) -> [X; LANES] {
    for (row, x) in row.as_chunks::<LANES>().0.iter().zip(x.as_chunks::<LANES>().0) {
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
    entries: Entries,
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

/// One row of the output, eight columns at a time; the row comes again from the cache for the next eight.
#[inline(always)]
fn row_times_block<T: Factor<X>, X: Scalar>(
    row: &[T],
    entries: Entries,
    update: Update<X>,
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

/// Y = alpha Aᵀ X + beta Y, one pass over A; X is nrows x k and Y ncols x k, both row-major.
///
/// Work space: [`scatter_sums`] for each column of X.
pub(crate) fn dense_scatter<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    check_len("x", x, a.nrows, k)?;
    check_len("y", y, a.ncols, k)?;
    if k == 0 || a.ncols == 0 {
        return Ok(());
    }
    let threads = rayon::current_num_threads();
    if a.ncols >= STRIP * threads {
        scatter_by_columns(a, entries, update, x, y, k);
    } else {
        scatter_by_blocks(a, entries, update, x, y, k, 2 * threads);
    }
    Ok(())
}

/// Numbers of work space, at most, for each column of X.
pub(crate) fn scatter_sums(ncols: usize, threads: usize) -> usize {
    // Strips are worked on side by side; blocks of narrow rows are, two for each thread.
    2 * threads * ncols.min(STRIP * threads)
}

/// The blocks of rows that a scatter adds up one by one.
fn blocks(nrows: usize, ncols: usize) -> impl Iterator<Item = Range<usize>> {
    let height = scatter_height(ncols);
    (0..nrows).step_by(height).map(move |start| start..(start + height).min(nrows))
}

fn scatter_by_columns<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
) {
    y.par_chunks_mut(STRIP * k).enumerate().for_each(|(strip, y)| {
        update.prepare(y);
        let columns = strip * STRIP..strip * STRIP + y.len() / k;
        let done = if k == 1 {
            add_low_blocks(a, columns.clone(), entries, update.alpha, x, y)
        } else {
            0
        };
        let mut part = vec![X::zero(); y.len()];
        for rows in blocks(a.nrows, a.ncols).filter(|rows| rows.start >= done) {
            fill_part(a, rows, columns.clone(), entries, x, &mut part, k);
            add_part(update.alpha, &part, y);
        }
    });
}

/// Adds as many rows as it can of blocks lower than `TALL`, that many rows in one go: how many it added.
fn add_low_blocks<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    columns: Range<usize>,
    entries: Entries,
    alpha: Alpha<X>,
    x: &[X],
    y: &mut [X],
) -> usize {
    let (height, whole) = (scatter_height(a.ncols), a.nrows / TALL * TALL);
    if height >= TALL {
        return 0;
    }
    for (i, x) in (0..whole).step_by(TALL).zip(x.as_chunks::<TALL>().0) {
        let tall = std::array::from_fn(|r| &a.row(i + r)[columns.clone()]);
        processor::widest(|| match height {
            1 => add_tall::<1, T, X>(tall, entries, alpha, x, y),
            2 => add_tall::<2, T, X>(tall, entries, alpha, x, y),
            _ => add_tall::<4, T, X>(tall, entries, alpha, x, y),
        });
    }
    whole
}

fn scatter_by_blocks<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
    at_once: usize,
) {
    update.prepare(y);
    let all: Vec<_> = blocks(a.nrows, a.ncols).collect();
    let mut parts = vec![vec![X::zero(); y.len()]; at_once.min(all.len())];
    for round in all.chunks(at_once) {
        round.par_iter().zip(&mut parts).for_each(|(rows, part)| {
            fill_part(a, rows.clone(), 0..a.ncols, entries, x, part, k);
        });
        parts.iter().take(round.len()).for_each(|part| add_part(update.alpha, part, y));
    }
}

fn add_part<X: Scalar>(alpha: Alpha<X>, part: &[X], y: &mut [X]) {
    y.iter_mut().zip(part).for_each(|(y, part)| *y += alpha.of(*part));
}

/// `part = the sum of x[i] * a[i][columns]` over `rows`, from top to bottom.
fn fill_part<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    rows: Range<usize>,
    columns: Range<usize>,
    entries: Entries,
    x: &[X],
    part: &mut [X],
    k: usize,
) {
    part.fill(X::zero());
    let mut i = rows.start;
    while k == 1 && columns.len() >= WIDE && i + TALL <= rows.end {
        let tall = std::array::from_fn(|r| &a.row(i + r)[columns.clone()]);
        let x = x[i..].first_chunk().expect("a number for each row");
        // Every row is added by itself, as a block of one.
        processor::widest(|| add_tall::<1, T, X>(tall, entries, Alpha::One, x, part));
        i += TALL;
    }
    processor::widest(|| {
        for i in i..rows.end {
            add_row(&a.row(i)[columns.clone()], entries, &x[i * k..][..k], part);
        }
    });
}

#[inline(always)]
fn add_row<T: Factor<X>, X: Scalar>(row: &[T], entries: Entries, x: &[X], part: &mut [X]) {
    if let [x] = x {
        return part.iter_mut().zip(row).for_each(|(part, a)| *part += entries.times(*a, *x));
    }
    for (part, a) in part.chunks_exact_mut(x.len()).zip(row) {
        part.iter_mut().zip(x).for_each(|(part, x)| *part += entries.times(*a, *x));
    }
}

/// Adds `TALL` rows in blocks of `H` to `y`, `LANES` columns at a time, whose sums stay in registers for all the rows.
#[inline(always)]
fn add_tall<const H: usize, T: Factor<X>, X: Scalar>(
    rows: [&[T]; TALL],
    entries: Entries,
    alpha: Alpha<X>,
    x: &[X; TALL],
    y: &mut [X],
) {
    let (tiles, tail) = y.as_chunks_mut::<LANES>();
    let (row_tiles, row_tails) = (
        rows.map(|row| &row.as_chunks::<LANES>().0[..tiles.len()]),
        rows.map(|row| row.as_chunks::<LANES>().1),
    );
    for (t, tile) in tiles.iter_mut().enumerate() {
        let mut sums = *tile;
        for (rows, x) in row_tiles.as_chunks::<H>().0.iter().zip(x.as_chunks::<H>().0) {
            add_block(rows.map(|row| &row[t]), entries, alpha, x, &mut sums);
        }
        *tile = sums;
    }
    for (j, y) in tail.iter_mut().enumerate() {
        for (rows, x) in row_tails.as_chunks::<H>().0.iter().zip(x.as_chunks::<H>().0) {
            add_block(
                rows.map(|row| std::array::from_ref(&row[j])),
                entries,
                alpha,
                x,
                std::array::from_mut(y),
            );
        }
    }
}

/// `y += alpha times the sum of x[i] * a[i]` over the rows of a block.
#[inline(always)]
fn add_block<const H: usize, const N: usize, T: Factor<X>, X: Scalar>(
    rows: [&[T; N]; H],
    entries: Entries,
    alpha: Alpha<X>,
    x: &[X; H],
    y: &mut [X; N],
) {
    let mut part = [X::zero(); N];
    for (row, x) in rows.iter().zip(x) {
        for (part, a) in part.iter_mut().zip(*row) {
            *part += entries.times(*a, *x);
        }
    }
    y.iter_mut().zip(part).for_each(|(y, part)| *y += alpha.of(part));
}
