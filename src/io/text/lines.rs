//! Text files bigger than memory, read line by line: parsed in parallel, passed on in file order.
//!
//! ```text
//! at the same time:  fill the next blocks with text | parse the blocks before them | pass on the blocks before those
//! ```
//!
//! The text comes in [`blocks`](super::blocks) of whole lines. Some of them are parsed at once, each by one thread
//! and without a lock, into whatever the caller makes of a block: a vector of records, or arrays of entries. Then the
//! blocks are passed on, one after the other. Line numbers come last: a block counts its lines, and only the sequential
//! pass over the blocks knows how many came before. A format whose lines tell their place by their number alone has
//! them [counted first](LineReader::for_some), at the price of a look at every byte.

use crate::error::{Error, Result};
use crate::io::text::blocks::Filling;
use crate::io::text::cursor::Cursor;
use crate::io::text::parsed_block::{Counted, Parse, ParsedBlock, parse_all};
use crate::io::text::records::{Parsed, TextLines, each_record, lines_before};
use crate::io::text::text_file::{BEYOND, LONGEST_LINE, Position, TextFile};
use crate::storage::Context;
use crate::storage::parallel::join;

/// Bytes of text in a block, at most and at least: small enough for the second-level cache, and large enough that
/// starting a block costs nothing.
const BLOCK: usize = 1 << 17;
const SMALL_BLOCK: usize = 1 << 13;

/// Sets of blocks in memory: one is filled, one is parsed, one is passed on.
const STAGES: usize = 3;

/// Why a record was not taken: an error in the file, without its place yet, or an error of the caller's.
pub(in crate::io) enum Halt {
    Record(Error),
    Caller(Error),
}

/// Why a block was not taken: an error of one of its records, or an error of the caller's.
pub(in crate::io) enum BlockHalt {
    Record { record: usize, error: Error },
    Caller(Error),
}

/// The lines of a file from a position on.
pub(in crate::io) struct LineReader<'a> {
    pub(in crate::io) text: &'a TextFile,
    pub(in crate::io) from: Position,
    /// A line whose first byte after the blanks is one of these is a comment, and no record.
    pub(in crate::io) comments: &'static [u8],
    /// Bytes by which a line may extend beyond the block in which it begins.
    pub(in crate::io) longest: usize,
    /// The phase for the progress callback.
    pub(in crate::io) phase: &'static str,
}

/// Work that is done at the same time, or afterwards.
type Meanwhile<'a> = &'a mut (dyn FnMut() + Send);

impl<'a> LineReader<'a> {
    /// All lines from a position on, none of them a comment, each of at most about 1 MiB.
    pub(in crate::io) fn new(text: &'a TextFile, from: Position, phase: &'static str) -> Self {
        LineReader { text, from, comments: b"", longest: LONGEST_LINE, phase }
    }

