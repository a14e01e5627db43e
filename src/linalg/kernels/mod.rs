//! Products on plain slices: what is fast here is fast for heap, mapped and streamed matrices alike.
//!
//! Two words cover the four products of a compressed matrix. *Gather* sums along the stored axis (`A x` for CSR,
//! `Aᵀ x` for CSC): every output is one stored row. *Scatter* spreads along it (`Aᵀ x` for CSR, `A x` for CSC): every
//! stored row adds to many outputs.
//!
//! Three promises hold for all of them.
//!
//! 1. **Same bits for any number of threads and any cut into panels.** Gather sums a row in a shape that depends on the
//!    row's length alone. Scatter adds to each output in the order of the rows, as the sequential loop does, so the
//!    result does not depend on threads, panels or method. A dense scatter adds blocks of rows whose height depends
//!    only on the number of columns; cut its panels at multiples of [`scatter_height`].
//! 2. **No trust in data read.** Pointers are checked in pairs, indices while they are used. A wrong one is an
//!    [`ErrorKind::Index`](crate::error::ErrorKind::Index) with its place; the contents of the output are then
//!    unspecified.
//! 3. **A product that is not added to its output never reads it**, so a NaN in fresh memory stays out of the result.
//!
//! - [`gather`] and [`scatter`] – the two for compressed matrices, the second with separate methods for few rows
//!   ([`scatter_rows`]), distant outputs ([`scatter_bins`]) and near ones ([`scatter_windows`]); [`multiply`] – which
//!   is used; [`two_pass_gather`] – entries sorted by output once, for many products
//! - [`dense_gather`] and [`dense_scatter`] – for the lines of dense matrices ([`dense_rows`])
//! - [`runs`] and [`encoded_gather`] – for encoded matrices; [`columns`] – every entry into the state of its column
//! - [`panel`] – the lines that are multiplied; [`update`] – how a product enters the output
//! - [`processor`] – loops for the available vector units
//!
//! All of them are called inside [`Context::run`](crate::Context::run), whose threads they use.

mod columns;
mod dense_gather;
mod dense_rows;
mod dense_scatter;
mod encoded_gather;
mod gather;
mod multiply;
mod panel;
#[cfg(not(target_arch = "x86_64"))]
#[path = "portable.rs"]
pub(crate) mod processor;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
pub(crate) mod processor;
#[cfg(test)]
pub(crate) mod reference;
mod runs;
mod scatter;
mod scatter_bins;
mod scatter_rows;
mod scatter_windows;
#[cfg(test)]
mod tests;
mod two_pass_gather;
mod update;

pub(crate) use columns::Columns;
pub(crate) use dense_rows::DenseRows;
pub(crate) use dense_scatter::{scatter_height, scatter_sums};
pub(crate) use encoded_gather::gather_encoded;
#[cfg(test)]
pub(crate) use gather::gather;
pub(crate) use gather::{CHUNK, runs_with_outputs};
pub(crate) use multiply::{How, Vectors, multiply_dense, multiply_lines};
pub(crate) use panel::{AnyPanel, OutOfRange, Panel};
pub(crate) use runs::{OffsetRun, RunValues, SIDE, gather_runs, gather_runs_block, interleave};
#[cfg(test)]
pub(crate) use scatter::scatter;
pub(crate) use scatter_bins::memory as scatter_memory;
pub(crate) use scatter_windows::bounds;
pub(crate) use two_pass_gather::{add_terms, finish_lines, slot_of, slots_of, terms};
pub(crate) use update::{Conjugation, SumShape, Update};
