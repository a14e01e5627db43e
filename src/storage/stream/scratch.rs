//! Scratch space written in large blocks and read back ahead of the work: temporary storage for data that does not fit.
//!
//! One unnamed file, which disappears with its last handle or the process. Everything is appended, so that the device
//! sees one sequential write whatever the bytes belong to, and is read back in any order in large runs. Both writes and
//! reads go past the page cache: nothing is read twice, and pages of scratch data would evict those of the result.

use crate::error::Result;
use crate::storage::memory::DType;
use crate::storage::runtime::Context;
use crate::storage::stream::array_panels::{ArrayPanels, Reading};
use crate::storage::stream::arrays::Arrays;
use crate::storage::stream::device::{Appended, Appender, IoBuffer};
use crate::storage::stream::panel_cut::ArrayRange;

/// Offsets of blocks are multiples of this.
const SECTOR: usize = 4096;

/// Runs shorter than this are combined by the page cache.
const DIRECT: usize = 256 << 10;

/// A scratch file that is being written.
pub(crate) struct Scratch {
    appender: Appender,
    /// Bytes of a buffer.
    block: usize,
    meter: crate::storage::runtime::Meter,
    made: usize,
}

/// A scratch file that is read.
pub(crate) struct ScratchFile {
    file: Appended,
}

impl Scratch {
    /// An empty file for blocks of at most `block` bytes, `expected` bytes in total, for which space is reserved now.
    /// Fails if the device does not have that much. More can be appended.
    pub(crate) fn new(block: usize, expected: u64, ctx: &Context) -> Result<Self> {
        let meter = ctx.meter().clone();
        let appender = Appender::scratch(ctx.scratch_folder(), expected, block, &meter)?;
        Ok(Scratch { appender, block, meter, made: 0 })
    }

    /// A buffer for a block: one that has been written, or one of the first `most`.
    pub(crate) fn buffer(&mut self, most: usize) -> Result<IoBuffer> {
        if self.made < most {
            self.made += 1;
            return IoBuffer::new(self.block, &self.meter);
        }
        self.appender.spare()
    }

    /// Reserves space for a block of `bytes` bytes. Fails, changing nothing, if the device does not have that much.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<()> {
        self.appender.reserve(bytes.next_multiple_of(SECTOR))
    }

    /// Appends the first `bytes` bytes of a buffer, and returns their offset in the file.
    pub(crate) fn append(&mut self, buffer: IoBuffer, bytes: usize) -> Result<u64> {
        let offset = self.appender.length();
        // Blocks start at sectors; the padding after a block is never read.
        self.appender.append(buffer, bytes.next_multiple_of(SECTOR))?;
        Ok(offset)
    }

    /// Ends the writing. The buffers are released.
    pub(crate) fn finish(self) -> Result<ScratchFile> {
        Ok(ScratchFile { file: self.appender.finish()? })
    }
}

impl ScratchFile {
    /// A reader of panels, each made of ranges of the bytes of the file, with at most `depth` of them being read or
    /// worked on at a time.
    pub(crate) fn panels(&self, panels: Vec<Vec<ArrayRange>>, depth: usize) -> Result<ArrayPanels> {
        let (runs, bytes) = panels
            .iter()
            .flatten()
            .fold((0, 0), |(runs, bytes), (_, part)| (runs + 1, bytes + part.len()));
        let file = Arrays::of_file(&self.file.origin, 0, DType::UInt8)?;
        let how = Reading::once(0).at_least(depth).direct_unless(bytes / runs.max(1) < DIRECT);
        ArrayPanels::new(file, panels, how)
    }
}
