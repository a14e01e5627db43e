//! Entries in any order brought to their lines: an external sort in two passes.
//!
//! ```text
//! 1. entries are gathered in memory -> when a run of them is full, a stable counting sort by bins of lines
//!    -> the sorted run goes to a scratch file in one write, and where each bin starts in it is remembered
//! 2. some consecutive bins at a time: their records are read from every run -> sorted by line -> handed on
//! ```
//!
//! The counts of the runs add up to the exact number of records of every bin, so the second pass cuts the bins into
//! buckets that fit, without a sample and without a guess. Only a single bin of too many records is distributed once
//! more, by its own lines, and a line that is too long by its indices (`buckets.rs`). So the cost is one write and one read
//! of the records, whatever the order in which they come; none at all if they fit in one run.
//!
//! Every step keeps the order of entries of one line. That makes duplicates meet in the order in which they were given,
//! and sums have the bits of the conversion in memory.
//!
//! Memory, in parts of the limit: a quarter for the run that is gathered and a quarter for the one that is written; then,
//! these being gone, a quarter for the buckets that are read and a twelfth for the one that is sorted.

use rayon::prelude::*;

use crate::convert::bins::{Bins, even};
use crate::convert::buckets::{self, Buckets, Sink};
use crate::convert::cost::reading_budget;
use crate::convert::record;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::Duplicates;
use crate::storage::{Context, Entry, Held, Index, IoBuffer, Plan, Scratch};

/// A run of records sorted by bins.
pub(super) struct Run {
    /// Where in the scratch file it starts.
    pub(super) offset: u64,
    /// The first record of every bin, and the number of all.
    pub(super) starts: Vec<u64>,
}

/// Takes entries in any order.
pub(super) struct Sorter<T, I> {
    bins: Bins,
    /// The run that is being gathered, in the order in which entries come.
    majors: Vec<I>,
    minors: Vec<I>,
    data: Vec<T>,
    /// Entries of a full run.
    room: usize,
    scratch: Option<Scratch>,
    runs: Vec<Run>,
    /// Entries expected after those taken so far.
    expected: u64,
    held: Held,
    ctx: Context,
}

impl<T: Entry, I: Index> Sorter<T, I> {
    /// For entries of the lines `lines`, `expected` of them if that is known.
    pub(super) fn new(lines: std::ops::Range<usize>, expected: u64, ctx: &Context) -> Self {
        Sorter {
            bins: Bins::new(lines),
            majors: Vec::new(),
            minors: Vec::new(),
            data: Vec::new(),
            room: room::<T, I>(ctx),
            scratch: None,
            runs: Vec::new(),
            expected,
            held: ctx.hold(0),
            ctx: ctx.clone(),
        }
    }

    /// What sorting `entries` entries adds to a plan: scratch space, memory, work.
    pub(super) fn plan(plan: Plan, entries: u64, ctx: &Context) -> Plan {
        let (limit, size) = (ctx.memory_limit_bytes(), record::bytes::<T, I>() as u64);
        let room = room::<T, I>(ctx) as u64;
        let (run, plan) = match entries > room {
            true => (room * size, plan.scratches(entries * size)),
            false => (entries * size, plan),
        };
        // Vectors that grow have up to twice the room; a buffer ends in a whole page.
        let gathered = if entries > room { run } else { (2 * run).min(room * size) };
        let sorting = gathered + IoBuffer::rounded(run as usize) as u64;
        plan.holds((sorting + reading_budget(ctx)).max(buckets::memory(limit))).works(entries, 16.0)
    }

    /// What settling the entries taken so far adds to a plan: what waits in the scratch file is read.
    pub(super) fn plan_to_settle(&self, plan: Plan, ctx: &Context) -> Plan {
        let size = record::bytes::<T, I>() as u64;
        let written: u64 = self.runs.iter().filter_map(|run| run.starts.last()).sum();
        let entries = written + self.majors.len() as u64;
        let waiting = self.majors.len() as u64 * size;
        let plan = match self.scratch {
            Some(_) => plan.scratches(waiting).reads(1, written * size),
            None => plan.reads(1, 0).holds(IoBuffer::rounded(waiting as usize) as u64),
        };
        plan.holds(buckets::memory(ctx.memory_limit_bytes())).works(entries, 10.0)
    }

    /// Takes entries. The caller has checked the indices that are not the line.
    ///
    /// Fails if a line is none of these, by the time the run is full.
    pub(super) fn extend(&mut self, majors: &[I], minors: &[I], data: &[T]) -> Result<()> {
        let mut start = 0;
        while start < majors.len() {
            let step = (self.room - self.majors.len()).min(majors.len() - start);
            self.reserve(step);
            let here = start..start + step;
            self.majors.extend_from_slice(&majors[here.clone()]);
            self.minors.extend_from_slice(&minors[here.clone()]);
            self.data.extend_from_slice(&data[here]);
            start += step;
            if self.majors.len() == self.room {
                self.write_run()?;
            }
        }
        Ok(())
    }

    /// Takes one entry.
    #[inline]
    pub(super) fn push(&mut self, major: I, minor: I, value: T) -> Result<()> {
        if self.majors.len() == self.majors.capacity() {
            self.reserve(1);
        }
        self.majors.push(major);
        self.minors.push(minor);
        self.data.push(value);
        if self.majors.len() == self.room { self.write_run() } else { Ok(()) }
    }

