//! A linear system, solved by conjugate gradients.

use std::path::PathBuf;

use outcore::linalg::{LinearOperator, Operator};
use outcore::solve::{SolveOptions, cg};
use outcore::{Error, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::matvec::{vector, write_vector};

pub(crate) const ABOUT: &str = "Solve A x = b by conjugate gradients; A symmetric, positive definite";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    matrix: PathBuf,
    /// The right-hand side: a .npy array of one column; ones if it is `ones`
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
    let b = vector(&arguments.rhs, a.nrows(), session)?;
    let operator = Operator::new(&a, session.ctx())?;
    let options = SolveOptions { rtol: arguments.rtol, maxiter: arguments.maxiter, ..Default::default() };
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
