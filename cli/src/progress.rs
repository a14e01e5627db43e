//! Progress on standard error: a bar on a terminal, a line every ten seconds elsewhere, or an object every second.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
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

/// Back to the beginning of the line, which becomes empty.
const CLEAR: &str = "\r\x1b[K";

/// Characters of the bar.
const BAR: usize = 40;

/// A writer of progress, which is called from any thread.
pub(crate) struct Shown {
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

/// The context with its progress shown, and what shows it.
pub(crate) fn with_progress(ctx: Context, show: Show) -> (Context, Arc<Shown>) {
    let shown = Arc::new(Shown {
        show,
        is_terminal: io::stderr().is_terminal(),
        start: Instant::now(),
        last: Mutex::new(Last { at: None, phase: "", drawn: false }),
    });
    let callback = Arc::clone(&shown);
    let ctx = match show {
        Show::None => ctx,
        _ => ctx.progress(move |progress| callback.take(progress)),
    };
    (ctx, shown)
}

impl Shown {
    fn take(&self, progress: Progress) {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_done = progress.done >= progress.total;
        let text = match self.show {
            Show::Json => {
                // Ends and beginnings at once, unless they follow each other quickly.
                let is_turn = is_done || last.phase != progress.phase;
                if !self.is_due(&last, now, if is_turn { 100 } else { 1000 }) {
                    return;
                }
                format!("{}\n", self.object(progress))
            }
            _ if self.is_terminal => {
                let is_short = self.start.elapsed() < Duration::from_millis(500);
                if is_done && last.drawn {
                    last.drawn = false;
                    CLEAR.to_owned()
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

    /// Removes a bar that is still on the screen.
    pub(crate) fn finish(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut last.drawn) {
            let _ = io::stderr().lock().write_all(CLEAR.as_bytes());
        }
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
        format!("{CLEAR}{phase:>26} {bar}{rest} {percent:>3.0} %  {moved}  {seconds} s")
    }
}

fn part(progress: Progress) -> f64 {
    (progress.done as f64 / progress.total.max(1) as f64).clamp(0.0, 1.0)
}

fn line(progress: Progress) -> String {
    let percent = part(progress) * 100.0;
    format!("{}: {percent:.0} %, {} moved", progress.phase, bytes(progress.bytes))
}
