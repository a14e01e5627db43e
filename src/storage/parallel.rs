//! Parallel loops, all of them over one: [`spread`] calls a function with runs of numbers, on the threads there are.
//!
//! ```text
//! tasks.for_each(f)   =   spread(tasks.count(), |run| for at in run: f(tasks.take(at)))
//! ```
//!
//! The names are those of rayon's iterators, and rayon does the work. But rayon compiles some twenty functions for every loop,
//! in the crate of whoever calls it; here a loop is one closure, and what shares it out is compiled once, in this file.
//!
//! A thread that asks for work while others have some takes half of what another has left, so that few large tasks and many small
//! ones are shared alike. Which thread does a task, and when, is left open; what is made of tasks stands in their order.
#![allow(unsafe_code)] // tasks handed out once each, through a shared reference

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::storage::threads;

/// How many threads a loop that begins here would have.
pub(crate) fn threads() -> usize {
    threads::count()
}

/// Calls `work` with runs that together are `0..count`, on the threads of the context whose call this is.
///
/// A run that has other than its last tasks has at least `least` of them, and as far as that allows at most `most`. With one
/// run or one thread nobody is woken: the caller does it all.
pub(crate) fn spread(
    count: usize,
    (least, most): (usize, usize),
    work: &(dyn Fn(Range<usize>) + Sync),
) {
    let least = least.max(1);
    match count {
        0 => {}
        _ if count < 2 * least || threads::count() == 1 => work(0..count),
        _ => threads::enter(&mut || {
            let splits = threads::count().max(count / most.max(1));
            halve(0..count, splits, least, work);
        }),
    }
}

/// Halves `run`, and each half again as often as `splits` can be halved, for whoever is idle first: somewhat more parts than
/// threads, so that one that is done early finds something to take.
fn halve(run: Range<usize>, splits: usize, least: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
    if splits == 0 || run.len() < 2 * least {
        return work(run);
    }
    let middle = run.start + run.len() / 2;
    let (left, right) = (run.start..middle, middle..run.end);
    rayon::join_context(
        |_| halve(left, splits / 2, least, work),
        |taken| {
            // Another thread was idle enough to take it: there may be more of those.
            let more = if taken.migrated() { threads::count() } else { 0 };
            halve(right, more.max(splits / 2), least, work);
        },
    );
}

/// Does `work`, whose loops all have work for several threads, on one of these: entering them once for each loop would take longer
/// than a short loop does.
pub(crate) fn within<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let (mut work, mut made) = (Some(work), None);
    threads::enter(&mut || made = work.take().map(|work| work()));
    made.expect("threads do what they are entered for")
}

/// What both give, done at the same time if a thread is idle.
pub(crate) fn join<A: Send, B: Send>(
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (mut a, mut b, mut of_a, mut of_b) = (Some(a), Some(b), None, None);
    both(&mut || of_a = a.take().map(|a| a()), &mut || of_b = b.take().map(|b| b()));
    of_a.zip(of_b).expect("both were done")
}

fn both(a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
    if threads::count() == 1 {
        a();
        return b();
    }
    threads::enter(&mut || {
        rayon::join(&mut *a, &mut *b);
    });
}

/// Sorts numbers. Called for each type in one place, for rayon's sort is much code.
pub(crate) fn sort<N: Ord + Send>(numbers: &mut [N]) {
    use rayon::slice::ParallelSliceMut as _;
    threads::enter(&mut || numbers.par_sort_unstable());
}

/// As many tasks as there are numbers below [`count`](Self::count), to be done in any order.
pub(crate) trait Tasks: Sync + Sized {
    /// What a task is given.
    type Item;

    /// How many there are.
    fn count(&self) -> usize;

    /// What task `at` is given.
    ///
    /// # Safety
    /// `at` is below the count, and is asked for once.
    unsafe fn take(&self, at: usize) -> Self::Item;

    /// How many tasks a thread takes at a time, at least and at most.
    fn grain(&self) -> (usize, usize) {
        (1, usize::MAX)
    }

    /// As many tasks as the shorter of the two has, each with what both have for it.
    fn zip<B: IntoTasks>(self, other: B) -> Zip<Self, B::Tasks> {
        Zip(self, other.into_par_iter())
    }

    /// Tasks that know their number.
    fn enumerate(self) -> Enumerate<Self> {
        Enumerate(self)
    }

    /// Tasks that are given what `f` makes.
    fn map<R, F: Fn(Self::Item) -> R + Sync>(self, f: F) -> Map<Self, F> {
        Map(self, f)
    }

    /// Tasks of which a thread takes at least so many at a time.
    fn with_min_len(self, least: usize) -> Grain<Self> {
        let (_, most) = self.grain();
        self.with_grain((least, most))
    }

