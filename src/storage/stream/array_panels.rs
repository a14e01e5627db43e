//! Several parallel arrays in panels: those in memory are used in place, those in files are read ahead of the work.
//!
//! ```text
//! cut:    panel -> parts, each some consecutive elements of one of the arrays
//! sweep:  for each panel:  its parts, in place or as they were read  ->  work
//! ```
//!
//! All code that reads matrices panel by panel uses this; only the cut differs.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::memory::raw::{Raw, width};
use crate::storage::memory::{DType, Origin, RawBuffer};
use crate::storage::runtime::{Context, Plan};
use crate::storage::stream::device::{Devices, IoBuffer, ReadMode, SourceFile};
use crate::storage::stream::panel_files::{Extent, PanelExtents};
use crate::storage::stream::panel_reader::{PanelReader, Traffic, largest_panel};
use crate::storage::stream::panel_ring::Ring;
use crate::storage::stream::panel_sweep::PanelWindow;

/// Extra bytes of a part in a panel at most: it is read in whole sectors.
pub(crate) const PADDING: usize = 2 * 4096;

/// Some elements of one of the arrays, which is named by its position.
pub(crate) type ArrayRange = (usize, Range<usize>);

/// How arrays are cut into panels.
pub(crate) trait Cut: Send + Sync {
    /// How many panels there are.
    fn count(&self) -> usize;

    /// Names the parts of a panel, in order.
    fn parts(&self, panel: usize, name: &mut dyn FnMut(ArrayRange));
}

/// Panels whose parts are listed.
impl Cut for Vec<Vec<ArrayRange>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn parts(&self, panel: usize, name: &mut dyn FnMut(ArrayRange)) {
        self[panel].iter().cloned().for_each(name);
    }
}

/// The same chunk of some arrays of one length.
#[derive(Clone, Copy)]
pub(crate) struct EvenCut {
    /// Elements of each array.
    pub(crate) len: usize,
    /// Elements of every chunk but the last.
    pub(crate) step: usize,
    /// How many arrays there are.
    pub(crate) arrays: usize,
}

impl Cut for EvenCut {
    fn count(&self) -> usize {
        self.len.div_ceil(self.step)
    }

    fn parts(&self, panel: usize, name: &mut dyn FnMut(ArrayRange)) {
        let start = panel * self.step;
        (0..self.arrays).for_each(|array| name((array, start..self.len.min(start + self.step))));
    }
}

/// Arrays that are processed together.
#[derive(Default)]
pub(crate) struct Arrays {
    arrays: Vec<Array>,
    sources: Vec<SourceFile>,
    /// Bytes in files of those that are used in place.
    mapped: u64,
}

/// Where the elements of an array come from.
enum Array {
    InPlace(RawBuffer),
    /// From a source, `origin` bytes into the file for element 0. The buffer keeps the lock of the file.
    File {
        source: usize,
        origin: u64,
        dtype: Option<DType>,
        buffer: Option<RawBuffer>,
    },
}

impl Arrays {
    /// Arrays that are used in place, in memory or on their maps.
    pub(crate) fn in_place(arrays: impl IntoIterator<Item = RawBuffer>) -> Self {
        let mut all = Arrays::default();
        for array in arrays {
            all.mapped += array.stored_bytes();
            all.arrays.push(Array::InPlace(array));
        }
        all
    }

    /// Arrays, of which those in files are read.
    pub(crate) fn read<'a>(arrays: impl IntoIterator<Item = &'a RawBuffer>) -> Result<Self> {
        let mut all = Arrays::default();
        for array in arrays {
            match array.origin() {
                Some((file, start)) => {
                    all.add_file(file, start, array.dtype(), Some(array.clone()))?;
                }
                None => all.arrays.push(Array::InPlace(array.clone())),
            }
        }
        Ok(all)
    }

    /// Arrays that are read, or used in place if what is in files takes at most `most` bytes.
    pub(crate) fn within<'a>(
        most: u64,
        arrays: impl IntoIterator<Item = &'a RawBuffer, IntoIter: Clone>,
    ) -> Result<Self> {
        let arrays = arrays.into_iter();
        match arrays.clone().map(RawBuffer::stored_bytes).sum::<u64>() <= most {
            true => Ok(Self::in_place(arrays.cloned())),
            false => Self::read(arrays),
        }
    }

    /// An array that is read from a file, which the caller keeps unchanged.
    pub(crate) fn of_file(file: &Origin, start: u64, dtype: DType) -> Result<Self> {
        let mut all = Arrays::default();
        all.add_file(file, start, Some(dtype), None)?;
        Ok(all)
    }

    fn add_file(
        &mut self,
        file: &Origin,
        origin: u64,
        dtype: Option<DType>,
        buffer: Option<RawBuffer>,
    ) -> Result<()> {
        let source = self.sources.len();
        self.sources.push(SourceFile::open(file)?);
        self.arrays.push(Array::File { source, origin, dtype, buffer });
        Ok(())
    }

    /// The number of arrays that are read.
    pub(crate) fn files(&self) -> usize {
        self.sources.len()
    }

    /// Bytes that an element of an array takes in a panel; 0 if it is used in place.
    pub(crate) fn size(&self, array: usize) -> usize {
        match self.arrays[array] {
            Array::InPlace(_) => 0,
            Array::File { dtype, .. } => width(dtype),
        }
    }

    fn extents(&self, cut: &dyn Cut) -> PanelExtents {
        let mut panels = PanelExtents::default();
        for panel in 0..cut.count() {
            cut.parts(panel, &mut |(array, elements)| {
                if let Array::File { source, origin, dtype, .. } = self.arrays[array] {
                    let size = width(dtype);
                    let offset = origin + (elements.start * size) as u64;
                    panels.push(Extent { source, offset, bytes: elements.len() * size });
                }
            });
            panels.end();
        }
        panels
    }
}

