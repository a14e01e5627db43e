//! Text files bigger than memory, read as records of one line each: parsed in parallel, passed on in file order.
//!
//! The file is cut into blocks of equal size, regardless of lines. A line belongs to the block in which it begins; so a
//! thread finds the lines of its block without knowing any other, at the price of searching for one line feed at the
//! front and reading a little beyond the end. A batch of blocks is read and parsed at once, then its records are passed
//! on one by one while nothing else runs, and the buffers are reused for the next batch. Line numbers come last: a
//! block counts its lines, and only the sequential pass over the records knows how many came before.

use crate::error::{Error, Result};
use crate::io::text::cursor::Cursor;
use crate::io::text::text_file::{BEYOND, Position, TextFile, too_long};
use crate::storage::Context;
use crate::storage::parallel::{ParallelSlice, Tasks};

/// Bytes per block: small enough for the second-level cache, large enough that starting a block costs nothing.
const BLOCK: usize = 1 << 18;

/// Why a record was not taken: a fault in the file, without its place yet, or an error of the caller's.
pub(in crate::io) enum Halt {
    Fault(Error),
    Caller(Error),
}

/// The records of a file from a position to its end: one per line, without blank lines and comment lines.
pub(in crate::io) struct Records<'a> {
    pub(in crate::io) text: &'a TextFile,
    pub(in crate::io) from: Position,
    /// A line whose first byte after the blanks is one of these is a comment.
    pub(in crate::io) comments: &'static [u8],
    /// The phase for the progress callback.
    pub(in crate::io) phase: &'static str,
}

/// A block being processed: its bytes, then its records.
struct Slot<R> {
    bytes: Vec<u8>,
    /// The part of `bytes` with the lines of this block.
    own: std::ops::Range<usize>,
    records: Vec<R>,
    lines: u64,
    /// What stopped the parsing, in the last of `lines`.
    fault: Option<Error>,
}

