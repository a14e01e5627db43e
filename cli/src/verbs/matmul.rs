//! Multiply two matrices.

use std::path::PathBuf;

use outcore::{Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Multiply two matrices";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    first: PathBuf,
    second: PathBuf,
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let (a, b) = (session.read(&arguments.first)?, session.read(&arguments.second)?);
    let product = a.matmul(&b, Place::Scratch, session.ctx())?;
    session.write(&arguments.output, &product)?;
    Ok(done(&arguments.output, &product))
}
