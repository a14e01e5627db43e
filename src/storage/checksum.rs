//! Checksums of stored files: XXH3 of every 4 MiB block, in a side file beside the data.
//!
//! The side file of `NAME` is `NAME.xxh3`, a JSON object with the block size, the length and one 64-bit sum per block,
//! so that a mismatch names the block and any part can be checked alone. Opening never reads the sums; [`verify`]
//! does, and reads every byte once.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::context::Context;
use crate::storage::sums::{BLOCK, Sums, sum_block};

/// How much [`verify`] found in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Verified {
    /// Files compared with their sums.
    pub files: u64,
    /// Bytes read and summed.
    pub bytes: u64,
}

/// The side file with the sums of `path`.
pub(crate) fn side_file(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".xxh3");
    name.into()
}

/// Sums a complete file and writes the side file to the device.
pub(crate) fn write(path: &Path, ctx: &Context) -> Result<()> {
    let (length, sums) = sum_file(path, ctx)?;
    write_sums(path, length, &sums)
}

/// Writes the side file of a file of `length` bytes, whose sums are known, to the device.
pub(crate) fn write_sums(path: &Path, length: u64, Sums(sums): &Sums) -> Result<()> {
    let sums: Vec<String> = sums.iter().map(|sum| format!("{sum:016x}")).collect();
    let text = json!({
        "algorithm": "XXH3-64",
        "block_bytes": BLOCK,
        "bytes": length,
        "blocks": sums,
    });
    let side = side_file(path);
    fs::write(&side, format!("{text}\n"))
        .and_then(|()| File::open(&side)?.sync_all())
        .map_err(|e| Error::io("writing", &side, e))
}

/// Compares a stored array, or every file of a stored matrix, with the sums written when it was published.
///
/// The first block that differs is an error of kind [`ErrorKind::Checksum`] that names file, byte, expected and found
/// sum. Cost: one pass over the files, 4 MiB of memory per thread.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.npy");
/// use outcore::{Context, Dense, verify};
/// let ctx = Context::new();
/// Dense::from(ndarray::arr2(&[[1.0, 2.0]])).copy_to(&path, &ctx)?;
/// assert_eq!(verify(&path, &ctx)?.files, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(path: impl AsRef<Path>, ctx: &Context) -> Result<Verified> {
    let path = path.as_ref();
    if !path.is_dir() {
        return verify_file(path, ctx).map(|bytes| Verified { files: 1, bytes });
    }
    let entries = fs::read_dir(path).map_err(|e| Error::io("listing", path, e))?;
    // A side file stands for its data: a file that is gone while its sums are there is missed.
    let mut files = BTreeSet::new();
    for entry in entries {
        let file = entry.map_err(|e| Error::io("listing", path, e))?.path();
        let is_side = file.extension().is_some_and(|extension| extension == "xxh3");
        files.insert(if is_side { file.with_extension("") } else { file });
    }
    let mut verified = Verified::default();
    for file in &files {
        verified.bytes += verify_file(file, ctx)?;
        verified.files += 1;
    }
    Ok(verified)
}

fn verify_file(path: &Path, ctx: &Context) -> Result<u64> {
    let (expected_length, expected) = read_sums(path)?;
    let (length, found) = sum_file(path, ctx)?;
    let differs = |at: u64, expected: String, found: String| {
        Err(Error::new(ErrorKind::Checksum, "the file is not what was written")
            .in_file(path)
            .at_byte(at)
            .expected(expected)
            .found(found))
    };
    if length != expected_length {
        return differs(
            length.min(expected_length),
            format!("{expected_length} bytes"),
            format!("{length}"),
        );
    }
    for (block, (expected, found)) in expected.iter().zip(&found.0).enumerate() {
        if expected != found {
            return differs(
                block as u64 * BLOCK,
                format!("the sum {expected:016x} over {BLOCK} bytes"),
                format!("{found:016x}"),
            );
        }
    }
    Ok(length)
}

/// The length of a file and the sum of each of its blocks.
fn sum_file(path: &Path, ctx: &Context) -> Result<(u64, Sums)> {
    let file = File::open(path).map_err(|e| Error::io("opening", path, e))?;
    let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
    let done = AtomicU64::new(0);
    let sums = ctx.run(|| {
        (0..length.div_ceil(BLOCK))
            .into_par_iter()
            .map_init(Vec::new, |bytes, block| {
                let sum = sum_block(&file, path, block, length, bytes)?;
                let before = done.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                ctx.meter().read(bytes.len() as u64);
                ctx.report("checksums", before + bytes.len() as u64, length)?;
                Ok(sum)
            })
            .collect::<Result<Vec<u64>>>()
    })?;
    Ok((length, Sums(sums)))
}

/// The length and the sums in the side file of `path`.
fn read_sums(path: &Path) -> Result<(u64, Vec<u64>)> {
    let side = side_file(path);
    let length = fs::metadata(path).map_err(|e| Error::io("reading the size", path, e))?.len();
    let side_length = match fs::metadata(&side) {
        Ok(metadata) => metadata.len(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::new(ErrorKind::Checksum, "the file has no checksums")
                .in_file(path)
                .expected(format!("them in {}", side.display())));
        }
        Err(e) => return Err(Error::io("reading the size", &side, e)),
    };
    // Nineteen bytes a block and a few names; nothing larger is read into memory.
    let longest = 1024 + 32 * length.div_ceil(BLOCK);
    let malformed = |what: &str| Error::new(ErrorKind::Format, what.to_owned()).in_file(&side);
    if side_length > longest {
        return Err(malformed("the checksum file is too long for the file it sums")
            .expected(format!("at most {longest} bytes"))
            .found(side_length));
    }
    let text = fs::read(&side).map_err(|e| Error::io("reading", &side, e))?;
    let value: Value = serde_json::from_slice(&text)
        .map_err(|e| malformed("not a JSON object").found(e.to_string()))?;
    if value["algorithm"] != "XXH3-64" || value["block_bytes"] != BLOCK {
        return Err(malformed("unknown checksums")
            .expected(format!("XXH3-64 over blocks of {BLOCK} bytes"))
            .found(format!("{} over {}", value["algorithm"], value["block_bytes"])));
    }
    let length = value["bytes"].as_u64().ok_or_else(|| malformed("no length").at_field("bytes"))?;
    let sums: Option<Vec<u64>> = value["blocks"].as_array().and_then(|blocks| {
        blocks.iter().map(|sum| u64::from_str_radix(sum.as_str()?, 16).ok()).collect()
    });
    match sums {
        Some(sums) if sums.len() as u64 == length.div_ceil(BLOCK) => Ok((length, sums)),
        _ => Err(malformed("the sums are damaged")
            .at_field("blocks")
            .expected(format!("{} hexadecimal sums", length.div_ceil(BLOCK)))),
    }
}
