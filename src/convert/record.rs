//! Entries as records of bytes, value, line, index: what a scatter moves in one go.

use bytemuck::bytes_of;
use bytemuck::checked::try_pod_read_unaligned;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Entry, Index};

/// Bytes of a record.
pub(super) const fn bytes<T, I>() -> usize {
    size_of::<T>() + 2 * size_of::<I>()
}

/// Writes a record over the start of `to`.
#[inline(always)]
pub(super) fn store<T: Entry, I: Index>(to: &mut [u8], major: I, minor: I, value: T) {
    let to = &mut to[..bytes::<T, I>()];
    to[..size_of::<T>()].copy_from_slice(bytes_of(&value));
    to[size_of::<T>()..][..size_of::<I>()].copy_from_slice(bytes_of(&major));
    to[size_of::<T>() + size_of::<I>()..].copy_from_slice(bytes_of(&minor));
}

/// The line of a record.
#[inline(always)]
pub(super) fn major<T: Entry, I: Index>(record: &[u8]) -> usize {
    let bytes = &record[size_of::<T>()..][..size_of::<I>()];
    try_pod_read_unaligned::<I>(bytes).map_or(usize::MAX, |index| index.to_usize())
}

/// The other index and the value of a record; `None` if its bytes are no value.
#[inline(always)]
pub(super) fn rest<T: Entry, I: Index>(record: &[u8]) -> Option<(I, T)> {
    let (value, indices) = record.split_at(size_of::<T>());
    let minor = try_pod_read_unaligned(&indices[size_of::<I>()..2 * size_of::<I>()]).ok()?;
    Some((minor, try_pod_read_unaligned(value).ok()?))
}

/// The error for records that are not what was written.
pub(super) fn damaged() -> Error {
    Error::new(ErrorKind::Io, "the scratch file does not hold what was written to it")
}

/// As [`damaged`], unless there is a value.
pub(super) fn undamaged<V>(value: Option<V>) -> Result<V> {
    value.ok_or_else(damaged)
}
