//! Elements of a file read as a copy: for byte orders, alignments and `bool` bytes that cannot be used in place.

use crate::error::Result;
use crate::storage::files::{ByteOrder, NpyHeader};
use crate::storage::memory::raw::Raw;
use crate::storage::memory::{DType, Origin, RawBufferMut};
use crate::storage::runtime::Context;
use crate::storage::stream::file_bytes::sweep_bytes;

/// Bytes read at a time; a multiple of every element size. Its buffer has 512 KiB.
const BLOCK: usize = (512 << 10) - 4096;

/// Memory that [`read_elements`] uses: four blocks read ahead, and the elements of one.
const RING: u64 = 4 << 19;
pub(crate) const MEMORY_TO_READ: u64 = RING + BLOCK as u64;

/// Where and how elements are stored in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredElements {
    pub(crate) start: u64,
    pub(crate) bytes: u64,
    pub(crate) dtype: DType,
    pub(crate) byte_order: ByteOrder,
}

impl StoredElements {
    /// The elements behind a header.
    pub(crate) fn of(header: &NpyHeader) -> Self {
        let NpyHeader { dtype, byte_order, data_start, .. } = *header;
        StoredElements { start: data_start, bytes: header.data_bytes(), dtype, byte_order }
    }
}

/// Turns bytes of a file into elements in native byte order, a block at a time.
pub(crate) struct ElementDecoder {
    elements: RawBufferMut,
    /// Bytes of the units whose bytes are reversed.
    reversed: Option<usize>,
}

impl ElementDecoder {
    /// For blocks of at most `block` bytes, which the caller counts.
    pub(crate) fn new((dtype, byte_order): (DType, ByteOrder), block: usize) -> Result<Self> {
        let elements = RawBufferMut::fresh(Some(dtype), block / dtype.size())?;
        let swaps = byte_order == ByteOrder::Swapped && dtype.size() > 1;
        Ok(ElementDecoder { elements, reversed: swaps.then(|| dtype.swap_unit()) })
    }

    /// Passes on the elements of which `bytes` are whole. A byte that is read as `bool` and is not 0 counts as true.
    pub(crate) fn decode(
        &mut self,
        bytes: &[u8],
        take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut elements = self.elements.as_mut();
        let mut elements = elements.slice_mut(0..bytes.len() / elements.width());
        elements.copy_from_bytes(bytes);
        if let Some(unit) = self.reversed {
            elements.reverse_bytes(unit);
        }
        take(elements.as_raw())
    }
}

/// Calls `take` with the elements of a file, some at a time, in native byte order, whatever their offset and byte order
/// in the file.
///
/// A byte that is read as `bool` and is not 0 counts as true. The caller has checked that the bytes are whole elements.
pub(crate) fn read_elements(
    origin: &Origin,
    (dtype, what): (DType, StoredElements),
    ctx: &Context,
    take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    let _held = ctx.hold(BLOCK as u64);
    let range = what.start..what.start.saturating_add(what.bytes);
    let mut decoder = ElementDecoder::new((dtype, what.byte_order), BLOCK)?;
    sweep_bytes(origin, range, (BLOCK, RING), ctx, &mut |bytes| decoder.decode(bytes, take))
}
