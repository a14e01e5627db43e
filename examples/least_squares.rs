//! A field on a grid from many measurements at scattered points: least squares with a matrix larger than memory.
//!
//! Every row interpolates the eight nodes around a point. The field is `1 + 2x − 3y + z`, which interpolation repeats
//! exactly. Every point is measured twice, once too high and once too low by the same error, so that errors are
//! orthogonal to all columns: the best fit is the field itself, and the norm of the residual is known too.

mod support;

use outcore::linalg::Operator;
use outcore::solve::{SolveOptions, lsqr};
use outcore::{Context, Csr, CsrBuilder};
use support::{Outcome, arguments, context, timed};

const HELP: &str = "\
least_squares [GRID] [POINTS]

Fits a field on GRID³ nodes (24) to two measurements at each of POINTS points (300,000) with LSQR, under a memory limit of
half of the matrix.";

/// The error of every measurement.
const ERROR: f64 = 0.1;

fn main() -> Outcome {
    let (_, arguments) = arguments(HELP, &[])?;
    let number =
        |k: usize, default: usize| arguments.get(k).map_or(Ok(default), |text| text.parse());
    let (grid, points) = (number(0, 24)?, number(1, 300_000)?);
    if arguments.len() > 2 || grid < 2 || points < 8 * grid.pow(3) {
        return Err(
            format!("{HELP}\n\nThere are to be at least eight points for each node.").into()
        );
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("interpolation.bspnpy");
    let (a, b) = build(&path, grid, points, &context())?;
    let ctx = context().memory_limit(a.bytes() / 2);
    println!(
        "{points} points, each measured twice, on {grid}³ nodes: {a:?}\n    {:.1} MB in a file, {:.1} MB of memory",
        a.bytes() as f64 / 1e6,
        ctx.memory_limit_bytes() as f64 / 1e6
    );
    // The solver holds three vectors as long as b, and eight as long as x.
    let vectors = 24 * a.nrows() + 64 * a.ncols();
    let operator = Operator::with_vectors(&a, vectors as u64, &ctx)?;
    let options = SolveOptions { rtol: 1e-10, maxiter: Some(1000), ..Default::default() };
    let (solved, seconds) = timed(|| lsqr(&operator, &b, &options, &ctx));
    let solved = solved?;
    let errors =
        solved.x.iter().enumerate().map(|(node, x)| (x - field(position(node, grid))).abs());
    let (error, expected) = (errors.fold(0.0, f64::max), ERROR * (a.nrows() as f64).sqrt());
    println!(
        "    {:?} after {} iterations: {} products, {:.1} MB read, {seconds:.2} s",
        solved.reason,
        solved.iterations,
        solved.products,
        operator.traffic().bytes_read as f64 / 1e6
    );
    println!(
        "    largest error {error:.1e}; residual {:.6}, expected {expected:.6}",
        solved.residual_norm
    );
    let gap = (solved.residual_norm / expected - 1.0).abs();
    if !(solved.converged && error < 1e-5 && gap < 1e-9) {
        return Err(format!("{:?}: off by {error:e}", solved.reason).into());
    }
    Ok(())
}

fn field([x, y, z]: [f64; 3]) -> f64 {
    1.0 + 2.0 * x - 3.0 * y + z
}

/// The place of a node in the unit cube.
fn position(node: usize, grid: usize) -> [f64; 3] {
    [node % grid, node / grid % grid, node / grid / grid].map(|i| i as f64 / (grid - 1) as f64)
}

/// The matrix, written row by row, and the measurements.
fn build(
    path: &std::path::Path,
    grid: usize,
    points: usize,
    ctx: &Context,
) -> outcore::Result<(Csr<f64>, Vec<f64>)> {
    let mut rows = CsrBuilder::<f64>::with_capacity(grid.pow(3), 16 * points, path, ctx)?;
    let mut b = Vec::with_capacity(2 * points);
    for point in 0..points {
        // Points that fill the cube evenly: multiples of powers of a root of x⁴ = x + 1, modulo one.
        let at = [0.819_172_513_4, 0.671_043_606_7, 0.549_700_477_9]
            .map(|step: f64| (point as f64 * step).fract());
        let cell = at.map(|x| ((x * (grid - 1) as f64) as usize).min(grid - 2));
        let (mut cols, mut values) = ([0; 8], [0.0; 8]);
        for corner in 0..8 {
            let (mut node, mut weight) = (0, 1.0);
            for axis in (0..3).rev() {
                let upper = corner >> axis & 1;
                let share = at[axis] * (grid - 1) as f64 - cell[axis] as f64;
                node = node * grid + cell[axis] + upper;
                weight *= if upper == 1 { share } else { 1.0 - share };
            }
            (cols[corner], values[corner]) = (node as u32, weight);
        }
        for error in [ERROR, -ERROR] {
            rows.push(&cols, &values)?;
            b.push(field(at) + error);
        }
    }
    Ok((rows.finish()?, b))
}
