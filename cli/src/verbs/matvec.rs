//! A matrix times a vector.

use std::path::{Path, PathBuf};

use outcore::linalg::LinearOperator;
use outcore::{AnyMatrix, DType, Dense, Error, Order, Place, Result};

use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Multiply a matrix by a vector";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    matrix: PathBuf,
    /// A .npy array of one column; ones if it is `ones`
    vector: PathBuf,
    output: PathBuf,
    /// With the transpose
    #[arg(long)]
    transpose: bool,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let a = session.read(&arguments.matrix)?;
    let (m, n) = if arguments.transpose { (a.ncols(), a.nrows()) } else { a.shape() };
    let x = vector(&arguments.vector, n, session)?;
    let mut y = vec![0.0; m];
    match arguments.transpose {
        true => a.apply_adjoint(&x, &mut y, session.ctx())?,
        false => a.apply(&x, &mut y, session.ctx())?,
    }
    write_vector(&arguments.output, y, session)
}

/// Real numbers from a file, as many as are asked for; `ones` is a vector of ones.
pub(crate) fn vector(path: &Path, len: usize, session: &Session) -> Result<Vec<f64>> {
    if path == Path::new("ones") {
        return Ok(vec![1.0; len]);
    }
    let x = numbers(path, session)?;
    match x.len() == len {
        true => Ok(x),
        false => Err(Error::shape("the vector", len, x.len()).in_file(path)),
    }
}

/// All numbers of a file, row by row.
pub(crate) fn numbers(path: &Path, session: &Session) -> Result<Vec<f64>> {
    let ctx = session.ctx();
    let a = session.read(path)?.to_dtype(DType::Float64, Place::Memory, ctx)?;
    let a = AnyMatrix::try_from(a.to_dense(Order::C, Place::Memory, ctx)?)?;
    Ok(Dense::<f64>::try_from(a)?.as_slice().to_vec())
}

/// Writes numbers as a .npy array of one dimension.
pub(crate) fn write_vector(path: &Path, numbers: Vec<f64>, session: &Session) -> Result<Report> {
    let mut report = Report::new();
    report.fact("written", path.display().to_string());
    report.fact("numbers", numbers.len());
    Dense::from(outcore::ndarray::Array1::from(numbers))
        .copy_to(session.place(path), session.ctx())?;
    Ok(report)
}
