//! Breadth-first search.
//!
//! - [`search`] – level by level, along the edges or against them
//! - [`answer`] – its result, and the check that needs no second search

mod answer;
mod search;

pub use answer::{Bfs, check_bfs};
pub use search::{bfs, bfs_with_incoming};
