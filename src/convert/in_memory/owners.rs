//! Converts a compressed matrix with locality to the other axis: a counting sort in which every task owns some lines of
//! the result.
//!
//! ```text
//! for each owner of lines, in parallel:  count the entries of each line, in the blocks with entries for them
//! for each owner, in parallel:           store every entry of those blocks at the next place of its line
//! ```
//!
//! If indices rise with the rows, as in grids and bands, writes are close together, and a block touches one or two
//! owners. Each line is filled in the order of the entries, whatever the number of owners. Prefetching the destination
//! gained nothing here.

use std::ops::Range;

use crate::convert::in_memory::distribute::parts;
use crate::convert::in_memory::entries::{BLOCK, InputEntries};
use crate::error::Result;
use crate::sparse::{
    AnyDraft, Indices, IndicesMut, by_index, by_index_mut, by_index_type, typed_indices,
};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::{RawMut, by_width, carriers_mut};
use crate::storage::{Context, Index};

/// Entries between two checks of the cancel token.
const STEP: usize = 1 << 16;

/// Runs of entries sampled for locality, and the entries of each: a sixteenth of all, but at least the first number and
/// at most the second.
const SAMPLES: usize = 16;
const LEAST: usize = 1 << 10;
const SAMPLE: usize = 1 << 12;

/// Neighbouring lines, as a power of two: they are close together in the result.
const NEAR: u32 = 6;

/// The lines of every owner, and the blocks with entries for them.
pub(crate) struct Owners(Vec<(Range<usize>, Vec<Range<usize>>)>);

impl Owners {
    /// Owners of this many lines, for `threads` threads working in blocks of `block`; `None` if the entries spread too
    /// far. Reads the lines of all entries.
    pub(crate) fn new(
        indices: Indices<'_>,
        lines: usize,
        threads: usize,
        block: usize,
    ) -> Option<Self> {
        if !is_local(indices) {
            return None;
        }
        if threads == 1 {
            return Some(Self::one(indices.len(), lines));
        }
        let bounds = by_index!(indices, indices => all_bounds(indices, block));
        let owners = parts(lines, 2 * threads);
        let blocks_of = |owner: &Range<usize>| {
            let meets = |&(_, &(least, most)): &(usize, &(usize, usize))| {
                least < owner.end && owner.start <= most
            };
            let range = |(at, _)| at * block..indices.len().min((at + 1) * block);
            bounds.iter().enumerate().filter(meets).map(range).collect::<Vec<_>>()
        };
        let owners: Vec<_> =
            owners.into_iter().map(|owner| (owner.clone(), blocks_of(&owner))).collect();
        let met: usize = owners.iter().map(|(_, blocks)| blocks.len()).sum();
        (met <= bounds.len() + bounds.len() / 4 + owners.len()).then_some(Owners(owners))
    }

    /// One owner of all lines.
    pub(crate) fn one(entries: usize, lines: usize) -> Self {
        let blocks = (0..entries).step_by(STEP).map(|start| start..entries.min(start + STEP));
        Owners(vec![(0..lines, blocks.collect())])
    }

    /// Fills a draft whose pointers are zeros. `None` if a line is out of range, or the entries change while they are
    /// read.
    pub(crate) fn fill(
        &self,
        entries: &InputEntries<'_>,
        draft: &mut AnyDraft,
        ctx: &Context,
    ) -> Result<Option<()>> {
        let mut ends = IndicesMut::of(&mut draft.indptr);
        ends.take_front(1);
        let split = |(lines, blocks): &(Range<usize>, Vec<Range<usize>>)| {
            (ends.take_front(lines.len()), lines.start, blocks.clone())
        };
        let mut owners: Vec<_> = self.0.iter().map(split).collect();
        let counted: Vec<usize> = owners
            .par_iter_mut()
            .map(|(ends, first, blocks)| {
                by_index!(entries.lines, lines => by_index_mut!(ends, ends => {
                    count(lines, blocks, *first, ends)
                }))
            })
            .collect();
        let (mut indices, mut data) = (draft.indices.as_mut(), draft.data.as_mut());
        let mut start = 0;
        let mut tasks = Vec::with_capacity(owners.len());
        for (owner, &count) in owners.into_iter().zip(&counted) {
            let these = indices.split_off_front(count).zip(data.split_off_front(count));
            let Some((these, values)) = these else { return Ok(None) };
            tasks.push((start, owner, these, values));
            start += count;
        }
        // An entry that no owner counted has an invalid line.
        if indices.len() > 0 {
            return Ok(None);
        }
        let all = entries.lines.len() as u64;
        let placed =
            tasks.into_par_iter().map(|(start, (mut ends, first, blocks), indices, data)| {
                let mut place =
                    EntryPlace { entries, first, ends: &mut ends, indices, data, placed: 0 };
                for block in blocks {
                    ctx.report("recompressing", block.start as u64, all)?;
                    let placed = place.put(block);
                    if placed.is_none() {
                        return Ok(None);
                    }
                }
                // Every entry has advanced one start by one.
                if place.placed != place.indices.len() {
                    return Ok(None);
                }
                if start > 0 {
                    ends.add(start);
                }
                Ok(Some(()))
            });
        let placed = placed.collect::<Result<Vec<Option<()>>>>()?;
        Ok(placed.into_iter().all(|placed| placed.is_some()).then_some(()))
    }
}

