//! A dense matrix in bands across its lines: the same run of elements of every line at a time.
//!
//! For a file larger than the budget a band is one read a line, so that a matrix in Fortran order comes by blocks of
//! rows in one pass.

use std::marker::PhantomData;

use crate::dense::any_dense::AnyDense;
use crate::dense::base::Dense;
use crate::dense::panels::typed;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::raw::Raw;
use crate::storage::{Context, DType, Devices, Element, PanelReader, RawPanelArray};

/// Bytes of a band that make the piece of a line worth a read of its own, for some hundred lines.
const MOST: u64 = 64 << 20;

/// Bytes that a piece of a line takes in a band beyond its elements: two sectors and the rest of a page.
const BESIDE: usize = 3 * 4096;

/// Hands out a matrix in bands, in order.
pub(crate) struct AnyBandPanels {
    matrix: AnyDense,
    /// Elements of every line in each band but the last.
    width: usize,
    streams: Option<(PanelReader, RawPanelArray)>,
}

impl AnyBandPanels {
    /// Bands for one pass within `budget` bytes, each but the last with a multiple of `step` elements of every line.
    ///
    /// Fails if two bands do not fit, `step` elements of every line being the least of a band.
    pub(crate) fn new(matrix: &AnyDense, step: usize, budget: u64, ctx: &Context) -> Result<Self> {
        let most = Self::elements(matrix.dtype(), matrix.lines().0, (budget / 8).min(MOST));
        Self::of_width(matrix, (most / step * step).max(step), budget, ctx)
    }

    /// Elements of every one of `lines` lines in a band of `bytes` bytes, if each line is read by itself.
    pub(crate) fn elements(dtype: DType, lines: usize, bytes: u64) -> usize {
        (bytes as usize / lines.max(1)).saturating_sub(BESIDE) / dtype.size()
    }

    /// Bands for one pass within `budget` bytes, each but the last with `width` elements of every line.
    ///
    /// Fails if two bands do not fit.
    pub(crate) fn of_width(
        matrix: &AnyDense,
        width: usize,
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let (lines, length) = matrix.lines();
        let matrix = matrix.clone();
        if matrix.stored_bytes() <= budget {
            return Ok(AnyBandPanels { matrix, width, streams: None });
        }
        let mut sources = Vec::new();
        let elements = RawPanelArray::new(matrix.buffer(), &mut sources)?;
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
        let mode = Devices::known().read_mode(source)?;
        let mut reader = PanelReader::new(sources, bands, budget, mode)?;
        reader.pin_nothing();
        Ok(AnyBandPanels { matrix, width, streams: Some((reader, elements)) })
    }

    /// Most memory that bands take.
    pub(crate) fn memory(&self) -> u64 {
        self.streams.as_ref().map_or(0, |(reader, _)| reader.memory())
    }

    /// Calls `work` with every band in order: the same run of elements of each line.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(&[Raw<'_>]) -> Result<()>,
    ) -> Result<()> {
        let ((lines, length), width) = (self.matrix.lines(), self.width);
        ctx.meter().pass();
        let Some((reader, elements)) = &mut self.streams else {
            ctx.meter().read(self.matrix.stored_bytes());
            // Of lines that are none, or have no elements, there is no band, however long they are.
            let end = if self.matrix.is_empty() { 0 } else { length };
            for start in (0..end).step_by(width) {
                ctx.report("sweeping", start as u64, length as u64)?;
                let here = start..length.min(start + width);
                let part = |line: usize| line * length + here.start..line * length + here.end;
                let elements = self.matrix.elements();
                let band: Vec<_> = (0..lines).map(|line| elements.slice(part(line))).collect();
                work(&band)?;
            }
            return ctx.report("sweeping", length as u64, length as u64);
        };
        reader.sweep(ctx, &mut |band, bytes| {
            let width = width.min(length - band * width);
            // Each line is the first extent of what is left.
            let lines = (0..bytes.len()).map(|line| elements.elements(0..width, &bytes[line..]));
            work(&lines.collect::<Result<Vec<_>>>()?)
        })
    }
}

/// [`AnyBandPanels`] of a matrix whose type is known when it is compiled.
pub(crate) struct BandPanels<T> {
    any: AnyBandPanels,
    elements: PhantomData<T>,
}

impl<T: Element> BandPanels<T> {
    /// As [`AnyBandPanels::new`].
    pub(crate) fn new(matrix: &Dense<T>, step: usize, budget: u64, ctx: &Context) -> Result<Self> {
        let any = AnyBandPanels::new(&matrix.to_any(), step, budget, ctx)?;
        Ok(BandPanels { any, elements: PhantomData })
    }

    /// As [`AnyBandPanels::memory`].
    pub(crate) fn memory(&self) -> u64 {
        self.any.memory()
    }

    /// As [`AnyBandPanels::sweep`].
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(&[&[T]]) -> Result<()>,
    ) -> Result<()> {
        self.any.sweep(ctx, &mut |band| {
            work(&band.iter().map(|&line| typed(line)).collect::<Result<Vec<_>>>()?)
        })
    }
}
