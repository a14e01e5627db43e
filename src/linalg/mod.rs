//! Floor 3: linear operators and products.
//!
//! - `scalar` – the numbers of vectors, and what a stored entry does to one
//! - `operator` – the trait that solvers are written over; `matrix_operators` – typed matrices implement it, by `lines_product` and `dense_product`
//! - `fn_operator` – one that is made of functions
//! - `prepared` – a matrix prepared for many products, also one larger than memory; `prepared_sparse` – what that is for
//!   compressed ones, in a form of `prepared_form`; `readers` and `at_hand` – how several products at a time share it;
//!   `compact` – a matrix in fewer bytes
//! - `multiplier` – a matrix whose types are known at run time; `by_type` – its products, some of them `by_parts` of complex
//!   vectors
//! - `exact` – products of integers that an `f64` does not hold
//! - `numbers` – entries of every type as numbers of those that sums, norms and statistics are compiled for
//! - `reduce` – sums and norms over all entries of a matrix
//! - `elementwise` – functions of every element
//! - `sparse_elementwise` – functions of the stored values of a sparse matrix; `sparse_arithmetic` – sums, differences and
//!   elementwise products of two, with what two entries make in `arithmetic`;
//!   `sparse_merged` – those of two in memory, `sparse_merging` – of panels of two; `kron` – Kronecker products
//! - `spgemm` – sparse times sparse, of matrices that fit in memory or not, over a `semiring` and under a mask;
//!   `matvec_with` – sparse times a vector over one
//! - `gram` – `Aᴴ A` in one pass; `matmul` – products of dense matrices
//! - `statistics` – sums, means, variances and extremes of rows or columns; `sparse_statistics` – of sparse matrices, with
//!   norms, by the passes of `line_pass`; `nnz_per` – how many entries rows or columns store
//! - `reordered` – a matrix in another order that remembers it; `bandwidth` – how far from the diagonal its entries lie
//! - `vector` – sums and updates of vectors that do not depend on the number of threads
//! - `kernels` – the loops, on plain slices: they know neither matrices
//!   nor files, and everything above them decides what is handed in

mod arithmetic;
mod at_hand;
mod bandwidth;
mod by_parts;
mod by_type;
mod compact;
mod decode;
mod dense_product;
mod elementwise;
mod exact;
mod fn_operator;
mod gram;
pub(crate) mod kernels;
mod kron;
mod line_pass;
mod lines_product;
mod matmul;
mod matrix_operators;
mod matvec_with;
mod multiplier;
mod nnz_per;
mod numbers;
mod operator;
mod prepared;
mod prepared_form;
mod prepared_sparse;
mod readers;
mod reduce;
mod reordered;
mod scalar;
mod semiring;
mod sparse_arithmetic;
mod sparse_elementwise;
mod sparse_merged;
mod sparse_merging;
mod sparse_statistics;
mod spgemm;
mod statistics;
mod vector;

pub use arithmetic::{Multiply, Subtract};
pub(crate) use by_type::check_meets;
pub use fn_operator::FnOperator;
pub(crate) use multiplier::Multiplier;
pub(crate) use nnz_per::nnz_per;
pub(crate) use numbers::by_scalar;
pub use operator::LinearOperator;
pub(crate) use operator::planned;
pub(crate) use prepared::sealed;
pub use prepared::{Matrix, Operator};
pub(crate) use reduce::{Stored, norm_of, sum_of};
pub use reordered::Reordered;
pub use scalar::{Factor, Scalar};
pub use semiring::{
    AnyPair, MaxFirst, MaxMin, MaxPlus, MaxSecond, MinFirst, MinMax, MinPlus, MinSecond, OrAnd,
    Ordered, PlusFirst, PlusPair, PlusSecond, PlusTimes, Semiring,
};
pub(crate) use sparse_arithmetic::{add, multiply_elements, subtract};
pub use sparse_statistics::NormOrder;
pub(crate) use sparse_statistics::{norms_into, stats as sparse_stats};
pub use spgemm::Mask;
pub use statistics::Stats;
pub(crate) use statistics::stats as dense_stats;
pub(crate) use vector::largest;
pub use vector::{axpby, dot, norm};
