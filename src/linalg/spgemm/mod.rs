//! Sparse times sparse: `matmul` of CSR and CSC, within the memory limit.
//!
//! ```text
//! matmul:  inspect the columns of A  ->  multiply a sample of rows  ->  report the plan  ->  multiply
//! ```
//!
//! - [`matmul`] – the methods; [`over_semiring`] – those for any semiring, and under a [`mask`]; [`product`] – which of
//!   the two matrices are read, and the plan; [`budget`] – the division of the memory
//! - [`inspect`] – the pass over A: terms, bad indices, [`sample`] rows, and [`cut`] into [`stretch`]es
//! - [`few`](few::few) – products of a few thousand terms, without any of this
//! - [`estimate`] – the number of entries of the result
//! - [`right`] – B, whole or by rows; [`row_set`] and [`store`] – its loaded rows; [`reading`] – how A's parts and B's
//!   rows are read from files, ahead of the work
//! - [`stream`] – stretch by stretch; [`rounds`] – the rows of a stretch, by all threads; [`long_row`] – one that is
//!   too long for that; [`sink`] – the destination of rows
//!
//! The loops themselves are in [`kernels`]. Nothing here changes the order in which terms are added: a stretch has
//! whole rows, and a row in parts keeps its sums from part to part.

mod budget;
mod cut;
mod estimate;
mod few;
mod inspect;
mod kernels;
mod long_row;
mod mask;
mod matmul;
mod over_semiring;
mod product;
mod reading;
mod right;
mod rounds;
mod row_set;
mod sample;
mod sink;
mod store;
mod stream;
mod stretch;

pub use mask::Mask;
