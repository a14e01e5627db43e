//! Text made in blocks by all threads, and appended in order while the next blocks are made.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::io::output::Target;
use crate::io::text::text_output::{PACKING, TextOutput, pack};
use crate::storage::parallel::{ParallelSlice, Tasks, join};
use crate::storage::{Context, Plan, work};

/// Elements of a block, at most and at least.
const BLOCK: usize = 1 << 12;
const SMALL_BLOCK: usize = 1 << 7;

/// The most bytes of an element: two indices and two floats.
const LONGEST: usize = 96;

/// Writes the elements of a matrix as text.
pub(in crate::io) struct TextWriter<'c> {
    output: TextOutput,
    /// The name of the operation, also for the progress callback.
    phase: &'static str,
    /// Blocks that are made, and blocks that are written.
    made: Vec<TextBlock>,
    written: Vec<TextBlock>,
    /// Elements of a block.
    block: usize,
    done: u64,
    total: u64,
    ctx: &'c Context,
}

/// The text of a block, and what is written of it if it is packed.
#[derive(Clone, Default)]
struct TextBlock {
    text: Vec<u8>,
    packed: Vec<u8>,
}

/// Appends the text of a range of elements.
pub(in crate::io) type FormatBlock<'f> =
    &'f (dyn Fn(Range<usize>, &mut Vec<u8>) -> Result<()> + Sync);

impl<'c> TextWriter<'c> {
    /// Starts a file of `total` elements behind `head`, which the operation `phase` writes.
    pub(in crate::io) fn create(
        target: Target<'_>,
        head: &[u8],
        phase: &'static str,
        total: u64,
        ctx: &'c Context,
    ) -> Result<Self> {
        let mut output = TextOutput::create(target)?;
        output.append(head)?;
        let (blocks, block) = sizes(ctx);
        let [made, written] = [0, 1].map(|_| vec![TextBlock::default(); blocks]);
        Ok(TextWriter { output, phase, made, written, block, done: 0, total, ctx })
    }

    /// The name of the operation.
    pub(in crate::io) fn phase(&self) -> &'static str {
        self.phase
    }

    /// The context of the operation.
    pub(in crate::io) fn ctx(&self) -> &'c Context {
        self.ctx
    }

    /// Memory of the blocks that are made and written.
    pub(in crate::io) fn memory(&self) -> u64 {
        let (blocks, block) = sizes(self.ctx);
        let texts = (2 * blocks * block * LONGEST) as u64;
        match self.output.is_packed() {
            true => 2 * texts + PACKING * self.ctx.thread_count() as u64,
            false => texts,
        }
    }

    /// Memory for what is read while texts are written.
    pub(in crate::io) fn budget(&self) -> u64 {
        self.ctx.memory_left().saturating_sub(self.memory()).max(1)
    }

    /// Adds the text to the plan of what reads the elements, each of which has about `bytes` bytes.
    pub(in crate::io) fn plan(&self, plan: Plan, bytes: u64) -> Plan {
        let plan = plan.writes(self.total.saturating_mul(bytes));
        plan.works(self.total, work::WRITE_TEXT).throughout(self.memory())
    }

    /// Appends the text of `count` elements.
    pub(in crate::io) fn write(&mut self, count: usize, format: FormatBlock<'_>) -> Result<()> {
        let (block, is_packed) = (self.block, self.output.is_packed());
        let path = self.output.path().to_owned();
        let (mut start, mut ready) = (0, 0..0);
        loop {
            self.ctx.report(self.phase, self.done, self.total)?;
            let end = count.min(start + self.made.len() * block);
            let blocks = (end - start).div_ceil(block);
            let fill = |(k, made): (usize, &mut TextBlock)| {
                made.text.clear();
                let from = start + k * block;
                format(from..end.min(from + block), &mut made.text)?;
                match is_packed {
                    true => pack(&made.text, &mut made.packed)
                        .map_err(|error| Error::io("packing", &path, error)),
                    false => Ok(()),
                }
            };
            let make = || {
                let made = self.made[..blocks].par_iter_mut().with_max_len(1).enumerate();
                made.map(fill).collect::<Result<Vec<()>>>()
            };
            let (output, texts) = (&mut self.output, &self.written[..ready.len().div_ceil(block)]);
            let write = || {
                texts.iter().try_for_each(|TextBlock { text, packed }| {
                    output.append_packed(if is_packed { packed } else { text })
                })
            };
            let (wrote, outcome) = self.ctx.with_threads(|| join(write, make));
            wrote?;
            outcome?;
            self.done += ready.len() as u64;
            if end == start {
                return Ok(());
            }
            (ready, start) = (start..end, end);
            std::mem::swap(&mut self.made, &mut self.written);
        }
    }

    /// Writes the file to the device, and gives it its name, unless the context is cancelled.
    pub(in crate::io) fn finish(self) -> Result<()> {
        self.ctx.check_cancelled()?;
        self.ctx.meter().wrote(self.output.publish()?);
        Ok(())
    }
}

/// Blocks that are made at a time, and their elements: a few blocks per thread, and not more than a small part of the
/// memory limit.
fn sizes(ctx: &Context) -> (usize, usize) {
    let elements = (ctx.memory_left() / 16) as usize / (2 * LONGEST);
    let block = elements.clamp(SMALL_BLOCK, BLOCK);
    ((elements / block).clamp(1, 4 * ctx.thread_count()), block)
}
