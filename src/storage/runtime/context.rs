//! Settings that a caller passes to every long routine: threads, memory limit, scratch folder, progress, cancellation.
//!
//! A [`Context`] is a handle to immutable settings; cloning one copies a pointer. There are no global
//! settings behind it: two contexts in one process are independent, each with its own threads and its own limit.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::runtime::meter::Meter;
use crate::storage::runtime::place::Place;
use crate::storage::runtime::plan::Plan;
use crate::storage::runtime::progress::{Callback, Progress, is_innermost_of_several};
use crate::storage::runtime::threads;
use crate::storage::runtime::threads::Threads;
use crate::storage::runtime::usable_memory::usable_memory;

/// More threads than this take the system minutes to start.
const MOST_THREADS: usize = 4096;

/// Threads, memory limit, scratch folder, progress callback and cancel token of a piece of work.
///
/// ```
/// use outcore::Context;
/// let ctx = Context::new().memory_limit(1 << 30).threads(2)?;
/// assert_eq!(ctx.thread_count(), 2);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone)]
pub struct Context {
    /// Threads of its own.
    threads: Option<Arc<Threads>>,
    memory_limit: u64,
    scratch: Arc<Path>,
    pub(crate) progress: Option<Callback>,
    cancel: CancelToken,
    /// The cost of the work under this context so far.
    pub(crate) meter: Meter,
    /// Collects the costs of operations.
    pub(crate) recording: Option<Arc<Recording>>,
}

