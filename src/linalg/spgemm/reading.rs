//! What a group of stretches reads, in steps of some MiB, ahead of the work.
//!
//! A step belongs to one stretch: pointers and entries of A, then runs of entries of B. What does not fit in one step goes
//! on in the next.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::spgemm::budget::Budget;
use crate::linalg::spgemm::stretch::Stretch;
use crate::sparse::{AnyCompressed, Indices};
use crate::storage::raw::Raw;
use crate::storage::{
    Context, Devices, Extent, IoBuffer, PanelReader, RawPanelArray, ReadMode, Source,
};

/// Steps that are being read or worked on at a time; fewer if there is hardly memory for one.
const STEPS: u64 = 4;
const FEW_STEPS: u64 = 2;

/// From this size on reads are worth a request to the device each; smaller ones are left to the page cache to gather.
const DIRECT: usize = 256 << 10;

/// What reading a run may take beside its bytes: parts of sectors at both ends.
const BESIDE: usize = 2 * 4096;

/// The three arrays of a matrix, of which those that lie in files are read.
pub(super) struct Arrays {
    indptr: RawPanelArray,
    indices: RawPanelArray,
    data: RawPanelArray,
}

/// A read of some MiB.
pub(super) struct Step {
    /// The number of the stretch it is for.
    pub(super) stretch: usize,
    /// Whether the stretch has all it needs afterwards.
    pub(super) is_last: bool,
    pub(super) items: Vec<Item>,
}

/// What is read.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Pointers of A.
    Pointers(Range<usize>),
    /// Entries of A.
    Entries(Range<usize>),
    /// Entries of B.
    Run(Range<usize>),
}

/// Reads the steps of some stretches.
pub(super) struct Reading {
    pub(super) reader: PanelReader,
    pub(super) steps: Vec<Step>,
    pub(super) left: Option<Arrays>,
    pub(super) right: Option<Arrays>,
}

/// Bytes of a step.
pub(super) fn step_bytes(budget: &Budget) -> u64 {
    let bytes = (budget.reading() / 32).clamp(24 << 10, 8 << 20);
    IoBuffer::rounded_down(bytes as usize) as u64 / 4096 * 4096
}

/// Bytes of memory that steps take.
pub(super) fn ring_bytes(budget: &Budget) -> u64 {
    let step = step_bytes(budget);
    let steps = if step <= budget.reading() / 16 { STEPS } else { FEW_STEPS };
    steps * step
}

impl Arrays {
    fn new(matrix: &AnyCompressed, sources: &mut Vec<Source>) -> Result<Self> {
        Ok(Arrays {
            indptr: RawPanelArray::new(matrix.indptr_buffer(), sources)?,
            indices: RawPanelArray::new(matrix.indices_buffer(), sources)?,
            data: RawPanelArray::new(matrix.data(), sources)?,
        })
    }

    /// Pointers, from memory or from the next extent of a step.
    pub(super) fn pointers<'a>(
        &'a self,
        pointers: Range<usize>,
        read: &mut std::slice::Iter<'_, &'a [u8]>,
    ) -> Result<Indices<'a>> {
        self.indptr.next_elements(pointers, read).map(Indices::of_raw)
    }

    /// Entries, from memory or from the next extents of a step.
    pub(super) fn entries<'a>(
        &'a self,
        entries: Range<usize>,
        read: &mut std::slice::Iter<'_, &'a [u8]>,
    ) -> Result<(Indices<'a>, Raw<'a>)> {
        let indices = self.indices.next_elements(entries.clone(), read)?;
        Ok((Indices::of_raw(indices), self.data.next_elements(entries, read)?))
    }
}

