//! The lines of a matrix in another order, made in memory where they stay.
//!
//! ```text
//! for each run of result lines, in parallel:  look up their lengths -> pointers
//! for each run of about as many entries:      ask for lines some way ahead -> copy each, its indices renamed
//!                                             -> sort it, if it does not rise
//! ```
//!
//! What this waits for are lines and new indices that lie anywhere. Lines are asked for `AHEAD` lines before they are copied, their
//! pointers twice as far and the new indices of their first entries half as far, and the table of new indices lies in huge
//! pages. Without that, rows and columns of a Poisson matrix on 200³ points in random order took one thread 4.9 s instead
//! of 2.5.

use std::ops::Range;

use crate::convert::sorted_line::SortedLine;
use crate::error::Result;
use crate::sparse::{Axis, Compressed, CompressedDraft, Duplicates, Permutation, partition};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Context, Entry, Index, Place, prefetch_to_read};

/// Lines whose lengths are looked up by a task.
const LINES: usize = if cfg!(test) { 4 } else { 1 << 14 };

/// Entries of a task that copies.
const ENTRIES: usize = if cfg!(test) { 16 } else { 1 << 16 };

/// How many lines ahead one is asked for.
const AHEAD: usize = 16;

/// A matrix whose lines and indices get other places.
pub(super) struct Permuted<'a, T: Entry, I: Index, P: Index, A: Axis> {
    pub(super) from: &'a Compressed<T, I, P, A>,
    /// The line that comes to each place; `None` if they stay.
    pub(super) majors: Option<&'a Permutation>,
    /// The new index for each old one; `None` if they stay.
    pub(super) minors: Option<&'a [I]>,
}