    /// Hands all entries to `sink`, line by line; the lines sorted and duplicates treated, if `sorting` says how.
    pub(super) fn settle(
        mut self,
        sorting: Option<Duplicates>,
        sink: &mut dyn Sink<T, I>,
        ctx: &Context,
    ) -> Result<()> {
        let Some(_) = self.scratch else {
            let (buffer, starts) = self.sorted_run(None)?;
            let bins = self.bins.clone();
            // The gathered entries are not needed any more.
            drop(self);
            return Buckets::new(bins, vec![Run { offset: 0, starts }], None, ctx).settle_memory(
                buffer.bytes(),
                sorting,
                sink,
            );
        };
        if !self.majors.is_empty() {
            self.write_run()?;
        }
        let Sorter { bins, scratch, runs, .. } = self;
        let file = scratch.map(Scratch::finish).transpose()?;
        Buckets::new(bins, runs, file, ctx).settle(sorting, sink)
    }

    /// Makes room for so many entries more: for all that are expected, or half as many again.
    #[cold]
    fn reserve(&mut self, more: usize) {
        let len = self.majors.len();
        if len + more <= self.majors.capacity() {
            return;
        }
        let known = usize::try_from(self.expected).unwrap_or(usize::MAX);
        let goal = (len + more).max(len * 2).max(known.min(self.room)).max(1024).min(self.room);
        self.majors.reserve_exact(goal - len);
        self.minors.reserve_exact(goal - len);
        self.data.reserve_exact(goal - len);
        self.held.resize((goal * record::bytes::<T, I>()) as u64);
    }

    #[cold]
    fn write_run(&mut self) -> Result<()> {
        let size = record::bytes::<T, I>();
        let mut scratch = match self.scratch.take() {
            Some(scratch) => scratch,
            None => {
                let expected = self.expected.max(self.majors.len() as u64);
                Scratch::new(self.room * size, expected * size as u64, &self.ctx)?
            }
        };
        let buffer = scratch.buffer(1)?;
        let bytes = self.majors.len() * size;
        let (buffer, starts) = self.sorted_run(Some(buffer))?;
        let offset = scratch.append(buffer, bytes)?;
        self.scratch = Some(scratch);
        self.runs.push(Run { offset, starts });
        self.ctx.check_cancelled()
    }

    /// The entries gathered so far as records sorted by bins; none are gathered afterwards.
    fn sorted_run(&mut self, buffer: Option<IoBuffer>) -> Result<(IoBuffer, Vec<u64>)> {
        let entries = (&self.majors[..], &self.minors[..], &self.data[..]);
        let sorted = sorted_run(&self.bins, entries, buffer, &self.ctx)?;
        self.expected = self.expected.saturating_sub(self.majors.len() as u64);
        self.majors.clear();
        self.minors.clear();
        self.data.clear();
        Ok(sorted)
    }

    /// Whether so many entries make one run.
    pub(super) fn holds(entries: usize, ctx: &Context) -> bool {
        entries <= room::<T, I>(ctx)
    }
}

/// Entries as records sorted by bins, in `buffer` if there is one, and the first record of every bin and their number.
///
/// Fails if a line is in no bin.
pub(super) fn sorted_run<T: Entry, I: Index>(
    bins: &Bins,
    (majors, minors, data): (&[I], &[I], &[T]),
    buffer: Option<IoBuffer>,
    ctx: &Context,
) -> Result<(IoBuffer, Vec<u64>)> {
    let size = record::bytes::<T, I>();
    let mut buffer = match buffer {
        Some(buffer) => buffer,
        None => IoBuffer::new(majors.len() * size, ctx.meter())?,
    };
    ctx.run(|| {
        let counts = count(bins, majors)?;
        let mut starts = vec![0];
        starts.extend(counts.iter().scan(0, |end, count| {
            *end += count;
            Some(*end)
        }));
        // Each task owns some bins, and with them a part of the buffer, and passes over the lines of all entries.
        let (mut tasks, mut rest) = (Vec::new(), &mut buffer.bytes_mut()[..]);
        for here in even(&counts, rayon::current_num_threads()) {
            let records = starts[here.end] - starts[here.start];
            let part;
            (part, rest) = rest.split_at_mut(records as usize * size);
            tasks.push((here, part));
        }
        tasks.into_par_iter().for_each(|(here, part)| {
            let first = starts[here.start];
            let place = |start: &u64| (start - first) as usize * size;
            let mut next: Vec<usize> = starts[here.clone()].iter().map(place).collect();
            for ((&major, &minor), &value) in majors.iter().zip(minors).zip(data) {
                let bin = bins.of(major.to_usize()).wrapping_sub(here.start);
                // Counted above, but the lines may lie in a file that is changing.
                let Some(next) = next.get_mut(bin) else { continue };
                if let Some(to) = part.get_mut(*next..*next + size) {
                    record::store(to, major, minor, value);
                    *next += size;
                }
            }
        });
        Ok((buffer, starts))
    })
}

/// Entries of a full run: records in a quarter of the limit.
fn room<T, I>(ctx: &Context) -> usize {
    (ctx.memory_limit_bytes() / 4 / record::bytes::<T, I>() as u64).clamp(1024, 1 << 31) as usize
}

/// Records of every bin.
fn count<I: Index>(bins: &Bins, majors: &[I]) -> Result<Vec<u64>> {
    let outside =
        || Error::new(ErrorKind::Index, "an index is out of range, or changed while it was read");
    let threads = rayon::current_num_threads();
    let chunk = majors.len().div_ceil(threads).max(1 << 16);
    let parts: Vec<Option<Vec<u64>>> = majors
        .par_chunks(chunk)
        .map(|majors| {
            let mut counts = vec![0; bins.count()];
            for major in majors {
                let line = major.to_usize();
                if !bins.hold(line) {
                    return None;
                }
                counts[bins.of(line)] += 1;
            }
            Some(counts)
        })
        .collect();
    let mut counts = vec![0; bins.count()];
    for part in parts {
        let part = part.ok_or_else(outside)?;
        counts.iter_mut().zip(part).for_each(|(sum, count)| *sum += count);
    }
    Ok(counts)
}
