//! A zip archive of stored members, written from the first to the last.
//!
//! The data of every member begins at a multiple of [`ALIGNMENT`] bytes, so that it can be mapped: a field of the local
//! header is as long as it takes, as the Android tools do it. Sizes of 4 GiB and more are written as zip64 asks for
//! them. Sizes are known beforehand; the checksum is put into the local header when the member is complete.
//!
//! Source: PKWARE, "APPNOTE.TXT – .ZIP File Format Specification", version 6.3.10, sections 4.3 to 4.5.

use flate2::Crc;

use crate::error::{Error, ErrorKind, Result};
use crate::io::output::{Output, Target};

/// Where members begin: a cache line, and a multiple of every element size.
pub(super) const ALIGNMENT: usize = 64;

/// Bytes collected before they are written.
pub(super) const BUFFER: usize = 1 << 20;

/// From here on a size or an offset stands in a field of 64 bits.
const WIDE: u64 = u32::MAX as u64;

/// The first day that the format knows.
const DATE: u16 = 0x21;

/// The number of the padding field, and of the one for 64 bits.
const PADDING: u16 = 0xd935;
const ZIP64: u16 = 1;

/// An archive until it is finished; removed when it is dropped before.
pub(super) struct ZipWriter {
    output: Output,
    buffer: Vec<u8>,
    /// Bytes so far, with those in the buffer.
    length: u64,
    members: Vec<DirectoryEntry>,
    /// The checksum of the current member, and the bytes that it still lacks.
    crc: Crc,
    left: u64,
}

/// A member as the directory will describe it.
struct DirectoryEntry {
    name: String,
    size: u64,
    crc: u32,
    header: u64,
}

impl ZipWriter {
    /// Starts an archive, which gets its name when it is finished.
    pub(super) fn create(target: Target<'_>) -> Result<Self> {
        Ok(ZipWriter {
            output: Output::create(target)?,
            buffer: Vec::with_capacity(BUFFER),
            length: 0,
            members: Vec::new(),
            crc: Crc::new(),
            left: 0,
        })
    }

    /// Fails as [`create`](Self::create) does, without making anything.
    pub(super) fn check(target: Target<'_>) -> Result<()> {
        Output::check(target)
    }

