//! What a stretch needs, in memory when it is multiplied.
//!
//! - [`steps`] – A's parts and B's rows read ahead of the work, some MiB at a time
//! - [`row_set`] and [`store`] – the rows of B that are in memory

mod row_set;
mod steps;
mod store;

pub(crate) use row_set::RowSet;
pub(crate) use steps::{Item, LoadStep, Read, StretchPanels, ring_bytes, step_bytes};
pub(crate) use store::{Store, StoredRows};
