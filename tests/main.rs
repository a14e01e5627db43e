//! The integration tests, one binary: one link instead of ten.

mod architecture;
mod convert;
mod copies_of_files;
mod dense;
mod dense_convert;
mod dense_kernels;
mod dense_larger;
mod edge_list;
mod expected;
mod external;
mod failing_builders;
mod folders;
mod format;
mod full_disk;
mod graph;
mod graph_tables;
#[cfg(feature = "half")]
mod half;
#[cfg(feature = "half")]
mod half_text;
mod hostile_products;
mod huge_extents;
mod into;
mod malformed_mtx;
mod malformed_npy;
mod matrix_market;
mod permute;
mod plans;
mod prepared;
mod products;
mod replacing;
mod reshape;
mod semiring;
mod shared_data;
mod solve;
mod sparse;
mod sparse_larger;
mod special_files;
mod spectral;
mod spgemm;
mod storage;
mod text_extents;
mod text_files;
mod text_mutations;
