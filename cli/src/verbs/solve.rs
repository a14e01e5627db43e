//! A linear system, or several with one matrix, solved by conjugate gradients.

use std::path::{Path, PathBuf};

use outcore::linalg::{LinearOperator, Operator};
use outcore::solve::{SolveOptions, StopReason, block_cg, cg};
use outcore::{Dense, Error, Result, ndarray};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::matvec::{numbers, vector, write_vector};

pub(crate) const ABOUT: &str = "Solve A x = b by conjugate gradients; A symmetric, positive definite";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    matrix: PathBuf,
    /// The right-hand side: a .npy array of one column, or of several, which are solved at once; ones if it is `ones`
    rhs: PathBuf,
    output: PathBuf,
    /// Stop when the residual is this part of the right-hand side
    #[arg(long, default_value_t = 1e-5)]
    rtol: f64,
    /// Most iterations; ten times the order if not given
    #[arg(long)]
    maxiter: Option<usize>,
    /// A .npy array for the norm of the residual, at first and after every iteration
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    arguments.history.as_deref().map_or(Ok(()), |path| session.check_free(path))?;
    let a = session.read(&arguments.matrix)?;
    if a.nrows() != a.ncols() {
        return Err(Error::shape("the matrix", "as many rows as columns", format!("{:?}", a.shape()))
            .in_file(&arguments.matrix));
    }
    let operator = Operator::new(&a, session.ctx())?;
    let options = SolveOptions { rtol: arguments.rtol, maxiter: arguments.maxiter, ..Default::default() };
    if let Some(k) = columns(&arguments.rhs, a.nrows(), session)? {
        return solve_columns(arguments, (&operator, k), &options, session);
    }
    let b = vector(&arguments.rhs, a.nrows(), session)?;
    let solved = cg(&operator, &b, &options, session.ctx())?;
    let ax = operator.matvec(&solved.x)?;
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let residual = norm(&mut b.iter().zip(&ax).map(|(b, ax)| b - ax));
    let size = norm(&mut b.iter().copied());
    let mut report = write_vector(&arguments.output, solved.x, session)?;
    report.fact("converged", solved.converged);
    report.fact("reason", format!("{:?}", solved.reason));
    report.fact("iterations", solved.iterations);
    let relative = residual / size.max(f64::MIN_POSITIVE);
    report.row("relative residual", format!("{relative:.3e}"), relative);
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

/// The number of right-hand sides in a file, if there are several.
fn columns(path: &Path, nrows: usize, session: &Session) -> Result<Option<usize>> {
    if path == Path::new("ones") {
        return Ok(None);
    }
    let (found, k) = session.read(path)?.shape();
    Ok((found == nrows && k > 1).then_some(k))
}

/// Solves for all columns of the right-hand side at once.
fn solve_columns(
    arguments: &Arguments,
    (a, k): (&impl LinearOperator<f64>, usize),
    options: &SolveOptions<'_, f64>,
    session: &Session,
) -> Result<Report> {
    let b = numbers(&arguments.rhs, session)?;
    let solved = block_cg(a, k, &b, options, session.ctx())?;
    let norm = |j: usize| b.iter().skip(j).step_by(k).map(|b| b * b).sum::<f64>().sqrt();
    let relative =
        |(j, norm_of_residual): (usize, &f64)| norm_of_residual / norm(j).max(f64::MIN_POSITIVE);
    let residuals: Vec<f64> = solved.residual_norms.iter().enumerate().map(relative).collect();
    let n = solved.x.len() / k;
    let mut report = Report::new();
    write_rows(&arguments.output, (n, k), solved.x, session)?;
    report.fact("written", arguments.output.display().to_string());
    report.fact("right-hand sides", k);
    report.fact("converged", solved.converged);
    let is_open = |reason: &&StopReason| **reason != StopReason::Converged;
    let reason = solved.reasons.iter().find(is_open).unwrap_or(&StopReason::Converged);
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
        report.negative();
    }
    Ok(report)
}

/// Writes numbers as a .npy array of two dimensions.
fn write_rows(
    path: &Path,
    shape: (usize, usize),
    numbers: Vec<f64>,
    session: &Session,
) -> Result<()> {
    let rows = ndarray::Array2::from_shape_vec(shape, numbers)
        .map_err(|_| Error::shape("the solution", format!("{shape:?}"), "other numbers"))?;
    Dense::from(rows).copy_to(session.place(path), session.ctx())?;
    Ok(())
}
