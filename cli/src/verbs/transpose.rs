//! Rows and columns exchanged.

use std::path::PathBuf;

use outcore::Result;

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Exchange rows and columns";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let a = session.read(&arguments.input)?.transpose();
    session.write(&arguments.output, &a)?;
    Ok(done(&arguments.output, &a))
}