impl<T: Entry, I: Index, P: Index, A: Axis> Permuted<'_, T, I, P, A> {
    /// The matrix, made on all threads; `None` if an index is out of range or the source changes while it is read.
    pub(super) fn in_memory(&self, ctx: &Context) -> Result<Option<Compressed<T, I, P, A>>> {
        let (shape, nnz) = (self.from.shape(), self.from.nnz());
        let mut draft = CompressedDraft::<T, I, P>::new::<A>(shape, nnz, &Place::Memory, ctx)?;
        ctx.report("permuting", 0, nnz as u64)?;
        let filled = ctx.with_threads(|| {
            (self.point(&mut draft.indptr) == nnz).then(|| self.fill(&mut draft)).flatten()
        });
        ctx.report("permuting", nnz as u64, nnz as u64)?;
        filled.map(|rises| draft.finish(shape, rises)).transpose()
    }

    /// The line that comes to a place.
    #[inline(always)]
    fn line(&self, place: usize) -> usize {
        self.majors.map_or(place, |majors| majors.order()[place])
    }

    /// Fills the pointers of the result; gives the last.
    fn point(&self, indptr: &mut [P]) -> usize {
        let ends = &mut indptr[1..];
        let lengths = ends.par_chunks_mut(LINES).enumerate().map(|(task, ends)| {
            let first = task * LINES;
            ends.iter_mut().zip(first..).fold(0, |sum, (end, place)| {
                let sum = sum + self.from.span(self.line(place)).len();
                *end = P::from_usize(sum.min(P::LARGEST));
                sum
            })
        });
        let (mut starts, mut sum) = (lengths.collect::<Vec<_>>(), 0);
        starts.iter_mut().for_each(|slot| sum += std::mem::replace(slot, sum));
        if sum > P::LARGEST {
            return sum;
        }
        ends.par_chunks_mut(LINES).zip(&starts).for_each(|(ends, &start)| {
            ends.iter_mut().for_each(|end| *end = P::from_usize(start + end.to_usize()));
        });
        sum
    }

    /// Fills indices and values behind the pointers; tells whether the indices rise in every line.
    fn fill(&self, draft: &mut CompressedDraft<T, I, P>) -> Option<bool> {
        let indptr = &draft.indptr[..];
        let (mut indices, mut data) = (&mut draft.indices[..], &mut draft.data[..]);
        let mut tasks = Vec::new();
        for lines in partition::split(indptr, data.len().div_ceil(ENTRIES)) {
            let entries = indptr[lines.end].to_usize() - indptr[lines.start].to_usize();
            tasks.push((lines, indices.split_off_mut(..entries)?, data.split_off_mut(..entries)?));
        }
        let filled = tasks.into_par_iter().map(|(lines, indices, data)| {
            let ends = indptr.get(lines.start..=lines.end)?;
            self.fill_lines(lines, ends, indices, data)
        });
        Some(filled.collect::<Option<Vec<_>>>()?.into_iter().all(|rises| rises))
    }

    fn fill_lines(
        &self,
        lines: Range<usize>,
        ends: &[P],
        mut indices: &mut [I],
        mut data: &mut [T],
    ) -> Option<bool> {
        let (mut sorted, mut rises) = (SortedLine::new(), true);
        for (place, ends) in lines.clone().zip(ends.windows(2)) {
            if self.majors.is_some() {
                self.ask_ahead(place, lines.end);
            }
            let len = ends[1].to_usize().checked_sub(ends[0].to_usize())?;
            let (to, values) = (indices.split_off_mut(..len)?, data.split_off_mut(..len)?);
            let span = self.from.span(self.line(place));
            let from = (self.from.indices().get(span.clone())?, self.from.data().get(span)?);
            if from.0.len() != len {
                return None;
            }
            rises &= self.fill_line(from, (to, values), &mut sorted)?;
        }
        Some(rises)
    }

    /// Asks for what lines after this one will need.
    #[inline(always)]
    fn ask_ahead(&self, place: usize, end: usize) {
        if place + 2 * AHEAD < end {
            prefetch_to_read(self.from.indptr(), self.line(place + 2 * AHEAD));
        }
        if let (true, Some(positions)) = (place + AHEAD / 2 < end, self.minors) {
            let span = self.from.span(self.line(place + AHEAD / 2));
            let indices = self.from.indices().get(span).unwrap_or_default();
            let near = indices.iter().take(AHEAD);
            near.for_each(|index| prefetch_to_read(positions, index.to_usize()));
        }
        if place + AHEAD < end {
            let start = self.from.span(self.line(place + AHEAD)).start;
            for cache_line in 0..2 {
                let bytes = 64 * cache_line;
                prefetch_to_read(self.from.indices(), start + bytes / size_of::<I>());
                prefetch_to_read(self.from.data(), start + bytes / size_of::<T>().max(1));
            }
        }
    }

    /// Copies one line; tells whether its indices rise.
    #[inline(always)]
    fn fill_line(
        &self,
        (from, values): (&[I], &[T]),
        (to, data): (&mut [I], &mut [T]),
        sorted: &mut SortedLine<T>,
    ) -> Option<bool> {
        let minor = self.from.minor();
        match self.minors {
            None => {
                let rises = rename(from, to, |index| (index.to_usize() < minor).then_some(index))?;
                data.copy_from_slice(values);
                Some(rises)
            }
            Some(positions) => {
                if rename(from, to, |index| positions.get(index.to_usize()).copied())? {
                    data.copy_from_slice(values);
                    return Some(true);
                }
                sorted.sort(to, values);
                sorted.write((to, data), Duplicates::Keep).ok().map(|(_, distinct)| distinct)
            }
        }
    }
}

/// Gives every index its new name; tells whether these rise.
#[inline(always)]
fn rename<I: Index>(from: &[I], to: &mut [I], name: impl Fn(I) -> Option<I>) -> Option<bool> {
    let (mut rises, mut least) = (true, 0);
    for (to, &index) in to.iter_mut().zip(from) {
        *to = name(index)?;
        rises &= to.to_usize() >= least;
        least = to.to_usize() + 1;
    }
    Some(rises)
}