/// Asks a running routine to stop. Clones share one flag.
///
/// ```
/// use outcore::{CancelToken, Context, ErrorKind};
/// let token = CancelToken::new();
/// let ctx = Context::new().cancel(token.clone());
/// token.cancel();
/// assert_eq!(ctx.check_cancelled().unwrap_err().kind(), ErrorKind::Cancelled);
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every routine that holds this token to stop at its next step. This cannot be undone.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Context {
    /// All processors, a limit of three quarters of the memory the process may use, the system's temporary folder.
    ///
    /// The process may use the memory of the machine, or less if its control group, or a parent of it, sets a limit.
    /// Contexts without threads of their own share one pool. Called from a thread of another rayon pool, they work in
    /// that pool. If the system starts fewer threads, those do the work; if it starts none, the calling thread does.
    pub fn new() -> Self {
        Context {
            threads: None,
            memory_limit: usable_memory() / 4 * 3,
            scratch: std::env::temp_dir().into(),
            progress: None,
            cancel: CancelToken::new(),
            meter: Meter::default(),
            recording: None,
        }
    }

    /// Uses a pool of this many threads; 0 means one per processor. Fails if they cannot be started.
    ///
    /// Results do not depend on the number. The child of a fork starts as many new threads, or as many as it can.
    pub fn threads(mut self, threads: usize) -> Result<Self> {
        if threads > MOST_THREADS {
            return Err(Error::new(ErrorKind::Format, "too many threads")
                .expected(format!("at most {MOST_THREADS}"))
                .found(threads));
        }
        self.threads = Some(Arc::new(Threads::start(threads)?));
        Ok(self)
    }

    /// Bytes of memory that one routine may use for its results and its work space. Memory held by an
    /// [`Operator`](crate::linalg::Operator) made under this context, or a clone of it, is subtracted while the
    /// operator lives.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// The folder for scratch files. They have no name there and disappear with their last user, or with the process.
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = folder.into().into();
        self
    }

    /// Calls `callback` from time to time during long work, from any thread.
    ///
    /// For an operation composed of others, such as a solve with its products, the callback receives only the progress
    /// of the whole.
    pub fn progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Stops with [`ErrorKind::Cancelled`], leaving nothing half done, soon after `token` is set.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Threads that [`run`](Self::run) spreads work over.
    pub fn thread_count(&self) -> usize {
        match &self.threads {
            Some(threads) => threads.count(),
            None => threads::count(),
        }
    }

    /// The memory limit in bytes, as it was set.
    pub fn memory_limit_bytes(&self) -> u64 {
        self.memory_limit
    }

    /// The memory limit in bytes less what live operators hold: what an operation may use.
    pub(crate) fn memory_left(&self) -> u64 {
        self.memory_limit.saturating_sub(self.meter.reserved().always)
    }

    /// The place for `bytes` bytes that an operation needs for a while: memory if they take at most a quarter of what is
    /// left.
    pub(crate) fn aside(&self, bytes: u64) -> Place {
        if bytes <= self.memory_left() / 4 { Place::Memory } else { Place::Scratch }
    }

    /// The same context for a part of an operation, with `bytes` less memory, which another part uses.
    pub(crate) fn less(&self, bytes: u64) -> Self {
        self.clone().memory_limit(self.memory_limit.saturating_sub(bytes))
    }

    /// The folder for scratch files.
    pub fn scratch_folder(&self) -> &Path {
        &self.scratch
    }

    /// Runs `work` on this context's threads: every rayon call inside it uses them.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        let (mut work, mut made) = (Some(work), None);
        self.with_threads(|| threads::enter(&mut || made = work.take().map(|work| work())));
        made.expect("threads do what they are entered for")
    }

    /// Does `work` on the calling thread; parallel loops in it run on this context's threads.
    pub(crate) fn with_threads<R>(&self, work: impl FnOnce() -> R) -> R {
        match &self.threads {
            Some(threads) => threads::with(threads, work),
            None => work(),
        }
    }

    /// Calls the progress callback, if there is one, and fails if the cancel token is set.
    pub fn report(&self, phase: &'static str, done: u64, total: u64) -> Result<()> {
        if let Some(callback) = &self.progress
            && !is_innermost_of_several(callback)
        {
            let bytes = self.meter.bytes_read() + self.meter.bytes_written();
            callback(Progress { phase, done, total: total.max(done), bytes });
        }
        self.check_cancelled()
    }

    /// Fails with [`ErrorKind::Cancelled`] if the cancel token is set.
    pub fn check_cancelled(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled by the caller"));
        }
        Ok(())
    }

    /// Fails with [`ErrorKind::Memory`] if `bytes` for `what` exceed the memory limit less what operators hold.
    pub fn check_memory(&self, what: &str, bytes: u64) -> Result<()> {
        let held = self.meter.reserved();
        let held = held.always.saturating_add(held.at_work);
        let left = self.memory_limit.saturating_sub(held);
        if bytes <= left {
            return Ok(());
        }
        let extra = match held {
            0 => String::new(),
            _ => format!(" of {} less the {held} that operators hold", self.memory_limit),
        };
        Err(Error::new(ErrorKind::Memory, format!("{what} would not fit in memory"))
            .expected(format!("at most {left} bytes (the memory limit{extra})"))
            .found(format!("{bytes} bytes"))
            .remedy("raise the limit, or store the result in a file"))
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("threads", &self.thread_count())
            .field("memory_limit", &self.memory_limit)
            .field("scratch", &self.scratch)
            .finish_non_exhaustive()
    }
}

/// Checks the place of a plan and adds its seconds. A function pointer, because devices are defined in a later module.
type Price = fn(&mut Plan, &Context) -> Result<()>;

/// Collects the costs of the operations under a context.
#[derive(Debug)]
pub(crate) struct Recording {
    /// Whether operations stop once they have reported their cost.
    pub(crate) only_plan: bool,
    pub(crate) price: Price,
    /// Nesting depth of the operations in progress.
    pub(crate) depth: AtomicUsize,
    /// The predicted cost of the operations so far.
    pub(crate) plan: Mutex<Option<Plan>>,
}

impl Recording {
    pub(crate) fn new(only_plan: bool, price: Price) -> Self {
        Recording { only_plan, price, depth: AtomicUsize::new(0), plan: Mutex::default() }
    }

    pub(crate) fn add(&self, plan: Plan) {
        let mut recorded = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        *recorded = Some(match recorded.take() {
            Some(before) => before.then(plan),
            None => plan,
        });
    }

    pub(crate) fn take(&self) -> Option<Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
