//! What every long routine is told by its caller: threads, memory limit, scratch folder, progress, cancel.
//!
//! A [`Context`] is a handle to settings that never change once made; cloning one copies a pointer. There are no global
//! settings behind it: two contexts in one process work side by side, each with its own threads and its own limit.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::device::Devices;
use crate::storage::meter::Meter;
use crate::storage::recording::Recording;

/// How much there is to do and how much is done, handed to the progress callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, a few words: "filling columns".
    pub phase: &'static str,
    /// Units done so far.
    pub done: u64,
    /// Units in all; never less than `done`.
    pub total: u64,
    /// Bytes read from and written to files so far, by everything under this context.
    pub bytes: u64,
}

type Callback = Arc<dyn Fn(Progress) + Send + Sync>;

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
    pool: Option<Arc<rayon::ThreadPool>>,
    memory_limit: u64,
    scratch: Arc<Path>,
    progress: Option<Callback>,
    cancel: CancelToken,
    /// What is known of the devices read so far.
    devices: Arc<Devices>,
    /// What the work under this context has cost so far.
    pub(super) meter: Meter,
    /// Who wants to know what operations cost.
    pub(super) recording: Option<Arc<Recording>>,
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

    /// Asks every routine that holds this token to stop at its next step. It cannot be undone.
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
    pub fn new() -> Self {
        Context {
            pool: None,
            memory_limit: usable_memory() / 4 * 3,
            scratch: std::env::temp_dir().into(),
            progress: None,
            cancel: CancelToken::new(),
            devices: known_devices(),
            meter: Meter::default(),
            recording: None,
        }
    }

    /// Works with this many threads of its own; 0 means one for each processor.
    ///
    /// Results do not depend on it.
    pub fn threads(mut self, threads: usize) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("outcore-{i}"))
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Io, format!("starting {threads} threads: {error}"))
            })?;
        self.pool = Some(Arc::new(pool));
        Ok(self)
    }

    /// Bytes of memory that one routine may take for its results and its work space.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// The folder for scratch files. They have no name there and go away with their last user, or with the process.
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = folder.into().into();
        self
    }

    /// Calls `callback` now and then during long work, from any thread.
    pub fn progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(callback));
        self
    }

    /// Stops with [`ErrorKind::Cancelled`], leaving nothing half done, soon after `token` is set.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// What is known of the devices read so far.
    pub(crate) fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Threads that [`run`](Self::run) spreads work over.
    pub fn thread_count(&self) -> usize {
        match &self.pool {
            Some(pool) => pool.current_num_threads(),
            None => rayon::current_num_threads(),
        }
    }

    /// The memory limit in bytes.
    pub fn memory_limit_bytes(&self) -> u64 {
        self.memory_limit
    }

    /// The folder for scratch files.
    pub fn scratch_folder(&self) -> &Path {
        &self.scratch
    }

    /// Runs `work` on this context's threads: every rayon call inside it uses them.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Tells the progress callback, if there is one, and fails if the cancel token is set.
    pub fn report(&self, phase: &'static str, done: u64, total: u64) -> Result<()> {
        if let Some(callback) = &self.progress {
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

    /// Fails with [`ErrorKind::Memory`] if `bytes` for `what` exceed the memory limit.
    pub fn check_memory(&self, what: &str, bytes: u64) -> Result<()> {
        if bytes > self.memory_limit {
            return Err(Error::new(ErrorKind::Memory, format!("{what} would not fit"))
                .expected(format!("at most {} bytes (the memory limit)", self.memory_limit))
                .found(format!("{bytes} bytes"))
                .remedy("raise the limit, or let the result live in a file"));
        }
        Ok(())
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

/// What this process has learnt of its devices: facts, not settings, so that all contexts share them.
fn known_devices() -> Arc<Devices> {
    static DEVICES: OnceLock<Arc<Devices>> = OnceLock::new();
    Arc::clone(DEVICES.get_or_init(Arc::default))
}

/// Physical memory, or the control group's limit where that is smaller; asked once, for it does not change.
fn usable_memory() -> u64 {
    static BYTES: OnceLock<u64> = OnceLock::new();
    *BYTES.get_or_init(ask_usable_memory)
}

fn ask_usable_memory() -> u64 {
    let info = rustix::system::sysinfo();
    let physical = (info.totalram as u64).saturating_mul(u64::from(info.mem_unit.max(1)));
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok())
        .fold(physical, u64::min)
}
