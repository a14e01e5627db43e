//! An ordinary text file, compressed by gzip or not: refused at once if it is clearly not text; read by offset, line by
//! line or in blocks.
//!
//! Reading by offset keeps no position, so that several threads can read one open file.

use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::gzip::{EXTRA, MAGIC, PackedText, RATIO, Unpacked, refuse_member};
use crate::io::text::unsupported_formats;

/// Bytes by which a line may extend beyond the block in which it begins.
pub(in crate::io) const LONGEST_LINE: usize = 1 << 20;
/// The first chunk that is read in search of the first lines, and the largest.
const FIRST_CHUNK: usize = 1 << 12;
const LARGEST_CHUNK: usize = 1 << 18;
/// The first guess of how far the last line of a block reaches beyond it.
pub(in crate::io) const BEYOND: usize = 256;

/// An ordinary text file, open for reading.
#[derive(Debug)]
pub(in crate::io) struct TextFile {
    path: PathBuf,
    file: File,
    length: u64,
    /// Its contents, if it is a gzip file.
    packed: Option<PackedText>,
}

/// The start of a line: its byte offset and its number, the first being 1.
#[derive(Clone, Copy, Debug)]
pub(in crate::io) struct Position {
    pub(in crate::io) offset: u64,
    pub(in crate::io) line: u64,
}

impl Position {
    pub(in crate::io) const START: Position = Position { offset: 0, line: 1 };
}

impl TextFile {
    /// Opens an ordinary file and refuses one that is clearly not plain text.
    ///
    /// A file that is not ordinary is refused by its kind, without being opened: a pipe would wait for its writer, and
    /// opening a device may have side effects.
    pub(in crate::io) fn open(path: &Path) -> Result<Self> {
        Self::open_member(path, None)
    }

    /// As [`open`](Self::open), of the named member if it is a packed archive.
    pub(in crate::io) fn open_member(path: &Path, member: Option<&str>) -> Result<Self> {
        let (text, first) = Self::open_any(path, member)?;
        unsupported_formats::foreign(path, &first).map_or(Ok(text), Err)
    }

    /// As [`open_member`](Self::open_member), for a format that the caller recognises; returns the first bytes also.
    pub(in crate::io) fn open_any(path: &Path, member: Option<&str>) -> Result<(Self, Vec<u8>)> {
        let opening = |error| Error::io("opening", path, error);
        check_kind(path, &std::fs::metadata(path).map_err(opening)?)?;
        // If the name is a pipe by now, opening it does not block, and it is refused.
        let flags = OFlags::NONBLOCK.bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(opening)?;
        let kind = file.metadata().map_err(opening)?;
        check_kind(path, &kind)?;
        let length = kind.len();
        let mut text = TextFile { path: path.to_owned(), file, length, packed: None };
        let mut first = vec![0; unsupported_formats::SEEN];
        if text.fill(0, &mut first[..2])? == 2 && first[..2] == MAGIC {
            let file = text.file.try_clone().map_err(opening)?;
            text.packed = Some(PackedText::new(path, file, member)?);
        } else {
            refuse_member(path, member)?;
        }
        let read = text.fill(0, &mut first)?;
        if text.length == 0 && read > 0 {
            return Err(Error::new(ErrorKind::Unsupported, "cannot be read as text")
                .in_file(path)
                .expected("an ordinary file")
                .found("a file whose length is unknown")
                .remedy("copy it to an ordinary file"));
        }
        first.truncate(read);
        Ok((text, first))
    }

    pub(in crate::io) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file when it was opened; for a gzip file the compressed size.
    pub(in crate::io) fn length(&self) -> u64 {
        self.length
    }

    pub(in crate::io) fn is_packed(&self) -> bool {
        self.packed.is_some()
    }

    /// The maximum number of bytes of text.
    pub(in crate::io) fn most_text(&self) -> u64 {
        match self.packed {
            Some(_) => self.length.saturating_mul(RATIO),
            None => self.length,
        }
    }

    /// The memory in which a gzip file is unpacked while `bytes` of its text are needed at a time; 0 for another.
    pub(in crate::io) fn window(&self, bytes: u64) -> u64 {
        self.packed.as_ref().map_or(0, |_| bytes.min(self.most_text()).saturating_add(EXTRA))
    }

    /// The text of a gzip file from an offset on, in order; `None` for another.
    pub(in crate::io) fn unpacked(&self, offset: u64) -> Option<Unpacked> {
        self.packed.as_ref().map(|packed| packed.from(offset))
    }

