//! The entries of a sparse matrix in panels of about equal size, independent of lines.
//!
//! A conversion takes entries one after the other and does not depend on line ends. Cut by entries alone, a line that
//! holds half the matrix is not a special case. [`CompressedPanels`](super::CompressedPanels) is for code that needs
//! whole lines.

use crate::error::Result;
use crate::sparse::indices::Indices;
use crate::storage::raw::{Raw, width};
use crate::storage::{
    ArrayPanels, Arrays, Context, EvenCut, RawBuffer, Reading, SMALL, largest_of_arrays,
    usable_bytes,
};

/// Yields the parallel arrays of a sparse matrix in panels of entries, in order.
pub(crate) struct EntryPanels {
    cut: EvenCut,
    /// How the arrays are read.
    pub(crate) reading: ArrayPanels,
}

impl EntryPanels {
    /// Panels of `step` entries of parallel arrays of one length: index arrays, and a value array. Two are in memory
    /// at a time, one in use and one being read.
    pub(crate) fn new(indices: &[&RawBuffer], data: &RawBuffer, step: usize) -> Result<Self> {
        let each = || indices.iter().copied().chain([data]);
        let step = step.clamp(1, data.len().max(1));
        let cut = EvenCut { len: data.len(), step, arrays: indices.len() + 1 };
        let sizes = each().map(|array| width(array.dtype())).filter(|&size| size > 0);
        let small = step.saturating_mul(sizes.min().unwrap_or(0)) < SMALL;
        let how = Reading::once(0).at_least(2).buffered_if(small);
        Ok(EntryPanels { cut, reading: ArrayPanels::new(Arrays::read(each())?, cut, how)? })
    }

    /// Panels within about a quarter of the memory that is left, each but the last with a multiple of `multiple` entries.
    pub(crate) fn within(
        left: u64,
        multiple: usize,
        indices: &[&RawBuffer],
        data: &RawBuffer,
    ) -> Result<Self> {
        let each = indices.iter().copied().chain([data]);
        let size = each.map(|array| width(array.dtype())).sum::<usize>().max(1);
        let count = indices.len() + 1;
        let bytes = usable_bytes(largest_of_arrays(left, count), count);
        Self::new(indices, data, (bytes / size / multiple).max(1) * multiple)
    }

    /// Maximum number of entries in a panel.
    pub(crate) fn max_entries_per_panel(&self) -> usize {
        self.cut.step.min(self.cut.len)
    }

    /// Calls `work` with every panel in order, which is a pass over the input: the number of its first entry, its index
    /// arrays, its values.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, &[Indices<'_>], Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        ctx.meter().pass();
        self.sweep_part(ctx, work)
    }

    /// As [`sweep`](Self::sweep), as a part of a pass.
    pub(crate) fn sweep_part(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, &[Indices<'_>], Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        let step = self.cut.step;
        self.reading.sweep_part(ctx, &mut |panel, parts| {
            let (data, indices) = parts.split_last().expect("an array of values");
            let indices: Vec<_> = indices.iter().map(|&part| Indices::of_raw(part)).collect();
            work(panel * step, &indices, *data)
        })
    }
}
