//! What this machine gives: memory, its speed, the disk's, limits in force.

use std::hint::black_box;
use std::time::Instant;

use outcore::{Context, Csr, Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::size::bytes;

pub(crate) const ABOUT: &str = "Say what this machine gives: memory, limits, speeds";

#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// Bytes that the memory is measured with.
const BYTES: usize = 256 << 20;

pub(crate) fn run(_: &Arguments, session: &Session) -> Result<Report> {
    let ctx = session.ctx();
    let mut report = Report::new();
    report.fact("threads", ctx.thread_count());
    let limit = ctx.memory_limit_bytes();
    report.row("memory limit", bytes(limit), limit);
    let usable = Context::new().memory_limit_bytes() / 3 * 4;
    report.row("usable memory", bytes(usable), usable);
    report.fact("scratch folder", ctx.scratch_folder().display().to_string());
    let speed = memory_speed(ctx);
    report.row("memory", format!("{:.1} GB/s read", speed / 1e9), speed);
    // The plan of work on a file knows the speed of its device, which is measured for it.
    let folder = ctx.scratch_folder().join(format!("outcore-doctor-{}", std::process::id()));
    std::fs::create_dir(&folder)
        .map_err(|error| outcore::Error::io("creating a folder in", ctx.scratch_folder(), error))?;
    let disk = disk_speeds(&folder, ctx);
    let _ = std::fs::remove_dir_all(&folder);
    let (read, write) = disk?;
    report.row("disk", format!("{:.2} GB/s read, {:.2} GB/s written", read / 1e9, write / 1e9), vec![read, write]);
    if let Ok(huge) = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled") {
        report.fact("huge pages", huge.trim());
    }
    Ok(report)
}

fn memory_speed(ctx: &Context) -> f64 {
    let numbers = vec![1.0f64; BYTES / 8];
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
        best = best.max(BYTES as f64 / start.elapsed().as_secs_f64());
    }
    best
}

/// Bytes a second that a file is read and written with.
fn disk_speeds(folder: &std::path::Path, ctx: &Context) -> Result<(f64, f64)> {
    let path = folder.join("a.bspnpy");
    // 128 MiB of values: enough to tell.
    let order = (128usize << 20) / 12;
    let a = Csr::<f64>::identity(order, Place::File(path.clone()), ctx)?;
    drop(a);
    let a = outcore::open(&path)?;
    let little = ctx.clone().memory_limit(32 << 20);
    let plan = little.plan(|ctx| a.copy_to(Place::File(folder.join("b.bspnpy")), ctx))?;
    let none = ctx.plan(|ctx| Csr::<f64>::identity(order, Place::File(folder.join("c.bspnpy")), ctx))?;
    let write = none.cost.bytes_written as f64 / none.cost.seconds.max(1e-9);
    let reading = (plan.cost.seconds - plan.cost.bytes_written as f64 / write).max(1e-9);
    Ok((plan.cost.bytes_read as f64 / reading, write))
}
