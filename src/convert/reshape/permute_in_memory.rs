//! The lines of a matrix permuted or selected in memory, each written to its final place.
//!
//! ```text
//! for each run of result lines, in parallel:  look up their lengths -> pointers
//! for each run of about as many entries:      prefetch lines some distance ahead -> copy each, its indices renamed
//!                                             -> sort it, if it does not rise
//! ```
//!
//! The time is spent waiting for lines and new indices at random places. Lines are prefetched `AHEAD` lines before they
//! are copied, their pointers twice as far ahead, and the new indices of their first entries half as far. The table of
//! new indices is in huge pages. Without that, rows and columns of a Poisson matrix on 200³ points in random order took
//! one thread 4.9 s instead of 2.5.

use std::ops::Range;

use crate::convert::in_memory::{GrainSizes, SortedLine};
use crate::error::Result;
use crate::sparse::{
    AnyCompressed, AnyDraft, Duplicates, Indices, IndicesMut, by_index, by_index_mut,
    by_index_type, partition, typed_indices,
};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::{Carrier, Merge, by_width, carriers_mut, merge};
use crate::storage::{CACHE_LINE, Context, Index, Place, prefetch_to_read};

/// How many lines ahead to prefetch.
const AHEAD: usize = 16;

/// A matrix whose lines and indices are permuted.
pub(super) struct Permuted<'a> {
    pub(super) from: &'a AnyCompressed,
    /// The source line of each position, all in range; `None` if lines stay.
    pub(super) majors: Option<&'a [usize]>,
    /// Entries of all lines of the result.
    pub(super) nnz: usize,
    /// The new index for each old one; `None` if indices stay.
    pub(super) minors: Option<Indices<'a>>,
}

impl Permuted<'_> {
    /// The matrix, made on all threads; `None` if an index is out of range or the source changes while it is read.
    pub(super) fn in_memory(
        &self,
        grain: GrainSizes,
        ctx: &Context,
    ) -> Result<Option<AnyCompressed>> {
        let ((major, minor), nnz) = (self.from.extents(), self.nnz);
        let (format, major) = (self.from.format(), self.majors.map_or(major, <[usize]>::len));
        let shape = format.swap_if_cols((major, minor));
        let kind = (format, self.from.types());
        let mut draft = AnyDraft::new(kind, shape, nnz, &Place::Memory, ctx)?;
        ctx.report("permuting", 0, nnz as u64)?;
        let filled = ctx.with_threads(|| {
            let last = by_index_mut!(IndicesMut::of(&mut draft.indptr), indptr => {
                self.point(&mut indptr[1..], grain)
            });
            (last == nnz).then(|| self.fill(&mut draft, grain)).flatten()
        });
        ctx.report("permuting", nnz as u64, nnz as u64)?;
        filled.map(|rises| draft.finish(format, shape, rises)).transpose()
    }

    fn spans(&self) -> Spans<'_> {
        Spans { majors: self.majors, indptr: self.from.indptr(), nnz: self.from.nnz() }
    }

    /// Fills the ends of the lines of the result; returns the last.
    fn point<P: Index>(&self, ends: &mut [P], grain: GrainSizes) -> usize {
        let (spans, size) = (self.spans(), grain.lines);
        let lengths = ends.par_chunks_mut(size).enumerate().map(|(task, ends)| {
            ends.iter_mut().zip(task * size..).fold(0, |sum, (end, place)| {
                let sum = sum + spans.at(place).len();
                *end = P::from_usize(sum.min(P::LARGEST));
                sum
            })
        });
        let (mut starts, mut sum) = (lengths.collect::<Vec<_>>(), 0);
        starts.iter_mut().for_each(|slot| sum += std::mem::replace(slot, sum));
        if sum > P::LARGEST {
            return sum;
        }
        ends.par_chunks_mut(size).zip(&starts).for_each(|(ends, &start)| {
            ends.iter_mut().for_each(|end| *end = P::from_usize(start + end.to_usize()));
        });
        sum
    }

    /// Fills indices and values according to the pointers; returns whether the indices rise in every line.
    fn fill(&self, draft: &mut AnyDraft, grain: GrainSizes) -> Option<bool> {
        let ends = Indices::of_mut(&draft.indptr);
        let (mut indices, mut data) = (draft.indices.as_mut(), draft.data.as_mut());
        let mut tasks = Vec::new();
        for lines in partition::split(ends, data.len().div_ceil(grain.entries)) {
            let entries = ends.at(lines.end) - ends.at(lines.start);
            let these = indices.split_off_front(entries)?;
            tasks.push((lines, these, data.split_off_front(entries)?));
        }
        let filled = tasks.into_par_iter().map(|(lines, indices, data)| {
            by_width!(data.width(), W => by_index_type!(self.from.indices().dtype(), I => {
                let source = PermutedEntries::<I, W> {
                    spans: self.spans(),
                    indices: self.from.indices().typed(),
                    data: self.from.data().as_raw().carriers(),
                    minor: self.from.minor(),
                    minors: self.minors.map(|minors| minors.typed()),
                    merge: merge(data.dtype()),
                };
                source.fill(lines, ends, (typed_indices(indices), carriers_mut(data)))
            }))
        });
        Some(filled.collect::<Option<Vec<_>>>()?.into_iter().all(|rises| rises))
    }
}

