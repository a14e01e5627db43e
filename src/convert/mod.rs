//! Floor 2: every pair of formats, in memory or on disk.
//!
//! | room | holds |
//! |---|---|
//! | [`in_memory`] | entries moved to their lines if they fit |
//! | [`sort`] | the external sort, if they do not |
//! | [`formats`] | the pairs: dense, COO, CSR, CSC |
//! | [`reshape`] | entries, rows and columns selected or in another order, dense arrays in the other order, copies |
//! | [`gallery`] | matrices made from a formula |
//!
//! A room uses those above it in this table. The types of a matrix are known at run time here; loops over entries have
//! instances for index types and widths of values.

mod formats;
mod gallery;
mod in_memory;
mod reshape;
mod sort;

pub use formats::CooBuilder;
pub(crate) use formats::{
    AnyEntryBuilder, coo_to_dense, expanded, memory_to_compress, nonzero, recompress,
    to_compressed, to_coo, to_dense, to_nonzeros,
};
pub(crate) use reshape::{
    canonicalize, diagonal_length, fill_diagonal, permute, plan_diagonal, prune, take, take_where,
    to_order, tril, triu,
};
pub(crate) use sort::MemorySorter;
