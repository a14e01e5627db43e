//! Floor 4: eigenvalues and singular values, in a stated number of passes over a matrix that may be larger than memory.
//!
//! - `pca` – principal components of tall dense matrices, through the Gram matrix
//! - `randomized` – the largest singular values and vectors of any operator
//! - `convergence` – how far values are from convergence; `finite` – locates numbers that are not finite
//! - `jacobi` – the singular value decomposition of a small matrix; `orthonormal` – orthonormalization of long vectors

mod convergence;
mod finite;
mod jacobi;
mod orthonormal;
mod pca;
mod randomized;

pub use convergence::SvdReason;
pub use pca::{Pca, pca};
pub use randomized::{Svd, SvdOptions, randomized_svd};
