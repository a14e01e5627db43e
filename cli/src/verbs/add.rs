//! Add two matrices.

use std::path::PathBuf;

use outcore::Result;

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
    let [a, b] = session.read_both(&arguments.first, &arguments.second)?;
    let is_dense = a.format().is_none() || b.format().is_none();
    let sum = |place, ctx: &_| a.add(&b, place, ctx);
    let sum = session.make(&arguments.output, &a, is_dense, sum)?;
    Ok(done(&arguments.output, &sum))
}
