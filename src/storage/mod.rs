//! Floor 0: elements, buffers, files. Nothing here knows what a matrix is.
//!
//! - [`element`] – what may lie in a file; [`buffer`] and [`buffer_mut`] – a run of it, whoever owns the bytes
//! - [`allocate`] – memory whose size comes from a shape, within a limit; [`broken`] – what failed half way, and says so
//! - [`folder`] and [`stored_file`] – opening files through the handle of their folder; [`map`] – locking, reserving and mapping them, the only
//!   way to a file's bytes as memory
//! - [`npy`] and [`descriptor`] – the two formats on disk; [`checksum`] – the sums beside them, both in [`json`]; [`verify`](mod@verify) – comparing
//! - [`place`] – where a result shall live; [`stage`], [`publish`] and [`hidden`] – how it gets there completely or not at all;
//!   [`replaceable`] – what it may take the place of; [`rewrite`] – changing it later
//! - [`copy`] – reading an array as a copy, when it cannot be used where it lies
//! - [`device`] and [`panels`] – files larger than memory, read panel by panel ahead of the work, by `panel_sweep` into the
//!   buffers of `panel_ring`; [`writer`] – arrays made
//!   from the first element to the last, written behind the work, both by threads with a [`channel`]; [`scratch`] – where data waits that does not fit
//! - [`raw`] – values that are moved and not looked at; [`parallel`] – the one loop behind all that threads share
//! - [`context`] – threads, memory limit, scratch folder, progress and cancel, for every floor above; [`threads`] and
//!   [`usable_memory`] – what the system gives of both; [`cost`], [`running`] and [`meter`] – what an operation will cost,
//!   what it did, and what is held

mod allocate;
mod broken;
mod buffer;
mod buffer_mut;
mod channel;
mod checksum;
mod context;
mod copy;
mod cost;
mod descriptor;
mod device;
mod element;
mod folder;
mod hidden;
mod json;
mod map;
mod meter;
mod npy;
mod panel_array;
mod panel_files;
mod panel_ring;
mod panel_sweep;
mod panels;
pub(crate) mod parallel;
mod place;
mod planning;
mod publish;
pub(crate) mod raw;
mod replaceable;
mod rewrite;
mod running;
mod scratch;
mod stage;
mod stored_file;
mod sums;
mod threads;
mod under_way;
mod usable_memory;
mod verify;
mod writer;

pub(crate) use allocate::{bytes_of, filled, room};
pub(crate) use broken::Broken;
pub use buffer::{Access, Buffer};
pub(crate) use buffer::{Origin, RawBuffer};
pub use buffer_mut::BufferMut;
pub(crate) use buffer_mut::RawBufferMut;
pub(crate) use buffer_mut::{
    CACHE_LINE, in_cache_line, prefetch_lines, prefetch_to_read, prefetch_to_write,
};
pub use context::{CancelToken, Context};
pub(crate) use copy::{MEMORY_TO_READ, Standing, read_array, read_elements};
pub use cost::{Cost, Plan, Report};
pub(crate) use descriptor::{DESCRIPTOR, INDICES_FILE, POINTERS_FILE, ROWS_FILE, VALUES_FILE};
pub use descriptor::{Descriptor, SparseFormat, StoredValues};
pub(crate) use device::{Devices, IoBuffer, ReadMode, Source};
pub use element::{DType, Element, Entry, Index};
pub(crate) use element::{by_dtype, put};
pub(crate) use folder::Folder;
pub(crate) use meter::{Held, Lasts, Meter, Reserved, Spare};
pub use npy::{ByteOrder, NpyHeader, Order};
pub(crate) use npy::{DATA_START, read_header};
pub(crate) use npy::{count_elements, map_array, map_array_mut, map_raw};
pub(crate) use panel_array::{RawPanelArray, panel_elements};
pub(crate) use panel_files::Extent;
pub use panels::Traffic;
pub(crate) use panels::{PanelReader, largest_panel};
pub use place::Place;
pub(crate) use publish::Files;
pub(crate) use replaceable::What;
pub(crate) use rewrite::{Rewrite, check_closed, open_closed};
pub(crate) use running::Running;
pub(crate) use scratch::{Scratch, ScratchFile};
pub(crate) use stage::{Stage, check_place};
pub(crate) use stored_file::StoredFile;
pub(crate) use sums::Sums;
pub use under_way::Progress;
pub use verify::{Verified, verify};
pub(crate) use writer::RawWriter;
