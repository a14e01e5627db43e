//! `.npy` files as buffers: mapped, or created with their full size reserved.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::checksum;
use crate::storage::files::npy::header::{ByteOrder, DATA_START, NpyHeader, read_header};
use crate::storage::files::stored_file::StoredFile;
use crate::storage::memory::{
    DType, Origin, RawBuffer, RawBufferMut, lock_shared, map_read, map_write, reserve,
    reserve_whole,
};

/// How elements of a Rust type may be stored: a NumPy type, and how many of its elements make up one of ours.
pub(crate) type StoredType = (DType, usize);

/// Maps the array in a `.npy` file for reading, without a copy, if its elements are stored as one of `stored_types`.
///
/// Reads only the header; for `bool`, also the data.
pub(crate) fn map_array(
    stored: &StoredFile,
    dtype: DType,
    stored_types: &[StoredType],
) -> Result<(NpyHeader, RawBuffer)> {
    let (file, path) = (stored.open_read()?, &stored.path());
    let header = read_header(&file, path)?;
    let len = element_count(&header, stored_types).map_err(|e| e.in_file(path))?;
    if len == 0 && !header.data_start.is_multiple_of(dtype.alignment() as u64) {
        // An empty array has no aligned address in the file.
        return Ok((header, RawBuffer::empty(Some(dtype))));
    }
    let map = map_read(&file, path)?;
    let origin = Origin { path: path.to_owned(), file };
    let buffer = RawBuffer::from_map(map, origin, header.data_start as usize, (dtype, len))?;
    Ok((header, buffer))
}

/// Maps the array in a `.npy` file for reading and writing, under an exclusive lock, its space reserved.
pub(crate) fn map_array_mut(
    stored: &StoredFile,
    dtype: DType,
    stored_types: &[StoredType],
) -> Result<(NpyHeader, RawBufferMut)> {
    let (file, path) = (stored.open_write()?, &stored.path());
    let header = read_header(&file, path)?;
    let len = element_count(&header, stored_types).map_err(|e| e.in_file(path))?;
    reserve_whole(&file, path)?;
    let map = map_write(&file, path)?;
    let origin = Origin { path: path.to_owned(), file };
    let buffer = RawBufferMut::from_map(map, origin, header.data_start as usize, (dtype, len))?;
    Ok((header, buffer))
}

/// Maps `len` elements of a file without a header, starting at byte `offset`.
pub(crate) fn map_raw(path: &Path, offset: u64, what: (DType, usize)) -> Result<RawBuffer> {
    map_part(StoredFile::at(path)?.open_read()?, path, offset, what)
}

/// As [`map_raw`], of an open file.
pub(crate) fn map_part(
    file: File,
    path: &Path,
    offset: u64,
    (dtype, len): (DType, usize),
) -> Result<RawBuffer> {
    check_raw(&file, path, offset, (dtype, len))?;
    if len == 0 {
        return Ok(RawBuffer::empty(Some(dtype)));
    }
    let map = map_read(&file, path)?;
    let origin = Origin { path: path.to_owned(), file };
    RawBuffer::from_map(map, origin, offset as usize, (dtype, len))
}

/// The number of our elements, if the file's type represents them, in native byte order.
fn element_count(header: &NpyHeader, stored_types: &[StoredType]) -> Result<usize> {
    let len = count_elements(header, stored_types)?;
    if header.byte_order == ByteOrder::Swapped {
        return Err(Error::new(ErrorKind::Type, "the array does not have native byte order")
            .at_field("descr")
            .expected("native byte order")
            .found("swapped")
            .remedy("copy it with read instead of opening it"));
    }
    Ok(len)
}

/// The number of our elements, if the file's type represents them, in any byte order.
pub(crate) fn count_elements(header: &NpyHeader, stored_types: &[StoredType]) -> Result<usize> {
    let wrong = |what: &str| Error::new(ErrorKind::Type, what).at_field("descr");
    let Some(&(_, unit)) = stored_types.iter().find(|&&(dtype, _)| dtype == header.dtype) else {
        let expected: Vec<_> = stored_types.iter().map(|(dtype, _)| dtype.name()).collect();
        return Err(wrong("the array has another element type")
            .expected(expected.join(" or "))
            .found(header.dtype));
    };
    if !header.len().is_multiple_of(unit) {
        return Err(wrong("the array holds half an element")
            .expected(format!("a multiple of {unit} numbers"))
            .found(header.len()));
    }
    Ok(header.len() / unit)
}

