//! Text: opened, unpacked, cut into lines and parsed on all threads; numbers read and written.
//!
//! [`text_file`] opens an ordinary file, compressed or not, and reads it by offset; [`lines`] parses its lines in
//! parallel, in [`blocks`] ([`parsed_block`]), and passes on in their order what was made of them; [`records`] finds the
//! records in some lines; [`cursor`] and [`decimal`] read one line, [`shortest`] writes numbers in the fewest digits. Both
//! ways go by eight [`digits`] at a time and the [`powers_of_ten`] of ten; [`round`] is how a decimal becomes a float.
//! [`text_writer`] has text made by all threads and appended in order to a [`text_output`], packed or not;
//! [`write_entries`] does so with the entries of a sparse matrix.

mod blocks;
pub(in crate::io) mod cursor;
pub(in crate::io) mod decimal;
pub(in crate::io) mod digits;
pub(in crate::io) mod gzip;
pub(in crate::io) mod lines;
mod parsed_block;
mod powers_of_ten;
pub(in crate::io) mod records;
mod round;
pub(in crate::io) mod shortest;
mod tar;
pub(in crate::io) mod text_file;
pub(in crate::io) mod text_output;
pub(in crate::io) mod text_writer;
pub(in crate::io) mod unsupported_formats;
pub(in crate::io) mod write_entries;
