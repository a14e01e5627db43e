//! The Gram matrix of a tall dense matrix.

use std::path::PathBuf;

use outcore::{AnyMatrix, DType, Dense, Error, ErrorKind, Place, Result};

use crate::plan::unknown_rest;
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
    let a = session.read(&arguments.input)?;
    if a.format().is_some() {
        return Err(Error::new(ErrorKind::Unsupported, "the matrix is sparse")
            .in_file(&arguments.input)
            .remedy("outcore matmul multiplies it by its transpose"));
    }
    let a = match a.dtype() {
        Some(DType::Float32 | DType::Float64) => a,
        _ => session.step(&a, |ctx| a.to_dtype(DType::Float64, Place::Scratch, ctx))?,
    };
    let gram = session.try_step(|ctx| match a.dtype() {
        Some(DType::Float32) => {
            Ok(AnyMatrix::from(Dense::from(Dense::<f32>::try_from(a.clone())?.gram(ctx)?)))
        }
        _ => Ok(AnyMatrix::from(Dense::from(Dense::<f64>::try_from(a.clone())?.gram(ctx)?))),
    })?;
    let gram = gram.ok_or_else(unknown_rest)?;
    session.write(&arguments.output, &gram)?;
    Ok(crate::verbs::convert::done(&arguments.output, &gram))
}
