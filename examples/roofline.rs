//! Products beside the limit of the memory: bandwidth measured in the same run, and the fraction of it that each reaches.

mod support;

use outcore::linalg::LinearOperator;
use outcore::{BufferMut, Context, Csr, Place, Result};
use rayon::prelude::*;
use support::{Outcome, timed};

const HELP: &str = "\
roofline [GRID] [THREADS] [--json]

Measures the memory's read bandwidth, then products of the Poisson matrix on GRID³ points (200), with THREADS threads
(all processors), and prints GB/s of compulsory traffic and the fraction of the bandwidth. --json prints a line of JSON
for each measurement instead of a table.";

/// Runs of which the fastest and the median count.
const RUNS: usize = 9;

/// One measurement.
struct Measured {
    bench: &'static str,
    seconds: Vec<f64>,
    bytes: u64,
}

impl Measured {
    fn new(bench: &'static str, bytes: u64, mut work: impl FnMut() -> Result<()>) -> Result<Self> {
        work()?;
        let mut seconds = Vec::new();
        for _ in 0..RUNS {
            let (result, taken) = timed(&mut work);
            result?;
            seconds.push(taken);
        }
        seconds.sort_by(f64::total_cmp);
        Ok(Measured { bench, seconds, bytes })
    }

    fn gbps(&self) -> f64 {
        self.bytes as f64 / self.seconds[0] / 1e9
    }

    fn print(&self, case: &str, threads: usize, limit: f64, json: bool) {
        let (bench, least, median) = (self.bench, self.seconds[0], self.seconds[RUNS / 2]);
        if json {
            println!(
                "{{\"bench\": \"{bench}\", \"case\": \"{case}\", \"impl\": \"outcore\", \"threads\": {threads}, \
                 \"seconds_min\": {least:.6}, \"seconds_median\": {median:.6}, \"bytes\": {}, \"gbps\": {:.3}}}",
                self.bytes,
                self.gbps()
            );
        } else {
            println!(
                "    {bench:8} {least:9.4} s   median {median:9.4} s   {:6.2} GB/s   {:4.2} of the limit",
                self.gbps(),
                self.gbps() / limit
            );
        }
    }
}

fn main() -> Outcome {
    let (flags, arguments) = support::arguments(HELP, &["--json"])?;
    let number =
        |k: usize, default: usize| arguments.get(k).map_or(Ok(default), |text| text.parse());
    let (grid, threads) = (number(0, 200)?, number(1, 0)?);
    let json = flags.iter().any(|flag| flag == "--json");
    let ctx = Context::new().threads(threads)?;
    let (threads, case) = (ctx.thread_count(), format!("poisson{grid}"));

    let read = read_bandwidth(&ctx)?;
    let limit = read.gbps();
    if !json {
        println!("{case}, {threads} threads; the limit is the read bandwidth");
    }
    read.print("memory", threads, limit, json);

    let a = Csr::<f64>::poisson(&[grid; 3], Place::Memory, &ctx)?;
    let csc = a.transpose();
    let n = a.nrows();
    let mut x = BufferMut::<f64>::zeros(n)?;
    x.iter_mut().enumerate().for_each(|(i, x)| *x = 1.0 / (i + 1) as f64);
    let mut y = BufferMut::<f64>::zeros(n)?;
    let bytes = a.bytes() + 16 * n as u64;
    for measured in [
        Measured::new("spmv", bytes, || a.apply(&x, &mut y, &ctx))?,
        Measured::new("spmv_t", bytes, || a.apply_adjoint(&x, &mut y, &ctx))?,
        Measured::new("csc", bytes, || csc.apply(&x, &mut y, &ctx))?,
    ] {
        measured.print(&case, threads, limit, json);
    }
    let k = 8;
    let block = BufferMut::<f64>::zeros(k * n)?;
    let mut result = BufferMut::<f64>::zeros(k * n)?;
    let bytes = a.bytes() + 16 * (k * n) as u64;
    Measured::new("spmm8", bytes, || a.apply_block(k, &block, &mut result, &ctx))?
        .print(&case, threads, limit, json);
    Ok(())
}

/// Sums an array far larger than the caches, in huge pages.
fn read_bandwidth(ctx: &Context) -> Result<Measured> {
    let mut array = BufferMut::<u64>::zeros(1 << 27)?;
    ctx.run(|| array.par_chunks_mut(1 << 16).for_each(|part| part.fill(1)));
    Measured::new("read", 8 << 27, || {
        let sum: u64 = ctx.run(|| {
            array
                .par_chunks(1 << 16)
                .map(|part| part.iter().fold(0, |sum: u64, x| sum.wrapping_add(*x)))
                .sum()
        });
        assert_eq!(sum, 1 << 27);
        Ok(())
    })
}
