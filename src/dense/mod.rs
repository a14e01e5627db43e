//! Floor 1, dense: a shape and an order over one buffer.
//!
//! [`DenseBase`] is the one implementation of all reading operations; [`Dense`] is its form over a shared, immutable
//! buffer, [`DenseMut`] over a unique, writable one. Both give `ndarray` views, so that all of ndarray works on mapped
//! arrays. [`ColumnWriter`] fills an array column by column without striding through the file.
//!
//! - [`base`], [`writable`] – these two; [`any_dense`] – the first with its type known at run time; [`open`] – arrays
//!   from files, [`headerless`] – writing files without a header
//! - [`panels`] – a matrix larger than memory in panels of lines, [`bands`] – in bands, [`array_pairs`] – two arrays in runs
//!   of elements; [`writer`] – an array written from its first element to its last
//! - [`reshape`] – the same elements in another shape; [`slice`] – some rows and columns
//! - [`stack`] – matrices stacked or concatenated; [`builder`] – a matrix of lines whose number is not known in
//!   advance; [`zeros`] – all zero
//! - [`columns`], [`line_writer`] – an array filled line by line, along its order or across it
//! - [`rewrite`] – replacing all elements of a writable array, in order
//! - [`transpose`] – the transpose of data in memory; [`transposer`] – of lines that arrive one by one and need not
//!   fit, [`transpose_cut`] into panels and bands, and [`transposed`] once all lines are available

mod any_dense;
mod array_pairs;
mod bands;
mod base;
mod builder;
mod columns;
mod headerless;
mod line_writer;
mod open;
mod panels;
mod reshape;
mod rewrite;
mod slice;
mod stack;
mod transpose;
mod transpose_cut;
mod transposed;
mod transposer;
mod writable;
mod writer;
mod zeros;

pub use any_dense::AnyDense;
pub(crate) use any_dense::check_at_most_two as check_dimensions;
pub(crate) use array_pairs::zipped;
pub(crate) use bands::{band_width, bands, bands_of_width};
pub use base::{Dense, DenseBase};
pub use builder::DenseBuilder;
pub use columns::ColumnWriter;
pub(crate) use panels::{DensePanel, DensePanels, RESIDENT};
pub(crate) use stack::concatenate;
pub(crate) use transpose::transpose_lines;
pub(crate) use transposed::{memory_to_transpose, transposed};
pub(crate) use transposer::Transposer;
pub(crate) use writable::AnyDenseMut;
pub use writable::DenseMut;
pub(crate) use writer::AnyDenseWriter;
