//! Progress on standard error: a bar on a terminal, a line every ten seconds elsewhere, or an object every second.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use outcore::{Context, Progress};
use serde_json::json;

use crate::size::bytes;

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub(crate) enum Show {
    /// A bar on a terminal, otherwise a line every ten seconds
    Auto,
    /// A JSON object on a line of its own every second: phase, done, total, bytes, seconds
    Json,
    /// None
    None,
}

/// Characters of the bar.
const BAR: usize = 40;

/// A writer of progress, which is called from any thread.
struct Shown {
    show: Show,
    is_terminal: bool,
    start: Instant,
    last: Mutex<Last>,
}

/// What was shown last.
struct Last {
    at: Option<Instant>,
    phase: &'static str,
    /// Whether a bar is on the screen.
    drawn: bool,
}

/// The context with its progress shown.
pub(crate) fn with_progress(ctx: Context, show: Show) -> Context {
    if show == Show::None {
        return ctx;
    }
    let shown = Shown {
        show,
        is_terminal: io::stderr().is_terminal(),
        start: Instant::now(),
        last: Mutex::new(Last { at: None, phase: "", drawn: false }),
    };
    ctx.progress(move |progress| shown.take(progress))
}

impl Shown {
    fn take(&self, progress: Progress) {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_done = progress.done >= progress.total;
        let text = match self.show {
            Show::Json => {
                let is_new = last.phase != progress.phase;
                if !is_new && !is_done && !self.is_due(&last, now, 1000) {
                    return;
                }
                format!("{}\n", self.object(progress))
            }
            _ if self.is_terminal => {
                let is_short = self.start.elapsed() < Duration::from_millis(500);
                if is_done && last.drawn {
                    last.drawn = false;
                    "\r\x1b[K".to_owned()
                } else if is_short || is_done || !self.is_due(&last, now, 100) {
                    return;
                } else {
                    last.drawn = true;
                    self.bar(progress)
                }
            }
            _ if self.start.elapsed() >= Duration::from_secs(10)
                && self.is_due(&last, now, 10_000) =>
            {
                format!("{}\n", line(progress))
            }
            _ => return,
        };
        (last.at, last.phase) = (Some(now), progress.phase);
        // Nobody may be there to see it.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    fn is_due(&self, last: &Last, now: Instant, milliseconds: u64) -> bool {
        last.at.is_none_or(|at| now.duration_since(at) >= Duration::from_millis(milliseconds))
    }

    fn object(&self, Progress { phase, done, total, bytes, .. }: Progress) -> serde_json::Value {
        let seconds = (self.start.elapsed().as_secs_f64() * 1e3).round() / 1e3;
        json!({ "phase": phase, "done": done, "total": total, "bytes": bytes, "seconds": seconds })
    }

    fn bar(&self, progress: Progress) -> String {
        let part = part(progress);
        let full = (part * BAR as f64) as usize;
        let (bar, rest) = ("█".repeat(full), "░".repeat(BAR - full.min(BAR)));
        let seconds = self.start.elapsed().as_secs();
        let percent = part * 100.0;
        let (phase, moved) = (progress.phase, bytes(progress.bytes));
        format!("\r\x1b[K{phase:>26} {bar}{rest} {percent:>3.0} %  {moved}  {seconds} s")
    }
}

fn part(progress: Progress) -> f64 {
    (progress.done as f64 / progress.total.max(1) as f64).clamp(0.0, 1.0)
}

fn line(progress: Progress) -> String {
    let percent = part(progress) * 100.0;
    format!("{}: {percent:.0} %, {} moved", progress.phase, bytes(progress.bytes))
}
