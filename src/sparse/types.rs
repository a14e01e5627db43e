//! The types of a matrix, known at run time.

use crate::storage::{DType, Entry, Index};

/// The types of a compressed matrix. Code that only moves values needs no more than these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Types {
    /// `None` for a pattern.
    pub(crate) values: Option<DType>,
    /// `UInt32` or `UInt64`.
    pub(crate) indices: DType,
    /// `UInt32` or `UInt64`.
    pub(crate) pointers: DType,
}

impl Types {
    pub(crate) const fn of<T: Entry, I: Index, P: Index>() -> Self {
        Types { values: T::ENTRY_DTYPE, indices: I::DTYPE, pointers: P::DTYPE }
    }

    /// Bytes of a value, an index, a pointer.
    pub(crate) fn sizes(self) -> (usize, usize, usize) {
        (self.values.map_or(0, DType::size), self.indices.size(), self.pointers.size())
    }

    /// Bytes of the three arrays of a matrix with `major` lines and `nnz` entries.
    pub(crate) fn bytes_of(self, major: usize, nnz: usize) -> u64 {
        let (value, index, pointer) = self.sizes();
        let entries = (nnz as u64).saturating_mul((value + index) as u64);
        entries.saturating_add((major as u64 + 1).saturating_mul(pointer as u64))
    }
}

/// The signed type of indices in a file.
pub(crate) fn on_disk(index: DType) -> DType {
    if index == DType::UInt32 { DType::Int32 } else { DType::Int64 }
}

/// The largest value that the signed type on disk can hold.
pub(crate) fn largest(index: DType) -> usize {
    if index == DType::UInt32 { i32::MAX as usize } else { i64::MAX as usize }
}
