//! Counts the cost of work under a context: bytes, passes, scratch space, memory.
//!
//! Bytes are counted by the code that moves them, so that nothing depends on an operation remembering to. Memory is
//! counted by what is held: a [`Held`] lives as long as the memory it stands for.
//!
//! Some memory outlives an operation. The part that must stay is [`Reserved`] and subtracted from what others may use.
//! Memory that is held only because it is free, such as panels between two passes, is [`Spare`]: it is reclaimed as
//! soon as more is requested than is left.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The counts so far. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    passes: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
    /// In nanoseconds.
    waited: AtomicU64,
    memory: Level,
    scratch: Level,
    /// The meter that also counts the memory: that of the context under which this one is measured.
    parent: Option<Meter>,
    /// Whether it also counts everything else.
    is_part: bool,
    /// Memory that outlives operations; kept by the outermost meter.
    lasting: Lasting,
}

#[derive(Default)]
struct Lasting {
    always: AtomicU64,
    at_work: AtomicU64,
    /// Each with the total of held bytes above which it is asked.
    spares: Mutex<Vec<(u64, Weak<dyn Spare>)>>,
    /// Their number, to avoid taking the lock in vain.
    count: AtomicU64,
}

/// Memory that is held only because it is free.
pub(crate) trait Spare: Send + Sync {
    /// Releases about this many bytes, or what it can. Called while memory is being taken: it must neither wait nor
    /// take any.
    fn give_back(&self, bytes: u64);
}

/// Bytes of memory that stay held beyond an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lasts {
    /// Always held.
    pub(crate) always: u64,
    /// Held while in use; reclaimed at other times.
    pub(crate) at_work: u64,
}

/// Memory that is subtracted from what others under the same context may use, while this lives.
#[derive(Debug)]
pub(crate) struct Reserved {
    meter: Meter,
    lasts: Lasts,
}

/// A quantity that comes and goes, and its maximum so far.
#[derive(Debug, Default)]
struct Level {
    now: AtomicU64,
    most: AtomicU64,
}

/// What is held.
#[derive(Clone, Copy, Debug)]
enum HeldKind {
    Memory,
    Scratch,
}

/// Memory or scratch space that is in use while this lives.
#[derive(Debug)]
pub(crate) struct Held {
    meter: Meter,
    kind: HeldKind,
    bytes: u64,
}

impl Meter {
    /// A meter that counts from zero; what it counts is counted by this one also.
    pub(crate) fn child(&self) -> Self {
        let parent = Some(self.clone());
        Meter(Arc::new(Counts { parent, is_part: true, ..Counts::default() }))
    }

    /// A meter that counts from zero; only its memory is counted by this one also.
    pub(crate) fn apart(&self) -> Self {
        Meter(Arc::new(Counts { parent: Some(self.clone()), ..Counts::default() }))
    }

    /// The outermost meter, which counts all memory.
    pub(crate) fn outermost(&self) -> &Self {
        let mut outermost = self;
        while let Some(parent) = &outermost.0.parent {
            outermost = parent;
        }
        outermost
    }

    /// Bytes of memory held now.
    pub(crate) fn memory_held(&self) -> u64 {
        self.0.memory.now.load(Ordering::Relaxed)
    }

    /// Reserves memory, subtracting it from what all work under the context may use.
    pub(crate) fn reserve(&self, lasts: Lasts) -> Reserved {
        let meter = self.outermost().clone();
        meter.0.lasting.always.fetch_add(lasts.always, Ordering::Relaxed);
        meter.0.lasting.at_work.fetch_add(lasts.at_work, Ordering::Relaxed);
        Reserved { meter, lasts }
    }

    /// The memory reserved now.
    pub(crate) fn reserved(&self) -> Lasts {
        let lasting = &self.outermost().0.lasting;
        Lasts {
            always: lasting.always.load(Ordering::Relaxed),
            at_work: lasting.at_work.load(Ordering::Relaxed),
        }
    }

    /// Asks `spare` to give back whenever more than `limit` bytes are held in total.
    pub(crate) fn ask_when_short(&self, limit: u64, spare: Weak<dyn Spare>) {
        let lasting = &self.outermost().0.lasting;
        let mut spares = lasting.spares.lock().unwrap_or_else(PoisonError::into_inner);
        spares.retain(|(_, spare)| spare.strong_count() > 0);
        spares.push((limit, spare));
        lasting.count.store(spares.len() as u64, Ordering::Relaxed);
    }

    /// This meter and those that also count its memory, or everything.
    fn all(&self, memory: bool) -> impl Iterator<Item = &Counts> {
        let mut next = Some(&*self.0);
        std::iter::from_fn(move || {
            let counts = next?;
            next = counts.parent(memory);
            Some(counts)
        })
    }

    fn count(&self, of: impl Fn(&Counts) -> &AtomicU64, more: u64) {
        self.all(false).for_each(|counts| _ = of(counts).fetch_add(more, Ordering::Relaxed));
    }

    /// One more pass over the input.
    pub(crate) fn pass(&self) {
        self.count(|counts| &counts.passes, 1);
    }

    /// One more pass over the input, of which `bytes` bytes are used on their maps.
    pub(crate) fn pass_over(&self, bytes: u64) {
        self.pass();
        self.read(bytes);
    }

    /// Bytes that were read from files.
    pub(crate) fn read(&self, bytes: u64) {
        self.count(|counts| &counts.read, bytes);
    }

