//! Rows and columns exchanged.

use std::path::PathBuf;

use outcore::Result;
use outcore::io::Imported;

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Transpose a matrix";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let Imported { matrix, vertices, .. } = session.import(&arguments.input)?;
    let a = matrix.transpose();
    session.write_with_ids(&arguments.output, vertices.as_ref(), &a)?;
    Ok(done(&arguments.output, &a))
}
