//! Distributes entries to the panels of their lines, in memory, by all threads.
//!
//! ```text
//! for each part of the entries, in parallel:  count the entries of every bin -> panels of lines, and the place of each part in them
//! for each part, in parallel:                 send every entry to the stream of its panel
//! ```
//!
//! A stream is the space of one part in one panel. Parts are in order within the panel, so that entries of a line keep
//! their order, whatever the number of threads. The index across and the value of an entry are stored where the result
//! will be; the low half of its line number is stored separately. So no second copy of the entries is made.
//!
//! 1. Entries are gathered in runs of 32, each entry in one cache line, and written to the three arrays of their stream
//!    together.
//! 2. Both passes may read a file that is changing: then streams overflow or stay incomplete.

use std::ops::Range;

use crate::convert::in_memory::cache_panels::CachePanels;
use crate::convert::in_memory::entries::InputEntries;
use crate::sparse::{Indices, by_index, by_index_type, typed_indices};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::{Carrier, RawMut, by_width, carriers_mut, width};
use crate::storage::{DType, Index, in_cache_line, prefetch_to_write};

/// Entries gathered per stream.
const RUN: usize = 32;

/// The destination of the entries: low halves of lines, indices across, values.
pub(crate) type SpreadArrays<'a> = (&'a mut [u16], RawMut<'a>, RawMut<'a>);

/// Memory in addition to the low halves of lines, for parts that work in parallel.
pub(crate) fn memory((values, indices): (Option<DType>, DType), parts: usize, lines: usize) -> u64 {
    let panels = 1 << 12;
    let bins = CachePanels::bins(lines).count() * (size_of::<u32>() + size_of::<u16>());
    let waiting = by_width!(width(values), W => by_index_type!(indices, I => {
        size_of::<WriteStream<'_, I, W>>() + size_of::<SpreadRun<I, W>>()
    }));
    (parts * (bins + panels * (waiting + 1))) as u64
}

/// Entries in parts of about equal length.
pub(crate) fn parts(entries: usize, parts: usize) -> Vec<Range<usize>> {
    let cut = |part: usize| (entries as u128 * part as u128 / parts as u128) as usize;
    (0..parts).map(|part| cut(part)..cut(part + 1)).collect()
}

/// Counts the entries of every bin, part by part. `None` if a line is in no bin.
pub(crate) fn count(
    of: Indices<'_>,
    parts: &[Range<usize>],
    lines: usize,
) -> Option<Vec<Vec<u32>>> {
    fn go<I: Index>(of: &[I], parts: &[Range<usize>], lines: usize) -> Option<Vec<Vec<u32>>> {
        let bins = CachePanels::bins(lines);
        let counted = parts.par_iter().map(|part| {
            let mut counts = vec![0u32; bins.count()];
            for line in &of[part.clone()] {
                *counts.get_mut(bins.of(line.to_usize()))? += 1;
            }
            Some(counts)
        });
        counted.collect()
    }
    by_index!(of, of => go(of, parts, lines))
}

/// Sends the entries of all parts to their panels. `None` if they do not match the counts.
pub(crate) fn distribute(
    entries: &InputEntries<'_>,
    parts: &[Range<usize>],
    counts: &[Vec<u32>],
    panels: &CachePanels,
    arrays: SpreadArrays<'_>,
) -> Option<()> {
    by_width!(entries.data.width(), W => by_index_type!(entries.lines.dtype(), I => {
        distribute_typed::<I, W>(entries, parts, counts, panels, arrays)
    }))
}

fn distribute_typed<I: Index, const W: usize>(
    entries: &InputEntries<'_>,
    parts: &[Range<usize>],
    counts: &[Vec<u32>],
    panels: &CachePanels,
    (marks, others, data): SpreadArrays<'_>,
) -> Option<()> {
    let streams = streams(counts, panels, (marks, typed_indices(others), carriers_mut(data)));
    streams
        .into_par_iter()
        .zip(parts)
        .map(|(streams, part)| send::<I, W>(entries, part.clone(), panels, streams))
        .collect::<Option<Vec<()>>>()
        .map(drop)
}

