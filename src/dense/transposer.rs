//! A streaming transpose: lines come in one by one, and the lines of the other axis go out one by one, in bounded
//! memory.
//!
//! ```text
//! lines come:    the first stay in memory unchanged; the others are gathered, a panel at a time, transposed, and
//!                appended to a scratch file
//! all are here:  band by band of result lines: the tile of every panel for the band is read, and copied next to the
//!                others and to the part of the lines in memory -> passed on in order
//! ```
//!
//! So data that does not fit is written once and read once. Panels are transposed before they are written, so that a
//! band needs a single run of each, a *tile*. Without this it would need one run per line of the panel, of a few
//! thousand bytes each for a wide matrix.
//!
//! Memory, in parts of the limit: three eighths for lines that stay, if those are a fifth of all, and a quarter for a
//! panel; in addition a seventh for blocks that are being written, and at the end three bands being read and one being
//! made, at most a twentieth each.

use std::ops::Range;

use crate::dense::transpose::transpose_lines;
use crate::dense::transpose_cut::TransposeCut;
use crate::dense::transposed::{AllLines, IN_FLIGHT, damaged};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::work;
use crate::storage::{Context, DType, IoBuffer, Plan, RawBufferMut, Scratch};

/// The part of the limit for blocks being written to the scratch file: with less, the device is idle while the next
/// panel is gathered.
const ON_THE_WAY: u64 = 7;

/// Takes lines, and passes on the lines of the other axis.
pub(crate) struct Transposer {
    cut: TransposeCut,
    dtype: DType,
    /// Lines that stay, followed by the panel being gathered.
    lines: RawBufferMut,
    /// The position in `lines` of the next element.
    at: usize,
    /// Elements taken so far.
    taken: usize,
    scratch: Option<Scratch>,
    /// The offset of every block in the scratch file, panel by panel.
    blocks: Vec<u64>,
    ctx: Context,
}

impl Transposer {
    /// For `count` lines of `length` elements.
    ///
    /// Fails if not even one line fits.
    pub(crate) fn new(
        dtype: DType,
        (count, length): (usize, usize),
        ctx: &Context,
    ) -> Result<Self> {
        let cut = TransposeCut::new(dtype, count, length, ctx)?;
        let len = cut.slots().saturating_mul(length);
        let lines = ctx.raw_zeros("lines to transpose", (Some(dtype), len))?;
        let (scratch, blocks) = (None, Vec::new());
        Ok(Transposer { cut, dtype, lines, at: 0, taken: 0, scratch, blocks, ctx: ctx.clone() })
    }

    /// Adds transposing to a plan; `reading` is the memory in use while lines come in.
    pub(crate) fn plan(
        plan: Plan,
        dtype: DType,
        (count, length): (usize, usize),
        reading: u64,
        ctx: &Context,
    ) -> Result<Plan> {
        let cut = TransposeCut::new(dtype, count, length, ctx)?;
        let size = dtype.size();
        let lines = (cut.slots() * length * size) as u64;
        let band = (cut.width * cut.chunk * size) as u64;
        let plan = plan.works((count * length) as u64, work::TRANSPOSE_DENSE);
        if cut.panels() == 0 {
            return Ok(plan.holds(reading.max(band)).throughout(lines));
        }
        let bytes = |rows: Range<usize>| (rows.len() * cut.panel * size).next_multiple_of(4096);
        let written = cut.panels() * cut.blocks().map(bytes).sum::<usize>();
        let read = cut.panels() * cut.panel * length * size;
        // A tile is read in whole sectors, and so spans up to two more.
        let ring = IoBuffer::rounded(band as usize + cut.panels() * 2 * 4096) as u64;
        let extra =
            (reading + blocks_on_the_way(&cut, dtype, ctx).1).max(IN_FLIGHT as u64 * ring + band);
        let mut plan = plan.scratches(written as u64).holds(extra).throughout(lines);
        plan.cost.bytes_read -= (written - read) as u64;
        Ok(plan)
    }

