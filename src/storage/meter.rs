//! Counts what work under a context costs: bytes, passes, scratch space, memory.
//!
//! Whoever moves bytes counts them where they are moved, so that nothing depends on an operation remembering to. Memory
//! is counted by what is held: a [`Held`] lives as long as the memory it stands for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The counts so far. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    passes: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
    /// Nanoseconds.
    waited: AtomicU64,
    memory: Level,
    scratch: Level,
}

/// A quantity that comes and goes, and the most it ever was.
#[derive(Debug, Default)]
struct Level {
    now: AtomicU64,
    most: AtomicU64,
}

/// What is held.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Memory,
    Scratch,
}

/// Memory or scratch space that is in use for as long as this lives.
#[derive(Debug)]
pub(crate) struct Held {
    meter: Meter,
    kind: Kind,
    bytes: u64,
}

impl Meter {
    /// One more pass over the input.
    pub(crate) fn pass(&self) {
        self.0.passes.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes that were read from files.
    pub(crate) fn read(&self, bytes: u64) {
        self.0.read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes that were written to files.
    pub(crate) fn wrote(&self, bytes: u64) {
        self.0.written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Time in which work stood still for the device.
    pub(crate) fn waited(&self, time: Duration) {
        self.0.waited.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Memory that is in use from now on.
    pub(crate) fn hold(&self, bytes: u64) -> Held {
        self.take(Kind::Memory, bytes)
    }

    /// Scratch space that is in use from now on.
    pub(crate) fn scratch(&self, bytes: u64) -> Held {
        self.take(Kind::Scratch, bytes)
    }

    fn take(&self, kind: Kind, bytes: u64) -> Held {
        self.level(kind).rise(bytes);
        Held { meter: self.clone(), kind, bytes }
    }

    fn level(&self, kind: Kind) -> &Level {
        match kind {
            Kind::Memory => &self.0.memory,
            Kind::Scratch => &self.0.scratch,
        }
    }

    pub(crate) fn passes(&self) -> u64 {
        self.0.passes.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.0.read.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes_written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    pub(crate) fn seconds_waiting(&self) -> f64 {
        self.0.waited.load(Ordering::Relaxed) as f64 * 1e-9
    }

    pub(crate) fn most_memory(&self) -> u64 {
        self.0.memory.most.load(Ordering::Relaxed)
    }

    pub(crate) fn most_scratch(&self) -> u64 {
        self.0.scratch.most.load(Ordering::Relaxed)
    }
}

impl Level {
    fn rise(&self, bytes: u64) {
        let now = self.now.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most.fetch_max(now, Ordering::Relaxed);
    }
}

impl Held {
    /// The same, of another size from now on.
    pub(crate) fn resize(&mut self, bytes: u64) {
        let level = self.meter.level(self.kind);
        match bytes.checked_sub(self.bytes) {
            Some(more) => level.rise(more),
            None => {
                level.now.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            }
        }
        self.bytes = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_remembered_and_what_is_dropped_is_gone() {
        let meter = Meter::default();
        let one = meter.hold(10);
        let mut two = meter.hold(5);
        two.resize(7);
        drop(one);
        two.resize(3);
        let _scratch = meter.scratch(100);
        assert_eq!((meter.most_memory(), meter.most_scratch()), (17, 100));
        assert_eq!(meter.0.memory.now.load(Ordering::Relaxed), 3);
    }
}
