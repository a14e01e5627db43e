//! Floor 1, dense: a shape and an order over one buffer.
//!
//! [`DenseBase`] is the one implementation of everything that only reads; [`Dense`] is it over a shared, immutable
//! buffer, [`DenseMut`] over a unique, writable one. Both hand out `ndarray` views, so that all of ndarray works on
//! mapped arrays. [`ColumnWriter`] fills an array column by column without striding through the file.

mod bands;
mod base;
mod columns;
mod open;
mod panels;
mod writable;
mod writer;
mod zipped;

pub(crate) use bands::BandPanels;
pub use base::{Dense, DenseBase};
pub use columns::ColumnWriter;
pub(crate) use panels::{LinePanel, LinePanels};
pub use writable::DenseMut;
pub(crate) use writer::DenseWriter;
pub(crate) use zipped::ZippedRuns;
