//! A table of either kind from a file.

use std::path::Path;

use crate::any::AnyMatrix;
use crate::error::Result;
use crate::io::format::FileFormat;
use crate::io::options::ReadOptions;
use crate::io::table::dense::dense;
use crate::io::table::layout::TableLayout;
use crate::io::table::triplets;
use crate::io::text::text_file::TextFile;
use crate::io::text::unsupported_formats::foreign_binary;
use crate::storage::{Context, Place};

/// The matrix of a table, and the names of its columns.
///
/// Cost: the file is read twice. Memory: the result, unless it goes to a file, and some MiB for each thread, at most a
/// quarter of the limit.
pub(in crate::io) fn read(
    path: &Path,
    format: FileFormat,
    options: &ReadOptions,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, Option<Vec<String>>)> {
    let (text, first) = TextFile::open_any(path, options.member.as_deref())?;
    if let Some(error) = foreign_binary(path, &first) {
        return Err(error);
    }
    let mut table = options.table.clone();
    if format == FileFormat::Tsv {
        table.separator = table.separator.or(Some(b'\t'));
    }
    let layout = TableLayout::of(&text, &table, format == FileFormat::Triplets, ctx)?;
    let matrix = match layout.triplets {
        true => triplets::read(&text, &layout, &table, options.hypersparse, place, ctx)?,
        false => dense(&text, &layout, table.missing, place, ctx)?,
    };
    Ok((matrix, layout.columns))
}
