//! A linear system or a least-squares problem, solved by an iterative method.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use outcore::linalg::{LinearOperator, Operator, Scalar, norm};
use outcore::ndarray::Array2;
use outcore::num_complex::Complex;
use outcore::solve::{Checkpoint, Method, SolveOptions, Solves, StopReason, block_cg, solve_with};
use outcore::{AnyMatrix, Dense, Element, Error, ErrorKind, Result};

use crate::plan::unknown_rest;
use crate::preconditioner;
use crate::report::Report;
use crate::session::Session;
use crate::verbs::matvec::{Numbers, is_complex, write_vector};

pub(crate) const ABOUT: &str = "Solve A x = b, or min |b - A x|, by an iterative method";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    matrix: PathBuf,
    /// The right-hand side: a .npy array of one column, or of several, which are solved at once; ones if it is `ones`
    rhs: PathBuf,
    output: PathBuf,
    /// `cg` for symmetric positive definite matrices, `minres` for symmetric ones, `gmres`, `fgmres`, `bicgstab` or
    /// `idrs` for square ones, `lsqr` or `lsmr` for least squares
    #[arg(long, default_value = "cg", value_parser = method)]
    method: Method,
    #[command(flatten)]
    precond: preconditioner::Flags,
    /// Stop when the residual is this part of the right-hand side
    #[arg(long, default_value_t = 1e-5)]
    rtol: f64,
    /// Maximum number of iterations; ten times the order if not given
    #[arg(long)]
    maxiter: Option<usize>,
    /// Vectors that GMRES and FGMRES keep
    #[arg(long, default_value_t = 30, value_name = "N")]
    restart: usize,
    /// The damping of `lsqr` and `lsmr`: min |b - A x|² + N² |x|²
    #[arg(long, default_value_t = 0.0, value_name = "N")]
    damp: f64,
    /// A .npy array with an initial guess
    #[arg(long, value_name = "FILE")]
    x0: Option<PathBuf>,
    /// Save the state in this file every 50 iterations; the same command continues from it
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// A .npy array for the norm of the residual, at first and after every iteration
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

/// Iterations between two states that are saved.
const EVERY: usize = 50;

/// A method by its name. Chebyshev iteration needs bounds of the spectrum; as a preconditioner it finds them.
fn method(name: &str) -> std::result::Result<Method, String> {
    let all = || Method::ALL.into_iter().filter(|&method| method != Method::Chebyshev);
    all().find(|method| method.name() == name).ok_or_else(|| {
        let names: Vec<&str> = all().map(Method::name).collect();
        format!("the methods are {}", names.join(", "))
    })
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let Arguments { matrix, rhs, method, .. } = arguments;
    session.check_free(&arguments.output)?;
    arguments.history.as_deref().map_or(Ok(()), |path| session.check_free(path))?;
    let a = session.read(matrix)?;
    let least_squares = matches!(method, Method::Lsqr | Method::Lsmr);
    if !least_squares && a.nrows() != a.ncols() {
        let found = format!("{} x {}", a.nrows(), a.ncols());
        let error = Error::shape("the matrix", "as many rows as columns", found);
        return Err(error.in_file(matrix).remedy("use --method lsqr for least squares"));
    }
    if least_squares && !arguments.precond.is_none() {
        let what = format!("{} takes no preconditioner", method.name());
        return Err(Error::new(ErrorKind::Unsupported, what).remedy("leave out --precond"));
    }
    let rhs = Numbers::read(rhs, session)?;
    let operator = session.try_step(|ctx| Operator::new(&a, ctx))?.ok_or_else(unknown_rest)?;
    let is_complex = is_complex(&a) || rhs.are_complex();
    match (is_complex, arguments.precond.is_none()) {
        (true, true) => solve::<Complex<f64>>(&operator, &rhs, None, arguments, session),
        (true, false) => {
            Err(Error::new(ErrorKind::Unsupported, "preconditioners are made of real matrices alone")
                .in_file(matrix)
                .remedy("leave out --precond"))
        }
        (false, _) => {
            let precond = arguments.precond.make(&a, &operator, session)?;
            solve::<f64>(&operator, &rhs, precond.as_deref(), arguments, session)
        }
    }
}

