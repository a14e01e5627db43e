//! A matrix times a vector.

use std::path::{Path, PathBuf};

use outcore::io::FileFormat;
use outcore::linalg::{LinearOperator, Scalar};
use outcore::ndarray::{Array1, Axis};
use outcore::num_complex::Complex;
use outcore::{AnyMatrix, DType, Dense, Element, Error, Order, Place, Result};

use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Multiply a matrix by a vector";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    matrix: PathBuf,
    /// A .npy array of one column; ones if it is `ones`
    vector: PathBuf,
    output: PathBuf,
    /// With the transpose, of a complex matrix the conjugate one
    #[arg(long)]
    transpose: bool,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let a = session.read(&arguments.matrix)?;
    match is_complex(&a) || is_complex_file(&arguments.vector, session)? {
        true => multiply::<Complex<f64>>(&a, arguments, session),
        false => multiply::<f64>(&a, arguments, session),
    }
}

fn multiply<X: Scalar + Element>(
    a: &AnyMatrix,
    arguments: &Arguments,
    session: &Session,
) -> Result<Report> {
    let (m, n) = if arguments.transpose { (a.ncols(), a.nrows()) } else { a.shape() };
    let x = vector::<X>(&arguments.vector, n, session)?;
    let mut y = vec![X::zero(); m];
    match arguments.transpose {
        true => a.apply_adjoint(&x, &mut y, session.ctx())?,
        false => a.apply(&x, &mut y, session.ctx())?,
    }
    write_vector(&arguments.output, y, session)
}

/// Whether the numbers of a matrix are complex.
pub(crate) fn is_complex(a: &AnyMatrix) -> bool {
    matches!(a.dtype(), Some(DType::Complex64 | DType::Complex128))
}

/// Whether a file, which may be `ones`, has complex numbers.
pub(crate) fn is_complex_file(path: &Path, session: &Session) -> Result<bool> {
    Ok(path != Path::new("ones") && is_complex(&session.read(path)?))
}

/// Numbers from a file, as many as are asked for; `ones` is a vector of ones.
pub(crate) fn vector<X: Scalar + Element>(
    path: &Path,
    len: usize,
    session: &Session,
) -> Result<Vec<X>> {
    if path == Path::new("ones") {
        return Ok(vec![X::one(); len]);
    }
    let x = numbers(path, session)?;
    match x.len() == len {
        true => Ok(x),
        false => Err(Error::shape("the vector", len, x.len()).in_file(path)),
    }
}

/// All numbers of a file, row by row.
pub(crate) fn numbers<X: Scalar + Element>(path: &Path, session: &Session) -> Result<Vec<X>> {
    let ctx = session.ctx();
    let a = session.read(path)?.to_dtype(X::DTYPE, Place::Memory, ctx)?;
    let a = AnyMatrix::try_from(a.to_dense(Order::C, Place::Memory, ctx)?)?;
    Ok(Dense::<X>::try_from(a)?.as_slice().to_vec())
}

/// Writes numbers as a .npy array of one dimension, or as one column in the format of another name.
pub(crate) fn write_vector<X: Scalar + Element>(
    path: &Path,
    numbers: Vec<X>,
    session: &Session,
) -> Result<Report> {
    let mut report = Report::new();
    report.fact("written", path.display().to_string());
    report.fact("numbers", numbers.len());
    let numbers = Array1::from(numbers);
    match FileFormat::of_name(path) {
        Some(FileFormat::Npy) => {
            Dense::from(numbers).copy_to(session.place(path), session.ctx())?;
        }
        _ => session.write(path, &AnyMatrix::from(Dense::from(numbers.insert_axis(Axis(1)))))?,
    }
    Ok(report)
}
