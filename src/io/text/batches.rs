//! A text in batches of whole lines, for readers that parse lines of any width, or only so many of them.
//!
//! ```text
//! read some blocks  ->  cut them at line feeds into pieces  ->  parse the pieces on all threads  ->  pass on in order
//! ```
//!
//! Bytes are read by the calling thread, which takes a small part of the time that parsing takes. The lines of every
//! piece are counted before it is parsed, so that a parser knows the number of its first line: a format whose lines
//! have a fixed number of fields knows its place.

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::text_file::{Position, TextFile};
use crate::storage::Context;
use crate::storage::parallel::{ParallelSlice, Tasks};

/// Bytes of a piece, about: small enough for the second-level cache.
const PIECE: usize = 1 << 18;

/// Bytes of a line that any memory limit allows.
const LONGEST: usize = 1 << 20;

/// The lines of a text from a position on.
pub(in crate::io) struct Batches<'a> {
    text: &'a TextFile,
    /// The first line that was not passed on, at the start of `bytes`.
    at: Position,
    bytes: Vec<u8>,
    ended: bool,
    /// Bytes of a batch, and of the longest line.
    size: usize,
    longest: usize,
    phase: &'static str,
}

/// Some lines: their bytes and the number of the first.
#[derive(Clone, Copy)]
pub(in crate::io) struct Piece<'a> {
    pub(in crate::io) bytes: &'a [u8],
    pub(in crate::io) line: u64,
}

/// A fault in a line, which is not named yet.
pub(in crate::io) struct LineFault {
    pub(in crate::io) line: u64,
    pub(in crate::io) error: Error,
}

impl<'a> Batches<'a> {
    /// The lines from `from` on. `each` bytes are made of every byte of text.
    pub(in crate::io) fn new(
        text: &'a TextFile,
        from: Position,
        each: usize,
        phase: &'static str,
        ctx: &Context,
    ) -> Self {
        let size = Self::size(each, ctx);
        let longest = LONGEST.max(usize::try_from(ctx.memory_left() / 16).unwrap_or(usize::MAX));
        Batches { text, at: from, bytes: Vec::new(), ended: false, size, longest, phase }
    }

