//! A text in blocks of whole lines, parsed on all threads while the next ones are read.
//!
//! ```text
//! read a batch  ->  cut it behind line ends  ->  parse its blocks on all threads, and read the next batch  ->  take
//! ```
//!
//! Unlike [`lines`](crate::io::text::lines), which passes on records one by one, this passes on what was made of a
//! whole block.

use crate::error::{Error, Result};
use crate::io::text::text_file::{LONGEST_LINE, Position, TextFile, too_long};
use crate::storage::Context;
use crate::storage::parallel::{ParallelSlice, Tasks, join};

/// Bytes of a block, and bytes that are read at a time.
const BLOCK: usize = 1 << 18;

/// Bytes of memory for what is made of a byte of text, at most: the shortest line with an edge is four bytes long.
const MADE: u64 = 8;

/// Some whole lines of a text.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) bytes: &'a [u8],
    /// Where they begin in the text.
    pub(super) offset: u64,
}

/// What was made of a block.
pub(super) struct Parsed<R> {
    pub(super) made: R,
    /// Lines of the block, up to the one with a fault.
    pub(super) lines: u64,
    /// What is wrong with the last of these lines.
    pub(super) fault: Option<Error>,
}

/// A text from a position on, in blocks.
pub(super) struct Blocks<'a> {
    pub(super) text: &'a TextFile,
    pub(super) from: Position,
    /// The phase for the progress callback.
    pub(super) phase: &'static str,
}

/// Lines that are parsed at once.
struct Batch {
    /// The lines, and the beginning of the line after them.
    bytes: Vec<u8>,
    /// Bytes of the lines.
    whole: usize,
    offset: u64,
    /// Whether the text ends here.
    ended: bool,
}

impl Blocks<'_> {
    /// Passes what `parse` makes of each block to `take`, in the order of the text, with the number of its first line.
    /// Returns the position of the end. Memory: at most a quarter of the limit, but always for a block of 256 KiB.
    pub(super) fn for_each<R: Send>(
        &self,
        ctx: &Context,
        parse: &(dyn Fn(Block<'_>) -> Parsed<R> + Sync),
        take: &mut dyn FnMut(R, u64) -> Result<()>,
    ) -> Result<Position> {
        let each = (2 + MADE) * BLOCK as u64;
        let room = usize::try_from(ctx.memory_left() / 4 / each).unwrap_or(usize::MAX);
        let size = BLOCK * (4 * ctx.thread_count()).min(room).max(1);
        let _held = ctx.hold(2 * size as u64 + self.text.window(BLOCK as u64));
        let end = self.in_batches(size, ctx, parse, take);
        self.text.release();
        end
    }

    fn in_batches<R: Send>(
        &self,
        size: usize,
        ctx: &Context,
        parse: &(dyn Fn(Block<'_>) -> Parsed<R> + Sync),
        take: &mut dyn FnMut(R, u64) -> Result<()>,
    ) -> Result<Position> {
        let all = self.text.length();
        let mut line = self.from.line;
        let mut spare = Vec::new();
        let mut batch = self.read(Vec::new(), &[], self.from.offset, size)?;
        loop {
            ctx.report(self.phase, self.text.read_by(batch.offset), all)?;
            let (blocks, too_long_line) = batch.cut();
            let (rest, after) = (&batch.bytes[batch.whole..], batch.offset + batch.whole as u64);
            let (more, empty) = (!batch.ended && !too_long_line, std::mem::take(&mut spare));
            let (made, next) = ctx.with_threads(|| {
                join(
                    || {
                        blocks
                            .par_iter()
                            .with_max_len(1)
                            .map(|&block| parse(block))
                            .collect::<Vec<_>>()
                    },
                    || more.then(|| self.read(empty, rest, after, size)),
                )
            });
            for Parsed { made, lines, fault } in made {
                if let Some(fault) = fault {
                    // What precedes the fault in its block counts as read.
                    take(made, line)?;
                    return Err(self.text.fault(line + lines.saturating_sub(1), fault));
                }
                take(made, line)?;
                line += lines;
            }
            if too_long_line {
                return Err(self.text.fault(line, too_long()));
            }
            let Some(next) = next.transpose()? else {
                ctx.report(self.phase, all, all)?;
                return Ok(Position { offset: batch.offset + batch.bytes.len() as u64, line });
            };
            spare = std::mem::replace(&mut batch, next).bytes;
        }
    }

    /// Reads about `size` bytes behind `rest`, the beginning of a line at `offset`.
    fn read(&self, mut bytes: Vec<u8>, rest: &[u8], offset: u64, size: usize) -> Result<Batch> {
        bytes.clear();
        bytes.extend_from_slice(rest);
        let mut wanted = size;
        loop {
            let before = bytes.len();
            let step = BLOCK.min(wanted.saturating_sub(before)).max(1 << 12);
            bytes.resize(before + step, 0);
            let read = self.text.fill(offset + before as u64, &mut bytes[before..])?;
            bytes.truncate(before + read);
            if read < step {
                let whole = bytes.len();
                return Ok(Batch { bytes, whole, offset, ended: true });
            }
            if bytes.len() < wanted {
                continue;
            }
            if let Some(last) = bytes.iter().rposition(|&byte| byte == b'\n') {
                return Ok(Batch { bytes, whole: last + 1, offset, ended: false });
            }
            if bytes.len() > LONGEST_LINE + BLOCK {
                let whole = bytes.len();
                return Ok(Batch { bytes, whole, offset, ended: false });
            }
            wanted = bytes.len() + BLOCK;
        }
    }
}

impl Batch {
    /// The lines in blocks, and whether a line follows them that is too long.
    fn cut(&self) -> (Vec<Block<'_>>, bool) {
        let (mut blocks, mut start) = (Vec::new(), 0);
        while start < self.whole {
            let least = (start + BLOCK).min(self.whole);
            let found = self.bytes[least - 1..self.whole].iter().position(|&b| b == b'\n');
            let end = found.map_or(self.whole, |at| least + at);
            if end - least > LONGEST_LINE {
                // The line begins in this block; those before it are still read.
                let begins = self.bytes[start..least].iter().rposition(|&b| b == b'\n');
                let end = start + begins.map_or(0, |at| at + 1);
                blocks.push(Block {
                    bytes: &self.bytes[start..end],
                    offset: self.offset + start as u64,
                });
                return (blocks, true);
            }
            blocks
                .push(Block { bytes: &self.bytes[start..end], offset: self.offset + start as u64 });
            start = end;
        }
        (blocks, false)
    }
}
