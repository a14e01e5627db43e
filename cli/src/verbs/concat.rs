//! Matrices below each other or side by side.

use std::path::{Path, PathBuf};

use outcore::{AnyMatrix, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Stack matrices vertically (--axis 0) or horizontally (--axis 1)";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The matrices, and last the output
    #[arg(required = true, num_args = 2.., value_name = "INPUT… OUTPUT")]
    paths: Vec<PathBuf>,
    /// 0 to stack vertically, 1 horizontally
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    axis: u8,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let Some((output, inputs)) = arguments.paths.split_last() else { return Ok(Report::new()) };
    session.check_free(output)?;
    let paths: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    let all = session.read_all(&paths)?;
    let all: Vec<&AnyMatrix> = all.iter().collect();
    let [first, ..] = all[..] else { return Ok(Report::new()) };
    let whole = |place, ctx: &_| match arguments.axis {
        0 => AnyMatrix::vstack(&all, place, ctx),
        _ => AnyMatrix::hstack(&all, place, ctx),
    };
    let whole = session.make(output, first, first.format().is_none(), whole)?;
    Ok(done(output, &whole))
}
