//! The integration tests, one binary: one link instead of ten.

mod architecture;
mod convert;
mod dense;
mod edge_list;
mod format;
mod malformed_mtx;
mod matrix_market;
mod sparse;
mod storage;
