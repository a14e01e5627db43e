//! Preconditioners: approximate inverses, each a [`LinearOperator`](crate::linalg::LinearOperator) for the option
//! `precond` of a solver, and triangular systems.
//!
//! - `jacobi` – the inverse of the diagonal, `block_jacobi` – of dense blocks on it
//! - `ssor`, `ilu0`, `ic0` – sweeps and incomplete factors over fixed blocks of rows: `block_factors`
//! - `chebyshev` – a polynomial of the matrix, with bounds of its spectrum from `lanczos`
//! - `triangular` – exact solves with a triangle
//! - `preconditioner` – what all have in common; `kernels` – what they compute, over plain arrays

mod block_factors;
mod block_jacobi;
mod chebyshev;
mod ic0;
mod ilu0;
mod jacobi;
mod kernels;
mod lanczos;
mod preconditioner;
mod ssor;
mod triangular;

pub use block_jacobi::BlockJacobi;
pub use chebyshev::Chebyshev;
pub use ic0::{Ic0, Ic0Options};
pub use ilu0::Ilu0;
pub use jacobi::{Jacobi, ZeroDiagonal};
pub use kernels::Triangle;
pub use lanczos::{SpectralBounds, spectral_bounds};
pub use ssor::Ssor;
pub use triangular::{Triangular, solve_triangular};
