//! A compressed matrix with locality to the other axis: a counting sort in which every task owns some lines of the result.
//!
//! ```text
//! for each owner of lines, in parallel:  count the entries of each line, in the blocks of entries that meet them
//! for each owner, in parallel:           put every entry of those blocks to the next place of its line
//! ```
//!
//! Where indices rise with the rows, as in grids and bands, what is written lies close together, and a block meets one
//! owner or two. Each line is filled in the order of the entries, whatever the number of owners. Prefetching what is
//! written gained nothing here.

use std::ops::Range;

use crate::convert::spread::{Entries, parts};
use crate::sparse::CompressedDraft;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Entry, Index};

/// Entries of a block.
const BLOCK: usize = if cfg!(test) { 8 } else { 1 << 14 };

/// Runs of entries that are looked at for locality, and the entries of each.
const SAMPLES: usize = 16;
const SAMPLE: usize = 1 << 12;

/// Neighbouring lines, as a power of two: they lie close together in the result.
const NEAR: u32 = 6;

/// The lines of every owner, and the blocks of entries that meet them.
pub(super) struct Owners(Vec<(Range<usize>, Vec<Range<usize>>)>);

impl Owners {
    /// Owners of so many lines; `None` if the entries spread too far. Reads the lines of all entries.
    pub(super) fn new<I: Index>(indices: &[I], lines: usize, threads: usize) -> Option<Self> {
        if !is_local(indices) {
            return None;
        }
        if threads == 1 {
            let blocks = (0..indices.len()).step_by(BLOCK);
            let blocks = blocks.map(|start| start..indices.len().min(start + BLOCK)).collect();
            return Some(Owners(vec![(0..lines, blocks)]));
        }
        let bounds: Vec<_> = indices.par_chunks(BLOCK).map(bounds).collect();
        let owners = parts(lines, 2 * threads);
        let blocks_of = |owner: &Range<usize>| {
            let meets = |&(_, &(least, most)): &(usize, &(usize, usize))| {
                least < owner.end && owner.start <= most
            };
            let range = |(block, _)| block * BLOCK..indices.len().min((block + 1) * BLOCK);
            bounds.iter().enumerate().filter(meets).map(range).collect::<Vec<_>>()
        };
        let owners: Vec<_> =
            owners.into_iter().map(|owner| (owner.clone(), blocks_of(&owner))).collect();
        let met: usize = owners.iter().map(|(_, blocks)| blocks.len()).sum();
        (met <= bounds.len() + bounds.len() / 4 + owners.len()).then_some(Owners(owners))
    }

    /// Fills a draft. `None` if a line is none of the result, or the entries change while they are read.
    pub(super) fn fill<T: Entry, I: Index, P: Index>(
        &self,
        entries: &impl Entries<T, I>,
        draft: &mut CompressedDraft<T, I, P>,
    ) -> Option<()> {
        let mut ends = &mut draft.indptr[1..];
        let split = |(lines, blocks): &(Range<usize>, Vec<Range<usize>>)| {
            (ends.split_off_mut(..lines.len()).unwrap_or_default(), lines.start, blocks.clone())
        };
        let mut owners: Vec<_> = self.0.iter().map(split).collect();
        let counted: Vec<usize> = owners
            .par_iter_mut()
            .map(|(ends, first, blocks)| count(entries.lines(), blocks, *first, ends))
            .collect();
        let (mut indices, mut data) = (&mut draft.indices[..], &mut draft.data[..]);
        let mut start = 0;
        let mut tasks = Vec::with_capacity(owners.len());
        for (owner, &count) in owners.into_iter().zip(&counted) {
            let (these, values) = (indices.split_off_mut(..count)?, data.split_off_mut(..count)?);
            tasks.push((start, owner, these, values));
            start += count;
        }
        // An entry that no owner counted has a line that is none.
        if !indices.is_empty() {
            return None;
        }
        let placed = tasks.into_par_iter().map(|(start, (ends, first, blocks), indices, data)| {
            place(entries, &blocks, first, (ends, indices, data))?;
            ends.iter_mut().for_each(|end| *end = P::from_usize(start + end.to_usize()));
            Some(())
        });
        placed.collect::<Option<Vec<()>>>().map(drop)
    }
}

/// Counts the entries of the lines from `first` on, and gives way to their starts; gives their sum.
fn count<I: Index, P: Index>(
    lines: &[I],
    blocks: &[Range<usize>],
    first: usize,
    starts: &mut [P],
) -> usize {
    for line in blocks.iter().flat_map(|block| &lines[block.clone()]) {
        if let Some(count) = starts.get_mut(line.to_usize().wrapping_sub(first)) {
            *count = P::from_usize(count.to_usize() + 1);
        }
    }
    starts
        .iter_mut()
        .fold(0, |start, slot| start + std::mem::replace(slot, P::from_usize(start)).to_usize())
}

/// Puts the entries of the lines from `first` on where they belong; starts of lines become ends.
fn place<T: Entry, I: Index, P: Index>(
    entries: &impl Entries<T, I>,
    blocks: &[Range<usize>],
    first: usize,
    (starts, indices, data): (&mut [P], &mut [I], &mut [T]),
) -> Option<()> {
    let room = indices.len();
    // The same length, so that one check does for both.
    let (indices, data) = (&mut indices[..room], &mut data[..room]);
    let before = sum(starts);
    for block in blocks {
        entries.each(block.clone(), |line, other, value| {
            let Some(slot) = starts.get_mut(line.to_usize().wrapping_sub(first)) else {
                return Some(());
            };
            let at = slot.to_usize();
            if at >= room {
                return None;
            }
            *slot = P::from_usize(at + 1);
            (indices[at], data[at]) = (other, value);
            Some(())
        })?;
    }
    // Every entry has moved one start on by one.
    (sum(starts).wrapping_sub(before) == room).then_some(())
}

fn sum<P: Index>(starts: &[P]) -> usize {
    starts.iter().fold(0, |sum: usize, start| sum.wrapping_add(start.to_usize()))
}

fn bounds<I: Index>(indices: &[I]) -> (usize, usize) {
    let first = indices.first().copied().unwrap_or(I::from_usize(0));
    let both = |(least, most): (I, I), &index: &I| (least.min(index), most.max(index));
    let (least, most) = indices.iter().fold((first, first), both);
    (least.to_usize(), most.to_usize())
}

/// Whether entries that follow one another mostly have lines near those of the others.
pub(super) fn is_local<I: Index>(indices: &[I]) -> bool {
    let step = indices.len() / SAMPLES;
    let (mut seen, mut apart) = (0, 0);
    for sample in 0..SAMPLES {
        let start = sample * step;
        let run = &indices[start..indices.len().min(start + step.min(SAMPLE))];
        let mut near: Vec<_> = run.iter().map(|index| index.to_usize() >> NEAR).collect();
        near.sort_unstable();
        near.dedup();
        seen += run.len();
        apart += near.len();
    }
    apart * 16 <= seen
}
