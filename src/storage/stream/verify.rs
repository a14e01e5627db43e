//! Verifying stored files: checksums, and that the files of a matrix belong together.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::{
    BLOCK, ByteOrder, Checksums, DESCRIPTOR, Descriptor, Folder, INDICES_FILE, MARK, POINTERS_FILE,
    ROWS_FILE, SIDE, SparseFormat, StoredFile, StoredValues, Summing, VALUES_FILE, check_closed,
    checksum, read_header,
};
use crate::storage::memory::{DType, Origin};
use crate::storage::runtime::{Context, Plan, Running};
use crate::storage::stream::file_bytes::sweep_bytes;
use crate::storage::stream::panel_cut::{RING, bytes_within};

/// What [`verify`] compared, without finding an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Verified {
    /// Files compared with their sums.
    pub files: u64,
    /// Bytes read and summed.
    pub bytes: u64,
}

/// Compares a stored array, or every file of a stored matrix, with the sums written when it was published.
///
/// The first block that differs is an error of kind [`ErrorKind::Checksum`] that names file, byte, expected and found
/// sum. A matrix must have its descriptor and the arrays that it names, with the described sizes. One version is
/// verified as a whole, even while another replaces it. Cost: one pass over the files; memory: at most 64 MiB, and a
/// quarter of the limit.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.npy");
/// use outcore::{Context, Dense, verify};
/// let ctx = Context::new();
/// Dense::from(ndarray::arr2(&[[1.0, 2.0]])).copy_to(&path, &ctx)?;
/// assert_eq!(verify(&path, &ctx)?.files, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(path: impl AsRef<Path>, ctx: &Context) -> Result<Verified> {
    let path = path.as_ref();
    match path.is_dir() {
        true => Folder::whole(path, |folder| verify_matrix(folder, ctx)),
        false => verify_array(&StoredFile::at(path)?, ctx),
    }
}

/// Whether the stored array or matrix at a path has checksums, for every file of it, that [`verify`] can compare.
///
/// Nothing is read but names and the beginnings of the side files. Fails if nothing is there.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.npy");
/// # use outcore::{Context, Dense, has_checksums};
/// Dense::from(ndarray::arr2(&[[1.0, 2.0]])).copy_to(&path, &Context::new())?;
/// assert!(has_checksums(&path)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn has_checksums(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref();
    if !path.is_dir() {
        return checksum::has_sums(&StoredFile::at(path)?);
    }
    let folder = Folder::open(path)?;
    let names = folder.names()?;
    let is_data = |name: &&std::ffi::OsString| {
        let name = name.as_encoded_bytes();
        !name.ends_with(SIDE.as_bytes()) && !name.ends_with(MARK.as_bytes())
    };
    let mut files = names.iter().filter(is_data).map(|name| folder.file(name));
    files.try_fold(true, |all, file| Ok(all && checksum::has_sums(&file)?))
}

fn verify_array(stored: &StoredFile, ctx: &Context) -> Result<Verified> {
    // An array and its sums are published one after the other, under this lock.
    let lock = stored.folder().lock(true)?;
    let file = stored.open_read()?;
    check_closed(stored, true)?;
    let side = checksum::read_side(&file, stored)?;
    drop(lock);
    let _running = begin(&[&file], &stored.path(), ctx)?;
    let bytes = compare(&file, stored, &side, ctx)?;
    Ok(Verified { files: 1, bytes })
}

fn verify_matrix(folder: &Arc<Folder>, ctx: &Context) -> Result<Verified> {
    let mut names = folder.names()?;
    if !names.iter().any(|name| name == DESCRIPTOR) {
        return Err(Error::new(ErrorKind::Format, "not a stored matrix")
            .in_file(folder.path())
            .expected(format!("a folder with {DESCRIPTOR}"))
            .found(match names.len() {
                0 => "an empty folder".to_owned(),
                count => format!("{count} other files"),
            }));
    }
    check_arrays(&Descriptor::read_in(folder)?, folder)?;
    // A side file implies its data: a missing file whose sums exist is detected.
    for name in &mut names {
        if let Some(data) = name.to_str().and_then(|name| name.strip_suffix(SIDE)) {
            *name = data.into();
        }
    }
    // A mark is checked with the array that it belongs to.
    names.retain(|name| !name.as_encoded_bytes().ends_with(MARK.as_bytes()));
    names.sort();
    names.dedup();
    let opened = |name| {
        let stored = folder.file(name);
        let file = stored.open_read()?;
        check_closed(&stored, true)?;
        Ok((stored, file))
    };
    let files = names.into_iter().map(opened).collect::<Result<Vec<_>>>()?;
    let all: Vec<_> = files.iter().map(|(_, file)| file).collect();
    let _running = begin(&all, folder.path(), ctx)?;
    let mut verified = Verified::default();
    for (stored, file) in &files {
        let side = checksum::read_side(file, stored)?;
        verified.bytes += compare(file, stored, &side, ctx)?;
        verified.files += 1;
    }
    Ok(verified)
}

