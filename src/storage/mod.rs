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

pub use files::{
    ByteOrder, Descriptor, Leftover, NpyHeader, Order, SparseFormat, StoredValues, leftovers,
};
pub(crate) use files::{
    Checksums, DATA_START, DESCRIPTOR, Folder, Half, INDICES_FILE, LONGEST_START, Mirrored,
    POINTERS_FILE, ROWS_FILE, Rewrite, StagedFiles, StoredFile, VALUES_FILE, VERTEX_IDS_FILE,
    VERTEX_NAMES_FILE, What, check_closed, count_elements, map_array, map_array_mut, map_part,
    map_raw, map_raw_mut, named_scratch_file, open_closed, parse_header, parse_text, read_header,
    remove_with_sums, scratch_file, text_array,
};
pub use memory::{Access, Buffer, BufferMut, DType, Element, Entry, Index};
pub(crate) use memory::{
    Broken, CACHE_LINE, Origin, RawBuffer, RawBufferMut, by_dtype, bytes_of, filled, in_cache_line,
    lock_shared, prefetch_ahead, prefetch_lines, prefetch_to_read, prefetch_to_write, put, raw,
    with_capacity,
};
pub use runtime::{
    ByteCount, CancelToken, Context, Cost, MemoryLimit, Place, Plan, Progress, Report,
    memory_limits,
};
pub(crate) use runtime::{Held, Lasts, Meter, Reserved, Running, Spare, parallel, random, work};
pub(crate) use stream::{
    ArrayPanels, ArrayRange, ArrayWindow, Arrays, Cut, ElementDecoder, EvenCut, IoBuffer,
    MEMORY_TO_READ, Maker, PADDING, PanelCost, Pass, RawWriter, Reading, SMALL, Scratch,
    ScratchFile, Stage, StagedFolder, StoredElements, WorkArray, bytes_within, check_place,
    elements_within, for_one_sweep, largest_of_arrays, largest_panel, packed, panel_elements,
    read_elements, sweep_bytes, usable_bytes,
};
pub use stream::{DeviceSpeeds, Traffic, Verified, device_speeds, has_checksums, verify};
