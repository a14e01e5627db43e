//! Convection and diffusion on a square: an unsymmetric system, solved by GMRES with an incomplete factorisation.
//!
//! `−Δu + c·∇u = f` with `u = 0` on the boundary, by central differences on a grid of points. They are exact for
//! `u = x (1 − x) y (1 − y)`, which is quadratic in each variable: the solution of the system is known on every grid.

mod support;

use outcore::linalg::Operator;
use outcore::solve::{Ilu0, Method, SolveOptions, solve_with};
use outcore::{Context, Csr, CsrBuilder};
use support::{Outcome, arguments, context, timed};

const HELP: &str = "\
convection [GRID]

Solves a convection-diffusion problem on GRID² points (300): GMRES(30), BiCGSTAB and IDR(4), each with ILU(0) and without.";

/// How fast and where to, in units of diffusion over the width of the square.
const WIND: [f64; 2] = [60.0, -35.0];

fn main() -> Outcome {
    let (_, arguments) = arguments(HELP, &[])?;
    let grid: usize = arguments.first().map_or(Ok(300), |text| text.parse())?;
    if arguments.len() > 1 || grid < 2 {
        return Err(HELP.into());
    }
    let ctx = context();
    let folder = tempfile::tempdir()?;
    let a = build(&folder.path().join("convection.bspnpy"), grid, &ctx)?;
    let (b, exact) = (right_side(grid), exact(grid));
    let operator = Operator::new(&a, &ctx)?;
    let (ilu, seconds) = timed(|| Ilu0::<f64>::new(&a, None, &ctx));
    let ilu = ilu?;
    println!("convection on {grid}² points: {a:?}");
    println!("    ILU(0) of {} blocks, {seconds:.2} s", ilu.blocks());
    println!("    method     factor   iterations   products   seconds   residual   largest error");
    for method in [Method::Gmres, Method::Bicgstab, Method::Idrs] {
        for with in [true, false] {
            let options = SolveOptions {
                rtol: 1e-10,
                maxiter: Some(5000),
                precond: if with { Some(&ilu) } else { None },
                ..Default::default()
            };
            let (solved, seconds) = timed(|| {
                solve_with(method, &operator, &b, &options, &ctx, |_| {
                    std::ops::ControlFlow::Continue(())
                })
            });
            let solved = solved?;
            let errors = solved.x.iter().zip(&exact).map(|(x, exact)| (x - exact).abs());
            let error = errors.fold(0.0, f64::max);
            println!(
                "    {:9}  {:6}   {:10}   {:8}   {seconds:7.3}   {:8.1e}   {error:.1e}",
                method.name(),
                if with { "ILU(0)" } else { "none" },
                solved.iterations,
                solved.products,
                solved.residual_norm,
            );
            // Without the factor a method may give up, and says so.
            if with && !(solved.converged && error < 1e-6) {
                return Err(
                    format!("{}: {:?}, off by {error:e}", method.name(), solved.reason).into()
                );
            }
        }
    }
    Ok(())
}

/// `h² (−Δ + c·∇)`, row by row. The wind blows along `x` with `WIND[0]`, along `y` with `WIND[1]`.
fn build(path: &std::path::Path, grid: usize, ctx: &Context) -> outcore::Result<Csr<f64>> {
    let (n, width) = (grid * grid, 1.0 / (grid + 1) as f64);
    let mut rows = CsrBuilder::<f64>::with_capacity(n, 5 * n, path, ctx)?;
    let (across, up) = (WIND[0] * width / 2.0, WIND[1] * width / 2.0);
    for i in 0..n {
        let (x, y) = (i % grid, i / grid);
        let entries = [
            (y > 0, i.wrapping_sub(grid), -1.0 - up),
            (x > 0, i.wrapping_sub(1), -1.0 - across),
            (true, i, 4.0),
            (x + 1 < grid, i + 1, -1.0 + across),
            (y + 1 < grid, i + grid, -1.0 + up),
        ];
        let inside = entries.iter().filter(|(there, ..)| *there);
        let (cols, values): (Vec<u32>, Vec<f64>) =
            inside.map(|&(_, col, value)| (col as u32, value)).unzip();
        rows.push(&cols, &values)?;
    }
    rows.finish()
}

/// Calls `value` with the coordinates of every point.
fn over(grid: usize, value: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let at = |i: usize| (i + 1) as f64 / (grid + 1) as f64;
    (0..grid * grid).map(|i| value(at(i % grid), at(i / grid))).collect()
}

fn exact(grid: usize) -> Vec<f64> {
    over(grid, |x, y| x * (1.0 - x) * y * (1.0 - y))
}

fn right_side(grid: usize) -> Vec<f64> {
    let squared = 1.0 / ((grid + 1) * (grid + 1)) as f64;
    over(grid, |x, y| {
        let (p, q) = (x * (1.0 - x), y * (1.0 - y));
        let wind = WIND[0] * (1.0 - 2.0 * x) * q + WIND[1] * p * (1.0 - 2.0 * y);
        squared * (2.0 * q + 2.0 * p + wind)
    })
}
