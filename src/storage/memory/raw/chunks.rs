//! Runs of values as tasks.
#![allow(unsafe_code)] // runs that do not overlap, yielded once each

use crate::storage::memory::dtype::DType;
use crate::storage::memory::raw::view::width;
use crate::storage::memory::raw::view_mut::RawMut;
use crate::storage::runtime::parallel::{ChunksMut, ParallelSlice, Tasks};

/// Runs of values to change.
pub(crate) struct RawChunks<'a> {
    bytes: ChunksMut<'a, u8>,
    dtype: Option<DType>,
    /// Values in total, and per run.
    len: usize,
    size: usize,
}

impl<'a> RawMut<'a> {
    /// Tasks of runs of `size` values, the last of which may be shorter.
    pub(crate) fn par_chunks_mut(self, size: usize) -> RawChunks<'a> {
        let RawMut { bytes, dtype, len } = self;
        RawChunks { bytes: bytes.par_chunks_mut((size * width(dtype)).max(1)), dtype, len, size }
    }
}

impl<'a> Tasks for RawChunks<'a> {
    type Item = RawMut<'a>;
    fn count(&self) -> usize {
        self.len.div_ceil(self.size)
    }
    unsafe fn take(&self, at: usize) -> RawMut<'a> {
        let len = self.size.min(self.len - at * self.size);
        // SAFETY: as the caller promises; of values with bytes there are as many runs of bytes.
        let bytes = if width(self.dtype) == 0 { &mut [] } else { unsafe { self.bytes.take(at) } };
        RawMut { bytes, dtype: self.dtype, len }
    }
}
