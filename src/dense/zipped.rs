//! Elements of arrays of one shape and order, run by run: one array, or two together.

use std::ops::Range;

use crate::dense::any_dense::AnyDense;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::raw::Raw;
use crate::storage::{
    ArrayPanels, Arrays, Context, Cut, Part, Reading, largest_panel, panel_elements,
};

/// Elements in a run of arrays that are used in place.
const RESIDENT: usize = 1 << 22;

/// Two arrays in runs of the same elements, for one pass.
pub(crate) struct AnyZippedRuns {
    runs: ElementRuns,
    panels: ArrayPanels,
}

/// Where runs begin and end.
#[derive(Clone, Copy)]
struct ElementRuns {
    len: usize,
    /// Elements of every run but the last.
    run: usize,
}

impl ElementRuns {
    fn elements(&self, run: usize) -> Range<usize> {
        run * self.run..self.len.min((run + 1) * self.run)
    }
}

impl Cut for ElementRuns {
    fn count(&self) -> usize {
        self.len.div_ceil(self.run)
    }

    fn parts(&self, run: usize, name: &mut dyn FnMut(Part)) {
        name((0, self.elements(run)));
        name((1, self.elements(run)));
    }
}

impl AnyZippedRuns {
    /// Runs within `budget` bytes of memory.
    ///
    /// Fails if the arrays differ in shape or order.
    pub(crate) fn new(left: &AnyDense, right: &AnyDense, budget: u64) -> Result<Self> {
        if left.shape() != right.shape() {
            let (expected, found) = (format!("{:?}", left.shape()), format!("{:?}", right.shape()));
            return Err(Error::shape("the second array", expected, found));
        }
        if left.order() != right.order() && left.len() > 1 {
            return Err(Error::new(ErrorKind::Unsupported, "the arrays differ in element order")
                .expected(format!("{:?}", left.order()))
                .found(format!("{:?}", right.order()))
                .remedy("transpose one, or store it in the other order"));
        }
        let both = [left.buffer(), right.buffer()];
        let (arrays, run) = match left.stored_bytes() + right.stored_bytes() <= budget {
            true => (Arrays::in_place(both.map(Clone::clone)), RESIDENT),
            false => {
                let arrays = Arrays::read(both)?;
                let sizes = [arrays.size(0), arrays.size(1)];
                (arrays, panel_elements(largest_panel(budget), &sizes))
            }
        };
        let runs = ElementRuns { len: left.len(), run };
        Ok(AnyZippedRuns { runs, panels: ArrayPanels::new(arrays, runs, Reading::once(budget))? })
    }

    /// Maximum memory of runs.
    pub(crate) fn memory(&self) -> u64 {
        self.panels.memory()
    }

    /// Calls `work` with the position of every run and its elements of both arrays, in order.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, Raw<'_>, Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        let runs = self.runs;
        self.panels.sweep(ctx, &mut |run, parts| work(runs.elements(run).start, parts[0], parts[1]))
    }
}
