//! Two matrices, and the file of what is made of them.

use std::path::PathBuf;

use outcore::{AnyMatrix, Context, Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

#[derive(clap::Args)]
pub(crate) struct Operands {
    first: PathBuf,
    second: PathBuf,
    output: PathBuf,
}

/// Makes a matrix of two others, at a place.
type Combine = fn(&AnyMatrix, &AnyMatrix, Place, &Context) -> Result<AnyMatrix>;

impl Operands {
    /// Makes a matrix of both, which is dense if one of them is.
    pub(crate) fn combine(&self, combine: Combine, session: &Session) -> Result<Report> {
        session.check_free(&self.output)?;
        let [a, b] = session.read_both(&self.first, &self.second)?;
        let is_dense = a.format().is_none() || b.format().is_none();
        let make = |place, ctx: &Context| combine(&a, &b, place, ctx);
        let made = session.make(&self.output, &a, is_dense, make)?;
        Ok(done(&self.output, &made))
    }
}