/// The unfilled space of one part in one panel.
struct WriteStream<'a, I, const W: usize> {
    marks: &'a mut [u16],
    others: &'a mut [I],
    data: &'a mut [Carrier<W>],
}

/// The streams of every part.
fn streams<'a, I, const W: usize>(
    counts: &[Vec<u32>],
    panels: &CachePanels,
    (mut marks, mut others, mut data): (&'a mut [u16], &'a mut [I], &'a mut [Carrier<W>]),
) -> Vec<Vec<WriteStream<'a, I, W>>> {
    let mut sums: Vec<_> = counts.iter().map(|counts| panels.sums(counts)).collect();
    let mut streams: Vec<Vec<_>> =
        counts.iter().map(|_| Vec::with_capacity(panels.count())).collect();
    for _ in 0..panels.count() {
        for (sums, streams) in sums.iter_mut().zip(&mut streams) {
            let entries = sums.next().unwrap_or(0);
            let (these_marks, these_others, these);
            (these_marks, marks) = marks.split_at_mut(entries);
            (these_others, others) = others.split_at_mut(entries);
            (these, data) = data.split_at_mut(entries);
            streams.push(WriteStream { marks: these_marks, others: these_others, data: these });
        }
    }
    streams
}

/// Entries gathered for a stream, each in one cache line.
type SpreadRun<I, const W: usize> = [(Carrier<W>, I, u16); RUN];

fn send<I: Index, const W: usize>(
    entries: &InputEntries<'_>,
    part: Range<usize>,
    panels: &CachePanels,
    mut streams: Vec<WriteStream<'_, I, W>>,
) -> Option<()> {
    let none = (Carrier::ZERO, I::from_usize(0), 0);
    let mut runs: Vec<SpreadRun<I, W>> = vec![[none; RUN]; panels.count()];
    let mut filled = vec![0u8; panels.count()];
    entries.each::<I>(part, &mut |lines, others, values| {
        for ((&line, &other), &value) in lines.iter().zip(others).zip(values.carriers::<W>()) {
            let panel = panels.of(line.to_usize())?;
            let (run, filled) = (runs.get_mut(panel)?, filled.get_mut(panel)?);
            let at = usize::from(*filled) % RUN;
            run[at] = (value, other, line.to_usize() as u16);
            *filled = at as u8 + 1;
            if at + 1 == RUN {
                streams[panel].push(run)?;
            }
        }
        Some(())
    })?;
    for ((run, filled), mut stream) in runs.iter().zip(filled).zip(streams) {
        // Full runs were already pushed.
        stream.push(&run[..usize::from(filled) % RUN])?;
        if !stream.marks.is_empty() {
            return None;
        }
    }
    Some(())
}

impl<I: Index, const W: usize> WriteStream<'_, I, W> {
    #[inline(always)]
    fn push(&mut self, run: &[(Carrier<W>, I, u16)]) -> Option<()> {
        let marks = self.marks.split_off_mut(..run.len())?;
        let others = self.others.split_off_mut(..run.len())?;
        let data = self.data.split_off_mut(..run.len())?;
        let places = marks.iter_mut().zip(others).zip(data);
        for (((mark, other), element), &(value, index, line)) in places.zip(run) {
            (*mark, *other, *element) = (line, index, value);
        }
        prefetch_run(self.marks);
        prefetch_run(self.others);
        prefetch_run(self.data);
        Some(())
    }
}

/// Prefetches the destination of the next run, whose start is the end of the last one.
#[inline(always)]
fn prefetch_run<X>(elements: &mut [X]) {
    let line = in_cache_line::<X>().min(RUN);
    for end in (line..=RUN).step_by(line) {
        prefetch_to_write(elements, end - 1);
    }
}
