//! The process in which something goes wrong, and whoever starts it and waits for its end.
//!
//! An operation that fails ends its process with [`FAILED`] and the error on its standard error; everything else that is not
//! success is a fault of the library.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use std::os::unix::process::ExitStatusExt;

/// The exit code of a worker whose operation returned an error.
pub const FAILED: i32 = 2;

/// How long a worker may take before it counts as hanging, on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How a worker ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// `None` if it was too late and had to be killed.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
    /// Seconds it took.
    pub seconds: f64,
}

impl Ended {
    /// The exit code.
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// Whether it was ended by this signal.
    pub fn signal(&self) -> Option<i32> {
        self.status.and_then(|status| status.signal())
    }

    /// Fails unless it succeeded or returned a typed error, and tells whether it succeeded.
    pub fn clean(&self) -> Result<bool, String> {
        match (self.status, self.code()) {
            (None, _) => Err(format!("hangs: {}", self.said())),
            (_, Some(0)) => Ok(true),
            (_, Some(FAILED)) if !self.err.trim().is_empty() => Ok(false),
            (Some(status), _) => Err(format!("{status}: {}", self.said())),
        }
    }

    /// The last words.
    pub fn said(&self) -> String {
        let text = self.err.trim();
        let skipped = text.char_indices().rev().nth(400).map_or(0, |(at, _)| at);
        text[skipped..].replace('\n', " | ")
    }
}

/// A worker process with its standard streams as pipes, two threads at work in it.
pub fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("RAYON_NUM_THREADS", "2")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts it.
pub fn start(mut command: Command) -> Result<Child, String> {
    command.spawn().map_err(|e| format!("cannot start {command:?}: {e}"))
}

/// Starts it and waits for its end.
pub fn run(command: Command, patience: Duration) -> Result<Ended, String> {
    start(command).map(|child| finish(child, patience))
}

/// Waits for its end; kills it when the patience is over. What it says must fit in a pipe.
pub fn finish(mut child: Child, patience: Duration) -> Ended {
    let start = Instant::now();
    let mut pause = Duration::from_micros(200);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if start.elapsed() < patience => std::thread::sleep(pause),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
        pause = (pause * 5 / 4).min(Duration::from_millis(5));
    };
    let seconds = start.elapsed().as_secs_f64();
    let mut ended = Ended { status, out: String::new(), err: String::new(), seconds };
    ended.out = child.stdout.take().map(text).unwrap_or_default();
    ended.err = child.stderr.take().map(text).unwrap_or_default();
    ended
}

fn text(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Ends this process as a worker: what it found on its standard output, or the error, its kind first.
///
/// Nothing here may panic, whatever fails: an end like that would be taken for one of the library's.
pub fn end(outcome: outcore::Result<String>) -> ! {
    let code = match outcome {
        Ok(found) => {
            say(std::io::stdout(), &format!("{found}\n"));
            0
        }
        Err(error) => {
            say(std::io::stderr(), &format!("{error:?}\n"));
            FAILED
        }
    };
    std::process::exit(code)
}

/// Writes `text` with `writev`, which no test makes fail: calls are counted by thread, and the first `write` of the thread
/// that reports is disturbed as well when that of the thread that writes the file is.
fn say(stream: impl std::os::fd::AsFd, text: &str) {
    let mut rest = text.as_bytes();
    while let Ok(written @ 1..) = rustix::io::writev(&stream, &[std::io::IoSlice::new(rest)]) {
        rest = &rest[written..];
    }
}

/// Bounds the memory that this process may ask for.
pub fn bound_memory(bytes: u64) {
    let limit = rustix::process::Rlimit { current: Some(bytes), maximum: Some(bytes) };
    // Where it cannot be bounded the test shows less, and is no worse.
    let _ = rustix::process::setrlimit(rustix::process::Resource::As, limit);
}

/// The most memory that this process has had so far, in bytes; 0 where the system does not say.
pub fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
