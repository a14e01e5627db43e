//! Columns: every entry of some lines updates the state of its column, in the order of the lines.
//!
//! ```text
//! for each entry (j, x):  update the state of column j by x
//! ```
//!
//! There is one state for each column whatever the number of threads, and it takes its entries in the order of the
//! sequential loop. There are two parallel methods, those of `scatter.rs`; the result does not depend on which is used.
//!
//! 1. *Owners*, for banded and mesh matrices: every task owns a range of columns, and processes the blocks of entries
//!    with columns in the range.
//! 2. *Bins*, if every block spreads over all columns: blocks of entries are sorted by ranges of columns, the bins, and
//!    then every bin takes what the blocks sent it, block by block.

use std::ops::Range;

use crate::linalg::algebra::Values;
use crate::linalg::kernels::scatter_windows::bounds;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Entry, Index, parallel};

/// Entries of a block.
const BLOCK: usize = 1 << 14;

/// Maximum bins: as many streams as one thread can write at once.
const BINS: usize = 64;

/// Sends entries to bins; reused for every run of lines.
pub(crate) struct Columns<T, I> {
    /// Columns of a bin, a power of two.
    width: usize,
    bins: usize,
    /// Entries of the blocks of one time, block by block, in the order of their bins.
    parcels: Vec<(I, T)>,
    /// For each block, the end of each bin's parcels.
    ends: Vec<usize>,
}

impl<T: Entry, I: Index> Columns<T, I> {
    /// For runs of at most `entries` entries in `columns` columns.
    pub(crate) fn new(columns: usize, entries: usize, threads: usize) -> Self {
        let width = columns.div_ceil(BINS).max(1).next_power_of_two();
        let bins = columns.div_ceil(width).max(1);
        let blocks = Self::blocks(entries, threads);
        Columns {
            width,
            bins,
            parcels: vec![(I::from_usize(0), T::zeroed()); entries.min(blocks * BLOCK)],
            ends: vec![0; blocks * bins],
        }
    }

    /// Blocks at a time; 0 if one thread takes the entries in their order.
    fn blocks(entries: usize, threads: usize) -> usize {
        if threads == 1 { 0 } else { entries.div_ceil(BLOCK).min(4 * threads) }
    }

    /// Memory of this state.
    pub(crate) fn bytes(entries: usize, threads: usize) -> u64 {
        let blocks = Self::blocks(entries, threads);
        let parcels = entries.min(blocks * BLOCK) * size_of::<(I, T)>();
        (parcels + blocks * BINS * size_of::<usize>()) as u64
    }