impl Records<'_> {
    /// Parses every line with `parse`, on all threads of `ctx`, and passes its record to `take`, in file order.
    ///
    /// `parse` begins after the blanks of a line and must not leave it; only blanks may follow. Returns the position
    /// where the file ends. Memory: a few MiB per thread, at most a quarter of the limit (but always one block), with
    /// the [window](Self::window) of a gzip file.
    pub(in crate::io) fn for_each<R: Copy + Send>(
        &self,
        ctx: &Context,
        parse: impl Fn(&mut Cursor<'_>) -> Result<R> + Sync,
        take: impl FnMut(R) -> std::result::Result<(), Halt>,
    ) -> Result<Position> {
        let _window = ctx.hold(self.window(ctx));
        let end = self.for_each_in_batches(ctx, parse, take);
        self.text.release();
        end
    }

    /// The memory in which a gzip file is unpacked: as much text as a batch of blocks. 0 for other files.
    pub(in crate::io) fn window(&self, ctx: &Context) -> u64 {
        self.text.window((self.slot_count::<()>(ctx) * BLOCK + BEYOND) as u64)
    }

    fn for_each_in_batches<R: Copy + Send>(
        &self,
        ctx: &Context,
        parse: impl Fn(&mut Cursor<'_>) -> Result<R> + Sync,
        mut take: impl FnMut(R) -> std::result::Result<(), Halt>,
    ) -> Result<Position> {
        let mut slots: Vec<Slot<R>> = (0..self.slot_count::<R>(ctx)).map(|_| Slot::new()).collect();
        let mut line = self.from.line;
        let mut at = self.from.offset;
        let all = self.text.length();
        loop {
            self.text.keep_from(at.saturating_sub(1), (slots.len() * BLOCK + BEYOND) as u64);
            if self.text.ends_by(at)? {
                break;
            }
            ctx.report(self.phase, self.text.read_by(at), all)?;
            let left = self.text.most_text().saturating_sub(at);
            let blocks = left.div_ceil(BLOCK as u64).clamp(1, slots.len() as u64) as usize;
            let batch = &mut slots[..blocks];
            ctx.with_threads(|| {
                batch.par_iter_mut().with_max_len(1).enumerate().for_each(|(i, slot)| {
                    self.fill_slot(slot, at + (i * BLOCK) as u64, &parse);
                });
            });
            for slot in batch {
                self.hand_out(slot, line, &mut take)?;
                line += slot.lines;
            }
            at += (blocks * BLOCK) as u64;
        }
        ctx.report(self.phase, all, all)?;
        Ok(Position { offset: at.min(self.text.most_text()), line })
    }

    /// Blocks per batch: enough that no thread waits long for the last, and no more than the memory limit allows.
    fn slot_count<R>(&self, ctx: &Context) -> usize {
        // A record has at least a digit and a line feed; of a gzip file the text is in the window as well.
        let extra = self.text.window(0);
        let window = self.text.window(BLOCK as u64) - extra;
        let slot = BLOCK as u64 + window + (BLOCK / 2 * size_of::<R>()) as u64;
        let room = (ctx.memory_left() / 4).saturating_sub(extra) / slot;
        (4 * ctx.thread_count()).min(usize::try_from(room).unwrap_or(usize::MAX)).max(1)
    }

    fn fill_slot<R>(
        &self,
        slot: &mut Slot<R>,
        begin: u64,
        parse: &impl Fn(&mut Cursor<'_>) -> Result<R>,
    ) {
        slot.records.clear();
        slot.lines = 0;
        slot.fault = None;
        match self.read_block(begin, &mut slot.bytes) {
            Ok((own, complete)) => {
                slot.own = own;
                slot.parse(self.comments, parse);
                if !complete && slot.fault.is_none() {
                    slot.lines += 1;
                    slot.fault = Some(too_long());
                }
            }
            Err(error) => {
                slot.lines = 1;
                slot.fault = Some(error);
            }
        }
    }

    /// Reads the lines that begin within a block's length of `begin`; they are the returned part of `bytes`.
    ///
    /// Returns false if one more line begins there that is too long.
    fn read_block(
        &self,
        begin: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<(std::ops::Range<usize>, bool)> {
        // The byte before the block shows whether a line begins with the block.
        let lead = usize::from(begin > self.from.offset);
        let offset = begin - lead as u64;
        let block_end = lead + BLOCK;
        bytes.resize(block_end + BEYOND, 0);
        let read = self.text.fill(offset, bytes)?;
        bytes.truncate(read);
        let newline = |range: &[u8]| range.iter().position(|&byte| byte == b'\n');
        let first = match lead {
            0 => 0,
            _ => match newline(&bytes[..read.min(block_end - 1)]) {
                Some(at) => at + 1,
                None => return Ok((0..0, true)),
            },
        };
        match self.text.extend_to_line_end(offset, bytes, block_end - 1)? {
            Some(last) => Ok((first..last.max(first), true)),
            None => {
                let last = bytes[..block_end]
                    .iter()
                    .rposition(|&byte| byte == b'\n')
                    .map_or(first, |at| at + 1);
                Ok((first..last.max(first), false))
            }
        }
    }

    fn hand_out<R: Copy>(
        &self,
        slot: &mut Slot<R>,
        line: u64,
        take: &mut impl FnMut(R) -> std::result::Result<(), Halt>,
    ) -> Result<()> {
        for (i, &record) in slot.records.iter().enumerate() {
            match take(record) {
                Ok(()) => {}
                Err(Halt::Caller(error)) => return Err(error),
                Err(Halt::Fault(error)) => {
                    return Err(self.text.fault(line + slot.line_of(i, self.comments), error));
                }
            }
        }
        match slot.fault.take() {
            Some(error) => Err(self.text.fault(line + slot.lines - 1, error)),
            None => Ok(()),
        }
    }
}

impl<R> Slot<R> {
    fn new() -> Self {
        Slot { bytes: Vec::new(), own: 0..0, records: Vec::new(), lines: 0, fault: None }
    }

    fn parse(&mut self, comments: &[u8], parse: &impl Fn(&mut Cursor<'_>) -> Result<R>) {
        let mut cursor = Cursor::new(&self.bytes[self.own.clone()]);
        while !cursor.is_done() {
            self.lines += 1;
            if skip_if_empty(&mut cursor, comments) {
                continue;
            }
            match parse(&mut cursor).and_then(|record| cursor.end_line().map(|()| record)) {
                Ok(record) => self.records.push(record),
                Err(error) => {
                    self.fault = Some(error);
                    return;
                }
            }
        }
    }

    /// The lines before the one that holds a record, counted again from the bytes: needed only for an error.
    fn line_of(&self, record: usize, comments: &[u8]) -> u64 {
        let mut cursor = Cursor::new(&self.bytes[self.own.clone()]);
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
}

/// Moves to the first byte of a line with a record, or past a line without one, and returns whether the line was
/// skipped.
#[inline]
pub(in crate::io) fn skip_if_empty(cursor: &mut Cursor<'_>, comments: &[u8]) -> bool {
    cursor.skip_blanks();
    let empty = cursor.at_line_end() || cursor.at_any(comments);
    if empty {
        cursor.skip_line();
    }
    empty
}
