//! Floor 4: solvers of linear systems, one algorithm per file, written only over
//! [`LinearOperator`](crate::linalg::LinearOperator). Failing to converge is a result, not an error.
//!
//! - `cg` – conjugate gradients; `iteration` – their iteration and its end; `options` – options of solvers; `plan` –
//!   the cost of a solve; `progress` – whether an iteration still makes progress; `nullspace` – vectors that are
//!   projected out
//! - `dirichlet` – unknowns with known values
//! - `precond` – preconditioners and triangular solves
//! - `solved` – the result of a solver

mod cg;
mod dirichlet;
mod iteration;
mod nullspace;
mod options;
mod plan;
mod precond;
mod progress;
mod solved;

pub use cg::{cg, cg_with};
pub use dirichlet::Dirichlet;
pub use options::CgOptions;
pub use precond::{
    BlockJacobi, Chebyshev, Ic0, Ic0Options, Ilu0, Jacobi, SpectralBounds, Ssor, Triangle,
    Triangular, ZeroDiagonal, solve_triangular, spectral_bounds,
};
pub use solved::{Iterate, Solved, StopReason};
