//! Formats of text that a few lines or the name of a file decide.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::io::format::FileFormat;
use crate::io::harwell_boeing::is_harwell_boeing;
use crate::io::matrix_market::is_banner;
use crate::io::options::ReadOptions;
use crate::io::text::gzip::without_packing;
use crate::io::text::records::without_end;
use crate::io::text::text_file::TextFile;

/// Lines that are examined.
const LINES: usize = 4;

/// The format of an ordinary file of text, packed or not, if its lines or its name say that it is neither Matrix Market
/// nor an edge list.
pub(super) fn text_format(path: &Path, member: Option<&str>) -> Result<Option<FileFormat>> {
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let named = FileFormat::of_name(&without_packing(path));
    let named = named.filter(|named| {
        use FileFormat::{Csv, HarwellBoeing, Triplets, Tsv};
        matches!(named, Csv | Tsv | Triplets | HarwellBoeing)
    });
    let (text, _) = TextFile::open_any(path, member)?;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let looked = text.visit_first_lines(|_, line| {
        lines.push(without_end(line).to_vec());
        Ok((lines.len() == LINES).then_some(()))
    });
    // A line that is too long is reported by the reader of the format.
    drop(looked);
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let first = lines.iter().find(|line| !line.trim_ascii().is_empty());
    if first.is_some_and(|line| is_banner(line.trim_ascii_start())) {
        return Ok(None);
    }
    match is_harwell_boeing(&lines) {
        true => Ok(Some(FileFormat::HarwellBoeing)),
        false => Ok(named),
    }
}

/// The error of a reader of text about a file whose name is that of another format: the name is the likelier truth.
pub(super) fn or_named_otherwise(path: &Path, options: &ReadOptions, error: Error) -> Error {
    use FileFormat::{Hdf5, Npy, Npz, Petsc, Stored};
    let named = FileFormat::of_name(path)
        .filter(|named| matches!(named, Hdf5 | Npy | Npz | Petsc | Stored))
        .filter(|_| options.format.is_none() && !path.is_dir());
    let is_about_text = !matches!(
        error.kind(),
        ErrorKind::Io | ErrorKind::Memory | ErrorKind::Cancelled | ErrorKind::Planned
    );
    match named {
        Some(named) if is_about_text && !error.to_string().contains("seems to be") => {
            let name = named.name();
            let what = format!("the name indicates {name}, but the content is something else");
            Error::new(ErrorKind::Format, what)
                .in_file(path)
                .expected(format!("a file that begins like {name}, or a matrix as text"))
                .found("neither")
                .remedy("check how the file was made, or copied")
        }
        _ => error,
    }
}
