//! A compressed matrix in panels of lines: all of it at once if it is in memory or fits, otherwise panel by panel.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::indices::Indices;
use crate::storage::raw::Raw;
use crate::storage::{
    ArrayPanels, Arrays, Context, Cut, Part, RawBuffer, Reading, largest_panel, panel_elements,
};

/// Bytes of a ring of panels without many pinned: more does not speed up reading.
const RING: u64 = 64 << 20;

/// Yields a matrix in panels of consecutive lines (rows of CSR, columns of CSC), in order.
pub(crate) struct AnyLinePanels {
    matrix: AnyCompressed,
    runs: Arc<[PanelRun]>,
    /// Bytes of pointers that are kept in memory for a matrix that is read from files.
    kept: u64,
    panels: ArrayPanels,
}

/// The lines and entries of a panel.
#[derive(Clone, Debug)]
struct PanelRun {
    lines: Range<usize>,
    entries: Range<usize>,
}

/// Indices, values, pointers.
impl Cut for Arc<[PanelRun]> {
    fn count(&self) -> usize {
        self.len()
    }

    fn parts(&self, panel: usize, name: &mut dyn FnMut(Part)) {
        let PanelRun { lines, entries } = &self[panel];
        name((0, entries.clone()));
        name((1, entries.clone()));
        name((2, lines.start..lines.end + 1));
    }
}

/// A panel of lines: its window of the pointers, and its entries.
pub(crate) struct AnyLinePanel<'a> {
    /// The first line's number in the matrix.
    pub(crate) first: usize,
    /// One pointer more than lines; the first is the base of the others.
    pub(crate) indptr: Indices<'a>,
    pub(crate) indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
}

impl AnyLinePanels {
    /// Panels of a matrix within `budget` bytes of memory. Memory-resident parts of the matrix are not counted.
    ///
    /// The pointers are kept in memory if they take no more than a quarter of the budget. Fails if two panels do not
    /// fit, a panel having at least one line.
    pub(crate) fn new(matrix: AnyCompressed, budget: u64, ctx: &Context) -> Result<Self> {
        match matrix.stored_bytes() <= budget {
            true => Ok(Self::in_place(matrix)),
            false => Self::read(matrix, budget, ctx),
        }
    }

    /// Panels for one sweep: hardly any is pinned, because none is used again.
    pub(crate) fn for_one_sweep(matrix: AnyCompressed, budget: u64, ctx: &Context) -> Result<Self> {
        let larger = matrix.stored_bytes() > budget;
        Self::new(matrix, if larger { budget.min(RING) } else { budget }, ctx)
    }

    /// The whole matrix as one panel, in memory or on its map.
    pub(crate) fn in_place(matrix: AnyCompressed) -> Self {
        let panels = ArrayPanels::in_place(matrix.stored_bytes());
        AnyLinePanels { matrix, runs: Arc::default(), kept: 0, panels }
    }

    /// Panels that are read once within `budget` bytes, no larger than those of [`new`](Self::new) with the budget
    /// `largest`.
    pub(crate) fn once(matrix: AnyCompressed, largest: u64, budget: u64) -> Result<Self> {
        let pointers = matrix.indptr_buffer().clone();
        Self::over(matrix, &pointers, Reading::once(budget), largest)
    }

    fn read(matrix: AnyCompressed, mut budget: u64, ctx: &Context) -> Result<Self> {
        let pointers = matrix.indptr_buffer();
        let pointer_bytes = pointers.stored_bytes();
        let kept = match pointer_bytes > budget / 4 {
            true => None,
            false => {
                budget -= pointer_bytes;
                let kept = ctx.raw_work("the pointers", (pointers.dtype(), pointers.len()))?;
                let mut kept = kept.counted(ctx.meter());
                kept.as_mut().copy_from(pointers.as_raw());
                ctx.meter().read(pointer_bytes);
                Some(kept.freeze())
            }
        };
        let pointers = kept.as_ref().unwrap_or(pointers).clone();
        let panels = Self::over(matrix, &pointers, Reading::repeatedly(budget), budget)?;
        Ok(AnyLinePanels { kept: kept.map_or(0, |kept| kept.bytes()), ..panels })
    }

