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
    let x = Numbers::read(&arguments.vector, session)?;
    match is_complex(&a) || x.are_complex() {
        true => multiply::<Complex<f64>>(&a, &x, arguments, session),
        false => multiply::<f64>(&a, &x, arguments, session),
    }
}

fn multiply<X: Scalar + Element>(
    a: &AnyMatrix,
    x: &Numbers<'_>,
    arguments: &Arguments,
    session: &Session,
) -> Result<Report> {
    let (m, n) = if arguments.transpose { (a.ncols(), a.nrows()) } else { a.shape() };
    let x: Vec<X> = x.vector(n, session)?;
    let mut y = vec![X::zero(); m];
    session.last_step(|ctx| match arguments.transpose {
        true => a.apply_adjoint(&x, &mut y, ctx),
        false => a.apply(&x, &mut y, ctx),
    })?;
    write_vector(&arguments.output, y, session)
}

/// Whether the numbers of a matrix are complex.
pub(crate) fn is_complex(a: &AnyMatrix) -> bool {
    matches!(a.dtype(), Some(DType::Complex64 | DType::Complex128))
}

/// Numbers in a file that is read once, or ones where its name is `ones`.
pub(crate) struct Numbers<'p> {
    path: &'p Path,
    read: Option<AnyMatrix>,
}

impl<'p> Numbers<'p> {
    pub(crate) fn read(path: &'p Path, session: &Session) -> Result<Self> {
        let is_file = path != Path::new("ones");
        Ok(Numbers { path, read: is_file.then(|| session.read_second(path)).transpose()? })
    }

    pub(crate) fn are_complex(&self) -> bool {
        self.read.as_ref().is_some_and(is_complex)
    }

    /// Rows and columns of the file.
    pub(crate) fn shape(&self) -> Option<(usize, usize)> {
        self.read.as_ref().map(AnyMatrix::shape)
    }

    /// As many numbers as are asked for, row by row.
    pub(crate) fn vector<X: Scalar + Element>(
        &self,
        len: usize,
        session: &Session,
    ) -> Result<Vec<X>> {
        let Some(read) = &self.read else { return Ok(vec![X::one(); len]) };
        let x = numbers(read, session)?;
        match x.len() == len {
            true => Ok(x),
            false => Err(Error::shape("the vector", len, x.len()).in_file(self.path)),
        }
    }
}

/// All numbers of a matrix, row by row.
pub(crate) fn numbers<X: Scalar + Element>(a: &AnyMatrix, session: &Session) -> Result<Vec<X>> {
    let ctx = session.ctx();
    let a = a.to_dtype(X::DTYPE, Place::Memory, ctx)?;
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
            let numbers = Dense::from(numbers);
            session.last_step(|ctx| numbers.copy_to(session.place(path), ctx))?;
        }
        _ => session.write(path, &AnyMatrix::from(Dense::from(numbers.insert_axis(Axis(1)))))?,
    }
    Ok(report)
}
