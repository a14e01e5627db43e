//! How arrays are cut into panels, and how large these are.

use std::ops::Range;

use crate::storage::stream::device::IoBuffer;

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

/// Bytes of the largest panel: more gains nothing.
const LARGEST: u64 = 12 << 20;

/// Bytes for each array in the smallest panel: half of them may be lost to its alignment.
const LEAST: usize = 16 << 10;

/// Panels below this size are read through the page cache; larger ones in the device's faster mode.
pub(crate) const SMALL: usize = 1 << 20;

/// Bytes of a ring of panels of which none is used again: more does not speed up reading.
pub(crate) const RING: u64 = 64 << 20;

/// Bytes of panels for one sweep over `stored` bytes, within a memory budget.
pub(crate) fn for_one_sweep(stored: u64, budget: u64) -> u64 {
    if stored > budget { budget.min(RING) } else { budget }
}

/// The largest panel, in bytes of all its extents, for a memory budget: eight must fit.
pub(crate) fn largest_panel(budget: u64) -> usize {
    (budget / 8).clamp(256 << 10, LARGEST) as usize
}

/// The same for panels with a part of each of `arrays` arrays, under any budget.
pub(crate) fn largest_of_arrays(budget: u64, arrays: usize) -> usize {
    ((budget / 8).min(LARGEST) as usize).max(LEAST * arrays)
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
