//! Entries as records of bytes, value, line, index: the unit that a scatter moves at once.

use bytemuck::bytes_of;
use bytemuck::checked::pod_read_unaligned;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::Types;
use crate::storage::raw::{Carrier, width};
use crate::storage::{DType, Index};

/// The types of the parts of a record.
#[derive(Clone, Copy)]
pub(crate) struct RecordLayout {
    /// `None` for a pattern.
    pub(crate) values: Option<DType>,
    /// `UInt32` or `UInt64`.
    pub(crate) indices: DType,
}

impl RecordLayout {
    /// The layout for entries of a compressed matrix.
    pub(crate) fn of(types: Types) -> Self {
        RecordLayout { values: types.values, indices: types.indices }
    }

    /// Bytes of a record.
    pub(crate) fn size(self) -> usize {
        width(self.values) + 2 * self.indices.size()
    }
}

/// Writes a record to `to`, which must have its length; `None` if it does not.
#[inline(always)]
pub(crate) fn store<I: Index, const W: usize>(
    to: &mut [u8],
    (major, minor, value): (I, I, Carrier<W>),
) -> Option<()> {
    *to.first_chunk_mut()? = *value.bytes();
    to.get_mut(W..W + size_of::<I>())?.copy_from_slice(bytes_of(&major));
    to.get_mut(W + size_of::<I>()..W + 2 * size_of::<I>())?.copy_from_slice(bytes_of(&minor));
    Some(())
}

/// The line of a record whose value has `value` bytes.
#[inline(always)]
pub(crate) fn major<I: Index>(record: &[u8], value: usize) -> I {
    pod_read_unaligned(&record[value..][..size_of::<I>()])
}

/// The other index of a record whose value has `value` bytes.
#[inline(always)]
pub(crate) fn minor<I: Index>(record: &[u8], value: usize) -> I {
    pod_read_unaligned(&record[value + size_of::<I>()..][..size_of::<I>()])
}

/// The error for records that differ from what was written.
pub(crate) fn damaged() -> Error {
    Error::new(ErrorKind::Io, "the scratch file does not contain what was written to it")
}

/// As [`damaged`], unless there is a value.
pub(crate) fn undamaged<V>(value: Option<V>) -> Result<V> {
    value.ok_or_else(damaged)
}
