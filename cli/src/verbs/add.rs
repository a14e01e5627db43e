//! Add two matrices.

use std::path::PathBuf;

use outcore::{AnyMatrix, Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Add two matrices";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    first: PathBuf,
    second: PathBuf,
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let (a, b) = (session.read(&arguments.first)?, session.read(&arguments.second)?);
    let b = like(&a, b, session)?;
    let sum = a.add(&b, Place::Scratch, session.ctx())?;
    session.write(&arguments.output, &sum)?;
    Ok(done(&arguments.output, &sum))
}

/// A matrix in the format of another.
fn like(a: &AnyMatrix, b: AnyMatrix, session: &Session) -> Result<AnyMatrix> {
    let ctx = session.ctx();
    match a {
        _ if a.format() == b.format() => Ok(b),
        AnyMatrix::Dense(dense) => {
            AnyMatrix::try_from(b.to_dense(dense.order(), Place::Scratch, ctx)?)
        }
        AnyMatrix::Csc(_) => Ok(AnyMatrix::from(b.to_csc(Place::Scratch, ctx)?)),
        _ => Ok(AnyMatrix::from(b.to_csr(Place::Scratch, ctx)?)),
    }
}
