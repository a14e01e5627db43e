//! Sparse times sparse.

mod budget;
mod cut;
mod estimate;
mod inspect;
mod long_row;
mod matmul;
mod product;
mod reading;
mod right;
mod rounds;
mod row_set;
mod sample;
mod sink;
mod store;
mod stream;