    /// Tasks of which a thread takes at most so many at a time.
    fn with_max_len(self, most: usize) -> Grain<Self> {
        let (least, _) = self.grain();
        self.with_grain((least, most))
    }

    /// Tasks of which a thread takes so many at a time, at least and at most.
    fn with_grain(self, grain: (usize, usize)) -> Grain<Self> {
        Grain(self, grain)
    }

    /// Does every task.
    fn for_each(self, f: impl Fn(Self::Item) + Sync) {
        spread(self.count(), self.grain(), &|run| {
            // SAFETY: runs lie within the count and do not overlap.
            run.for_each(|at| f(unsafe { self.take(at) }));
        });
    }

    /// Does every task, those of a run with one state.
    fn for_each_init<S>(self, init: impl Fn() -> S + Sync, f: impl Fn(&mut S, Self::Item) + Sync) {
        spread(self.count(), self.grain(), &|run| {
            let mut state = init();
            // SAFETY: runs lie within the count and do not overlap.
            run.for_each(|at| f(&mut state, unsafe { self.take(at) }));
        });
    }

    /// Does the tasks up to the first that fails, and fails as it did.
    fn try_for_each<E: Send>(
        self,
        f: impl Fn(Self::Item) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        self.try_for_each_init(|| (), |(), item| f(item))
    }

    /// Does the tasks up to the first that fails, those of a run with one state, and fails as it did. Later ones are done or not.
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

    /// What the tasks are given, in their order: a vector, or a result of one.
    fn collect<C: FromTasks<Self::Item>>(self) -> C
    where
        Self::Item: Send,
    {
        C::from_tasks(self)
    }

    /// As [`collect`](Self::collect), into a vector that has room for it.
    fn collect_into_vec(self, made: &mut Vec<Self::Item>)
    where
        Self::Item: Send,
    {
        let count = self.count();
        made.clear();
        made.reserve_exact(count);
        let places = SliceMut::new(&mut made.spare_capacity_mut()[..count]);
        spread(count, self.grain(), &|run| {
            for at in run {
                // SAFETY: runs lie within the count and do not overlap.
                let (place, item) = unsafe { (places.take(at), self.take(at)) };
                place.write(item);
            }
        });
        // SAFETY: every run was done, or this would not be reached; what they wrote is all of it.
        unsafe { made.set_len(count) };
    }

    /// What `merge` makes of all that the tasks are given, in whatever order.
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

    /// What `f` finds for the first task for which it finds something.
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

/// The find of the lowest number.
struct First<R> {
    at: AtomicUsize,
    found: Mutex<Option<R>>,
}

impl<R> First<R> {
    fn new() -> Self {
        First { at: AtomicUsize::new(usize::MAX), found: Mutex::new(None) }
    }

    fn is_found_before(&self, at: usize) -> bool {
        self.at.load(Ordering::Relaxed) < at
    }

    fn offer(&self, at: usize, found: R) {
        // Nobody panics while holding it.
        let mut first = self.found.lock().unwrap_or_else(|poison| poison.into_inner());
        if at < self.at.load(Ordering::Relaxed) {
            self.at.store(at, Ordering::Relaxed);
            *first = Some(found);
        }
    }

    fn into_inner(self) -> Option<R> {
        self.found.into_inner().unwrap_or_else(|poison| poison.into_inner())
    }
}

/// What can be collected from tasks.
pub(crate) trait FromTasks<T> {
    fn from_tasks(tasks: impl Tasks<Item = T>) -> Self;
}

impl<T: Send> FromTasks<T> for Vec<T> {
    fn from_tasks(tasks: impl Tasks<Item = T>) -> Self {
        let mut made = Vec::new();
        tasks.collect_into_vec(&mut made);
        made
    }
}

/// Up to the first task that fails; later ones are done or not.
impl<T: Send, E: Send> FromTasks<Result<T, E>> for Result<Vec<T>, E> {
    fn from_tasks(tasks: impl Tasks<Item = Result<T, E>>) -> Self {
        let (first, grain) = (First::new(), tasks.grain());
        let made: Vec<Option<T>> = (0..tasks.count())
            .into_par_iter()
            .map(|at| {
                if first.is_found_before(at) {
                    return None;
                }
                // SAFETY: each number comes once, and is below the count.
                unsafe { tasks.take(at) }.map_err(|error| first.offer(at, error)).ok()
            })
            .with_grain(grain)
            .collect();
        match first.into_inner() {
            Some(error) => Err(error),
            None => Ok(made.into_iter().flatten().collect()),
        }
    }
}

/// Up to the first task that gives nothing.
impl<T: Send> FromTasks<Option<T>> for Option<Vec<T>> {
    fn from_tasks(tasks: impl Tasks<Item = Option<T>>) -> Self {
        tasks.map(|item| item.ok_or(())).collect::<Result<_, _>>().ok()
    }
}

/// What tasks can be made of.
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

impl<T: Send> IntoTasks for Vec<T> {
    type Item = T;
    type Tasks = Owned<T>;
    fn into_par_iter(self) -> Owned<T> {
        Owned(self.into_iter().map(|item| UnsafeCell::new(Some(item))).collect())
    }
}

impl IntoTasks for Range<usize> {
    type Item = usize;
    type Tasks = Numbers;
    fn into_par_iter(self) -> Numbers {
        Numbers(self)
    }
}

impl<'a, T: Sync> IntoTasks for &'a [T] {
    type Item = &'a T;
    type Tasks = Slice<'a, T>;
    fn into_par_iter(self) -> Slice<'a, T> {
        Slice(self)
    }
}