/// Counts the entries of the lines from `first` on, replaces the counts by their starts, and returns their sum.
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

/// The destination of an owner's entries.
struct EntryPlace<'a, 'e> {
    entries: &'a InputEntries<'a>,
    first: usize,
    /// Starts of the lines from `first` on, which become ends.
    ends: &'a mut IndicesMut<'e>,
    indices: RawMut<'a>,
    data: RawMut<'a>,
    /// Entries stored so far.
    placed: usize,
}

impl EntryPlace<'_, '_> {
    /// Stores the owner's entries of a block.
    fn put(&mut self, block: Range<usize>) -> Option<()> {
        by_width!(self.data.width(), W => by_index_type!(self.entries.lines.dtype(), I => {
            self.put_typed::<I, W>(block)
        }))
    }

    fn put_typed<I: Index, const W: usize>(&mut self, block: Range<usize>) -> Option<()> {
        let indices = typed_indices::<I>(self.indices.reborrow());
        // The same length, so that one bounds check covers both.
        let data = &mut carriers_mut::<W>(self.data.reborrow())[..indices.len()];
        let mut slots = [0; BLOCK];
        self.entries.each::<I>(block, &mut |lines, others, values| {
            let slots = &mut slots[..lines.len()];
            let ends = &mut *self.ends;
            self.placed += by_index_mut!(ends, ends => next(lines, self.first, ends, slots));
            for ((&slot, &other), &value) in slots.iter().zip(others).zip(values.carriers::<W>()) {
                if slot < indices.len() {
                    (indices[slot], data[slot]) = (other, value);
                } else if slot != NOWHERE {
                    return None;
                }
            }
            Some(())
        })
    }
}

/// The place of an entry whose line has another owner.
const NOWHERE: usize = usize::MAX;

/// The next place of each line that is owned, from `first` on; returns their number.
fn next<I: Index, P: Index>(
    lines: &[I],
    first: usize,
    starts: &mut [P],
    slots: &mut [usize],
) -> usize {
    let mut own = 0;
    for (slot, line) in slots.iter_mut().zip(lines) {
        *slot = NOWHERE;
        if let Some(start) = starts.get_mut(line.to_usize().wrapping_sub(first)) {
            *slot = start.to_usize();
            *start = P::from_usize(*slot + 1);
            own += 1;
        }
    }
    own
}

/// The least and the largest of the indices of every block.
fn all_bounds<I: Index>(indices: &[I], block: usize) -> Vec<(usize, usize)> {
    let bounds = |indices: &[I]| {
        let first = indices.first().copied().unwrap_or(I::from_usize(0));
        let both = |(least, most): (I, I), &index: &I| (least.min(index), most.max(index));
        let (least, most) = indices.iter().fold((first, first), both);
        (least.to_usize(), most.to_usize())
    };
    indices.par_chunks(block).map(bounds).collect()
}

/// Whether consecutive entries mostly belong to nearby lines.
pub(crate) fn is_local(indices: Indices<'_>) -> bool {
    let step = indices.len() / SAMPLES;
    let length = step.min((step / SAMPLES).clamp(LEAST, SAMPLE));
    let (mut seen, mut apart, mut near) = (0, 0, Vec::new());
    for sample in 0..SAMPLES {
        let start = sample * step;
        let run = start..start + length;
        near.clear();
        by_index!(indices, indices => {
            near.extend(indices[run.clone()].iter().map(|index| index.to_usize() >> NEAR));
        });
        near.sort_unstable();
        near.dedup();
        seen += run.len();
        apart += near.len();
    }
    apart * 16 <= seen
}
