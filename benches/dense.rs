//! Dense kernels in memory, beside the rate at which memory is read by the same threads in the same run.
//!
//! `cargo bench -p outcore-bench --bench dense -- [--threads N] [--scale S] [--only NAME]` makes matrices of the full
//! size (2 GB each) divided by `S` along each axis (1), and prints the median of five runs: of products with vectors
//! and of sums the bytes of the matrix for each second and their part of the read rate, of copies the bytes read and
//! written, of products of matrices the additions and multiplications. Without arguments, as `cargo test --benches`
//! runs it, it does nothing.

use std::time::Instant;

use outcore::linalg::{Factor, LinearOperator, Multiplies, Scalar};
use outcore::{BufferMut, Context, Dense, Element, Order, Place, Result};
use rayon::prelude::*;

/// Runs of which the median is shown.
const RUNS: usize = 5;

struct Bench {
    ctx: Context,
    scale: usize,
    only: String,
    /// Bytes that are read in a nanosecond.
    read: f64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if arguments.is_empty() {
        println!("dense: no arguments given, nothing measured");
        return Ok(());
    }
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name, default| value(name).map_or(default, |n| n.parse().expect("a number"));
    let ctx = Context::new().threads(number("--threads", 2))?;
    let read = read_rate(&ctx)?;
    println!("read {read:.1} GB/s with {} threads", ctx.thread_count());
    let only = value("--only").unwrap_or_default();
    let bench = Bench { ctx, scale: number("--scale", 1), only, read };
    for order in [Order::C, Order::Fortran] {
        bench.vectors::<f32>((1_000_000, 100), order)?;
        bench.vectors::<f64>((16_384, 16_384), order)?;
        bench.sums::<f32>((4_000_000, 100), order)?;
        bench.sums::<f64>((2_000_000, 100), order)?;
        bench.gram::<f32>((4_000_000, 250), order)?;
        bench.gram::<f64>((2_000_000, 250), order)?;
    }
    bench.transpose::<f32>(16_384)?;
    bench.transpose::<f64>(16_384)?;
    bench.matmul::<f32>(4096)?;
    bench.matmul::<f64>(4096)
}

impl Bench {
    fn vectors<T: Scalar + Multiplies<T>>(
        &self,
        shape: (usize, usize),
        order: Order,
    ) -> Result<()> {
        if !self.wants("vectors") {
            return Ok(());
        }
        let a = self.matrix::<T>(shape, order)?;
        let name = format!("{} {order:?}", title(&a));
        let bytes = size_of_val(a.as_slice()) as f64;
        let [mut short, mut long] = [a.ncols(), a.nrows()].map(|len| vec![T::one(); len]);
        let seconds = median(|| a.apply(&short, &mut long, &self.ctx))?;
        self.show_bytes(&format!("{name}: A x"), bytes, seconds);
        let seconds = median(|| a.apply_adjoint(&long, &mut short, &self.ctx))?;
        self.show_bytes(&format!("{name}: Aᵀ x"), bytes, seconds);
        Ok(())
    }

    fn sums<T: Scalar + Factor<f64>>(&self, shape: (usize, usize), order: Order) -> Result<()> {
        if !self.wants("sums") {
            return Ok(());
        }
        let a = self.matrix::<T>(shape, order)?;
        let (name, bytes) = (format!("{} {order:?}", title(&a)), size_of_val(a.as_slice()) as f64);
        for (axis, of) in [(0, "columns"), (1, "rows")] {
            let seconds = median(|| a.sum_axis(axis, &self.ctx))?;
            self.show_bytes(&format!("{name}: sums of {of}"), bytes, seconds);
        }
        Ok(())
    }

