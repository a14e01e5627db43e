//! Add two matrices.

use std::path::PathBuf;

use outcore::{Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Add two matrices of any kinds";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    first: PathBuf,
    second: PathBuf,
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let (a, b) = (session.read(&arguments.first)?, session.read(&arguments.second)?);
    let sum = a.add(&b, Place::Scratch, session.ctx())?;
    session.write(&arguments.output, &sum)?;
    Ok(done(&arguments.output, &sum))
}
