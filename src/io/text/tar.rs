//! The headers of a tar archive: names and lengths of its members.
//!
//! A name of more than 100 bytes does not fit in the header of its member. Depending on the program, its front is in
//! another field, or it precedes the member as the data of a special one: `././@LongLink`, or a pax header.

/// Bytes of a block of a tar archive.
pub(in crate::io) const BLOCK: usize = 512;

/// Maximum number of bytes of a name, with what surrounds it in a special member.
pub(in crate::io) const LONGEST_NAME: u64 = 1 << 16;

/// The contents of a header of a tar archive.
pub(in crate::io) struct Member {
    pub(in crate::io) name: String,
    pub(in crate::io) length: u64,
    pub(in crate::io) kind: Kind,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::io) enum Kind {
    File,
    /// Its data is the name of the next member.
    Name,
    /// Its data is records `LENGTH KEYWORD=VALUE` about the next member; `path` is its name.
    Records,
    /// Its data is about other members, and is no name.
    About,
    /// A folder, a link and the like.
    Other,
}

impl Member {
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
            0 | b'0' => Kind::File,
            b'L' => Kind::Name,
            b'x' => Kind::Records,
            b'K' | b'g' => Kind::About,
            _ => Kind::Other,
        };
        Some(Member { name, length: octal(&header[124..136]).unwrap_or(0), kind })
    }

    /// The name that the data of this member gives to the next one.
    pub(in crate::io) fn name_of_next(&self, data: &[u8]) -> Option<String> {
        match self.kind {
            Kind::Name => Some(text(data)),
            Kind::Records => data.split(|&b| b == b'\n').find_map(|record| {
                let blank = record.iter().position(|&b| b == b' ')?;
                record[blank + 1..].strip_prefix(b"path=").map(text)
            }),
            _ => None,
        }
    }
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
        let member = Member::read(&header).unwrap();
        assert_eq!((member.name.as_str(), member.length, member.kind), ("a/a.mtx", 10, Kind::File));
        header[0] = b'b';
        assert!(Member::read(&header).is_none());
    }
}
