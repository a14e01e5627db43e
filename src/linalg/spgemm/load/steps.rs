//! Reads the data of a range of panels, in steps of some MiB, ahead of the work.
//!
//! A step belongs to one panel: pointers and entries of A, then runs of entries of B. Data that does not fit in one
//! step continues in the next.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::spgemm::budget::Budget;
use crate::linalg::spgemm::schedule::LeftPanel;
use crate::sparse::{AnyCompressed, Indices};
use crate::storage::raw::Raw;
use crate::storage::{ArrayPanels, ArrayRange, Arrays, IoBuffer, PADDING, Reading};

/// Steps that are being read or worked on at a time; fewer if there is hardly memory for one.
const STEPS: u64 = 4;
const FEW_STEPS: u64 = 2;

/// From this size on, each read is worth a device request; smaller ones are combined by the page cache.
const DIRECT: usize = 256 << 10;

/// A read of some MiB.
pub(crate) struct LoadStep {
    /// The number of its panel.
    pub(crate) left_panel: usize,
    /// Whether the panel is complete afterwards.
    pub(crate) is_last: bool,
    pub(crate) items: Vec<StepItem>,
}

/// An item that is read.
#[derive(Clone, Debug)]
pub(crate) enum StepItem {
    /// Pointers of A.
    Pointers,
    /// Entries of A.
    Entries,
    /// Entries of B.
    Run(Range<usize>),
}

/// Reads the steps of some panels.
pub(crate) struct LoadedPanels {
    pub(crate) panels: ArrayPanels,
    pub(crate) steps: Vec<LoadStep>,
}

/// Bytes of a step.
pub(crate) fn step_bytes(budget: &Budget) -> u64 {
    let bytes = (budget.reading() / 32).clamp(24 << 10, 8 << 20);
    IoBuffer::rounded_down(bytes as usize) as u64 / 4096 * 4096
}

/// Bytes of memory for steps.
pub(crate) fn ring_bytes(budget: &Budget) -> u64 {
    let step = step_bytes(budget);
    let steps = if step <= budget.reading() / 16 { STEPS } else { FEW_STEPS };
    steps * step
}

/// The arrays of a step's items, in order.
pub(crate) struct StepArrays<'r, 'a>(std::slice::Iter<'r, Raw<'a>>);

impl<'r, 'a> StepArrays<'r, 'a> {
    pub(crate) fn new(parts: &'r [Raw<'a>]) -> Self {
        StepArrays(parts.iter())
    }

    fn next(&mut self) -> Raw<'a> {
        *self.0.next().expect("a part for each array of an item")
    }

    /// The pointers of an item.
    pub(crate) fn pointers(&mut self) -> Indices<'a> {
        Indices::of_raw(self.next())
    }

    /// The entries of an item.
    pub(crate) fn entries(&mut self) -> (Indices<'a>, Raw<'a>) {
        (Indices::of_raw(self.next()), self.next())
    }
}

impl LoadedPanels {
    /// The panels that `left_panels` read of `left` and `right`, if these are to be read. `None` if there is nothing to
    /// read.
    pub(crate) fn new(
        left: Option<&AnyCompressed>,
        right: Option<&AnyCompressed>,
        left_panels: &[LeftPanel],
        budget: &Budget,
    ) -> Result<Option<Self>> {
        let matrices = left.into_iter().chain(right);
        let arrays = Arrays::read(matrices.flat_map(AnyCompressed::arrays))?;
        // A comes before B.
        let first = if left.is_some() { 3 } else { 0 };
        let mut packing = Packing {
            left: left.map(|_| [0, 1, 2].map(|array| arrays.size(array))),
            right: right.map(|_| [0, 1, 2].map(|array| arrays.size(first + array))),
            first,
            capacity: step_bytes(budget) as usize,
            steps: Vec::new(),
            panels: Vec::new(),
            items: Vec::new(),
            parts: Vec::new(),
            used: 0,
            read: (0, 0),
        };
        left_panels
            .iter()
            .enumerate()
            .for_each(|(n, left_panel)| packing.left_panel(n, left_panel));
        let Packing { steps, panels, read: (count, bytes), .. } = packing;
        if steps.is_empty() || arrays.files() == 0 {
            return Ok(None);
        }
        let how = Reading::once(ring_bytes(budget)).buffered_if(bytes / count.max(1) < DIRECT);
        Ok(Some(LoadedPanels { panels: ArrayPanels::new(arrays, panels, how)?, steps }))
    }
}

/// Steps being assembled.
struct Packing {
    /// Bytes of a pointer, an index and a value that are read of A and of B, if anything is read of them.
    left: Option<[usize; 3]>,
    right: Option<[usize; 3]>,
    /// The position of B's first array.
    first: usize,
    /// Bytes of a step.
    capacity: usize,
    steps: Vec<LoadStep>,
    panels: Vec<Vec<ArrayRange>>,
    /// The current step.
    items: Vec<StepItem>,
    parts: Vec<ArrayRange>,
    used: usize,
    /// Runs of files that are read, and their bytes.
    read: (usize, usize),
}

impl Packing {
    fn left_panel(&mut self, n: usize, left_panel: &LeftPanel) {
        if let Some([pointer, index, value]) = self.left {
            if left_panel.part.is_none() {
                let pointers = left_panel.rows.start..left_panel.rows.end + 1;
                self.add(n, pointers, &[(0, pointer)], |_| StepItem::Pointers);
            }
            self.add(n, left_panel.entries.clone(), &[(1, index), (2, value)], |_| {
                StepItem::Entries
            });
        }
        if let Some([_, index, value]) = self.right {
            for run in &left_panel.runs {
                let arrays = [(self.first + 1, index), (self.first + 2, value)];
                self.add(n, run.clone(), &arrays, StepItem::Run);
            }
        }
        self.end_step(n);
        if let Some(step) = self.steps.last_mut().filter(|step| step.left_panel == n) {
            step.is_last = true;
        }
    }

    /// Reads a run of elements of some arrays, with these sizes in bytes, in one step or more.
    fn add(
        &mut self,
        n: usize,
        mut run: Range<usize>,
        arrays: &[(usize, usize)],
        item: fn(Range<usize>) -> StepItem,
    ) {
        let size: usize = arrays.iter().map(|(_, size)| size).sum();
        while !run.is_empty() {
            let free = (self.capacity - self.used).saturating_sub(2 * PADDING);
            let fit = free.checked_div(size).unwrap_or(usize::MAX).min(run.len());
            // A new step is better than a small part of a large run.
            if fit == 0 || (fit < run.len() && free < self.capacity / 4 && self.used > 0) {
                self.end_step(n);
                continue;
            }
            let part = run.start..run.start + fit;
            run.start = part.end;
            for &(array, size) in arrays {
                if size > 0 {
                    self.used += fit * size + PADDING;
                    self.read = (self.read.0 + 1, self.read.1 + fit * size);
                }
                self.parts.push((array, part.clone()));
            }
            self.items.push(item(part));
        }
    }

    fn end_step(&mut self, n: usize) {
        self.used = 0;
        if !self.items.is_empty() {
            let items = std::mem::take(&mut self.items);
            self.steps.push(LoadStep { left_panel: n, is_last: false, items });
            self.panels.push(std::mem::take(&mut self.parts));
        }
    }
}
