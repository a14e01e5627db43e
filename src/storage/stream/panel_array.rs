//! One array of a matrix that is worked on panel by panel: kept where it is, or read with every panel.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::memory::raw::{Raw, width};
use crate::storage::memory::{DType, RawBuffer};
use crate::storage::stream::device::{IoBuffer, Source};
use crate::storage::stream::panel_files::Extent;

/// Where the elements of a panel come from, whose type is known at run time.
#[derive(Clone)]
pub(crate) enum RawPanelArray {
    /// From memory, where all of them are.
    Kept(RawBuffer),
    /// From the panel's extent of this number, which starts `origin` bytes into the file for element 0.
    Read { slot: usize, origin: u64, dtype: Option<DType> },
}

impl RawPanelArray {
    /// Keeps an array that lies in memory; lets one that lies in a file be read, as one more of `sources`.
    pub(crate) fn new(array: &RawBuffer, sources: &mut Vec<Source>) -> Result<Self> {
        let Some((origin, offset)) = array.origin() else {
            return Ok(RawPanelArray::Kept(array.clone()));
        };
        sources.push(Source::open(origin)?);
        let (slot, dtype) = (sources.len() - 1, array.dtype());
        Ok(RawPanelArray::Read { slot, origin: offset, dtype })
    }

    /// Bytes an element takes in a panel; none if it is kept.
    pub(crate) fn panel_bytes(&self) -> usize {
        match *self {
            RawPanelArray::Kept(_) => 0,
            RawPanelArray::Read { dtype, .. } => width(dtype),
        }
    }

    /// The bytes to read for these elements.
    pub(crate) fn extent(&self, elements: Range<usize>) -> Option<Extent> {
        let RawPanelArray::Read { slot, origin, dtype } = *self else { return None };
        let size = width(dtype);
        let offset = origin + (elements.start * size) as u64;
        Some(Extent { source: slot, offset, bytes: elements.len() * size })
    }

    /// These elements, from memory or from what was read for them.
    ///
    /// Fails if bytes are no values of the type, which can only happen with `bool`.
    pub(crate) fn elements<'a>(
        &'a self,
        elements: Range<usize>,
        read: &[&'a [u8]],
    ) -> Result<Raw<'a>> {
        match *self {
            RawPanelArray::Kept(ref array) => Ok(array.as_raw().slice(elements)),
            RawPanelArray::Read { slot, dtype, .. } => {
                Raw::read(read[slot], (dtype, elements.len())).ok_or_else(no_values)
            }
        }
    }

    /// As [`elements`](Self::elements), from memory or from the next of the extents that were read, in a panel with several of an
    /// array.
    pub(crate) fn next_elements<'a>(
        &'a self,
        elements: Range<usize>,
        read: &mut std::slice::Iter<'_, &'a [u8]>,
    ) -> Result<Raw<'a>> {
        match *self {
            RawPanelArray::Kept(ref array) => array.as_raw().get(elements).ok_or_else(|| {
                Error::new(ErrorKind::Index, "the pointers changed while the matrix was read")
            }),
            RawPanelArray::Read { dtype, .. } => {
                let bytes = read.next().copied().unwrap_or_default();
                Raw::read(bytes, (dtype, elements.len())).ok_or_else(no_values)
            }
        }
    }
}

fn no_values() -> Error {
    Error::new(ErrorKind::Value, "the bytes are no values of the element type")
}

/// The most elements of a panel of about `bytes` bytes, `sizes` being the bytes of an element in each of its arrays.
///
/// Together they fill whole huge pages as nearly as they can, room for the alignment of each included.
pub(crate) fn panel_elements(bytes: usize, sizes: &[usize]) -> usize {
    let total: usize = sizes.iter().sum();
    let beside = sizes.iter().filter(|&&size| size > 0).count() * Source::room(1);
    let bytes = IoBuffer::rounded_down(bytes).saturating_sub(beside);
    bytes.checked_div(total).unwrap_or(usize::MAX).max(1)
}
