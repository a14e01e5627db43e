//! The integration tests, one binary: one link instead of ten.

mod architecture;
mod convert;
mod dense;
mod sparse;
mod storage;
