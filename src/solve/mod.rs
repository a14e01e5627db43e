//! Floor 4: solvers of linear systems, written only over [`LinearOperator`](crate::linalg::LinearOperator) and compiled
//! once for each type of vectors. Failing to converge is a result, not an error.
//!
//! - `functions` – the solvers as functions; `method` – the methods, and what each needs; `inverse` – a solver as an
//!   operator
//! - `cg_iteration`, `minres`, `gmres`, `bicgstab`, `idrs`, `lsqr`, `lsmr`, `chebyshev` – one algorithm each;
//!   `bidiagonal` is shared by the two for least squares
//! - `block_cg` – conjugate gradients for several right-hand sides, with `small_cholesky`; `block_system` – what they
//!   solve; `solved_block` – what comes out
//! - `options` and `solved` – what goes in and comes out; `solver` – what all methods share; `space` – where vectors
//!   lie, and the sums over them; `progress` – whether an iteration still makes progress; `nullspace` – vectors that are projected
//!   out
//! - `vector_memory` – which vectors lie in scratch files; `cg_vectors` – those of conjugate gradients
//! - `checkpoint` – the state of a solve in a file
//! - `precond` – preconditioners and triangular solves; `dirichlet` – unknowns with known values
//! - `plan` – the cost of a solve; `dispatch` – from the arguments to the result; `numbers` – for each type

mod bicgstab;
mod bidiagonal;
mod block_cg;
mod block_system;
mod cg_iteration;
mod cg_vectors;
mod chebyshev;
mod checkpoint;
mod dirichlet;
mod dispatch;
mod functions;
mod gmres;
mod idrs;
mod instances;
mod inverse;
mod lsmr;
mod lsqr;
mod method;
mod minres;
mod nullspace;
mod options;
mod plan;
mod precond;
mod progress;
mod small_cholesky;
mod solved;
mod solved_block;
mod solver;
mod space;
mod vector_memory;

pub use checkpoint::Checkpoint;
pub use dirichlet::Dirichlet;
pub use functions::{
    bicgstab, block_cg, block_cg_with, cg, chebyshev, fgmres, gmres, idrs, lsmr, lsqr, minres,
    solve_with,
};
pub use instances::Solves;
pub use inverse::Inverse;
pub use method::Method;
pub use options::SolveOptions;
pub use precond::{
    BlockJacobi, Chebyshev, Ic0, Ic0Options, Ilu0, Jacobi, SpectralBounds, Ssor, Triangle,
    Triangular, ZeroDiagonal, solve_triangular, spectral_bounds,
};
pub use solved::{Iterate, Solved, StopReason};
pub use solved_block::{BlockIterate, SolvedBlock};
pub use space::Ranks;
