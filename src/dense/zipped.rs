//! Elements of arrays of one shape and order, run by run: one array, or two side by side.

use crate::dense::any_dense::AnyDense;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::raw::Raw;
use crate::storage::{
    Context, Devices, PanelReader, RawBuffer, RawPanelArray, largest_panel, panel_elements,
};

/// Elements in a run of arrays that are used where they lie.
const RESIDENT: usize = 1 << 22;

/// Two arrays in runs of the same elements, for one pass.
pub(crate) struct AnyZippedRuns {
    left: RawBuffer,
    right: RawBuffer,
    /// Elements of every run but the last.
    run: usize,
    streams: Option<(PanelReader, RawPanelArray, RawPanelArray)>,
}

impl AnyZippedRuns {
    /// Runs within `budget` bytes of memory.
    ///
    /// Fails if the arrays differ in shape or order.
    pub(crate) fn new(
        left: &AnyDense,
        right: &AnyDense,
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
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
        let (left, right) = (left.buffer().clone(), right.buffer().clone());
        let stored = left.stored_bytes() + right.stored_bytes();
        if stored <= budget {
            return Ok(AnyZippedRuns { left, right, run: RESIDENT, streams: None });
        }
        let mut sources = Vec::new();
        let lefts = RawPanelArray::new(&left, &mut sources)?;
        let rights = RawPanelArray::new(&right, &mut sources)?;
        let sizes = [lefts.panel_bytes(), rights.panel_bytes()];
        let run = panel_elements(largest_panel(budget), &sizes);
        let len = left.len();
        let panels = (0..len)
            .step_by(run)
            .map(|start| {
                let here = start..len.min(start + run);
                lefts.extent(here.clone()).into_iter().chain(rights.extent(here)).collect()
            })
            .collect();
        let source =
            sources.first().ok_or_else(|| Error::new(ErrorKind::Format, "no array to read"))?;
        let mode = Devices::known().read_mode(source)?;
        let mut reader = PanelReader::new(sources, panels, budget, mode)?;
        reader.pin_nothing();
        Ok(AnyZippedRuns { left, right, run, streams: Some((reader, lefts, rights)) })
    }

    /// Most memory that runs take.
    pub(crate) fn memory(&self) -> u64 {
        self.streams.as_ref().map_or(0, |(reader, ..)| reader.memory())
    }

    /// Calls `work` with the position of every run and its elements of both arrays, in order.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, Raw<'_>, Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        let (len, run) = (self.left.len(), self.run);
        ctx.meter().pass();
        let Some((reader, lefts, rights)) = &mut self.streams else {
            ctx.meter().read(self.left.stored_bytes() + self.right.stored_bytes());
            for start in (0..len).step_by(run) {
                ctx.report("sweeping", start as u64, len as u64)?;
                let here = start..len.min(start + run);
                let left = self.left.as_raw().slice(here.clone());
                work(start, left, self.right.as_raw().slice(here))?;
            }
            return ctx.report("sweeping", len as u64, len as u64);
        };
        reader.sweep(ctx, &mut |panel, bytes| {
            let here = panel * run..len.min(panel * run + run);
            let left = lefts.elements(here.clone(), bytes)?;
            work(here.start, left, rights.elements(here, bytes)?)
        })
    }
}
