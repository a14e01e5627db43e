//! Floor 4: solvers of linear systems, one algorithm per file, written over [`LinearOperator`](crate::linalg::LinearOperator)
//! alone. Not converging is an answer, not an error.

mod cg;
mod plan;
mod solved;

pub use cg::{CgOptions, cg};
pub use solved::{Solved, StopReason};
