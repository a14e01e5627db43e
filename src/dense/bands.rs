//! A dense matrix in bands across its lines: the same run of elements of every line.
//!
//! For a file larger than the budget a band takes one read per line, so that a matrix in Fortran order is read in
//! blocks of rows in one pass.

use std::marker::PhantomData;

use crate::dense::any_dense::AnyDense;
use crate::dense::base::Dense;
use crate::dense::panels::typed;
use crate::error::Result;
use crate::storage::raw::Raw;
use crate::storage::{ArrayPanels, Arrays, Context, Cut, DType, Element, Part, Reading};

/// Bytes of a band that make the run of one line worth a separate read, for some hundred lines.
const MOST: u64 = 64 << 20;

/// Bytes that a run takes in a band in addition to its elements: two sectors and the rest of a page.
const OVERHEAD: usize = 3 * 4096;

/// Yields a matrix in bands, in order.
pub(crate) struct AnyBandPanels(ArrayPanels);

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

    fn parts(&self, band: usize, name: &mut dyn FnMut(Part)) {
        let here = band * self.width..self.length.min((band + 1) * self.width);
        for start in (0..self.lines).map(|line| line * self.length) {
            name((0, start + here.start..start + here.end));
        }
    }
}

impl AnyBandPanels {
    /// Bands for one pass within `budget` bytes, each but the last with a multiple of `step` elements of every line.
    ///
    /// Fails if two bands do not fit, a band having at least `step` elements of every line.
    pub(crate) fn new(matrix: &AnyDense, step: usize, budget: u64) -> Result<Self> {
        let most = Self::elements(matrix.dtype(), matrix.lines().0, (budget / 8).min(MOST));
        Self::of_width(matrix, (most / step * step).max(step), budget)
    }

    /// Elements per line in a band of `bytes` bytes over `lines` lines, if each line is read separately.
    pub(crate) fn elements(dtype: DType, lines: usize, bytes: u64) -> usize {
        (bytes as usize / lines.max(1)).saturating_sub(OVERHEAD) / dtype.size()
    }

    /// Bands for one pass within `budget` bytes, each but the last with `width` elements of every line.
    ///
    /// Fails if two bands do not fit.
    pub(crate) fn of_width(matrix: &AnyDense, width: usize, budget: u64) -> Result<Self> {
        let (lines, length) = matrix.lines();
        let arrays = match matrix.stored_bytes() <= budget {
            true => Arrays::in_place([matrix.buffer().clone()]),
            false => Arrays::read([matrix.buffer()])?,
        };
        let cut = BandCut { lines, length, width };
        ArrayPanels::new(arrays, cut, Reading::once(budget)).map(AnyBandPanels)
    }

    /// Maximum memory of bands.
    pub(crate) fn memory(&self) -> u64 {
        self.0.memory()
    }

    /// Calls `work` with every band in order: the same run of elements of each line.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(&[Raw<'_>]) -> Result<()>,
    ) -> Result<()> {
        self.0.sweep(ctx, &mut |_, band| work(band))
    }
}

/// [`AnyBandPanels`] of a matrix whose type is known at compile time.
pub(crate) struct BandPanels<T> {
    any: AnyBandPanels,
    elements: PhantomData<T>,
}

impl<T: Element> BandPanels<T> {
    /// As [`AnyBandPanels::new`].
    pub(crate) fn new(matrix: &Dense<T>, step: usize, budget: u64) -> Result<Self> {
        let any = AnyBandPanels::new(&matrix.to_any(), step, budget)?;
        Ok(BandPanels { any, elements: PhantomData })
    }

    /// As [`AnyBandPanels::memory`].
    pub(crate) fn memory(&self) -> u64 {
        self.any.memory()
    }

    /// As [`AnyBandPanels::sweep`].
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(&[&[T]]) -> Result<()>,
    ) -> Result<()> {
        self.any.sweep(ctx, &mut |band| {
            work(&band.iter().map(|&line| typed(line)).collect::<Result<Vec<_>>>()?)
        })
    }
}
