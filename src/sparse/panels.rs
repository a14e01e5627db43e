//! A compressed matrix in panels of lines: all of it at once if it is in memory or fits, otherwise panel by panel.

use std::slice;
use std::sync::Arc;

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::indices::Indices;
use crate::sparse::line_cuts::{LineCuts, LineSplit, cut};
use crate::storage::raw::Raw;
use crate::storage::{
    ArrayPanels, Arrays, Context, Plan, RawBuffer, Reading, for_one_sweep, largest_panel,
    usable_bytes,
};

/// Yields a matrix in panels of consecutive lines (rows of CSR, columns of CSC), in order.
pub(crate) struct CompressedPanels {
    matrix: AnyCompressed,
    cuts: Arc<LineCuts>,
    /// Bytes of pointers that are kept in memory for a matrix that is read from files: read when the panels were made.
    pub(crate) kept: u64,
    /// How the matrix is read.
    pub(crate) reading: ArrayPanels,
}

/// A panel of lines: its window of the pointers, and its entries.
pub(crate) struct CompressedPanel<'a> {
    /// The first line's number in the matrix.
    pub(crate) first: usize,
    /// One pointer more than lines; the first is the base of the others.
    pub(crate) indptr: Indices<'a>,
    pub(crate) indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
}

impl CompressedPanels {
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

    /// Panels for one pass: hardly any is pinned, because none is used again.
    pub(crate) fn for_one_sweep(matrix: AnyCompressed, budget: u64, ctx: &Context) -> Result<Self> {
        let budget = for_one_sweep(matrix.stored_bytes(), budget);
        Self::new(matrix, budget, ctx)
    }

    /// The whole matrix as one panel, in memory or on its map.
    pub(crate) fn in_place(matrix: AnyCompressed) -> Self {
        let cuts = Arc::new(LineCuts::whole(&matrix));
        let arrays = matrix.arrays().map(Clone::clone);
        let reading = ArrayPanels::in_place(arrays, Arc::clone(&cuts));
        CompressedPanels { matrix, cuts, kept: 0, reading }
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
                Some(pointers.kept("the pointers", ctx)?)
            }
        };
        let pointers = kept.as_ref().unwrap_or(pointers).clone();
        let panels = Self::over(matrix, &pointers, Reading::repeatedly(budget), budget)?;
        Ok(CompressedPanels { kept: kept.map_or(0, |_| pointer_bytes), ..panels })
    }

    fn over(
        matrix: AnyCompressed,
        pointers: &RawBuffer,
        how: Reading,
        largest: u64,
    ) -> Result<Self> {
        let [_, indices, data] = matrix.arrays();
        let arrays = Arrays::read([pointers, indices, data])?;
        let bytes = usable_bytes(largest_panel(largest), arrays.files());
        let cuts = cut(slice::from_ref(&matrix), LineSplit::None, (bytes, bytes), arrays.size(0));
        let cuts = Arc::new(cuts);
        let reading = ArrayPanels::new(arrays, Arc::clone(&cuts), how)?;
        Ok(CompressedPanels { matrix, cuts, kept: 0, reading })
    }

    /// The same panels with another reader, or none.
    pub(crate) fn with(&self, reading: Option<ArrayPanels>) -> Self {
        match reading {
            Some(reading) => CompressedPanels {
                matrix: self.matrix.clone(),
                cuts: Arc::clone(&self.cuts),
                kept: self.kept,
                reading,
            },
            None => Self::in_place(self.matrix.clone()),
        }
    }

    pub(crate) fn matrix(&self) -> &AnyCompressed {
        &self.matrix
    }

    /// The most lines and the most entries of a panel that is read.
    pub(crate) fn largest(&self) -> (usize, usize) {
        if self.reading.is_read() {
            (self.cuts.most_lines(), self.cuts.most_entries())
        } else {
            (0, 0)
        }
    }

    /// The plan of an operation that makes one pass over the panels, without the reads for making them.
    pub(crate) fn plan(&self, operation: &'static str) -> Plan {
        self.reading.plan(operation).throughout(self.kept)
    }

    /// Maximum memory of panels, including pinned ones and pointers.
    pub(crate) fn memory(&self) -> u64 {
        self.reading.memory() + self.kept
    }

    /// Calls `work` with every panel in order.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(CompressedPanel<'_>) -> Result<()>,
    ) -> Result<()> {
        let cuts = &self.cuts;
        self.reading.sweep(ctx, &mut |panel, parts| {
            work(CompressedPanel {
                first: cuts.lines(panel).start,
                indptr: Indices::of_raw(parts[0]),
                indices: Indices::of_raw(parts[1]),
                data: parts[2],
            })
        })
    }
}
