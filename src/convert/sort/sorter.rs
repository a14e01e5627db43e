//! Entries in any order moved to their lines: an external sort in two passes.
//!
//! ```text
//! 1. entries are gathered in memory -> when a run of them is full, a stable counting sort by bins of lines
//!    -> the sorted run goes to a scratch file in one write, and the start of each bin in it is remembered
//! 2. some consecutive bins at a time: their records are read from every run -> sorted by line -> passed on
//! ```
//!
//! The counts of the runs add up to the exact number of records of every bin, so the second pass cuts the bins into
//! panels of bins that fit, without sampling or guessing. Only a single bin with too many records is distributed again, by its
//! own lines, and a line that is too long by its indices (`sorted_bins.rs`). So the cost is one write and one read of the
//! records, whatever their order; none at all if they fit in one run.
//!
//! Every step keeps the order of entries within a line. So duplicates meet in the order in which they were given, and
//! sums have the same bits as in the conversion in memory.
//!
//! Memory, in parts of the limit: a sixth each for the run being gathered, the one being sorted and the one being
//! written; afterwards, with these freed, a quarter for the panels being read and a twelfth for the one being moved to
//! its lines.

use std::ops::Range;

use crate::convert::in_memory::{Bins, RecordLayout};
use crate::convert::sort::passes::{AnySink, Sort, SortedRun, Triplets};
use crate::convert::sort::sorted_bins;
use crate::convert::sort::sorted_bins::SortedBins;
use crate::convert::sort::sorted_run::{MOST_PARTS, layout, sorted_run};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{Duplicates, IndexVec};
use crate::storage::raw::RawVec;
use crate::storage::work;
use crate::storage::{Broken, Context, Held, IoBuffer, PADDING, Plan, Scratch};

/// Takes entries in any order.
pub(crate) struct AnySorter {
    bins: Bins,
    layout: RecordLayout,
    /// The run that is being gathered, in the order of arrival.
    majors: IndexVec,
    minors: IndexVec,
    data: RawVec,
    /// Entries of a full run.
    most: usize,
    /// Entries for which memory is allocated, at most a full run.
    ready: usize,
    /// Whether writing a run failed half-way.
    broken: Broken,
    scratch: Option<Scratch>,
    runs: Vec<SortedRun>,
    /// Entries still expected.
    expected: u64,
    held: Held,
    ctx: Context,
}

impl AnySorter {
    /// A sorter for entries of the lines `lines`, `expected` of them if that is known.
    pub(crate) fn new(
        layout: RecordLayout,
        lines: Range<usize>,
        expected: u64,
        ctx: &Context,
    ) -> Self {
        AnySorter {
            bins: Bins::new(lines),
            layout,
            majors: IndexVec::new(layout.indices),
            minors: IndexVec::new(layout.indices),
            data: RawVec::new(layout.values),
            most: entries_in_memory(layout, ctx),
            ready: 0,
            broken: Broken::default(),
            scratch: None,
            runs: Vec::new(),
            expected,
            held: ctx.hold(0),
            ctx: ctx.clone(),
        }
    }

    /// Adds sorting `entries` entries to a plan: scratch space, memory, work.
    pub(crate) fn plan(plan: Plan, layout: RecordLayout, entries: u64, ctx: &Context) -> Plan {
        let (limit, size) = (ctx.memory_left(), layout.size() as u64);
        let most = entries_in_memory(layout, ctx) as u64;
        let (runs, plan) = match entries > most {
            true => (2, plan.scratches(entries * size)),
            false => (1, plan),
        };
        let run = (entries.min(most) * size) as usize;
        // Two panels being read, and the lines for one of them; gathering needs less.
        let panel = IoBuffer::rounded(run + 4 * PADDING);
        let gathered = (2 * panel + run / 2) as u64;
        let sorting = gathered + runs * IoBuffer::rounded(run) as u64;
        let parts = (entries / most + 1) as usize * ctx.thread_count().min(MOST_PARTS);
        plan.holds(sorting.max(sorted_bins::memory(limit, parts))).works(entries, work::SORT)
    }

    /// Adds settling the entries taken so far to a plan: the scratch file is read.
    pub(crate) fn plan_to_settle(&self, plan: Plan, ctx: &Context) -> Plan {
        let size = self.layout.size() as u64;
        let written: u64 = self.runs.iter().filter_map(|run| run.starts.last()).sum();
        let entries = written + self.data.len() as u64;
        let waiting = self.data.len() as u64 * size;
        let plan = match self.scratch {
            Some(_) => plan.scratches(waiting).reads(0, written * size),
            None => plan.holds(IoBuffer::rounded(waiting as usize) as u64),
        };
        let parts = self.runs.len() + MOST_PARTS;
        plan.holds(sorted_bins::memory(ctx.memory_left(), parts)).works(entries, work::SORT_AGAIN)
    }

    /// Takes entries. The caller has checked the indices that are not the line.
    ///
    /// Fails if a line is out of range, at the latest when the run is full. A full run of entries at once is sorted
    /// in place; fewer are gathered first.
    pub(crate) fn extend(&mut self, (majors, minors, data): Triplets<'_>) -> Result<()> {
        let mut start = 0;
        while start < data.len() {
            self.write_if_full()?;
            let step = self.left().min(data.len() - start);
            let here = start..start + step;
            let entries =
                (majors.slice(here.clone()), minors.slice(here.clone()), data.slice(here));
            start += step;
            if step >= self.most / 2 && self.data.len() == 0 {
                let sorted = write_run(
                    (&mut self.scratch, &mut self.broken),
                    &self.bins,
                    entries,
                    self.expected,
                    &self.ctx,
                )?;
                self.runs.extend(sorted);
                self.expected = self.expected.saturating_sub(step as u64);
                continue;
            }
            self.gather(entries)?;
        }
        Ok(())
    }

