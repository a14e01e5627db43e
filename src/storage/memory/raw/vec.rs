//! Values of one type that are kept aside.

use crate::storage::memory::element::DType;
use crate::storage::memory::raw::view::{Raw, width};
use crate::storage::memory::raw::view_mut::RawMut;

/// Values of one type that are kept aside.
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

    /// Room for so many values more, if the system has it.
    pub(crate) fn try_reserve_exact(
        &mut self,
        more: usize,
    ) -> Result<(), std::collections::TryReserveError> {
        self.bytes.try_reserve_exact(more.saturating_mul(width(self.dtype)))
    }

    /// Takes values of its type.
    pub(crate) fn extend(&mut self, values: Raw<'_>) {
        assert_eq!(self.dtype, values.dtype, "values of one type");
        self.bytes.extend_from_slice(values.bytes);
        self.len += values.len;
    }

    /// So many values; those that are new are the one without bits.
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
