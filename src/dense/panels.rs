//! A dense matrix in panels of lines: all of it at once if it is in memory or fits, otherwise panel by panel.

use std::ops::Range;

use crate::dense::any_dense::AnyDense;
use crate::error::Result;
use crate::storage::raw::Raw;
use crate::storage::{
    ArrayPanels, ArrayRange, Arrays, Context, Cut, Reading, elements_within, for_one_sweep,
};

/// Elements that a pass over a matrix in memory processes between two checks of the cancel token.
pub(crate) const RESIDENT: usize = 1 << 24;

/// Yields a matrix in panels of contiguous lines (rows in C order, columns in Fortran order), in order.
pub(crate) struct DensePanels {
    matrix: AnyDense,
    cut: PanelCut,
    /// How the matrix is read.
    pub(crate) reading: ArrayPanels,
}

/// Where panels begin and end.
#[derive(Clone, Copy)]
struct PanelCut {
    lines: usize,
    length: usize,
    /// Lines of every panel but the last; 1 if a panel is a run of a line.
    height: usize,
    /// Elements per line of every panel, except the last of a line that is cut.
    width: usize,
}

/// Consecutive lines, or a run of one that is too long for a panel.
pub(crate) struct DensePanel<'a> {
    /// The first line's number in the matrix.
    pub(crate) first: usize,
    /// Number of lines; 1 for a run of a line.
    pub(crate) lines: usize,
    /// Position of the first element in its line: 0 unless the panel is a run of a line.
    pub(crate) offset: usize,
    /// The lines, consecutively.
    pub(crate) elements: Raw<'a>,
}

impl DensePanels {
    /// Panels of a matrix within `budget` bytes of memory, each but the last with a multiple of `step` lines, for many
    /// passes: as many as fit are kept between them.
    ///
    /// Fails if two panels do not fit, a panel having at least `step` lines.
    pub(crate) fn new(matrix: &AnyDense, step: usize, budget: u64) -> Result<Self> {
        let (lines, length) = matrix.lines();
        let whole = PanelCut { lines, length, height: lines.max(1), width: length.max(1) };
        if !is_read(matrix, budget) {
            return Ok(Self::in_place(matrix, whole));
        }
        let most = elements_within(budget, matrix.dtype().size());
        let cut = PanelCut { height: whole.most_lines(most, step), ..whole };
        Self::read(matrix, cut, Reading::repeatedly(budget))
    }

    /// Panels of whole lines for one pass: hardly any is pinned, because none is used again.
    pub(crate) fn for_one_sweep(matrix: &AnyDense, step: usize, budget: u64) -> Result<Self> {
        Self::new(matrix, step, for_one_sweep(matrix.stored_bytes(), budget))
    }

    /// Panels for one pass: each but the last has a multiple of `step` lines, or is a run of a line, of which each but
    /// the last has a multiple of `elements` elements.
    ///
    /// A line is cut into runs only if it is larger than a panel, and only for a `step` of 1.
    pub(crate) fn once(
        matrix: &AnyDense,
        (step, elements): (usize, usize),
        budget: u64,
    ) -> Result<Self> {
        let (lines, length) = matrix.lines();
        let is_read = is_read(matrix, budget);
        let size = matrix.dtype().size();
        let most = if is_read { elements_within(budget, size) } else { RESIDENT };
        let mut cut = PanelCut { lines, length, height: 1, width: length.max(1) };
        if matrix.is_empty() {
            // One empty panel, whatever the number of empty lines.
            cut.height = lines.max(1);
        } else if length > most && step == 1 {
            cut.width = (most / elements * elements).max(elements);
        } else {
            cut.height = cut.most_lines(most, step);
        }
        match is_read {
            true => Self::read(matrix, cut, Reading::once(budget)),
            false => Ok(Self::in_place(matrix, cut)),
        }
    }

    fn read(matrix: &AnyDense, cut: PanelCut, how: Reading) -> Result<Self> {
        let reading = ArrayPanels::new(Arrays::read([matrix.buffer()])?, cut, how)?;
        Ok(DensePanels { matrix: matrix.clone(), cut, reading })
    }

    fn in_place(matrix: &AnyDense, cut: PanelCut) -> Self {
        let reading = ArrayPanels::in_place([matrix.buffer().clone()], cut);
        DensePanels { matrix: matrix.clone(), cut, reading }
    }

    /// The same panels with another reader, or none.
    pub(crate) fn with(&self, reading: Option<ArrayPanels>) -> Self {
        match reading {
            Some(reading) => DensePanels { matrix: self.matrix.clone(), cut: self.cut, reading },
            None => Self::in_place(&self.matrix, self.cut),
        }
    }

    pub(crate) fn matrix(&self) -> &AnyDense {
        &self.matrix
    }

    /// `(lines, elements of a line)`.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.cut.lines, self.cut.length)
    }

    /// The most lines of a panel.
    pub(crate) fn most_lines(&self) -> usize {
        self.cut.height.min(self.cut.lines)
    }

    /// Calls `work` with every panel in order, with an empty one for a matrix without lines: a pass over the input.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(DensePanel<'_>) -> Result<()>,
    ) -> Result<()> {
        ctx.meter().pass();
        self.sweep_part(ctx, work)
    }

    /// As [`sweep`](Self::sweep), as a part of a pass.
    pub(crate) fn sweep_part(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(DensePanel<'_>) -> Result<()>,
    ) -> Result<()> {
        let cut = self.cut;
        self.reading.sweep_part(ctx, &mut |panel, parts| {
            let (first, lines, offset, _) = cut.panel(panel);
            work(DensePanel { first, lines, offset, elements: parts[0] })
        })
    }
}

/// Whether a matrix is read panel by panel: it is in a file and does not fit.
fn is_read(matrix: &AnyDense, budget: u64) -> bool {
    matrix.stored_bytes() > budget
}

impl Cut for PanelCut {
    fn count(&self) -> usize {
        // An empty one for a matrix without lines.
        (self.lines.div_ceil(self.height) * self.panels_of_line()).max(1)
    }

    fn parts(&self, panel: usize, name: &mut dyn FnMut(ArrayRange)) {
        name((0, self.elements(panel)));
    }
}

impl PanelCut {
    /// A multiple of `step` lines with at most `elements` elements; at least `step`.
    fn most_lines(&self, elements: usize, step: usize) -> usize {
        (elements / self.length.max(1) / step * step).max(step)
    }

    /// Panels of a line, if it is cut.
    fn panels_of_line(&self) -> usize {
        self.length.div_ceil(self.width).max(1)
    }

    /// First line, number of lines, position in the line, elements of each line.
    fn panel(&self, panel: usize) -> (usize, usize, usize, usize) {
        let (first, offset) = (
            panel / self.panels_of_line() * self.height,
            panel % self.panels_of_line() * self.width,
        );
        let lines = self.height.min(self.lines - first);
        (first, lines, offset, self.width.min(self.length - offset))
    }

    /// The elements of a panel.
    fn elements(&self, panel: usize) -> Range<usize> {
        let (first, lines, offset, len) = self.panel(panel);
        let start = first * self.length + offset;
        start..start + lines * len
    }
}
