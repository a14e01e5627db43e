//! What processes that died left behind.

use std::path::PathBuf;

use outcore::{Result, leftovers};

use crate::report::Report;
use crate::session::Session;
use crate::size::bytes;

pub(crate) const ABOUT: &str = "List what killed processes left behind in a folder, and remove it with --remove";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder in which results were written
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Remove them
    #[arg(long)]
    remove: bool,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let found = leftovers(&arguments.folder)?;
    let mut report = Report::new();
    let (mut removed, mut paths) = (0u64, Vec::new());
    for left in &found {
        session.ctx().check_cancelled()?;
        let (path, size) = (left.path().display().to_string(), bytes(left.bytes()));
        let is_gone = arguments.remove && !session.is_plan() && left.remove()?;
        removed += u64::from(is_gone);
        let state = if is_gone { "  removed" } else { "" };
        report.line(format!("{size:>12}  {path}{state}"));
        paths.push(path);
    }
    let all: u64 = found.iter().map(|left| left.bytes()).sum();
    report.fact("folders", found.len());
    report.row("bytes", bytes(all), all);
    report.value("paths", paths);
    if arguments.remove {
        report.fact("removed", removed);
    }
    Ok(report)
}
