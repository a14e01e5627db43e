//! Sparse and dense matrices bigger than memory.

#![deny(unsafe_code)]

mod convert;
mod dense;
mod error;
pub mod graph;
pub mod io;
pub mod linalg;
pub mod solve;
mod sparse;
pub mod spectral;
mod storage;

pub use dense::{ColumnWriter, Dense, DenseBase, DenseMut};
pub use error::{Error, ErrorKind, Location, Result};
pub use sparse::{
    Axis, ByCols, ByRows, Compressed, Coo, CooBuilder, Csc, Csr, Duplicates, Line, Refill,
};
pub use storage::{
    Access, Buffer, BufferMut, ByteOrder, CancelToken, Context, DType, Descriptor, Element, Entry,
    Index, NpyHeader, Order, Place, Progress, SparseFormat, StoredValues, Traffic, Verified,
    verify,
};
