//! Pairs of formats.
//!
//! | from | to COO | to CSR or CSC | to dense |
//! |---|---|---|---|
//! | COO | | [`coo_to_compressed`] | [`to_dense`] |
//! | CSR, CSC | [`compressed_to_coo`] | [`csr_csc`] | [`to_dense`] |
//! | dense | [`dense_to_sparse`] | [`dense_to_sparse`] | |
//!
//! - [`builder`] – entries one by one; [`elements`] – the structure of what is assembled; [`sort_matrix`] – whole matrices
//!   through the external sort
//! - [`nonzero_marks`] – which elements of a dense matrix are kept, tested by [`nonzeros_in_memory`] or
//!   [`nonzeros_by_panel`]
//! - [`dense_target`] – a dense matrix that receives entries, by [`dense_rows`] in place or a [`dense_sink`] after the
//!   sort
//! - [`exchange`] – all of these as `TryFrom`, in memory
//! - [`wrong_indices`] – what is wrong with the indices of the input

mod builder;
mod compressed_to_coo;
mod coo_to_compressed;
mod csr_csc;
mod dense_rows;
mod dense_sink;
mod dense_target;
mod dense_to_sparse;
mod elements;
mod exchange;
mod nonzero_marks;
mod nonzeros_by_panel;
mod nonzeros_in_memory;
mod sort_matrix;
#[cfg(test)]
mod tests;
mod to_dense;
mod wrong_indices;

pub(crate) use builder::AnyEntryBuilder;
pub use builder::CooBuilder;
pub(crate) use compressed_to_coo::expanded;
pub(crate) use coo_to_compressed::{memory_to_compress, to_compressed};
pub(crate) use csr_csc::{append_made, at_place, plan_recompress, recompress};
pub(crate) use dense_to_sparse::{to_coo, to_nonzeros};
pub(crate) use nonzero_marks::nonzero;
pub(crate) use sort_matrix::{Names, all_below, reserve, sort_lines};
pub(crate) use to_dense::{coo_to_dense, to_dense};
pub(crate) use wrong_indices::{index_error_instead, index_error_of};
