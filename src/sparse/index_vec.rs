//! Vectors of indices and pointers whose width is known at run time.

use std::collections::TryReserveError;

use crate::error::Result;
use crate::sparse::indices::Indices;
use crate::sparse::indices_mut::IndicesMut;
use crate::storage::raw::Raw;
use crate::storage::{Context, DType, Index};

/// A vector of indices of either width.
pub(crate) enum IndexVec {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

impl IndexVec {
    /// An empty vector of type `UInt32` or `UInt64`.
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

    /// Appends a position, which was checked to fit.
    #[inline(always)]
    pub(crate) fn push(&mut self, position: usize) {
        match self {
            IndexVec::Narrow(indices) => indices.push(position as u32),
            IndexVec::Wide(indices) => indices.push(position as u64),
        }
    }

    pub(crate) fn clear(&mut self) {
        match self {
            IndexVec::Narrow(indices) => indices.clear(),
            IndexVec::Wide(indices) => indices.clear(),
        }
    }

    /// Reserves memory for this many more, if the system has it.
    pub(crate) fn try_reserve_exact(
        &mut self,
        more: usize,
    ) -> std::result::Result<(), TryReserveError> {
        match self {
            IndexVec::Narrow(indices) => indices.try_reserve_exact(more),
            IndexVec::Wide(indices) => indices.try_reserve_exact(more),
        }
    }

    /// Changes the length; new elements are the index of `position`.
    pub(crate) fn resize(&mut self, len: usize, position: usize) {
        match self {
            IndexVec::Narrow(indices) => indices.resize(len, position as u32),
            IndexVec::Wide(indices) => indices.resize(len, position as u64),
        }
    }

    /// Appends indices of the same type.
    ///
    /// # Panics
    /// If they are of another type.
    pub(crate) fn extend(&mut self, more: Indices<'_>) {
        match (self, more) {
            (IndexVec::Narrow(indices), Indices::Narrow(more)) => indices.extend_from_slice(more),
            (IndexVec::Wide(indices), Indices::Wide(more)) => indices.extend_from_slice(more),
            _ => unreachable!("indices of one type"),
        }
    }

    /// Capacity for `len` indices for `what`, within the memory limit. The caller counts it.
    pub(crate) fn room(what: &str, dtype: DType, len: usize, ctx: &Context) -> Result<Self> {
        Ok(match dtype {
            DType::UInt32 => IndexVec::Narrow(ctx.room(what, len)?),
            _ => IndexVec::Wide(ctx.room(what, len)?),
        })
    }

    /// Reserves memory for this many more, if the system has it; somewhat more for gradual growth.
    pub(crate) fn try_reserve(&mut self, more: usize) -> std::result::Result<(), TryReserveError> {
        match self {
            IndexVec::Narrow(indices) => indices.try_reserve(more),
            IndexVec::Wide(indices) => indices.try_reserve(more),
        }
    }

    /// Appends `count` positions, which were checked to fit.
    pub(crate) fn extend_with(&mut self, count: usize, position: &mut dyn FnMut(usize) -> usize) {
        match self {
            IndexVec::Narrow(indices) => indices.extend((0..count).map(|k| position(k) as u32)),
            IndexVec::Wide(indices) => indices.extend((0..count).map(|k| position(k) as u64)),
        }
    }

    /// Appends pointers of the same type, counted from `base`; none is less.
    ///
    /// # Panics
    /// If they are of another type.
    pub(crate) fn extend_relative(&mut self, from: Indices<'_>, base: usize) {
        fn go<I: Index>(to: &mut Vec<I>, from: &[I], base: usize) {
            to.extend(from.iter().map(|index| I::from_usize(index.to_usize() - base)));
        }
        match self {
            IndexVec::Narrow(indices) => go(indices, from.typed(), base),
            IndexVec::Wide(indices) => go(indices, from.typed(), base),
        }
    }
}
