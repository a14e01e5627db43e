//! A text cut into blocks of whole lines.
//!
//! An ordinary file is cut into chunks of equal size, regardless of lines. A line belongs to the chunk in which it
//! begins; so a thread finds the lines of its block without knowing any other, at the price of searching for one line
//! feed at the front and reading a little beyond the end. The text of a gzip file comes in order, on one thread, and is
//! cut behind the last line feed of each chunk.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::io::text::gzip::{End, Unpacked};
use crate::io::text::text_file::{BEYOND, TextFile, too_long};

/// Some lines of a text.
#[derive(Default)]
pub(super) struct LineBlock {
    bytes: Vec<u8>,
    /// The part of `bytes` with the lines of this block.
    own: Range<usize>,
    /// Where the first of `bytes` stands in the text.
    offset: u64,
    /// What is still to be read.
    unread: Option<UnreadChunk>,
    /// What comes after the lines, if it cannot be read.
    error: Option<Error>,
}

/// A part of a file, cut by length alone.
struct UnreadChunk {
    begin: u64,
    size: usize,
    /// Whether the text begins here, and not before.
    first: bool,
    /// Bytes by which a line may extend beyond it.
    longest: usize,
}

/// What cuts a text into blocks, from the first to the last.
pub(super) struct Filling {
    at: u64,
    start: u64,
    end: u64,
    size: usize,
    longest: usize,
    unpacked: Option<Unpacked>,
    /// Whether the text of a gzip file has ended.
    ended: bool,
    /// The beginning of a line whose end is in the next block.
    carried: Vec<u8>,
}

impl Filling {
    /// Blocks of about `size` bytes, from `start` on, where a line begins. Lines may extend by `longest` bytes beyond
    /// their block.
    pub(super) fn new(text: &TextFile, start: u64, size: usize, longest: usize) -> Self {
        let (unpacked, end) = (text.unpacked(start), text.most_text());
        let carried = Vec::new();
        Filling { at: start, start, end, size, longest, unpacked, ended: false, carried }
    }

    /// How far it has come.
    pub(super) fn offset(&self) -> u64 {
        self.at
    }

    /// Makes `block` the next one; returns false if there is none.
    pub(super) fn fill(&mut self, block: &mut LineBlock) -> bool {
        if self.unpacked.is_some() {
            return self.unpack(block);
        }
        if self.at >= self.end {
            return false;
        }
        let first = self.at == self.start;
        let Filling { at: begin, size, longest, .. } = *self;
        block.unread = Some(UnreadChunk { begin, size, first, longest });
        self.at += self.size as u64;
        true
    }

    /// Unpacks whole lines; an error ends the text.
    fn unpack(&mut self, block: &mut LineBlock) -> bool {
        let Some(unpacked) = self.unpacked.as_mut().filter(|_| !self.ended) else { return false };
        block.offset = self.at - self.carried.len() as u64;
        let bytes = &mut block.bytes;
        forget_long_line(bytes, self.size);
        bytes.clear();
        bytes.append(&mut self.carried);
        (block.unread, block.error) = (None, None);
        loop {
            let seen = bytes.len();
            bytes.resize(seen + self.size, 0);
            let (read, end) = unpacked.read(&mut bytes[seen..]);
            bytes.truncate(seen + read);
            self.at += read as u64;
            self.ended = end.is_some();
            let last = bytes[seen..].iter().rposition(|&byte| byte == b'\n');
            let whole = last.map(|last| seen + last + 1);
            match (end, whole) {
                (Some(End::OfText), _) => break,
                // An incomplete line before the error is part of it.
                (Some(End::Error(error)), whole) => {
                    block.error = Some(error);
                    bytes.truncate(whole.unwrap_or(0));
                    break;
                }
                (None, Some(whole)) => {
                    self.carried.extend_from_slice(&bytes[whole..]);
                    bytes.truncate(whole);
                    break;
                }
                (None, None) if bytes.len() > self.longest => {
                    block.error = Some(too_long(self.longest));
                    bytes.clear();
                    self.ended = true;
                    break;
                }
                (None, None) => {}
            }
        }
        block.own = 0..block.bytes.len();
        !block.bytes.is_empty() || block.error.is_some()
    }
}

impl LineBlock {
    /// Its lines, complete except perhaps the last of the text.
    pub(super) fn lines(&self) -> &[u8] {
        &self.bytes[self.own.clone()]
    }

    /// Where they begin in the text.
    pub(super) fn offset(&self) -> u64 {
        self.offset + self.own.start as u64
    }

    /// Leaves the first `length` bytes of its lines.
    pub(super) fn truncate(&mut self, length: usize) {
        self.own.end = self.own.start + length;
    }

    /// Reads what is still to be read. If it fails, the lines before are there.
    pub(super) fn read(&mut self, text: &TextFile) -> Result<()> {
        if let Some(chunk) = self.unread.take() {
            self.own = 0..0;
            self.error = None;
            self.read_chunk(&chunk, text)?;
        }
        self.error.take().map_or(Ok(()), Err)
    }

    /// Reads the lines that begin in a chunk.
    fn read_chunk(&mut self, chunk: &UnreadChunk, text: &TextFile) -> Result<()> {
        let UnreadChunk { begin, size, first, longest } = *chunk;
        let bytes = &mut self.bytes;
        forget_long_line(bytes, size);
        // The byte before the chunk shows whether a line begins with it.
        let lead = usize::from(!first);
        let offset = begin - lead as u64;
        self.offset = offset;
        let end = lead + size;
        bytes.resize(end + BEYOND, 0);
        let read = text.fill(offset, bytes)?;
        bytes.truncate(read);
        let start = match lead {
            0 => 0,
            _ => match bytes[..read.min(end - 1)].iter().position(|&byte| byte == b'\n') {
                Some(at) => at + 1,
                None => return Ok(()),
            },
        };
        match text.extend_to_line_end(offset, bytes, end - 1, longest)? {
            Some(last) => self.own = start..last.max(start),
            None => {
                let last = bytes[..end].iter().rposition(|&byte| byte == b'\n');
                self.own = start..last.map_or(start, |at| at + 1).max(start);
                self.error = Some(too_long(longest));
            }
        }
        Ok(())
    }
}

/// Does not keep memory for a line much longer than a block.
fn forget_long_line(bytes: &mut Vec<u8>, size: usize) {
    if bytes.capacity() > 4 * (size + BEYOND) {
        *bytes = Vec::new();
    }
}
