//! Moving files larger than memory from and to their device.
//!
//! - `io_buffer` – page-aligned memory in huge pages, the target of direct reads and the source of direct writes
//! - `source` – an open file and the two modes of reading it: through the page cache, or past it
//! - `append` – a file written from its first byte to its last, behind the work
//! - `calibrate` – how fast a device is and its faster mode of reading, measured once and remembered

mod append;
mod calibrate;
mod io_buffer;
mod source;

pub(crate) use append::{Appended, Appender};
pub(crate) use calibrate::Devices;
pub use calibrate::{DeviceSpeeds, device_speeds};
pub(crate) use io_buffer::IoBuffer;
pub(crate) use source::{ReadMode, SourceFile};
