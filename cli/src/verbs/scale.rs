//! Every entry times a number.

use std::path::PathBuf;

use outcore::Result;

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Multiply every entry by a number";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    #[arg(allow_negative_numbers = true)]
    factor: f64,
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let a = session.read(&arguments.input)?;
    let scaled = |place, ctx: &_| a.scale(arguments.factor, place, ctx);
    let scaled = session.make(&arguments.output, &a, a.format().is_none(), scaled)?;
    Ok(done(&arguments.output, &scaled))
}
