//! The second pass of the external sort: records read back panel by panel, moved to their lines and passed on.
//!
//! A *panel* is as many consecutive bins as fit in a twelfth of the memory limit. Three of them are in the ring of
//! panels that are read ahead, and in addition the current one is sorted by all threads, each with some of the lines. A
//! bin that does not fit is sorted again by its own lines; a line that does not fit is sorted by its indices, or passed
//! on as it is if it need not be sorted.

use std::ops::Range;

use crate::convert::in_memory::{Bins, FilledLines, LinesToFill, RecordLayout, cut, even, record};
use crate::convert::sort::long_line::LongLine;
use crate::convert::sort::passes::{AnySink, Sort, SortedRun, Triplets};
use crate::error::Result;
use crate::sparse::{Duplicates, IndexVec, Indices, by_index, by_index_mut};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::raw::{Raw, RawVec, width};
use crate::storage::{
    ArrayRange, Context, Held, Index, IoBuffer, PADDING, RawBufferMut, ScratchFile, bytes_of,
};

/// Panels that are being read or worked on at a time.
const IN_FLIGHT: usize = 3;

/// Bytes of the records of a task: they and the entries they become stay in the second-level cache.
const TASK: usize = 512 << 10;

/// Records whose values are read at a time.
const BLOCK: usize = 64;

/// Sorted runs of records, to be read.
pub(crate) struct SortedBins<'a> {
    layout: RecordLayout,
    bins: Bins,
    runs: Vec<SortedRun>,
    /// The file with the runs; `None` if they are in memory.
    file: Option<ScratchFile>,
    ctx: &'a Context,
}

/// Memory of the second pass over this many runs.
pub(crate) fn memory(limit: u64, runs: usize) -> u64 {
    let panel = IoBuffer::rounded(panel_bytes(limit) as usize + runs * PADDING) as u64;
    IN_FLIGHT as u64 * panel + panel_bytes(limit)
}

/// Bytes of the records of a panel and the lengths of its lines.
pub(super) fn panel_bytes(limit: u64) -> u64 {
    (limit / 12).max(4096)
}

impl<'a> SortedBins<'a> {
    pub(crate) fn new(
        layout: RecordLayout,
        bins: Bins,
        runs: Vec<SortedRun>,
        file: Option<ScratchFile>,
        ctx: &'a Context,
    ) -> Self {
        SortedBins { layout, bins, runs, file, ctx }
    }

    /// Passes on runs that are in memory: in buffers, each of which counts as `each` bytes.
    pub(crate) fn fill_lines_in_memory(
        self,
        (buffers, each): (&[&[u8]], u64),
        sorting: Option<Duplicates>,
        sink: &mut dyn AnySink,
    ) -> Result<()> {
        let weights = self.weights();
        let mut entries = BinEntries::new(self.layout, self.ctx)?;
        // However long a line is, its records are in memory and its entries need no more.
        for bins in cut(&weights, panel_bytes(self.ctx.memory_left())) {
            let chunks: Vec<&[u8]> = self
                .extents(&bins)
                .into_iter()
                .map(|(_, bytes)| {
                    let each = each as usize;
                    &buffers[bytes.start / each][bytes.start % each..][..bytes.len()]
                })
                .collect();
            self.fill_bins(bins, &chunks, sorting, &mut entries, sink)?;
        }
        Ok(())
    }

    /// Passes on the runs, which are in the scratch file; bins that do not fit are sorted again by an `S`.
    pub(crate) fn fill_lines<S: Sort>(
        self,
        sorting: Option<Duplicates>,
        sink: &mut dyn AnySink,
    ) -> Result<()> {
        let weights = self.weights();
        let most = panel_bytes(self.ctx.memory_left());
        let panels = cut(&weights, most);
        let fits = |bins: &Range<usize>| {
            weights[bins.clone()].iter().fold(0, |sum: u64, &bytes| sum.saturating_add(bytes))
                <= most
        };
        let mut next = 0;
        while next < panels.len() {
            let small = panels[next..].iter().take_while(|bins| fits(bins)).count();
            if small > 0 {
                self.fill_small_bins(&panels[next..next + small], sorting, sink)?;
                next += small;
            } else {
                self.fill_large_bin::<S>(panels[next].clone(), sorting, sink)?;
                next += 1;
            }
        }
        Ok(())
    }

