//! What this machine gives: memory, its speed, the disk's, limits in force.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Instant;

use outcore::{Context, Error, Result, device_speeds, memory_limits};
use serde_json::json;

use crate::report::Report;
use crate::session::Session;
use crate::size::bytes;

pub(crate) const ABOUT: &str = "Report what this machine offers: memory, limits, disk speed, and how files are read";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A large file on the disk that is to be measured; one of 128 MiB in the scratch folder if not given
    file: Option<PathBuf>,
}

/// Bytes that the memory is measured with, and bytes of the file.
const MEMORY: usize = 256 << 20;
const FILE: usize = 128 << 20;

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let ctx = session.ctx();
    let mut report = Report::new();
    report.fact("threads", ctx.thread_count());
    report.fact("vector instructions", instructions());
    limits(ctx, &mut report);
    for (name, file) in [("huge pages", "enabled"), ("huge pages are made", "defrag")] {
        let path = format!("/sys/kernel/mm/transparent_hugepage/{file}");
        if let Ok(text) = fs::read_to_string(path) {
            // "always [madvise] never": what is in force stands in brackets.
            let chosen = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
            report.fact(name, chosen.map_or(text.trim(), |(chosen, _)| chosen));
        }
    }
    if session.is_plan() {
        return Ok(report);
    }
    let speed = memory_speed(ctx);
    report.row("memory", format!("{:.1} GB/s read", speed / 1e9), speed);
    ctx.check_cancelled()?;
    disk(arguments, ctx, &mut report)?;
    Ok(report)
}

fn limits(ctx: &Context, report: &mut Report) {
    let limit = ctx.memory_limit_bytes();
    report.row("memory limit", bytes(limit), limit);
    let all = memory_limits();
    // The limits of version 1 that were not set are larger than any memory.
    let real = all.iter().filter(|limit| limit.bytes < 1 << 50);
    let mut list = Vec::new();
    for (k, limit) in real.enumerate() {
        let by = match &limit.set_by {
            Some(path) => path.display().to_string(),
            None => "the memory of the machine".to_owned(),
        };
        let name = if k == 0 { "usable memory" } else { "also limited to" };
        report.shown(name, format!("{}, by {by}", bytes(limit.bytes)));
        list.push(json!({ "bytes": limit.bytes, "set_by": by }));
    }
    report.value("memory_limits", list);
}

/// What the kernels of the library look for.
fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "AVX2, FMA";
        }
    }
    "those of every processor of this kind"
}

fn memory_speed(ctx: &Context) -> f64 {
    let size = MEMORY.min(ctx.memory_limit_bytes() as usize / 2).max(1 << 20);
    let numbers = vec![1.0f64; size / 8];
    let threads = ctx.thread_count().max(1);
    let mut best = 0.0f64;
    for _ in 0..3 {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for part in numbers.chunks(numbers.len().div_ceil(threads)) {
                scope.spawn(move || {
                    let mut sums = [0.0; 16];
                    for chunk in part.chunks_exact(16) {
                        sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x);
                    }
                    black_box(sums)
                });
            }
        });
        best = best.max(size as f64 / start.elapsed().as_secs_f64());
    }
    best
}

/// The speeds of the disk, and which way of reading follows from them.
fn disk(arguments: &Arguments, ctx: &Context, report: &mut Report) -> Result<()> {
    let made;
    let path = match &arguments.file {
        Some(path) => path.clone(),
        None => {
            made = nameless(ctx)?;
            PathBuf::from(format!("/proc/self/fd/{}", made.as_raw_fd()))
        }
    };
    report.fact("scratch folder", ctx.scratch_folder().display().to_string());
    let speeds = device_speeds(&path, ctx)?;
    let shown = |speed: f64| format!("{:.2} GB/s", speed / 1e9);
    report.row("page cache", format!("{} read", shown(speeds.buffered)), speeds.buffered);
    match speeds.direct {
        Some(direct) => report.row("past the cache", format!("{} read", shown(direct)), direct),
        None => report.row("past the cache", "this file system has no such reads", serde_json::Value::Null),
    }
    report.row("scratch files", format!("{} written", shown(speeds.written)), speeds.written);
    let why = match (speeds.direct, speeds.reads_directly) {
        (None, _) => "through the page cache: there is no other way",
        (_, true) => "past the page cache: it is at least nearly as fast, and leaves memory to others",
        (_, false) => "through the page cache: it is more than a tenth faster",
    };
    report.row("files are read", why, if speeds.reads_directly { "direct" } else { "buffered" });
    Ok(())
}

/// A file in the scratch folder that is gone when it is closed, and whose bytes are on the disk.
fn nameless(ctx: &Context) -> Result<File> {
    let folder = ctx.scratch_folder();
    let failed = |error| Error::io("writing a file in", folder, error);
    let path = folder.join(format!(".outcore-doctor-{}", std::process::id()));
    let mut file =
        File::options().read(true).write(true).create_new(true).open(&path).map_err(failed)?;
    fs::remove_file(&path).map_err(failed)?;
    // Bytes that no file system makes smaller.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut block = vec![0u8; 1 << 20];
    for eight in block.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        eight.copy_from_slice(&state.to_le_bytes());
    }
    for k in 0..FILE / block.len() {
        ctx.check_cancelled()?;
        block[0] = k as u8;
        file.write_all(&block).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    Ok(file)
}
