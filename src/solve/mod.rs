//! Floor 4: solvers of linear systems, one algorithm per file, written over [`LinearOperator`](crate::linalg::LinearOperator)
//! alone. Not converging is an answer, not an error.
//!
//! - `cg` – conjugate gradients; `progress` – whether an iteration still gets anywhere; `nullspace` – vectors that are
//!   projected out
//! - `solved` – what a solver answers

mod cg;
mod nullspace;
mod plan;
mod progress;
mod solved;

pub use cg::{CgOptions, cg, cg_with};
pub use solved::{Iterate, Solved, StopReason};
