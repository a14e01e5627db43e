//! The entries of a sparse matrix in runs of about equal size, independent of lines.
//!
//! A conversion takes entries one after the other and does not depend on line ends. Cut by entries alone, a line that
//! holds half the matrix is no special case. [`AnyLinePanels`](super::AnyLinePanels) is for code that needs whole
//! lines.

use crate::error::Result;
use crate::sparse::indices::Indices;
use crate::storage::raw::{Raw, width};
use crate::storage::{
    ArrayPanels, Arrays, Context, Cut, DType, Part, Plan, RawBuffer, Reading, panel_elements,
};

/// Runs of an array below this size are read through the page cache; larger ones in the device's faster mode.
const SMALL: usize = 1 << 20;

/// The largest panel, in bytes.
const LARGEST: u64 = 12 << 20;

/// The smallest panel, in bytes for each array: half of them may be lost to its alignment.
const LEAST: usize = 16 << 10;

/// Yields the parallel arrays of a sparse matrix in runs of entries, in order.
pub(crate) struct AnyEntryPanels {
    runs: EntryRuns,
    panels: ArrayPanels,
}

/// Where runs begin and end.
#[derive(Clone, Copy)]
struct EntryRuns {
    nnz: usize,
    /// Entries of every run but the last.
    step: usize,
    /// Index arrays before the values.
    arrays: usize,
}

impl Cut for EntryRuns {
    fn count(&self) -> usize {
        self.nnz.div_ceil(self.step)
    }

    fn parts(&self, run: usize, name: &mut dyn FnMut(Part)) {
        let start = run * self.step;
        (0..=self.arrays).for_each(|array| name((array, start..self.nnz.min(start + self.step))));
    }
}

impl AnyEntryPanels {
    /// Runs of `step` entries of parallel arrays of one length: index arrays of type `index`, and a value array. Two
    /// runs are in memory at a time, one in use and one being read.
    pub(crate) fn new(
        (index, indices): (DType, &[&RawBuffer]),
        data: &RawBuffer,
        step: usize,
    ) -> Result<Self> {
        let nnz = data.len();
        let step = step.clamp(1, nnz.max(1));
        let runs = EntryRuns { nnz, step, arrays: indices.len() };
        let arrays = Arrays::read(indices.iter().copied().chain([data]))?;
        let how = Reading::two_panels().gathered(step * index.size() < SMALL);
        Ok(AnyEntryPanels { runs, panels: ArrayPanels::new(arrays, runs, how)? })
    }

    /// Runs within about `budget` bytes of memory, each but the last with a multiple of `multiple` entries.
    pub(crate) fn within(
        budget: u64,
        multiple: usize,
        (index, indices): (DType, &[&RawBuffer]),
        data: &RawBuffer,
    ) -> Result<Self> {
        let panel = ((budget / 2).min(LARGEST) as usize).max(LEAST * (indices.len() + 1));
        let size = (indices.len() * index.size() + width(data.dtype())).max(1);
        // Padding for the alignment of each array leaves less for its elements.
        let room = panel_elements(panel, &vec![1; indices.len() + 1]) * (indices.len() + 1);
        let step = (room / size / multiple).max(1) * multiple;
        Self::new((index, indices), data, step)
    }

    /// Maximum entries of a run.
    pub(crate) fn most_entries(&self) -> usize {
        self.runs.step.min(self.runs.nnz)
    }

    /// Bytes that a sweep reads.
    pub(crate) fn bytes_to_read(&self) -> u64 {
        self.panels.bytes_to_read()
    }

    /// Maximum memory of a sweep.
    pub(crate) fn memory(&self) -> u64 {
        self.panels.memory()
    }

    /// The plan of an operation that makes one pass over the entries.
    pub(crate) fn plan(&self, operation: &'static str) -> Plan {
        self.panels.plan(operation)
    }

    /// Calls `work` with every run in order: the number of its first entry, its index arrays, its values.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, &[Indices<'_>], Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        let EntryRuns { step, arrays, .. } = self.runs;
        self.panels.sweep(ctx, &mut |run, parts| {
            let indices: Vec<_> =
                parts[..arrays].iter().map(|&part| Indices::of_raw(part)).collect();
            work(run * step, &indices, parts[arrays])
        })
    }
}
