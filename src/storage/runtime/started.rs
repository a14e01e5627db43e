//! Whether threads that this process starts run at all.
//!
//! When a thread starts or ends, it holds a lock of the standard library for a moment. A child that another thread forks
//! in that moment has a copy of the lock that is never released, and every thread that it starts waits for it. So the
//! first thread of a process is tried: if it does not report in time, no more are started, and the calling threads do
//! all the work.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long the first thread may take to report: it takes microseconds on an idle system.
const PATIENCE: Duration = Duration::from_secs(3);

/// The last process that tried, doubled, and one more if its threads run.
static TRIED: AtomicU64 = AtomicU64::new(0);

/// Fails if threads that are started now would not run.
pub(crate) fn threads_run() -> io::Result<()> {
    match tried() {
        true => Ok(()),
        false => Err(io::Error::other(
            "the process was forked while another thread started or ended, and starts no threads",
        )),
    }
}

fn tried() -> bool {
    let process = u64::from(std::process::id()) << 1;
    let tried = TRIED.load(Ordering::Relaxed);
    if tried & !1 == process {
        return tried & 1 == 1;
    }
    match reports(PATIENCE, |body| thread::Builder::new().spawn(body).is_ok()) {
        // That no thread can be started now says nothing about the next.
        None => true,
        Some(runs) => {
            TRIED.store(process | u64::from(runs), Ordering::Relaxed);
            runs
        }
    }
}

/// Whether a thread reports in time; `None` if it could not be started.
fn reports(
    patience: Duration,
    start: impl FnOnce(Box<dyn FnOnce() + Send>) -> bool,
) -> Option<bool> {
    // A channel with a time limit would add 47 kB to a small program.
    let reported = Arc::new((Mutex::new(false), Condvar::new()));
    let report = Arc::clone(&reported);
    let body = Box::new(move || {
        *report.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        report.1.notify_one();
    });
    start(body).then(|| {
        let waiting = reported.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = reported.1.wait_timeout_while(waiting, patience, |reported| !*reported);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_does_not_report_is_told_from_one_that_does() {
        let patience = Duration::from_millis(50);
        let started = |body: Box<dyn FnOnce() + Send>| thread::Builder::new().spawn(body).is_ok();
        assert_eq!(reports(PATIENCE, started), Some(true));
        assert_eq!(reports(patience, |_| false), None);
        // One that waits, as for a lock, until it is no longer needed.
        let mut kept = None;
        let waits = |body| {
            kept = Some(body);
            true
        };
        assert_eq!(reports(patience, waits), Some(false));
        assert!(threads_run().is_ok());
    }
}
