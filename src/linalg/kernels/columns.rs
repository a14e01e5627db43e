//! Columns: every entry of some lines is taken into the state of its column, in the order of the lines.
//!
//! ```text
//! for each round of some blocks of entries:
//!     for each block, in parallel:   send every entry to the bin of its column
//!     for each bin, in parallel:     for each block in order:  take what it sent into the states of the bin's columns
//! ```
//!
//! As in `scatter_bins.rs` a bin is a range of columns that one task works on, so that there is one state for each column
//! however many threads there are, and it takes its entries in the order in which the loop over all of them would.

use rayon::prelude::*;

use crate::storage::{Entry, Index};

/// Entries of a block; few in tests, so that they see many blocks.
const BLOCK: usize = if cfg!(test) { 8 } else { 1 << 14 };

/// Most bins: as many streams as one thread can write to at once.
const BINS: usize = 64;

/// Sends entries to bins; used again for every run of lines.
pub(crate) struct Columns<T, I> {
    /// Columns of a bin, a power of two.
    width: usize,
    bins: usize,
    /// Entries of a round, block by block, in the order of their bins.
    parcels: Vec<(I, T)>,
    /// For each block, where the parcels of each bin end in it.
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

    /// Blocks of a round; none where one thread takes the entries as they come.
    fn blocks(entries: usize, threads: usize) -> usize {
        if threads == 1 { 0 } else { entries.div_ceil(BLOCK).min(4 * threads) }
    }

    /// Memory that this takes.
    pub(crate) fn bytes(entries: usize, threads: usize) -> u64 {
        let blocks = Self::blocks(entries, threads);
        let parcels = entries.min(blocks * BLOCK) * size_of::<(I, T)>();
        (parcels + blocks * BINS * size_of::<usize>()) as u64
    }

    /// Takes entries into the states of their columns, all of which there are.
    pub(crate) fn fold<S: Send>(
        &mut self,
        states: &mut [S],
        (indices, data): (&[I], &[T]),
        take: impl Fn(&mut S, T) + Sync,
    ) {
        if self.parcels.is_empty() || indices.len() <= BLOCK {
            for (index, &value) in indices.iter().zip(data) {
                take(&mut states[index.to_usize()], value);
            }
            return;
        }
        let (width, bins, shift) = (self.width, self.bins, self.width.trailing_zeros());
        let round = self.parcels.len().div_ceil(BLOCK) * BLOCK;
        for (indices, data) in indices.chunks(round).zip(data.chunks(round)) {
            let parcels = &mut self.parcels[..indices.len()];
            let blocks = indices.par_chunks(BLOCK).zip(data.par_chunks(BLOCK));
            let boxes = parcels.par_chunks_mut(BLOCK).zip(self.ends.par_chunks_mut(bins));
            blocks
                .zip(boxes)
                .for_each(|(block, (parcels, ends))| send(block, parcels, ends, shift));
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

/// Sorts a block by bins of `1 << shift` columns, entries of a bin staying in order: where each bin ends.
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
    // The start of each bin, which filling it moves to its end.
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

    #[test]
    fn entries_come_in_order_for_any_number_of_threads() {
        for (columns, entries) in [(1, 100), (5, 7), (200, 1000), (64, 513), (3000, 2000)] {
            let indices: Vec<u32> = (0..entries).map(|k| (k * k + k / 7) % columns).collect();
            let data: Vec<u64> = (0..u64::from(entries)).collect();
            let mut expected = vec![Vec::new(); columns as usize];
            indices.iter().zip(&data).for_each(|(&j, &x)| expected[j as usize].push(x));
            for threads in [1, 2, 5] {
                let mut columns = Columns::new(columns as usize, indices.len(), threads);
                let mut states = vec![Vec::new(); expected.len()];
                columns.fold(&mut states, (&indices, &data), |state, x| state.push(x));
                assert_eq!(states, expected, "{threads} threads");
            }
        }
    }
}
