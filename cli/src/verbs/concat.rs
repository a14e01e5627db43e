//! Matrices below each other or side by side.

use std::path::PathBuf;

use outcore::{AnyMatrix, Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Put matrices below each other (--axis 0) or side by side (--axis 1)";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    output: PathBuf,
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    #[arg(long, default_value_t = 0)]
    axis: usize,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let all = arguments.inputs.iter().map(|path| session.read(path)).collect::<Result<Vec<_>>>()?;
    let all: Vec<&AnyMatrix> = all.iter().collect();
    let whole = match arguments.axis {
        0 => AnyMatrix::vstack(&all, Place::Scratch, session.ctx())?,
        _ => AnyMatrix::hstack(&all, Place::Scratch, session.ctx())?,
    };
    session.write(&arguments.output, &whole)?;
    Ok(done(&arguments.output, &whole))
}