    fn over(
        matrix: AnyCompressed,
        pointers: &RawBuffer,
        how: Reading,
        largest: u64,
    ) -> Result<Self> {
        let arrays = Arrays::read([matrix.indices_buffer(), matrix.data(), pointers])?;
        let sizes = [arrays.size(0), arrays.size(1), arrays.size(2)];
        let runs: Arc<[PanelRun]> = cut(&matrix, largest, sizes).into();
        let panels = ArrayPanels::new(arrays, Arc::clone(&runs), how)?;
        Ok(AnyLinePanels { matrix, runs, kept: 0, panels })
    }

    /// The same panels with another reader, or none.
    pub(crate) fn with(&self, panels: Option<ArrayPanels>) -> Self {
        match panels {
            Some(panels) => AnyLinePanels {
                matrix: self.matrix.clone(),
                runs: Arc::clone(&self.runs),
                kept: self.kept,
                panels,
            },
            None => Self::in_place(self.matrix.clone()),
        }
    }

    pub(crate) fn matrix(&self) -> &AnyCompressed {
        &self.matrix
    }

    /// The most lines and the most entries of a panel that is read.
    pub(crate) fn largest(&self) -> (usize, usize) {
        let most = |of: fn(&PanelRun) -> usize| self.runs.iter().map(of).max().unwrap_or(0);
        (most(|run| run.lines.len()), most(|run| run.entries.len()))
    }

    /// How the matrix is read.
    pub(crate) fn panels(&self) -> &ArrayPanels {
        &self.panels
    }

    /// As [`panels`](Self::panels).
    pub(crate) fn panels_mut(&mut self) -> &mut ArrayPanels {
        &mut self.panels
    }

    /// Bytes that were read when the panels were made: the kept pointers.
    pub(crate) fn bytes_kept(&self) -> u64 {
        self.kept
    }

    /// Maximum memory of panels, including pinned ones and pointers.
    pub(crate) fn memory(&self) -> u64 {
        self.panels.memory() + self.kept
    }

    /// Calls `work` with every panel in order.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(AnyLinePanel<'_>) -> Result<()>,
    ) -> Result<()> {
        if self.panels.is_read() {
            let runs = &self.runs;
            return self.panels.sweep(ctx, &mut |panel, parts| {
                let (indices, indptr) = (Indices::of_raw(parts[0]), Indices::of_raw(parts[2]));
                work(AnyLinePanel {
                    first: runs[panel].lines.start,
                    indptr,
                    indices,
                    data: parts[1],
                })
            });
        }
        let a = &self.matrix;
        ctx.meter().pass();
        ctx.meter().read(a.stored_bytes());
        work(AnyLinePanel {
            first: 0,
            indptr: a.indptr(),
            indices: a.indices(),
            data: a.data().as_raw(),
        })
    }
}

/// Cuts the lines into panels by the size of their entries and pointers. `sizes` are the bytes of an index, a value and
/// a pointer.
fn cut(matrix: &AnyCompressed, budget: u64, [index, value, pointer]: [usize; 3]) -> Vec<PanelRun> {
    let bytes = largest_panel(budget);
    let most_entries = panel_elements(bytes, &[index, value]);
    let most_lines = (2usize << 20).checked_div(pointer).unwrap_or(usize::MAX);
    let (mut runs, mut start) = (Vec::new(), 0);
    while start < matrix.major() {
        let first = matrix.span(start).start;
        let rest = matrix.major() - start;
        // The last line that fits; the pointers rise, so it is found by bisection.
        let (mut fits, mut beyond) = (1, rest.min(most_lines) + 1);
        while fits + 1 < beyond {
            let middle = fits + (beyond - fits) / 2;
            match matrix.span(start + middle - 1).end.saturating_sub(first) <= most_entries {
                true => fits = middle,
                false => beyond = middle,
            }
        }
        let end = start + fits;
        runs.push(PanelRun { lines: start..end, entries: first..matrix.span(end - 1).end });
        start = end;
    }
    runs
}
