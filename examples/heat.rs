//! The heat equation in three dimensions on a matrix mapped from disk: implicit steps, and explicit ones many per pass.
//!
//! `u' = Δu` on the unit cube with `u = 0` on its boundary. Backward Euler solves `(I + τ/h² L) u⁺ = u` in every step by
//! conjugate gradients with an incomplete Cholesky factor, where `L` is the Poisson matrix; forward Euler multiplies by
//! `I − t/h² L`, with steps so small that it is stable, sixteen of them in one pass over the matrix. The first
//! eigenfunction of the cube only shrinks, by the factors `1 / (1 + τ λ)` and `1 − t λ` a step, which is compared.

mod support;

use std::f64::consts::PI;

use outcore::linalg::{Level, LinearOperator, Operator, norm};
use outcore::solve::{Ic0, SolveOptions, cg};
use outcore::{Context, Csr};
use support::{Outcome, arguments, context, timed};

const HELP: &str = "\
heat [GRID] [STEPS]

Solves the heat equation on GRID³ points (60) for STEPS implicit steps (10).";

fn main() -> Outcome {
    let (_, arguments) = arguments(HELP, &[])?;
    let number =
        |k: usize, default: usize| arguments.get(k).map_or(Ok(default), |text| text.parse());
    let (grid, steps) = (number(0, 60)?, number(1, 10)?);
    if arguments.len() > 2 || grid == 0 {
        return Err(HELP.into());
    }
    let ctx = context();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("heat.bspnpy");

    let width = 1.0 / (grid + 1) as f64;
    let step = 0.01;
    build(&path, grid, step / (width * width), &ctx)?;
    let a = Csr::<f64>::open(&path)?;
    // One matrix, hundreds of products: prepared, each is up to three times faster.
    let operator = Operator::new(&a, &ctx)?;
    // The matrix is the same in every step, and so is its factor.
    let (cholesky, seconds) = timed(|| Ic0::new(&a, &Default::default(), &ctx));
    let cholesky = cholesky?;
    println!(
        "heat on {grid}³ points, {steps} steps of {step}: {a:?}, {:.1} MB mapped",
        a.bytes() as f64 / 1e6
    );
    println!(
        "    {} entries of the factor in {} blocks, {seconds:.2} s",
        cholesky.nnz(),
        cholesky.blocks()
    );

    let mut u = first_eigenfunction(grid);
    // The eigenvalue of L is 3 (2 - 2 cos(π h)).
    let factor = 1.0 / (1.0 + step / (width * width) * 3.0 * (2.0 - 2.0 * (PI * width).cos()));
    println!("    step   iterations   residual   seconds   norm         relative error");
    let start = norm(&u, &ctx);
    let mut worst: f64 = 0.0;
    for k in 1..=steps {
        let options = SolveOptions {
            x0: Some(&u),
            rtol: 1e-10,
            precond: Some(&cholesky),
            ..Default::default()
        };
        let (solved, seconds) = timed(|| cg(&operator, &u, &options, &ctx));
        let solved = solved?;
        if !solved.converged {
            return Err(format!("step {k} did not converge: {:?}", solved.reason).into());
        }
        u = solved.x;
        let (found, expected) = (norm(&u, &ctx), start * factor.powi(k as i32));
        let error = (found - expected).abs() / expected;
        worst = worst.max(error);
        println!(
            "    {k:4}   {:10}   {:8.1e}   {seconds:7.3}   {found:10.4e}   {error:.1e}",
            solved.iterations, solved.residual_norm
        );
    }
    if worst > 1e-7 {
        return Err(format!("the solution is off by {worst:e}").into());
    }
    println!("    agrees with the exact decay to {worst:.1e}");
    explicit(&operator, grid, step, &ctx)
}

/// Explicit steps with the matrix `A = I + τ/h² L` of the implicit ones: `u⁺ = (1 + t/τ) u − t/τ A u`.
fn explicit(operator: &Operator<Csr<f64>>, grid: usize, step: f64, ctx: &Context) -> Outcome {
    let width = 1.0 / (grid + 1) as f64;
    // A sixth of h² is the longest stable step.
    let (small, steps) = (0.9 / 6.0 * width * width, 16 * 4);
    let factor = 1.0 - small / (width * width) * 3.0 * (2.0 - 2.0 * (PI * width).cos());
    let (mut u, mut other) = (first_eigenfunction(grid), vec![0.0; grid.pow(3)]);
    let start = norm(&u, ctx);
    let part = small / step;
    let advance = |rows: Level<'_, f64>| rows.recur(-part, 1.0 + part, 0.0);
    let ((), report) = ctx.measure(|ctx| {
        let all = &mut [&mut u[..], &mut other[..]];
        operator.apply_powers(1, steps, all, &advance, ctx)
    })?;
    // Of two buffers the last level is in the first, after an even number of steps.
    let (found, expected) = (norm(&u, ctx), start * factor.powi(steps as i32));
    let error = (found - expected).abs() / expected;
    println!(
        "    {steps} explicit steps of {small:.1e}: {:.3} s, off by {error:.1e}",
        report.actual.seconds
    );
    if error > 1e-10 {
        return Err(format!("the explicit solution is off by {error:e}").into());
    }
    Ok(())
}

/// Stores `I + scale L`: the Poisson matrix is built on disk, and its values are overwritten in place.
fn build(path: &std::path::Path, grid: usize, scale: f64, ctx: &Context) -> outcore::Result<()> {
    Csr::<f64>::poisson(&[grid; 3], path, ctx).map(drop)?;
    let mut matrix = Csr::<f64>::open_mut(path, ctx)?;
    for value in matrix.data_mut() {
        // 6 stands on the diagonal of L and -1 beside it.
        *value = if *value > 0.0 { 1.0 + scale * *value } else { scale * *value };
    }
    matrix.close()
}

/// `sin(πx) sin(πy) sin(πz)` on the grid.
fn first_eigenfunction(grid: usize) -> Vec<f64> {
    let sine: Vec<f64> = (1..=grid).map(|i| (PI * i as f64 / (grid + 1) as f64).sin()).collect();
    let mut u = Vec::with_capacity(grid * grid * grid);
    for z in &sine {
        for y in &sine {
            u.extend(sine.iter().map(|x| x * y * z));
        }
    }
    u
}
