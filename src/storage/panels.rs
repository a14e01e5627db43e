//! Files larger than memory, read panel by panel ahead of the work on them.
//!
//! A *panel* is what the floors above work on at a time, a few MiB: some runs of bytes from some files, the rows `r0..r1`
//! of a matrix for example. [`PanelReader::sweep`] hands out every panel in order while I/O threads read the next ones
//! into buffers that are used again and again, so that no page fault ever happens in a computing thread. As much as the
//! budget allows stays pinned in memory between sweeps; a page cache would keep nothing of a cyclic scan.
//!
//! ```text
//! sweeping thread:  ask for panels ahead -> wait for the next one -> work on it -> give its buffer back
//! I/O threads:      take a request, which owns its buffer -> read its runs -> send the buffer back filled
//! ```
//!
//! All runs of a panel lie in one buffer, one behind the other on pages of their own, so that huge pages are filled
//! however short the runs are. Buffers change hands by value: there is nothing to lock but the queue. Panels are worked
//! on in order, whatever the order in which reads end; pinned panels lie evenly between the others, so that the device is
//! never idle while they are worked on.
//!
//! What a panel hands out are the bytes as they lie in the file. Whoever asked for them turns them into elements, which
//! is the place for decoding when what lies in the file is no plain array.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::context::Context;
use crate::storage::device::{IoBuffer, ReadMode, Source};

/// Threads that read: two keep one device busy.
const READERS: usize = 2;

/// Panels being read or worked on at a time.
const DEPTH: usize = 4;

/// A run of bytes of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Position among the reader's sources.
    pub(crate) source: usize,
    /// First byte in the file.
    pub(crate) offset: u64,
    /// Number of bytes.
    pub(crate) bytes: usize,
}

/// What reading has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Passes over all panels.
    pub sweeps: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
    /// Seconds in which the work waited for a read.
    pub seconds_waiting: f64,
}

/// A buffer with the bytes of a panel in it: where each of its extents lies.
#[derive(Debug)]
struct Filled {
    buffer: IoBuffer,
    ranges: Vec<Range<usize>>,
}

/// A read to be done: all extents of a panel, into a buffer.
struct Request {
    panel: usize,
    buffer: IoBuffer,
}

/// A read that was done.
struct Done {
    panel: usize,
    filled: Result<Filled>,
}

/// Reads panels, each made of some extents.
#[derive(Debug)]
pub(crate) struct PanelReader {
    sources: Vec<Source>,
    mode: ReadMode,
    panels: Panels,
    /// Bytes of a buffer for any panel.
    size: usize,
    /// Panels being read or worked on at a time.
    depth: usize,
    /// Buffers not in use.
    free: Vec<IoBuffer>,
    pinned: Vec<Option<Filled>>,
    /// Panels that may be pinned.
    most_pinned: usize,
    traffic: Traffic,
}

/// The extents of all panels, one panel after the other.
#[derive(Debug)]
struct Panels {
    extents: Vec<Extent>,
    /// Where each panel's extents end.
    ends: Vec<usize>,
}

/// The largest panel, in bytes of all its extents, for a memory budget: eight must fit, and more than 12 MiB gain nothing.
pub(crate) fn largest_panel(budget: u64) -> usize {
    (budget / 8).clamp(256 << 10, 12 << 20) as usize
}

impl PanelReader {
    /// A reader of `panels`, which take at most `budget` bytes of memory, pinned panels and the ring together.
    ///
    /// Fails if not even two panels fit.
    pub(crate) fn new(
        sources: Vec<Source>,
        panels: Vec<Vec<Extent>>,
        budget: u64,
        mode: ReadMode,
    ) -> Result<Self> {
        let (count, size) = (panels.len(), Self::panel_memory(&panels));
        let fit = (budget / size as u64) as usize;
        if fit < 2 && count > 1 {
            return Err(Error::new(ErrorKind::Memory, "two panels of the file would not fit")
                .expected(format!("at least {} bytes for reading", 2 * size))
                .found(format!("{budget}"))
                .remedy("raise the memory limit"));
        }
        Ok(PanelReader {
            sources,
            mode,
            panels: Panels::new(panels),
            size,
            depth: DEPTH.min(fit).min(count).max(1),
            free: Vec::new(),
            pinned: (0..count).map(|_| None).collect(),
            most_pinned: fit.saturating_sub(DEPTH).min(count),
            traffic: Traffic::default(),
        })
    }

