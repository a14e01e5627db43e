//! The scatter for matrices without locality: terms are sorted by output before they are added.
//!
//! ```text
//! for each round of some blocks of rows:
//!     for each block, in parallel:      send every entry to the bin of its column
//!     for each bin, in parallel:        for each block in order:  y[j] += a * (alpha * x[i]) for what it sent
//! ```
//!
//! A bin is a range of columns and one task adds for it, so there is nothing to lock; blocks in order and entries in
//! order within a block keep every output's terms in the order of the rows. A bin's part of `y` stays in the cache
//! while its terms come in, which a plain scatter into a long `y` cannot have (propagation blocking: Beamer, Asanović
//! and Patterson, "Reducing PageRank communication via propagation blocking", IPDPS 2017).
//!
//! 1. Parcels carry the entry, not the term, so that they have one size for any number of right-hand sides and a
//!    pattern's are 8 bytes.
//! 2. Rounds bound the memory: about 65,536 parcels for each of four blocks a thread, whatever the size of the matrix.
//! 3. A row longer than a block would break that bound. It is not sent; every thread scans it for its own columns.

use std::ops::Range;

use rayon::prelude::*;

use super::panel::{Fault, Panel};
use super::scatter;
use super::update::Entries;
use crate::linalg::{Factor, Scalar, partition};
use crate::storage::Index;

/// Rows and entries of a block.
const BLOCK: usize = 1 << 16;

/// Most bins: as many streams as one thread can write to at once.
const BINS: usize = 256;

/// An entry on its way to its bin.
struct Parcel<T, I> {
    column: I,
    /// Counted from the start of the block.
    row: u32,
    value: T,
}

/// What one block sent, by bin.
type Outbox<T, I> = Vec<Vec<Parcel<T, I>>>;

/// Adds the terms of all rows to `y`.
pub(super) fn add<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    alpha: X,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<(), Fault> {
    let width = a.ncols().div_ceil(BINS).max(1).next_power_of_two();
    let bins = a.ncols().div_ceil(width);
    let round = 4 * rayon::current_num_threads();
    let mut outboxes: Vec<Outbox<T, I>> = Vec::new();
    outboxes.resize_with(round, || std::iter::repeat_with(Vec::new).take(bins).collect());

    let blocks = partition::split(a.indptr, (partition::cost(a.indptr) / BLOCK).max(1));
    let long = |block: &Range<usize>| partition::cost(a.rows(block.clone()).indptr) > 4 * BLOCK;
    for stretch in blocks.chunk_by(|block, next| !long(block) && !long(next)) {
        if long(&stretch[0]) {
            let rows = stretch[0].clone();
            let x = &x[rows.start * k..rows.end * k];
            add_long_rows(a.rows(rows), entries, alpha, x, y, k)?;
            continue;
        }
        for blocks in stretch.chunks(round) {
            blocks
                .par_iter()
                .zip(&mut outboxes)
                .try_for_each(|(block, outbox)| send(a.rows(block.clone()), width, outbox))?;
            y.par_chunks_mut(width * k).enumerate().for_each(|(bin, y)| {
                for (block, outbox) in blocks.iter().zip(&outboxes) {
                    let x = &x[block.start * k..block.end * k];
                    receive(&outbox[bin], entries, alpha, x, y, k, bin * width);
                }
            });
        }
    }
    Ok(())
}

/// Sends the block's entries to their bins, `width` columns each, a power of two.
fn send<T: Copy, I: Index, P: Index>(
    block: Panel<'_, T, I, P>,
    width: usize,
    outbox: &mut Outbox<T, I>,
) -> Result<(), Fault> {
    let shift = width.trailing_zeros();
    let limit = block.last_column().map_or(0, |last| last + 1);
    outbox.iter_mut().for_each(Vec::clear);
    for i in 0..block.nrows() {
        let range = block.row(i)?;
        let row = u32::try_from(i).map_err(|_| Fault)?;
        for (&column, &value) in block.indices[range.clone()].iter().zip(&block.values[range]) {
            let j = column.to_usize();
            if j >= limit {
                return Err(Fault);
            }
            outbox[j >> shift].push(Parcel { column, row, value });
        }
    }
    Ok(())
}

/// Adds what a block sent to the bin of the columns from `first` on.
fn receive<T: Factor<X>, I: Index, X: Scalar>(
    parcels: &[Parcel<T, I>],
    entries: Entries,
    alpha: X,
    x: &[X],
    y: &mut [X],
    k: usize,
    first: usize,
) {
    if k == 1 {
        for parcel in parcels {
            let x = alpha * x[parcel.row as usize];
            y[parcel.column.to_usize() - first] += entries.times(parcel.value, x);
        }
        return;
    }
    for parcel in parcels {
        let x = &x[parcel.row as usize * k..][..k];
        let y = &mut y[(parcel.column.to_usize() - first) * k..][..k];
        for (y, x) in y.iter_mut().zip(x) {
            *y += entries.times(parcel.value, alpha * *x);
        }
    }
}

/// Adds rows too long for bins: every thread reads them all and adds what falls into its columns.
fn add_long_rows<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    alpha: X,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<(), Fault> {
    let width = a.ncols().div_ceil(rayon::current_num_threads()).max(1);
    let starts = (0..a.ncols()).step_by(width);
    let owners = starts.map(|start| start..(start + width).min(a.ncols())).collect();
    scatter::outputs_of(owners, y, k).into_par_iter().try_for_each(|(owner, y)| {
        scatter::add(a, entries, alpha, x, y, k, &owner, false)
    })
}
