//! Which matrix an archive holds.

use std::path::Path;

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::{ForeignArray, ForeignFile, Named, read_binsparse, read_dense};
use crate::io::npz::archive::{Archive, Member, quoted};
use crate::io::npz::{member, scipy};
use crate::io::options::ReadOptions;
use crate::io::read_as::ReadAs;
use crate::storage::{Context, Place};

/// The name of the operation in plans.
pub(super) const OPERATION: &str = "reading an .npz file";

/// Members that an error lists.
const LISTED: usize = 12;

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
            .remedy("say which one with `member`")),
    }
}

fn list(archive: &Archive, members: &[&Member]) -> String {
    let describe = |found: &&Member| {
        let name = found.name.strip_suffix(".npy").unwrap_or(&found.name);
        format!("{name} ({})", member::description(archive, found))
    };
    let mut listed: Vec<_> = members.iter().take(LISTED).map(describe).collect();
    if members.len() > LISTED {
        listed.push(format!("and {} more", members.len() - LISTED));
    }
    listed.join(", ")
}

impl Archive {
    /// The members that are arrays, by their name.
    fn arrays(&self) -> impl Iterator<Item = &Member> {
        self.members().iter().filter(|member| member.name.ends_with(".npy"))
    }

    /// The member of an array, called `NAME.npy` or just so.
    pub(super) fn find(&self, name: &str) -> Option<&Member> {
        let called = |member: &&Member| {
            member.name == name || member.name.strip_suffix(".npy") == Some(name)
        };
        self.members().iter().find(called)
    }
}

impl Named for Archive {
    fn array(&self, name: &str) -> Result<ForeignArray> {
        let found = self.find(name).ok_or_else(|| {
            let there: Vec<_> = self.arrays().collect();
            Error::new(ErrorKind::Format, "the archive has no such array")
                .in_file(self.file().path())
                .expected(quoted(name))
                .found(if there.is_empty() { "no array".to_owned() } else { list(self, &there) })
        })?;
        member::array(self, found)
    }
}
