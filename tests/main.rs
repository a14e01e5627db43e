//! The integration tests, one binary: one link instead of ten.

mod architecture;
mod convert;
mod dense;
mod edge_list;
mod expected;
mod malformed_mtx;
mod malformed_npy;
mod matrix_market;
mod shared_data;
mod sparse;
mod storage;