/// The positions of the result's lines in the source.
#[derive(Clone, Copy)]
struct Spans<'a> {
    majors: Option<&'a [usize]>,
    indptr: Indices<'a>,
    nnz: usize,
}

impl Spans<'_> {
    /// The source line of a position.
    #[inline(always)]
    fn line(&self, place: usize) -> usize {
        self.majors.map_or(place, |majors| majors[place])
    }

    /// The entries of the source line of a position, within the arrays whatever the pointers say.
    #[inline(always)]
    fn at(&self, place: usize) -> Range<usize> {
        let line = self.line(place);
        let base = self.indptr.at(0);
        let end = self.indptr.at(line + 1).wrapping_sub(base).min(self.nnz);
        self.indptr.at(line).wrapping_sub(base).min(end)..end
    }

    /// Prefetches the pointer of the source line of a position.
    #[inline(always)]
    fn ask_for(&self, place: usize) {
        let line = self.line(place);
        by_index!(self.indptr, indptr => prefetch_to_read(indptr, line));
    }
}

/// The source of the copied lines.
struct PermutedEntries<'a, I, const W: usize> {
    spans: Spans<'a>,
    indices: &'a [I],
    data: &'a [Carrier<W>],
    /// The upper bound of indices.
    minor: usize,
    minors: Option<&'a [I]>,
    merge: Merge,
}

impl<I: Index, const W: usize> PermutedEntries<'_, I, W> {
    /// Fills some lines of the result, which end at `ends`; returns whether indices rise in every one.
    fn fill(
        &self,
        lines: Range<usize>,
        ends: Indices<'_>,
        (mut indices, mut data): (&mut [I], &mut [Carrier<W>]),
    ) -> Option<bool> {
        let (mut sorted, mut rises) = (SortedLine::new(self.merge), true);
        for place in lines.clone() {
            if self.spans.majors.is_some() {
                self.ask_ahead(place, lines.end);
            }
            let len = ends.at(place + 1).checked_sub(ends.at(place))?;
            let (to, values) = (indices.split_off_mut(..len)?, data.split_off_mut(..len)?);
            let span = self.spans.at(place);
            let from = (self.indices.get(span.clone())?, self.data.get(span)?);
            if from.0.len() != len {
                return None;
            }
            rises &= self.fill_line(from, (to, values), &mut sorted)?;
        }
        Some(rises)
    }

    /// Prefetches what later lines need.
    #[inline(always)]
    fn ask_ahead(&self, place: usize, end: usize) {
        if place + 2 * AHEAD < end {
            self.spans.ask_for(place + 2 * AHEAD);
        }
        if let (true, Some(positions)) = (place + AHEAD / 2 < end, self.minors) {
            let indices = self.indices.get(self.spans.at(place + AHEAD / 2)).unwrap_or_default();
            let near = indices.iter().take(AHEAD);
            near.for_each(|index| prefetch_to_read(positions, index.to_usize()));
        }
        if place + AHEAD < end {
            let start = self.spans.at(place + AHEAD).start;
            for bytes in [0, CACHE_LINE] {
                prefetch_to_read(self.indices, start + bytes / size_of::<I>());
                prefetch_to_read(self.data, start + bytes / W.max(1));
            }
        }
    }

    /// Copies one line; returns whether its indices rise.
    #[inline(always)]
    fn fill_line(
        &self,
        (from, values): (&[I], &[Carrier<W>]),
        (to, data): (&mut [I], &mut [Carrier<W>]),
        sorted: &mut SortedLine<W>,
    ) -> Option<bool> {
        let rises = match self.minors {
            None => rename(from, to, |index| (index.to_usize() < self.minor).then_some(index))?,
            Some(positions) => rename(from, to, |index| positions.get(index.to_usize()).copied())?,
        };
        if rises || self.minors.is_none() {
            data.copy_from_slice(values);
            return Some(rises);
        }
        sorted.sort(to, values);
        sorted.write((to, data), Duplicates::Keep).ok().map(|(_, distinct)| distinct)
    }
}

/// Renames every index; returns whether the new ones rise.
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
