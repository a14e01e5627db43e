//! The entries of a sparse matrix in runs of about equal size, whatever lines they belong to.
//!
//! A conversion takes entries one after the other and does not care where a line ends; cut by entries alone, a line that
//! holds half the matrix is nothing special. [`AnyLinePanels`](super::AnyLinePanels) is for whoever needs whole lines.

use crate::error::Result;
use crate::sparse::indices::Indices;
use crate::storage::raw::{Raw, width};
use crate::storage::{
    Context, DType, Devices, Extent, PanelReader, RawBuffer, RawPanelArray, ReadMode,
    panel_elements,
};

/// Runs of an array below this size are left to the page cache to gather; larger ones are read as the device likes it.
const SMALL: usize = 1 << 20;

/// The largest panel, in bytes.
const LARGEST: u64 = 12 << 20;

/// The smallest panel, in bytes for each array: half of them may be lost to its alignment.
const LEAST: usize = 16 << 10;

/// Hands out the parallel arrays of a sparse matrix in runs of entries, in order.
pub(crate) struct AnyEntryPanels {
    /// `None` if everything lies in memory.
    reader: Option<PanelReader>,
    indices: Vec<RawPanelArray>,
    data: RawPanelArray,
    nnz: usize,
    /// Entries of every run but the last.
    step: usize,
}

impl AnyEntryPanels {
    /// Runs of `step` entries of some index arrays, of type `index`, and a value array of one length; two runs are in memory
    /// at a time, one that is worked on and one that is read.
    ///
    /// The arrays must outlive the panels if they lie in files: they hold the locks.
    pub(crate) fn new(
        (index, indices): (DType, &[&RawBuffer]),
        data: &RawBuffer,
        step: usize,
        ctx: &Context,
    ) -> Result<Self> {
        let nnz = data.len();
        let mut sources = Vec::new();
        let indices = indices
            .iter()
            .map(|array| RawPanelArray::new(array, &mut sources))
            .collect::<Result<Vec<_>>>()?;
        let data = RawPanelArray::new(data, &mut sources)?;
        let step = step.clamp(1, nnz.max(1));
        let mut panels = Vec::new();
        for start in (0..nnz).step_by(step) {
            let run = start..nnz.min(start + step);
            let extents = indices.iter().map(|array| array.extent(run.clone()));
            let extents = extents.chain([data.extent(run.clone())]);
            panels.push(extents.flatten().collect::<Vec<Extent>>());
        }
        let reader = match sources.iter().max_by_key(|source| source.length()) {
            Some(largest) => {
                let mode = match step * index.size() < SMALL {
                    true => ReadMode::Buffered,
                    false => Devices::known().read_mode(largest)?,
                };
                let budget = 2 * PanelReader::panel_memory(&panels) as u64;
                let mut reader = PanelReader::new(sources, panels, budget, mode)?;
                reader.pin_nothing();
                Some(reader)
            }
            None => None,
        };
        Ok(AnyEntryPanels { reader, indices, data, nnz, step })
    }

    /// Runs within about `budget` bytes of memory, each but the last of a multiple of `multiple` entries.
    pub(crate) fn within(
        budget: u64,
        multiple: usize,
        (index, indices): (DType, &[&RawBuffer]),
        data: &RawBuffer,
        ctx: &Context,
    ) -> Result<Self> {
        let panel = ((budget / 2).min(LARGEST) as usize).max(LEAST * (indices.len() + 1));
        let size = (indices.len() * index.size() + width(data.dtype())).max(1);
        // What the alignment of each array takes is no room for its elements.
        let room = panel_elements(panel, &vec![1; indices.len() + 1]) * (indices.len() + 1);
        let step = (room / size / multiple).max(1) * multiple;
        Self::new((index, indices), data, step, ctx)
    }

    /// Most entries of a run.
    pub(crate) fn most_entries(&self) -> usize {
        self.step.min(self.nnz)
    }

    /// Bytes that a sweep reads.
    pub(crate) fn bytes_to_read(&self) -> u64 {
        self.reader.as_ref().map_or(0, PanelReader::bytes_to_read)
    }

    /// Most memory that a sweep takes.
    pub(crate) fn memory(&self) -> u64 {
        self.reader.as_ref().map_or(0, PanelReader::memory)
    }

    /// Calls `work` with every run in order: the number of its first entry, its index arrays, its values.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, &[Indices<'_>], Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        let AnyEntryPanels { reader, indices, data, nnz, step } = self;
        ctx.meter().pass();
        let mut hand_out = |panel: usize, bytes: &[&[u8]]| {
            let start = panel * *step;
            let run = start..(*nnz).min(start + *step);
            let indices = indices
                .iter()
                .map(|array| array.elements(run.clone(), bytes).map(Indices::of_raw))
                .collect::<Result<Vec<_>>>()?;
            work(start, &indices, data.elements(run, bytes)?)
        };
        match reader {
            Some(reader) => reader.sweep(ctx, &mut hand_out),
            None => (0..nnz.div_ceil(*step)).try_for_each(|panel| {
                ctx.check_cancelled()?;
                hand_out(panel, &[])
            }),
        }
    }
}
