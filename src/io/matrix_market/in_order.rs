//! Entries in the order of a compressed matrix, which go to their places without a sort.
//!
//! Most files are in some order: programs write row by row, or column by column. Whether a file is seems clear from
//! some pieces of it. If the rest disagrees, which is found before an entry is stored in the wrong place, the file is
//! read again by the way for entries in any order.

use crate::error::{Error, ErrorKind, Result};
use crate::io::matrix_market::entry_block::EntryBlock;
use crate::io::text::cursor::Cursor;
use crate::io::text::lines::skip_if_empty;
use crate::io::text::text_file::{Position, TextFile};
use crate::sparse::{AnyCompressed, AnyWriter, by_index};
use crate::storage::Index;

/// Pieces of a file that are looked at, and the bytes of each.
const PIECES: u64 = 32;
const PIECE: usize = 1 << 12;

/// Lines whose entries are passed on together.
const LINES: usize = 1 << 12;

/// Whether the entries seem to be in the order of a result whose lines are columns (`by_cols`) or rows, each position
/// once.
pub(super) fn seems_in_order(text: &TextFile, from: Position, by_cols: bool) -> Result<bool> {
    let (mut bytes, mut last) = (vec![0; PIECE], None);
    // The end of a gzip file can be reached only by unpacking all of it.
    let (count, step) = match text.is_packed() {
        true => (PIECES, PIECE as u64),
        false => (PIECES, (text.length().saturating_sub(from.offset) / PIECES).max(PIECE as u64)),
    };
    for piece in 0..count {
        let offset = from.offset.saturating_add(piece * step);
        let read = text.fill(offset, &mut bytes)?;
        let end = bytes[..read].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut cursor = Cursor::new(&bytes[..end]);
        if piece > 0 {
            cursor.skip_line();
        }
        while !cursor.is_done() {
            if skip_if_empty(&mut cursor, b"%") {
                continue;
            }
            let row = cursor.digits();
            cursor.skip_blanks();
            // What is no entry is reported when it is read.
            let Some((row, col)) = row.zip(cursor.digits()) else { return Ok(false) };
            let position = if by_cols { (col, row) } else { (row, col) };
            if last.is_some_and(|last| last >= position) {
                return Ok(false);
            }
            last = Some(position);
            cursor.skip_line();
        }
        if read < PIECE {
            break;
        }
    }
    Ok(true)
}

/// Takes entries in order.
pub(super) struct InOrder {
    writer: AnyWriter,
    last: Option<(usize, usize)>,
    /// Whether an entry came out of order.
    pub(super) broken: bool,
    lens: Vec<usize>,
}

impl InOrder {
    pub(super) fn new(writer: AnyWriter) -> Self {
        InOrder { writer, last: None, broken: false, lens: Vec::new() }
    }

    /// Takes the entries of the next block. Fails if one is out of order; then [`broken`](Self::broken) is set.
    pub(super) fn take(&mut self, block: &EntryBlock) -> Result<()> {
        let (majors, minors, data) =
            (block.majors.as_indices(), block.minors.as_indices(), block.data.as_raw());
        let Some(count) = majors.len().checked_sub(1) else { return Ok(()) };
        let first = (majors.at(0), minors.at(0));
        if !block.rises || self.last.is_some_and(|last| last >= first) {
            self.broken = true;
            return Err(Error::new(ErrorKind::Format, "the entries are not in order"));
        }
        self.last = Some((majors.at(count), minors.at(count)));
        let push = |writer: &mut AnyWriter, lens: &[usize], start: usize, end: usize| {
            writer.push_lines(lens, minors.slice(start..end).raw(), data.slice(start..end))
        };
        let (mut line, mut begin, mut start) = (self.writer.lines(), 0, 0);
        self.lens.clear();
        by_index!(majors, majors => {
            for (k, major) in majors.iter().enumerate() {
                while line < major.to_usize() {
                    self.lens.push(k - begin);
                    (line, begin) = (line + 1, k);
                    if self.lens.len() == LINES {
                        push(&mut self.writer, &self.lens, start, begin)?;
                        self.lens.clear();
                        start = begin;
                    }
                }
            }
        });
        push(&mut self.writer, &self.lens, start, begin)?;
        self.writer.push_part(minors.slice(begin..count + 1).raw(), data.slice(begin..count + 1))
    }

    /// The matrix of all entries.
    pub(super) fn finish(self) -> Result<AnyCompressed> {
        self.writer.finish(true)
    }
}
