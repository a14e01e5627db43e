//! The members of a zip archive: where they are and how they are packed.
//!
//! The directory at the end of the file is read, and nothing else until a member is wanted. An archive that two programs
//! could read differently is refused: two members of one name, a local header that differs from the directory, members
//! that share bytes. So is one that could not have been meant as a set of arrays: links, and names that lead out of a
//! folder.

use std::collections::HashSet;
use std::sync::Arc;

use rawzip::{CompressionMethod, FileReader, ZipArchive};

use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::ForeignFile;

/// The most members of an archive that are examined.
const MOST_MEMBERS: usize = 1 << 20;

/// The most bytes of the names of all members.
const MOST_LETTERS: usize = 32 << 20;

/// The largest name and extra fields of a local header.
const LONGEST_HEADER: usize = 2 << 16;

/// A byte of packed data stands for at most this many.
const RATIO: u64 = 1032;

/// A zip archive, open for reading.
pub(super) struct Archive {
    file: Arc<ForeignFile>,
    zip: ZipArchive<FileReader>,
    members: Vec<ArchiveMember>,
}

/// A member as the directory describes it.
#[derive(Clone, Debug)]
pub(super) struct ArchiveMember {
    pub(super) name: String,
    pub(super) crc: u32,
    /// Bytes of the member when it is unpacked.
    pub(super) size: u64,
    packed: u64,
    method: CompressionMethod,
    encrypted: bool,
    header: u64,
    entry: rawzip::ZipArchiveEntryWayfinder,
}

/// Where the bytes of a member are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located {
    pub(super) offset: u64,
    /// Bytes in the archive.
    pub(super) packed: u64,
    pub(super) is_deflated: bool,
}

impl Archive {
    /// Reads the directory of an archive.
    pub(super) fn open(file: &Arc<ForeignFile>) -> Result<Self> {
        let broken = |error| damaged(file, error);
        let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
        let zip = ZipArchive::from_file(file.again()?, &mut buffer).map_err(broken)?;
        let mut buffer = vec![0; LONGEST_HEADER + rawzip::RECOMMENDED_BUFFER_SIZE];
        let (mut members, mut names, mut letters) = (Vec::new(), HashSet::new(), 0);
        let mut entries = zip.entries(&mut buffer);
        while let Some(entry) = entries.next_entry().map_err(broken)? {
            let path = entry.file_path();
            let name = String::from_utf8_lossy(path.as_bytes()).into_owned();
            let refuse = |what: &str| {
                Err(Error::new(ErrorKind::Format, what).in_file(file.path()).found(quoted(&name)))
            };
            if entry.mode().is_symlink() {
                return refuse("the archive holds a link");
            }
            if name.split(['/', '\\']).any(|part| part == "..") || name.starts_with(['/', '\\']) {
                return refuse("the name of a member leads out of the archive");
            }
            letters += name.len();
            if members.len() == MOST_MEMBERS || letters > MOST_LETTERS {
                return refuse("the archive has too many members");
            }
            if !names.insert(name.clone()) {
                return refuse("two members have one name");
            }
            if entry.is_dir() {
                continue;
            }
            members.push(ArchiveMember {
                crc: entry.crc32(),
                size: entry.uncompressed_size_hint(),
                packed: entry.compressed_size_hint(),
                method: entry.compression_method(),
                encrypted: entry.flags().is_encrypted(),
                header: entry.local_header_offset(),
                entry: entry.wayfinder(),
                name,
            });
        }
        Ok(Archive { file: Arc::clone(file), zip, members })
    }

    pub(super) fn file(&self) -> &Arc<ForeignFile> {
        &self.file
    }

    /// Every member that is not a folder.
    pub(super) fn members(&self) -> &[ArchiveMember] {
        &self.members
    }

    /// Finds the bytes of a member, and compares what is said of them.
    pub(super) fn locate(&self, member: &ArchiveMember) -> Result<Located> {
        let file = &self.file;
        let error = |what: &str| {
            Error::new(ErrorKind::Format, what).in_file(file.path()).at_field(&member.name)
        };
        let broken = |error| damaged(file, error).at_field(&member.name);
        let is_deflated = match member.method {
            _ if member.encrypted => {
                return Err(error("the member is encrypted").remedy("unpack the archive"));
            }
            CompressionMethod::STORE => false,
            CompressionMethod::DEFLATE => true,
            other => {
                let name = other.name().map_or_else(
                    || format!("method {}", other.as_u16()),
                    |name| format!("{name} (method {})", other.as_u16()),
                );
                let error = Error::new(
                    ErrorKind::Unsupported,
                    "the member uses an unsupported compression",
                );
                return Err(error
                    .in_file(file.path())
                    .at_field(&member.name)
                    .expected("stored or deflated members")
                    .found(name)
                    .remedy("write it with numpy.savez or scipy.sparse.save_npz"));
            }
        };
        let entry = self.zip.get_entry(member.entry).map_err(broken)?;
        let mut buffer = vec![0; LONGEST_HEADER];
        let local = entry.local_header(&mut buffer).map_err(broken)?;
        if local.compression_method() != member.method
            || local.file_path().as_bytes() != member.name.as_bytes()
        {
            return Err(error("the local header differs from the directory of the archive"));
        }
        let (offset, end) = entry.compressed_data_range();
        // What follows the member: the next one, or the directory.
        let headers = self.members.iter().map(|other| other.header);
        let next = headers.filter(|&header| header > member.header).min();
        let limit = next.unwrap_or_else(|| self.zip.directory_offset()).min(file.length());
        if end > limit {
            return Err(error("the member extends beyond its space in the archive")
                .at_byte(offset)
                .expected(format!("at most {} bytes", limit.saturating_sub(offset)))
                .found(format!("{} bytes", member.packed)));
        }
        let most = if is_deflated { member.packed.saturating_mul(RATIO) } else { member.packed };
        if member.size > most || (!is_deflated && member.size < most) {
            return Err(error("the size of the member cannot be right")
                .expected(format!("at most {most} bytes, of {} in the archive", member.packed))
                .found(member.size));
        }
        Ok(Located { offset, packed: member.packed, is_deflated })
    }
}

/// The error for an archive that cannot be read as one.
fn damaged(file: &ForeignFile, error: rawzip::Error) -> Error {
    let found = error.to_string();
    match error.into_kind() {
        rawzip::ErrorKind::IO(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::io("reading", file.path(), source)
        }
        _ => Error::new(ErrorKind::Format, "the archive is damaged, or cut off")
            .in_file(file.path())
            .expected("a zip archive, as .npz files are")
            .found(found),
    }
}

/// A name from an archive, short and printable.
pub(super) fn quoted(name: &str) -> String {
    let short: String = name.chars().take(80).collect();
    format!("\"{}\"", short.escape_debug())
}
