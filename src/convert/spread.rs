//! Entries spread to the strips of their lines, in memory, by all threads.
//!
//! ```text
//! for each part of the entries, in parallel:  count the entries of every bin -> strips of lines, and where each part's lie
//! for each part, in parallel:                 send every entry to the stream of its strip
//! ```
//!
//! A stream is the room of one part in one strip, and parts come in order within the strip: entries of a line keep their
//! order, whatever the number of threads. An entry leaves its index across and its value where the result will be, and
//! besides the low half of its line's number, so that no second copy of the entries is made.
//!
//! 1. Entries wait in runs of 32, each entry in one cache line, and go to the three arrays of their stream together.
//! 2. Both passes read what may lie in a file that is changing: streams that overflow or stay open tell it.

use std::ops::Range;

use crate::convert::strips::Strips;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Entry, Index, in_cache_line, prefetch_to_write};

/// Entries that wait for their stream.
const RUN: usize = 32;

/// Entries that can be passed through twice, in order.
pub(super) trait Entries<T, I>: Sync {
    /// The line of every entry.
    fn lines(&self) -> &[I];

    /// Calls `visit` with line, index across and value of some entries, until it gives `None`; gives `None` itself if they
    /// are not what they were.
    fn each(&self, range: Range<usize>, visit: impl FnMut(I, I, T) -> Option<()>) -> Option<()>;
}

/// Where the entries are to lie: low halves of lines, indices across, values.
pub(super) type Arrays<'a, T, I> = (&'a mut [u16], &'a mut [I], &'a mut [T]);

/// Memory besides the low halves of lines, for parts that work side by side.
pub(super) fn memory<T, I>(parts: usize, lines: usize) -> u64 {
    let strips = 1 << 12;
    let bins = Strips::bins(lines).count() * (size_of::<u32>() + size_of::<u16>());
    (parts * (bins + strips * (size_of::<Stream<'_, T, I>>() + size_of::<Run<T, I>>() + 1))) as u64
}

/// Entries in parts of about equal length.
pub(super) fn parts(entries: usize, parts: usize) -> Vec<Range<usize>> {
    let cut = |part: usize| (entries as u128 * part as u128 / parts as u128) as usize;
    (0..parts).map(|part| cut(part)..cut(part + 1)).collect()
}

/// Counts the entries of every bin, part by part. `None` if a line is in no bin.
pub(super) fn count<T, I: Index>(
    entries: &impl Entries<T, I>,
    parts: &[Range<usize>],
    lines: usize,
) -> Option<Vec<Vec<u32>>> {
    let bins = Strips::bins(lines);
    let counted = parts.par_iter().map(|part| {
        let mut counts = vec![0u32; bins.count()];
        for line in &entries.lines()[part.clone()] {
            *counts.get_mut(bins.of(line.to_usize()))? += 1;
        }
        Some(counts)
    });
    counted.collect()
}

/// Sends the entries of all parts to their strips. `None` if they are not what was counted.
pub(super) fn spread<T: Entry, I: Index>(
    entries: &impl Entries<T, I>,
    parts: &[Range<usize>],
    counts: &[Vec<u32>],
    strips: &Strips,
    arrays: Arrays<'_, T, I>,
) -> Option<()> {
    let streams = streams(counts, strips, arrays);
    streams
        .into_par_iter()
        .zip(parts)
        .map(|(streams, part)| send(entries, part.clone(), strips, streams))
        .collect::<Option<Vec<()>>>()
        .map(drop)
}

/// The room of one part in one strip, less what was filled.
struct Stream<'a, T, I> {
    marks: &'a mut [u16],
    others: &'a mut [I],
    data: &'a mut [T],
}

/// The streams of every part.
fn streams<'a, T, I>(
    counts: &[Vec<u32>],
    strips: &Strips,
    (mut marks, mut others, mut data): Arrays<'a, T, I>,
) -> Vec<Vec<Stream<'a, T, I>>> {
    let mut sums: Vec<_> = counts.iter().map(|counts| strips.sums(counts)).collect();
    let mut streams: Vec<Vec<_>> =
        counts.iter().map(|_| Vec::with_capacity(strips.count())).collect();
    for _ in 0..strips.count() {
        for (sums, streams) in sums.iter_mut().zip(&mut streams) {
            let room = sums.next().unwrap_or(0);
            let (these_marks, these_others, these);
            (these_marks, marks) = marks.split_at_mut(room);
            (these_others, others) = others.split_at_mut(room);
            (these, data) = data.split_at_mut(room);
            streams.push(Stream { marks: these_marks, others: these_others, data: these });
        }
    }
    streams
}

/// Entries on their way to a stream: each in one cache line.
type Run<T, I> = [(T, I, u16); RUN];

fn send<T: Entry, I: Index>(
    entries: &impl Entries<T, I>,
    part: Range<usize>,
    strips: &Strips,
    mut streams: Vec<Stream<'_, T, I>>,
) -> Option<()> {
    let none = (T::zeroed(), I::from_usize(0), 0);
    let mut runs: Vec<Run<T, I>> = vec![[none; RUN]; strips.count()];
    let mut filled = vec![0u8; strips.count()];
    entries.each(part, |line, other, value| {
        let strip = strips.of(line)?;
        let (run, filled) = (runs.get_mut(strip)?, filled.get_mut(strip)?);
        let at = usize::from(*filled) % RUN;
        run[at] = (value, other, line.to_usize() as u16);
        *filled = at as u8 + 1;
        if at + 1 == RUN { streams[strip].push(run) } else { Some(()) }
    })?;
    for ((run, filled), mut stream) in runs.iter().zip(filled).zip(streams) {
        // A run that is full was pushed.
        stream.push(&run[..usize::from(filled) % RUN])?;
        if !stream.marks.is_empty() {
            return None;
        }
    }
    Some(())
}

impl<T: Entry, I: Index> Stream<'_, T, I> {
    #[inline(always)]
    fn push(&mut self, run: &[(T, I, u16)]) -> Option<()> {
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

/// Asks for what the next run will be written to; where it starts, the last one ended.
#[inline(always)]
fn prefetch_run<X>(elements: &mut [X]) {
    let line = in_cache_line::<X>().min(RUN);
    for end in (line..=RUN).step_by(line) {
        prefetch_to_write(elements, end - 1);
    }
}
