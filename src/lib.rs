//! Sparse and dense matrices bigger than memory.

#![deny(unsafe_code)]

mod error;
pub mod io;
pub mod linalg;
mod storage;

pub use error::{Error, ErrorKind, Location, Result};
pub use storage::{CancelToken, Context, DType, Element, Entry, Index, Progress};