fn solve<X: Solves + Scalar<Real = f64> + Element>(
    a: &(impl LinearOperator<X> + Sync),
    rhs: &Numbers<'_>,
    precond: Option<&(dyn LinearOperator<X> + Sync)>,
    arguments: &Arguments,
    session: &Session,
) -> Result<Report> {
    let Arguments { method, rtol, maxiter, restart, damp, .. } = arguments;
    let (nrows, ncols) = a.shape();
    // Several right-hand sides, if the file has several columns of the right length.
    let columns = rhs.shape().filter(|&(found, k)| found == nrows && k > 1).map(|(_, k)| k);
    let numbers = ncols.saturating_mul(columns.unwrap_or(1));
    let x0 = arguments.x0.as_deref().map(|path| Numbers::read(path, session)?.vector(numbers, session));
    let x0: Option<Vec<X>> = x0.transpose()?;
    let checkpoint = arguments.checkpoint.as_deref();
    let options = SolveOptions {
        x0: x0.as_deref(),
        rtol: *rtol,
        maxiter: *maxiter,
        precond,
        restart: *restart,
        damp: *damp,
        checkpoint: checkpoint.map(|path: &Path| Checkpoint { path, every: EVERY }),
        ..Default::default()
    };
    if let Some(k) = columns {
        let b: Vec<X> = rhs.vector(nrows.saturating_mul(k), session)?;
        return solve_columns(arguments, (a, k, &b), &options, session);
    }
    let b: Vec<X> = rhs.vector(nrows, session)?;
    let solved = session.try_step(|ctx| {
        solve_with(*method, a, &b, &options, ctx, |_| ControlFlow::Continue(()))
    })?;
    let Some(solved) = solved else {
        // Only the cost is asked for, and any vector is as long.
        return write_vector(&arguments.output, vec![X::zero(); ncols], session);
    };
    let size = norm(&b, session.ctx());
    let mut report = write_vector(&arguments.output, solved.x, session)?;
    report.fact("converged", solved.converged);
    report.fact("reason", format!("{:?}", solved.reason));
    report.fact("iterations", solved.iterations);
    let relative = solved.residual_norm / size.max(f64::MIN_POSITIVE);
    report.row("relative residual", format!("{relative:.3e}"), relative);
    report.fact("products", solved.products);
    report.fact("passes", solved.passes);
    report.value("history", solved.history.clone());
    if let Some(path) = &arguments.history {
        write_vector(path, solved.history, session)?;
        report.fact("history written", path.display().to_string());
    }
    if !solved.converged {
        report.shown("advice", advice(solved.reason));
        report.negative();
    }
    Ok(report)
}

/// What to do about a solve that did not converge.
fn advice(reason: StopReason) -> &'static str {
    match reason {
        StopReason::MaxIterations => "try a preconditioner (--precond), or more iterations (--maxiter)",
        StopReason::Stagnated => "this method does not reach this accuracy: try a preconditioner, or a larger --rtol",
        StopReason::Singular => {
            "the matrix is singular or not symmetric: use gmres if it is not symmetric, lsqr if it is singular"
        }
        StopReason::NotPositiveDefinite => "use --method minres, or gmres if the matrix is not symmetric",
        StopReason::NotHermitian => "use --method gmres: the matrix is not symmetric",
        StopReason::NotFinite => "a number is NaN or infinite, in the matrix or in an intermediate result",
        _ => "try another method, such as gmres",
    }
}

/// Solves for all columns of the right-hand side at once.
fn solve_columns<X: Solves + Scalar<Real = f64> + Element>(
    arguments: &Arguments,
    (a, k, b): (&impl LinearOperator<X>, usize, &[X]),
    options: &SolveOptions<'_, X>,
    session: &Session,
) -> Result<Report> {
    let Arguments { rhs, output, method, .. } = arguments;
    if *method != Method::Cg {
        let what = "several right-hand sides are solved at once by cg alone";
        return Err(Error::new(ErrorKind::Unsupported, what)
            .in_file(rhs)
            .found(format!("{k} columns"))
            .remedy("solve for one column at a time: outcore slice --cols 0:1"));
    }
    let solved = session.try_step(|ctx| block_cg(a, k, b, options, ctx))?;
    let solved = solved.ok_or_else(unknown_rest)?;
    let size = |j: usize| {
        let squares = b.iter().skip(j).step_by(k).map(|b| b.abs_squared());
        squares.sum::<f64>().sqrt().max(f64::MIN_POSITIVE)
    };
    let residuals: Vec<f64> =
        solved.residual_norms.iter().enumerate().map(|(j, norm)| norm / size(j)).collect();
    let n = solved.x.len() / k;
    let mut report = Report::new();
    write_rows(output, (n, k), solved.x, session)?;
    report.fact("written", output.display().to_string());
    report.fact("right-hand sides", k);
    report.fact("converged", solved.converged);
    let is_open = |reason: &&StopReason| **reason != StopReason::Converged;
    let reason = *solved.reasons.iter().find(is_open).unwrap_or(&StopReason::Converged);
    report.fact("reason", format!("{reason:?}"));
    report.fact("iterations", solved.iterations);
    let largest = residuals.iter().copied().fold(0.0, f64::max);
    report.row("largest relative residual", format!("{largest:.3e}"), largest);
    report.value("relative_residuals", residuals);
    report.fact("passes", solved.passes);
    if let Some(path) = &arguments.history {
        let rows = solved.history.len();
        write_rows(path, (rows, k), solved.history.concat(), session)?;
        report.fact("history written", path.display().to_string());
    }
    if !solved.converged {
        report.shown("advice", advice(reason));
        report.negative();
    }
    Ok(report)
}

/// Writes numbers as an array of two dimensions.
fn write_rows<X: Element>(
    path: &Path,
    shape: (usize, usize),
    numbers: Vec<X>,
    session: &Session,
) -> Result<()> {
    let rows = Array2::from_shape_vec(shape, numbers)
        .map_err(|_| Error::shape("the solution", format!("{shape:?}"), "other numbers"))?;
    session.write(path, &AnyMatrix::from(Dense::from(rows)))
}
