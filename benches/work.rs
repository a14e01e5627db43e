//! What plans say a step of work takes, compared with what it takes here: `src/storage/runtime/work.rs`.
//!
//! Each operation runs in memory, so that its plan has no seconds of reading; the least of several runs stands next to
//! the plan. A ratio far from that of the others is a wrong constant; all of them are off by the speed of the
//! processor.

use outcore::linalg::{LinearOperator, PlusTimes};
use outcore::{Context, Coo, Csc, Csr, Dense, Duplicates, Order, Permutation, Place, Result};

/// Runs of each operation.
const RUNS: usize = 5;

fn row<R>(name: &str, ctx: &Context, operation: impl Fn(&Context) -> Result<R>) -> Result<()> {
    let (mut planned, mut least) = (0.0, f64::MAX);
    for _ in 0..RUNS {
        let (_, report) = ctx.measure(&operation)?;
        planned = report.plan.cost.seconds;
        least = least.min(report.actual.seconds);
    }
    println!("{name:24} {planned:10.4} {least:10.4} {:8.2}", least / planned.max(1e-12));
    Ok(())
}

fn main() -> Result<()> {
    let ctx = Context::new().threads(1)?;
    let memory = || Place::Memory;
    let a = Csr::<f64>::poisson(&[80, 80, 80], memory(), &ctx)?;
    let b: Csc<f64> = a.to_csc(memory(), &ctx)?;
    let coo: Coo<f64> = a.to_coo(memory(), &ctx)?;
    let d = Dense::from(ndarray::Array2::from_shape_fn((20_000, 100), |(i, j)| (i ^ j) as f64));
    let few = Csr::<f64>::random((2_000, 2_000), 0.01, 1, memory(), &ctx)?;
    let x = vec![1.0; a.ncols()];
    let order = Permutation::new((0..a.nrows()).rev().collect())?;

    println!("{:24} {:>10} {:>10} {:>8}", "operation", "planned s", "least s", "ratio");
    row("A x", &ctx, |ctx| a.apply(&x, &mut vec![0.0; a.nrows()], ctx))?;
    row("A x over a semiring", &ctx, |ctx| a.matvec_with(PlusTimes::new(), &x, ctx))?;
    row("CSR to CSC", &ctx, |ctx| a.to_csc(memory(), ctx))?;
    row("CSC to CSR", &ctx, |ctx| b.to_csr(memory(), ctx))?;
    row("CSR to COO", &ctx, |ctx| a.to_coo(memory(), ctx))?;
    row("COO to CSR", &ctx, |ctx| coo.to_csr::<u32>(Duplicates::Sum, memory(), ctx))?;
    row("A + A", &ctx, |ctx| a.add(&a, memory(), ctx))?;
    row("A A", &ctx, |ctx| few.matmul(&few, memory(), ctx))?;
    row("kron", &ctx, |ctx| few.kron(&Csr::eye(8), memory(), ctx))?;
    row("scale", &ctx, |ctx| a.scale(2.0, memory(), ctx))?;
    row("permute", &ctx, |ctx| a.permute(&order, &order, memory(), ctx))?;
    row("slice", &ctx, |ctx| a.slice(0..a.nrows(), 0..1000, memory(), ctx))?;
    let lines: Vec<usize> = (0..a.nrows()).rev().collect();
    row("take rows", &ctx, |ctx| a.take_rows(&lines, memory(), ctx))?;
    row("canonicalize", &ctx, |ctx| few.canonicalize(Duplicates::Sum, Place::Scratch, ctx))?;
    row("vstack", &ctx, |ctx| Csr::vstack(&[&a, &a], memory(), ctx))?;
    row("copy", &ctx, |ctx| a.copy_to(memory(), ctx))?;
    row("sum", &ctx, |ctx| a.sum::<f64>(ctx))?;
    row("column statistics", &ctx, |ctx| a.column_stats(ctx))?;
    row("entries of columns", &ctx, |ctx| a.nnz_per(0, ctx))?;
    row("bandwidth", &ctx, |ctx| a.bandwidth(ctx))?;
    row("poisson", &ctx, |ctx| Csr::<f64>::poisson(&[60, 60, 60], memory(), ctx))?;
    row("random", &ctx, |ctx| Csr::<f64>::random((20_000, 20_000), 1e-3, 1, memory(), ctx))?;
    row("rmat", &ctx, |ctx| Coo::<()>::rmat(14, 16, 1, memory(), ctx))?;
    row("dense A x", &ctx, |ctx| d.apply(&[1.0; 100], &mut vec![0.0; d.nrows()], ctx))?;
    let square = d.reshape((2_000, 1_000))?;
    let other = square.reshape((1_000, 2_000))?;
    row("dense A B", &ctx, |ctx| square.matmul(&other, memory(), ctx))?;
    row("gram", &ctx, |ctx| d.gram(ctx))?;
    row("dense statistics", &ctx, |ctx| d.column_stats(ctx))?;
    row("argmax", &ctx, |ctx| d.argmax(ctx))?;
    row("map", &ctx, |ctx| d.map(memory(), ctx, |x| x + 1.0))?;
    row("to Fortran order", &ctx, |ctx| d.to_order(Order::Fortran, memory(), ctx))?;
    row("dense to CSR", &ctx, |ctx| d.to_csr::<u32, u32>(memory(), ctx))?;
    row("CSR to dense", &ctx, |ctx| few.to_dense(Order::C, memory(), ctx))?;
    row("dense vstack", &ctx, |ctx| Dense::vstack(&[&d, &d], memory(), ctx))
}