    /// Allows lines of a sixteenth of the memory limit.
    pub(in crate::io) fn of_any_width(self, ctx: &Context) -> Self {
        LineReader { longest: widest(ctx), ..self }
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
                    Err(Halt::Record(error)) => return Err(BlockHalt::Record { record, error }),
                }
            }
            Ok(())
        };
        let mut line = self.from.line;
        // A record has at least a digit and a line feed.
        let growth = size_of::<R>().div_ceil(2);
        self.in_stages(ctx, growth, None, &|| Vec::new(), &parse, &mut |slots, meanwhile| {
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
        self.in_stages(ctx, growth, None, new, &parse, &mut |slots, meanwhile| {
            join(|| self.pass_on(slots, &mut line, take), meanwhile).0
        })?;
        Ok(self.end(line))
    }

    /// As [`for_each_block`](Self::for_each_block): `parse` makes a value of each block, which `take` gets with the number
    /// of its first line. What precedes an error in its block counts as read.
    pub(in crate::io) fn for_each_made<R: Send>(
        &self,
        ctx: &Context,
        growth: usize,
        parse: &(dyn Fn(TextLines<'_>) -> (R, Parsed) + Sync),
        take: &mut (dyn FnMut(R, u64) -> Result<()> + Send),
    ) -> Result<Position> {
        let mut line = self.from.line;
        let parse = |lines: TextLines<'_>, made: &mut Option<(R, u64)>| {
            let (value, parsed) = parse(lines);
            *made = Some((value, parsed.lines));
            parsed
        };
        self.for_each_block(ctx, growth, &|| None, &parse, &mut |made| {
            let Some((made, lines)) = made.take() else { return Ok(()) };
            take(made, line).map_err(BlockHalt::Caller)?;
            line += lines;
            Ok(())
        })
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
        self.in_stages(ctx, growth, Some(&mut counted), new, parse, &mut |slots, meanwhile| {
            join(|| self.pass_on(slots, &mut line, &mut take), meanwhile).0
        })?;
        Ok(counted.at)
    }

    /// The memory in which a gzip file is unpacked: the text of all blocks. 0 for other files.
    pub(in crate::io) fn window(&self, ctx: &Context) -> u64 {
        let (blocks, size) = self.sizes(ctx, 0);
        self.text.window((STAGES * blocks * (size + BEYOND)) as u64)
    }

    /// The memory of all blocks and of what is made of them; that of [`window`](Self::window) comes in addition, and is
    /// held while lines are read.
    pub(in crate::io) fn memory(&self, ctx: &Context, growth: usize) -> u64 {
        let (blocks, size) = self.sizes(ctx, growth);
        (STAGES * blocks * bytes_of_block(size, growth)) as u64
    }

    fn end(&self, line: u64) -> Position {
        Position { offset: self.text.most_text(), line }
    }

    /// Fills, parses and passes on all blocks, or as many as hold the `counted` lines, some at a time; `take` gets those
    /// that were parsed, and work to be done meanwhile.
    fn in_stages<B: Send>(
        &self,
        ctx: &Context,
        growth: usize,
        mut counted: Option<&mut Counted>,
        new: &dyn Fn() -> B,
        parse: Parse<'_, B>,
        take: &mut dyn FnMut(&mut [ParsedBlock<B>], Meanwhile<'_>) -> Result<()>,
    ) -> Result<()> {
        let _window = ctx.hold(self.window(ctx));
        let (blocks, size) = self.sizes(ctx, growth);
        let mut filling = Filling::new(self.text, self.from.offset, size, self.longest);
        let some = || (0..blocks).map(|_| ParsedBlock::new(new())).collect::<Vec<_>>();
        let (mut filled, mut parsed, mut spare) = (some(), some(), some());
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
                    let mut fill =
                        |slot: &mut ParsedBlock<B>| filling.fill(&mut slot.block).then_some(());
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

    /// Blocks at a time, and their size: enough that no thread waits long for the last, and no more than the memory
    /// limit allows.
    fn sizes(&self, ctx: &Context, growth: usize) -> (usize, usize) {
        let most = (ctx.memory_left() / 4).saturating_sub(self.text.window(0));
        let most = usize::try_from(most).unwrap_or(usize::MAX) / STAGES;
        let mut size = BLOCK;
        while size > SMALL_BLOCK && bytes_of_block(size, growth) > most {
            size /= 2;
        }
        ((most / bytes_of_block(size, growth)).clamp(1, 4 * ctx.thread_count()), size)
    }

    /// Passes on what was made of some blocks, and what stopped the parsing; `line` is the number of their first line.
    fn pass_on<B>(
        &self,
        slots: &mut [ParsedBlock<B>],
        line: &mut u64,
        take: &mut dyn FnMut(&mut B) -> std::result::Result<(), BlockHalt>,
    ) -> Result<()> {
        for ParsedBlock { block, made, parsed, .. } in slots {
            match take(made) {
                Ok(()) => {}
                Err(BlockHalt::Caller(error)) => return Err(error),
                Err(BlockHalt::Record { record, error }) => {
                    let before = lines_before(block.lines(), record, self.comments);
                    return Err(self.text.error_at(*line + before, error));
                }
            }
            *line += parsed.lines;
            if let Some(error) = parsed.error.take() {
                return Err(self.text.error_at(*line - 1, error));
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
