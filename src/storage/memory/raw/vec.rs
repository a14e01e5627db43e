//! A growable vector of values of one type.

use crate::storage::memory::dtype::DType;
use crate::storage::memory::element::Entry;
use crate::storage::memory::raw::view::{Raw, width};
use crate::storage::memory::raw::view_mut::RawMut;

/// A growable vector of values of one type.
#[derive(Default)]
pub(crate) struct RawVec {
    bytes: Vec<u8>,
    dtype: Option<DType>,
    len: usize,
}

impl RawVec {
    pub(crate) fn new(dtype: Option<DType>) -> Self {
        RawVec { bytes: Vec::new(), dtype, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.len = 0;
    }

    /// Reserves memory for this many more values, if the system has it.
    pub(crate) fn try_reserve_exact(
        &mut self,
        more: usize,
    ) -> Result<(), std::collections::TryReserveError> {
        self.bytes.try_reserve_exact(more.saturating_mul(width(self.dtype)))
    }

    /// Appends a value of the same type.
    #[inline(always)]
    pub(crate) fn push<T: Entry>(&mut self, value: T) {
        debug_assert_eq!(self.dtype, T::ENTRY_DTYPE, "values of one type");
        self.bytes.extend_from_slice(bytemuck::bytes_of(&value));
        self.len += 1;
    }

    /// Appends values of the same type.
    pub(crate) fn extend(&mut self, values: Raw<'_>) {
        assert_eq!(self.dtype, values.dtype, "values of one type");
        self.bytes.extend_from_slice(values.bytes);
        self.len += values.len;
    }

    /// Changes the length; new values are zero or `false`.
    pub(crate) fn resize(&mut self, len: usize) {
        self.bytes.resize(len * width(self.dtype), 0);
        self.len = len;
    }

    pub(crate) fn as_raw(&self) -> Raw<'_> {
        Raw { bytes: &self.bytes, dtype: self.dtype, len: self.len }
    }

    pub(crate) fn as_mut(&mut self) -> RawMut<'_> {
        RawMut { bytes: &mut self.bytes, dtype: self.dtype, len: self.len }
    }
}