    /// Takes entries, at most as many as are [left](Self::left).
    pub(crate) fn gather(&mut self, (majors, minors, data): Triplets<'_>) -> Result<()> {
        self.reserve(data.len())?;
        self.majors.extend(majors);
        self.minors.extend(minors);
        self.data.extend(data);
        Ok(())
    }

    /// Remaining capacity of the current run.
    pub(crate) fn left(&self) -> usize {
        self.most - self.data.len()
    }

    /// Writes the run, if it is full. Fails, leaving the run unchanged, if it cannot be written.
    pub(crate) fn write_if_full(&mut self) -> Result<()> {
        if self.left() == 0 { self.write_gathered() } else { Ok(()) }
    }

    /// Passes all entries to `sink`, line by line; lines are sorted and duplicates treated, if `sorting` is given.
    pub(crate) fn fill_lines(
        mut self,
        sorting: Option<Duplicates>,
        sink: &mut dyn AnySink,
        ctx: &Context,
    ) -> Result<()> {
        if self.scratch.is_none() {
            let (buffer, runs) = sorted_run(&self.bins, self.gathered(), None, &self.ctx)?;
            let (bins, layout) = (self.bins.clone(), self.layout);
            // The gathered entries are not needed any more.
            drop(self);
            return SortedBins::new(layout, bins, runs, None, ctx).fill_lines_in_memory(
                (&[buffer.bytes()], u64::MAX),
                sorting,
                sink,
            );
        };
        if self.data.len() > 0 {
            self.write_gathered()?;
        }
        let AnySorter { layout, bins, scratch, runs, .. } = self;
        let file = scratch.map(Scratch::finish).transpose()?;
        SortedBins::new(layout, bins, runs, file, ctx).fill_lines::<Self>(sorting, sink)
    }

    fn gathered(&self) -> Triplets<'_> {
        (self.majors.as_indices(), self.minors.as_indices(), self.data.as_raw())
    }

    /// Reserves memory for more entries: for all that are expected, or half as many again.
    fn reserve(&mut self, more: usize) -> Result<()> {
        let len = self.data.len();
        if len + more <= self.ready {
            return Ok(());
        }
        let known = usize::try_from(self.expected).unwrap_or(usize::MAX);
        let goal = (len + more).max(len * 2).max(known.min(self.most)).max(1024).min(self.most);
        let reserved = self.majors.try_reserve_exact(goal - len);
        let reserved = reserved.and_then(|()| self.minors.try_reserve_exact(goal - len));
        let reserved = reserved.and_then(|()| self.data.try_reserve_exact(goal - len));
        reserved.map_err(|_| {
            Error::new(ErrorKind::Memory, "the system does not have enough memory for the entries")
                .found(format!("a request for {goal} entries"))
        })?;
        self.ready = goal;
        self.held.resize((goal * self.layout.size()) as u64);
        Ok(())
    }

    fn write_gathered(&mut self) -> Result<()> {
        let entries = (self.majors.as_indices(), self.minors.as_indices(), self.data.as_raw());
        let file = (&mut self.scratch, &mut self.broken);
        let sorted = write_run(file, &self.bins, entries, self.expected, &self.ctx)?;
        self.runs.extend(sorted);
        self.expected = self.expected.saturating_sub(self.data.len() as u64);
        self.majors.clear();
        self.minors.clear();
        self.data.clear();
        Ok(())
    }
}

/// Sorts a run and appends it to the scratch file, which is created with space for `expected` entries. Fails, changing
/// nothing, if there is no space for it.
fn write_run(
    (scratch, broken): (&mut Option<Scratch>, &mut Broken),
    bins: &Bins,
    entries: Triplets<'_>,
    expected: u64,
    ctx: &Context,
) -> Result<Vec<SortedRun>> {
    broken.check()?;
    ctx.check_cancelled()?;
    let (layout, count) = (layout(entries), entries.2.len());
    let bytes = count * layout.size();
    let file = match scratch {
        Some(file) => file,
        None => {
            let expected = expected.max(count as u64).saturating_mul(layout.size() as u64);
            scratch.insert(Scratch::new(
                entries_in_memory(layout, ctx) * layout.size(),
                expected,
                ctx,
            )?)
        }
    };
    file.reserve(bytes)?;
    // While one run is written, the next is sorted. An earlier write may turn out to have failed.
    let buffer = broken.note(file.buffer(2))?;
    let (buffer, mut runs) = broken.note(sorted_run(bins, entries, Some(buffer), ctx))?;
    let offset = broken.note(file.append(buffer, bytes))?;
    runs.iter_mut().for_each(|run| run.offset += offset);
    Ok(runs)
}

/// Whether this many entries fit in one run.
pub(crate) fn holds(layout: RecordLayout, entries: usize, ctx: &Context) -> bool {
    entries <= entries_in_memory(layout, ctx)
}

/// Entries of a full run: records in a sixth of the limit.
pub(crate) fn entries_in_memory(layout: RecordLayout, ctx: &Context) -> usize {
    (ctx.memory_left() / 6 / layout.size() as u64).clamp(1024, 1 << 31) as usize
}

impl Sort for AnySorter {
    fn start(layout: RecordLayout, lines: Range<usize>, expected: u64, ctx: &Context) -> Self {
        AnySorter::new(layout, lines, expected, ctx)
    }

    fn take(&mut self, entries: Triplets<'_>) -> Result<()> {
        self.extend(entries)
    }

    fn hand_on(
        self,
        sorting: Option<Duplicates>,
        sink: &mut dyn AnySink,
        ctx: &Context,
    ) -> Result<()> {
        self.fill_lines(sorting, sink, ctx)
    }
}
