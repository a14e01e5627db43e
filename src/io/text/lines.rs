//! Text files bigger than memory, read line by line: parsed in parallel, passed on in file order.
//!
//! ```text
//! at the same time:  fill the next blocks with text | parse the blocks before them | pass on the blocks before those
//! ```
//!
//! The text comes in [`blocks`](super::blocks) of whole lines. A batch of blocks is parsed at once, each by one thread
//! and without a lock, into whatever the caller makes of a block: a vector of records, or arrays of entries. Then the
//! blocks are passed on, one after the other. Line numbers come last: a block counts its lines, and only the sequential
//! pass over the blocks knows how many came before. A format whose lines tell their place by their number alone has
//! them [counted first](Lines::for_some), at the price of a look at every byte.

use crate::error::{Error, Result};
use crate::io::text::blocks::{Block, Filling};
use crate::io::text::cursor::Cursor;
use crate::io::text::records::{Parsed, count_lines, each_record, length_of_lines, lines_before};
use crate::io::text::text_file::{BEYOND, LONGEST_LINE, Position, TextFile};
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

/// The lines of a file from a position on.
pub(in crate::io) struct Lines<'a> {
    pub(in crate::io) text: &'a TextFile,
    pub(in crate::io) from: Position,
    /// A line whose first byte after the blanks is one of these is a comment, and no record.
    pub(in crate::io) comments: &'static [u8],
    /// Bytes by which a line may extend beyond the block in which it begins.
    pub(in crate::io) longest: usize,
    /// The phase for the progress callback.
    pub(in crate::io) phase: &'static str,
}

/// A block and what was made of its lines.
struct Slot<B> {
    block: Block,
    /// Why there are no more lines, unless those that are there have a fault.
    fault: Option<Error>,
    /// The number of its first line, if it is known before the lines are parsed.
    line: u64,
    made: B,
    parsed: Parsed,
}

/// The lines that are still to be taken, and where they begin.
struct Counted {
    left: u64,
    at: Position,
}

