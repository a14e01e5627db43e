//! Slices of indices and pointers whose width is known at run time, to write.

use std::ops::Range;

use crate::sparse::indices::Indices;
use crate::storage::raw::RawMut;
use crate::storage::{DType, Index, RawBufferMut};

/// Indices or pointers, of either width, that can be replaced.
pub(crate) enum IndicesMut<'a> {
    Narrow(&'a mut [u32]),
    Wide(&'a mut [u64]),
}

/// Evaluates an expression with a slice of `u32` or of `u64`, or with a vector of them.
macro_rules! by_index_mut {
    ($indices:expr, $slice:ident => $body:expr) => {
        match $indices {
            $crate::sparse::IndicesMut::Narrow($slice) => $body,
            $crate::sparse::IndicesMut::Wide($slice) => $body,
        }
    };
}
pub(crate) use by_index_mut;

impl<'a> IndicesMut<'a> {
    /// The elements of a buffer of indices.
    ///
    /// # Panics
    /// If it does not hold indices.
    pub(crate) fn of(buffer: &'a mut RawBufferMut) -> Self {
        match buffer.dtype() {
            Some(DType::UInt32) => IndicesMut::Narrow(typed_indices(buffer.as_mut())),
            _ => IndicesMut::Wide(typed_indices(buffer.as_mut())),
        }
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        by_index_mut!(self, indices => indices.len())
    }

    /// The same, for code that only moves them.
    pub(crate) fn raw_mut(&mut self) -> RawMut<'_> {
        by_index_mut!(self, indices => RawMut::of(&mut indices[..]))
    }

    /// The same, to read.
    pub(crate) fn as_indices(&self) -> Indices<'_> {
        match self {
            IndicesMut::Narrow(indices) => Indices::Narrow(indices),
            IndicesMut::Wide(indices) => Indices::Wide(indices),
        }
    }

    /// Index `at` as a position, if there is one.
    #[inline(always)]
    pub(crate) fn at(&self, at: usize) -> Option<usize> {
        by_index_mut!(self, indices => indices.get(at).map(|index| index.to_usize()))
    }

    /// Sets index `at` to a position, which was checked to fit.
    ///
    /// # Panics
    /// If there is no such index.
    #[inline(always)]
    pub(crate) fn set(&mut self, at: usize, position: usize) {
        by_index_mut!(self, indices => indices[at] = Index::from_usize(position));
    }

    /// Borrows those in a range.
    ///
    /// # Panics
    /// If it is out of bounds, as slicing does.
    pub(crate) fn slice_mut(&mut self, range: Range<usize>) -> IndicesMut<'_> {
        match self {
            IndicesMut::Narrow(indices) => IndicesMut::Narrow(&mut indices[range]),
            IndicesMut::Wide(indices) => IndicesMut::Wide(&mut indices[range]),
        }
    }

    /// Splits off the first `count`.
    ///
    /// # Panics
    /// If there are fewer.
    pub(crate) fn take_front(&mut self, count: usize) -> Self {
        match self {
            IndicesMut::Narrow(indices) => IndicesMut::Narrow(
                indices.split_off_mut(..count).expect("count is within the length"),
            ),
            IndicesMut::Wide(indices) => IndicesMut::Wide(
                indices.split_off_mut(..count).expect("count is within the length"),
            ),
        }
    }

    /// Replaces all indices by positions, one for each.
    pub(crate) fn copy_from(&mut self, positions: &[usize]) {
        fn go<I: Index>(to: &mut [I], from: &[usize]) {
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = I::from_usize(from));
        }
        by_index_mut!(self, indices => go(indices, positions));
    }

    /// Adds a number to each.
    pub(crate) fn add(&mut self, more: usize) {
        fn go<I: Index>(indices: &mut [I], more: usize) {
            indices.iter_mut().for_each(|index| *index = I::from_usize(more + index.to_usize()));
        }
        by_index_mut!(self, indices => go(indices, more));
    }

    /// Sets them to `first` and the positions that follow, which were checked to fit.
    pub(crate) fn count_from(&mut self, first: usize) {
        fn go<I: Index>(to: &mut [I], first: usize) {
            to.iter_mut().zip(first..).for_each(|(to, position)| *to = I::from_usize(position));
        }
        by_index_mut!(self, indices => go(indices, first));
    }
}

/// Indices as type `I`.
///
/// # Panics
/// If they are of another type.
pub(crate) fn typed_indices<I: Index>(raw: RawMut<'_>) -> &mut [I] {
    raw.typed().expect("indices of this type")
}
