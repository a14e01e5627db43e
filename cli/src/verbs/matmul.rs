//! Multiply two matrices.

use outcore::Result;

pub(crate) use crate::operands::Operands as Arguments;
use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Multiply two matrices";

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    arguments.combine(|a, b, place, ctx| a.matmul(b, place, ctx), session)
}
