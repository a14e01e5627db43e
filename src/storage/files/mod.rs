//! Names and bytes on disk: the two formats, checksums, and results that appear complete or not at all.
//!
//! - [`npy`] and [`descriptor`] – the two formats, the second in [`json`], of [`sparse_format`]s; [`checksum`] and [`sums`]
//!   – the checksums of an array, in a separate file
//! - [`folder`] and [`stored_file`] – files opened through the handle of their folder
//! - [`publish`] – a result gets its name in one step, from a [`hidden`] folder; [`leftovers`] – those left by crashed
//!   processes; [`replaceable`] – what may be replaced; [`rewrite`] – an array changed in place; [`scratch_file`] –
//!   files without a name

pub(crate) mod checksum;
mod descriptor;
mod folder;
mod hidden;
mod json;
mod leftovers;
mod npy;
mod publish;
mod replaceable;
mod rewrite;
mod scratch_file;
mod sparse_format;
mod stored_file;
mod sums;

pub(crate) use checksum::{SIDE, remove_with_sums};
pub use descriptor::Descriptor;
pub(crate) use descriptor::{
    DESCRIPTOR, INDICES_FILE, POINTERS_FILE, ROWS_FILE, VALUES_FILE, VERTEX_IDS_FILE,
    VERTEX_NAMES_FILE,
};
pub(crate) use descriptor::{Half, Mirrored};
pub(crate) use folder::Folder;
pub use leftovers::{Leftover, leftovers};
pub use npy::{ByteOrder, NpyHeader, Order};
pub(crate) use npy::{
    DATA_START, LONGEST_START, count_elements, create_array, create_headerless, finish_array,
    map_array, map_array_mut, map_part, map_raw, map_raw_mut, parse_header, parse_text,
    read_header, text_array, write_header,
};
pub(crate) use publish::StagedFiles;
pub(crate) use replaceable::What;
pub(crate) use rewrite::{MARK, Rewrite, check_closed, open_closed};
pub(crate) use scratch_file::{named_scratch_file, scratch_file};
pub use sparse_format::{SparseFormat, StoredValues};
pub(crate) use stored_file::StoredFile;
pub(crate) use sums::{BLOCK, Checksums, Summing, sum_block};
