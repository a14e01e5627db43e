//! The integration tests, one binary: one link instead of ten.

mod architecture;
mod convert;
mod dense;
mod dense_larger;
mod edge_list;
mod graph;
mod graph_tables;
mod malformed_mtx;
mod matrix_market;
mod prepared;
mod sparse;
mod spectral;
mod storage;