    fn transpose<T: Scalar>(&self, n: usize) -> Result<()> {
        if !self.wants("transpose") {
            return Ok(());
        }
        let a = self.matrix::<T>((n, n), Order::C)?;
        let bytes = 2 * size_of_val(a.as_slice());
        let copy = median(|| a.to_order(Order::C, Place::Memory, &self.ctx))?;
        self.show_bytes(&format!("{}: copy", title(&a)), bytes as f64, copy);
        let seconds = median(|| a.to_order(Order::Fortran, Place::Memory, &self.ctx))?;
        self.show_bytes(&format!("{}: transposed", title(&a)), bytes as f64, seconds);
        println!("{:46}{:9.2} of the copy's rate", "", copy / seconds);
        let mut out = ndarray::Array2::zeros((a.ncols(), a.nrows()));
        let seconds = median(|| a.transpose().copy_into(out.view_mut(), &self.ctx))?;
        self.show_bytes(&format!("{}: transposed into", title(&a)), bytes as f64, seconds);
        Ok(())
    }

    fn matmul<T: Scalar>(&self, n: usize) -> Result<()> {
        if !self.wants("matmul") {
            return Ok(());
        }
        let (a, b) = (self.matrix::<T>((n, n), Order::C)?, self.matrix::<T>((n, n), Order::C)?);
        let flops = 2.0 * (a.nrows() * a.ncols() * b.ncols()) as f64;
        let mut c = ndarray::Array2::zeros((a.nrows(), b.ncols()));
        let seconds = median(|| a.matmul_into(&b, c.view_mut(), &self.ctx))?;
        show_flops(&format!("{}: A B", title(&a)), flops, seconds);
        Ok(())
    }

    fn gram<T: Scalar>(&self, shape: (usize, usize), order: Order) -> Result<()> {
        if !self.wants("gram") {
            return Ok(());
        }
        let a = self.matrix::<T>(shape, order)?;
        let flops = a.nrows() as f64 * (a.ncols() * (a.ncols() + 1)) as f64;
        let seconds = median(|| a.gram(&self.ctx))?;
        show_flops(&format!("{} {order:?}: AᵀA", title(&a)), flops, seconds);
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only == name
    }

    /// A matrix of some small numbers, in huge pages.
    fn matrix<T: Scalar>(&self, shape: (usize, usize), order: Order) -> Result<Dense<T>> {
        let shape = (shape.0 / self.scale, shape.1 / self.scale);
        let mut elements = BufferMut::<T>::zeros(shape.0 * shape.1)?;
        self.ctx.run(|| {
            let numbers = elements.par_iter_mut().enumerate();
            numbers.for_each(|(i, x)| *x = T::from_f64((i % 997) as f64 / 997.0));
        });
        Dense::from_parts(shape, order, elements.freeze())
    }

    fn show_bytes(&self, name: &str, bytes: f64, seconds: f64) {
        let rate = bytes / seconds / 1e9;
        println!("{name:38}{seconds:8.4} s{rate:8.1} GB/s {:6.2} of reading", rate / self.read);
    }
}

fn show_flops(name: &str, flops: f64, seconds: f64) {
    println!("{name:38}{seconds:8.4} s{:8.1} Gflop/s", flops / seconds / 1e9);
}

fn title<T: Element>(a: &Dense<T>) -> String {
    format!("{} {} x {}", T::DTYPE, a.nrows(), a.ncols())
}

/// Bytes for each nanosecond that the threads read together.
fn read_rate(ctx: &Context) -> Result<f64> {
    let mut numbers = BufferMut::<u64>::zeros(64 << 20)?;
    numbers.fill(1); // A page that nobody wrote to is the one page of zeros, and in the cache.
    let sum = || numbers.par_chunks(1 << 16).map(|part| part.iter().sum::<u64>()).sum::<u64>();
    let seconds = median(|| Ok(ctx.run(sum)))?;
    Ok(size_of_val(&*numbers) as f64 / seconds / 1e9)
}

/// Seconds of the run that half of the others are slower than.
fn median<R>(mut work: impl FnMut() -> Result<R>) -> Result<f64> {
    let mut seconds = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        std::hint::black_box(work()?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[RUNS / 2])
}
