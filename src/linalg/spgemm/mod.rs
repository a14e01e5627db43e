//! Sparse times sparse: `matmul` of CSR and CSC, within the memory limit.
//!
//! ```text
//! matmul:  inspect the columns of A  ->  multiply a sample of rows  ->  report the plan  ->  multiply
//! ```
//!
//! - [`matmul`] – the methods; [`over_semiring`] – those for any semiring, and under a [`mask`]; [`exact`] – of
//!   integers; [`product`] – which of the two matrices are read, and the plan; [`budget`] – the division of the memory;
//!   [`right_matrix`] – B, whole or by rows; [`estimate`] – the number of entries of the result
//! - [`schedule`] – one pass over A: counted, and cut into panels of rows, each with the rows of B that it needs
//! - [`load`] – reads what a panel needs, ahead of the arithmetic
//! - [`multiply`] – panel by panel, each row gathered by one of the [`kernels`]
//!
//! Nothing here changes the order in which terms are added: a panel has
//! whole rows, and a row in parts keeps its sums from part to part.

mod budget;
mod estimate;
mod exact;
mod kernels;
mod load;
mod mask;
mod matmul;
mod multiply;
mod over_semiring;
mod product;
mod right_matrix;
mod schedule;

pub use mask::Mask;
