//! The scatter for matrices without locality: terms are sorted by output before they are added.
//!
//! ```text
//! for some blocks of rows at a time:
//!     for each block, in parallel:      send every entry to the bin of its column
//!     for each bin, in parallel:        for each block in order:  y[j] += a * x[i] for the entries it sent
//! ```
//!
//! A bin is a range of columns with one task, so no lock is needed; blocks in order and entries in
//! order within a block keep every output's terms in the order of the rows. A bin's part of `y` stays in the cache
//! while its terms are added, unlike in a plain scatter into a long `y` (propagation blocking: Beamer, Asanović
//! and Patterson, "Reducing PageRank communication via propagation blocking", IPDPS 2017).
//!
//! 1. Parcels have the entry, not the term, so that they have one size for any number of right-hand sides, and a
//!    pattern's are 8 bytes.
//! 2. Few blocks at a time bound the memory: about 16,384 parcels for each of four blocks per thread, whatever the size
//!    of the matrix.
//! 3. A row longer than a block would break that bound. It is not sent; every thread scans it for its own columns.

use std::ops::Range;

use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::gather::prefetch_entries;
use crate::linalg::kernels::panel::{OutOfRange, Panel};
use crate::linalg::kernels::scatter_rows;
use crate::linalg::kernels::update::Conjugation;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Entry, Index, parallel};

/// Rows and entries of a block: its parcels, usually 16 bytes each, stay in the second-level cache.
pub(crate) const BLOCK: usize = 1 << 14;

/// Maximum bins: as many streams as one thread can write at once.
const BINS: usize = 64;

/// An entry sent to its bin.
#[derive(Clone, Copy)]
struct Parcel<T, I> {
    column: I,
    /// Counted from the start of the block.
    row: u32,
    value: T,
}

/// What one block sent, sorted by bin; reused every time.
struct Outbox<T, I> {
    /// The end of each bin's parcels, with the previous bin's end before it.
    ends: Vec<usize>,
    parcels: Vec<Parcel<T, I>>,
}

/// Bytes of all outboxes, at most: a block that is not a long row is at most four times its size.
pub(crate) fn memory(value: usize, index: usize, threads: usize) -> u64 {
    let row = size_of::<u32>();
    // The size of a struct of the three, with fields ordered by alignment.
    let align = value.max(index).clamp(row, size_of::<u64>());
    let parcel = (value + index + row).next_multiple_of(align);
    (4 * threads * 4 * BLOCK * parcel) as u64
}

/// Adds the terms of all rows to `y`, sent in blocks of about `block` rows and entries.
pub(crate) fn add<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    x: &[X],
    y: &mut [X],
    k: usize,
    block: usize,
) -> Result<(), OutOfRange> {
    let width = a.ncols().div_ceil(BINS).max(1).next_power_of_two();
    let bins = a.ncols().div_ceil(width);
    let at_once = 4 * parallel::threads();
    let empty = || Outbox { ends: vec![0; bins], parcels: Vec::new() };
    let mut outboxes: Vec<Outbox<T, I>> = std::iter::repeat_with(empty).take(at_once).collect();

    let blocks = a.split((a.cost() / block).max(1));
    let long = |rows: &Range<usize>| a.rows(rows.clone()).cost() > 4 * block;
    for run in blocks.chunk_by(|rows, next| !long(rows) && !long(next)) {
        if long(&run[0]) {
            let rows = run[0].clone();
            let x = &x[rows.start * k..rows.end * k];
            add_long_rows(a.rows(rows), entries, x, y, k)?;
            continue;
        }
        for blocks in run.chunks(at_once) {
            blocks
                .par_iter()
                .zip(&mut outboxes)
                .try_for_each(|(block, outbox)| outbox.send(a.rows(block.clone()), width))?;
            y.par_chunks_mut(width * k).enumerate().for_each(|(bin, y)| {
                for (block, outbox) in blocks.iter().zip(&outboxes) {
                    let x = &x[block.start * k..block.end * k];
                    receive(outbox.bin(bin), entries, x, y, k, bin * width);
                }
            });
        }
    }
    Ok(())
}

impl<T: Entry, I: Index> Outbox<T, I> {
    /// Sorts the block's entries into their bins, `width` columns each, a power of two.
    ///
    /// Two passes over the indices, the second from the cache: bins that grow simultaneously would evict one another.
    fn send(&mut self, block: Panel<'_, T, I>, width: usize) -> Result<(), OutOfRange> {
        let shift = width.trailing_zeros();
        self.ends.fill(0);
        for i in 0..block.nrows() {
            for index in &block.indices[block.row(i)?] {
                *self.ends.get_mut(index.to_usize() >> shift).ok_or(OutOfRange)? += 1;
            }
        }
        let mut total = 0;
        let mut next = self.ends.clone();
        for (next, end) in next.iter_mut().zip(&mut self.ends) {
            *next = total;
            total += *end;
            *end = total;
        }
        let nothing = Parcel { column: I::from_usize(0), row: 0, value: T::zeroed() };
        self.parcels.resize(self.parcels.len().max(total), nothing);
        self.place(block, shift, &mut next)?;
        // Both passes must have read the same; a file may change between them.
        if next == self.ends { Ok(()) } else { Err(OutOfRange) }
    }

    fn place(
        &mut self,
        block: Panel<'_, T, I>,
        shift: u32,
        next: &mut [usize],
    ) -> Result<(), OutOfRange> {
        let limit = block.columns();
        for i in 0..block.nrows() {
            let range = block.row(i)?;
            let row = u32::try_from(i).map_err(|_| OutOfRange)?;
            prefetch_entries(block, range.start);
            for (&column, &value) in block.indices[range.clone()].iter().zip(&block.values[range]) {
                let j = column.to_usize();
                if j >= limit {
                    return Err(OutOfRange);
                }
                let next = &mut next[j >> shift];
                *self.parcels.get_mut(*next).ok_or(OutOfRange)? = Parcel { column, row, value };
                *next += 1;
            }
        }
        Ok(())
    }

    fn bin(&self, bin: usize) -> &[Parcel<T, I>] {
        let start = if bin == 0 { 0 } else { self.ends[bin - 1] };
        &self.parcels[start..self.ends[bin]]
    }
}

/// Adds what a block sent to the bin of the columns from `first` on.
fn receive<T: Factor<X>, I: Index, X: Scalar>(
    parcels: &[Parcel<T, I>],
    entries: Conjugation,
    x: &[X],
    y: &mut [X],
    k: usize,
    first: usize,
) {
    if k == 1 {
        for parcel in parcels {
            let x = x[parcel.row as usize];
            y[parcel.column.to_usize() - first] += entries.times(parcel.value, x);
        }
        return;
    }
    for parcel in parcels {
        let x = &x[parcel.row as usize * k..][..k];
        let y = &mut y[(parcel.column.to_usize() - first) * k..][..k];
        for (y, x) in y.iter_mut().zip(x) {
            *y += entries.times(parcel.value, *x);
        }
    }
}

/// Adds rows too long for bins: every thread reads them all and adds what falls into its columns.
fn add_long_rows<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<(), OutOfRange> {
    let width = a.ncols().div_ceil(parallel::threads()).max(1);
    let starts = (0..a.ncols()).step_by(width);
    let owners = starts.map(|start| start..(start + width).min(a.ncols())).collect();
    let all = 0..a.ncols();
    scatter_rows::outputs_of(owners, y, k)
        .into_par_iter()
        .try_for_each(|(owner, y)| scatter_rows::add(a, entries, x, y, k, &owner, &all))
}
