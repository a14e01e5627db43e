//! Arrays inside files of other formats, and the matrices that are made of them.
//!
//! A reader of a format finds arrays: a name, a type, a shape, and [`ArrayBytes`] that say where the elements are. What is
//! made of them is the same for all formats: arrays whose elements lie in the file as they are used are mapped, all
//! others are copied to the place of the result, a block at a time.
//!
//! - [`array`] – one array; [`elements`] – its bytes as elements, in the byte order of this machine
//! - [`dense`], [`compressed`], [`coordinates`] – matrices; [`values`] – their values
//! - [`blocks`] and [`diagonals`] – formats that are expanded to CSR
//! - [`binsparse`] – arrays that a Binsparse descriptor describes; [`mirror`] – the triangle that is not stored

mod array;
mod binsparse;
mod blocks;
mod compressed;
mod coordinates;
mod dense;
mod diagonals;
mod elements;
mod mirror;
mod values;

pub(in crate::io) use array::{ArrayBytes, ForeignArray, ForeignFile};
pub(in crate::io) use binsparse::{Named, read as read_binsparse};
pub(in crate::io) use blocks::{ForeignBlocks, read as read_blocks};
pub(in crate::io) use compressed::{ForeignLines, read as read_lines};
pub(in crate::io) use coordinates::{ForeignCoordinates, read as read_coordinates};
pub(in crate::io) use dense::read as read_dense;
pub(in crate::io) use diagonals::{ForeignDiagonals, read as read_diagonals};
pub(in crate::io) use values::ForeignValues;
