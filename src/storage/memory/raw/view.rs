//! A run of values, to read.
#![allow(unsafe_code)] // bytes as values of the type from which they came

use std::ops::Range;

use crate::storage::memory::dtype::DType;
use crate::storage::memory::element::Entry;
use crate::storage::memory::raw::carrier::Carrier;

/// Bytes of a value.
pub(crate) fn width(dtype: Option<DType>) -> usize {
    dtype.map_or(0, DType::size)
}

/// A run of values.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    /// As many bytes as the values have.
    pub(crate) bytes: &'a [u8],
    pub(crate) dtype: Option<DType>,
    pub(crate) len: usize,
}

impl<'a> Raw<'a> {
    pub(crate) fn of<T: Entry>(values: &'a [T]) -> Self {
        Raw { bytes: bytemuck::cast_slice(values), dtype: T::ENTRY_DTYPE, len: values.len() }
    }

    /// Values with these bytes.
    ///
    /// # Safety
    /// The bytes are `len` values of the type.
    pub(in crate::storage) unsafe fn from_bytes(
        bytes: &'a [u8],
        dtype: Option<DType>,
        len: usize,
    ) -> Self {
        assert_eq!(bytes.len(), len * width(dtype));
        Raw { bytes, dtype, len }
    }

    /// Bytes that were read, as values, if they are `len` values of the type.
    pub(crate) fn read(bytes: &'a [u8], (dtype, len): (Option<DType>, usize)) -> Option<Self> {
        are_values(bytes, (dtype, len)).then_some(Raw { bytes, dtype, len })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// `None` for a pattern.
    pub(crate) fn dtype(&self) -> Option<DType> {
        self.dtype
    }

    /// Bytes of a value.
    pub(crate) fn width(&self) -> usize {
        width(self.dtype)
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The values in a range.
    ///
    /// # Panics
    /// If it is out of bounds, as slicing does.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        self.get(range).expect("a range within the values")
    }

    /// The values in a range, if all exist.
    pub(crate) fn get(&self, range: Range<usize>) -> Option<Self> {
        let width = self.width();
        if range.start > range.end || range.end > self.len {
            return None;
        }
        let bytes = &self.bytes[range.start * width..range.end * width];
        Some(Raw { bytes, dtype: self.dtype, len: range.len() })
    }

    /// The first `at` values and the rest.
    ///
    /// # Panics
    /// If there are fewer than `at`.
    pub(crate) fn split_at(&self, at: usize) -> (Self, Self) {
        (self.slice(0..at), self.slice(at..self.len))
    }

    /// The values, `None` unless they are of type `T`.
    pub(crate) fn typed<T: Entry>(&self) -> Option<&'a [T]> {
        if T::ENTRY_DTYPE != self.dtype {
            return None;
        }
        if size_of::<T>() == 0 {
            // SAFETY: a type without bytes: nothing is read, and T is Zeroable.
            return Some(unsafe {
                std::slice::from_raw_parts(std::ptr::NonNull::dangling().as_ptr(), self.len)
            });
        }
        if !self.bytes.as_ptr().cast::<T>().is_aligned() {
            return None;
        }
        // SAFETY: `len` values of this type, as every constructor guarantees, and aligned.
        Some(unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.len) })
    }

    /// The values, of the type with which they were made.
    pub(crate) fn as_typed<T: Entry>(&self) -> &'a [T] {
        self.typed().expect("values of the type with which they were made")
    }

    /// The values as carriers of their width.
    pub(crate) fn carriers<const W: usize>(&self) -> &'a [Carrier<W>] {
        assert_eq!(W, self.width());
        // SAFETY: `len` times W bytes, which is what a carrier is; any address will do.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.len) }
    }
}

/// Whether the bytes are `len` values of the type. For all types but `bool` every bit pattern is a value.
pub(crate) fn are_values(bytes: &[u8], (dtype, len): (Option<DType>, usize)) -> bool {
    len.checked_mul(width(dtype)) == Some(bytes.len())
        && (dtype != Some(DType::Bool) || bytes.iter().all(|&byte| byte < 2))
}
