//! Thread pools: as many threads as can be started, and new ones in the child of a fork.
//!
//! A call under a context chooses its threads ([`with`]). The first loop that has work for several enters them
//! ([`enter`]), so that small work is done on the calling thread and no thread is woken. Two cases are handled here for
//! all loops:
//!
//! - If the system starts no more threads, the work is done by those that exist, and if there are none, by the caller.
//!   A rayon pool panics if a thread cannot be started, so threads are started first and the pool is made of those.
//! - After a fork the child has only the calling thread: in its copy of a pool no thread works. So a pool remembers its
//!   process, and a child starts its own pool when it first has work for one, if threads run there (`started.rs`).

use std::cell::RefCell;
use std::io;
use std::mem;
use std::sync::{Arc, OnceLock};
use std::thread;

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::runtime::channel::{Sender, channel};
use crate::storage::runtime::started::threads_run;

/// A pool of threads.
pub(super) struct Threads {
    wanted: usize,
    crew: Crew,
    /// The process that started them.
    process: u32,
    /// The threads of a child of that process, if this process is one.
    child: OnceLock<Box<Threads>>,
}

enum Crew {
    /// Rayon's global pool: a loop that is too short for it does not wake its threads.
    Everybody,
    Pool(ThreadPool),
    /// No thread could be started.
    Caller,
}

/// The work of a thread to be started.
type Job = Box<dyn FnOnce() + Send>;

thread_local! {
    /// The threads of the context whose call this thread is in, until it enters them.
    static CHOSEN: RefCell<Option<Arc<Threads>>> = const { RefCell::new(None) };
}

/// Does `work` on the calling thread; parallel loops in it enter `threads` when they have work for several.
pub(super) fn with<R>(threads: &Arc<Threads>, work: impl FnOnce() -> R) -> R {
    let _chosen = Chosen::change(Some(Arc::clone(threads)));
    work()
}

/// Does `work` in the threads chosen by [`with`], or the pool shared by contexts without their own.
pub(super) fn enter(work: &mut (dyn FnMut() + Send)) {
    let chosen = Chosen::change(None);
    match &chosen.before {
        Some(threads) => threads.run(work),
        // Already in a pool: that of some context, or the caller's own.
        None if rayon::current_thread_index().is_some() => work(),
        None => Threads::shared().run(work),
    }
}

/// How many threads [`enter`] has.
pub(crate) fn count() -> usize {
    let chosen = CHOSEN.with_borrow(|chosen| chosen.as_ref().map(|threads| threads.count()));
    chosen.unwrap_or_else(|| match rayon::current_thread_index() {
        Some(_) => rayon::current_num_threads(),
        None => Threads::shared().count(),
    })
}

/// A choice of threads; dropping it restores the previous one.
struct Chosen {
    before: Option<Arc<Threads>>,
}

impl Chosen {
    #[inline(never)] // used by every call under a context
    fn change(to: Option<Arc<Threads>>) -> Self {
        Chosen { before: CHOSEN.replace(to) }
    }
}

impl Drop for Chosen {
    #[inline(never)]
    fn drop(&mut self) {
        CHOSEN.set(self.before.take());
    }
}

