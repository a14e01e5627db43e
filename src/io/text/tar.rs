//! The headers of a tar archive: names and lengths of its members, and the search for one of them.
//!
//! A name of more than 100 bytes does not fit in the header of its member. Depending on the program, its front is in
//! another field, or it precedes the member as the data of a special one: `././@LongLink`, or a pax header.

use std::collections::HashSet;

use crate::error::{Error, ErrorKind, Result};

/// Members that an error lists, and letters of each.
const LISTED: usize = 12;
const LETTERS: usize = 320;

/// Bytes of a block of a tar archive.
pub(in crate::io) const BLOCK: usize = 512;

/// Maximum number of bytes of a name, with what surrounds it in a special member.
pub(in crate::io) const LONGEST_NAME: u64 = 1 << 16;

/// The contents of a header of a tar archive.
pub(in crate::io) struct TarMember {
    pub(in crate::io) name: String,
    pub(in crate::io) length: u64,
    pub(in crate::io) kind: MemberKind,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::io) enum MemberKind {
    File,
    /// Its data is the name of the next member.
    Name,
    /// Its data is records `LENGTH KEYWORD=VALUE` about the next member; `path` is its name.
    Records,
    /// Its data is about other members, and is not a name.
    About,
    /// A name for another file.
    Link,
    /// A folder and the like.
    Other,
}

impl TarMember {
    /// `None` unless the block is a header with a right checksum.
    pub(in crate::io) fn read(header: &[u8; BLOCK]) -> Option<Self> {
        let octal = |field: &[u8]| {
            let text = field.split(|&b| b == 0 || b == b' ').find(|part| !part.is_empty())?;
            u64::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok()
        };
        // The checksum counts its own field as blanks.
        let sum: u64 = header.iter().map(|&b| u64::from(b)).sum::<u64>()
            - header[148..156].iter().map(|&b| u64::from(b)).sum::<u64>()
            + 8 * u64::from(b' ');
        if octal(&header[148..156])? != sum {
            return None;
        }
        let mut name = text(&header[..100]);
        // The old GNU format has other fields there, and another mark.
        let front = text(&header[345..500]);
        if header[257..263] == *b"ustar\0" && !front.is_empty() {
            name = format!("{front}/{name}");
        }
        let kind = match header[156] {
            0 | b'0' => MemberKind::File,
            b'L' => MemberKind::Name,
            b'x' => MemberKind::Records,
            b'K' | b'g' => MemberKind::About,
            b'1' | b'2' => MemberKind::Link,
            _ => MemberKind::Other,
        };
        Some(TarMember { name, length: octal(&header[124..136]).unwrap_or(0), kind })
    }

    /// The name that the data of this member gives to the next one.
    pub(in crate::io) fn name_of_next(&self, data: &[u8]) -> Option<String> {
        match self.kind {
            MemberKind::Name => Some(text(data)),
            MemberKind::Records => data.split(|&b| b == b'\n').find_map(|record| {
                let blank = record.iter().position(|&b| b == b' ')?;
                record[blank + 1..].strip_prefix(b"path=").map(text)
            }),
            _ => None,
        }
    }
}

/// Where the data of a member begins, and its length.
type MemberPlace = (u64, u64);

/// The search for the member that holds the matrix.
///
/// It ends at the header of a member that is named with its folder, or is `NAME/NAME.mtx` and none is named; what comes
/// after it is not examined. Otherwise all members are examined. Refused where they are seen: links, names that lead
/// out of the archive, and two members of one name.
pub(in crate::io) struct MemberSearch<'a> {
    wanted: Option<&'a str>,
    names: Vec<String>,
    seen: HashSet<String>,
    /// The members that may be meant, each by its position among the names.
    found: Vec<(usize, MemberPlace)>,
}

impl<'a> MemberSearch<'a> {
    /// A search for a member of this name, with or without its folder and `.mtx`, or for a matrix.
    pub(in crate::io) fn new(wanted: Option<&'a str>) -> Self {
        let wanted = wanted.map(|name| name.trim_start_matches("./"));
        MemberSearch { wanted, names: Vec::new(), seen: HashSet::new(), found: Vec::new() }
    }

