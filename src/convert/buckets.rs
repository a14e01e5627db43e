//! The second pass of the external sort: records read back bucket by bucket, brought to their lines and handed on.
//!
//! A *bucket* is as many consecutive bins as fit in a twelfth of the memory limit. Three of them are in the ring of
//! panels that are read ahead, and the one at hand is sorted beside it, by all threads, each with some of the lines. A
//! bin that does not fit is sorted once more by its own lines; a line that does not fit is sorted by its indices, or
//! handed on as it comes if it need not be sorted.

use std::ops::Range;

use crate::convert::bins::{Bins, cut, even};
use crate::convert::long_line::LongLine;
use crate::convert::passes::{Run, Sink, Sort};
use crate::convert::record;
use crate::convert::region::{Filled, Region};
use crate::error::Result;
use crate::sparse::Duplicates;
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{Context, Entry, Held, Index, IoBuffer, Scratch, ScratchFile, bytes_of};

/// Buckets that are being read or worked on at a time.
const IN_FLIGHT: usize = 3;

/// Bytes of the records of a task: they and the entries they become stay in the second-level cache.
const TASK: usize = 512 << 10;

/// Sorted runs of records, to be read.
pub(super) struct Buckets<'a> {
    bins: Bins,
    runs: Vec<Run>,
    /// Where the runs lie; `None` if they are in memory.
    file: Option<ScratchFile>,
    ctx: &'a Context,
}

/// Memory that the second pass takes, over so many runs.
pub(super) fn memory(limit: u64, runs: usize) -> u64 {
    let panel = IoBuffer::rounded(room(limit) as usize + runs * Scratch::BESIDE) as u64;
    IN_FLIGHT as u64 * panel + room(limit)
}

/// Bytes of the records of a bucket and the lengths of its lines.
fn room(limit: u64) -> u64 {
    (limit / 12).max(4096)
}

impl<'a> Buckets<'a> {
    pub(super) fn new(
        bins: Bins,
        runs: Vec<Run>,
        file: Option<ScratchFile>,
        ctx: &'a Context,
    ) -> Self {
        Buckets { bins, runs, file, ctx }
    }

    /// Hands on runs that lie in memory.
    pub(super) fn settle_memory<T: Entry, I: Index>(
        self,
        records: &[u8],
        sorting: Option<Duplicates>,
        sink: &mut dyn Sink<T, I>,
    ) -> Result<()> {
        let weights = self.weights::<T, I>();
        let mut hand = Hand::new(self.ctx);
        // However long a line is, its records are in memory and its entries take no more.
        for bins in cut(&weights, room(self.ctx.memory_left())) {
            let segments: Vec<&[u8]> = self
                .extents::<T, I>(&bins)
                .into_iter()
                .map(|(offset, bytes)| &records[offset as usize..][..bytes])
                .collect();
            self.settle_bucket(bins, &segments, sorting, &mut hand, sink)?;
        }
        Ok(())
    }

    /// Hands on the runs, which lie in the scratch file; what does not fit is sorted once more by an `S`.
    pub(super) fn settle<T: Entry, I: Index, S: Sort<T, I>>(
        self,
        sorting: Option<Duplicates>,
        sink: &mut dyn Sink<T, I>,
    ) -> Result<()> {
        let weights = self.weights::<T, I>();
        let room = room(self.ctx.memory_left());
        let buckets = cut(&weights, room);
        let is_light = |bins: &Range<usize>| {
            weights[bins.clone()].iter().fold(0, |sum: u64, &bytes| sum.saturating_add(bytes))
                <= room
        };
        let mut next = 0;
        while next < buckets.len() {
            let light = buckets[next..].iter().take_while(|bins| is_light(bins)).count();
            if light > 0 {
                self.settle_light(&buckets[next..next + light], sorting, sink)?;
                next += light;
            } else {
                self.settle_heavy::<T, I, S>(buckets[next].clone(), sorting, sink)?;
                next += 1;
            }
        }
        Ok(())
    }

    /// Bytes of the records of every bin and of the lengths of its lines.
    fn weights<T, I>(&self) -> Vec<u64> {
        let size = record::bytes::<T, I>() as u64;
        let lengths = |bin: usize| bytes_of::<usize>(self.bins.lines(bin..bin + 1).len());
        let mut weights: Vec<u64> = (0..self.bins.count()).map(lengths).collect();
        for run in &self.runs {
            let counts = run.starts.windows(2).map(|pair| (pair[1] - pair[0]) * size);
            weights
                .iter_mut()
                .zip(counts)
                .for_each(|(sum, bytes)| *sum = sum.saturating_add(bytes));
        }
        weights
    }

