//! Products on plain slices: what is fast here is fast for heap, mapped and streamed matrices alike.
//!
//! Two words cover the four products of a compressed matrix. *Gather* sums along the stored axis (`A x` for CSR,
//! `Aᵀ x` for CSC): every output is one stored row. *Scatter* spreads along it (`Aᵀ x` for CSR, `A x` for CSC): every
//! stored row adds to many outputs.
//!
//! Three promises hold for all of them.
//!
//! 1. **Same bits for any number of threads and any cut into panels.** Gather sums a row in a shape that depends on the
//!    row's length alone. Scatter adds to each output in the order of the rows, as the sequential loop does, so that
//!    threads, panels and the method chosen cannot be told from the result. A dense scatter adds blocks of rows whose
//!    height depends on the number of columns alone; cut its panels at multiples of [`scatter_height`].
//! 2. **No trust in what was read.** Pointers are checked in pairs, indices while they are used. A wrong one is an
//!    [`ErrorKind::Index`](crate::error::ErrorKind::Index) with its place; the output then holds numbers without meaning.
//! 3. **A product that is not added to its output never reads it**, so a NaN in fresh memory stays out of the result.
//!
//! Beside products, `columns` takes every entry into something that is known of its column, `merge` makes one line of two that rise,
//! to which `sorted` brings others, `kron` makes all pairs of entries, and `statistics` sums up dense lines. `sums` adds many numbers in pairs; `magnitude` scales them
//! where squares would overflow.
//!
//! All of them are called inside [`Context::run`](crate::Context::run), whose threads they use.

mod columns;
mod combine;
mod compressed;
mod dense_gather;
mod dense_rows;
mod dense_scatter;
mod exchange;
mod kron;
mod magnitude;
mod merge;
mod merge_apart;
mod multiply;
mod narrow;
mod packed;
mod panel;
#[cfg(not(target_arch = "x86_64"))]
#[path = "portable.rs"]
mod processor;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod processor;
#[cfg(test)]
mod reference;
mod runs;
mod scatter;
mod scatter_bins;
mod scatter_rows;
mod scatter_windows;
mod sorted;
pub(crate) mod spgemm;
mod statistics;
mod sums;
#[cfg(test)]
mod tests;
mod update;

#[cfg(test)]
pub(crate) use compressed::gather;
#[cfg(test)]
pub(crate) use scatter::scatter;

pub(crate) use columns::Columns;
pub(crate) use combine::{Clash, MergeLines};
pub(crate) use compressed::{PIECE, runs_with_outputs};
pub(crate) use dense_rows::DenseRows;
pub(crate) use dense_scatter::{scatter_height, scatter_sums};
pub(crate) use exchange::{add_terms, finish_lines, slot_of, slots_of, terms};
pub(crate) use kron::{Kron, Lines, Products, products};
pub(crate) use magnitude::{
    exponent, integer, is_integer, is_safe, is_wide, largest_part, power_of_two, split,
};
pub(crate) use merge::Combination;
pub(crate) use multiply::{How, Vectors, multiply_dense, multiply_lines};
pub(crate) use narrow::gather_encoded;
pub(crate) use packed::{add_product, multiply_packed, pack, pack_lines, panel_widths, take_left};
pub(crate) use panel::Fault;
pub(crate) use panel::{AnyPanel, Panel};
pub(crate) use runs::{Run, RunValues, SIDE, gather_runs, gather_runs_block, interleave};
pub(crate) use scatter_bins::memory as scatter_memory;
pub(crate) use sorted::Sorted;
pub(crate) use statistics::{GROUP, Moments, RUN, across, along, block_height, of_run};
pub(crate) use sums::{Pairs, RUN as SUM_RUN, sum_pairs, sum_run, sum_run_of_two, two_sum};
pub(crate) use update::{Entries, Sums, Update};
