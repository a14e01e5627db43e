//! A linear system or a least-squares problem, solved by an iterative method.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use outcore::linalg::Operator;
use outcore::solve::{Checkpoint, Method, SolveOptions, solve_with};
use outcore::{Error, ErrorKind, Result};

use crate::preconditioner;
use crate::report::Report;
use crate::session::Session;
use crate::verbs::matvec::{vector, write_vector};

pub(crate) const ABOUT: &str = "Solve A x = b, or min |b - A x|, by an iterative method";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    matrix: PathBuf,
    /// The right-hand side: a .npy array of one column; ones if it is `ones`
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
    /// Most iterations; ten times the order if not given
    #[arg(long)]
    maxiter: Option<usize>,
    /// Vectors that GMRES and FGMRES keep
    #[arg(long, default_value_t = 30, value_name = "N")]
    restart: usize,
    /// The damping of `lsqr` and `lsmr`: min |b - A x|² + N² |x|²
    #[arg(long, default_value_t = 0.0, value_name = "N")]
    damp: f64,
    /// A .npy array with a first guess
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
    let Arguments { matrix, rhs, method, rtol, maxiter, restart, damp, .. } = arguments;
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
    let b = vector(rhs, a.nrows(), session)?;
    let x0 = arguments.x0.as_deref().map(|path| vector(path, a.ncols(), session)).transpose()?;
    let operator = Operator::new(&a, session.ctx())?;
    let precond = arguments.precond.make(&a, &operator, session)?;
    let checkpoint = arguments.checkpoint.as_deref();
    let options = SolveOptions {
        x0: x0.as_deref(),
        rtol: *rtol,
        maxiter: *maxiter,
        precond: precond.as_deref(),
        restart: *restart,
        damp: *damp,
        checkpoint: checkpoint.map(|path: &Path| Checkpoint { path, every: EVERY }),
        ..Default::default()
    };
    let solved = solve_with(*method, &operator, &b, &options, session.ctx(), |_| {
        ControlFlow::Continue(())
    })?;
    let size = b.iter().map(|b| b * b).sum::<f64>().sqrt();
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
        report.negative();
    }
    Ok(report)
}
