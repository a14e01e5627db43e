//! Checksums of stored files: XXH3 of every 4 MiB block, in a side file next to the data.
//!
//! The side file of `NAME` is `NAME.xxh3`, a JSON object with the block size, the length and one 64-bit sum per block,
//! so that a mismatch names the block and any part can be checked alone. Opening never reads the sums;
//! [`verify`](crate::verify()) does, and reads every byte once.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::folder::Folder;
use crate::storage::files::json::{parse_json, sorted};
use crate::storage::files::stored_file::StoredFile;
use crate::storage::files::sums::{BLOCK, Checksums, sum_block};
use crate::storage::runtime::Context;
use crate::storage::runtime::parallel::{ParallelSlice, Tasks};

/// The ending of the side file with the sums of a file.
pub(crate) const SIDE: &str = ".xxh3";

/// What a side file begins with.
pub(crate) const BEGINNING: &str = "{\"algorithm\":\"XXH3-64\"";

/// The side file with the sums of `file`.
pub(crate) fn side_file(file: &StoredFile) -> StoredFile {
    file.sibling(SIDE)
}

/// Whether a file has checksums next to it. Fails if a foreign file is in their place.
pub(crate) fn has_sums(file: &StoredFile) -> Result<bool> {
    side_file(file).check_own(BEGINNING)
}

/// Removes a file, if it is there, and its checksums. Of a link, the link itself.
pub(crate) fn remove_with_sums(path: &Path) -> Result<()> {
    let (Some(name), Ok(_)) = (path.file_name(), path.symlink_metadata()) else { return Ok(()) };
    let file = Folder::open(path.parent().unwrap_or(Path::new("")))?.file(name);
    file.remove()?;
    side_file(&file).remove().map(drop)
}

/// Sums a complete file, which is open, and writes the side file to the device.
pub(crate) fn write(stored: &StoredFile, file: &File, ctx: &Context) -> Result<()> {
    let (length, sums) = sum_file(file, &stored.path(), ctx)?;
    write_sums(stored, length, &sums)
}

/// Writes the side file of a file of `length` bytes, whose sums are known, to the device.
pub(crate) fn write_sums(
    stored: &StoredFile,
    length: u64,
    Checksums(sums): &Checksums,
) -> Result<()> {
    let sums: Vec<String> = sums.iter().map(|sum| format!("{sum:016x}")).collect();
    let text = sorted(json!({
        "algorithm": "XXH3-64",
        "block_bytes": BLOCK,
        "bytes": length,
        "blocks": sums,
    }));
    let text = format!("{text}\n");
    debug_assert!(text.starts_with(BEGINNING));
    side_file(stored).write(&text)
}

/// The text of the side file of an open file; fails if there is none, or a longer one than the file can have.
pub(crate) fn read_side(file: &File, stored: &StoredFile) -> Result<Vec<u8>> {
    let path = stored.path();
    let length = file.metadata().map_err(|e| Error::io("reading the size", &path, e))?.len();
    let side = side_file(stored);
    // Nineteen bytes per block and a few names; a larger file is not read into memory.
    side.read_small(1024 + 32 * length.div_ceil(BLOCK))?.ok_or_else(|| {
        Error::new(ErrorKind::Checksum, "the file has no checksums")
            .in_file(&path)
            .expected(format!("them in {}", side.path().display()))
    })
}

/// The length of an open file and the sum of each of its blocks.
pub(crate) fn sum_file(file: &File, path: &Path, ctx: &Context) -> Result<(u64, Checksums)> {
    let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
    let done = AtomicU64::new(0);
    let mut sums = vec![0; length.div_ceil(BLOCK) as usize];
    ctx.with_threads(|| {
        let blocks = sums.par_iter_mut().enumerate();
        blocks.try_for_each(|(block, sum)| {
            let bytes;
            (*sum, bytes) = sum_block(file, path, block as u64, length)?;
            let before = done.fetch_add(bytes, Ordering::Relaxed);
            ctx.meter().read(bytes);
            ctx.report("checksums", before + bytes, length)
        })
    })?;
    Ok((length, Checksums(sums)))
}

/// Parses a sum, which must have exactly the digits that are written; any other text was changed.
fn parse_sum(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok().filter(|sum| format!("{sum:016x}") == text)
}

/// The length and the sums in the text of a side file.
pub(crate) fn parse(text: &[u8], side: &Path) -> Result<(u64, Vec<u64>)> {
    let malformed = |what: &str| Error::new(ErrorKind::Format, what.to_owned()).in_file(side);
    let value = parse_json(text)
        .map_err(|(line, found)| malformed("not a JSON object").at_line(line).found(found))?;
    if value["algorithm"] != "XXH3-64" || value["block_bytes"] != BLOCK {
        return Err(malformed("unknown checksums")
            .expected(format!("XXH3-64 over blocks of {BLOCK} bytes"))
            .found(format!("{} over {}", value["algorithm"], value["block_bytes"])));
    }
    let length = value["bytes"].as_u64().ok_or_else(|| malformed("no length").at_field("bytes"))?;
    let sums: Option<Vec<u64>> = value["blocks"]
        .as_array()
        .and_then(|blocks| blocks.iter().map(|text| parse_sum(text.as_str()?)).collect());
    match sums {
        Some(sums) if sums.len() as u64 == length.div_ceil(BLOCK) => Ok((length, sums)),
        _ => Err(malformed("the sums are damaged")
            .at_field("blocks")
            .expected(format!("{} hexadecimal sums", length.div_ceil(BLOCK)))),
    }
}
