//! Several parallel arrays in panels: those in memory are used in place, those in files are read ahead of the work.
//!
//! ```text
//! cut:    panel -> parts, each some consecutive elements of one of the arrays
//! sweep:  for each panel:  its parts, in place or as they were read  ->  work
//! ```
//!
//! All code that reads matrices panel by panel uses this; only the cut differs.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::memory::RawBuffer;
use crate::storage::memory::raw::Raw;
use crate::storage::runtime::{Context, Plan};
use crate::storage::stream::arrays::Arrays;
use crate::storage::stream::device::{Devices, ReadMode};
use crate::storage::stream::panel_cut::Cut;
use crate::storage::stream::panel_reader::{PanelReader, Traffic};
use crate::storage::stream::panel_ring::Ring;
use crate::storage::stream::panel_sweep::PanelWindow;

/// How panels are read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// Bytes of memory, but always enough for `least` panels.
    budget: u64,
    least: usize,
    /// Whether panels stay in memory for the next pass.
    keeps: bool,
    /// `None` for the device's faster mode.
    mode: Option<ReadMode>,
}

impl Reading {
    /// For one pass, within a memory budget.
    pub(crate) fn once(budget: u64) -> Self {
        Reading { budget, least: 0, keeps: false, mode: None }
    }

    /// For many passes, within a memory budget: panels that fit stay in memory.
    pub(crate) fn repeatedly(budget: u64) -> Self {
        Reading { keeps: true, ..Reading::once(budget) }
    }

    /// With memory for this many panels at least: with two, one is worked on and one is read.
    pub(crate) fn at_least(self, least: usize) -> Self {
        Reading { least, ..self }
    }

    /// Through the page cache, which combines reads that are too small for the device, if `buffered`; otherwise in the
    /// device's faster mode.
    pub(crate) fn buffered_if(self, buffered: bool) -> Self {
        Reading { mode: buffered.then_some(ReadMode::Buffered), ..self }
    }

    /// Past the page cache unless `buffered`.
    pub(crate) fn direct_unless(self, buffered: bool) -> Self {
        let mode = if buffered { ReadMode::Buffered } else { ReadMode::Direct };
        Reading { mode: Some(mode), ..self }
    }
}

/// Yields arrays panel by panel.
pub(crate) struct ArrayPanels {
    arrays: Arc<Arrays>,
    cut: Arc<dyn Cut>,
    /// `None` if nothing is read.
    reader: Option<PanelReader>,
}

/// The cost of passes over panels.
pub(crate) struct PanelCost {
    /// Bytes that the next pass reads.
    pub(crate) first: u64,
    /// Bytes that every pass after it reads.
    pub(crate) again: u64,
    /// Most memory of panels, including those that stay.
    pub(crate) memory: u64,
}

impl ArrayPanels {
    /// Fails if two panels do not fit.
    pub(crate) fn new(arrays: Arrays, cut: impl Cut + 'static, how: Reading) -> Result<Self> {
        let mut arrays = arrays;
        let sources = std::mem::take(&mut arrays.sources);
        // The largest decides; the others are usually in the same folder.
        let reader = match sources.iter().max_by_key(|source| source.length()) {
            None => None,
            Some(largest) => {
                let mode = how.mode.map_or_else(|| Devices::known().read_mode(largest), Ok)?;
                let panels = arrays.extents(&cut);
                let budget = how.budget.max((how.least * panels.memory_of_largest()) as u64);
                Some(PanelReader::new(sources, panels, (budget, how.keeps), mode)?)
            }
        };
        Ok(ArrayPanels { arrays: Arc::new(arrays), cut: Arc::new(cut), reader })
    }

    /// Arrays that are used in place, in memory or on their maps.
    pub(crate) fn in_place(
        arrays: impl IntoIterator<Item = RawBuffer>,
        cut: impl Cut + 'static,
    ) -> Self {
        let arrays = Arc::new(Arrays::in_place(arrays));
        ArrayPanels { arrays, cut: Arc::new(cut), reader: None }
    }

    /// Panels of the same arrays for another user, with as few buffers as possible.
    pub(crate) fn another(&self) -> Self {
        ArrayPanels {
            arrays: Arc::clone(&self.arrays),
            cut: Arc::clone(&self.cut),
            reader: self.reader.as_ref().map(PanelReader::another),
        }
    }

    /// Counts a pass that used the map instead of reading.
    pub(crate) fn count_mapped(&self) {
        if let Some(reader) = &self.reader {
            reader.count_mapped();
        }
    }

    /// The buffers, unless nothing is read.
    pub(crate) fn ring(&mut self) -> Option<&mut Ring> {
        self.reader.as_mut().map(|reader| &mut reader.ring)
    }

