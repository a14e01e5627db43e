//! Files larger than memory: read ahead of the work, written behind it.
//!
//! - [`device`] – reads and writes of large blocks, past the page cache or through it, whichever the device does faster
//! - [`array_panels`] – [`arrays`] in panels, in memory or in files, as a [`panel_cut`] cuts them: the one
//!   reader behind all others
//! - [`panel_reader`] – files read ahead by I/O threads: [`panel_files`] locates the panels, [`panel_sweep`] is one
//!   pass, [`panel_ring`] the buffers
//! - [`writer`] – arrays written from the first element to the last; [`scratch`] – temporary data that does not fit;
//!   [`work_array`] – an array to work on, in memory or on the map of a scratch file
//! - [`file_bytes`] – a range of a file, read ahead, for bytes that are not yet elements
//! - [`verify`](mod@verify) – stored files compared with their checksums
//! - [`pass`] – one pass that makes a result: check, plan, begin, fill, finish
//! - [`stage`] – a result before it is published; [`staged_folder`] – one that is made in two steps
//! - [`copy`] – elements read as a copy
//! - [`measure`] – the cost of operations, predicted and measured

mod array_panels;
mod arrays;
mod copy;
mod device;
mod file_bytes;
mod measure;
mod panel_cut;
mod panel_files;
mod panel_reader;
mod panel_ring;
mod panel_sweep;
mod pass;
mod scratch;
mod stage;
mod staged_folder;
mod verify;
mod work_array;
mod writer;

pub(crate) use array_panels::{ArrayPanels, ArrayWindow, PanelCost, Reading};
pub(crate) use arrays::Arrays;
pub(crate) use copy::{ElementDecoder, MEMORY_TO_READ, StoredElements, read_elements};
pub(crate) use device::IoBuffer;
pub use device::{DeviceSpeeds, device_speeds};
pub(crate) use file_bytes::sweep_bytes;
pub(crate) use panel_cut::{
    ArrayRange, Cut, EvenCut, PADDING, SMALL, bytes_within, elements_within, for_one_sweep,
    largest_of_arrays, largest_panel, packed, panel_elements, usable_bytes,
};
pub use panel_reader::Traffic;
pub(crate) use pass::{Maker, Pass};
pub(crate) use scratch::{Scratch, ScratchFile};
pub(crate) use stage::{Stage, check_place};
pub(crate) use staged_folder::StagedFolder;
pub use verify::{Verified, has_checksums, verify};
pub(crate) use work_array::WorkArray;
pub(crate) use writer::RawWriter;