    /// Begins a member of this many bytes, which are then [pushed](Self::push).
    pub(super) fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        self.end()?;
        let (wide, header) = (size >= WIDE, self.length);
        let before = 30 + name.len() + if wide { 20 } else { 0 };
        // The padding has a head of four bytes, and two that name the alignment.
        let mut padding = ALIGNMENT - (header as usize + before) % ALIGNMENT;
        if padding < 6 {
            padding += ALIGNMENT;
        }
        let mut bytes = Vec::with_capacity(before + padding);
        bytes.extend_from_slice(b"PK\x03\x04");
        bytes.extend_from_slice(&version(wide).to_le_bytes());
        bytes.extend_from_slice(&[0; 4]); // flags, method: stored
        bytes.extend_from_slice(&[0; 2]); // time
        bytes.extend_from_slice(&DATE.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]); // checksum
        for _ in ["packed", "unpacked"] {
            bytes.extend_from_slice(&narrow(size).to_le_bytes());
        }
        bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&((before - 30 - name.len() + padding) as u16).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        if wide {
            bytes.extend_from_slice(&field(ZIP64, &[size, size]));
        }
        bytes.extend_from_slice(&PADDING.to_le_bytes());
        bytes.extend_from_slice(&(padding as u16 - 4).to_le_bytes());
        bytes.extend_from_slice(&(ALIGNMENT as u16).to_le_bytes());
        bytes.resize(before + padding, 0);
        self.append(&bytes)?;
        self.members.push(DirectoryEntry { name: name.to_owned(), size, crc: 0, header });
        (self.crc, self.left) = (Crc::new(), size);
        Ok(())
    }

    /// Appends bytes to the current member. Fails if they are more than it was begun with.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            return Err(self.wrong_size());
        };
        self.left = left;
        self.crc.update(bytes);
        self.append(bytes)
    }

    /// Writes the directory, syncs the file and gives it its name; returns its length.
    pub(super) fn finish(mut self) -> Result<u64> {
        self.end()?;
        let start = self.length;
        let directory: Vec<u8> = self.members.iter().flat_map(DirectoryEntry::entry).collect();
        self.append(&directory)?;
        let (count, size) = (self.members.len(), self.length - start);
        let mut end = Vec::new();
        if start >= WIDE || size >= WIDE {
            let at = self.length;
            end.extend_from_slice(b"PK\x06\x06");
            end.extend_from_slice(&44u64.to_le_bytes());
            end.extend_from_slice(&[45, 0, 45, 0]);
            end.extend_from_slice(&[0; 8]); // disks
            for number in [count as u64, count as u64, size, start] {
                end.extend_from_slice(&number.to_le_bytes());
            }
            end.extend_from_slice(b"PK\x06\x07");
            end.extend_from_slice(&[0; 4]);
            end.extend_from_slice(&at.to_le_bytes());
            end.extend_from_slice(&1u32.to_le_bytes());
        }
        end.extend_from_slice(b"PK\x05\x06");
        end.extend_from_slice(&[0; 4]);
        end.extend_from_slice(&(count as u16).to_le_bytes());
        end.extend_from_slice(&(count as u16).to_le_bytes());
        end.extend_from_slice(&narrow(size).to_le_bytes());
        end.extend_from_slice(&narrow(start).to_le_bytes());
        end.extend_from_slice(&[0; 2]);
        self.append(&end)?;
        self.flush()?;
        self.output.publish()
    }

    /// Completes the current member, if there is one.
    fn end(&mut self) -> Result<()> {
        if self.left > 0 {
            return Err(self.wrong_size());
        }
        let crc = self.crc.sum();
        let Some(member) = self.members.last_mut() else { return Ok(()) };
        member.crc = crc;
        let at = member.header + 14;
        self.flush()?;
        self.output.write_at(&crc.to_le_bytes(), at)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.length += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() > BUFFER {
            return self.output.append(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let written = self.output.append(&self.buffer);
        self.buffer.clear();
        written
    }

    fn wrong_size(&self) -> Error {
        Error::new(ErrorKind::Shape, "there are too few or too many elements")
            .in_file(self.output.path())
    }
}

impl DirectoryEntry {
    /// The entry of the directory.
    fn entry(&self) -> Vec<u8> {
        let DirectoryEntry { name, size, crc, header } = self;
        let mut wide = Vec::new();
        if *size >= WIDE {
            wide.extend_from_slice(&[*size, *size]);
        }
        if *header >= WIDE {
            wide.push(*header);
        }
        let extra = if wide.is_empty() { Vec::new() } else { field(ZIP64, &wide) };
        let mut bytes = b"PK\x01\x02".to_vec();
        // Made by a Unix system, so that the permissions below count.
        bytes.extend_from_slice(&[version(!wide.is_empty()) as u8, 3]);
        bytes.extend_from_slice(&version(!wide.is_empty()).to_le_bytes());
        bytes.extend_from_slice(&[0; 6]); // flags, method, time
        bytes.extend_from_slice(&DATE.to_le_bytes());
        bytes.extend_from_slice(&crc.to_le_bytes());
        for _ in ["packed", "unpacked"] {
            bytes.extend_from_slice(&narrow(*size).to_le_bytes());
        }
        bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&(extra.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&[0; 6]); // comment, disk, kind
        bytes.extend_from_slice(&(0o100_644u32 << 16).to_le_bytes());
        bytes.extend_from_slice(&narrow(*header).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&extra);
        bytes
    }
}

/// The version of the format that a reader needs.
fn version(wide: bool) -> u16 {
    if wide { 45 } else { 20 }
}

/// A number of 32 bits, which says if it is elsewhere.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// An extra field of numbers of 64 bits.
fn field(id: u16, numbers: &[u64]) -> Vec<u8> {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(8 * numbers.len() as u16).to_le_bytes());
    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    bytes
}