    /// Where in the file the records of some bins lie, run by run.
    fn extents<T, I>(&self, bins: &Range<usize>) -> Vec<(u64, usize)> {
        let size = record::bytes::<T, I>() as u64;
        let extent = |run: &Run| {
            let (start, end) = (run.starts[bins.start], run.starts[bins.end]);
            (run.offset + start * size, ((end - start) * size) as usize)
        };
        self.runs.iter().map(extent).filter(|(_, bytes)| *bytes > 0).collect()
    }

    fn settle_light<T: Entry, I: Index>(
        &self,
        buckets: &[Range<usize>],
        sorting: Option<Duplicates>,
        sink: &mut dyn Sink<T, I>,
    ) -> Result<()> {
        let Some(file) = &self.file else { return Err(record::damaged()) };
        let panels: Vec<_> = buckets.iter().map(|bins| self.extents::<T, I>(bins)).collect();
        let mut reader = file.panels(panels, IN_FLIGHT)?;
        let mut hand = Hand::new(self.ctx);
        reader.sweep(self.ctx, &mut |k, segments| {
            self.settle_bucket(buckets[k].clone(), segments, sorting, &mut hand, sink)
        })
    }

    /// Brings the records of some bins to their lines. `segments` are those of every run that has some.
    fn settle_bucket<T: Entry, I: Index>(
        &self,
        bins: Range<usize>,
        segments: &[&[u8]],
        sorting: Option<Duplicates>,
        hand: &mut Hand<T, I>,
        sink: &mut dyn Sink<T, I>,
    ) -> Result<()> {
        let size = record::bytes::<T, I>();
        let runs: Vec<&Run> =
            self.runs.iter().filter(|run| run.starts[bins.start] < run.starts[bins.end]).collect();
        let count = |bin: usize| -> u64 {
            runs.iter().map(|run| run.starts[bin + 1] - run.starts[bin]).sum()
        };
        let counts: Vec<u64> = bins.clone().map(count).collect();
        let lines = self.bins.lines(bins.clone());
        hand.make_room(counts.iter().sum::<u64>() as usize, lines.len(), self.ctx)?;
        let (mut lens, mut indices, mut data) = hand.room();
        let mut tasks = Vec::new();
        let parts = (counts.iter().sum::<u64>() as usize * size).div_ceil(TASK);
        for part in even(&counts, parts.max(4 * self.ctx.thread_count())) {
            let here = bins.start + part.start..bins.start + part.end;
            let lines = self.bins.lines(here.clone());
            let entries = counts[part].iter().sum::<u64>() as usize;
            let (these_lens, these_indices, these_data);
            (these_lens, lens) = lens.split_at_mut(lines.len());
            (these_indices, indices) = indices.split_at_mut(entries);
            (these_data, data) = data.split_at_mut(entries);
            let records: Vec<&[u8]> = runs
                .iter()
                .zip(segments)
                .map(|(run, segment)| {
                    let first = run.starts[bins.start];
                    let at = |bin: usize| (run.starts[bin] - first) as usize * size;
                    segment.get(at(here.start)..at(here.end)).unwrap_or_default()
                })
                .collect();
            let region =
                Region { lines, lens: these_lens, indices: these_indices, data: these_data };
            tasks.push((region, records));
        }
        let filled: Vec<_> = self.ctx.with_threads(|| {
            let fill = |(region, records): &mut (Region<'_, T, I>, Vec<&[u8]>)| {
                region.fill(records, sorting)
            };
            tasks.par_iter_mut().map(fill).collect()
        });
        for ((region, _), filled) in tasks.iter().zip(filled) {
            let position = sink.position();
            let Filled { entries, canonical } =
                filled?.map_err(|clash| clash.into_error(position))?;
            sink.lines(
                &region.lens[..],
                &region.indices[..entries],
                &region.data[..entries],
                canonical,
            )?;
        }
        Ok(())
    }

