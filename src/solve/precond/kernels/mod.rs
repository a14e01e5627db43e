//! What preconditioners compute, over plain arrays; compiled in this library for the four types of numbers.
//!
//! - `block` – a diagonal block of a matrix, `read` – all of them, from the matrix, `read_dense` – as dense ones; `spill` –
//!   entries in scratch files; `sweeps` – substitution in a block
//! - `incomplete_lu`, `incomplete_cholesky`, `dense_lu` – factors; `levels` – triangles in levels
//! - `by_type` – the functions for a type of numbers

mod block;
mod by_type;
mod dense_lu;
mod incomplete_cholesky;
mod incomplete_lu;
mod level_schedule;
mod read;
mod read_dense;
mod spill;
mod sweeps;

pub(super) use block::{BlockRows, DiagonalBlock, inverse};
pub(super) use by_type::kernels;
pub use level_schedule::Triangle;
pub(super) use level_schedule::TriangleLevels;
pub(super) use read::{BlockSource, DecodeEntries, KeptEntries};
pub(super) use read_dense::DenseSource;
pub(super) use spill::Spill;
pub(super) use sweeps::Factors;
