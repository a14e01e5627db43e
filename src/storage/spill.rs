//! Scratch space written in large blocks and read back ahead of the work: where data waits that does not fit.
//!
//! One unnamed file, which goes away with its last handle and with the process. Blocks are appended, so that the device
//! sees one sequential write whatever the blocks belong to, and are read back in any order, each in one large read. Both
//! ways lead past the page cache where blocks are large and the file system allows: nothing is read twice, and pages of
//! scratch data would push out those of the result.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use crate::error::{Error, Result};
use crate::storage::buffer::Origin;
use crate::storage::context::Context;
use crate::storage::device::{IoBuffer, ReadMode, Source};
use crate::storage::map::reserve;
use crate::storage::panels::{Extent, PanelReader};

/// Blocks are whole pages; with room for alignment when read, the largest fills one huge page.
const PAGE: usize = 4096;

/// From this size on blocks are worth a request to the device each; smaller ones are left to the page cache to gather.
const DIRECT: usize = 256 << 10;

/// Blocks that are being read or worked on while [`Spill::sweep`] runs.
const BLOCKS_IN_FLIGHT: usize = 4;

/// Blocks of equal size in a scratch file.
pub(crate) struct Spill {
    origin: Origin,
    /// `None` where the file system cannot write past the page cache, or once it has refused to.
    direct: Option<File>,
    block: usize,
    blocks: u64,
    reserved: u64,
}

impl Spill {
    /// The largest sensible block, in bytes.
    pub(crate) const LARGEST: usize = (2 << 20) - 2 * PAGE;

    /// A block size of at most `bytes` bytes, and of one page at least.
    pub(crate) fn block_within(bytes: usize) -> usize {
        (bytes.min(Self::LARGEST) / PAGE * PAGE).max(PAGE)
    }

    /// An empty file for blocks of `block` bytes (from [`block_within`](Self::block_within)), with space reserved for
    /// `expected` of them; fails if the device has not that much. More can be appended.
    pub(crate) fn new(block: usize, expected: u64, ctx: &Context) -> Result<Self> {
        let folder = ctx.scratch_folder();
        let file = tempfile::tempfile_in(folder)
            .map_err(|e| Error::io("making a scratch file in", folder, e))?;
        let origin = Origin { path: folder.to_owned(), file };
        let mut spill = Spill { origin, direct: None, block, blocks: 0, reserved: 0 };
        spill.reserve(expected)?;
        if block >= DIRECT {
            let handle = format!("/proc/self/fd/{}", spill.origin.file.as_raw_fd());
            let flags = rustix::fs::OFlags::DIRECT.bits() as i32;
            spill.direct = OpenOptions::new().write(true).custom_flags(flags).open(handle).ok();
        }
        Ok(spill)
    }

    /// Memory for one block to be filled.
    pub(crate) fn buffer(&self) -> Result<IoBuffer> {
        IoBuffer::new(Self::memory_of(self.block))
    }

    /// The memory that one block takes, being filled or read.
    pub(crate) fn memory_of(block: usize) -> usize {
        IoBuffer::rounded(Source::room(block))
    }

    /// Appends a block and gives its number.
    pub(crate) fn append(&mut self, buffer: &IoBuffer) -> Result<u64> {
        if self.blocks == self.reserved {
            self.reserve(self.reserved + (self.reserved / 2).max(64))?;
        }
        let (number, bytes) = (self.blocks, &buffer.bytes()[..self.block]);
        let offset = number * self.block as u64;
        let written = match &self.direct {
            Some(direct) => direct.write_all_at(bytes, offset),
            None => self.origin.file.write_all_at(bytes, offset),
        };
        match written {
            // Opened for direct writes, but this device has other ideas of alignment.
            Err(e) if e.kind() == io::ErrorKind::InvalidInput && self.direct.is_some() => {
                self.direct = None;
                return self.append(buffer);
            }
            other => other.map_err(|e| Error::io("writing scratch to", &self.origin.path, e))?,
        }
        self.blocks += 1;
        Ok(number)
    }

    /// Calls `work` with the bytes of these blocks, in the order of `numbers`; `work` is told the position in it.
    ///
    /// Memory: four blocks, those being read included.
    pub(crate) fn sweep(
        &self,
        numbers: &[u64],
        ctx: &Context,
        mut work: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let block = self.block;
        let extent =
            |&number: &u64| vec![Extent { source: 0, offset: number * block as u64, bytes: block }];
        let panels: Vec<_> = numbers.iter().map(extent).collect();
        let mode = if self.direct.is_some() { ReadMode::Direct } else { ReadMode::Buffered };
        let budget = (BLOCKS_IN_FLIGHT * Self::memory_of(block)) as u64;
        let sources = vec![Source::open(&self.origin)?];
        PanelReader::new(sources, panels, budget, mode)?
            .sweep(ctx, |position, bytes| work(position, bytes[0]))
    }

    fn reserve(&mut self, blocks: u64) -> Result<()> {
        let Origin { path, file } = &self.origin;
        reserve(file, path, blocks.saturating_mul(self.block as u64))?;
        self.reserved = blocks;
        Ok(())
    }
}