    /// One bin that does not fit.
    fn settle_heavy<T: Entry, I: Index, S: Sort<T, I>>(
        &self,
        bin: Range<usize>,
        sorting: Option<Duplicates>,
        sink: &mut dyn Sink<T, I>,
    ) -> Result<()> {
        let lines = self.bins.lines(bin.clone());
        if lines.len() > 1 {
            let mut again = S::start(lines, self.records(&bin), self.ctx);
            self.each_record(&bin, |majors, minors, data| again.take(majors, minors, data))?;
            return again.hand_on(sorting, sink, self.ctx);
        }
        let Some(duplicates) = sorting else {
            // Nothing is claimed of the order within; it is checked when somebody needs to know.
            self.each_record(&bin, |_, minors, data| sink.part(minors, data, false))?;
            return sink.end_line();
        };
        let last = self.largest_minor::<T, I>(&bin)?;
        let mut again = S::start(0..last + 1, self.records(&bin), self.ctx);
        self.each_record(&bin, |majors, minors, data| again.take(minors, majors, data))?;
        let mut long = LongLine::new(lines.start, duplicates, sink);
        again.hand_on(None, &mut long, self.ctx)?;
        sink.end_line()
    }

    fn records(&self, bin: &Range<usize>) -> u64 {
        self.runs.iter().map(|run| run.starts[bin.end] - run.starts[bin.start]).sum()
    }

    /// The largest index in a bin. Reads the bin.
    fn largest_minor<T: Entry, I: Index>(&self, bin: &Range<usize>) -> Result<usize> {
        let mut largest = 0;
        self.each_record(bin, |_, minors: &[I], _: &[T]| {
            largest = minors.iter().fold(largest, |largest, minor| largest.max(minor.to_usize()));
            Ok(())
        })?;
        Ok(largest)
    }

    /// Calls `work` with all records of a bin, some at a time, in the order in which they were given.
    fn each_record<T: Entry, I: Index>(
        &self,
        bin: &Range<usize>,
        mut work: impl FnMut(&[I], &[I], &[T]) -> Result<()>,
    ) -> Result<()> {
        let Some(file) = &self.file else { return Err(record::damaged()) };
        let size = record::bytes::<T, I>();
        // Pieces small enough to leave the rest of the limit to whoever takes them.
        let most = (room(self.ctx.memory_left()) as usize / 4 / size).max(1) * size;
        let pieces = self.extents::<T, I>(bin).into_iter().flat_map(|(offset, bytes)| {
            (0..bytes)
                .step_by(most)
                .map(move |start| vec![(offset + start as u64, most.min(bytes - start))])
        });
        let mut reader = file.panels(pieces.collect(), IN_FLIGHT)?;
        let (mut majors, mut minors, mut data) = (Vec::new(), Vec::new(), Vec::new());
        reader.sweep(self.ctx, &mut |_, segments| {
            majors.clear();
            minors.clear();
            data.clear();
            for record in segments[0].chunks_exact(size) {
                let (minor, value) = record::undamaged(record::rest::<T, I>(record))?;
                let major = record::major::<T, I>(record);
                if !self.bins.hold(major) {
                    return Err(record::damaged());
                }
                majors.push(I::from_usize(major));
                minors.push(minor);
                data.push(value);
            }
            work(&majors, &minors, &data)
        })
    }
}

/// The entries of the bucket at hand.
struct Hand<T, I> {
    lens: Vec<usize>,
    indices: Vec<I>,
    data: Vec<T>,
    held: Held,
}

impl<T: Entry, I: Index> Hand<T, I> {
    fn new(ctx: &Context) -> Self {
        Hand { lens: Vec::new(), indices: Vec::new(), data: Vec::new(), held: ctx.hold(0) }
    }

    fn make_room(&mut self, entries: usize, lines: usize, ctx: &Context) -> Result<()> {
        if entries > self.indices.len() {
            self.indices = ctx.filled("entries of some lines", entries, I::zeroed())?;
            self.data = ctx.filled("entries of some lines", entries, T::zeroed())?;
        }
        if lines > self.lens.len() {
            self.lens = ctx.filled("the lengths of some lines", lines, 0)?;
        }
        let bytes = size_of_val(&self.indices[..]) + size_of_val(&self.data[..]);
        self.held.resize((bytes + size_of_val(&self.lens[..])) as u64);
        Ok(())
    }

    fn room(&mut self) -> (&mut [usize], &mut [I], &mut [T]) {
        (&mut self.lens, &mut self.indices, &mut self.data)
    }
}
