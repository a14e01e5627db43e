//! The threads that work is spread over: as many as can be started, and new ones in the child of a fork.
//!
//! A call under a context chooses its threads ([`with`]); the first loop that has work for several enters them ([`enter`]), so that
//! small work is done where it was asked for and no thread is woken. Two things are seen to here for all loops:
//!
//! - Where the system starts no more threads, the work is done by those that there are, and at last by the caller. A pool
//!   that was asked for more would panic, so threads are started first and the pool is made of those.
//! - Of a process that forks, the child has the calling thread alone: its copy of a pool is one in which nobody works. So
//!   a pool remembers its process, and a child starts one of its own when it first has work for one.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::sync::{Arc, OnceLock};
use std::thread;

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::runtime::channel::{Sender, channel};

/// Threads that work together.
pub(super) struct Threads {
    wanted: usize,
    crew: Crew,
    /// The process that started them.
    process: u32,
    /// Those of a child of that process, where this process is one.
    child: OnceLock<Box<Threads>>,
}

enum Crew {
    /// Those of rayon's own pool: a loop that is too short for them does not even wake them.
    Everybody,
    Pool(ThreadPool),
    /// None could be started.
    Nobody,
}

/// What a thread does, for whoever starts it.
type Job = Box<dyn FnOnce() + Send>;

thread_local! {
    /// The threads of the context whose call this thread is in, as long as it has not entered them.
    static CHOSEN: RefCell<Option<Arc<Threads>>> = const { RefCell::new(None) };
}

/// Does `work` on the calling thread; parallel loops in it enter `threads` when they have work for several.
pub(super) fn with<R>(threads: &Arc<Threads>, work: impl FnOnce() -> R) -> R {
    let _chosen = Chosen::change(Some(Arc::clone(threads)));
    work()
}

/// Does `work` in the threads chosen by [`with`], or those that contexts share which have none of their own.
pub(super) fn enter(work: &mut (dyn FnMut() + Send)) {
    let chosen = Chosen::change(None);
    match &chosen.before {
        Some(threads) => threads.run(work),
        // In a pool already: that of some context, or the caller's own.
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

/// A choice of threads until it is dropped, then that of before.
struct Chosen {
    before: Option<Arc<Threads>>,
}

impl Chosen {
    #[inline(never)] // every call under a context has one
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
    /// So many threads; 0 means one for each processor. Fails if they cannot be started.
    pub(super) fn start(threads: usize) -> Result<Self> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("outcore-{i}"))
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Io, format!("starting {threads} threads: {error}"))
                    .remedy("ask for fewer, or raise the limit of the user or the control group")
            })?;
        Ok(Threads::new(pool.current_num_threads(), Crew::Pool(pool)))
    }

    pub(super) fn shared() -> &'static Self {
        static SHARED: OnceLock<Threads> = OnceLock::new();
        SHARED.get_or_init(|| {
            let mut waiting = start_waiting(default_count(), &mut spawn);
            let builder = ThreadPoolBuilder::new().num_threads(waiting.len());
            let crew = match waiting.len() {
                0 => Crew::Nobody,
                // Fails if the process has started that pool already: then it is used as it is.
                _ => {
                    let _ =
                        builder.spawn_handler(|thread| hand(thread, &mut waiting)).build_global();
                    Crew::Everybody
                }
            };
            Threads::new(default_count(), crew)
        })
    }

    fn new(wanted: usize, crew: Crew) -> Self {
        Threads { wanted, crew, process: std::process::id(), child: OnceLock::new() }
    }

    /// As many of the threads that are wanted as can be started.
    fn as_many_as_start(
        wanted: usize,
        spawn: &mut dyn FnMut(usize, Job) -> io::Result<()>,
    ) -> Self {
        let mut waiting = start_waiting(wanted, spawn);
        let builder = ThreadPoolBuilder::new().num_threads(waiting.len());
        let crew = match waiting.len() {
            0 => Crew::Nobody,
            _ => builder
                .spawn_handler(|thread| hand(thread, &mut waiting))
                .build()
                .map_or(Crew::Nobody, Crew::Pool),
        };
        Threads::new(wanted, crew)
    }

    pub(super) fn run(&self, work: &mut (dyn FnMut() + Send)) {
        match &self.here().crew {
            Crew::Everybody => work(),
            Crew::Pool(pool) => pool.install(work),
            Crew::Nobody => alone(work),
        }
    }

    pub(super) fn count(&self) -> usize {
        match &self.last().crew {
            Crew::Everybody => rayon::current_num_threads(),
            Crew::Pool(pool) => pool.current_num_threads(),
            Crew::Nobody => 1,
        }
    }

    /// Those of this process, which may be a child's child.
    fn here(&self) -> &Self {
        let last = self.last();
        if last.process == std::process::id() {
            return last;
        }
        last.child.get_or_init(|| Box::new(Self::as_many_as_start(self.wanted, &mut spawn)))
    }

    /// Those of the last process that had work for several.
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
        // Nobody is left in a child who could be told to end.
        if self.process != std::process::id() {
            mem::forget(mem::replace(&mut self.crew, Crew::Nobody));
        }
    }
}

/// Runs `work` on the calling thread alone: from now on it is a pool of its own, in which parallel loops stay.
fn alone(work: &mut dyn FnMut()) {
    if rayon::current_thread_index().is_none() {
        let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        // Dropped it would end, and the thread with it as far as rayon knows.
        mem::forget(pool);
    }
    work();
}

/// Starts threads that wait for their place in a pool, until there are `wanted` or no more can be had.
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
    thread::Builder::new().name(format!("outcore-{number}")).spawn(body).map(drop)
}

/// Gives a place in a pool to one of the threads that wait.
fn hand(thread: ThreadBuilder, waiting: &mut Vec<Sender<ThreadBuilder>>) -> io::Result<()> {
    let is_there = waiting.pop().is_some_and(|place| place.send(thread));
    if is_there { Ok(()) } else { Err(io::Error::other("a thread has ended")) }
}

/// What rayon would take: its variable, or one for each processor.
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
            // On a thread of its own: where none is started, the caller's becomes a pool.
            let found = thread::scope(|scope| scope.spawn(|| sum_on(&threads)).join().unwrap());
            assert_eq!(found, (4_999_950_000, expected), "{limit}");
        }
    }

    #[test]
    fn a_child_starts_threads_of_its_own() {
        let mut threads = Threads::start(2).unwrap();
        // As if a parent of this process had started them.
        threads.process = threads.process.wrapping_add(1);
        assert_eq!(sum_on(&threads), (4_999_950_000, 2));
        assert!(matches!(threads.here().crew, Crew::Pool(_)) && threads.child.get().is_some());
    }
}