/// Creates an array in `file`, new and empty, with its full size reserved, and maps it for writing; it is all zeros.
///
/// `path` is the file's final path, for messages.
pub(crate) fn create_array(
    file: File,
    path: &Path,
    dtype: DType,
    header: &NpyHeader,
) -> Result<RawBufferMut> {
    reserve(&file, path, DATA_START + header.data_bytes())?;
    write_header(&file, path, header)?;
    let map = map_write(&file, path)?;
    let len = header.data_bytes() as usize / dtype.size();
    let origin = Origin { path: path.to_owned(), file };
    RawBufferMut::from_map(map, origin, DATA_START as usize, (dtype, len))
}

/// Creates `bytes` bytes of elements in `file`, new and empty, with the space reserved, and maps it for writing.
pub(crate) fn create_headerless(
    file: File,
    path: &Path,
    dtype: DType,
    bytes: u64,
) -> Result<RawBufferMut> {
    reserve(&file, path, bytes)?;
    file.set_len(bytes).map_err(|e| Error::io("setting the length", path, e))?;
    let len = bytes as usize / dtype.size();
    if len == 0 {
        return RawBufferMut::fresh(Some(dtype), 0);
    }
    let map = map_write(&file, path)?;
    RawBufferMut::from_map(map, Origin { path: path.to_owned(), file }, 0, (dtype, len))
}

/// Maps `len` elements of a file without a header, from byte `offset` on, for reading and writing, under an exclusive
/// lock, its space reserved.
pub(crate) fn map_raw_mut(
    path: &Path,
    offset: u64,
    (dtype, len): (DType, usize),
) -> Result<RawBufferMut> {
    let stored = StoredFile::at(path)?;
    if checksum::has_sums(&stored)? {
        return Err(Error::new(
            ErrorKind::Type,
            "the file is an array with a header and checksums",
        )
        .in_file(path)
        .expected("a file without a header")
        .remedy("open it with open_mut, which writes its checksums again"));
    }
    let file = stored.open_write()?;
    check_raw(&file, path, offset, (dtype, len))?;
    if len == 0 {
        return RawBufferMut::fresh(Some(dtype), 0);
    }
    reserve_whole(&file, path)?;
    let map = map_write(&file, path)?;
    let origin = Origin { path: path.to_owned(), file };
    RawBufferMut::from_map(map, origin, offset as usize, (dtype, len))
}

/// Fails unless a file has this many elements from byte `offset` on.
fn check_raw(file: &File, path: &Path, offset: u64, (dtype, len): (DType, usize)) -> Result<()> {
    let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
    let end = (len as u64).checked_mul(dtype.size() as u64).and_then(|b| b.checked_add(offset));
    if end.is_none_or(|end| end > length) {
        return Err(Error::new(ErrorKind::Format, "the file is too short for its shape")
            .in_file(path)
            .at_byte(offset)
            .expected(format!("{len} elements of {} bytes", dtype.size()))
            .found(format!("{} bytes", length.saturating_sub(offset))));
    }
    Ok(())
}

/// Rewrites the header for a shape that is no larger, cuts the file to it, and writes everything to the device.
pub(crate) fn finish_array(origin: &Origin, header: &NpyHeader) -> Result<()> {
    let Origin { path, file } = origin;
    write_header(file, path, header)?;
    file.set_len(DATA_START + header.data_bytes())
        .map_err(|e| Error::io("setting the length", path, e))?;
    file.sync_all().map_err(|e| Error::io("writing back", path, e))?;
    lock_shared(file, path)
}

/// Writes the first bytes of a file, up to where the data starts.
pub(crate) fn write_header(file: &File, path: &Path, header: &NpyHeader) -> Result<()> {
    file.write_all_at(&header.to_bytes()?, 0).map_err(|e| Error::io("writing the header", path, e))
}
