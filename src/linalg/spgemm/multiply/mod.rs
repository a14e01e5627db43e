//! Multiplies panel by panel, each on all threads, and passes the rows on.
//!
//! - [`stream`] – the panels, one by one; [`pipeline`] – the rows of a panel, by all threads; [`long_row`] – one that
//!   is too long for that
//! - [`small`] – products of a few thousand terms, without any of this
//! - [`sink`] – the destination of rows

mod long_row;
mod pipeline;
mod sink;
mod small;
mod stream;

pub(crate) use long_row::LongRow;
pub(crate) use sink::{RowCopies, RowCounts};
pub(crate) use small::few;
pub(crate) use stream::run;
