//! Dense operations on a file larger than memory, beside the best rate at which the device can be read.
//!
//! `cargo bench --bench dense_larger -- FOLDER [ROWS [COLS [LIMIT_MIB]]]` makes `FOLDER/tall.npy` (4,000,000 x 250 `f32`
//! unless told otherwise) if it is not there, reads it past the page cache with two threads, and runs each operation
//! under the limit (1,024 MiB). With `-` for the folder it measures in memory alone. It sets no control group: start it in one to see that the limit holds.

use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use outcore::linalg::{LinearOperator, Operator};
use outcore::{Context, Dense, DenseMut, Order, Place, Result};

/// Bytes of one read.
const STEP: u64 = 4 << 20;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(folder) = arguments.first() else {
        println!("dense_larger: no folder given, nothing measured");
        return Ok(());
    };
    let number = |i: usize, default: usize| {
        arguments.get(i).map_or(default, |a| a.parse().expect("a number"))
    };
    let shape = (number(1, 4_000_000), number(2, 250));
    in_memory(shape.1)?;
    if folder == "-" {
        return Ok(());
    }
    let ctx = Context::new().memory_limit((number(3, 1024) as u64) << 20);
    for (name, order) in [("tall.npy", Order::C), ("tall-fortran.npy", Order::Fortran)] {
        let path = Path::new(folder).join(name);
        if !path.exists() {
            create(&path, shape, order, &ctx)?;
        }
        println!("{name}, {} threads", ctx.thread_count());
        measure(&path, &ctx)?;
    }
    Ok(())
}

fn create(path: &Path, shape: (usize, usize), order: Order, ctx: &Context) -> Result<()> {
    let mut a = DenseMut::<f32>::create(path, shape, order, ctx)?;
    let fill = |i: usize| (i.wrapping_mul(2_654_435_761) >> 8 & 0xffff) as f32 / 65_536.0;
    a.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = fill(i));
    a.close()
}

fn measure(path: &Path, ctx: &Context) -> Result<()> {
    let a = Dense::<f32>::open(path)?;
    let bytes = 4 * a.len() as u64;
    let mut best: f64 = 0.0;
    for _ in 0..2 {
        let seconds = timed(|| read_directly(path, bytes));
        best = best.max(bytes as f64 / seconds / 1e9);
        show("direct reads, 2 threads", bytes, seconds, best);
    }
    for _ in 0..2 {
        let mut outcome = Ok(());
        let seconds = timed(|| outcome = a.column_stats(ctx).map(drop));
        outcome?;
        show("column statistics", bytes, seconds, best);
    }
    let (x, mut y) = (vec![0.5f32; a.ncols()], vec![0.0f32; a.nrows()]);
    let operator = Operator::new(&a, ctx)?;
    for case in ["X v, preparing", "X v, again"] {
        let before = operator.traffic();
        let mut outcome = Ok(());
        let seconds = timed(|| outcome = operator.apply(&x, &mut y, ctx));
        outcome?;
        let traffic = operator.traffic();
        let read = traffic.bytes_read - before.bytes_read;
        show(case, read, seconds, best);
        println!(
            "{:28}{:.2} s of it waiting",
            "",
            traffic.seconds_waiting - before.seconds_waiting
        );
    }
    drop(operator);
    let mut outcome = Ok(());
    let seconds = timed(|| outcome = a.gram(ctx).map(drop));
    outcome?;
    show("XᵀX", bytes, seconds, best);
    let flops = a.nrows() as f64 * (a.ncols() * (a.ncols() + 1)) as f64;
    println!("{:28}{:.0} Gflop/s of the triangle", "", flops / seconds / 1e9);
    Ok(())
}

/// What the processors alone allow.
fn in_memory(ncols: usize) -> Result<()> {
    let ctx = Context::new();
    for order in [Order::C, Order::Fortran] {
        let mut a = DenseMut::<f32>::create(Place::Memory, (100_000, ncols), order, &ctx)?;
        a.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = (i % 997) as f32 / 997.0);
        let a = a.freeze()?;
        let bytes = 4 * a.len() as u64;
        for case in ["column statistics", "XᵀX"] {
            let mut best = f64::INFINITY;
            for _ in 0..5 {
                let mut outcome = Ok(());
                let seconds = match case {
                    "XᵀX" => timed(|| outcome = a.gram(&ctx).map(drop)),
                    _ => timed(|| outcome = a.column_stats(&ctx).map(drop)),
                };
                outcome?;
                best = best.min(seconds);
            }
            let rate = bytes as f64 / best / 1e9;
            println!("in memory, {order:?} order: {case:20}{rate:7.2} GB/s");
        }
    }
    Ok(())
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn show(case: &str, bytes: u64, seconds: f64, best: f64) {
    let rate = bytes as f64 / seconds / 1e9;
    let share = rate / best;
    println!("{case:26}{seconds:7.2} s{rate:7.2} GB/s{share:7.2} of the best direct read");
}

/// Reads the file past the page cache; where that is not possible, through it.
fn read_directly(path: &Path, bytes: u64) {
    const O_DIRECT: i32 = 0o40000;
    let options = || std::fs::OpenOptions::new().read(true).clone();
    let file = options().custom_flags(O_DIRECT).open(path).or_else(|_| options().open(path));
    let file = file.expect("the file can be opened");
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut buffer = memmap2::MmapMut::map_anon(STEP as usize).expect("memory");
                let _ = buffer.advise(memmap2::Advice::HugePage);
                loop {
                    let offset = next.fetch_add(STEP, Ordering::Relaxed);
                    if offset >= bytes {
                        return;
                    }
                    file.read_at(&mut buffer, offset).expect("a read");
                }
            });
        }
    });
}
