//! Sums, means, variances, extremes and norms of rows or columns.
//!
//! - [`dense`] – of dense matrices, in runs of [`moments`]; [`sparse`] – of sparse ones, by the passes of [`line_pass`]
//! - [`dense_sums`] – only sums, at the speed of memory; [`sparse_sums`] – those of sparse matrices
//! - [`extremes`] – the positions of the largest and the smallest element
//! - [`nnz_per`] – the number of entries stored in rows or columns; [`grid`] – in the cells of a grid; [`histogram`] – the
//!   distribution of values; [`trace`] – the sum of the main diagonal; [`symmetry`] – whether a matrix is its own
//!   transpose

mod dense;
mod dense_sums;
mod extremes;
mod grid;
mod histogram;
mod line_pass;
mod moments;
mod nnz_per;
mod sparse;
mod sparse_sums;
mod symmetry;
mod trace;

pub use dense::Stats;
pub(crate) use dense::stats as dense_stats;
pub(crate) use grid::{coo_grid, dense_grid, lines_grid};
pub(crate) use histogram::{extremes, first_above, histogram};
pub(crate) use nnz_per::nnz_per;
pub use sparse::NormOrder;
pub(crate) use sparse::{norms_into, stats as sparse_stats};
pub(crate) use trace::trace;
