//! Multiply two matrices.

use std::path::PathBuf;

use outcore::Result;

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
    let [a, b] = session.read_both(&arguments.first, &arguments.second)?;
    let is_dense = a.format().is_none() || b.format().is_none();
    let product = |place, ctx: &_| a.matmul(&b, place, ctx);
    let product = session.make(&arguments.output, &a, is_dense, product)?;
    Ok(done(&arguments.output, &product))
}
