//! Text files bigger than memory, read as records of one line each: parsed in parallel, passed on in file order.
//!
//! ```text
//! at the same time:  fill the next blocks with text | parse the blocks before them | pass on the blocks before those
//! ```
//!
//! The text comes in [`blocks`](super::blocks) of whole lines. A batch of blocks is parsed at once, each by one thread
//! and without a lock, into whatever the caller makes of a block: a vector of records, or arrays of entries. Then the
//! blocks are passed on, one after the other. Line numbers come last: a block counts its lines, and only the sequential
//! pass over the blocks knows how many came before.

use crate::error::{Error, Result};
use crate::io::text::blocks::{Block, Filling};
use crate::io::text::cursor::Cursor;
use crate::io::text::text_file::{BEYOND, Position, TextFile};
use crate::storage::Context;
use crate::storage::parallel::{ParallelSlice, Tasks, join};

/// Bytes of text in a block, at most and at least: few enough for the second-level cache, and so many that starting a
/// block costs nothing.
const BLOCK: usize = 1 << 17;
const SMALL_BLOCK: usize = 1 << 13;

/// Batches in memory: one that is filled, one that is parsed, one that is passed on.
const BATCHES: usize = 3;

/// Why a record was not taken: a fault in the file, without its place yet, or an error of the caller's.
pub(in crate::io) enum Halt {
    Fault(Error),
    Caller(Error),
}

/// Why a block was not taken: a fault of one of its records, or an error of the caller's.
pub(in crate::io) enum BlockHalt {
    Fault { record: usize, error: Error },
    Caller(Error),
}

/// Some whole lines of a text.
#[derive(Clone, Copy)]
pub(in crate::io) struct TextLines<'a> {
    pub(in crate::io) bytes: &'a [u8],
    /// Where they begin in the text.
    pub(in crate::io) offset: u64,
}

/// How far the lines of a block were parsed.
pub(in crate::io) struct Parsed {
    /// Lines, including the one in which the parsing stopped.
    pub(in crate::io) lines: u64,
    /// What stopped it.
    pub(in crate::io) fault: Option<Error>,
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

/// A block and what was made of its lines.
struct Slot<B> {
    block: Block,
    made: B,
    parsed: Parsed,
}

/// Work that is done at the same time, or afterwards.
type Meanwhile<'a> = &'a mut (dyn FnMut() + Send);

impl Records<'_> {
    /// Parses every line with `parse`, on all threads of `ctx`, and passes its record to `take`, in file order, on the
    /// calling thread.
    ///
    /// `parse` begins after the blanks of a line and must not leave it; only blanks may follow. Returns the position
    /// where the file ends. Memory: a few MiB per thread, at most a quarter of the limit (but always three small
    /// blocks).
    pub(in crate::io) fn for_each<R: Copy + Send>(
        &self,
        ctx: &Context,
        parse: impl Fn(&mut Cursor<'_>) -> Result<R> + Sync,
        mut take: impl FnMut(R) -> std::result::Result<(), Halt>,
    ) -> Result<Position> {
        let parse = |lines: TextLines<'_>, records: &mut Vec<R>| {
            records.clear();
            each_record(lines.bytes, self.comments, |cursor| {
                let record = parse(cursor)?;
                cursor.end_line()?;
                records.push(record);
                Ok(())
            })
        };
        let mut take_block = |records: &mut Vec<R>| {
            for (record, &value) in records.iter().enumerate() {
                match take(value) {
                    Ok(()) => {}
                    Err(Halt::Caller(error)) => return Err(BlockHalt::Caller(error)),
                    Err(Halt::Fault(error)) => return Err(BlockHalt::Fault { record, error }),
                }
            }
            Ok(())
        };
        let mut line = self.from.line;
        // A record has at least a digit and a line feed.
        let growth = size_of::<R>().div_ceil(2);
        self.in_batches(ctx, growth, &|| Vec::new(), &parse, &mut |slots, meanwhile| {
            let taken = self.pass_on(slots, &mut line, &mut take_block);
            meanwhile();
            taken
        })?;
        Ok(self.end(line))
    }

