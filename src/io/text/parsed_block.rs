//! Blocks of lines, each read and parsed by one thread.

use crate::error::Error;
use crate::io::text::blocks::LineBlock;
use crate::io::text::records::{Parsed, TextLines, count_lines, length_of_lines};
use crate::io::text::text_file::{Position, TextFile};
use crate::storage::parallel::{ParallelSlice, Tasks};

/// A block and what was made of its lines.
pub(super) struct ParsedBlock<B> {
    pub(super) block: LineBlock,
    /// Why there are no more lines, unless those that are there have an error.
    error: Option<Error>,
    /// The number of its first line, if it is known before the lines are parsed.
    line: u64,
    pub(super) made: B,
    pub(super) parsed: Parsed,
}

/// The lines that are still to be taken, and where they begin.
pub(super) struct Counted {
    pub(super) left: u64,
    pub(super) at: Position,
}

/// Parses a block, with the number of its first line.
pub(super) type Parse<'a, B> = &'a (dyn Fn(TextLines<'_>, u64, &mut B) -> Parsed + Sync);

/// Reads and parses some blocks, whose lines are counted in between if only some are wanted.
pub(super) fn parse_all<B: Send>(
    slots: &mut [ParsedBlock<B>],
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
    fn cut<B>(&mut self, slot: &mut ParsedBlock<B>) {
        let count = std::mem::replace(&mut slot.line, self.at.line);
        let lines = slot.block.lines();
        let length = match self.left {
            0 => 0,
            left if count < left => lines.len(),
            left => length_of_lines(lines, left),
        };
        if count >= self.left {
            slot.error = None;
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

impl<B> ParsedBlock<B> {
    pub(super) fn new(made: B) -> Self {
        let parsed = Parsed { lines: 0, error: None };
        ParsedBlock { block: LineBlock::default(), error: None, line: 0, made, parsed }
    }

    fn read(&mut self, text: &TextFile) {
        self.error = self.block.read(text).err();
    }

    fn parse(&mut self, parse: Parse<'_, B>) {
        // The lines that were read before an error come first.
        let lines = TextLines { bytes: self.block.lines(), offset: self.block.offset() };
        self.parsed = parse(lines, self.line, &mut self.made);
        let error = self.error.take();
        if self.parsed.error.is_none() && error.is_some() {
            self.parsed.lines += 1;
            self.parsed.error = error;
        }
    }
}
