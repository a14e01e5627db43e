//! Floor 3: linear operators and products.
//!
//! Kernels work on plain slices and know neither matrices nor files; everything above them decides what is handed in.

pub(crate) mod kernels;
mod partition;
mod scalar;

pub use scalar::{Factor, Scalar};