    /// Updates the states of columns by entries; `states` has all columns.
    pub(crate) fn fold<S: Send>(
        &mut self,
        states: &mut [S],
        entries: (&[I], Values<'_, T>),
        take: impl Fn(&mut S, T) + Sync,
    ) {
        let (indices, data) = entries;
        if self.parcels.is_empty() || indices.len() <= BLOCK {
            let mut buffer = Vec::new();
            for (block, indices) in indices.chunks(BLOCK).enumerate() {
                let data = data.of(block_of(block, indices), &mut buffer);
                for (index, &value) in indices.iter().zip(data) {
                    take(&mut states[index.to_usize()], value);
                }
            }
            return;
        }
        match owners(indices, parallel::threads()) {
            Some((windows, ends)) => fold_by_owners(states, entries, &take, (&windows, &ends)),
            None => self.fold_by_bins(states, entries, &take),
        }
    }

    fn fold_by_bins<S: Send>(
        &mut self,
        states: &mut [S],
        (indices, data): (&[I], Values<'_, T>),
        take: &(impl Fn(&mut S, T) + Sync),
    ) {
        let (width, bins, shift) = (self.width, self.bins, self.width.trailing_zeros());
        let at_once = self.parcels.len().div_ceil(BLOCK);
        for (n, indices) in indices.chunks(at_once * BLOCK).enumerate() {
            let parcels = &mut self.parcels[..indices.len()];
            let blocks = indices.par_chunks(BLOCK).enumerate();
            let boxes = parcels.par_chunks_mut(BLOCK).zip(self.ends.par_chunks_mut(bins));
            blocks.zip(boxes).for_each_init(Vec::new, |buffer, ((block, indices), to)| {
                let data = data.of(block_of(n * at_once + block, indices), buffer);
                send((indices, data), to.0, to.1, shift);
            });
            let (parcels, ends) = (&*parcels, &self.ends);
            states.par_chunks_mut(width).enumerate().for_each(|(bin, states)| {
                for (parcels, ends) in parcels.chunks(BLOCK).zip(ends.chunks(bins)) {
                    let start = if bin == 0 { 0 } else { ends[bin - 1] };
                    for &(index, value) in &parcels[start..ends[bin]] {
                        take(&mut states[index.to_usize() - bin * width], value);
                    }
                }
            });
        }
    }
}

/// The entries of a block.
fn block_of<I>(block: usize, indices: &[I]) -> Range<usize> {
    block * BLOCK..block * BLOCK + indices.len()
}

/// The range of columns of every block, and the ends of the ranges of columns to be owned; `None` if too many blocks
/// would intersect several of them.
fn owners<I: Index>(indices: &[I], threads: usize) -> Option<(Vec<Range<usize>>, Vec<usize>)> {
    let window = |block: &[I]| bounds(block).map_or(0..0, |(least, most)| least..most + 1);
    let windows: Vec<Range<usize>> = indices.par_chunks(BLOCK).map(window).collect();
    let mut middles: Vec<usize> =
        windows.iter().map(|window| window.start + window.len() / 2).collect();
    middles.sort_unstable();
    // More owners balance better, but the blocks that cross a boundary are read by both sides. Reading an entry twice
    // costs less than sending it.
    [4 * threads, 2 * threads, threads].into_iter().find_map(|count| {
        let mut ends: Vec<usize> = (1..count).map(|k| middles[k * middles.len() / count]).collect();
        ends.push(usize::MAX);
        ends.dedup();
        let meeting = |window: &Range<usize>| {
            let first = ends.partition_point(|&end| end <= window.start);
            1 + ends[first..].iter().take_while(|&&end| end < window.end).count()
        };
        let spent: usize = windows.iter().map(meeting).sum();
        (ends.len() >= threads && spent <= 2 * windows.len()).then_some((windows.clone(), ends))
    })
}

fn fold_by_owners<S: Send, T: Entry, I: Index>(
    mut states: &mut [S],
    (indices, data): (&[I], Values<'_, T>),
    take: &(impl Fn(&mut S, T) + Sync),
    (windows, ends): (&[Range<usize>], &[usize]),
) {
    let (mut tasks, mut start) = (Vec::with_capacity(ends.len()), 0);
    for &end in ends {
        let end = end.min(start + states.len());
        let (mine, rest) = std::mem::take(&mut states).split_at_mut(end - start);
        states = rest;
        tasks.push((start..end, mine));
        start = end;
    }
    tasks.into_par_iter().for_each_init(Vec::new, |buffer, (owned, states)| {
        for (block, (indices, window)) in indices.chunks(BLOCK).zip(windows).enumerate() {
            if window.start >= owned.end || window.end <= owned.start {
                continue;
            }
            let data = data.of(block_of(block, indices), buffer);
            for (index, &value) in indices.iter().zip(data) {
                // Entries of other owners are out of range, those before this one by wrapping around.
                if let Some(state) = states.get_mut(index.to_usize().wrapping_sub(owned.start)) {
                    take(state, value);
                }
            }
        }
    });
}

/// Sorts a block by bins of `1 << shift` columns, keeping the order of entries within a bin; returns the end of each
/// bin.
fn send<T: Entry, I: Index>(
    (indices, data): (&[I], &[T]),
    parcels: &mut [(I, T)],
    ends: &mut [usize],
    shift: u32,
) {
    ends.fill(0);
    for index in indices {
        ends[index.to_usize() >> shift] += 1;
    }
    // The start of each bin, which moves to its end while the bin is filled.
    let mut start = 0;
    for end in ends.iter_mut() {
        (*end, start) = (start, start + *end);
    }
    for (&index, &value) in indices.iter().zip(data) {
        let end = &mut ends[index.to_usize() >> shift];
        parcels[*end] = (index, value);
        *end += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Context;

    #[test]
    fn entries_come_in_order_for_any_number_of_threads() {
        let long = 12 * BLOCK as u64 + 100;
        for (columns, entries, step) in
            [(1, 100, 1), (5, 7, 2), (1, long, 1), (3000, long, 7), (900, long, 0), (64, long, 0)]
        {
            // Scattered over all columns, or along a band.
            let column = |k: u64| match step {
                0 => k * columns / entries + k % 3,
                _ => k * k * step + k / 7,
            };
            let indices: Vec<u32> = (0..entries).map(|k| (column(k) % columns) as u32).collect();
            let data: Vec<u64> = (0..entries).collect();
            let mut expected = vec![Vec::new(); columns as usize];
            indices.iter().zip(&data).for_each(|(&j, &x)| expected[j as usize].push(x));
            for threads in [1, 2, 3, 5] {
                let ctx = Context::new().threads(threads).unwrap();
                let mut columns = Columns::new(columns as usize, indices.len(), threads);
                let mut states = vec![Vec::new(); expected.len()];
                let entries = (&indices[..], Values::Plain(&data[..]));
                ctx.with_threads(|| columns.fold(&mut states, entries, |state, x| state.push(x)));
                assert!(states == expected, "{} entries, {threads} threads", indices.len());
            }
        }
    }
}
