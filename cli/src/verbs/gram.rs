//! The Gram matrix of a tall dense matrix.

use std::path::PathBuf;

use outcore::{AnyMatrix, DType, Dense, Error, ErrorKind, Place, Result};

use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "The Gram matrix AᵀA of a tall dense matrix, in one pass";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let (a, ctx) = (session.read(&arguments.input)?, session.ctx());
    if a.format().is_some() {
        return Err(Error::new(ErrorKind::Unsupported, "the matrix is sparse")
            .in_file(&arguments.input)
            .remedy("outcore matmul multiplies it by its transpose"));
    }
    let gram = match a.dtype() {
        Some(DType::Float32) => {
            let gram = Dense::from(Dense::<f32>::try_from(a)?.gram(ctx)?);
            AnyMatrix::from(gram)
        }
        Some(DType::Float64) => AnyMatrix::from(Dense::from(Dense::<f64>::try_from(a)?.gram(ctx)?)),
        _ => {
            let wide = a.to_dtype(DType::Float64, Place::Scratch, ctx)?;
            AnyMatrix::from(Dense::from(Dense::<f64>::try_from(wide)?.gram(ctx)?))
        }
    };
    session.write(&arguments.output, &gram)?;
    Ok(crate::verbs::convert::done(&arguments.output, &gram))
}
