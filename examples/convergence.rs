//! How solvers converge: charts of the residual over what a solve costs, which is passes over a file.
//!
//! Conjugate gradients with a Chebyshev polynomial make many products in a sweep over the file. GMRES, BiCGSTAB and
//! IDR(s) are compared on an unsymmetric system.

mod support;

use std::ops::ControlFlow;

use outcore::linalg::{LinearOperator, Operator};
use outcore::solve::{Chebyshev, Method, SolveOptions, Solved, solve_with, spectral_bounds};
use outcore::{Context, Csr, Place};
use support::chart::{Curve, decay};
use support::{Outcome, arguments, context};

const HELP: &str = "\
convergence [GRID] [FOLDER]

Solves systems on GRID³ points (40) and prints iterations, products and sweeps of each method; with FOLDER, also writes
convergence-cg.svg and convergence-unsymmetric.svg there.";

fn main() -> Outcome {
    let (_, arguments) = arguments(HELP, &[])?;
    let grid: usize = arguments.first().map_or(Ok(40), |text| text.parse())?;
    if arguments.len() > 2 || grid < 2 {
        return Err(HELP.into());
    }
    let ctx = context();
    println!("    method               iterations   products   sweeps   residual");
    let charts = [
        (
            "cg",
            "Poisson equation on a cube: sweeps over the matrix",
            "sweeps",
            symmetric(grid, &ctx)?,
        ),
        (
            "unsymmetric",
            "Convection and diffusion in a cube: products",
            "products",
            unsymmetric(grid, &ctx)?,
        ),
    ];
    if let Some(folder) = arguments.get(1).map(std::path::Path::new) {
        std::fs::create_dir_all(folder)?;
        for (name, title, across, curves) in charts {
            let text = decay(title, (across, "relative residual"), &curves);
            std::fs::write(folder.join(format!("convergence-{name}.svg")), text)?;
        }
    }
    Ok(())
}

/// Plain conjugate gradients, and with polynomials of three degrees.
fn symmetric(grid: usize, ctx: &Context) -> Result<Vec<Curve>, Box<dyn std::error::Error>> {
    let a = Csr::<f64>::poisson(&[grid; 3], Place::Memory, ctx)?;
    let a = Operator::new(&a, ctx)?;
    let b = unevenly(a.nrows());
    let mut curves = Vec::new();
    for degree in [0, 3, 7, 15] {
        // Six products for the bounds come first.
        let before = if degree == 0 { 0 } else { 6 };
        let bounds = spectral_bounds::<f64>(&a, 6, ctx)?;
        let polynomial = Chebyshev::<f64, _>::new(&a, degree, (bounds.lo, bounds.hi))?;
        let with = SolveOptions { precond: Some(&polynomial), ..tight() };
        let options = if degree == 0 { tight() } else { with };
        let solved = solve(Method::Cg, &a, &b, &options, ctx)?;
        let label = match degree {
            0 => "CG".to_owned(),
            degree => format!("CG, polynomial of degree {degree}"),
        };
        let products = solved.iterations * (degree + 1);
        curves.push(curve(
            &label,
            &solved,
            (before + solved.iterations, before + products),
            before,
            1,
        ));
    }
    match curves[0].points.len() > 5 * curves[3].points.len() {
        true => Ok(curves),
        false => Err("a polynomial of degree 15 should save more sweeps than that".into()),
    }
}

/// Three methods for an unsymmetric matrix: the Laplacian, and a wind along the last axis.
fn unsymmetric(grid: usize, ctx: &Context) -> Result<Vec<Curve>, Box<dyn std::error::Error>> {
    let a = Csr::<f64>::poisson(&[grid; 3], Place::Memory, ctx)?;
    let n = a.nrows();
    // Not from the end of a line of points to the next.
    let up: Vec<f64> = (1..n).map(|i| if i % grid == 0 { 0.0 } else { 0.4 }).collect();
    let down: Vec<f64> = up.iter().map(|up| -up).collect();
    let bands: [(isize, &[f64]); 2] = [(1, &up), (-1, &down)];
    let wind = Csr::<f64>::diags((n, n), &bands, Place::Memory, ctx)?;
    let a = a.add(&wind, Place::Memory, ctx)?;
    let (a, b) = (Operator::new(&a, ctx)?, unevenly(n));
    let mut curves = Vec::new();
    for (method, label, each) in [
        (Method::Gmres, "GMRES(30)", 1),
        (Method::Bicgstab, "BiCGSTAB", 2),
        (Method::Idrs, "IDR(4)", 1),
    ] {
        let solved = solve(method, &a, &b, &tight(), ctx)?;
        curves.push(curve(label, &solved, (solved.passes, solved.passes), 0, each));
    }
    Ok(curves)
}

fn tight() -> SolveOptions<'static, f64> {
    SolveOptions { rtol: 1e-8, ..Default::default() }
}

fn solve(
    method: Method,
    a: &impl LinearOperator<f64>,
    b: &[f64],
    options: &SolveOptions<'_, f64>,
    ctx: &Context,
) -> Result<Solved<f64>, Box<dyn std::error::Error>> {
    let solved = solve_with(method, a, b, options, ctx, |_| ControlFlow::Continue(()))?;
    match solved.converged {
        true => Ok(solved),
        false => Err(format!("{}: {:?}", method.name(), solved.reason).into()),
    }
}

/// The residuals, each iteration `each` further to the right, from `start` on; prints what it cost.
fn curve(
    label: &str,
    solved: &Solved<f64>,
    (sweeps, products): (usize, usize),
    start: usize,
    each: usize,
) -> Curve {
    let first = solved.history[0];
    let last = solved.residual_norm / first;
    println!("    {label:26} {:5} {products:10} {sweeps:8} {last:10.1e}", solved.iterations);
    let points = solved.history.iter().enumerate();
    let points = points.map(|(k, norm)| ((start + each * k) as f64, norm / first)).collect();
    Curve { label: label.to_owned(), points }
}

/// Numbers without a pattern.
fn unevenly(n: usize) -> Vec<f64> {
    (0..n as u64)
        .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
        .collect()
}
