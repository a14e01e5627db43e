//! How lines that become columns are cut: the input into panels of lines, the result into bands.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Context, DType};

/// Bytes of a tile, and of a block of tiles, that are read and written at the speed of the device: with 1 MiB, filling
/// a C-order file of 4 GB by columns took 5.1 to 6.3 s, with 4 MiB 4.2 to 4.9 and with 8 MiB 5.2 to 5.9, by rows 1.4 to
/// 1.8.
const TILE: u64 = 4 << 20;

/// Minimum bytes of a line that are read for a block.
const AT_A_TIME: usize = 256;

/// Bytes of a band if nothing is read.
const RESIDENT: u64 = 16 << 20;

/// Lines stay in memory if they are at least this fraction of all.
const FEW: usize = 5;

/// How lines are cut into panels, and the result into bands.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransposeCut {
    /// Lines of the input, and elements of each.
    pub(super) count: usize,
    pub(super) length: usize,
    /// Lines that stay in memory.
    pub(super) kept: usize,
    /// Lines of a panel; 0 if all of them stay.
    pub(super) panel: usize,
    /// Result lines of a band.
    pub(super) width: usize,
    /// Elements of a result line that are passed on at a time: all of them, unless a line is larger than a band.
    pub(super) chunk: usize,
    /// Result lines of a block of the scratch file: whole bands.
    pub(super) block: usize,
}

/// The part of the result that is passed on at a time: whole lines, or a run of one.
#[derive(Clone, Debug)]
pub(super) struct ResultBand {
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
}

impl TransposeCut {
    pub(super) fn new(dtype: DType, count: usize, length: usize, ctx: &Context) -> Result<Self> {
        let limit = ctx.memory_left();
        let line = dtype.bytes_of(length);
        let panels = (line.saturating_mul(count as u64) / (limit / 4).max(1)).saturating_add(1);
        // Every tile of the bands is read in whole sectors.
        let memory = (limit / 8 * 5).saturating_sub(panels.saturating_mul(3 * 2 * 4096));
        let memory = memory.max((limit / 4).max(line).min(limit / 8 * 5));
        let slots = usize::try_from(memory.checked_div(line).unwrap_or(u64::MAX));
        let slots = slots.unwrap_or(usize::MAX);
        if slots >= count {
            return Ok(Self::resident(dtype, count, length, ctx));
        }
        if slots == 0 {
            return Err(Error::new(ErrorKind::Memory, "a single line would not fit in memory")
                .expected(format!("at most {} bytes (five eighths of the limit)", limit / 8 * 5))
                .found(format!("{line} bytes"))
                .remedy("raise the memory limit"));
        }
        let panel = ((limit / 4 / line) as usize).clamp(1, slots);
        let bytes = TILE.saturating_mul(count.div_ceil(panel) as u64);
        let (width, chunk) = bands(dtype, count, length, bytes.min(limit / 20));
        // A tile is at most a band.
        let panel = panel.min(width * chunk);
        let tile = width * panel * dtype.size();
        // For short lines enough is read at a time that few cache lines are read again for the next block.
        let read = (AT_A_TIME / dtype.size()).div_ceil(width) * tile;
        let most = (limit / 64).clamp(16 << 10, TILE).max((limit / 16).min(read as u64));
        let in_block = most as usize / tile;
        let block = width * in_block.clamp(1, length.div_ceil(width));
        // Touching memory for a few lines costs more than writing them.
        let kept = slots - panel;
        let kept = if kept >= count / FEW { kept } else { 0 };
        Ok(TransposeCut { count, length, kept, panel, width, chunk, block })
    }

    /// For lines that are all in memory.
    pub(super) fn resident(dtype: DType, count: usize, length: usize, ctx: &Context) -> Self {
        let bytes = (ctx.memory_left() / 20).min(RESIDENT);
        let (width, chunk) = bands(dtype, count, length, bytes);
        TransposeCut { count, length, kept: count, panel: 0, width, chunk, block: width }
    }

    /// Lines that fit in memory.
    pub(super) fn slots(&self) -> usize {
        self.kept + self.panel.min(self.count - self.kept)
    }

    /// Panels that go to the scratch file; the rest of the lines, at most a panel, stays in memory.
    pub(super) fn panels(&self) -> usize {
        (self.count - self.kept).saturating_sub(1).checked_div(self.panel).unwrap_or(0)
    }

    /// The first line of a panel.
    pub(super) fn first_of(&self, panel: usize) -> usize {
        self.kept + panel * self.panel
    }

    /// The result lines of every block of a panel.
    pub(super) fn blocks(&self) -> impl ExactSizeIterator<Item = Range<usize>> {
        let TransposeCut { length, block, .. } = *self;
        (0..length).step_by(block).map(move |start| start..length.min(start + block))
    }

    /// The bands of the result in order.
    pub(super) fn bands(&self) -> impl Iterator<Item = ResultBand> {
        let TransposeCut { count, length, width, chunk, .. } = *self;
        (0..length).step_by(width).flat_map(move |row| {
            (0..count).step_by(chunk.max(1)).map(move |col| ResultBand {
                rows: row..length.min(row + width),
                cols: col..count.min(col + chunk),
            })
        })
    }

    /// The panels in the scratch file that intersect a band, and the lines of each in it.
    pub(super) fn panels_in(
        &self,
        band: &ResultBand,
    ) -> impl Iterator<Item = (usize, Range<usize>)> {
        let (cut, cols) = (*self, band.cols.clone());
        let panel = |col: usize| col.saturating_sub(cut.kept).checked_div(cut.panel).unwrap_or(0);
        let panels = panel(cols.start)..(panel(cols.end - 1) + 1).min(cut.panels());
        panels.filter_map(move |panel| {
            let first = cut.first_of(panel);
            let here = cols.start.max(first)..cols.end.min(first + cut.panel);
            (!here.is_empty()).then_some((panel, here))
        })
    }
}

/// Result lines of a band of about `bytes` bytes, and the elements of each that are passed on at a time.
fn bands(dtype: DType, count: usize, length: usize, bytes: u64) -> (usize, usize) {
    let most = bytes.max(4096) as usize / dtype.size();
    match most / count.max(1) {
        0 => (1, most),
        lines => (lines.min(length.max(1)), count),
    }
}
