//! A dense matrix in bands across its lines: the same elements of every line.
//!
//! For a file larger than the budget a band takes one read per line, so that a matrix in Fortran order is read in
//! blocks of rows in one pass.

use crate::dense::any_dense::AnyDense;
use crate::error::Result;
use crate::storage::{ArrayPanels, ArrayRange, Arrays, Cut, DType, Reading};

/// Bytes of a band that make the elements of one line worth a separate read, for some hundred lines.
const MOST: u64 = 64 << 20;

/// Bytes that a line takes in a band in addition to its elements: two sectors and the rest of a page.
const OVERHEAD: usize = 3 * 4096;

/// Where bands begin and end.
struct BandCut {
    lines: usize,
    length: usize,
    /// Elements of every line in each band but the last.
    width: usize,
}

impl Cut for BandCut {
    fn count(&self) -> usize {
        // Without lines, or with empty lines, there is no band.
        if self.lines == 0 { 0 } else { self.length.div_ceil(self.width) }
    }

    fn parts(&self, band: usize, name: &mut dyn FnMut(ArrayRange)) {
        let here = band * self.width..self.length.min((band + 1) * self.width);
        for start in (0..self.lines).map(|line| line * self.length) {
            name((0, start + here.start..start + here.end));
        }
    }
}

/// Bands for one pass within `budget` bytes, each but the last with a multiple of `step` elements of every line.
///
/// Fails if two bands do not fit, a band having at least `step` elements of every line.
pub(crate) fn bands(matrix: &AnyDense, step: usize, budget: u64) -> Result<ArrayPanels> {
    let most = band_width(matrix.dtype(), matrix.lines().0, (budget / 8).min(MOST));
    bands_of_width(matrix, (most / step * step).max(step), budget)
}

/// Elements per line in a band of `bytes` bytes over `lines` lines, if each line is read separately.
pub(crate) fn band_width(dtype: DType, lines: usize, bytes: u64) -> usize {
    (bytes as usize / lines.max(1)).saturating_sub(OVERHEAD) / dtype.size()
}

/// Bands for one pass within `budget` bytes, each but the last with `width` elements of every line.
///
/// Fails if two bands do not fit.
pub(crate) fn bands_of_width(matrix: &AnyDense, width: usize, budget: u64) -> Result<ArrayPanels> {
    let (lines, length) = matrix.lines();
    let arrays = Arrays::within(budget, [matrix.buffer()])?;
    ArrayPanels::new(arrays, BandCut { lines, length, width }, Reading::once(budget))
}
