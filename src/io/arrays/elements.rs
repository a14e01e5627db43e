//! The bytes of an array as elements: in the byte order of this machine, and indices in the width of the matrix.

use crate::any::rewrite;
use crate::error::{ErrorKind, Location, Result};
use crate::io::arrays::array::ForeignArray;
use crate::sparse::{IndexVec, Indices};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{Context, DType, ElementDecoder};

/// Bytes of a block of elements; a multiple of every element size.
const BLOCK: usize = 256 << 10;

/// Memory for a block: its bytes, its elements, and these as indices of twice the width.
pub(super) const MEMORY: u64 = 4 * BLOCK as u64;

impl ForeignArray {
    /// Hands on the elements, in order, a block at a time. A byte that is read as `bool` and is not 0 counts as true.
    pub(in crate::io) fn for_each(
        &self,
        ctx: &Context,
        take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        let size = self.dtype.size();
        let _held = ctx.hold(MEMORY);
        let mut decoder = ElementDecoder::new((self.dtype, self.byte_order), BLOCK)?;
        let mut block: Vec<u8> = Vec::with_capacity(BLOCK);
        let mut left = self.len();
        let mut pass_on = |block: &mut Vec<u8>| {
            let count = (block.len() / size).min(left);
            left -= count;
            ctx.check_cancelled()?;
            decoder.decode(&block[..count * size], take)?;
            block.clear();
            Ok(())
        };
        self.bytes.read(ctx, &mut |mut bytes| {
            while !bytes.is_empty() {
                let now;
                (now, bytes) = bytes.split_at(bytes.len().min(BLOCK - block.len()));
                block.extend_from_slice(now);
                if block.len() == BLOCK {
                    pass_on(&mut block)?;
                }
            }
            Ok(())
        })?;
        if !block.is_empty() {
            pass_on(&mut block)?;
        }
        match left {
            0 => Ok(()),
            left => Err(self
                .error(ErrorKind::Format, "the array is too short")
                .expected(format!("{} elements", self.len()))
                .found(self.len() - left)),
        }
    }

    /// The narrowest type of indices that holds these as they are stored.
    pub(in crate::io) fn index_type(&self) -> Result<DType> {
        match self.dtype {
            DType::Int8 | DType::Int16 | DType::Int32 => Ok(DType::UInt32),
            DType::UInt8 | DType::UInt16 | DType::UInt32 => Ok(DType::UInt32),
            DType::Int64 | DType::UInt64 => Ok(DType::UInt64),
            other => Err(self
                .error(ErrorKind::Type, "indices are integers")
                .expected("int32 or int64")
                .found(other)),
        }
    }

    /// Whether the bytes of the elements are those of indices of this type.
    pub(super) fn is_stored_as(&self, indices: DType) -> bool {
        self.index_type().is_ok_and(|stored| stored == indices)
            && self.dtype.size() == indices.size()
    }

    /// Hands on the elements as indices of a type that holds them, each below `extent`.
    pub(in crate::io) fn for_each_index(
        &self,
        (indices, extent): (DType, usize),
        ctx: &Context,
        take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        self.index_type()?;
        let (mut done, mut made) = (0u64, IndexVec::new(indices));
        self.for_each(ctx, &mut |run| {
            let (mut refused, len) = (None, run.len());
            let run_of_indices = if self.is_stored_as(indices) {
                // The same bytes: a negative one becomes larger than every extent.
                Raw::read(run.bytes(), (Some(indices), len)).unwrap_or(run)
            } else {
                made.resize(len, 0);
                refused = ctx.with_threads(|| rewrite(run, made.as_mut().raw_mut())).err();
                made.as_raw()
            };
            let written = refused.as_ref().map_or(len, |(k, _)| *k);
            let beyond = Indices::of_raw(run_of_indices).slice(0..written).first_beyond(extent);
            if let Some(k) = beyond.or(refused.map(|(k, _)| k)) {
                return Err(self.outside(done + k as u64, extent, run.slice(k..k + 1)));
            }
            done += len as u64;
            take(run_of_indices)
        })
    }

    fn outside(&self, position: u64, extent: usize, index: Raw<'_>) -> crate::error::Error {
        let mut number = [0u64];
        let found = match rewrite(index, RawMut::of(&mut number)) {
            Ok(()) => number[0].to_string(),
            Err((_, negative)) => negative,
        };
        self.error(ErrorKind::Index, "an index is out of range")
            .at(Location::Position(position))
            .expected(format!("an index below {extent} in {}", self.name()))
            .found(found)
    }

    /// A few integers, such as a shape. Fails if there are more than `most`, or one is negative.
    pub(in crate::io) fn few(&self, most: usize, ctx: &Context) -> Result<Vec<usize>> {
        let position = |value| usize::try_from(value).map_err(|_| self.unfit(&value));
        self.few_signed(most, ctx)?.into_iter().map(position).collect()
    }

    fn unfit(&self, number: &dyn std::fmt::Display) -> crate::error::Error {
        self.error(ErrorKind::Format, "a number is negative or too large")
            .expected("numbers from 0 to 2^63 - 1")
            .found(number)
    }

    /// As [`few`](Self::few), of either sign.
    pub(super) fn few_signed(&self, most: usize, ctx: &Context) -> Result<Vec<i64>> {
        self.index_type()?;
        if self.shape.len() > 1 || self.len() > most {
            return Err(self
                .error(ErrorKind::Format, "the array has the wrong shape")
                .expected(format!("one dimension of at most {most} elements"))
                .found(format!("{:?}", self.shape)));
        }
        let mut all = Vec::new();
        self.for_each(ctx, &mut |run| {
            let start = all.len();
            all.resize(start + run.len(), 0i64);
            let made = ctx.with_threads(|| rewrite(run, RawMut::of(&mut all[start..])));
            made.map_err(|(_, number)| self.unfit(&number))
        })?;
        Ok(all)
    }

    /// All elements as positions, each below `extent`, in memory that the caller has checked.
    pub(super) fn positions(&self, extent: usize, ctx: &Context) -> Result<Vec<u64>> {
        let mut all = ctx.with_capacity("the indices of the blocks", self.len())?;
        self.for_each_index((DType::UInt64, extent), ctx, &mut |run| {
            all.extend_from_slice(run.as_typed::<u64>());
            Ok(())
        })?;
        Ok(all)
    }
}