impl Array {
    /// Some elements: in place, or from the next extent that was read.
    ///
    /// Fails if bytes are not values of the type, which can only happen with `bool`.
    fn elements<'a>(
        &'a self,
        elements: Range<usize>,
        read: &mut std::slice::Iter<'_, &'a [u8]>,
    ) -> Result<Raw<'a>> {
        match *self {
            Array::InPlace(ref array) => array.as_raw().get(elements).ok_or_else(|| {
                Error::new(ErrorKind::Index, "the pointers changed while the matrix was read")
            }),
            Array::File { dtype, .. } => {
                let bytes = read.next().copied().unwrap_or_default();
                Raw::read(bytes, (dtype, elements.len())).ok_or_else(|| {
                    Error::new(ErrorKind::Value, "the bytes are no values of the element type")
                })
            }
        }
    }
}

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

    /// Through the page cache, which combines reads that are too small for the device, if `gathers`; otherwise in the
    /// device's faster mode.
    pub(crate) fn gathered(self, gathers: bool) -> Self {
        Reading { mode: gathers.then_some(ReadMode::Buffered), ..self }
    }

    /// Past the page cache unless `gathers`.
    pub(crate) fn direct_or_gathered(self, gathers: bool) -> Self {
        let mode = if gathers { ReadMode::Buffered } else { ReadMode::Direct };
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

    /// The first file among the arrays, for messages and for the speed of its device.
    fn file(&self) -> Option<(&Path, u64)> {
        self.arrays.arrays.iter().find_map(|array| match array {
            Array::InPlace(buffer) => buffer.file(),
            Array::File { buffer, .. } => buffer.as_ref().and_then(RawBuffer::file),
        })
    }

    /// The plan of an operation that makes one pass over the panels.
    pub(crate) fn plan(&self, operation: &'static str) -> Plan {
        let plan = Plan::new(operation).on_device_of(self.file());
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
        self.cut.parts(panel, &mut |(array, elements)| match arrays.arrays[array]
            .elements(elements, &mut read)
        {
            Ok(part) => parts.push(part),
            Err(error) => failed = Err(error),
        });
        failed.map(|()| parts)
    }
}

/// Parts of arrays, with elements of `size` bytes, gathered into panels of at most `bytes` bytes; a longer one is cut.
pub(crate) fn packed(
    parts: impl Iterator<Item = ArrayRange>,
    size: usize,
    bytes: usize,
) -> Vec<Vec<ArrayRange>> {
    let longest = (bytes.saturating_sub(PADDING) / size).max(1);
    let (mut panels, mut panel, mut filled) = (Vec::new(), Vec::new(), 0);
    for (array, part) in parts {
        for start in part.clone().step_by(longest) {
            let chunk = start..part.end.min(start + longest);
            let more = chunk.len() * size + PADDING;
            if filled + more > bytes && filled > 0 {
                panels.push(std::mem::take(&mut panel));
                filled = 0;
            }
            panel.push((array, chunk));
            filled += more;
        }
    }
    if filled > 0 {
        panels.push(panel);
    }
    panels
}

/// Bytes of elements in a panel of about `bytes` bytes with parts of this many arrays that are read: whole huge pages as
/// nearly as possible, less the padding.
pub(crate) fn usable_bytes(bytes: usize, arrays: usize) -> usize {
    IoBuffer::rounded_down(bytes).saturating_sub(arrays * PADDING)
}

/// The most elements of a panel of about `bytes` bytes, where `sizes` are the bytes of an element in each array.
pub(crate) fn panel_elements(bytes: usize, sizes: &[usize]) -> usize {
    let bytes = usable_bytes(bytes, sizes.iter().filter(|&&size| size > 0).count());
    bytes.checked_div(sizes.iter().sum()).unwrap_or(usize::MAX).max(1)
}

/// The most elements of a panel of one array: as large as is useful, but at most a quarter of a tiny budget.
pub(crate) fn elements_within(budget: u64, size: usize) -> usize {
    panel_elements(bytes_within(budget), &[size])
}

/// Bytes of a panel: as many as are useful, but at most a quarter of a tiny budget.
pub(crate) fn bytes_within(budget: u64) -> usize {
    largest_panel(budget).min((budget / 4).max(16 << 10) as usize)
}