    /// The memory that the largest of some panels takes.
    pub(crate) fn panel_memory(panels: &[Vec<Extent>]) -> usize {
        let room =
            |panel: &Vec<Extent>| panel.iter().map(|extent| Source::room(extent.bytes)).sum();
        IoBuffer::rounded(panels.iter().map(room).max().unwrap_or(0))
    }

    /// Keeps no panel between sweeps: for a single one, memory touched for the first time is only a cost.
    pub(crate) fn pin_nothing(&mut self) {
        self.most_pinned = 0;
    }

    /// What reading has cost so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Bytes that the next sweep will read.
    pub(crate) fn bytes_to_read(&self) -> u64 {
        let missing = (0..self.pinned.len()).filter(|&panel| self.pinned[panel].is_none());
        missing.map(|panel| self.panels.bytes(panel)).sum()
    }

    /// Bytes that sweeps after the next one will read.
    pub(crate) fn bytes_to_read_again(&self) -> u64 {
        let missing = |&panel: &usize| self.pinned[panel].is_none() && !self.is_pinned(panel);
        (0..self.pinned.len()).filter(missing).map(|panel| self.panels.bytes(panel)).sum()
    }

    /// Most memory that buffers take, pinned ones among them.
    pub(crate) fn memory(&self) -> u64 {
        // The ring stands beside what is pinned, unless everything is.
        let panels = (self.most_pinned + self.depth).min(self.pinned.len());
        (panels * self.size) as u64
    }

    /// Calls `work` with every panel in order: its number and the bytes of each of its extents.
    ///
    /// Stops at the first error of a read, of `work`, or of a caller who cancels.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, &[&[u8]]) -> Result<()>,
    ) -> Result<()> {
        self.traffic.sweeps += 1;
        let (requests, queue) = mpsc::channel();
        let (ends, done) = mpsc::channel();
        let queue = Mutex::new(queue);
        // Taken out, so that the threads may look at them while the ring changes; given back at the end.
        let (sources, panels) = (
            std::mem::take(&mut self.sources),
            std::mem::replace(&mut self.panels, Panels::new(Vec::new())),
        );
        let serving =
            Serving { sources: &sources, panels: &panels, mode: self.mode, queue: &queue };
        let outcome = std::thread::scope(|scope| {
            for _ in 0..READERS.min(self.depth) {
                let (ends, serving) = (ends.clone(), &serving);
                scope.spawn(move || serving.run(&ends));
            }
            drop(ends);
            // `requests` ends here on every path, and with it the threads.
            Sweep { reader: self, panels: &panels, requests, done, next: 0, asked: VecDeque::new() }
                .run(ctx, work)
        });
        (self.sources, self.panels) = (sources, panels);
        outcome
    }

    /// Whether the panel is one of those to pin: as many as fit, evenly spread.
    fn is_pinned(&self, panel: usize) -> bool {
        let (count, pins) = (self.pinned.len(), self.most_pinned);
        (panel + 1) * pins / count > panel * pins / count
    }
}

impl Panels {
    fn new(panels: Vec<Vec<Extent>>) -> Self {
        let ends = panels.iter().scan(0, |end, panel| {
            *end += panel.len();
            Some(*end)
        });
        Panels { ends: ends.collect(), extents: panels.into_iter().flatten().collect() }
    }

    fn extents(&self, panel: usize) -> &[Extent] {
        let start = if panel == 0 { 0 } else { self.ends[panel - 1] };
        &self.extents[start..self.ends[panel]]
    }

    fn bytes(&self, panel: usize) -> u64 {
        self.extents(panel).iter().map(|extent| extent.bytes as u64).sum()
    }
}

/// What I/O threads look at.
struct Serving<'a> {
    sources: &'a [Source],
    panels: &'a Panels,
    mode: ReadMode,
    queue: &'a Mutex<Receiver<Request>>,
}