    fn size(each: usize, ctx: &Context) -> usize {
        let room = ctx.memory_left() / 4 / (1 + each as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        (4 * ctx.thread_count() * PIECE).min(room / PIECE * PIECE).max(PIECE)
    }

    /// Memory in which lines are read and parsed, with `each` bytes for every byte of text, and a gzip file is unpacked.
    pub(in crate::io) fn memory(text: &TextFile, each: usize, ctx: &Context) -> u64 {
        (Self::size(each, ctx) + PIECE) as u64 * (1 + each as u64) + text.window(2 * PIECE as u64)
    }

    /// The position of the first line that was not passed on.
    pub(in crate::io) fn position(&self) -> Position {
        self.at
    }

    /// The next lines that are read at a time, without passing them on.
    pub(in crate::io) fn peek(&mut self) -> Result<&[u8]> {
        let whole = self.read()?;
        Ok(&self.bytes[..whole])
    }

    /// Parses the next lines, at most `most` of them, on all threads, and passes what was made of each piece to `take`,
    /// in order. Returns false at the end of the file.
    ///
    /// A fault stops it after what came before the fault was passed on.
    pub(in crate::io) fn next<R: Send>(
        &mut self,
        most: u64,
        ctx: &Context,
        parse: &(dyn Fn(Piece<'_>) -> std::result::Result<R, LineFault> + Sync),
        take: &mut dyn FnMut(R) -> Result<()>,
    ) -> Result<bool> {
        ctx.report(self.phase, self.text.read_by(self.at.offset), self.text.length())?;
        let Some((pieces, lines)) = self.pieces(most, ctx)? else {
            ctx.report(self.phase, self.text.length(), self.text.length())?;
            return Ok(false);
        };
        let used: usize = pieces.iter().map(|&(length, _)| length).sum();
        let mut rest = &self.bytes[..used];
        let pieces: Vec<Piece<'_>> = pieces
            .into_iter()
            .map(|(length, line)| {
                let (bytes, after) = rest.split_at(length);
                rest = after;
                Piece { bytes, line }
            })
            .collect();
        let parsed: Vec<_> = ctx.with_threads(|| {
            pieces.par_iter().map(|&piece| parse(piece)).with_max_len(1).collect()
        });
        for made in parsed {
            match made {
                Ok(made) => take(made)?,
                Err(LineFault { line, error }) => return Err(self.text.fault(line, error)),
            }
        }
        self.bytes.drain(..used);
        self.at = Position { offset: self.at.offset + used as u64, line: self.at.line + lines };
        Ok(true)
    }

    /// Calls `take` with the next line.
    pub(in crate::io) fn line<R>(
        &mut self,
        ctx: &Context,
        take: impl FnOnce(Piece<'_>) -> Result<R>,
    ) -> Result<Option<R>> {
        let Some((pieces, lines)) = self.pieces(1, ctx)? else { return Ok(None) };
        let used: usize = pieces.iter().map(|&(length, _)| length).sum();
        let made = take(Piece { bytes: &self.bytes[..used], line: self.at.line });
        let made = made.map_err(|error| self.text.fault(self.at.line, error))?;
        self.bytes.drain(..used);
        self.at = Position { offset: self.at.offset + used as u64, line: self.at.line + lines };
        Ok(Some(made))
    }

    /// Reads on, and cuts whole lines into pieces: the length and the first line of each, and the lines of all.
    fn pieces(&mut self, most: u64, ctx: &Context) -> Result<Option<(Vec<(usize, u64)>, u64)>> {
        let whole = self.read()?;
        if whole == 0 {
            return Ok(None);
        }
        let (mut pieces, mut start, mut line) = (Vec::new(), 0, self.at.line);
        let last = self.at.line.saturating_add(most);
        while start < whole && line < last {
            let near = (start + PIECE).min(whole);
            let end = line_end(&self.bytes[..whole], near - 1);
            let piece = &self.bytes[start..end];
            let count = lines_of(piece);
            let (end, count) = match count > last - line {
                true => (start + length_of(piece, last - line), last - line),
                false => (end, count),
            };
            pieces.push((end - start, line));
            line += count;
            start = end;
        }
        ctx.check_cancelled()?;
        Ok(Some((pieces, line - self.at.line)))
    }

    /// Fills the buffer, and returns the length of the whole lines in it.
    fn read(&mut self) -> Result<usize> {
        let mut wanted = self.size;
        loop {
            self.fill(wanted)?;
            if self.ended {
                return Ok(self.bytes.len());
            }
            if let Some(at) = self.bytes.iter().rposition(|&byte| byte == b'\n') {
                return Ok(at + 1);
            }
            if self.bytes.len() >= self.longest {
                let error = Error::new(ErrorKind::Format, "the line is too long")
                    .expected(format!("a line feed within {} bytes", self.longest))
                    .found("none");
                return Err(self.text.fault(self.at.line, error));
            }
            wanted = self.bytes.len() + self.size;
        }
    }

    fn fill(&mut self, wanted: usize) -> Result<()> {
        while !self.ended && self.bytes.len() < wanted {
            let before = self.bytes.len();
            let step = PIECE.min(wanted - before);
            self.bytes.resize(before + step, 0);
            let read = self.text.fill(self.at.offset + before as u64, &mut self.bytes[before..]);
            self.bytes.truncate(before + *read.as_ref().unwrap_or(&0));
            self.ended = read? < step;
        }
        Ok(())
    }
}

/// The end of the line that holds a byte.
fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |k| at + k + 1)
}

/// Lines, the last of which may have no line feed.
fn lines_of(bytes: &[u8]) -> u64 {
    let feeds = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    feeds + u64::from(bytes.last().is_some_and(|&byte| byte != b'\n'))
}

/// Bytes of the first lines, of which there are so many.
fn length_of(bytes: &[u8], lines: u64) -> usize {
    let feeds = bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
    let mut feeds = feeds.map(|(at, _)| at + 1).skip(lines.saturating_sub(1) as usize);
    if lines == 0 { 0 } else { feeds.next().unwrap_or(bytes.len()) }
}

/// A line without its line end.
pub(in crate::io) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The lines of a piece with their numbers, without their line ends.
pub(in crate::io) fn numbered(piece: Piece<'_>) -> impl Iterator<Item = (u64, &[u8])> {
    let lines = piece.bytes.split_inclusive(|&byte| byte == b'\n').map(without_end);
    (piece.line..).zip(lines)
}
