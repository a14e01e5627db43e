//! Formats of text that a few lines or the name of a file decide.

use std::path::Path;

use crate::error::Result;
use crate::io::format::FileFormat;
use crate::io::harwell_boeing::is_harwell_boeing;
use crate::io::matrix_market::is_banner;
use crate::io::text::records::without_end;
use crate::io::text::text_file::TextFile;

/// Lines that are looked at.
const LINES: usize = 4;

/// The format of an ordinary file of text, packed or not, if its lines or its name say that it is neither Matrix Market
/// nor a list of edges.
pub(super) fn text_format(path: &Path) -> Result<Option<FileFormat>> {
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let named = FileFormat::of_name(&without_packing(path));
    let named = named.filter(|named| {
        use FileFormat::{Csv, HarwellBoeing, Triplets, Tsv};
        matches!(named, Csv | Tsv | Triplets | HarwellBoeing)
    });
    let (text, _) = TextFile::open_any(path)?;
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

/// The path without the extension of a packed file.
fn without_packing(path: &Path) -> std::path::PathBuf {
    match path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        true => path.with_extension(""),
        false => path.to_owned(),
    }
}
