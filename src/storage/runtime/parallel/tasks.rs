//! Tasks: one item for every number, and the operations on them.
#![allow(unsafe_code)] // tasks taken once each, through a shared reference

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::storage::runtime::parallel::work_stealing::spread;

/// As many tasks as there are numbers below [`count`](Self::count), to be done in any order.
pub(crate) trait Tasks: Sync + Sized {
    /// The item that a task receives.
    type Item;

    /// Number of values.
    fn count(&self) -> usize;

    /// The item of task `at`.
    ///
    /// # Safety
    /// `at` is below the count, and is taken once.
    unsafe fn take(&self, at: usize) -> Self::Item;

    /// How many tasks a thread takes at a time, at least and at most.
    fn grain(&self) -> (usize, usize) {
        (1, usize::MAX)
    }

    /// As many tasks as the shorter of the two has, each with the items of both.
    fn zip<B: IntoTasks>(self, other: B) -> Zip<Self, B::Tasks> {
        Zip(self, other.into_par_iter())
    }

    /// Tasks with their number.
    fn enumerate(self) -> Enumerate<Self> {
        Enumerate(self)
    }

    /// Tasks with the results of `f`.
    fn map<R, F: Fn(Self::Item) -> R + Sync>(self, f: F) -> MapEach<Self, F> {
        MapEach(self, f)
    }

    /// A thread takes at least this many tasks at a time.
    fn with_min_len(self, least: usize) -> WithGrain<Self> {
        let (_, most) = self.grain();
        self.with_grain((least, most))
    }

    /// A thread takes at most this many tasks at a time.
    fn with_max_len(self, most: usize) -> WithGrain<Self> {
        let (least, _) = self.grain();
        self.with_grain((least, most))
    }

    /// A thread takes this many tasks at a time, at least and at most.
    fn with_grain(self, grain: (usize, usize)) -> WithGrain<Self> {
        WithGrain(self, grain)
    }

    /// Does every task.
    fn for_each(self, f: impl Fn(Self::Item) + Sync) {
        spread(self.count(), self.grain(), &|run| {
            // SAFETY: runs lie within the count and do not overlap.
            run.for_each(|at| f(unsafe { self.take(at) }));
        });
    }

    /// Does every task; the tasks of a run share one state.
    fn for_each_init<S>(self, init: impl Fn() -> S + Sync, f: impl Fn(&mut S, Self::Item) + Sync) {
        spread(self.count(), self.grain(), &|run| {
            let mut state = init();
            // SAFETY: runs lie within the count and do not overlap.
            run.for_each(|at| f(&mut state, unsafe { self.take(at) }));
        });
    }

    /// Does the tasks up to the first that fails, and returns its error.
    fn try_for_each<E: Send>(
        self,
        f: impl Fn(Self::Item) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        self.try_for_each_init(|| (), |(), item| f(item))
    }

    /// As [`try_for_each`](Self::try_for_each); the tasks of a run share one state. Tasks after a failure may or may
    /// not run.
    fn try_for_each_init<S, E: Send>(
        self,
        init: impl Fn() -> S + Sync,
        f: impl Fn(&mut S, Self::Item) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        let first = First::new();
        spread(self.count(), self.grain(), &|run| {
            let mut state = init();
            for at in run {
                if first.is_found_before(at) {
                    return;
                }
                // SAFETY: runs lie within the count and do not overlap.
                let item = unsafe { self.take(at) };
                if let Err(error) = f(&mut state, item) {
                    return first.offer(at, error);
                }
            }
        });
        first.into_inner().map_or(Ok(()), Err)
    }

    /// The items in the order of the tasks: a vector, or a result of one.
    fn collect<C: FromTasks<Self::Item>>(self) -> C
    where
        Self::Item: Send,
    {
        C::from_tasks(self)
    }

    /// All items merged by `merge`, in any order.
    fn reduce(
        self,
        identity: impl Fn() -> Self::Item + Sync,
        merge: impl Fn(Self::Item, Self::Item) -> Self::Item + Sync,
    ) -> Self::Item
    where
        Self::Item: Send,
    {
        let merged = Mutex::new(None);
        spread(self.count(), self.grain(), &|run| {
            // SAFETY: runs lie within the count and do not overlap.
            let mine = run.fold(identity(), |sum, at| merge(sum, unsafe { self.take(at) }));
            let mut merged = merged.lock().unwrap_or_else(|poison| poison.into_inner());
            *merged = Some(match merged.take() {
                Some(others) => merge(others, mine),
                None => mine,
            });
        });
        let merged = merged.into_inner().unwrap_or_else(|poison| poison.into_inner());
        merged.unwrap_or_else(identity)
    }

