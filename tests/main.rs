//! All integration tests, in one binary.

mod edge_list;
mod malformed_mtx;
mod matrix_market;