impl<'a, T: Sync> IntoTasks for &'a Vec<T> {
    type Item = &'a T;
    type Tasks = Slice<'a, T>;
    fn into_par_iter(self) -> Slice<'a, T> {
        Slice(self)
    }
}

impl<'a, T: Send> IntoTasks for &'a mut [T] {
    type Item = &'a mut T;
    type Tasks = SliceMut<'a, T>;
    fn into_par_iter(self) -> SliceMut<'a, T> {
        SliceMut::new(self)
    }
}

impl<'a, T: Send> IntoTasks for &'a mut Vec<T> {
    type Item = &'a mut T;
    type Tasks = SliceMut<'a, T>;
    fn into_par_iter(self) -> SliceMut<'a, T> {
        SliceMut::new(self)
    }
}

/// Tasks of the elements of a slice, or of runs of them.
pub(crate) trait ParallelSlice<T> {
    fn par_iter(&self) -> Slice<'_, T>;
    fn par_chunks(&self, size: usize) -> Chunks<'_, T>;
    fn par_iter_mut(&mut self) -> SliceMut<'_, T>;
    fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T>;
}

impl<T> ParallelSlice<T> for [T] {
    fn par_iter(&self) -> Slice<'_, T> {
        Slice(self)
    }

    fn par_chunks(&self, size: usize) -> Chunks<'_, T> {
        assert!(size > 0, "a run has elements");
        Chunks(self, size)
    }

    fn par_iter_mut(&mut self) -> SliceMut<'_, T> {
        SliceMut::new(self)
    }

    fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T> {
        assert!(size > 0, "a run has elements");
        ChunksMut(SliceMut::new(self), size)
    }
}

/// Numbers one after the other.
pub(crate) struct Numbers(Range<usize>);

impl Tasks for Numbers {
    type Item = usize;
    fn count(&self) -> usize {
        self.0.len()
    }
    unsafe fn take(&self, at: usize) -> usize {
        self.0.start + at
    }
}

/// Things that are given away.
pub(crate) struct Owned<T>(Vec<UnsafeCell<Option<T>>>);

// SAFETY: each cell is reached by the one thread that asks for its number.
unsafe impl<T: Send> Sync for Owned<T> {}

impl<T: Send> Tasks for Owned<T> {
    type Item = T;
    fn count(&self) -> usize {
        self.0.len()
    }
    unsafe fn take(&self, at: usize) -> T {
        // SAFETY: asked for once, so that nobody else is in this cell.
        let item = unsafe { (*self.0[at].get()).take() };
        item.expect("a task is asked for once")
    }
}

/// Elements to look at.
pub(crate) struct Slice<'a, T>(&'a [T]);

impl<'a, T: Sync> Tasks for Slice<'a, T> {
    type Item = &'a T;
    fn count(&self) -> usize {
        self.0.len()
    }
    unsafe fn take(&self, at: usize) -> &'a T {
        &self.0[at]
    }
}

/// Runs of elements to look at.
pub(crate) struct Chunks<'a, T>(&'a [T], usize);

impl<'a, T: Sync> Tasks for Chunks<'a, T> {
    type Item = &'a [T];
    fn count(&self) -> usize {
        self.0.len().div_ceil(self.1)
    }
    unsafe fn take(&self, at: usize) -> &'a [T] {
        &self.0[chunk(at, self.1, self.0.len())]
    }
}

fn chunk(at: usize, size: usize, len: usize) -> Range<usize> {
    let start = at * size;
    start..start + size.min(len - start)
}

/// Elements to change.
pub(crate) struct SliceMut<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: each element is reached by the one thread that asks for its number.
unsafe impl<T: Send> Sync for SliceMut<'_, T> {}

