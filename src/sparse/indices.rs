//! More of indices and pointers of either width: looked at, filled and kept as positions.

use std::collections::TryReserveError;

use crate::error::Result;
use crate::sparse::any_compressed::{Indices, by_index};
use crate::sparse::indices_mut::{IndexVec, IndicesMut, by_index_mut};
use crate::storage::{BufferMut, Context, DType, Index, RawBuffer};

impl<'a> Indices<'a> {
    #[inline]
    pub(crate) fn new<I: Index>(indices: &'a [I]) -> Self {
        match I::DTYPE {
            DType::UInt32 => Indices::Narrow(bytemuck::cast_slice(indices)),
            _ => Indices::Wide(bytemuck::cast_slice(indices)),
        }
    }

    /// The last one as a position, if there is any.
    pub(crate) fn last(self) -> Option<usize> {
        self.len().checked_sub(1).map(|last| self.at(last))
    }

    /// Puts those from `start` on into `to`, as positions: a loop over some hundred of them need not ask how wide each is.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline]
    pub(crate) fn positions(self, start: usize, to: &mut [usize]) {
        let here = start..start + to.len();
        by_index!(self, indices => {
            to.iter_mut().zip(&indices[here]).for_each(|(to, index)| *to = index.to_usize());
        });
    }
}

impl IndicesMut<'_> {
    /// Makes them `first` and the positions that follow it, which were seen to fit.
    pub(crate) fn count_from(&mut self, first: usize) {
        fn go<I: Index>(to: &mut [I], first: usize) {
            to.iter_mut().zip(first..).for_each(|(to, position)| *to = I::from_usize(position));
        }
        by_index_mut!(self, indices => go(indices, first));
    }
}

impl IndexVec {
    /// Room for `len` of them for `what`, within the memory limit. The caller counts it.
    pub(crate) fn room(what: &str, dtype: DType, len: usize, ctx: &Context) -> Result<Self> {
        Ok(match dtype {
            DType::UInt32 => IndexVec::Narrow(ctx.room(what, len)?),
            _ => IndexVec::Wide(ctx.room(what, len)?),
        })
    }

    /// Room for so many more, if the system has it; some more than that where it comes little by little.
    pub(crate) fn try_reserve(&mut self, more: usize) -> std::result::Result<(), TryReserveError> {
        match self {
            IndexVec::Narrow(indices) => indices.try_reserve(more),
            IndexVec::Wide(indices) => indices.try_reserve(more),
        }
    }

    pub(crate) fn into_buffer(self) -> RawBuffer {
        match self {
            IndexVec::Narrow(indices) => BufferMut::from(indices).into_raw().freeze(),
            IndexVec::Wide(indices) => BufferMut::from(indices).into_raw().freeze(),
        }
    }

    /// Takes `count` positions, which were seen to fit.
    pub(crate) fn extend_with(&mut self, count: usize, position: &mut dyn FnMut(usize) -> usize) {
        match self {
            IndexVec::Narrow(indices) => indices.extend((0..count).map(|k| position(k) as u32)),
            IndexVec::Wide(indices) => indices.extend((0..count).map(|k| position(k) as u64)),
        }
    }

    /// Takes pointers of its type, counted from `base`; none is less.
    ///
    /// # Panics
    /// If they are of another.
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