impl Threads {
    /// Starts this many threads; 0 means one per processor. Fails if they cannot be started.
    pub(super) fn start(threads: usize) -> Result<Self> {
        threads_run().map_err(|error| {
            Error::new(ErrorKind::Io, format!("starting {threads} threads: {error}"))
                .remedy("make the context before the fork")
        })?;
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("outcore-{i}"))
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Io, format!("starting {threads} threads: {error}"))
                    .remedy("use fewer, or raise the limit of the user or the control group")
            })?;
        Ok(Threads::new(pool.current_num_threads(), Crew::Pool(pool)))
    }

    pub(super) fn shared() -> &'static Self {
        static SHARED: OnceLock<Threads> = OnceLock::new();
        SHARED.get_or_init(|| {
            let mut waiting = start_waiting(default_count(), &mut spawn);
            let builder = ThreadPoolBuilder::new().num_threads(waiting.len());
            let crew = match waiting.len() {
                0 => Crew::Caller,
                // Fails if the process has already started that pool, which is then used as it is.
                _ => {
                    let _ = builder
                        .spawn_handler(|thread| hand_over(thread, &mut waiting))
                        .build_global();
                    Crew::Everybody
                }
            };
            Threads::new(default_count(), crew)
        })
    }

    fn new(wanted: usize, crew: Crew) -> Self {
        Threads { wanted, crew, process: std::process::id(), child: OnceLock::new() }
    }

    /// Starts the wanted threads, or as many as possible.
    fn as_many_as_start(
        wanted: usize,
        spawn: &mut dyn FnMut(usize, Job) -> io::Result<()>,
    ) -> Self {
        let mut waiting = start_waiting(wanted, spawn);
        let builder = ThreadPoolBuilder::new().num_threads(waiting.len());
        let crew = match waiting.len() {
            0 => Crew::Caller,
            _ => builder
                .spawn_handler(|thread| hand_over(thread, &mut waiting))
                .build()
                .map_or(Crew::Caller, Crew::Pool),
        };
        Threads::new(wanted, crew)
    }

    pub(super) fn run(&self, work: &mut (dyn FnMut() + Send)) {
        match &self.here().crew {
            Crew::Everybody => work(),
            Crew::Pool(pool) => pool.install(work),
            Crew::Caller => alone(work),
        }
    }

    pub(super) fn count(&self) -> usize {
        match &self.last().crew {
            Crew::Everybody => rayon::current_num_threads(),
            Crew::Pool(pool) => pool.current_num_threads(),
            Crew::Caller => 1,
        }
    }

    /// The threads of this process, which may be a grandchild.
    fn here(&self) -> &Self {
        let last = self.last();
        if last.process == std::process::id() {
            return last;
        }
        last.child.get_or_init(|| Box::new(Self::as_many_as_start(self.wanted, &mut spawn)))
    }

    /// The threads of the last process that had work for several.
    fn last(&self) -> &Self {
        let mut last = self;
        while let Some(child) = last.child.get() {
            last = child;
        }
        last
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // In a child no thread is left that could be ended.
        if self.process != std::process::id() {
            mem::forget(mem::replace(&mut self.crew, Crew::Caller));
        }
    }
}

/// Runs `work` on the calling thread alone: from now on it is its own pool, in which parallel loops stay.
fn alone(work: &mut dyn FnMut()) {
    if rayon::current_thread_index().is_none() {
        let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        // Dropping the pool would end it, and for rayon the thread with it.
        mem::forget(pool);
    }
    work();
}

/// Starts threads that wait for their place in a pool, until there are `wanted` or no more can be started.
fn start_waiting(
    wanted: usize,
    spawn: &mut dyn FnMut(usize, Job) -> io::Result<()>,
) -> Vec<Sender<ThreadBuilder>> {
    let mut waiting = Vec::new();
    for number in 0..wanted {
        let (place, places) = channel::<ThreadBuilder>();
        let body = move || {
            if let Some(thread) = places.recv() {
                thread.run();
            }
        };
        if spawn(number, Box::new(body)).is_err() {
            break;
        }
        waiting.push(place);
    }
    waiting
}

fn spawn(number: usize, body: Job) -> io::Result<()> {
    threads_run()?;
    thread::Builder::new().name(format!("outcore-{number}")).spawn(body).map(drop)
}

/// Passes a place in a pool to a waiting thread.
fn hand_over(thread: ThreadBuilder, waiting: &mut Vec<Sender<ThreadBuilder>>) -> io::Result<()> {
    let is_there = waiting.pop().is_some_and(|place| place.send(thread));
    if is_there { Ok(()) } else { Err(io::Error::other("a thread has ended")) }
}

/// Rayon's default: its environment variable, or one per processor.
fn default_count() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|count| count.parse().ok());
    let processors = || thread::available_parallelism().map_or(1, |count| count.get());
    asked.filter(|&count| count > 0).unwrap_or_else(processors)
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    fn sum_on(threads: &Threads) -> (u64, usize) {
        let mut found = (0, 0);
        threads.run(&mut || {
            found = ((0..100_000u64).into_par_iter().sum(), rayon::current_num_threads());
        });
        found
    }

    #[test]
    fn work_is_done_by_as_many_threads_as_could_be_started() {
        for limit in 0..4 {
            let mut started = 0;
            let threads = Threads::as_many_as_start(3, &mut |number, body| {
                if started == limit {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                started += 1;
                spawn(number, body)
            });
            let expected = limit.clamp(1, 3);
            assert_eq!(threads.count(), expected, "{limit}");
            // On a separate thread: if no thread can be started, the calling one becomes a pool.
            let found = thread::scope(|scope| scope.spawn(|| sum_on(&threads)).join().unwrap());
            assert_eq!(found, (4_999_950_000, expected), "{limit}");
        }
    }

    #[test]
    fn a_child_starts_threads_of_its_own() {
        let mut threads = Threads::start(2).unwrap();
        // As if the parent process had started them.
        threads.process = threads.process.wrapping_add(1);
        assert_eq!(sum_on(&threads), (4_999_950_000, 2));
        assert!(matches!(threads.here().crew, Crew::Pool(_)) && threads.child.get().is_some());
    }
}
