//! One pass over panels, read ahead of the work by I/O threads.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::runtime::{Context, Receiver, Sender, channel, threads_run};
use crate::storage::stream::device::{IoBuffer, SourceFile};
use crate::storage::stream::panel_files::{Extent, PanelFiles};
use crate::storage::stream::panel_ring::{FilledBuffer, Ring};

/// A read request: all extents of a panel, into a buffer.
struct Request {
    panel: usize,
    buffer: IoBuffer,
}

/// A completed read of a panel.
type Done = (usize, Result<FilledBuffer>);

/// The panels that are in memory during a sweep.
pub(crate) struct PanelWindow<'a>(&'a Ring);

impl<'a> PanelWindow<'a> {
    /// The bytes of each extent of a panel; `None` if it is not in memory.
    pub(crate) fn bytes(&self, panel: usize) -> Option<Vec<&'a [u8]>> {
        let ring: &'a Ring = self.0;
        let filled = ring.filled(panel)?;
        Some(filled.ranges.iter().map(|range| &filled.buffer.bytes()[range.clone()]).collect())
    }
}

/// The work on a panel that has arrived; returns the first panel that is still needed afterwards.
pub(crate) type WindowWork<'a> = dyn FnMut(usize, PanelWindow<'_>) -> Result<usize> + 'a;

/// Calls `work` with every panel in order, with `readers` threads reading ahead, or as many as can be started. About
/// `extra` panels are needed for longer than the work on them.
///
/// A panic of `work` ends the threads and leaves the pinned panels unchanged.
pub(super) fn sweep(
    files: &PanelFiles,
    ring: &mut Ring,
    (readers, extra): (usize, usize),
    ctx: &Context,
    work: &mut WindowWork<'_>,
) -> Result<()> {
    files.sweeps.fetch_add(1, Ordering::Relaxed);
    ring.start(extra);
    // Nothing can be read ahead of a single panel.
    let readers = if ring.count() > 1 { readers } else { 0 };
    let (requests, queue) = channel();
    let (ends, done) = channel();
    let serving = Serving { files, queue };
    thread::scope(|scope| {
        let start = || {
            let (ends, serving) = (ends.clone(), &serving);
            threads_run()?;
            thread::Builder::new().spawn_scoped(scope, move || serving.run(&ends))
        };
        let readers = (0..readers.min(ring.depth)).take_while(|_| start().is_ok()).count();
        drop(ends);
        // `requests` is dropped here on every path, which ends the threads.
        let asked = VecDeque::new();
        Sweep { serving: &serving, ring, readers, requests, done, next: 0, asked }.run(ctx, work)
    })
}

/// The state shared by I/O threads.
struct Serving<'a> {
    files: &'a PanelFiles,
    queue: Receiver<Request>,
}

impl Serving<'_> {
    /// An I/O thread: serves requests until there are no more.
    fn run(&self, ends: &Sender<Done>) {
        while let Some(request) = self.queue.recv() {
            if !ends.send(self.serve(request)) {
                return; // no receiver is left: the sweep has ended with an error
            }
        }
    }

    /// Serves the next request, if there is one, on the calling thread.
    fn serve_next(&self) -> Option<Done> {
        self.queue.try_recv().map(|request| self.serve(request))
    }

    fn serve(&self, Request { panel, buffer }: Request) -> Done {
        (panel, self.fill(panel, buffer))
    }

    fn fill(&self, panel: usize, mut buffer: IoBuffer) -> Result<FilledBuffer> {
        let (mut ranges, mut start) = (Vec::new(), 0);
        for &Extent { source, offset, bytes } in self.files.panels.extents(panel) {
            let padded = SourceFile::padded(bytes);
            let target = &mut buffer.bytes_mut()[start..start + padded];
            let range = self.files.sources[source].read(self.files.mode, offset, bytes, target)?;
            ranges.push(start + range.start..start + range.end);
            start += padded;
        }
        Ok(FilledBuffer { buffer, ranges })
    }
}

/// One pass over the panels.
struct Sweep<'a> {
    serving: &'a Serving<'a>,
    ring: &'a mut Ring,
    /// I/O threads.
    readers: usize,
    requests: Sender<Request>,
    done: Receiver<Done>,
    /// The next panel to request.
    next: usize,
    /// Panels requested and not yet worked on, in order.
    asked: VecDeque<(usize, Option<FilledBuffer>)>,
}

impl Sweep<'_> {
    fn run(mut self, ctx: &Context, work: &mut WindowWork<'_>) -> Result<()> {
        let panels = self.ring.count();
        let mut needed = 0;
        for panel in 0..panels {
            self.ask_ahead(ctx)?;
            ctx.report("sweeping", panel as u64, panels as u64)?;
            if self.ring.filled(panel).is_none() {
                let filled = self.wait_for(panel, ctx)?;
                self.ring.arrived(panel, filled);
            }
            let worked = work(panel, PanelWindow(self.ring));
            let next = worked.as_ref().map_or(panel + 1, |first| (*first).clamp(needed, panel + 1));
            self.ring.release(needed..next);
            needed = next;
            worked?;
        }
        self.ring.release(needed..panels);
        self.ring.finish();
        ctx.report("sweeping", panels as u64, panels as u64)
    }

    /// Requests the panels ahead until the ring is full.
    fn ask_ahead(&mut self, ctx: &Context) -> Result<()> {
        while self.asked.len() < self.ring.depth && self.next < self.ring.count() {
            let panel = self.next;
            self.next += 1;
            if self.ring.filled(panel).is_some() {
                continue;
            }
            let bytes = self.serving.files.panels.bytes(panel);
            self.serving.files.bytes_read.fetch_add(bytes, Ordering::Relaxed);
            ctx.meter().read(bytes);
            let buffer = match self.ring.free_buffer() {
                Some(buffer) => buffer,
                None => IoBuffer::new(self.ring.size(), ctx.meter())?,
            };
            // The serving threads live as long as this end of the queue.
            self.requests.send(Request { panel, buffer });
            self.asked.push_back((panel, None));
        }
        Ok(())
    }

    /// The buffer of `panel`, the first one requested, once it is filled.
    fn wait_for(&mut self, panel: usize, ctx: &Context) -> Result<FilledBuffer> {
        let lost = || Error::new(ErrorKind::Io, "the reader threads have stopped");
        let start = Instant::now();
        while self.asked.front().ok_or_else(lost)?.1.is_none() {
            let (panel, filled) = match self.readers {
                0 => self.serving.serve_next().ok_or_else(lost)?,
                _ => self.done.recv().ok_or_else(lost)?,
            };
            let filled = filled?;
            let asked =
                self.asked.iter_mut().find(|(asked, _)| *asked == panel).ok_or_else(lost)?;
            asked.1 = Some(filled);
        }
        let waited = start.elapsed();
        self.serving.files.waited.fetch_add(waited.as_nanos() as u64, Ordering::Relaxed);
        ctx.meter().waited(waited);
        let (found, filled) = self.asked.pop_front().ok_or_else(lost)?;
        debug_assert_eq!(found, panel);
        filled.ok_or_else(lost)
    }
}
