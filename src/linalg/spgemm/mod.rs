//! Sparse times sparse: `matmul` of CSR and CSC, within the memory limit.
//!
//! ```text
//! matmul:  look at the columns of A  ->  multiply a sample of rows  ->  say what it will cost  ->  multiply
//! ```
//!
//! - [`matmul`] – the methods; [`over_semiring`] – those of any semiring, and under a [`mask`]; [`product`] – which of the
//!   two matrices are read, and the plan; [`budget`] – who gets how much of the memory; [`right`] – B, whole or by rows;
//!   [`estimate`] – how many entries the result will have
//! - [`schedule`] – A is looked at once and cut into stretches of rows, each with the rows of B that it needs
//! - [`load`] – what a stretch needs is read ahead of the work
//! - [`multiply`] – stretch by stretch, a row being gathered by one of the [`kernels`]
//!
//! Nothing here changes the order in which terms are added: a stretch holds
//! whole rows, and a row in parts keeps its sums from part to part.

mod budget;
mod estimate;
mod kernels;
mod load;
mod mask;
mod matmul;
mod multiply;
mod over_semiring;
mod product;
mod right;
mod schedule;

pub use mask::Mask;