    /// Whether any array is read.
    pub(crate) fn is_read(&self) -> bool {
        self.reader.is_some()
    }

    /// The cost of reading so far; none for arrays used in place.
    pub(crate) fn traffic(&self) -> Traffic {
        self.reader.as_ref().map_or_else(Traffic::default, PanelReader::traffic)
    }

    /// The cost of passes with `extra` panels in their windows.
    pub(crate) fn cost(&self, extra: usize) -> PanelCost {
        let mapped = self.arrays.mapped;
        self.reader.as_ref().map_or(
            PanelCost { first: mapped, again: mapped, memory: 0 },
            |reader| PanelCost {
                first: reader.bytes_without(&reader.ring.staying(extra)),
                again: reader.bytes_without(&reader.ring.pinned_after_next(extra)),
                memory: reader.ring.memory(extra),
            },
        )
    }

    /// Bytes that the next pass will read.
    pub(crate) fn bytes_to_read(&self) -> u64 {
        self.cost(0).first
    }

    /// Panels that a window may have.
    pub(crate) fn most_extra(&self) -> usize {
        self.reader.as_ref().map_or(usize::MAX, |reader| reader.ring.most_extra())
    }

    /// Most memory that panels take, including those that stay.
    pub(crate) fn memory(&self) -> u64 {
        self.cost(0).memory
    }

    /// The least memory that a pass takes.
    pub(crate) fn least_memory(&self) -> u64 {
        self.reader.as_ref().map_or(0, |reader| reader.ring.least_memory())
    }

    /// The plan of an operation that makes one pass over the panels.
    pub(crate) fn plan(&self, operation: &'static str) -> Plan {
        let plan = Plan::new(operation).on_device_of(self.arrays.file());
        plan.reads(1, self.bytes_to_read()).holds(self.memory())
    }

    /// Calls `work` with the number of every panel and its parts, in order: a pass over the input.
    ///
    /// Stops at the first error of a read, of `work`, or when the caller cancels.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, &[Raw<'_>]) -> Result<()>,
    ) -> Result<()> {
        ctx.meter().pass();
        self.sweep_part(ctx, work)
    }

    /// As [`sweep`](Self::sweep), for arrays that are only a part of the input.
    pub(crate) fn sweep_part(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(usize, &[Raw<'_>]) -> Result<()>,
    ) -> Result<()> {
        self.sweep_window(0, ctx, &mut |panel, window| {
            work(panel, &window.parts(panel)?).map(|()| panel + 1)
        })
    }

    /// As [`sweep_part`](Self::sweep_part), where about `extra` panels are needed for longer than the work on them:
    /// `work` gets all that are in memory, and returns the first that must stay.
    pub(crate) fn sweep_window(
        &mut self,
        extra: usize,
        ctx: &Context,
        work: &mut dyn FnMut(usize, ArrayWindow<'_>) -> Result<usize>,
    ) -> Result<()> {
        let ArrayPanels { arrays, cut, .. } = self;
        if let Some(reader) = &mut self.reader {
            return reader.sweep_window(extra, ctx, &mut |panel, read| {
                work(panel, ArrayWindow { arrays, cut: &**cut, read: Some(read) })
            });
        }
        ctx.meter().read(arrays.mapped);
        let count = cut.count();
        for panel in 0..count {
            ctx.report("sweeping", panel as u64, count as u64)?;
            work(panel, ArrayWindow { arrays, cut: &**cut, read: None })?;
        }
        ctx.report("sweeping", count as u64, count as u64)
    }
}

/// The panels that are in memory during a pass: all, if nothing is read.
pub(crate) struct ArrayWindow<'a> {
    arrays: &'a Arrays,
    cut: &'a dyn Cut,
    read: Option<PanelWindow<'a>>,
}

impl<'a> ArrayWindow<'a> {
    /// The parts of a panel.
    pub(crate) fn parts(&self, panel: usize) -> Result<Vec<Raw<'a>>> {
        let bytes = match &self.read {
            Some(read) => read.bytes(panel).ok_or_else(|| {
                Error::new(ErrorKind::Index, "a panel that is not in memory").found(panel)
            })?,
            None => Vec::new(),
        };
        let (mut read, mut parts, mut failed) = (bytes.iter(), Vec::new(), Ok(()));
        let arrays: &'a Arrays = self.arrays;
        self.cut.parts(panel, &mut |(array, elements)| match arrays
            .elements(array, elements, &mut read)
        {
            Ok(part) => parts.push(part),
            Err(error) => failed = Err(error),
        });
        failed.map(|()| parts)
    }
}