/// Parses a block, with the number of its first line.
type Parse<'a, B> = &'a (dyn Fn(TextLines<'_>, u64, &mut B) -> Parsed + Sync);

/// Work that is done at the same time, or afterwards.
type Meanwhile<'a> = &'a mut (dyn FnMut() + Send);

impl<'a> Lines<'a> {
    /// All lines from a position on, none of them a comment, each of at most about 1 MiB.
    pub(in crate::io) fn new(text: &'a TextFile, from: Position, phase: &'static str) -> Self {
        Lines { text, from, comments: b"", longest: LONGEST_LINE, phase }
    }

    /// Allows lines of a sixteenth of the memory limit.
    pub(in crate::io) fn of_any_width(self, ctx: &Context) -> Self {
        Lines { longest: widest(ctx), ..self }
    }

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
        let parse = |lines: TextLines<'_>, _: u64, records: &mut Vec<R>| {
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
        self.in_batches(ctx, growth, None, &|| Vec::new(), &parse, &mut |slots, meanwhile| {
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
        let parse = |lines: TextLines<'_>, _: u64, made: &mut B| parse(lines, made);
        self.in_batches(ctx, growth, None, new, &parse, &mut |slots, meanwhile| {
            join(|| self.pass_on(slots, &mut line, take), meanwhile).0
        })?;
        Ok(self.end(line))
    }

    /// As [`for_each_block`](Self::for_each_block) for the first `count` lines only. `parse` also gets the number of the
    /// first line of its block, and `take` does not refuse a record. Returns the position after the lines, or that of
    /// the end of the file if there are fewer.
    pub(in crate::io) fn for_some<B: Send>(
        &self,
        count: u64,
        ctx: &Context,
        growth: usize,
        new: &dyn Fn() -> B,
        parse: Parse<'_, B>,
        take: &mut (dyn FnMut(&mut B) -> Result<()> + Send),
    ) -> Result<Position> {
        let mut line = self.from.line;
        let mut counted = Counted { left: count, at: self.from };
        let mut take = |made: &mut B| take(made).map_err(BlockHalt::Caller);
        self.in_batches(ctx, growth, Some(&mut counted), new, parse, &mut |slots, meanwhile| {
            join(|| self.pass_on(slots, &mut line, &mut take), meanwhile).0
        })?;
        Ok(counted.at)
    }

    /// The memory in which a gzip file is unpacked: the text of all blocks. 0 for other files.
    pub(in crate::io) fn window(&self, ctx: &Context) -> u64 {
        let (blocks, size) = self.sizes(ctx, 0);
        self.text.window((BATCHES * blocks * (size + BEYOND)) as u64)
    }

    /// The memory of all blocks and of what is made of them; that of [`window`](Self::window) comes in addition, and is
    /// held while lines are read.
    pub(in crate::io) fn memory(&self, ctx: &Context, growth: usize) -> u64 {
        let (blocks, size) = self.sizes(ctx, growth);
        (BATCHES * blocks * bytes_of_block(size, growth)) as u64
    }

    fn end(&self, line: u64) -> Position {
        Position { offset: self.text.most_text(), line }
    }

    /// Fills, parses and passes on all blocks, or as many as hold the `counted` lines, in batches; `take` gets a batch
    /// that was parsed, and work to be done meanwhile.
    fn in_batches<B: Send>(
        &self,
        ctx: &Context,
        growth: usize,
        mut counted: Option<&mut Counted>,
        new: &dyn Fn() -> B,
        parse: Parse<'_, B>,
        take: &mut dyn FnMut(&mut [Slot<B>], Meanwhile<'_>) -> Result<()>,
    ) -> Result<()> {
        let _window = ctx.hold(self.window(ctx));
        let (blocks, size) = self.sizes(ctx, growth);
        let mut filling = Filling::new(self.text, self.from.offset, size, self.longest);
        let batch = || (0..blocks).map(|_| Slot::new(new())).collect::<Vec<_>>();
        let (mut filled, mut parsed, mut spare) = (batch(), batch(), batch());
        // How many blocks of each are in use.
        let (mut to_parse, mut to_take) = (0, 0);
        let all = self.text.length();
        loop {
            ctx.report(self.phase, self.text.read_by(filling.offset()), all)?;
            let mut next = 0;
            let done = counted.as_ref().is_some_and(|counted| counted.left == 0);
            let mut meanwhile = || {
                if done {
                    return;
                }
                let fill = || {
                    let mut fill = |slot: &mut Slot<B>| filling.fill(&mut slot.block).then_some(());
                    next = spare.iter_mut().map_while(&mut fill).count();
                };
                let slots = &mut filled[..to_parse];
                let parse_all = || parse_all(slots, self.text, counted.as_deref_mut(), parse);
                join(fill, parse_all);
            };
            ctx.with_threads(|| take(&mut parsed[..to_take], &mut meanwhile))?;
            (to_take, to_parse) = if done { (0, 0) } else { (to_parse, next) };
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
        let mut size = BLOCK;
        while size > SMALL_BLOCK && bytes_of_block(size, growth) > room {
            size /= 2;
        }
        ((room / bytes_of_block(size, growth)).clamp(1, 4 * ctx.thread_count()), size)
    }

    /// Passes on what was made of some blocks, and what stopped the parsing; `line` is the number of their first line.
    fn pass_on<B>(
        &self,
        slots: &mut [Slot<B>],
        line: &mut u64,
        take: &mut dyn FnMut(&mut B) -> std::result::Result<(), BlockHalt>,
    ) -> Result<()> {
        for Slot { block, made, parsed, .. } in slots {
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

/// Bytes that a line may have where any width is allowed.
pub(in crate::io) fn widest(ctx: &Context) -> usize {
    LONGEST_LINE.max(usize::try_from(ctx.memory_left() / 16).unwrap_or(usize::MAX))
}

fn bytes_of_block(size: usize, growth: usize) -> usize {
    size + BEYOND + size * growth
}

/// Reads and parses some blocks, of which the lines are counted in between if only so many are wanted.
fn parse_all<B: Send>(
    slots: &mut [Slot<B>],
    text: &TextFile,
    counted: Option<&mut Counted>,
    parse: Parse<'_, B>,
) {
    let Some(counted) = counted else {
        let slots = slots.par_iter_mut().with_max_len(1);
        return slots.for_each(|slot| {
            slot.read(text);
            slot.parse(parse);
        });
    };
    slots.par_iter_mut().with_max_len(1).for_each(|slot| {
        slot.read(text);
        slot.line = count_lines(slot.block.lines());
    });
    slots.iter_mut().for_each(|slot| counted.cut(slot));
    slots.par_iter_mut().with_max_len(1).for_each(|slot| slot.parse(parse));
}

impl Counted {
    /// Leaves to a block, of which the lines were counted, those that are wanted, and tells it the number of the first.
    fn cut<B>(&mut self, slot: &mut Slot<B>) {
        let count = std::mem::replace(&mut slot.line, self.at.line);
        let lines = slot.block.lines();
        let length = match self.left {
            0 => 0,
            left if count < left => lines.len(),
            left => length_of_lines(lines, left),
        };
        if count >= self.left {
            slot.fault = None;
        }
        slot.block.truncate(length);
        let taken = count.min(self.left);
        self.left -= taken;
        if taken > 0 {
            let offset = slot.block.offset() + length as u64;
            self.at = Position { offset, line: self.at.line + taken };
        }
    }
}

impl<B> Slot<B> {
    fn new(made: B) -> Self {
        let parsed = Parsed { lines: 0, fault: None };
        Slot { block: Block::default(), fault: None, line: 0, made, parsed }
    }

    fn read(&mut self, text: &TextFile) {
        self.fault = self.block.read(text).err();
    }

    fn parse(&mut self, parse: Parse<'_, B>) {
        // The lines that were read before a fault come first.
        let lines = TextLines { bytes: self.block.lines(), offset: self.block.offset() };
        self.parsed = parse(lines, self.line, &mut self.made);
        let fault = self.fault.take();
        if self.parsed.fault.is_none() && fault.is_some() {
            self.parsed.lines += 1;
            self.parsed.fault = fault;
        }
    }
}
