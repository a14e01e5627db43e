//! The integration tests, one binary: one link instead of ten.

mod architecture;
mod convert;
mod dense;
mod edge_list;
mod external;
mod graph;
mod graph_tables;
mod malformed_mtx;
mod matrix_market;
mod prepared;
mod sparse;
mod storage;
