//! Reading a `.npy` file as a copy: for byte orders, alignments and `bool` bytes that cannot be used in place.

use std::fs::File;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::{ByteOrder, NpyHeader, StoredFile, check_closed, read_header};
use crate::storage::memory::raw::Raw;
use crate::storage::memory::{DType, Origin, RawBuffer, RawBufferMut};
use crate::storage::runtime::Context;
use crate::storage::stream::file_bytes::sweep_bytes;
use crate::storage::stream::stage::Stage;

/// Bytes read at a time; a multiple of every element size. Its buffer has 512 KiB.
const BLOCK: usize = (512 << 10) - 4096;

/// Memory that [`read_array`] uses in addition to the result: four blocks read ahead, and the elements of one.
const RING: u64 = 4 << 19;
pub(crate) const MEMORY_TO_READ: u64 = RING + BLOCK as u64;

/// Copies the array in a `.npy` file into the one array of `stage`, called `name`, in native byte order.
///
/// A byte of a `bool` array that is not 0 counts as true, as in NumPy. Cost: one pass over the file, 3 MiB of memory
/// in addition to the result or its writer.
pub(crate) fn read_array(
    path: &Path,
    dtype: DType,
    stage: &Stage,
    name: &str,
    ctx: &Context,
) -> Result<(NpyHeader, RawBuffer)> {
    let stored = StoredFile::at(path)?;
    let file = stored.open_read()?;
    check_closed(&stored, false)?;
    let header = read_header(&file, path)?;
    if header.dtype != dtype {
        return Err(Error::new(ErrorKind::Type, "the array has another element type")
            .in_file(path)
            .at_field("descr")
            .expected(dtype)
            .found(header.dtype));
    }
    let own = NpyHeader::new(dtype, &header.shape, header.order);
    let mut writer = stage.writer(name, dtype, &own, true)?;
    let what = (dtype, StoredElements::of(&header));
    read_elements(file, path, what, ctx, &mut |elements| writer.push(elements))?;
    let array = stage.finish_writer(name, writer, &own)?;
    Ok((header, array))
}

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

    fn is_native(&self) -> bool {
        self.byte_order != ByteOrder::Swapped || self.dtype.size() == 1
    }
}

/// Calls `take` with the elements of a file, some at a time, in native byte order, whatever their offset and byte order
/// in the file.
///
/// A byte that is read as `bool` and is not 0 counts as true. The caller has checked that the bytes are whole elements.
pub(crate) fn read_elements(
    file: File,
    path: &Path,
    (dtype, what): (DType, StoredElements),
    ctx: &Context,
    take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    let size = dtype.size();
    let _held = ctx.hold(BLOCK as u64);
    let mut elements = RawBufferMut::fresh(Some(dtype), BLOCK / size)?;
    let origin = Origin { path: path.to_owned(), file };
    let range = what.start..what.start.saturating_add(what.bytes);
    sweep_bytes(&origin, range, (BLOCK, RING), ctx, &mut |bytes| {
        let mut elements = elements.as_mut();
        let mut elements = elements.slice_mut(0..bytes.len() / size);
        elements.copy_from_bytes(bytes);
        if !what.is_native() {
            elements.reverse_bytes(what.dtype.swap_unit());
        }
        take(elements.as_raw())
    })
}