impl<'a, T> SliceMut<'a, T> {
    fn new(slice: &'a mut [T]) -> Self {
        SliceMut { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// # Safety
    /// The range lies within the slice, and nobody else has asked for a part of it.
    unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: within the slice, which is borrowed for 'a; the caller has the part to itself.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

impl<'a, T: Send> Tasks for SliceMut<'a, T> {
    type Item = &'a mut T;
    fn count(&self) -> usize {
        self.len
    }
    unsafe fn take(&self, at: usize) -> &'a mut T {
        // SAFETY: asked for once.
        let part = unsafe { self.part(at..at + 1) };
        &mut part[0]
    }
}

/// Runs of elements to change.
pub(crate) struct ChunksMut<'a, T>(SliceMut<'a, T>, usize);

impl<'a, T: Send> Tasks for ChunksMut<'a, T> {
    type Item = &'a mut [T];
    fn count(&self) -> usize {
        self.0.len.div_ceil(self.1)
    }
    unsafe fn take(&self, at: usize) -> &'a mut [T] {
        // SAFETY: asked for once, and runs of different numbers do not overlap.
        unsafe { self.0.part(chunk(at, self.1, self.0.len)) }
    }
}

/// Two for each task.
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

/// The number of the task beside it.
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

/// Something made for each task.
pub(crate) struct Map<A, F>(A, F);

impl<A: Tasks, R, F: Fn(A::Item) -> R + Sync> Tasks for Map<A, F> {
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

/// Tasks that are taken some at a time.
pub(crate) struct Grain<A>(A, (usize, usize));

impl<A: Tasks> Tasks for Grain<A> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Context;

    #[test]
    fn every_task_is_done_once_and_its_result_stands_in_its_place() {
        for threads in [1, 2, 3] {
            let ctx = Context::new().threads(threads).unwrap();
            for count in [0, 1, 2, 7, 1000] {
                let made: Vec<usize> =
                    ctx.with_threads(|| (0..count).into_par_iter().map(|i| i * i).collect());
                assert_eq!(made, (0..count).map(|i| i * i).collect::<Vec<_>>());

                let mut numbers = vec![0; count];
                ctx.with_threads(|| {
                    let runs = numbers.par_chunks_mut(3).enumerate().with_min_len(2);
                    runs.for_each(|(at, run)| run.iter_mut().for_each(|x| *x += at));
                });
                assert!(numbers.iter().enumerate().all(|(i, &x)| x == i / 3));

                let owned: Vec<Box<usize>> = (0..count).map(Box::new).collect();
                let zipped = ctx.with_threads(|| {
                    let both = owned.into_par_iter().zip(&numbers).with_max_len(1);
                    both.map(|(a, b)| *a + *b).collect::<Vec<_>>()
                });
                assert_eq!(zipped, (0..count).map(|i| i + i / 3).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn the_first_find_and_the_first_failure_are_told() {
        let ctx = Context::new().threads(3).unwrap();
        ctx.with_threads(|| {
            let found = (0..1000).into_par_iter().find_map_first(|i| (i % 300 == 299).then_some(i));
            assert_eq!(found, Some(299));
            let none = (0..1000).into_par_iter().find_map_first(|_| None::<()>);
            assert_eq!(none, None);
            let all = (0..1000).into_par_iter().map(|i| if i < 400 { Ok(i) } else { Err(i) });
            assert_eq!(all.collect::<Result<Vec<_>, _>>(), Err(400));
            let failed =
                (0..1000).into_par_iter().try_for_each(|i| if i == 7 { Err(i) } else { Ok(()) });
            assert_eq!(failed, Err(7));
            assert!((0..9).into_par_iter().all(|i| i < 9));
            assert!(!(0..9).into_par_iter().all(|i| i < 8));
        });
    }

    #[test]
    fn a_panic_comes_through_and_what_was_not_done_is_dropped() {
        use std::sync::Arc;
        let ctx = Context::new().threads(2).unwrap();
        let counted = Arc::new(());
        let tasks: Vec<_> = (0..100).map(|i| (i, Arc::clone(&counted))).collect();
        let work = || tasks.into_par_iter().for_each(|(i, _)| assert!(i != 50, "fifty"));
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ctx.with_threads(work)));
        assert!(outcome.is_err());
        assert_eq!(Arc::strong_count(&counted), 1);
    }

    #[test]
    fn loops_within_loops_use_the_threads_of_their_context() {
        let (two, three) = (Context::new().threads(2).unwrap(), Context::new().threads(3).unwrap());
        two.with_threads(|| {
            assert_eq!(threads::count(), 2);
            (0..8).into_par_iter().for_each(|_| {
                assert_eq!(threads::count(), 2);
                three.with_threads(|| {
                    assert_eq!(threads::count(), 3);
                    (0..4).into_par_iter().for_each(|_| assert_eq!(threads::count(), 3));
                });
                assert_eq!(threads::count(), 2);
            });
        });
    }
}
