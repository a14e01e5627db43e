//! Floor 3: arithmetic.
//!
//! | room | holds |
//! |---|---|
//! | `algebra` | numbers of vectors, multiplication of one by an entry, semirings, sums and norms |
//! | `kernels` | matrix times vectors on plain slices, vector units |
//! | `product` | matrix times vectors: the trait on which solvers are based, operators prepared for many products |
//! | `composed` | operators made of others, without a matrix |
//! | `elementwise` | functions of elements, sums and elementwise products of two matrices, Kronecker products |
//! | `statistics` | sums, means, variances and norms of rows and columns |
//! | `spgemm` | sparse times sparse |
//! | `gemm` | dense times dense, Gram matrices |
//!
//! A room uses those above it in this table.

mod algebra;
mod composed;
mod elementwise;
mod gemm;
mod kernels;
mod product;
mod spgemm;
mod statistics;

pub use algebra::{
    AnyPair, Factor, MaxFirst, MaxMin, MaxPlus, MaxSecond, MinFirst, MinMax, MinPlus, MinSecond,
    Multiply, OrAnd, Ordered, PlusFirst, PlusPair, PlusSecond, PlusTimes, Scalar, Semiring,
    Subtract, axpby, combine, dot, dots, norm,
};
pub(crate) use algebra::{
    Stored, axpby_squares, block_add, block_dots, block_norms, block_times, by_scalar, divide,
    exponent, is_finite, is_safe, largest, norm_of, orthogonalize, power_of_two, sum_of, two_sum,
};
pub use composed::{Adjoint, Centered, Compose, Product, Scaled, Shifted, Sum};
pub(crate) use elementwise::{
    ValueLines, add, map, multiply_elements, subtract, transform, values_in_memory, zip_map,
};
pub use product::{
    Between, FnOperator, Level, LinearOperator, Matrix, Multiplies, MultipliesVectors, Operator,
    Reordered,
};
pub(crate) use product::{
    Multiplier, Products, check_meets, planned, planned_normal, products, sealed,
};
pub use spgemm::Mask;
pub use statistics::{NormOrder, Stats};
pub(crate) use statistics::{
    coo_grid, dense_grid, dense_stats, extremes, first_above, histogram, lines_grid, nnz_per,
    norms_into, sparse_stats, trace,
};
