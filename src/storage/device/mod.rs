//! Reading files larger than memory from their device.
//!
//! - `io_buffer` – page-aligned memory in huge pages, the target of direct reads
//! - `source` – an open file and the two ways of reading it: through the page cache, or past it
//! - `calibrate` – which of them this device likes better, measured once and remembered with the context

mod calibrate;
mod io_buffer;
mod source;

pub(crate) use calibrate::Devices;
pub(crate) use io_buffer::IoBuffer;
pub(crate) use source::{ReadMode, Source};
