//! Reading a `.npy` file as a copy: for byte orders, alignments and `bool` bytes that cannot be used in place.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::{ByteOrder, NpyHeader, StoredFile, check_closed, read_header};
use crate::storage::memory::raw::Raw;
use crate::storage::memory::{DType, RawBuffer, RawBufferMut};
use crate::storage::runtime::Context;
use crate::storage::stream::stage::Stage;

/// Bytes read at a time; a multiple of every element size.
const BLOCK: usize = 1 << 20;

/// Memory that [`read_array`] uses in addition to the result: read-ahead, a block, and its elements.
pub(crate) const MEMORY_TO_READ: u64 = 3 * BLOCK as u64;

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
    let what = (dtype, Standing::of(&header));
    read_elements(file, path, what, ctx, &mut |elements| writer.push(elements))?;
    let array = stage.finish_writer(name, writer, &own)?;
    Ok((header, array))
}

/// Where and how elements are stored in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) start: u64,
    pub(crate) bytes: u64,
    pub(crate) dtype: DType,
    pub(crate) byte_order: ByteOrder,
}

impl Standing {
    /// The elements behind a header.
    pub(crate) fn of(header: &NpyHeader) -> Self {
        let NpyHeader { dtype, byte_order, data_start, .. } = *header;
        Standing { start: data_start, bytes: header.data_bytes(), dtype, byte_order }
    }
}

/// Calls `take` with the elements of a file, some at a time, in native byte order, whatever their offset and byte order
/// in the file.
///
/// A byte that is read as `bool` and is not 0 counts as true. The caller has checked that the bytes are whole elements.
pub(crate) fn read_elements(
    file: File,
    path: &Path,
    (dtype, what): (DType, Standing),
    ctx: &Context,
    take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    let size = dtype.size();
    let mut reader = BufReader::with_capacity(BLOCK, file);
    reader.seek(SeekFrom::Start(what.start)).map_err(|e| Error::io("reading", path, e))?;
    let (total, mut done) = (what.bytes, 0);
    let _held = ctx.hold(MEMORY_TO_READ);
    let mut bytes = vec![0; BLOCK];
    let mut elements = RawBufferMut::fresh(Some(dtype), BLOCK / size)?;
    while done < total {
        let bytes = &mut bytes[..(BLOCK as u64).min(total - done) as usize];
        reader.read_exact(bytes).map_err(|e| Error::io("reading", path, e).at_byte(done))?;
        to_native(bytes, what);
        let mut elements = elements.as_mut();
        let mut elements = elements.slice_mut(0..bytes.len() / size);
        elements.copy_from_bytes(bytes);
        take(elements.as_raw())?;
        done += bytes.len() as u64;
        ctx.meter().read(bytes.len() as u64);
        ctx.report("reading", done, total)?;
    }
    Ok(())
}

/// Converts elements to native byte order.
fn to_native(bytes: &mut [u8], what: Standing) {
    if what.byte_order == ByteOrder::Swapped && what.dtype.size() > 1 {
        bytes.chunks_exact_mut(what.dtype.swap_unit()).for_each(<[u8]>::reverse);
    }
}
