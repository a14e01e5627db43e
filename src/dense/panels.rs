//! A dense matrix in runs of lines: all of it at once if it is in memory or fits, panel by panel if not.

use crate::dense::base::Dense;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{
    Context, Element, Order, PanelArray, PanelReader, Traffic, largest_panel, panel_elements,
};

/// Hands out a matrix in runs of contiguous lines (rows in C order, columns in Fortran order), in order.
pub struct LinePanels<T: Element> {
    matrix: Dense<T>,
    streams: Option<Streams<T>>,
}

/// A matrix that is read panel by panel.
struct Streams<T> {
    reader: PanelReader,
    elements: PanelArray<T>,
    /// Lines of every panel but the last.
    height: usize,
}

/// A run of lines.
pub(crate) struct LinePanel<'a, T> {
    /// The first line's number in the matrix.
    pub(crate) first: usize,
    /// Number of lines.
    pub(crate) lines: usize,
    /// The lines, one after the other.
    pub(crate) elements: &'a [T],
}

impl<T: Element> LinePanels<T> {
    /// Panels of a matrix within `budget` bytes of memory, each but the last with a multiple of `step` lines.
    ///
    /// Fails if two panels do not fit, `step` lines being the least of a panel.
    pub(crate) fn new(matrix: &Dense<T>, step: usize, budget: u64, ctx: &Context) -> Result<Self> {
        let matrix = matrix.clone();
        let in_file = matrix.buffer().file().is_some();
        let streams = if in_file && size_of_val(matrix.as_slice()) as u64 > budget {
            Some(Streams::new(&matrix, step, budget, ctx)?)
        } else {
            None
        };
        Ok(LinePanels { matrix, streams })
    }

    pub(crate) fn matrix(&self) -> &Dense<T> {
        &self.matrix
    }

    /// `(lines, elements of a line)`.
    pub(crate) fn shape(&self) -> (usize, usize) {
        lines_of(&self.matrix)
    }

    /// What reading has cost so far; nothing for a matrix that is handed out at once.
    pub(crate) fn traffic(&self) -> Traffic {
        self.streams.as_ref().map_or_else(Traffic::default, |streams| streams.reader.traffic())
    }

    /// Calls `work` with every panel in order.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        mut work: impl FnMut(LinePanel<'_, T>) -> Result<()>,
    ) -> Result<()> {
        let (lines, length) = self.shape();
        let Some(Streams { reader, elements, height }) = &mut self.streams else {
            return work(LinePanel { first: 0, lines, elements: self.matrix.as_slice() });
        };
        reader.sweep(ctx, |panel, bytes| {
            let first = panel * *height;
            let lines = (*height).min(lines - first);
            let elements = elements.elements(first * length..(first + lines) * length, bytes)?;
            work(LinePanel { first, lines, elements })
        })
    }
}

fn lines_of<T: Element>(matrix: &Dense<T>) -> (usize, usize) {
    let (nrows, ncols) = matrix.dim();
    if matrix.order() == Order::C { (nrows, ncols) } else { (ncols, nrows) }
}

impl<T: Element> Streams<T> {
    fn new(matrix: &Dense<T>, step: usize, budget: u64, ctx: &Context) -> Result<Self> {
        let (lines, length) = lines_of(matrix);
        let mut sources = Vec::new();
        let elements = PanelArray::new(matrix.buffer(), &mut sources)?;
        let most = panel_elements(largest_panel(budget), &[size_of::<T>()]);
        let height = (most / length.max(1) / step * step).max(step);
        let panels = (0..lines)
            .step_by(height)
            .map(|first| {
                let end = lines.min(first + height);
                elements.extent(first * length..end * length).into_iter().collect()
            })
            .collect();
        let source =
            sources.first().ok_or_else(|| Error::new(ErrorKind::Format, "no array to read"))?;
        let mode = ctx.devices().read_mode(source)?;
        let reader = PanelReader::new(sources, panels, budget, mode)?;
        Ok(Streams { reader, elements, height })
    }
}
