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

/// Evaluates an expression with the vector, of `u32` or of `u64`.
macro_rules! by_vec {
    ($vec:expr, $indices:ident => $body:expr) => {
        match $vec {
            IndexVec::Narrow($indices) => $body,
            IndexVec::Wide($indices) => $body,
        }
    };
}

impl Default for IndexVec {
    fn default() -> Self {
        IndexVec::Narrow(Vec::new())
    }
}

impl IndexVec {
    /// Positions of which none is above `largest`, in 32 bits if that suffices.
    pub(crate) fn up_to(positions: Vec<u64>, largest: u64) -> Self {
        match u32::try_from(largest) {
            Ok(_) => IndexVec::Narrow(positions.into_iter().map(|at| at as u32).collect()),
            Err(_) => IndexVec::Wide(positions),
        }
    }

    /// Bytes of memory.
    pub(crate) fn capacity_bytes(&self) -> usize {
        match self {
            IndexVec::Narrow(indices) => 4 * indices.capacity(),
            IndexVec::Wide(indices) => 8 * indices.capacity(),
        }
    }

    /// An empty vector of type `UInt32` or `UInt64`.
    pub(crate) fn new(dtype: DType) -> Self {
        match dtype {
            DType::UInt32 => IndexVec::Narrow(Vec::new()),
            _ => IndexVec::Wide(Vec::new()),
        }
    }

    pub(crate) fn as_indices(&self) -> Indices<'_> {
        by_vec!(self, indices => Indices::new(indices))
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
        by_vec!(self, indices => indices.push(Index::from_usize(position)))
    }

    pub(crate) fn clear(&mut self) {
        by_vec!(self, indices => indices.clear())
    }

    /// Reserves memory for this many more, if the system has it.
    pub(crate) fn try_reserve_exact(
        &mut self,
        more: usize,
    ) -> std::result::Result<(), TryReserveError> {
        by_vec!(self, indices => indices.try_reserve_exact(more))
    }

    /// Changes the length; new elements are the index of `position`.
    pub(crate) fn resize(&mut self, len: usize, position: usize) {
        by_vec!(self, indices => indices.resize(len, Index::from_usize(position)))
    }

    /// Appends indices of the same type.
    ///
    /// # Panics
    /// If they are of another type.
    pub(crate) fn extend(&mut self, more: Indices<'_>) {
        by_vec!(self, indices => indices.extend_from_slice(more.typed()))
    }

    /// Capacity for `len` indices for `what`, within the memory limit. The caller counts it.
    pub(crate) fn with_capacity(
        what: &str,
        dtype: DType,
        len: usize,
        ctx: &Context,
    ) -> Result<Self> {
        Ok(match dtype {
            DType::UInt32 => IndexVec::Narrow(ctx.with_capacity(what, len)?),
            _ => IndexVec::Wide(ctx.with_capacity(what, len)?),
        })
    }

    /// Reserves memory for this many more, if the system has it; somewhat more for gradual growth.
    pub(crate) fn try_reserve(&mut self, more: usize) -> std::result::Result<(), TryReserveError> {
        by_vec!(self, indices => indices.try_reserve(more))
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
        by_vec!(self, indices => go(indices, from.typed(), base))
    }
}