    /// Bytes of the records of every bin and of the lengths of its lines.
    fn weights(&self) -> Vec<u64> {
        let size = self.layout.size() as u64;
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

    /// The extents of the records of some bins in the file, run by run.
    fn extents(&self, bins: &Range<usize>) -> Vec<ArrayRange> {
        let size = self.layout.size() as u64;
        let extent = |run: &SortedRun| {
            let (start, end) = (run.starts[bins.start], run.starts[bins.end]);
            let offset = (run.offset + start * size) as usize;
            (0, offset..offset + ((end - start) * size) as usize)
        };
        self.runs.iter().map(extent).filter(|(_, bytes)| !bytes.is_empty()).collect()
    }

    fn fill_small_bins(
        &self,
        panels: &[Range<usize>],
        sorting: Option<Duplicates>,
        sink: &mut dyn AnySink,
    ) -> Result<()> {
        let Some(file) = &self.file else { return Err(record::damaged()) };
        let extents = panels.iter().map(|bins| self.extents(bins)).collect();
        let mut reader = file.panels(extents, IN_FLIGHT)?;
        let mut entries = BinEntries::new(self.layout, self.ctx)?;
        reader.sweep_part(self.ctx, &mut |k, chunks| {
            let chunks: Vec<_> = chunks.iter().map(Raw::bytes).collect();
            self.fill_bins(panels[k].clone(), &chunks, sorting, &mut entries, sink)
        })
    }

    /// Moves the records of some bins to their lines. `chunks` are the records of each run that has some.
    fn fill_bins(
        &self,
        bins: Range<usize>,
        chunks: &[&[u8]],
        sorting: Option<Duplicates>,
        entries: &mut BinEntries,
        sink: &mut dyn AnySink,
    ) -> Result<()> {
        let size = self.layout.size();
        let runs: Vec<&SortedRun> =
            self.runs.iter().filter(|run| run.starts[bins.start] < run.starts[bins.end]).collect();
        let count = |bin: usize| -> u64 {
            runs.iter().map(|run| run.starts[bin + 1] - run.starts[bin]).sum()
        };
        let counts: Vec<u64> = bins.clone().map(count).collect();
        let lines = self.bins.lines(bins.clone());
        entries.reserve(counts.iter().sum::<u64>() as usize, lines.len(), self.ctx)?;
        let (mut lens, mut indices, mut data) =
            (&mut entries.lens[..], entries.indices.as_mut(), entries.data.as_mut());
        let mut tasks = Vec::new();
        let parts = (counts.iter().sum::<u64>() as usize * size).div_ceil(TASK);
        for part in even(&counts, parts.max(4 * self.ctx.thread_count())) {
            let here = bins.start + part.start..bins.start + part.end;
            let lines = self.bins.lines(here.clone());
            let entries = counts[part].iter().sum::<u64>() as usize;
            let these_lens;
            (these_lens, lens) = lens.split_at_mut(lines.len());
            let (indices, data) = (indices.take_front(entries), data.take_front(entries));
            let records: Vec<&[u8]> = runs
                .iter()
                .zip(chunks)
                .map(|(run, chunk)| {
                    let first = run.starts[bins.start];
                    let at = |bin: usize| (run.starts[bin] - first) as usize * size;
                    chunk.get(at(here.start)..at(here.end)).unwrap_or_default()
                })
                .collect();
            tasks.push((LinesToFill { lines, lens: these_lens, indices, data }, records));
        }
        let filled: Vec<_> = self.ctx.with_threads(|| {
            let fill = |(filling, records): &mut (LinesToFill<'_>, Vec<&[u8]>)| {
                filling.fill(records, sorting)
            };
            tasks.par_iter_mut().map(fill).collect()
        });
        for ((filling, _), filled) in tasks.iter().zip(filled) {
            let position = sink.position();
            let FilledLines { entries, canonical } =
                filled?.map_err(|clash| clash.into_error(position))?;
            let indices = Indices::of_raw(filling.indices.as_raw().slice(0..entries));
            sink.lines(filling.lens, indices, filling.data.as_raw().slice(0..entries), canonical)?;
        }
        Ok(())
    }

    /// One bin that does not fit.
    fn fill_large_bin<S: Sort>(
        &self,
        bin: Range<usize>,
        sorting: Option<Duplicates>,
        sink: &mut dyn AnySink,
    ) -> Result<()> {
        let lines = self.bins.lines(bin.clone());
        if lines.len() > 1 {
            let mut again = S::start(self.layout, lines, self.records(&bin), self.ctx);
            self.each_record(&bin, &mut |entries| again.take(entries))?;
            return again.hand_on(sorting, sink, self.ctx);
        }
        let Some(duplicates) = sorting else {
            // No order is claimed within the line; it is checked when needed.
            self.each_record(&bin, &mut |(_, minors, data)| sink.part(minors, data, false))?;
            return sink.end_line();
        };
        let last = self.largest_minor(&bin)?;
        let mut again = S::start(self.layout, 0..last + 1, self.records(&bin), self.ctx);
        self.each_record(&bin, &mut |(majors, minors, data)| again.take((minors, majors, data)))?;
        let mut long = LongLine::new(self.layout, lines.start, duplicates, sink);
        again.hand_on(None, &mut long, self.ctx)?;
        sink.end_line()
    }

    fn records(&self, bin: &Range<usize>) -> u64 {
        self.runs.iter().map(|run| run.starts[bin.end] - run.starts[bin.start]).sum()
    }

    /// The largest index in a bin. Reads the bin.
    fn largest_minor(&self, bin: &Range<usize>) -> Result<usize> {
        let mut largest = 0;
        self.each_record(bin, &mut |(_, minors, _)| {
            let most = by_index!(minors, minors => minors.iter().max().map(|most| most.to_usize()));
            largest = largest.max(most.unwrap_or(0));
            Ok(())
        })?;
        Ok(largest)
    }

    /// Calls `work` with all records of a bin, some at a time, in their given order.
    fn each_record(
        &self,
        bin: &Range<usize>,
        work: &mut dyn FnMut(Triplets<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(file) = &self.file else { return Err(record::damaged()) };
        let (layout, size) = (self.layout, self.layout.size());
        // Runs small enough to leave the rest of the limit to the caller.
        let most = (panel_bytes(self.ctx.memory_left()) as usize / 4 / size).max(1) * size;
        let chunks = self.extents(bin).into_iter().flat_map(|(file, bytes)| {
            let end = bytes.end;
            bytes.step_by(most).map(move |start| vec![(file, start..end.min(start + most))])
        });
        let mut reader = file.panels(chunks.collect(), IN_FLIGHT)?;
        let mut majors = IndexVec::new(layout.indices);
        let mut minors = IndexVec::new(layout.indices);
        let mut data = RawVec::new(layout.values);
        let places: [usize; BLOCK] = std::array::from_fn(|place| place);
        reader.sweep_part(self.ctx, &mut |_, chunks| {
            let (records, count) = (chunks[0].bytes(), chunks[0].len() / size);
            majors.resize(count, 0);
            minors.resize(count, 0);
            data.resize(count);
            by_index_mut!(majors.as_mut(), majors => self.read_lines(records, majors))?;
            by_index_mut!(minors.as_mut(), minors => self.read_minors(records, minors));
            let mut values = data.as_mut();
            for records in records.chunks(BLOCK * size) {
                let count = records.len() / size;
                let read = values.take_front(count).read_records(&places[..count], records, size);
                record::undamaged(read)?;
            }
            work((majors.as_indices(), minors.as_indices(), data.as_raw()))
        })
    }

    fn read_lines<I: Index>(&self, records: &[u8], lines: &mut [I]) -> Result<()> {
        let (size, value) = (self.layout.size(), width(self.layout.values));
        for (line, record) in lines.iter_mut().zip(records.chunks_exact(size)) {
            *line = record::major(record, value);
            if !self.bins.hold(line.to_usize()) {
                return Err(record::damaged());
            }
        }
        Ok(())
    }

    fn read_minors<I: Index>(&self, records: &[u8], minors: &mut [I]) {
        let (size, value) = (self.layout.size(), width(self.layout.values));
        let each = minors.iter_mut().zip(records.chunks_exact(size));
        each.for_each(|(minor, record)| *minor = record::minor(record, value));
    }
}

/// The entries of the current panel.
struct BinEntries {
    lens: Vec<usize>,
    indices: RawBufferMut,
    data: RawBufferMut,
    held: Held,
}

impl BinEntries {
    fn new(layout: RecordLayout, ctx: &Context) -> Result<Self> {
        let indices = RawBufferMut::fresh(Some(layout.indices), 0)?;
        let data = RawBufferMut::fresh(layout.values, 0)?;
        Ok(BinEntries { lens: Vec::new(), indices, data, held: ctx.hold(0) })
    }

    fn reserve(&mut self, entries: usize, lines: usize, ctx: &Context) -> Result<()> {
        if entries > self.indices.len() {
            let what = "entries of some lines";
            self.indices = ctx.raw_filled(what, (self.indices.dtype(), entries))?;
            self.data = ctx.raw_filled(what, (self.data.dtype(), entries))?;
        }
        if lines > self.lens.len() {
            self.lens = ctx.filled("the lengths of some lines", lines, 0)?;
        }
        let bytes = self.indices.bytes() + self.data.bytes();
        self.held.resize(bytes + size_of_val(&self.lens[..]) as u64);
        Ok(())
    }
}
