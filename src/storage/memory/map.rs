//! Locking, reserving and mapping files.
//!
//! Every mapped file is held under an advisory lock while the map lives: shared for reading, exclusive for writing.
//! Space is reserved before a file is mapped for writing, so that a full disk is an error here and not a signal at a
//! later store.
#![allow(unsafe_code)] // mapping a file is unsafe: another process could change or shorten it

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memmap2::{Mmap, MmapMut, MmapOptions};
use rustix::fs::{FallocateFlags, SeekFrom, fallocate, fstatfs, fstatvfs, seek};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};

/// Takes an exclusive lock on an open file.
pub(crate) fn lock_exclusive(file: &File, path: &Path) -> Result<()> {
    locked(file.try_lock(), path, "no other process has it open")
}

/// Takes, or downgrades to, a shared lock on an open file.
pub(crate) fn lock_shared(file: &File, path: &Path) -> Result<()> {
    locked(file.try_lock_shared(), path, "no process has it open for writing")
}

fn locked(
    outcome: std::result::Result<(), TryLockError>,
    path: &Path,
    expected: &str,
) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::new(ErrorKind::Locked, "the file is in use")
            .in_file(path)
            .expected(expected)
            .found("a lock on it")
            .remedy("close the other user of the file, which may be an object in this process")),
        // Some network and read-only file systems have no locks; the file can still be used.
        Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(e)) => Err(Error::io("locking", path, e)),
    }
}

/// Maps a whole file for reading. An empty file gives an empty map.
pub(crate) fn map_read(file: &File, path: &Path) -> Result<Mmap> {
    // SAFETY: the file was opened by `StoredFile::open_read` and is held under a shared lock, so no process that
    // honours locks changes it while the map lives. What a process that ignores them can do is stated at
    // `Buffer::deref`.
    unsafe { MmapOptions::new().map(file) }.map_err(|e| Error::io("mapping", path, e))
}

/// Maps a whole file for reading and writing.
pub(crate) fn map_write(file: &File, path: &Path) -> Result<MmapMut> {
    // SAFETY: the file is new and has no name yet, or was opened by `StoredFile::open_write`; it is held under an
    // exclusive lock, so no other process that honours locks reads or writes it while the map lives.
    unsafe { MmapOptions::new().map_mut(file) }
        .map_err(|e| Error::io("mapping for writing", path, e))
}

/// Sets the length of a new file, or extends it, with the space on the device reserved.
///
/// Fails if the device does not have that much space.
pub(crate) fn reserve(file: &File, path: &Path, bytes: u64) -> Result<()> {
    let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
    if let Ok(device) = fstatvfs(file) {
        let free = device.f_bavail.saturating_mul(device.f_frsize);
        if bytes.saturating_sub(length) > free {
            return Err(Error::new(ErrorKind::Space, "not enough space on the device")
                .in_file(path)
                .expected(format!("{bytes} bytes free"))
                .found(format!("{free}")));
        }
    }
    match fallocate(file, FallocateFlags::empty(), 0, bytes.max(1)) {
        Ok(()) => {}
        // The file system cannot reserve: writing zeros takes the space instead.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            write_zeros(file, length, bytes).map_err(|e| Error::io("reserving space", path, e))?;
        }
        Err(e) => return Err(Error::io("reserving space", path, e.into())),
    }
    file.set_len(bytes).map_err(|e| Error::io("setting the length", path, e))
}

/// Reserves the space of a file that is about to be written through its map: its holes, and blocks shared with other
/// files.
///
/// A store into a hole allocates a block when its page is written, and a full disk is then a signal. A file system that
/// writes every block to a new place, such as Btrfs and ZFS, cannot reserve space for overwriting. There the device
/// must have as much free space as the file has bytes, which other writers may still use up.
pub(crate) fn reserve_whole(file: &File, path: &Path) -> Result<()> {
    let failed = |e: Errno| Error::io("reserving space", path, e.into());
    let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
    if length == 0 {
        return Ok(());
    }
    if fstatfs(file).is_ok_and(|system| COPY_ON_WRITE.contains(&(system.f_type as u64))) {
        let device = fstatvfs(file).map_err(failed)?;
        let free = device.f_bavail.saturating_mul(device.f_frsize);
        if free < length {
            return Err(Error::new(ErrorKind::Space, "not enough space on the device")
                .in_file(path)
                .expected(format!("{length} bytes free: this file system writes to new blocks"))
                .found(free));
        }
    }
    // Blocks shared with copies of the file are unshared where the file system supports it (XFS).
    match fallocate(file, FallocateFlags::UNSHARE_RANGE, 0, length) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
        other => return other.map_err(failed),
    }
    match fallocate(file, FallocateFlags::empty(), 0, length) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            fill_holes(file, length).map_err(|e| Error::io("reserving space", path, e))
        }
        other => other.map_err(failed),
    }
}

/// Btrfs, ZFS and bcachefs, by their magic numbers.
const COPY_ON_WRITE: [u64; 3] = [0x9123_683e, 0x2fc1_2fc1, 0xca45_1a4e];

/// Writes zeros where the file has holes: they read as zeros before and after anyway.
fn fill_holes(file: &File, length: u64) -> io::Result<()> {
    let mut at = 0;
    while at < length {
        let hole = seek(file, SeekFrom::Hole(at))?;
        if hole >= length {
            break;
        }
        at = match seek(file, SeekFrom::Data(hole)) {
            Ok(data) => data.min(length),
            Err(Errno::NXIO) => length,
            Err(e) => return Err(e.into()),
        };
        write_zeros(file, hole, at)?;
    }
    Ok(())
}

fn write_zeros(file: &File, mut from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    while from < to {
        let step = (to - from).min(zeros.len() as u64);
        file.write_all_at(&zeros[..step as usize], from)?;
        from += step;
    }
    Ok(())
}