impl Reading {
    /// What `stretches` read of `left` and `right`, if these are to be read. `None` if that is nothing.
    pub(super) fn new(
        left: Option<&AnyCompressed>,
        right: Option<&AnyCompressed>,
        stretches: &[Stretch],
        budget: &Budget,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        let mut sources = Vec::new();
        let left = left.map(|matrix| Arrays::new(matrix, &mut sources)).transpose()?;
        let right = right.map(|matrix| Arrays::new(matrix, &mut sources)).transpose()?;
        let mut packing = Packing {
            left: left.as_ref(),
            right: right.as_ref(),
            room: step_bytes(budget) as usize,
            steps: Vec::new(),
            panels: Vec::new(),
            items: Vec::new(),
            extents: Vec::new(),
            used: 0,
        };
        stretches.iter().enumerate().for_each(|(n, stretch)| packing.stretch(n, stretch));
        let Packing { steps, panels, .. } = packing;
        let Some(largest) = sources.iter().max_by_key(|source| source.length()) else {
            return Ok(None);
        };
        if steps.is_empty() {
            return Ok(None);
        }
        let extents = panels.iter().flatten();
        let (count, bytes) = extents.fold((0, 0), |(n, sum), extent| (n + 1, sum + extent.bytes));
        let mode = match bytes / count.max(1) >= DIRECT {
            true => Devices::known().read_mode(largest)?,
            false => ReadMode::Buffered,
        };
        let mut reader = PanelReader::new(sources, panels, ring_bytes(budget), mode)?;
        reader.pin_nothing();
        Ok(Some(Reading { reader, steps, left, right }))
    }
}

/// Steps being put together.
struct Packing<'a> {
    left: Option<&'a Arrays>,
    right: Option<&'a Arrays>,
    /// Bytes of a step.
    room: usize,
    steps: Vec<Step>,
    panels: Vec<Vec<Extent>>,
    /// The step at hand.
    items: Vec<Item>,
    extents: Vec<Extent>,
    used: usize,
}

impl Packing<'_> {
    fn stretch(&mut self, n: usize, stretch: &Stretch) {
        if let Some(left) = self.left {
            let Arrays { indptr, indices, data } = left;
            if stretch.part.is_none() {
                let pointers = stretch.rows.start..stretch.rows.end + 1;
                self.add(n, pointers, indptr.panel_bytes(), Item::Pointers, |range| {
                    [indptr.extent(range), None]
                });
            }
            let size = indices.panel_bytes() + data.panel_bytes();
            self.add(n, stretch.entries.clone(), size, Item::Entries, |range| {
                [indices.extent(range.clone()), data.extent(range)]
            });
        }
        if let Some(Arrays { indices, data, .. }) = self.right {
            let size = indices.panel_bytes() + data.panel_bytes();
            for run in &stretch.runs {
                self.add(n, run.clone(), size, Item::Run, |range| {
                    [indices.extent(range.clone()), data.extent(range)]
                });
            }
        }
        self.end_step(n);
        if let Some(step) = self.steps.last_mut().filter(|step| step.stretch == n) {
            step.is_last = true;
        }
    }

    /// Reads a run of elements of `size` bytes in one step or more.
    fn add(
        &mut self,
        n: usize,
        mut run: Range<usize>,
        size: usize,
        item: impl Fn(Range<usize>) -> Item,
        extents: impl Fn(Range<usize>) -> [Option<Extent>; 2],
    ) {
        while !run.is_empty() {
            let free = (self.room - self.used).saturating_sub(2 * BESIDE);
            let fit = free.checked_div(size).unwrap_or(usize::MAX).min(run.len());
            // Rather a new step than a small piece of a large run.
            if fit == 0 || (fit < run.len() && free < self.room / 4 && self.used > 0) {
                self.end_step(n);
                continue;
            }
            let piece = run.start..run.start + fit;
            run.start = piece.end;
            for extent in extents(piece.clone()).into_iter().flatten() {
                self.used += extent.bytes + BESIDE;
                self.extents.push(extent);
            }
            self.items.push(item(piece));
        }
    }

    fn end_step(&mut self, n: usize) {
        self.used = 0;
        if !self.items.is_empty() {
            let items = std::mem::take(&mut self.items);
            self.steps.push(Step { stretch: n, is_last: false, items });
            self.panels.push(std::mem::take(&mut self.extents));
        }
    }
}
