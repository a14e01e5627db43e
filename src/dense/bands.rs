//! A dense matrix in bands across its lines: the same run of elements of every line at a time.
//!
//! For a file larger than the budget a band is one read a line, so that a matrix in Fortran order comes by blocks of
//! rows in one pass.

use crate::dense::base::Dense;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Context, Element, PanelArray, PanelReader};

/// Bytes of a band that make the piece of a line worth a read of its own, for some hundred lines.
const MOST: u64 = 64 << 20;

/// Bytes that a piece of a line takes in a band beyond its elements: two sectors and the rest of a page.
const BESIDE: usize = 3 * 4096;

/// Hands out a matrix in bands, in order.
pub(crate) struct BandPanels<T: Element> {
    matrix: Dense<T>,
    /// Elements of every line in each band but the last.
    width: usize,
    streams: Option<(PanelReader, PanelArray<T>)>,
}

/// A run of elements of every line.
pub(crate) struct Band<'a, T> {
    /// The same run of each line.
    pub(crate) lines: Vec<&'a [T]>,
}

impl<T: Element> BandPanels<T> {
    /// Bands for one pass within `budget` bytes, each but the last with a multiple of `step` elements of every line.
    ///
    /// Fails if two bands do not fit, `step` elements of every line being the least of a band.
    pub(crate) fn new(matrix: &Dense<T>, step: usize, budget: u64, ctx: &Context) -> Result<Self> {
        let most = Self::elements(matrix.lines().0, (budget / 8).min(MOST));
        Self::of_width(matrix, (most / step * step).max(step), budget, ctx)
    }

    /// Elements of every one of `lines` lines in a band of `bytes` bytes, if each line is read by itself.
    pub(crate) fn elements(lines: usize, bytes: u64) -> usize {
        (bytes as usize / lines.max(1)).saturating_sub(BESIDE) / size_of::<T>()
    }

    /// Bands for one pass within `budget` bytes, each but the last with `width` elements of every line.
    ///
    /// Fails if two bands do not fit.
    pub(crate) fn of_width(
        matrix: &Dense<T>,
        width: usize,
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let (lines, length) = matrix.lines();
        let matrix = matrix.clone();
        if matrix.buffer().stored_bytes() <= budget {
            return Ok(BandPanels { matrix, width, streams: None });
        }
        let mut sources = Vec::new();
        let elements = PanelArray::new(matrix.buffer(), &mut sources)?;
        let bands = (0..length)
            .step_by(width)
            .map(|start| {
                let end = length.min(start + width);
                (0..lines)
                    .filter_map(|line| elements.extent(line * length + start..line * length + end))
                    .collect()
            })
            .collect();
        let source =
            sources.first().ok_or_else(|| Error::new(ErrorKind::Format, "no array to read"))?;
        let mode = ctx.devices().read_mode(source)?;
        let mut reader = PanelReader::new(sources, bands, budget, mode)?;
        reader.pin_nothing();
        Ok(BandPanels { matrix, width, streams: Some((reader, elements)) })
    }

    /// Most memory that bands take.
    pub(crate) fn memory(&self) -> u64 {
        self.streams.as_ref().map_or(0, |(reader, _)| reader.memory())
    }

    /// Calls `work` with every band in order.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(Band<'_, T>) -> Result<()>,
    ) -> Result<()> {
        let ((_, length), width) = (self.matrix.lines(), self.width);
        ctx.meter().pass();
        let Some((reader, elements)) = &mut self.streams else {
            ctx.meter().read(self.matrix.buffer().stored_bytes());
            // Of lines that are none, or have no elements, there is no band, however long they are.
            let end = if self.matrix.is_empty() { 0 } else { length };
            for start in (0..end).step_by(width) {
                ctx.report("sweeping", start as u64, length as u64)?;
                let here = start..length.min(start + width);
                let lines = self.matrix.as_slice().chunks_exact(length);
                work(Band { lines: lines.map(|line| &line[here.clone()]).collect() })?;
            }
            return ctx.report("sweeping", length as u64, length as u64);
        };
        reader.sweep(ctx, &mut |band, bytes| {
            let width = width.min(length - band * width);
            // Each line is the first extent of what is left.
            let lines = (0..bytes.len()).map(|line| elements.elements(0..width, &bytes[line..]));
            work(Band { lines: lines.collect::<Result<_>>()? })
        })
    }
}
