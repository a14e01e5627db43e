//! Floor 4: eigenvalues and singular values, in a stated number of passes over a matrix that may be larger than memory.
//!
//! - `pca` – principal components of tall dense matrices, through the Gram matrix
//! - `randomized` – the largest singular values and vectors of any operator
//! - `convergence` – how far values are from converged; `finite` – where a number that is not finite stands
//! - `jacobi` – the singular value decomposition of what is small; `orthonormal` – long vectors made orthonormal

mod convergence;
mod finite;
mod jacobi;
mod orthonormal;
mod pca;
mod randomized;

pub use convergence::SvdReason;
pub use pca::{Pca, pca};
pub use randomized::{Svd, SvdOptions, randomized_svd};
