//! NumPy's `.npy` files: an array of one element type, shape and order, described by a text header.
//!
//! Versions 1 to 3 are read. Files are written as version 1 with the header padded so that the data starts at byte
//! 4096: a map of the data is then page-aligned, and the header can be rewritten in place when the shape shrinks.
//! Source: NumPy Enhancement Proposal 1 and `numpy.lib.format`.

mod file;
mod header;
mod literal;
mod text;

pub(crate) use file::{
    count_elements, create_array, create_headerless, finish_array, map_array, map_array_mut,
    map_part, map_raw, map_raw_mut, write_header,
};
pub use header::{ByteOrder, NpyHeader, Order};
pub(crate) use header::{DATA_START, LONGEST_START, parse as parse_header, read_header};
pub(crate) use text::{parse_text, text_array};
