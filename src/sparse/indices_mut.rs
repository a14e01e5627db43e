//! Indices and pointers of a width that is known at run time: written to, and kept aside.

use std::collections::TryReserveError;

use crate::sparse::any_compressed::{Indices, by_index};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{DType, Index, RawBufferMut};

/// Indices or pointers, of either width, that others may take the place of.
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

/// Evaluates an expression with `I` being the type that indices have.
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

impl<'a> IndicesMut<'a> {
    /// The elements of a buffer of indices.
    ///
    /// # Panics
    /// If it is none.
    pub(crate) fn of(buffer: &'a mut RawBufferMut) -> Self {
        match buffer.dtype() {
            Some(DType::UInt32) => IndicesMut::Narrow(typed_indices(buffer.as_mut())),
            _ => IndicesMut::Wide(typed_indices(buffer.as_mut())),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        by_index_mut!(self, indices => indices.len())
    }

    /// The same, to look at.
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

    /// Makes index `at` that of a position, which was seen to fit.
    ///
    /// # Panics
    /// If there is no such index.
    #[inline(always)]
    pub(crate) fn set(&mut self, at: usize, position: usize) {
        by_index_mut!(self, indices => indices[at] = Index::from_usize(position));
    }

    /// Takes the first ones away.
    ///
    /// # Panics
    /// If there are not so many.
    pub(crate) fn take_front(&mut self, count: usize) -> Self {
        match self {
            IndicesMut::Narrow(indices) => {
                IndicesMut::Narrow(indices.split_off_mut(..count).expect("so many indices"))
            }
            IndicesMut::Wide(indices) => {
                IndicesMut::Wide(indices.split_off_mut(..count).expect("so many indices"))
            }
        }
    }

    /// Gives way to positions, one for each.
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
}

/// Indices that are seen to be of type `I`.
///
/// # Panics
/// If they are of another.
pub(crate) fn typed_indices<I: Index>(raw: RawMut<'_>) -> &mut [I] {
    raw.typed().expect("indices of this type")
}

/// Indices of either width that are kept aside.
pub(crate) enum IndexVec {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

impl IndexVec {
    /// None yet, of type `UInt32` or `UInt64`.
    pub(crate) fn new(dtype: DType) -> Self {
        match dtype {
            DType::UInt32 => IndexVec::Narrow(Vec::new()),
            _ => IndexVec::Wide(Vec::new()),
        }
    }

    pub(crate) fn as_indices(&self) -> Indices<'_> {
        match self {
            IndexVec::Narrow(indices) => Indices::Narrow(indices),
            IndexVec::Wide(indices) => Indices::Wide(indices),
        }
    }

    pub(crate) fn as_raw(&self) -> Raw<'_> {
        self.as_indices().raw()
    }

    pub(crate) fn as_mut(&mut self) -> IndicesMut<'_> {
        match self {
            IndexVec::Narrow(indices) => IndicesMut::Narrow(indices),
            IndexVec::Wide(indices) => IndicesMut::Wide(indices),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.as_indices().len()
    }

    pub(crate) fn clear(&mut self) {
        match self {
            IndexVec::Narrow(indices) => indices.clear(),
            IndexVec::Wide(indices) => indices.clear(),
        }
    }

    /// Room for so many more, if the system has it.
    pub(crate) fn try_reserve_exact(&mut self, more: usize) -> Result<(), TryReserveError> {
        match self {
            IndexVec::Narrow(indices) => indices.try_reserve_exact(more),
            IndexVec::Wide(indices) => indices.try_reserve_exact(more),
        }
    }

    /// So many; those that are new are that of a position.
    pub(crate) fn resize(&mut self, len: usize, position: usize) {
        match self {
            IndexVec::Narrow(indices) => indices.resize(len, position as u32),
            IndexVec::Wide(indices) => indices.resize(len, position as u64),
        }
    }

    /// Takes indices of its type.
    ///
    /// # Panics
    /// If they are of another.
    pub(crate) fn extend(&mut self, more: Indices<'_>) {
        match (self, more) {
            (IndexVec::Narrow(indices), Indices::Narrow(more)) => indices.extend_from_slice(more),
            (IndexVec::Wide(indices), Indices::Wide(more)) => indices.extend_from_slice(more),
            _ => unreachable!("indices of one type"),
        }
    }
}

impl<'a> Indices<'a> {
    /// The same, to be moved.
    pub(crate) fn raw(self) -> Raw<'a> {
        by_index!(self, indices => Raw::of(indices))
    }

    /// Those in a range.
    ///
    /// # Panics
    /// If it is out of bounds, as slicing does.
    pub(crate) fn slice(self, range: std::ops::Range<usize>) -> Self {
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
    /// If they are of another.
    pub(crate) fn typed<I: Index>(self) -> &'a [I] {
        self.raw().typed().expect("indices of this type")
    }
}