impl Serving<'_> {
    /// What an I/O thread does: requests, until there are no more.
    fn run(&self, ends: &Sender<Done>) {
        loop {
            // The lock is held while waiting: whoever has it takes the next request.
            let request = self.queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Request { panel, buffer }) = request else { return };
            // Nobody waits for it any more: the sweep has ended with an error.
            if ends.send(Done { panel, filled: self.fill(panel, buffer) }).is_err() {
                return;
            }
        }
    }

    fn fill(&self, panel: usize, mut buffer: IoBuffer) -> Result<Filled> {
        let (mut ranges, mut start) = (Vec::new(), 0);
        for &Extent { source, offset, bytes } in self.panels.extents(panel) {
            let room = Source::room(bytes);
            let target = &mut buffer.bytes_mut()[start..start + room];
            let range = self.sources[source].read(self.mode, offset, bytes, target)?;
            ranges.push(start + range.start..start + range.end);
            start += room;
        }
        Ok(Filled { buffer, ranges })
    }
}

/// One pass over the panels.
struct Sweep<'a> {
    reader: &'a mut PanelReader,
    panels: &'a Panels,
    requests: Sender<Request>,
    done: Receiver<Done>,
    /// The next panel to ask for.
    next: usize,
    /// Panels asked for and not yet worked on, from the one that is worked on next.
    asked: VecDeque<(usize, Option<Filled>)>,
}

impl Sweep<'_> {
    fn run(
        mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, &[&[u8]]) -> Result<()>,
    ) -> Result<()> {
        let panels = self.reader.pinned.len();
        for panel in 0..panels {
            self.ask_ahead(ctx)?;
            ctx.report("sweeping", panel as u64, panels as u64)?;
            if let Some(filled) = self.reader.pinned[panel].take() {
                let worked = work_on(panel, &filled, work);
                self.reader.pinned[panel] = Some(filled);
                worked?;
                continue;
            }
            let filled = self.wait_for(panel, ctx)?;
            let worked = work_on(panel, &filled, work);
            if self.reader.is_pinned(panel) {
                self.reader.pinned[panel] = Some(filled);
            } else {
                self.reader.free.push(filled.buffer);
            }
            worked?;
        }
        ctx.report("sweeping", panels as u64, panels as u64)
    }

    /// Asks for the panels ahead until the ring is full.
    fn ask_ahead(&mut self, ctx: &Context) -> Result<()> {
        while self.asked.len() < self.reader.depth && self.next < self.reader.pinned.len() {
            let panel = self.next;
            self.next += 1;
            if self.reader.pinned[panel].is_some() {
                continue;
            }
            let bytes = self.panels.bytes(panel);
            self.reader.traffic.bytes_read += bytes;
            ctx.meter().read(bytes);
            let buffer = match self.reader.free.pop() {
                Some(buffer) => buffer,
                None => IoBuffer::new(self.reader.size, ctx.meter())?,
            };
            // The threads live as long as this end of the queue.
            let _ = self.requests.send(Request { panel, buffer });
            self.asked.push_back((panel, None));
        }
        Ok(())
    }

    /// The buffer of `panel`, the first one asked for, when it is filled.
    fn wait_for(&mut self, panel: usize, ctx: &Context) -> Result<Filled> {
        let lost = || Error::new(ErrorKind::Io, "the reading threads are gone");
        let start = Instant::now();
        while self.asked.front().ok_or_else(lost)?.1.is_none() {
            let Done { panel, filled } = self.done.recv().map_err(|_| lost())?;
            let filled = filled?;
            let asked =
                self.asked.iter_mut().find(|(asked, _)| *asked == panel).ok_or_else(lost)?;
            asked.1 = Some(filled);
        }
        let waited = start.elapsed();
        self.reader.traffic.seconds_waiting += waited.as_secs_f64();
        ctx.meter().waited(waited);
        let (found, filled) = self.asked.pop_front().ok_or_else(lost)?;
        debug_assert_eq!(found, panel);
        filled.ok_or_else(lost)
    }
}

fn work_on(
    panel: usize,
    filled: &Filled,
    work: &mut dyn FnMut(usize, &[&[u8]]) -> Result<()>,
) -> Result<()> {
    let bytes: Vec<&[u8]> =
        filled.ranges.iter().map(|range| &filled.buffer.bytes()[range.clone()]).collect();
    work(panel, &bytes)
}
