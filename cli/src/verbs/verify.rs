//! Whether stored files are what was written.

use std::path::PathBuf;

use outcore::{ErrorKind, Result};

use crate::report::Report;
use crate::session::Session;
use crate::size::bytes;

pub(crate) const ABOUT: &str = "Compare stored files with their checksums";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let mut report = Report::new();
    let (mut files, mut read) = (0, 0);
    for input in &arguments.inputs {
        match session.last_step(|ctx| outcore::verify(input, ctx)) {
            Ok(None) => {}
            Ok(Some(found)) => {
                files += found.files;
                read += found.bytes;
                report.line(format!("{}: as it was written", input.display()));
            }
            Err(error) if error.kind() == ErrorKind::Checksum => {
                report.negative();
                report.line(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    report.fact("files", files);
    report.row("bytes", bytes(read), read);
    Ok(report)
}
