//! The buffers of a reader of panels: the ring that is read into, and the panels that stay between sweeps.
//!
//! A long-lived ring shares the memory of its context with all other work under it. The number of panels that may stay
//! is determined before every sweep; in between they can be reclaimed.

use std::collections::VecDeque;
use std::ops::Range;

use crate::storage::runtime::{Context, Meter};
use crate::storage::stream::device::IoBuffer;

/// Panels being read or worked on at a time.
pub(super) const DEPTH: usize = 4;

/// A buffer with the bytes of a panel, and the position of each of its extents.
#[derive(Debug)]
pub(super) struct FilledBuffer {
    pub(super) buffer: IoBuffer,
    pub(super) ranges: Vec<Range<usize>>,
}

/// The buffers of a reader.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Bytes of a buffer for any panel.
    size: usize,
    /// Panels being read or worked on at a time, at most.
    most_depth: usize,
    /// Buffers that may stay between sweeps, and the others, at most; 0 if none may stay.
    most: usize,
    /// Panels that were worked on in this sweep and are still needed, in order.
    window: VecDeque<(usize, FilledBuffer)>,
    /// Buffers not in use.
    free: Vec<IoBuffer>,
    pinned: Vec<Option<FilledBuffer>>,
    /// How many of `pinned` are in memory.
    held: usize,
    /// How much the current sweep may keep and may read ahead.
    pins: usize,
    pub(super) depth: usize,
    shared: Option<SharedLimit>,
}

/// The memory that a ring shares with others.
#[derive(Debug)]
struct SharedLimit {
    meter: Meter,
    /// Bytes for the ring, its owner, and all others.
    limit: u64,
    /// Bytes that belong to the ring outside its buffers.
    kept: u64,
    /// Bytes of the user's vectors, which the meter may not count.
    vectors: u64,
}

impl Ring {
    /// Buffers of `size` bytes for `count` panels, at most `fit` of them, some of which may stay if it `keeps` them.
    pub(super) fn new(count: usize, size: usize, fit: usize, keeps: bool) -> Self {
        let depth = DEPTH.min(fit).min(count).max(1);
        Ring {
            size,
            most_depth: depth,
            most: if keeps { fit } else { 0 },
            window: VecDeque::new(),
            free: Vec::new(),
            pinned: (0..count).map(|_| None).collect(),
            held: 0,
            pins: 0,
            depth,
            shared: None,
        }
    }

    /// Keeps within the memory that the context allows, whatever else is held there, counting `kept` bytes that belong
    /// to it and `vectors` bytes of its user's.
    pub(crate) fn share(&mut self, kept: u64, vectors: u64, ctx: &Context) {
        let (meter, limit) = (ctx.meter().outermost().clone(), ctx.memory_limit_bytes());
        self.shared = Some(SharedLimit { meter, limit, kept, vectors });
    }

