//! The one loop: numbers distributed over threads, an idle thread taking half of what another has left.

use std::ops::Range;

use crate::storage::runtime::threads;

/// How many threads a loop that begins here would have.
pub(crate) fn threads() -> usize {
    threads::count()
}

/// Calls `work` with runs that together are `0..count`, on the threads of the calling context.
///
/// A run has at least `least` tasks, unless it is the last, and as far as that allows at most `most`. With a single run
/// or a single thread no thread is woken: the caller does all of it.
pub(super) fn spread(
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

/// Halves `run`, and each half again as often as `splits` can be halved, for idle threads to take. This gives somewhat
/// more parts than threads, so that a thread that is done early finds work.
fn halve(run: Range<usize>, splits: usize, least: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
    if splits == 0 || run.len() < 2 * least {
        return work(run);
    }
    let middle = run.start + run.len() / 2;
    let (left, right) = (run.start..middle, middle..run.end);
    rayon::join_context(
        |_| halve(left, splits / 2, least, work),
        |taken| {
            // Another thread was idle and took it: there may be more idle ones.
            let more = if taken.migrated() { threads::count() } else { 0 };
            halve(right, more.max(splits / 2), least, work);
        },
    );
}

/// Does `work`, whose loops all have work for several threads, on one of the threads: entering the pool once for each
/// loop would take longer than a short loop does.
pub(crate) fn within<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let (mut work, mut made) = (Some(work), None);
    threads::enter(&mut || made = work.take().map(|work| work()));
    made.expect("threads do what they are entered for")
}

/// Runs both, at the same time if a thread is idle, and returns both results.
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

/// Sorts numbers. Called in one place per type, because rayon's sort is much code.
pub(crate) fn sort<N: Ord + Send>(numbers: &mut [N]) {
    use rayon::slice::ParallelSliceMut as _;
    threads::enter(&mut || numbers.par_sort_unstable());
}
