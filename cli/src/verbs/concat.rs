//! Matrices below each other or side by side.

use std::path::PathBuf;

use outcore::{AnyMatrix, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Put matrices below each other (--axis 0) or side by side (--axis 1)";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The matrices, and last the output
    #[arg(required = true, num_args = 2.., value_name = "INPUT… OUTPUT")]
    paths: Vec<PathBuf>,
    /// 0 for below each other, 1 for side by side
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    axis: u8,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let Some((output, inputs)) = arguments.paths.split_last() else { return Ok(Report::new()) };
    session.check_free(output)?;
    let all = inputs.iter().map(|path| session.read(path)).collect::<Result<Vec<_>>>()?;
    let all: Vec<&AnyMatrix> = all.iter().collect();
    let whole = |place| match arguments.axis {
        0 => AnyMatrix::vstack(&all, place, session.ctx()),
        _ => AnyMatrix::hstack(&all, place, session.ctx()),
    };
    let is_dense = all.first().is_some_and(|a| a.format().is_none());
    let whole = session.make(output, is_dense, whole)?;
    Ok(done(output, &whole))
}
