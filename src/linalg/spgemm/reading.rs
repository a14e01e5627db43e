//! What a group of stretches reads, in steps of some MiB, ahead of the work.
//!
//! A step belongs to one stretch: pointers and entries of A, then runs of entries of B. What does not fit in one step goes
//! on in the next.

use std::ops::Range;

use super::budget::Budget;
use super::stretch::Stretch;
use crate::error::Result;
use crate::sparse::Csr;
use crate::storage::{
    Context, Entry, Extent, Index, IoBuffer, PanelArray, PanelReader, ReadMode, Source,
};

/// Steps that are being read or worked on at a time.
const STEPS: u64 = 4;

/// From this size on reads are worth a request to the device each; smaller ones are left to the page cache to gather.
const DIRECT: usize = 256 << 10;

/// What reading a run may take beside its bytes: parts of sectors at both ends.
const BESIDE: usize = 2 * 4096;

/// The three arrays of a matrix, of which those that lie in files are read.
pub(super) struct Arrays<T, I, P> {
    indptr: PanelArray<P>,
    indices: PanelArray<I>,
    data: PanelArray<T>,
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
pub(super) struct Reading<L, R, I, P> {
    pub(super) reader: PanelReader,
    pub(super) steps: Vec<Step>,
    pub(super) left: Option<Arrays<L, I, P>>,
    pub(super) right: Option<Arrays<R, I, P>>,
}

/// Bytes of a step.
pub(super) fn step_bytes(budget: &Budget) -> u64 {
    let bytes = (budget.reading() / 32).clamp(24 << 10, 8 << 20);
    IoBuffer::rounded_down(bytes as usize) as u64 / 4096 * 4096
}

/// Bytes of memory that steps take.
pub(super) fn ring_bytes(budget: &Budget) -> u64 {
    STEPS * step_bytes(budget)
}

impl<T: Entry, I: Index, P: Index> Arrays<T, I, P> {
    fn new(matrix: &Csr<T, I, P>, sources: &mut Vec<Source>) -> Result<Self> {
        Ok(Arrays {
            indptr: PanelArray::new(matrix.indptr(), sources)?,
            indices: PanelArray::new(matrix.indices(), sources)?,
            data: PanelArray::new(matrix.data(), sources)?,
        })
    }

    /// Pointers, from memory or from the next extent of a step.
    pub(super) fn pointers<'a>(
        &'a self,
        pointers: Range<usize>,
        read: &mut std::slice::Iter<'_, &'a [u8]>,
    ) -> Result<&'a [P]> {
        self.indptr.next_elements(pointers, read)
    }

    /// Entries, from memory or from the next extents of a step.
    pub(super) fn entries<'a>(
        &'a self,
        entries: Range<usize>,
        read: &mut std::slice::Iter<'_, &'a [u8]>,
    ) -> Result<(&'a [I], &'a [T])> {
        let indices = self.indices.next_elements(entries.clone(), read)?;
        Ok((indices, self.data.next_elements(entries, read)?))
    }
}

impl<L: Entry, R: Entry, I: Index, P: Index> Reading<L, R, I, P> {
    /// What `stretches` read of `left` and `right`, if these are to be read. `None` if that is nothing.
    pub(super) fn new(
        left: Option<&Csr<L, I, P>>,
        right: Option<&Csr<R, I, P>>,
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
            true => ctx.devices().read_mode(largest)?,
            false => ReadMode::Buffered,
        };
        let mut reader = PanelReader::new(sources, panels, ring_bytes(budget), mode)?;
        reader.pin_nothing();
        Ok(Some(Reading { reader, steps, left, right }))
    }
}

/// Steps being put together.
struct Packing<'a, L, R, I, P> {
    left: Option<&'a Arrays<L, I, P>>,
    right: Option<&'a Arrays<R, I, P>>,
    /// Bytes of a step.
    room: usize,
    steps: Vec<Step>,
    panels: Vec<Vec<Extent>>,
    /// The step at hand.
    items: Vec<Item>,
    extents: Vec<Extent>,
    used: usize,
}

impl<L: Entry, R: Entry, I: Index, P: Index> Packing<'_, L, R, I, P> {
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
