//! An ordinary file of text: refused at once if it is visibly none, read by offset, line by line or in pieces.
//!
//! Reading by offset keeps no position, so that several threads can read one open file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::cursor::quoted;
use crate::error::{Error, ErrorKind, Result};

/// Bytes that a line may take beyond the block it begins in.
const LONGEST_LINE: usize = 1 << 20;
/// The first guess of how far the last line of a block reaches beyond it.
pub(super) const BEYOND: usize = 256;

/// An ordinary file of text, open for reading.
#[derive(Debug)]
pub(super) struct TextFile {
    path: PathBuf,
    file: File,
    length: u64,
}

/// Where a line begins: its byte offset and its number, the first being 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) offset: u64,
    pub(super) line: u64,
}

impl Position {
    pub(super) const START: Position = Position { offset: 0, line: 1 };
}

impl TextFile {
    /// Opens an ordinary file and refuses what is visibly no plain text: gzip and text behind a byte order mark.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let kind = std::fs::metadata(path).map_err(|error| Error::io("opening", path, error))?;
        if !kind.is_file() {
            let found = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
            return Err(Error::new(ErrorKind::Unsupported, "cannot be read as text")
                .in_file(path)
                .expected("an ordinary file")
                .found(found));
        }
        let file = File::open(path).map_err(|error| Error::io("opening", path, error))?;
        let length = file.metadata().map_err(|error| Error::io("opening", path, error))?.len();
        let text = TextFile { path: path.to_owned(), file, length };
        let mut first = [0; 3];
        let read = text.fill(0, &mut first)?;
        match &first[..read] {
            [0x1f, 0x8b, ..] => Err(Error::new(ErrorKind::Unsupported, "gzip is not read")
                .in_file(path)
                .expected("plain text")
                .found("the two bytes that begin a gzip file")
                .remedy("unpack it with gunzip first")),
            [0xef, 0xbb, 0xbf] => {
                Err(Error::new(ErrorKind::Format, "a UTF-8 byte order mark stands before the text")
                    .in_file(path)
                    .at_line(1)
                    .expected("ASCII from the first byte on")
                    .found(quoted(&first))
                    .remedy("remove the first three bytes"))
            }
            _ => Ok(text),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file when it was opened.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Puts the file and the line into an error.
    pub(super) fn fault(&self, line: u64, error: Error) -> Error {
        error.in_file(&self.path).at_line(line)
    }

    /// Shows the first lines to `visit`, with their line ends and one after the other, until it returns something.
    ///
    /// Returns that and the place behind the line. `None` means that the file came to its end.
    pub(super) fn visit_first_lines<R>(
        &self,
        mut visit: impl FnMut(u64, &[u8]) -> Result<Option<R>>,
    ) -> Result<(Option<R>, Position)> {
        let mut place = Position::START;
        let mut bytes = Vec::new();
        while place.offset < self.length {
            self.read_line_at(place, &mut bytes)?;
            if bytes.is_empty() {
                break; // The file has shrunk since it was opened.
            }
            let seen = visit(place.line, &bytes)?;
            place = Position { offset: place.offset + bytes.len() as u64, line: place.line + 1 };
            if seen.is_some() {
                return Ok((seen, place));
            }
        }
        Ok((None, place))
    }

    fn read_line_at(&self, place: Position, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        let end = self.extend_to_line_end(place.offset, bytes, 0)?;
        bytes.truncate(end.ok_or_else(|| self.fault(place.line, too_long()))?);
        Ok(())
    }

    /// Reads on until a line feed stands at or behind `from` in `bytes`, whose first byte is that of `offset`.
    ///
    /// Returns the length up to and with the line feed, or up to the end of the file; `None` if the line is too long.
    pub(super) fn extend_to_line_end(
        &self,
        offset: u64,
        bytes: &mut Vec<u8>,
        from: usize,
    ) -> Result<Option<usize>> {
        let mut seen = from;
        let mut step = BEYOND;
        loop {
            if let Some(at) = bytes[seen.min(bytes.len())..].iter().position(|&byte| byte == b'\n')
            {
                return Ok(Some(seen + at + 1));
            }
            seen = seen.max(bytes.len());
            if bytes.len() > from + LONGEST_LINE {
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
    pub(super) fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
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

pub(super) fn too_long() -> Error {
    Error::new(ErrorKind::Format, "the line is too long")
        .expected(format!("a line feed within {LONGEST_LINE} bytes"))
        .found("none")
}
