//! The order of work: A in panels of rows, each with the rows of B that it needs.
//!
//! - [`inspect`] – one pass over the columns of A: terms, bad indices; [`sample`] – rows in classes, from which the
//!   entries of the result are estimated
//! - [`left_panel`] – a panel of rows and its needs; [`cut`] – A cut into panels

mod cut;
mod inspect;
mod left_panel;
mod sample;

pub(crate) use inspect::{Inspected, inspect};
pub(crate) use left_panel::{CutRange, LeftCuts, LeftPanel, Rules};
pub(crate) use sample::{Candidate, Classes};
