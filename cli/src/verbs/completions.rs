//! Completions for a shell.

use clap::CommandFactory;
use clap_complete::Shell;
use outcore::Result;

use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Print the completions for a shell";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, _: &Session) -> Result<Report> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Cli::command(), "outcore", &mut script);
    let mut report = Report::new();
    report.line(String::from_utf8_lossy(&script).trim_end());
    Ok(report)
}