    pub(super) fn count(&self) -> usize {
        self.pinned.len()
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Buffers that fit in what others leave.
    fn fit(&self) -> usize {
        let Some(SharedLimit { meter, limit, kept, vectors }) = &self.shared else {
            return usize::MAX;
        };
        let own = ((self.held + self.free.len() + self.window.len()) * self.size) as u64;
        let others = meter.memory_held().saturating_sub(own + kept);
        // If the vectors are counted, they are part of what others hold.
        let left = limit.saturating_sub(kept + others.max(*vectors));
        (left / self.size as u64) as usize
    }

    /// Panels that may stay during a sweep with `extra` more in its window.
    fn pins(&self, extra: usize) -> usize {
        let fit = self.most.min(self.fit());
        match fit.saturating_sub(DEPTH) {
            // Where all stay, a window takes no memory of its own.
            all if all >= self.pinned.len() => self.pinned.len(),
            most => most.saturating_sub(extra),
        }
    }

    /// Panels that a window may have in addition to the ring.
    pub(super) fn most_extra(&self) -> usize {
        self.most.min(self.fit()).saturating_sub(self.most_depth)
    }

    /// Most memory that buffers take in a sweep with `extra` panels in its window, including pinned ones.
    pub(super) fn memory(&self, extra: usize) -> u64 {
        // The ring is in addition to the pinned panels, unless all are pinned.
        let panels = (self.pins(extra) + self.most_depth + extra).min(self.pinned.len());
        (panels * self.size) as u64
    }

    /// The least memory that a sweep takes.
    pub(super) fn least_memory(&self) -> u64 {
        (self.most_depth.min(2) * self.size) as u64
    }

    /// Whether the panel is one of `pins` to stay: as many as fit, evenly spread.
    fn is_chosen(&self, panel: usize, pins: usize) -> bool {
        let count = self.pinned.len();
        (panel + 1) * pins / count > panel * pins / count
    }

    /// The panels that are in memory and will be at the start of the next sweep.
    pub(super) fn staying(&self, extra: usize) -> Vec<bool> {
        self.staying_of(self.pins(extra))
    }

    fn staying_of(&self, pins: usize) -> Vec<bool> {
        let there = |panel: usize| self.pinned[panel].is_some();
        let mut staying: Vec<bool> = (0..self.pinned.len()).map(there).collect();
        let mut more = self.held.saturating_sub(pins);
        for chosen in [false, true] {
            for panel in (0..staying.len()).rev() {
                if more > 0 && staying[panel] && self.is_chosen(panel, pins) == chosen {
                    staying[panel] = false;
                    more -= 1;
                }
            }
        }
        staying
    }

    /// The panels that will be in memory after the next sweep.
    pub(super) fn pinned_after_next(&self, extra: usize) -> Vec<bool> {
        let pins = self.pins(extra);
        let mut after = self.staying_of(pins);
        let mut held = after.iter().filter(|&&there| there).count();
        for (panel, there) in after.iter_mut().enumerate() {
            if !*there && held < pins && self.is_chosen(panel, pins) {
                *there = true;
                held += 1;
            }
        }
        after
    }

    /// Before a sweep that needs `extra` panels for longer than the work on them: releases what may not stay.
    pub(super) fn start(&mut self, extra: usize) {
        // Left by a sweep that failed.
        let left = std::mem::take(&mut self.window);
        self.free.extend(left.into_iter().map(|(_, filled)| filled.buffer));
        let fit = self.fit();
        self.pins = self.pins(extra);
        self.depth = self.most_depth.min(fit.max(2));
        if self.held > self.pins {
            let staying = self.staying_of(self.pins);
            for panel in (0..staying.len()).filter(|&panel| !staying[panel]) {
                self.let_go(panel);
            }
        }
        self.free.truncate(self.depth);
    }

    /// A panel that was read is worked on, and stays until it is released.
    pub(super) fn arrived(&mut self, panel: usize, filled: FilledBuffer) {
        self.window.push_back((panel, filled));
    }

    /// The panel, if it is in memory.
    pub(super) fn filled(&self, panel: usize) -> Option<&FilledBuffer> {
        self.pinned.get(panel)?.as_ref().or_else(|| {
            let first = self.window.partition_point(|(other, _)| *other < panel);
            self.window.get(first).filter(|(other, _)| *other == panel).map(|(_, filled)| filled)
        })
    }

    /// The panels before `end` are no longer needed in this sweep.
    pub(super) fn release(&mut self, panels: Range<usize>) {
        for panel in panels {
            if self.window.front().is_some_and(|(first, _)| *first == panel)
                && let Some((_, filled)) = self.window.pop_front()
            {
                self.worked_on(panel, filled);
            } else if self.is_short() {
                self.let_go(panel);
            }
        }
    }

    /// After a sweep: releases the buffers of its window.
    pub(super) fn finish(&mut self) {
        self.free.truncate(self.depth);
    }

    fn let_go(&mut self, panel: usize) {
        if self.pinned[panel].take().is_some() {
            self.held -= 1;
        }
    }

    /// A buffer that is not in use, if there is one.
    pub(super) fn free_buffer(&mut self) -> Option<IoBuffer> {
        self.free.pop()
    }

    /// After the work on a panel that was read: it stays, or its buffer is free again.
    fn worked_on(&mut self, panel: usize, filled: FilledBuffer) {
        let stays = self.is_chosen(panel, self.pins) && self.held < self.pins && !self.is_short();
        if stays {
            self.pinned[panel] = Some(filled);
            self.held += 1;
        } else {
            self.free.push(filled.buffer);
        }
    }

    /// Whether more is held than allowed.
    fn is_short(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.meter.memory_held() > shared.limit)
    }

    /// Releases about this many bytes of what is held between sweeps, panels before free buffers, which the next sweep
    /// needs first.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        let mut buffers = bytes.div_ceil(self.size as u64) as usize;
        let staying = self.staying_of(self.held.saturating_sub(buffers));
        for panel in (0..staying.len()).filter(|&panel| !staying[panel]) {
            if self.pinned[panel].is_some() {
                self.let_go(panel);
                buffers = buffers.saturating_sub(1);
            }
        }
        self.free.truncate(self.free.len().saturating_sub(buffers));
    }
}
