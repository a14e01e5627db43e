//! The bytes of an array as elements: in the byte order of this machine, and indices in the width of the matrix.

use crate::error::{ErrorKind, Location, Result};
use crate::io::arrays::array::ForeignArray;
use crate::sparse::{Indices, by_index};
use crate::storage::raw::Raw;
use crate::storage::{ByteOrder, Context, DType, RawBufferMut};

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
        let swaps = self.byte_order == ByteOrder::Swapped && size > 1;
        let mut elements = RawBufferMut::fresh(Some(self.dtype), BLOCK / size)?;
        let mut block: Vec<u8> = Vec::with_capacity(BLOCK);
        let mut left = self.len();
        let mut pass_on = |block: &mut Vec<u8>| {
            let count = (block.len() / size).min(left);
            if swaps {
                block.chunks_exact_mut(self.dtype.swap_unit()).for_each(<[u8]>::reverse);
            }
            let mut elements = elements.as_mut();
            let mut elements = elements.slice_mut(0..count);
            elements.copy_from_bytes(&block[..count * size]);
            left -= count;
            block.clear();
            ctx.check_cancelled()?;
            take(elements.as_raw())
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
        let mut done = 0u64;
        // `stored` are the same integers as they are in the file.
        let mut check = |run: Raw<'_>, stored: Raw<'_>| {
            let of_run = Indices::of_raw(run);
            let beyond = by_index!(of_run, run => run.iter().position(|&i| i as usize >= extent));
            if let Some(k) = beyond {
                return Err(self.outside(done + k as u64, extent, element(stored, k)));
            }
            done += run.len() as u64;
            take(run)
        };
        let (mut narrow, mut wide) = (Vec::<u32>::new(), Vec::<u64>::new());
        self.for_each(ctx, &mut |run| {
            if self.is_stored_as(indices) {
                // The same bytes: a negative one becomes larger than every extent.
                let same = Raw::read(run.bytes(), (Some(indices), run.len()));
                return check(same.unwrap_or(run), run);
            }
            widen(run, &mut wide);
            if indices == DType::UInt64 {
                return check(Raw::of(&wide), run);
            }
            // No narrower type is stored where this one is asked for, except negative ones, which are out of range.
            narrow.clear();
            narrow.extend(wide.iter().map(|&index| u32::try_from(index).unwrap_or(u32::MAX)));
            check(Raw::of(&narrow), run)
        })
    }

    fn outside(&self, position: u64, extent: usize, found: i128) -> crate::error::Error {
        self.error(ErrorKind::Index, "an index is out of range")
            .at(Location::Position(position))
            .expected(format!("an index below {extent} in {}", self.name()))
            .found(found)
    }

    /// A few integers, such as a shape. Fails if there are more than `most`, or one is negative.
    pub(in crate::io) fn few(&self, most: usize, ctx: &Context) -> Result<Vec<usize>> {
        let position = |value| {
            usize::try_from(value).map_err(|_| {
                self.error(ErrorKind::Format, "a number is negative or too large")
                    .expected("numbers from 0 to 2^63 - 1")
                    .found(value)
            })
        };
        self.few_signed(most, ctx)?.into_iter().map(position).collect()
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
        let (mut all, mut wide) = (Vec::new(), Vec::new());
        self.for_each(ctx, &mut |run| {
            widen(run, &mut wide);
            all.extend(wide.iter().map(|&value| value as i64));
            Ok(())
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

/// One of some integers of any width.
fn element(run: Raw<'_>, k: usize) -> i128 {
    match run.dtype() {
        Some(DType::Int8) => run.as_typed::<i8>()[k].into(),
        Some(DType::Int16) => run.as_typed::<i16>()[k].into(),
        Some(DType::Int32) => run.as_typed::<i32>()[k].into(),
        Some(DType::Int64) => run.as_typed::<i64>()[k].into(),
        Some(DType::UInt8) => run.as_typed::<u8>()[k].into(),
        Some(DType::UInt16) => run.as_typed::<u16>()[k].into(),
        Some(DType::UInt32) => run.as_typed::<u32>()[k].into(),
        Some(DType::UInt64) => run.as_typed::<u64>()[k].into(),
        _ => unreachable!("integers, by the caller's check"),
    }
}

/// Integers of any width as 64-bit ones; a negative one becomes larger than every extent.
fn widen(run: Raw<'_>, wide: &mut Vec<u64>) {
    wide.clear();
    match run.dtype() {
        Some(DType::Int8) => wide.extend(run.as_typed::<i8>().iter().map(|&i| i as u64)),
        Some(DType::Int16) => wide.extend(run.as_typed::<i16>().iter().map(|&i| i as u64)),
        Some(DType::Int32) => wide.extend(run.as_typed::<i32>().iter().map(|&i| i as u64)),
        Some(DType::Int64) => wide.extend(run.as_typed::<i64>().iter().map(|&i| i as u64)),
        Some(DType::UInt8) => wide.extend(run.as_typed::<u8>().iter().map(|&i| u64::from(i))),
        Some(DType::UInt16) => wide.extend(run.as_typed::<u16>().iter().map(|&i| u64::from(i))),
        Some(DType::UInt32) => wide.extend(run.as_typed::<u32>().iter().map(|&i| u64::from(i))),
        Some(DType::UInt64) => wide.extend_from_slice(run.as_typed::<u64>()),
        _ => unreachable!("integers, by the caller's check"),
    }
}
