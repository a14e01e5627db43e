//! What is made of the lines of a text, block by block, in the order of the text.

use crate::error::{Error, Result};
use crate::io::text::lines::{BlockHalt, Lines, TextLines};
use crate::io::text::records;
use crate::io::text::text_file::{Position, TextFile};
use crate::storage::Context;

/// Bytes of memory for what is made of a byte of text, at most: the shortest line with an edge is four bytes long.
const MADE: usize = 8;

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

impl Blocks<'_> {
    /// Passes what `parse` makes of each block, on all threads, to `take`, with the number of its first line; what
    /// precedes a fault in its block counts as read. Returns the position of the end. Memory: as
    /// [`Lines::for_each_block`].
    pub(super) fn for_each<R: Send>(
        &self,
        ctx: &Context,
        parse: &(dyn Fn(TextLines<'_>) -> Parsed<R> + Sync),
        take: &mut (dyn FnMut(R, u64) -> Result<()> + Send),
    ) -> Result<Position> {
        let Blocks { text, from, phase } = *self;
        let mut line = from.line;
        let parse = |lines: TextLines<'_>, made: &mut Option<(R, u64)>| {
            let parsed = parse(lines);
            *made = Some((parsed.made, parsed.lines));
            records::Parsed { lines: parsed.lines, fault: parsed.fault }
        };
        Lines::new(text, from, phase).for_each_block(ctx, MADE, &|| None, &parse, &mut |made| {
            let Some((made, lines)) = made.take() else { return Ok(()) };
            take(made, line).map_err(BlockHalt::Caller)?;
            line += lines;
            Ok(())
        })
    }
}