/// Begins to compare open files.
fn begin(files: &[&File], path: &Path, ctx: &Context) -> Result<Running> {
    let lengths = files.iter().map(|file| file.metadata().map(|it| it.len()));
    let bytes = lengths.sum::<std::io::Result<u64>>();
    let bytes = bytes.map_err(|e| Error::io("reading the size", path, e))?;
    let running = ctx.begin(|| {
        let plan = Plan::new("verifying").reads(1, bytes).on_device_of(Some((path, bytes)));
        Ok(plan.holds(bytes.min(ctx.memory_left() / 4).min(RING)))
    })?;
    ctx.meter().pass();
    Ok(running)
}

/// Compares an open file with the sums in the text of its side file; returns its length.
fn compare(file: &File, stored: &StoredFile, side: &[u8], ctx: &Context) -> Result<u64> {
    let path = &stored.path();
    let (expected_length, expected) = checksum::parse(side, &checksum::side_file(stored).path())?;
    let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
    let differs = |at: u64, expected: String, found: String| {
        Err(Error::new(ErrorKind::Checksum, "the file is not as it was written")
            .in_file(path)
            .at_byte(at)
            .expected(expected)
            .found(found))
    };
    if length != expected_length {
        return differs(
            length.min(expected_length),
            format!("{expected_length} bytes"),
            format!("{length}"),
        );
    }
    let found = sums_of(file, path, length, ctx)?;
    for (block, (expected, found)) in expected.iter().zip(&found.0).enumerate() {
        if expected != found {
            return differs(
                block as u64 * BLOCK,
                format!("the sum {expected:016x} over {BLOCK} bytes"),
                format!("{found:016x}"),
            );
        }
    }
    Ok(length)
}

/// The sums of a file, which is read ahead of the summing.
fn sums_of(file: &File, path: &Path, length: u64, ctx: &Context) -> Result<Checksums> {
    let file = file.try_clone().map_err(|e| Error::io("opening", path, e))?;
    let (origin, budget) = (Origin { path: path.to_owned(), file }, ctx.memory_left() / 4);
    let step = bytes_within(budget).next_multiple_of(4096);
    let mut sums = Summing::new();
    sweep_bytes(&origin, 0..length, (step, budget.min(RING)), ctx, &mut |bytes| {
        sums.add(bytes);
        Ok(())
    })?;
    Ok(sums.finish())
}

/// Fails unless the arrays that a descriptor names exist with the described sizes.
fn check_arrays(descriptor: &Descriptor, folder: &Arc<Folder>) -> Result<()> {
    let (nrows, ncols, nnz) = (descriptor.nrows, descriptor.ncols, descriptor.nnz);
    check_array(&folder.file(INDICES_FILE), descriptor.indices, nnz)?;
    let pointers = descriptor.pointers.unwrap_or(descriptor.indices);
    let major = match descriptor.format {
        SparseFormat::Coo => {
            return check_array(&folder.file(ROWS_FILE), descriptor.indices, nnz)
                .and_then(|()| check_values(descriptor, folder));
        }
        SparseFormat::Csr => nrows,
        SparseFormat::Csc => ncols,
    };
    let stored = folder.file(POINTERS_FILE);
    check_array(&stored, pointers, major.saturating_add(1))?;
    check_last(&stored, pointers, nnz)?;
    check_values(descriptor, folder)
}

fn check_values(descriptor: &Descriptor, folder: &Arc<Folder>) -> Result<()> {
    let stored = folder.file(VALUES_FILE);
    match descriptor.values {
        StoredValues::Each(dtype) => check_array(&stored, dtype, descriptor.nnz),
        StoredValues::Iso(dtype) => check_array(&stored, dtype, 1),
    }
}

/// Fails unless an array has one dimension and the bytes of `len` elements, whatever type represents them.
fn check_array(stored: &StoredFile, dtype: DType, len: usize) -> Result<()> {
    let path = stored.path();
    let header = read_header(&stored.open()?, &path)?;
    let bytes = (len as u64).saturating_mul(dtype.size() as u64);
    if header.shape.len() != 1 || header.data_bytes() != bytes {
        return Err(Error::new(ErrorKind::Format, "the array does not match the descriptor")
            .in_file(path)
            .expected(format!("{len} elements of {dtype}"))
            .found(format!("shape {:?} of {}", header.shape, header.dtype)));
    }
    Ok(())
}

/// Fails unless the last pointer is the number of entries.
fn check_last(stored: &StoredFile, dtype: DType, nnz: usize) -> Result<()> {
    let path = stored.path();
    let file = stored.open()?;
    let header = read_header(&file, &path)?;
    let mut last = [0; 8];
    let size = dtype.size().min(8);
    let at = header.data_start + header.data_bytes() - size as u64;
    file.read_exact_at(&mut last[..size], at).map_err(|e| Error::io("reading", &path, e))?;
    if header.byte_order == ByteOrder::Swapped {
        last[..size].reverse();
    }
    let last = u64::from_le_bytes(last);
    let last =
        if cfg!(target_endian = "big") { last.swap_bytes() >> (64 - 8 * size) } else { last };
    if last != nnz as u64 {
        return Err(Error::new(ErrorKind::Index, "the pointers do not span the entries")
            .in_file(path)
            .at_byte(at)
            .expected(format!("an end of {nnz}, according to the descriptor"))
            .found(last));
    }
    Ok(())
}