    /// Bytes of the file that have been read when the text has been read up to an offset, for progress.
    pub(in crate::io) fn read_by(&self, offset: u64) -> u64 {
        match &self.packed {
            // An estimate: numbers as text compress to about a third.
            Some(_) => (offset / 3).min(self.length),
            None => offset.min(self.length),
        }
    }

    /// Adds the file and the line to an error.
    pub(in crate::io) fn error_at(&self, line: u64, error: Error) -> Error {
        error.in_file(&self.path).at_line(line)
    }

    /// Calls `visit` with the first lines, one by one with their line ends, until it returns something.
    ///
    /// Returns that and the position after the line. `None` means that the end of the file was reached. Memory: a line
    /// and a chunk of the file of at most 256 KiB.
    pub(in crate::io) fn visit_first_lines<R>(
        &self,
        visit: impl FnMut(u64, &[u8]) -> Result<Option<R>>,
    ) -> Result<(Option<R>, Position)> {
        self.visit_lines_within(LONGEST_LINE, visit)
    }

    /// As [`visit_first_lines`](Self::visit_first_lines), for lines of at most `longest` bytes.
    pub(in crate::io) fn visit_lines_within<R>(
        &self,
        longest: usize,
        mut visit: impl FnMut(u64, &[u8]) -> Result<Option<R>>,
    ) -> Result<(Option<R>, Position)> {
        let mut place = Position::START;
        // The bytes read from the position on, and how much of them is known to have no line feed.
        let (mut bytes, mut start, mut seen, mut chunk) = (Vec::new(), 0, 0, FIRST_CHUNK);
        loop {
            let line_feed = bytes[seen..].iter().position(|&byte| byte == b'\n');
            let end = match line_feed {
                Some(at) => seen + at + 1,
                None => {
                    bytes.drain(..start);
                    (start, seen) = (0, bytes.len());
                    if seen > longest {
                        return Err(self.error_at(place.line, too_long(longest)));
                    }
                    bytes.resize(seen + chunk, 0);
                    let read = self.fill(place.offset + seen as u64, &mut bytes[seen..])?;
                    bytes.truncate(seen + read);
                    chunk = (2 * chunk).min(LARGEST_CHUNK);
                    if read > 0 {
                        continue;
                    }
                    if bytes.is_empty() {
                        return Ok((None, place));
                    }
                    bytes.len()
                }
            };
            let shown = visit(place.line, &bytes[start..end])?;
            let offset = place.offset + (end - start) as u64;
            place = Position { offset, line: place.line + 1 };
            (start, seen) = (end, end);
            if shown.is_some() {
                return Ok((shown, place));
            }
        }
    }

    /// Reads on until there is a line feed at or after `from` in `bytes`, whose first byte is at `offset`.
    ///
    /// Returns the length including the line feed, or up to the end of the file; `None` if there is none within
    /// `longest` bytes.
    pub(in crate::io) fn extend_to_line_end(
        &self,
        offset: u64,
        bytes: &mut Vec<u8>,
        from: usize,
        longest: usize,
    ) -> Result<Option<usize>> {
        let mut seen = from;
        let mut step = BEYOND;
        loop {
            if let Some(at) = bytes[seen.min(bytes.len())..].iter().position(|&byte| byte == b'\n')
            {
                return Ok(Some(seen + at + 1));
            }
            seen = seen.max(bytes.len());
            if bytes.len() > from.saturating_add(longest) {
                return Ok(None);
            }
            let before = bytes.len();
            bytes.resize(before + step, 0);
            let read = self.fill(offset + before as u64, &mut bytes[before..])?;
            bytes.truncate(before + read);
            if read == 0 {
                return Ok(Some(bytes.len()));
            }
            step = (2 * step).min(LONGEST_LINE);
        }
    }

    /// Fills `buffer` from `offset` on as far as the file goes, and returns how far that was.
    pub(in crate::io) fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        if let Some(packed) = &self.packed {
            return packed.fill(offset, buffer);
        }
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("reading", &self.path, error)),
            }
        }
        Ok(filled)
    }
}

/// Fails unless a file is an ordinary one.
fn check_kind(path: &Path, kind: &Metadata) -> Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "cannot be read as text")
        .in_file(path)
        .expected("an ordinary file")
        .found(name_of(kind))
        .remedy(match kind.file_type().is_fifo() {
            true => "a pipe is read by read_matrix and read_graph",
            false => "name a file, or a pipe from the program that writes to it",
        }))
}

/// The name of a kind of file that is not ordinary.
pub(in crate::io) fn name_of(kind: &Metadata) -> &'static str {
    match kind.file_type() {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

pub(in crate::io) fn too_long(longest: usize) -> Error {
    Error::new(ErrorKind::Format, "the line is too long")
        .expected(format!("a line feed within {longest} bytes"))
        .found("none")
}
