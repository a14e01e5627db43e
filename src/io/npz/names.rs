//! The arrays of an archive by their names.

use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::{ForeignArray, Named};
use crate::io::npz::archive::{Archive, ArchiveMember, quoted};
use crate::io::npz::member;

/// The name of the operation in plans.
pub(super) const OPERATION: &str = "reading an .npz file";

/// Members that an error lists.
const LISTED: usize = 12;

/// Names and shapes of some arrays, for an error.
pub(super) fn list(archive: &Archive, members: &[&ArchiveMember]) -> String {
    let describe = |found: &&ArchiveMember| {
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
    pub(super) fn arrays(&self) -> impl Iterator<Item = &ArchiveMember> {
        self.members().iter().filter(|member| member.name.ends_with(".npy"))
    }

    /// The member of an array, called `NAME.npy` or just so.
    pub(super) fn find(&self, name: &str) -> Option<&ArchiveMember> {
        let called = |member: &&ArchiveMember| {
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