    /// Looks at the next member; returns its place if it is the one.
    pub(in crate::io) fn see(
        &mut self,
        name: String,
        kind: MemberKind,
        place: MemberPlace,
    ) -> Result<Option<MemberPlace>> {
        let refused = |what: &str| {
            Err(Error::new(ErrorKind::Format, what).found(listed(std::iter::once(&name))))
        };
        if kind == MemberKind::Link {
            return refused("the archive holds a link");
        }
        if name.starts_with('/') || name.split('/').any(|part| part == "..") {
            return refused("the name of a member leads out of the archive");
        }
        let name = name.trim_start_matches("./").to_owned();
        if kind != MemberKind::File {
            return Ok(None);
        }
        if !self.seen.insert(name.clone()) {
            return refused("two members have one name");
        }
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", &name));
        let (whole, stem) = (name.strip_suffix(".mtx"), file.strip_suffix(".mtx"));
        let (is_one, may_be) = match self.wanted {
            Some(wanted) => {
                let is = |name: &str, stem: Option<&str>| name == wanted || stem == Some(wanted);
                let is_whole = is(&name, whole);
                (is_whole && wanted.contains('/'), is_whole || is(file, stem))
            }
            None => {
                let of_folder = folder.rsplit('/').next();
                (stem.is_some() && of_folder == stem, stem.is_some())
            }
        };
        if is_one {
            return Ok(Some(place));
        }
        if may_be {
            self.found.push((self.names.len(), place));
        }
        self.names.push(name);
        Ok(None)
    }

    /// The place of the only member that may be meant; `None` if there are no members.
    pub(in crate::io) fn end(self) -> Result<Option<MemberPlace>> {
        let refused = |what: &str| Error::new(ErrorKind::Format, what);
        let names = self.names.iter();
        match (self.found.as_slice(), self.wanted) {
            ([(_, one)], _) => Ok(Some(*one)),
            _ if self.names.is_empty() => Ok(None),
            ([], Some(wanted)) => Err(refused("the archive has no such member")
                .expected(format!("{:?}", shown(wanted)))
                .found(listed(names))),
            ([], None) => Err(refused("the archive does not hold exactly one matrix")
                .expected("one member NAME/NAME.mtx")
                .found(listed(names))
                .remedy("choose one with `member`")),
            (several, wanted) => {
                let found = listed(several.iter().map(|&(k, _)| &self.names[k]));
                Err(match wanted {
                    Some(_) => refused("several members have this name")
                        .found(found)
                        .remedy("give its folder too"),
                    None => refused("the archive does not hold exactly one matrix")
                        .expected("one member NAME/NAME.mtx")
                        .found(format!("{} members that end in .mtx: {found}", several.len()))
                        .remedy("choose one with `member`"),
                })
            }
        }
    }
}

/// A name in a message.
fn shown(name: &str) -> String {
    name.chars().take(LETTERS).collect::<String>().escape_debug().to_string()
}

/// Some names, not too many, for a message.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let mut listed: Vec<_> = names.take(LISTED).map(|name| shown(name)).collect();
    if more > 0 {
        listed.push(format!("and {more} more"));
    }
    listed.join(", ")
}

/// The text of a field, which a zero byte ends if it is shorter.
fn text(field: &[u8]) -> String {
    let text = field.split(|&b| b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_archives_are_checked() {
        let mut header = [0; BLOCK];
        header[..9].copy_from_slice(b"a/a.mtx\0\0");
        header[124..135].copy_from_slice(b"00000000012");
        header[156] = b'0';
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|&b| u64::from(b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let member = TarMember::read(&header).unwrap();
        assert_eq!(
            (member.name.as_str(), member.length, member.kind),
            ("a/a.mtx", 10, MemberKind::File)
        );
        header[0] = b'b';
        assert!(TarMember::read(&header).is_none());
    }
}
