//! Files larger than memory: read ahead of the work, written behind it.
//!
//! - [`device`] – reads and writes of large blocks, past the page cache or through it, as the device likes it
//! - [`panel_reader`] – panels read ahead by I/O threads: [`panel_files`] says where they lie, [`panel_sweep`] is one pass,
//!   [`panel_ring`] the buffers; [`panel_array`] – one array of a panel
//! - [`writer`] – arrays written from the first element to the last; [`scratch`] – data that does not fit for a while
//! - [`stage`] – a result on its way to its place; [`copy`] – an array read as a copy
//! - [`measure`] – what operations will cost and did cost, with the speed of the device

mod copy;
mod device;
mod measure;
mod panel_array;
mod panel_files;
mod panel_reader;
mod panel_ring;
mod panel_sweep;
mod scratch;
mod stage;
mod writer;

pub(crate) use copy::{MEMORY_TO_READ, Standing, read_array, read_elements};
pub(crate) use device::{Devices, IoBuffer, ReadMode, Source};
pub(crate) use panel_array::{RawPanelArray, panel_elements};
pub(crate) use panel_files::Extent;
pub use panel_reader::Traffic;
pub(crate) use panel_reader::{PanelReader, largest_panel};
pub(crate) use scratch::{Scratch, ScratchFile};
pub(crate) use stage::{Stage, check_place};
pub(crate) use writer::RawWriter;
