//! Multiplies stretch by stretch, each on all threads, and passes the rows on.
//!
//! - [`run`] – the stretches, one by one; [`rounds`] – the rows of a stretch, by all threads; [`long_row`] – one that
//!   is too long for that
//! - [`few`](few::few) – products of a few thousand terms, without any of this
//! - [`sink`] – the destination of rows

mod few;
mod long_row;
mod rounds;
mod run;
mod sink;

pub(crate) use few::few;
pub(crate) use long_row::LongRow;
pub(crate) use run::run;
pub(crate) use sink::{RowCopies, RowCounts};
