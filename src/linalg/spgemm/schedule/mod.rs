//! The order of work: A in stretches of rows, each with the rows of B that it needs.
//!
//! - [`inspect`] – one pass over the columns of A: terms, bad indices; [`sample`] – rows in classes, from which the
//!   entries of the result are estimated
//! - [`stretch`] – a stretch of rows and its needs; [`cut`] – A cut into stretches

mod cut;
mod inspect;
mod sample;
mod stretch;

pub(crate) use inspect::{Inspected, inspect};
pub(crate) use sample::{Candidate, Classes};
pub(crate) use stretch::{Rules, Stretch, StretchCuts, StretchGroup};
