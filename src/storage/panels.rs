//! Files larger than memory, read panel by panel ahead of the work on them.
//!
//! A *panel* is what the floors above work on at a time, a few MiB: one run of bytes from each of some files, the rows
//! `r0..r1` of a matrix for example. [`PanelReader::sweep`] hands out every panel in order while I/O threads read the
//! next ones into buffers that are used again and again, so that no page fault ever happens in a computing thread. As
//! much as the budget allows stays pinned in memory between sweeps; a page cache would keep nothing of a cyclic scan.
//!
//! ```text
//! sweeping thread:  ask for panels ahead -> wait for the next one -> work on it -> give its buffers back
//! I/O threads:      take a request, which owns its buffer -> read -> send the buffer back filled
//! ```
//!
//! Buffers change hands by value, so there is nothing to lock but the queue. Panels are worked on in order, whatever the
//! order in which reads end; pinned panels lie evenly between the others, so that the device is never idle while they
//! are worked on.
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

/// A buffer with the bytes of one extent in it.
#[derive(Debug)]
struct Filled {
    buffer: IoBuffer,
    range: Range<usize>,
}

/// A read to be done: extent `slot` of a panel, into a buffer.
struct Request {
    panel: usize,
    slot: usize,
    extent: Extent,
    buffer: IoBuffer,
}

/// A read that was done.
struct Done {
    panel: usize,
    slot: usize,
    filled: Result<Filled>,
}

/// Reads panels of one shape: as many extents each, extent `k` of every panel from the same source.
#[derive(Debug)]
pub(crate) struct PanelReader {
    sources: Vec<Source>,
    mode: ReadMode,
    /// `slots` extents for each panel, one panel after the other.
    extents: Vec<Extent>,
    slots: usize,
    /// Bytes of a buffer for extent `k` of any panel.
    sizes: Vec<usize>,
    /// Buffers not in use, by extent.
    free: Vec<Vec<IoBuffer>>,
    pinned: Vec<Option<Vec<Filled>>>,
    /// Panels that may be pinned.
    most_pinned: usize,
    traffic: Traffic,
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
        let slots = panels.first().map_or(0, Vec::len);
        let sizes: Vec<usize> = (0..slots)
            .map(|slot| {
                panels.iter().map(|panel| Source::room(panel[slot].bytes)).max().unwrap_or(0)
            })
            .collect();
        let panel_memory: usize = sizes.iter().map(|&size| IoBuffer::rounded(size)).sum();
        let fit = (budget / panel_memory.max(1) as u64) as usize;
        if fit < 2 && panels.len() > 1 {
            return Err(Error::new(ErrorKind::Memory, "two panels of the file would not fit")
                .expected(format!("at least {} bytes for reading", 2 * panel_memory))
                .found(format!("{budget}"))
                .remedy("raise the memory limit"));
        }
        let count = panels.len();
        Ok(PanelReader {
            sources,
            mode,
            extents: panels.into_iter().flatten().collect(),
            slots,
            free: sizes.iter().map(|_| Vec::new()).collect(),
            sizes,
            pinned: (0..count).map(|_| None).collect(),
            most_pinned: fit.saturating_sub(DEPTH).min(count),
            traffic: Traffic::default(),
        })
    }

    /// Keeps no panel between sweeps: for a single one, memory touched for the first time is only a cost.
    pub(crate) fn pin_nothing(&mut self) {
        self.most_pinned = 0;
    }

    /// What reading has cost so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Calls `work` with every panel in order: its number and the bytes of each of its extents.
    ///
    /// Stops at the first error of a read, of `work`, or of a caller who cancels.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        mut work: impl FnMut(usize, &[&[u8]]) -> Result<()>,
    ) -> Result<()> {
        self.traffic.sweeps += 1;
        let (requests, queue) = mpsc::channel();
        let (ends, done) = mpsc::channel();
        let queue = Mutex::new(queue);
        let mode = self.mode;
        // Taken out, so that the threads may look at them while the ring changes; given back at the end.
        let sources = std::mem::take(&mut self.sources);
        let outcome = std::thread::scope(|scope| {
            for _ in 0..READERS {
                let (ends, queue, sources) = (ends.clone(), &queue, &sources);
                scope.spawn(move || serve(sources, mode, queue, &ends));
            }
            drop(ends);
            // `requests` ends here on every path, and with it the threads.
            Sweep::new(self, requests, done).run(ctx, &mut work)
        });
        self.sources = sources;
        outcome
    }

    fn panels(&self) -> usize {
        self.pinned.len()
    }

    fn extents_of(&self, panel: usize) -> &[Extent] {
        &self.extents[panel * self.slots..][..self.slots]
    }

    /// Whether the panel is one of those to pin: as many as fit, evenly spread.
    fn is_pinned(&self, panel: usize) -> bool {
        let (count, pins) = (self.panels(), self.most_pinned);
        (panel + 1) * pins / count > panel * pins / count
    }

    /// A buffer for extent `slot` of a panel.
    fn take_buffer(&mut self, slot: usize) -> Result<IoBuffer> {
        match self.free[slot].pop() {
            Some(buffer) => Ok(buffer),
            None => IoBuffer::new(self.sizes[slot]),
        }
    }
}

