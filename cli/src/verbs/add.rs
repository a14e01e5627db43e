//! Add two matrices.

use outcore::Result;

pub(crate) use crate::operands::Operands as Arguments;
use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Add two matrices of any kinds";

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    arguments.combine(|a, b, place, ctx| a.add(b, place, ctx), session)
}
