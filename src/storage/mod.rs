//! Floor 0: elements, buffers, files. Nothing here knows what a matrix is.
//!
//! | room | holds |
//! |---|---|
//! | [`runtime`] | the caller's context, plans and meters, threads and the one parallel loop |
//! | [`memory`] | element types, buffers over memory or mapped files, values moved by their width |
//! | [`files`] | `.npy` headers, descriptors, checksums, names; a result appears complete or not at all |
//! | [`stream`] | devices, panels read ahead, arrays written behind the work, scratch files, results being written |
//!
//! A room uses those above it in this table.

mod files;
mod memory;
mod runtime;
mod stream;

pub use files::{ByteOrder, Descriptor, NpyHeader, Order, SparseFormat, StoredValues};
pub(crate) use files::{
    Checksums, DESCRIPTOR, Folder, INDICES_FILE, POINTERS_FILE, ROWS_FILE, Rewrite, StagedFiles,
    StoredFile, VALUES_FILE, What, check_closed, count_elements, map_array, map_array_mut, map_raw,
    map_raw_mut, open_closed, read_header,
};
pub use memory::{Access, Buffer, BufferMut, DType, Element, Entry, Index};
pub(crate) use memory::{
    Broken, CACHE_LINE, Origin, RawBuffer, RawBufferMut, by_dtype, bytes_of, filled, in_cache_line,
    lock_shared, prefetch_lines, prefetch_to_read, prefetch_to_write, put, raw, room,
};
pub use runtime::{CancelToken, Context, Cost, Place, Plan, Progress, Report};
pub(crate) use runtime::{Held, Lasts, Meter, Reserved, Running, Spare, parallel, work};
pub(crate) use stream::{
    ArrayPanels, ArrayWindow, Arrays, Cut, IoBuffer, MEMORY_TO_READ, Part, RawWriter, Reading,
    Scratch, ScratchFile, Stage, Standing, bytes_within, check_place, elements_within,
    largest_panel, panel_elements, read_array, read_elements,
};
pub use stream::{Traffic, Verified, verify};