/// What an I/O thread does: requests, until there are no more.
fn serve(
    sources: &[Source],
    mode: ReadMode,
    queue: &Mutex<Receiver<Request>>,
    ends: &Sender<Done>,
) {
    loop {
        // The lock is held while waiting: whoever has it takes the next request.
        let request = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Request { panel, slot, extent, mut buffer }) = request else { return };
        let Extent { source, offset, bytes } = extent;
        let read = sources[source].read(mode, offset, bytes, &mut buffer);
        let filled = read.map(|range| Filled { buffer, range });
        // Nobody waits for it any more: the sweep has ended with an error.
        if ends.send(Done { panel, slot, filled }).is_err() {
            return;
        }
    }
}

/// One pass over the panels.
struct Sweep<'a> {
    reader: &'a mut PanelReader,
    requests: Sender<Request>,
    done: Receiver<Done>,
    /// The next panel to ask for.
    next: usize,
    /// Panels asked for and not yet worked on, from the one that is worked on next.
    asked: VecDeque<(usize, Vec<Option<Filled>>)>,
}

impl<'a> Sweep<'a> {
    fn new(reader: &'a mut PanelReader, requests: Sender<Request>, done: Receiver<Done>) -> Self {
        Sweep { reader, requests, done, next: 0, asked: Default::default() }
    }

    fn run(
        mut self,
        ctx: &Context,
        work: &mut impl FnMut(usize, &[&[u8]]) -> Result<()>,
    ) -> Result<()> {
        let panels = self.reader.panels();
        for panel in 0..panels {
            self.ask_ahead()?;
            ctx.report("sweeping", panel as u64, panels as u64)?;
            if let Some(filled) = self.reader.pinned[panel].take() {
                let worked = work_on(panel, &filled, work);
                self.reader.pinned[panel] = Some(filled);
                worked?;
                continue;
            }
            let filled = self.wait_for(panel)?;
            work_on(panel, &filled, work)?;
            if self.reader.is_pinned(panel) {
                self.reader.pinned[panel] = Some(filled);
            } else {
                for (free, filled) in self.reader.free.iter_mut().zip(filled) {
                    free.push(filled.buffer);
                }
            }
        }
        ctx.report("sweeping", panels as u64, panels as u64)
    }

    /// Asks for the panels ahead until the ring is full.
    fn ask_ahead(&mut self) -> Result<()> {
        let depth = DEPTH.min(self.reader.panels().max(1));
        while self.asked.len() < depth && self.next < self.reader.panels() {
            let panel = self.next;
            self.next += 1;
            if self.reader.pinned[panel].is_some() {
                continue;
            }
            for slot in 0..self.reader.slots {
                let (extent, buffer) =
                    (self.reader.extents_of(panel)[slot], self.reader.take_buffer(slot)?);
                self.reader.traffic.bytes_read += extent.bytes as u64;
                // The threads live as long as this end of the queue.
                let _ = self.requests.send(Request { panel, slot, extent, buffer });
            }
            self.asked.push_back((panel, (0..self.reader.slots).map(|_| None).collect()));
        }
        Ok(())
    }

    /// The buffers of `panel`, the first one asked for, when all of them are filled.
    fn wait_for(&mut self, panel: usize) -> Result<Vec<Filled>> {
        let lost = || Error::new(ErrorKind::Io, "the reading threads are gone");
        let start = Instant::now();
        while self.asked.front().ok_or_else(lost)?.1.iter().any(Option::is_none) {
            let Done { panel, slot, filled } = self.done.recv().map_err(|_| lost())?;
            let filled = filled?;
            let asked =
                self.asked.iter_mut().find(|(asked, _)| *asked == panel).ok_or_else(lost)?;
            asked.1[slot] = Some(filled);
        }
        self.reader.traffic.seconds_waiting += start.elapsed().as_secs_f64();
        let (found, filled) = self.asked.pop_front().ok_or_else(lost)?;
        debug_assert_eq!(found, panel);
        Ok(filled.into_iter().flatten().collect())
    }
}

fn work_on(
    panel: usize,
    filled: &[Filled],
    work: &mut impl FnMut(usize, &[&[u8]]) -> Result<()>,
) -> Result<()> {
    let bytes: Vec<&[u8]> =
        filled.iter().map(|filled| &filled.buffer.bytes()[filled.range.clone()]).collect();
    work(panel, &bytes)
}
