//! Nanoseconds per step of work on one thread: the table behind the seconds of a plan.
//!
//! Measured by `cargo bench -p outcore-bench --bench work`, which prints each next to the planned value. On a faster or
//! slower processor plans are wrong by the same factor for all operations. Time to move data is added separately.

/// For an element of a sum of dense matrices.
pub(crate) const ADD_DENSE: f64 = 0.7;

/// For an entry whose distance from the diagonal is taken.
pub(crate) const BANDWIDTH: f64 = 1.0;

/// For an entry of a matrix whose lines are sorted.
pub(crate) const CANONICALIZE: f64 = 10.0;

/// For an element of the vectors in an iteration of conjugate gradients.
pub(crate) const CG: f64 = 5.0;

/// For a value converted to another type.
pub(crate) const CHANGE_TYPE: f64 = 1.5;

/// For an entry of COO to CSR or CSC in memory.
pub(crate) const COMPRESS: f64 = 40.0;

/// For an entry that is copied.
pub(crate) const COPY: f64 = 1.0;

/// For a byte of a dense array that is copied.
pub(crate) const COPY_BYTE: f64 = 0.1;

/// For an element that is copied.
pub(crate) const COPY_DENSE: f64 = 0.7;

/// For a byte, and for a run of bytes, of a typical device: to compare strategies, not to say how long one takes.
pub(crate) const DEVICE_BYTE: f64 = 0.5;
pub(crate) const DEVICE_RUN: f64 = 50e3;

/// For an element of sums of rows or columns.
pub(crate) const SUM_AXIS: f64 = 0.3;

/// For an entry that is counted across the lines.
pub(crate) const COUNT_ENTRIES: f64 = 2.0;

/// For a line whose entries are counted.
pub(crate) const COUNT_LINES: f64 = 1.0;

/// For an element and a vector of a product.
pub(crate) const DENSE_PRODUCT: f64 = 0.5;

/// For an element of statistics.
pub(crate) const DENSE_STATISTICS: f64 = 1.0;

/// For an entry of a matrix of diagonals.
pub(crate) const DIAGONALS: f64 = 3.0;

/// For an entry of a matrix larger than memory that is encoded.
pub(crate) const ENCODE: f64 = 5.0;

/// For a byte of an encoded matrix and a vector.
pub(crate) const ENCODED: f64 = 0.05;

/// For a byte of a matrix encoded for distant columns.
pub(crate) const ENCODED_FAR: f64 = 0.2;

/// For an entry of CSR or CSC to COO.
pub(crate) const EXPAND: f64 = 1.0;

/// For an element that is compared.
pub(crate) const EXTREMES: f64 = 0.7;

/// For an entry of a matrix whose diagonal blocks are read and factored.
pub(crate) const FACTOR: f64 = 20.0;

/// For an element of a dense matrix of zeros.
pub(crate) const FILL_DENSE: f64 = 0.3;

/// For an element of an array filled by lines on its map.
pub(crate) const FILL_LINES: f64 = 1.0;

/// For a term of a product of dense matrices.
pub(crate) const GEMM: f64 = 0.03;

/// For an element and a column of a Gram matrix.
pub(crate) const GRAM: f64 = 0.02;

/// For an entry of a Kronecker product.
pub(crate) const KRON: f64 = 2.0;

/// For an element that a function changes.
pub(crate) const MAP_DENSE: f64 = 0.7;

/// For a value that a function changes.
pub(crate) const MAP_SPARSE: f64 = 1.5;

/// For an entry of two sparse matrices that are merged.
pub(crate) const MERGE: f64 = 6.0;

/// For a number and a vector that are made orthonormal.
pub(crate) const ORTHONORMAL: f64 = 1.0;

/// For a vertex of PageRank and an iteration.
pub(crate) const PAGERANK: f64 = 2.0;

/// For an entry that is permuted in memory.
pub(crate) const PERMUTE: f64 = 12.0;

/// For an entry of a Poisson matrix.
pub(crate) const POISSON: f64 = 2.0;

/// For an entry and a vector of a product.
pub(crate) const PRODUCT: f64 = 1.0;

/// For an entry of a random matrix.
pub(crate) const RANDOM: f64 = 40.0;

/// For an element of a dense array read as a copy.
pub(crate) const READ_DENSE: f64 = 1.0;

/// For an entry of a sparse matrix read as a copy.
pub(crate) const READ_SPARSE: f64 = 3.0;

/// For an entry of a Matrix Market file that is read.
pub(crate) const READ_TEXT: f64 = 40.0;

/// For an entry in sums and norms over a matrix.
pub(crate) const REDUCE: f64 = 0.3;

/// For an element converted to the other order.
pub(crate) const REORDER_DENSE: f64 = 0.7;

/// For a level of an edge of an R-MAT graph.
pub(crate) const RMAT: f64 = 3.0;

/// For an entry that is put into a dense matrix.
pub(crate) const SCATTER_DENSE: f64 = 3.0;

/// For an entry of a product over a semiring across the lines.
pub(crate) const SEMIRING_ACROSS: f64 = 4.0;

/// For an entry of a product over a semiring along the lines.
pub(crate) const SEMIRING_ALONG: f64 = 1.5;

/// For an element tested for a sparse matrix.
pub(crate) const SIFT: f64 = 1.5;

/// For an entry tested for a slice.
pub(crate) const SLICE: f64 = 1.0;

/// For a number of a small singular value decomposition.
pub(crate) const SMALL_SVD: f64 = 30.0;

/// For an entry of the external sort.
pub(crate) const SORT: f64 = 16.0;

/// For an entry of the external sort whose lines come in order.
pub(crate) const SORT_AGAIN: f64 = 10.0;

/// For an entry of statistics or norms.
pub(crate) const SPARSE_STATISTICS: f64 = 4.0;

/// For a term of a product of sparse matrices.
pub(crate) const SPGEMM: f64 = 4.0;

/// For an entry of matrices that are stacked.
pub(crate) const STACK: f64 = 1.5;

/// For an element of dense matrices that are stacked.
pub(crate) const STACK_DENSE: f64 = 0.5;

/// For an entry of listed rows and columns.
pub(crate) const TAKE: f64 = 5.0;

/// For an entry between CSR and CSC in memory.
pub(crate) const TRANSPOSE: f64 = 8.0;

/// For an element that is transposed.
pub(crate) const TRANSPOSE_DENSE: f64 = 0.7;

/// For a byte that is unpacked from an archive.
pub(crate) const UNPACK: f64 = 2.5;

/// For an element of an array filled by lines and written.
pub(crate) const WRITE_LINES: f64 = 0.3;

/// For an entry of a Matrix Market file that is written.
pub(crate) const WRITE_TEXT: f64 = 40.0;