    /// Parses blocks of lines with `parse`, on all threads of `ctx`, into what `new` makes, and passes that to `take`,
    /// in file order, on any thread, while the next blocks are parsed.
    ///
    /// `parse` gets whole lines, and must forget what was made of an earlier block; [`each_record`] finds its records.
    /// What is made takes at most `growth` bytes for each byte of text. What stopped the parsing of a block is reported
    /// after `take` has got the records before it. Otherwise as [`for_each`](Self::for_each).
    pub(in crate::io) fn for_each_block<B: Send>(
        &self,
        ctx: &Context,
        growth: usize,
        new: &dyn Fn() -> B,
        parse: &(dyn Fn(TextLines<'_>, &mut B) -> Parsed + Sync),
        take: &mut (dyn FnMut(&mut B) -> std::result::Result<(), BlockHalt> + Send),
    ) -> Result<Position> {
        let mut line = self.from.line;
        self.in_batches(ctx, growth, new, parse, &mut |slots, meanwhile| {
            join(|| self.pass_on(slots, &mut line, take), meanwhile).0
        })?;
        Ok(self.end(line))
    }

    /// The memory in which a gzip file is unpacked: the text of all blocks. 0 for other files.
    pub(in crate::io) fn window(&self, ctx: &Context) -> u64 {
        let (blocks, size) = self.sizes(ctx, 0);
        self.text.window((BATCHES * blocks * (size + BEYOND)) as u64)
    }

    fn end(&self, line: u64) -> Position {
        Position { offset: self.text.most_text(), line }
    }

    /// Fills, parses and passes on all blocks, in batches; `take` gets a batch that was parsed, and work to be done
    /// meanwhile.
    fn in_batches<B: Send>(
        &self,
        ctx: &Context,
        growth: usize,
        new: &dyn Fn() -> B,
        parse: &(dyn Fn(TextLines<'_>, &mut B) -> Parsed + Sync),
        take: &mut dyn FnMut(&mut [Slot<B>], Meanwhile<'_>) -> Result<()>,
    ) -> Result<()> {
        let _window = ctx.hold(self.window(ctx));
        let (blocks, size) = self.sizes(ctx, growth);
        let mut filling = Filling::new(self.text, self.from.offset, size);
        let batch = || (0..blocks).map(|_| Slot::new(new())).collect::<Vec<_>>();
        let (mut filled, mut parsed, mut spare) = (batch(), batch(), batch());
        // How many blocks of each are in use.
        let (mut to_parse, mut to_take) = (0, 0);
        let all = self.text.length();
        loop {
            ctx.report(self.phase, self.text.read_by(filling.offset()), all)?;
            let mut next = 0;
            let mut meanwhile = || {
                let fill = || {
                    let mut fill = |slot: &mut Slot<B>| filling.fill(&mut slot.block).then_some(());
                    next = spare.iter_mut().map_while(&mut fill).count();
                };
                let parse_all = || {
                    let slots = filled[..to_parse].par_iter_mut().with_max_len(1);
                    slots.for_each(|slot| slot.parse(self.text, parse));
                };
                join(fill, parse_all);
            };
            ctx.with_threads(|| take(&mut parsed[..to_take], &mut meanwhile))?;
            (to_take, to_parse) = (to_parse, next);
            if to_take + to_parse == 0 {
                break;
            }
            // What was parsed is taken next, what was filled is parsed, what was taken is filled again.
            std::mem::swap(&mut parsed, &mut filled);
            std::mem::swap(&mut filled, &mut spare);
        }
        ctx.report(self.phase, all, all)
    }

    /// Blocks per batch, and their size: enough that no thread waits long for the last, and no more than the memory
    /// limit allows.
    fn sizes(&self, ctx: &Context, growth: usize) -> (usize, usize) {
        let room = (ctx.memory_left() / 4).saturating_sub(self.text.window(0));
        let room = usize::try_from(room).unwrap_or(usize::MAX) / BATCHES;
        let bytes = |size: usize| size + BEYOND + size * growth;
        let mut size = BLOCK;
        while size > SMALL_BLOCK && bytes(size) > room {
            size /= 2;
        }
        ((room / bytes(size)).clamp(1, 4 * ctx.thread_count()), size)
    }

    /// Passes on what was made of some blocks, and what stopped the parsing; `line` is the number of their first line.
    fn pass_on<B>(
        &self,
        slots: &mut [Slot<B>],
        line: &mut u64,
        take: &mut dyn FnMut(&mut B) -> std::result::Result<(), BlockHalt>,
    ) -> Result<()> {
        for Slot { block, made, parsed } in slots {
            match take(made) {
                Ok(()) => {}
                Err(BlockHalt::Caller(error)) => return Err(error),
                Err(BlockHalt::Fault { record, error }) => {
                    let before = lines_before(block.lines(), record, self.comments);
                    return Err(self.text.fault(*line + before, error));
                }
            }
            *line += parsed.lines;
            if let Some(error) = parsed.fault.take() {
                return Err(self.text.fault(*line - 1, error));
            }
        }
        Ok(())
    }
}

impl<B> Slot<B> {
    fn new(made: B) -> Self {
        Slot { block: Block::default(), made, parsed: Parsed { lines: 0, fault: None } }
    }

    fn parse(&mut self, text: &TextFile, parse: &dyn Fn(TextLines<'_>, &mut B) -> Parsed) {
        let fault = self.block.read(text).err();
        // The lines that were read before a fault come first.
        let lines = TextLines { bytes: self.block.lines(), offset: self.block.offset() };
        self.parsed = parse(lines, &mut self.made);
        if self.parsed.fault.is_none() && fault.is_some() {
            self.parsed.lines += 1;
            self.parsed.fault = fault;
        }
    }
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
            return Parsed { lines, fault: Some(error) };
        }
    }
    Parsed { lines, fault: None }
}

/// The lines before the one that holds a record, counted again from the bytes: needed only for an error.
fn lines_before(text: &[u8], record: usize, comments: &[u8]) -> u64 {
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
