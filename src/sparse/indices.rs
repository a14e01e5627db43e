//! Slices of indices and pointers whose width is known at run time, to read.

use std::ops::Range;

use crate::storage::raw::Raw;
use crate::storage::{DType, Index, RawBuffer, RawBufferMut, prefetch_to_read};

/// Indices or pointers, of either width.
#[derive(Clone, Copy)]
pub(crate) enum Indices<'a> {
    Narrow(&'a [u32]),
    Wide(&'a [u64]),
}

/// Evaluates an expression with a slice of `u32` or of `u64`.
macro_rules! by_index {
    ($indices:expr, $slice:ident => $body:expr) => {
        match $indices {
            $crate::sparse::Indices::Narrow($slice) => $body,
            $crate::sparse::Indices::Wide($slice) => $body,
        }
    };
}
pub(crate) use by_index;

/// Evaluates an expression with `I` bound to the type of the indices.
macro_rules! by_index_type {
    ($dtype:expr, $I:ident => $body:expr) => {
        match $dtype {
            $crate::storage::DType::UInt32 => {
                type $I = u32;
                $body
            }
            _ => {
                type $I = u64;
                $body
            }
        }
    };
}
pub(crate) use by_index_type;

impl<'a> Indices<'a> {
    #[inline]
    pub(crate) fn new<I: Index>(indices: &'a [I]) -> Self {
        match I::DTYPE {
            DType::UInt32 => Indices::Narrow(bytemuck::cast_slice(indices)),
            _ => Indices::Wide(bytemuck::cast_slice(indices)),
        }
    }

    /// The last one as a position, if there is one.
    pub(crate) fn last(self) -> Option<usize> {
        self.len().checked_sub(1).map(|last| self.at(last))
    }

    /// Copies those from `start` on to `to`, as positions, so that a loop over some hundred need not branch on the
    /// width.
    ///
    /// # Panics
    /// If there are fewer.
    #[inline]
    pub(crate) fn positions(self, start: usize, to: &mut [usize]) {
        let here = start..start + to.len();
        by_index!(self, indices => {
            to.iter_mut().zip(&indices[here]).for_each(|(to, index)| *to = index.to_usize());
        });
    }

    /// The elements of a buffer of indices.
    ///
    /// # Panics
    /// If it does not hold indices.
    pub(crate) fn of(buffer: &'a RawBuffer) -> Self {
        Self::of_raw(buffer.as_raw())
    }

    /// As [`of`](Self::of), for a buffer that is not frozen yet.
    pub(crate) fn of_mut(buffer: &'a RawBufferMut) -> Self {
        Self::of_raw(buffer.as_raw())
    }

    /// As [`of`](Self::of), for a part of a buffer.
    pub(crate) fn of_raw(raw: Raw<'a>) -> Self {
        match (raw.typed::<u32>(), raw.typed::<u64>()) {
            (Some(narrow), _) => Indices::Narrow(narrow),
            (_, Some(wide)) => Indices::Wide(wide),
            _ => unreachable!("a buffer of indices"),
        }
    }

    /// Number of values.
    pub(crate) fn len(self) -> usize {
        by_index!(self, indices => indices.len())
    }

    /// Bytes of all.
    pub(crate) fn bytes(self) -> usize {
        by_index!(self, indices => size_of_val(indices))
    }

    /// Prefetches index `at`, which need not exist.
    #[inline(always)]
    pub(crate) fn prefetch(self, at: usize) {
        by_index!(self, indices => prefetch_to_read(indices, at));
    }

    /// Index `at` as a position.
    #[inline]
    pub(crate) fn at(self, at: usize) -> usize {
        by_index!(self, indices => indices[at].to_usize())
    }

    /// The position of the first that is not below `extent`.
    pub(crate) fn first_beyond(self, extent: usize) -> Option<usize> {
        by_index!(self, indices => indices.iter().position(|index| index.to_usize() >= extent))
    }

    /// The same, for code that only moves them.
    pub(crate) fn raw(self) -> Raw<'a> {
        by_index!(self, indices => Raw::of(indices))
    }

    /// Those in a range.
    ///
    /// # Panics
    /// If it is out of bounds, as slicing does.
    pub(crate) fn slice(self, range: Range<usize>) -> Self {
        match self {
            Indices::Narrow(indices) => Indices::Narrow(&indices[range]),
            Indices::Wide(indices) => Indices::Wide(&indices[range]),
        }
    }

    /// `UInt32` or `UInt64`.
    pub(crate) fn dtype(self) -> DType {
        match self {
            Indices::Narrow(_) => DType::UInt32,
            Indices::Wide(_) => DType::UInt64,
        }
    }

    /// As indices of type `I`.
    ///
    /// # Panics
    /// If they are of another type.
    pub(crate) fn typed<I: Index>(self) -> &'a [I] {
        self.raw().typed().expect("indices of this type")
    }
}