    /// Takes the next elements, line after line.
    pub(crate) fn extend(&mut self, mut elements: Raw<'_>) -> Result<()> {
        self.check_capacity(elements.len())?;
        while elements.len() > 0 {
            self.reserve()?;
            let now;
            (now, elements) = elements.split_at(elements.len().min(self.lines.len() - self.at));
            self.lines.as_mut().slice_mut(self.at..self.at + now.len()).copy_from(now);
            self.at += now.len();
            self.taken += now.len();
        }
        Ok(())
    }

    /// Takes the next line, which `fill` writes.
    pub(crate) fn fill_line(&mut self, fill: &mut dyn FnMut(RawMut<'_>)) -> Result<()> {
        let length = self.cut.length;
        self.check_capacity(length)?;
        self.reserve()?;
        fill(self.lines.as_mut().slice_mut(self.at..self.at + length));
        self.at += length;
        self.taken += length;
        Ok(())
    }

    /// Passes on all lines of the other axis, some at a time or a run of one, in order.
    ///
    /// Fails if lines are missing.
    pub(crate) fn finish(mut self, sink: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        if self.taken != self.cut.count * self.cut.length {
            return Err(Error::new(ErrorKind::Shape, "lines are missing")
                .expected(self.cut.count)
                .found(self.taken / self.cut.length.max(1)));
        }
        let file = self.scratch.take().map(Scratch::finish).transpose()?;
        let Transposer { cut, lines, blocks, ctx, .. } = &self;
        let lines = lines.as_raw();
        AllLines { cut: *cut, lines, blocks, ctx }.hand_on(file.as_ref(), sink)
    }

    fn check_capacity(&self, more: usize) -> Result<()> {
        if more > self.cut.count * self.cut.length - self.taken {
            return Err(Error::new(ErrorKind::Shape, "the array is full")
                .found(format!("more than its {} lines", self.cut.count)));
        }
        Ok(())
    }

    /// Writes the panel, if it is full, to free the buffer for the next.
    fn reserve(&mut self) -> Result<()> {
        if self.at < self.lines.len() || self.lines.len() == 0 {
            return Ok(());
        }
        self.ctx.check_cancelled()?;
        let (cut, dtype, size) = (self.cut, self.dtype, self.dtype.size());
        let (most, _) = blocks_on_the_way(&cut, dtype, &self.ctx);
        let lines = self.lines.as_raw();
        let panel = lines.slice(cut.kept * cut.length..lines.len());
        let mut scratch = match self.scratch.take() {
            Some(scratch) => scratch,
            None => {
                let expected = cut.panels() * cut.panel * cut.length * size;
                Scratch::new(cut.block * cut.panel * size, expected as u64, &self.ctx)?
            }
        };
        for rows in cut.blocks() {
            let mut buffer = scratch.buffer(most)?;
            let bytes = rows.len() * cut.panel * size;
            let what = (Some(dtype), rows.len() * cut.panel);
            let block = RawMut::over(&mut buffer.bytes_mut()[..bytes], what).ok_or_else(damaged)?;
            let line = |k: usize| {
                let start = k * cut.length;
                panel.slice(start + rows.start..start + rows.end)
            };
            self.ctx.with_threads(|| {
                transpose_lines(block, cut.panel, (0, cut.panel), &line);
            });
            self.blocks.push(scratch.append(buffer, bytes)?);
        }
        self.scratch = Some(scratch);
        self.at = cut.kept * cut.length;
        Ok(())
    }
}

/// How many blocks may be in flight to the scratch file, at least the one being filled and one being written, and their
/// memory.
fn blocks_on_the_way(cut: &TransposeCut, dtype: DType, ctx: &Context) -> (usize, u64) {
    let block = IoBuffer::rounded(cut.block * cut.panel * dtype.size()) as u64;
    let all = (cut.panels() * cut.blocks().len()) as u64;
    let blocks = (ctx.memory_left() / ON_THE_WAY / block).max(2).min(all);
    (blocks as usize, blocks * block)
}
