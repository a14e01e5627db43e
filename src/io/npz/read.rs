//! Which matrix an archive holds.

use std::path::Path;

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::{ForeignFile, Named, read_binsparse, read_dense};
use crate::io::npz::archive::{Archive, quoted};
use crate::io::npz::names::{OPERATION, list};
use crate::io::npz::{member, scipy};
use crate::io::options::ReadOptions;
use crate::io::read_as::ReadAs;
use crate::storage::{Context, Place};

/// The matrix in an archive: mapped, or copied to `place`.
pub(in crate::io) fn read(
    path: &Path,
    options: &ReadOptions,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let archive = Archive::open(&ForeignFile::open(path)?)?;
    if let Some(name) = &options.member {
        return read_dense(OPERATION, &archive.array(name)?, place, ctx);
    }
    let there = |name: &str| archive.find(name).is_some();
    if there("format") && there("shape") {
        return scipy::read(&archive, options, place, ctx);
    }
    if let Some(found) = archive.find("binsparse") {
        let text = member::text(&archive, found)?;
        let in_member = |error: Error| match error.path() {
            Some(_) => error,
            None => error.in_file(path),
        };
        return read_binsparse(OPERATION, &text, &archive, place, ctx).map_err(in_member);
    }
    match &archive.arrays().collect::<Vec<_>>()[..] {
        [one] => read_dense(OPERATION, &member::array(&archive, one)?, place, ctx),
        [] => Err(Error::new(ErrorKind::Format, "the archive holds no array")
            .in_file(path)
            .expected("members NAME.npy")
            .found(match archive.members() {
                [] => "nothing".to_owned(),
                [first, ..] => quoted(&first.name),
            })),
        several => Err(Error::new(ErrorKind::Unsupported, "the archive holds several arrays")
            .in_file(path)
            .expected("one array, or a sparse matrix with its format")
            .found(list(&archive, several))
            .remedy("choose one with `member`")),
    }
}
