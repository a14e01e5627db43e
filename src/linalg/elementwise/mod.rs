//! Elementwise functions and operations on two matrices.
//!
//! - [`dense`] – functions of the elements of one dense matrix or two; [`sparse_values`] – of the stored values of a
//!   sparse one
//! - [`sparse_pairs`] – sums, differences and elementwise products of two sparse matrices, [`merge_in_memory`] or panel
//!   by panel ([`merge_panels`]), a line at a time ([`merge_lines`]; [`merge_apart`] for rare types), with the
//!   operations of [`combine`]; [`line_sort`] – sorting lines that do not rise
//! - [`kron`] – Kronecker products

mod combine;
mod dense;
mod kron;
mod line_sort;
mod merge_apart;
mod merge_in_memory;
mod merge_lines;
mod merge_panels;
mod sparse_pairs;
mod sparse_values;

pub(crate) use dense::{map, zip_map};
pub(crate) use sparse_pairs::{add, multiply_elements, subtract};
pub(crate) use sparse_values::{ValueLines, transform, values_in_memory};
