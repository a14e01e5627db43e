//! Floor 4: solvers of linear systems, one algorithm per file, written over [`LinearOperator`](crate::linalg::LinearOperator)
//! alone. Not converging is an answer, not an error.
//!
//! - `cg` – conjugate gradients; `iteration` – how they go on and end; `options` – what solvers may be told; `plan` – what a
//!   solve costs; `progress` – whether an iteration still gets anywhere; `nullspace` – vectors that are
//!   projected out
//! - `solved` – what a solver answers

mod cg;
mod iteration;
mod nullspace;
mod options;
mod plan;
mod progress;
mod solved;

pub use cg::{cg, cg_with};
pub use options::CgOptions;
pub use solved::{Iterate, Solved, StopReason};
