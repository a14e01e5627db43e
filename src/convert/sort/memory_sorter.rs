//! Entries in any order sorted into their lines without a scratch file: the two passes of the
//! [external sort](super::sorter) over runs that stay in memory.
//!
//! ```text
//! entries are gathered -> when a huge page of records is full, a counting sort by bins of lines to a page of its own
//! some consecutive bins at a time: their records from every page -> sorted by line -> passed on
//! ```
//!
//! The runs are short, so that they are sorted while they are in the cache, and an entry is in memory once. Memory that
//! is touched for the first time costs as much as the sort: a page of zeros for each.

use crate::convert::in_memory::{Bins, RecordLayout};
use crate::convert::sort::passes::{SortedRun, Triplets};
use crate::convert::sort::sink::AnyMatrixSink;
use crate::convert::sort::sorted_bins::{SortedBins, panel_bytes};
use crate::convert::sort::sorted_run::{MOST_PARTS, sorted_run};
use crate::error::Result;
use crate::sparse::{AnyCompressed, AnyWriter, Duplicates, IndexVec, Types};
use crate::storage::raw::RawVec;
use crate::storage::{Context, Held, IoBuffer, Place, SparseFormat, bytes_of};

/// Bytes of the records of a run, at most: a huge page.
const RUN: usize = 2 << 20;

/// The most bins of a run, each with its start.
const STARTS: usize = 1 << 12;

/// Takes entries in any order.
pub(crate) struct MemorySorter {
    bins: Bins,
    layout: RecordLayout,
    /// The run that is being gathered, in the order of arrival.
    majors: IndexVec,
    minors: IndexVec,
    data: RawVec,
    /// The sorted runs: each buffer of records has some.
    buffers: Vec<IoBuffer>,
    runs: Vec<SortedRun>,
    nnz: usize,
    _gathered: Held,
    ctx: Context,
}

impl MemorySorter {
    /// A sorter for the entries of a matrix with `lines` lines.
    pub(crate) fn new(types: Types, lines: usize, ctx: &Context) -> Self {
        let layout = RecordLayout::of(types);
        MemorySorter {
            bins: Bins::new(0..lines),
            layout,
            majors: IndexVec::new(layout.indices),
            minors: IndexVec::new(layout.indices),
            data: RawVec::new(layout.values),
            buffers: Vec::new(),
            runs: Vec::new(),
            nnz: 0,
            _gathered: ctx.hold(RUN as u64),
            ctx: ctx.clone(),
        }
    }

    /// Memory for `entries` entries in `lines` lines, which may all be in the same line, in addition to that of the
    /// result.
    pub(crate) fn memory(types: Types, (lines, entries): (usize, usize), limit: u64) -> u64 {
        let runs = entries.div_ceil(run(RecordLayout::of(types)));
        let starts = bytes_of::<u64>(STARTS * MOST_PARTS).saturating_mul(runs as u64);
        // Gathered entries take as much as their records.
        let records = (runs as u64 + 1).saturating_mul(RUN as u64).saturating_add(starts);
        let lens = bytes_of::<usize>(lines.div_ceil(STARTS));
        let panel = panel_bytes(limit).max(types.bytes_of(0, entries).saturating_add(lens));
        records.saturating_add(panel)
    }

    /// Takes entries. The caller has checked the indices that are not the line.
    ///
    /// Fails if a line is out of range, at the latest when a run is full.
    pub(crate) fn extend(&mut self, (majors, minors, data): Triplets<'_>) -> Result<()> {
        let (full, mut start) = (run(self.layout), 0);
        while start < data.len() {
            let here = start..data.len().min(start + full - self.data.len());
            self.majors.extend(majors.slice(here.clone()));
            self.minors.extend(minors.slice(here.clone()));
            self.data.extend(data.slice(here.clone()));
            start = here.end;
            if self.data.len() == full {
                self.sort()?;
            }
        }
        self.nnz += data.len();
        Ok(())
    }

    /// The matrix of all entries. Fails if duplicates are refused, or sums overflow.
    pub(crate) fn finish(
        mut self,
        kind: (SparseFormat, Types),
        shape: (usize, usize),
        duplicates: Duplicates,
        place: &Place,
        ctx: &Context,
    ) -> Result<AnyCompressed> {
        self.sort()?;
        let writer = AnyWriter::new(kind, shape, self.nnz, true, place, ctx)?;
        let mut sink = AnyMatrixSink::new(writer, kind.0);
        let MemorySorter { bins, layout, buffers, runs, .. } = self;
        let records: Vec<&[u8]> = buffers.iter().map(IoBuffer::bytes).collect();
        let sorted = SortedBins::new(layout, bins, runs, None, ctx);
        sorted.fill_lines_in_memory((&records, RUN as u64), Some(duplicates), &mut sink)?;
        sink.finish()
    }

    /// Sorts what was gathered to a buffer of its own.
    fn sort(&mut self) -> Result<()> {
        if self.data.len() == 0 {
            return Ok(());
        }
        self.ctx.check_cancelled()?;
        let entries = (self.majors.as_indices(), self.minors.as_indices(), self.data.as_raw());
        let (buffer, mut runs) = sorted_run(&self.bins, entries, None, &self.ctx)?;
        let offset = (self.buffers.len() * RUN) as u64;
        runs.iter_mut().for_each(|run| run.offset += offset);
        self.runs.extend(runs);
        self.buffers.push(buffer);
        self.majors.clear();
        self.minors.clear();
        self.data.clear();
        Ok(())
    }
}

/// Entries of a run.
fn run(layout: RecordLayout) -> usize {
    RUN / layout.size()
}
