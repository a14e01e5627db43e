//! Loads the data of a panel before it is multiplied.
//!
//! - [`steps`] – A's parts and B's rows read ahead of the work, some MiB at a time
//! - [`row_set`] and [`store`] – the loaded rows of B

mod row_set;
mod steps;
mod store;

pub(crate) use row_set::RowSet;
pub(crate) use steps::{LoadStep, LoadedPanels, StepArrays, StepItem, ring_bytes, step_bytes};
pub(crate) use store::{Store, StoredRows};
