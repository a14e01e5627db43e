//! The records in some lines: one per line, without blank lines and comment lines.

use crate::error::{Error, Result};
use crate::io::text::cursor::Cursor;

/// Some whole lines of a text.
#[derive(Clone, Copy)]
pub(in crate::io) struct TextLines<'a> {
    pub(in crate::io) bytes: &'a [u8],
    /// Where they begin in the text.
    pub(in crate::io) offset: u64,
}

/// How far some lines were parsed.
pub(in crate::io) struct Parsed {
    /// Lines, including the one in which the parsing stopped.
    pub(in crate::io) lines: u64,
    /// What stopped it.
    pub(in crate::io) error: Option<Error>,
}

/// Calls `visit` at the first byte of every record. It must move to the end of the line.
#[inline(always)]
pub(in crate::io) fn each_record<'a>(
    text: &'a [u8],
    comments: &[u8],
    mut visit: impl FnMut(&mut Cursor<'a>) -> Result<()>,
) -> Parsed {
    let (mut cursor, mut lines) = (Cursor::new(text), 0);
    while !cursor.is_done() {
        lines += 1;
        if skip_if_empty(&mut cursor, comments) {
            continue;
        }
        if let Err(error) = visit(&mut cursor) {
            return Parsed { lines, error: Some(error) };
        }
    }
    Parsed { lines, error: None }
}

/// The lines before the one that holds a record, counted again from the bytes: needed only for an error.
pub(super) fn lines_before(text: &[u8], record: usize, comments: &[u8]) -> u64 {
    let mut cursor = Cursor::new(text);
    let (mut lines, mut records) = (0, 0);
    while !cursor.is_done() {
        if !skip_if_empty(&mut cursor, comments) {
            if records == record {
                break;
            }
            records += 1;
            cursor.skip_line();
        }
        lines += 1;
    }
    lines
}

/// Moves to the first byte of a line with a record, or past a line without one, and returns whether the line was
/// skipped.
#[inline]
pub(in crate::io) fn skip_if_empty(cursor: &mut Cursor<'_>, comments: &[u8]) -> bool {
    // Most lines begin with a digit, which begins no comment.
    if let [b'0'..=b'9', ..] = cursor.rest() {
        return false;
    }
    cursor.skip_blanks();
    let empty = cursor.at_line_end() || cursor.at_any(comments);
    if empty {
        cursor.skip_line();
    }
    empty
}

/// How many lines there are; the last may have no line feed.
pub(in crate::io) fn count_lines(text: &[u8]) -> u64 {
    // In parts whose count fits in a byte, of which a vector unit adds many at a time.
    let of_part = |part: &[u8]| part.iter().map(|&byte| u8::from(byte == b'\n')).sum::<u8>();
    let feeds: u64 = text.chunks(255).map(|part| u64::from(of_part(part))).sum();
    feeds + u64::from(text.last().is_some_and(|&byte| byte != b'\n'))
}

/// The length of the first `count` lines, at least one.
pub(super) fn length_of_lines(text: &[u8], count: u64) -> usize {
    let feeds = text.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
    let skipped = usize::try_from(count - 1).unwrap_or(usize::MAX);
    feeds.map(|(at, _)| at + 1).nth(skipped).unwrap_or(text.len())
}

/// A line without its line end.
pub(in crate::io) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
