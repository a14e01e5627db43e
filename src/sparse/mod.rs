//! Floor 1, sparse: an index structure over buffers.
//!
//! - [`axis`] – rows or columns, as a type; [`compressed`] – the one implementation behind [`Csr`] and [`Csc`]
//! - [`any_compressed`] and [`any_coo`] – matrices of [`types`] known at run time: code that moves them is compiled for
//!   these; [`indices`], [`indices_mut`] and [`index_vec`] – indices and pointers of either width
//! - [`lines`] – access row by row, [`iter`] – entry by entry; [`check`] – checks of pointers and indices; [`index_state`] –
//!   which are known to hold
//! - [`coo`] – coordinates
//! - [`files`] – how the arrays are stored on disk; [`draft`] – a matrix with arrays to fill; [`writer`] and
//!   [`coo_writer`] – written line by line, entry by entry, or [array by array](array_writer); [`open`] – a stored matrix, and [`read`] as a copy;
//!   [`copy`] – to another place; [`compressed_mut`] – new values for a stored structure, [`assemble`] –
//!   added one by one or as element matrices; [`builder`] – a matrix line
//!   by line; [`zeros`] – one without entries
//! - [`stack`] – several matrices as one, [`blocks`] – from a grid of them, [`join`]ed; [`slice`] – a part of one,
//!   [`select`] – some entries of every line
//! - [`panels`] – a matrix larger than memory, in panels of lines; [`entry_panels`] – in panels of entries;
//!   [`checked_panels`] – several together, cut by [`line_cuts`] and checked by [`index_check`]
//! - [`partition`] – lines in runs of equal cost; [`permutation`] – a new order of rows or columns
//! - [`exchange`] – conversion to and from sprs

mod any_compressed;
mod any_coo;
mod array_writer;
mod assemble;
mod axis;
mod blocks;
mod builder;
mod check;
mod checked_panels;
mod compressed;
mod compressed_mut;
mod coo;
mod coo_writer;
mod copy;
mod draft;
mod entry_panels;
mod exchange;
mod files;
mod index_check;
mod index_state;
mod index_vec;
mod indices;
mod indices_mut;
mod iter;
mod join;
mod line_cuts;
mod lines;
mod open;
mod panels;
pub(crate) mod partition;
mod permutation;
mod read;
mod select;
mod slice;
mod stack;
mod types;
mod writer;
mod zeros;

pub(crate) use any_compressed::AnyCompressed;
pub use any_coo::AnyCoo;
pub(crate) use any_coo::{CooTypes, coo_bytes};
pub(crate) use array_writer::AnyArrayWriter;
pub use axis::{Axis, ByCols, ByRows};
pub(crate) use blocks::{block, block_diag};
pub use builder::{CompressedBuilder, CscBuilder, CsrBuilder};
pub(crate) use check::{check_types, check_widths, index_out_of_range, rises};
pub(crate) use checked_panels::{CheckedLines, CheckedPanel, CheckedPanels};
pub use compressed::{Compressed, Csc, Csr};
pub use compressed_mut::{CompressedMut, CscMut, CsrMut};
pub(crate) use coo::check_position;
pub use coo::{Coo, Duplicates};
pub(crate) use coo_writer::AnyCooWriter;
pub(crate) use draft::AnyDraft;
pub(crate) use entry_panels::EntryPanels;
pub(crate) use index_vec::IndexVec;
pub(crate) use indices::{Indices, by_index, by_index_type};
pub(crate) use indices_mut::{IndicesMut, by_index_mut, typed_indices};
pub use iter::{CompressedIter, CooIter};
pub(crate) use line_cuts::LineSplit;
pub use lines::Line;
pub(crate) use panels::{CompressedPanel, CompressedPanels};
pub use permutation::Permutation;
pub(crate) use read::repeat_value;
pub(crate) use select::{Selection, SelectionLines, estimate, select};
pub(crate) use slice::select_ranges;
pub(crate) use stack::stack;
pub(crate) use types::{Types, largest, on_disk};
pub(crate) use writer::{AnyWriter, memory_left};
