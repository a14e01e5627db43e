//! Reading a `.npy` file as a copy: for byte orders, alignments and `bool` bytes that cannot be used where they lie.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use bytemuck::checked::try_pod_read_unaligned;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::buffer::Buffer;
use crate::storage::context::Context;
use crate::storage::element::{DType, Element};
use crate::storage::folder::StoredFile;
use crate::storage::npy::{ByteOrder, NpyHeader, read_header};
use crate::storage::stage::Stage;

/// Bytes read at a time; a multiple of every element size.
const BLOCK: usize = 1 << 20;

/// Memory that [`read_array`] takes beside the result: what is read ahead, a block, and its elements.
pub(crate) const MEMORY_TO_READ: u64 = 3 * BLOCK as u64;

/// Copies the array in a `.npy` file into the one array of `stage`, called `name`, in native byte order.
///
/// A byte of a `bool` array that is not 0 counts as true, as in NumPy. Cost: one pass over the file, 3 MiB of memory
/// besides the result, or besides writing it.
pub(crate) fn read_array<T: Element>(
    path: &Path,
    stage: &Stage,
    name: &str,
    ctx: &Context,
) -> Result<(NpyHeader, Buffer<T>)> {
    let file = StoredFile::at(path)?.open_read()?;
    let header = read_header(&file, path)?;
    if header.dtype != T::DTYPE {
        return Err(Error::new(ErrorKind::Type, "the array has another element type")
            .in_file(path)
            .at_field("descr")
            .expected(T::DTYPE)
            .found(header.dtype));
    }
    let own = NpyHeader::new(T::DTYPE, &header.shape, header.order);
    let mut writer = stage.writer::<T>(name, &own, true)?;
    let mut reader = BufReader::with_capacity(BLOCK, file);
    reader.seek(SeekFrom::Start(header.data_start)).map_err(|e| Error::io("reading", path, e))?;

    let (total, mut done) = (header.data_bytes(), 0);
    let _held = ctx.hold(MEMORY_TO_READ);
    let (mut bytes, mut elements) = (vec![0; BLOCK], vec![T::zeroed(); BLOCK / size_of::<T>()]);
    while done < total {
        let bytes = &mut bytes[..BLOCK.min((total - done) as usize)];
        reader.read_exact(bytes).map_err(|e| Error::io("reading", path, e).at_byte(done))?;
        to_native(bytes, &header);
        let elements = &mut elements[..bytes.len() / size_of::<T>()];
        for (element, bits) in elements.iter_mut().zip(bytes.chunks_exact(size_of::<T>())) {
            *element = try_pod_read_unaligned(bits).map_err(|_| {
                Error::new(ErrorKind::Value, "not a value of the element type").in_file(path)
            })?;
        }
        writer.push(elements)?;
        done += bytes.len() as u64;
        ctx.meter().read(bytes.len() as u64);
        ctx.report("reading", done, total)?;
    }
    let array = stage.finish_writer(name, writer, &own)?;
    Ok((header, array))
}

/// Brings elements into this machine's byte order, and `bool` bytes to 0 and 1.
fn to_native(bytes: &mut [u8], header: &NpyHeader) {
    if header.dtype == DType::Bool {
        bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
    }
    if header.byte_order == ByteOrder::Swapped {
        bytes.chunks_exact_mut(header.dtype.swap_unit()).for_each(<[u8]>::reverse);
    }
}
