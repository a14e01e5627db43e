//! An open file and the two modes of reading it: through the page cache, or past it.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::storage::memory::Origin;

/// Offsets and lengths of direct reads are multiples of this: the sector size of every usual device divides it.
const SECTOR: u64 = 4096;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// Through the page cache.
    Buffered,
    /// From the device into our memory, past the page cache.
    Direct,
}

/// A file to read panels from. Has its own handles; the lock on the file is held by its buffer.
#[derive(Debug)]
pub(crate) struct SourceFile {
    path: PathBuf,
    file: File,
    /// `None` if the file system cannot read past the page cache.
    direct: Option<File>,
    device: u64,
    length: u64,
}

impl SourceFile {
    /// Opens the file behind a mapped buffer again.
    pub(crate) fn open(origin: &Origin) -> Result<Self> {
        let path = origin.path.clone();
        let failed = |error| Error::io("reading", &origin.path, error);
        let file = origin.file.try_clone().map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        // Through the descriptor and not the path, which may name another file by now, or none.
        let handle = format!("/proc/self/fd/{}", file.as_raw_fd());
        let flags = rustix::fs::OFlags::DIRECT.bits() as i32;
        let direct = OpenOptions::new().read(true).custom_flags(flags).open(handle).ok();
        Ok(SourceFile { path, file, direct, device: metadata.dev(), length: metadata.len() })
    }

    /// The device of the file.
    pub(crate) fn device(&self) -> u64 {
        self.device
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Whether the file can be read past the page cache.
    pub(crate) fn reads_directly(&self) -> bool {
        self.direct.is_some()
    }

    /// Bytes of memory that reading `bytes` bytes from any offset may need, in whole sectors.
    pub(crate) fn padded(bytes: usize) -> usize {
        bytes.next_multiple_of(SECTOR as usize) + SECTOR as usize
    }

    /// Reads `bytes` bytes from `offset` on, and returns where they are in `into`, which starts on a page and has
    /// [`padded`](Self::padded) bytes for them.
    ///
    /// A direct read that the device refuses is done through the page cache.
    pub(crate) fn read(
        &self,
        mode: ReadMode,
        offset: u64,
        bytes: usize,
        into: &mut [u8],
    ) -> Result<Range<usize>> {
        let skip = offset % SECTOR;
        let range = skip as usize..skip as usize + bytes;
        let start = offset - skip;
        let filled = match (mode, &self.direct) {
            (ReadMode::Direct, Some(direct)) => {
                let end = range.end.next_multiple_of(SECTOR as usize);
                let target = &mut into[..end];
                read_until(direct, start, target, range.end)
                    .or_else(|_| read_until(&self.file, start, target, range.end))
            }
            _ => read_until(&self.file, start, &mut into[..range.end], range.end),
        };
        filled.map_err(|e| Error::io("reading", &self.path, e).at_byte(offset))?;
        Ok(range)
    }

    /// Asks the page cache to drop a part of the file.
    pub(crate) fn forget(&self, offset: u64, bytes: u64) {
        let length = std::num::NonZeroU64::new(bytes);
        // A hint; pages that others use stay.
        let _ = rustix::fs::fadvise(&self.file, offset, length, rustix::fs::Advice::DontNeed);
    }
}

/// Reads from `offset` on until at least `least` bytes of `target` are filled; the file may end after them.
fn read_until(file: &File, offset: u64, target: &mut [u8], least: usize) -> io::Result<()> {
    let mut done = 0;
    while done < least {
        match file.read_at(&mut target[done..], offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => done += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