    /// The result of `f` for the first task for which it is not `None`.
    fn find_map_first<R: Send>(self, f: impl Fn(Self::Item) -> Option<R> + Sync) -> Option<R> {
        let first = First::new();
        spread(self.count(), self.grain(), &|run| {
            for at in run {
                if first.is_found_before(at) {
                    return;
                }
                // SAFETY: runs lie within the count and do not overlap.
                if let Some(found) = f(unsafe { self.take(at) }) {
                    return first.offer(at, found);
                }
            }
        });
        first.into_inner()
    }

    /// Whether `f` holds for every task.
    fn all(self, f: impl Fn(Self::Item) -> bool + Sync) -> bool {
        let fails = AtomicBool::new(false);
        spread(self.count(), self.grain(), &|mut run| {
            // SAFETY: runs lie within the count and do not overlap.
            let holds = |at| fails.load(Ordering::Relaxed) || f(unsafe { self.take(at) });
            if !run.all(holds) {
                fails.store(true, Ordering::Relaxed);
            }
        });
        !fails.into_inner()
    }
}

/// A collection that can be built from tasks.
pub(crate) trait FromTasks<T> {
    fn from_tasks(tasks: impl Tasks<Item = T>) -> Self;
}

/// The find with the lowest number.
pub(crate) struct First<R> {
    at: AtomicUsize,
    found: Mutex<Option<R>>,
}

impl<R> First<R> {
    pub(crate) fn new() -> Self {
        First { at: AtomicUsize::new(usize::MAX), found: Mutex::new(None) }
    }

    pub(crate) fn is_found_before(&self, at: usize) -> bool {
        self.at.load(Ordering::Relaxed) < at
    }

    pub(crate) fn offer(&self, at: usize, found: R) {
        // No holder panics.
        let mut first = self.found.lock().unwrap_or_else(|poison| poison.into_inner());
        if at < self.at.load(Ordering::Relaxed) {
            self.at.store(at, Ordering::Relaxed);
            *first = Some(found);
        }
    }

    pub(crate) fn into_inner(self) -> Option<R> {
        self.found.into_inner().unwrap_or_else(|poison| poison.into_inner())
    }
}

/// A source of tasks.
pub(crate) trait IntoTasks {
    type Item;
    type Tasks: Tasks<Item = Self::Item>;
    fn into_par_iter(self) -> Self::Tasks;
}

impl<T: Tasks> IntoTasks for T {
    type Item = T::Item;
    type Tasks = T;
    fn into_par_iter(self) -> T {
        self
    }
}

/// Two items for each task.
pub(crate) struct Zip<A, B>(A, B);

impl<A: Tasks, B: Tasks> Tasks for Zip<A, B> {
    type Item = (A::Item, B::Item);
    fn count(&self) -> usize {
        self.0.count().min(self.1.count())
    }
    unsafe fn take(&self, at: usize) -> Self::Item {
        // SAFETY: the count of neither is smaller.
        unsafe { (self.0.take(at), self.1.take(at)) }
    }
    fn grain(&self) -> (usize, usize) {
        let (a, b) = (self.0.grain(), self.1.grain());
        (a.0.max(b.0), a.1.min(b.1))
    }
}

/// Each item with the number of its task.
pub(crate) struct Enumerate<A>(A);

impl<A: Tasks> Tasks for Enumerate<A> {
    type Item = (usize, A::Item);
    fn count(&self) -> usize {
        self.0.count()
    }
    unsafe fn take(&self, at: usize) -> Self::Item {
        // SAFETY: as the caller promises.
        (at, unsafe { self.0.take(at) })
    }
    fn grain(&self) -> (usize, usize) {
        self.0.grain()
    }
}

/// The result of a function for each task.
pub(crate) struct MapEach<A, F>(A, F);

impl<A: Tasks, R, F: Fn(A::Item) -> R + Sync> Tasks for MapEach<A, F> {
    type Item = R;
    fn count(&self) -> usize {
        self.0.count()
    }
    unsafe fn take(&self, at: usize) -> R {
        // SAFETY: as the caller promises.
        (self.1)(unsafe { self.0.take(at) })
    }
    fn grain(&self) -> (usize, usize) {
        self.0.grain()
    }
}

/// Tasks with a grain: how many are taken at a time.
pub(crate) struct WithGrain<A>(A, (usize, usize));

impl<A: Tasks> Tasks for WithGrain<A> {
    type Item = A::Item;
    fn count(&self) -> usize {
        self.0.count()
    }
    unsafe fn take(&self, at: usize) -> Self::Item {
        // SAFETY: as the caller promises.
        unsafe { self.0.take(at) }
    }
    fn grain(&self) -> (usize, usize) {
        self.1
    }
}