    /// Bytes that were written to files.
    pub(crate) fn wrote(&self, bytes: u64) {
        self.count(|counts| &counts.written, bytes);
    }

    /// Time that work waited for the device.
    pub(crate) fn waited(&self, time: Duration) {
        self.count(|counts| &counts.waited, time.as_nanos() as u64);
    }

    /// Memory that is in use from now on.
    pub(crate) fn hold(&self, bytes: u64) -> Held {
        self.take(HeldKind::Memory, bytes)
    }

    /// Scratch space that is in use from now on.
    pub(crate) fn scratch(&self, bytes: u64) -> Held {
        self.take(HeldKind::Scratch, bytes)
    }

    fn take(&self, kind: HeldKind, bytes: u64) -> Held {
        self.rise(kind, bytes);
        Held { meter: self.clone(), kind, bytes }
    }

    fn rise(&self, kind: HeldKind, bytes: u64) {
        if kind.is_memory() {
            self.outermost().press(bytes);
        }
        self.all(kind.is_memory()).for_each(|counts| counts.level(kind).rise(bytes));
    }

    fn fall(&self, kind: HeldKind, bytes: u64) {
        let all = self.all(kind.is_memory());
        all.for_each(|counts| _ = counts.level(kind).now.fetch_sub(bytes, Ordering::Relaxed));
    }

    /// Called before `more` bytes are held: reclaims spare memory if the limit would be exceeded.
    fn press(&self, more: u64) {
        let lasting = &self.0.lasting;
        if lasting.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let held = self.memory_held().saturating_add(more);
        let spares = lasting.spares.lock().unwrap_or_else(PoisonError::into_inner);
        let asked: Vec<_> = spares
            .iter()
            .filter(|(limit, _)| held > *limit)
            .filter_map(|(limit, spare)| Some((*limit, spare.upgrade()?)))
            .collect();
        drop(spares);
        for (limit, spare) in asked {
            let held = self.memory_held().saturating_add(more);
            let short = held.saturating_sub(limit);
            if short > 0 {
                spare.give_back(short);
            }
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

impl HeldKind {
    fn is_memory(self) -> bool {
        matches!(self, HeldKind::Memory)
    }
}

impl Counts {
    /// The counts that also count the memory, or everything.
    fn parent(&self, memory: bool) -> Option<&Counts> {
        self.parent.as_ref().filter(|_| memory || self.is_part).map(|parent| &*parent.0)
    }

    fn level(&self, kind: HeldKind) -> &Level {
        match kind {
            HeldKind::Memory => &self.memory,
            HeldKind::Scratch => &self.scratch,
        }
    }
}

impl Level {
    fn rise(&self, bytes: u64) {
        let now = self.now.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most.fetch_max(now, Ordering::Relaxed);
    }
}

impl Held {
    /// Changes the size from now on.
    pub(crate) fn resize(&mut self, bytes: u64) {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.meter.rise(self.kind, more),
            None => self.meter.fall(self.kind, self.bytes - bytes),
        }
        self.bytes = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.resize(0);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let lasting = &self.meter.0.lasting;
        lasting.always.fetch_sub(self.lasts.always, Ordering::Relaxed);
        lasting.at_work.fetch_sub(self.lasts.at_work, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Lasting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lasting").field("always", &self.always).finish_non_exhaustive()
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

    #[test]
    fn a_child_counts_what_is_its_own_and_its_parent_everything() {
        let meter = Meter::default();
        let (one, other, apart) = (meter.child(), meter.child(), meter.apart());
        one.pass_over(10);
        other.child().pass_over(5);
        apart.pass_over(7);
        meter.wrote(3);
        let _scratch = one.scratch(100);
        assert_eq!((one.passes(), one.bytes_read(), one.bytes_written()), (1, 10, 0));
        assert_eq!((meter.passes(), meter.bytes_read(), meter.bytes_written()), (2, 15, 3));
        assert_eq!((other.most_scratch(), meter.most_scratch()), (0, 100));
    }

    /// Holds memory until it is reclaimed.
    struct Pins(Mutex<Vec<Held>>);

    impl Spare for Pins {
        fn give_back(&self, _: u64) {
            let pins = std::mem::take(&mut *self.0.lock().unwrap());
            drop(pins);
        }
    }

    #[test]
    fn what_is_spare_is_asked_back_when_more_is_taken_than_there_is() {
        let meter = Meter::default();
        let pins = Arc::new(Pins(Mutex::new(vec![meter.hold(60)])));
        let weak: Weak<dyn Spare> = Arc::downgrade(&pins) as Weak<dyn Spare>;
        meter.ask_when_short(100, weak);
        let first = meter.hold(40);
        assert_eq!(meter.memory_held(), 100);
        // Also reclaimed by work that is measured separately.
        let child = meter.apart();
        let second = child.hold(1);
        assert_eq!((meter.memory_held(), child.memory_held(), child.most_memory()), (41, 1, 1));
        drop((first, second));
        assert_eq!(meter.memory_held(), 0);
    }

    #[test]
    fn what_is_reserved_is_known_to_all_and_ends_with_its_holder() {
        let meter = Meter::default();
        let lasts = Lasts { always: 10, at_work: 3 };
        let reserved = meter.apart().reserve(lasts);
        assert_eq!((meter.reserved(), meter.apart().reserved()), (lasts, lasts));
        drop(reserved);
        assert_eq!(meter.reserved(), Lasts::default());
    }
}
