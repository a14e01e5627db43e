//! Dense matrices stacked vertically or horizontally: one read of each, one sequential write.
//!
//! Along their order (vertically in C order) the elements of the matrices are concatenated. Across it every line of the
//! result is a line of the first, then one of the second, and so on: as many lines of all of them as fit are read
//! together, or runs of one line if it does not fit.

use std::ops::Range;

use crate::dense::any_dense::AnyDense;
use crate::dense::base::Dense;
use crate::dense::writer::AnyDenseWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::raw::{Carrier, Raw, RawMut, by_size, carriers_mut};
use crate::storage::work;
use crate::storage::{
    ArrayPanels, ArrayRange, Arrays, Context, DType, Element, Order, PADDING, Pass, Place, Plan,
    Reading, bytes_within, packed, panel_elements,
};

impl<T: Element> Dense<T> {
    /// Stacks matrices vertically, as NumPy's `vstack`. For cost and errors see [`concatenate`](Self::concatenate).
    ///
    /// ```
    /// use outcore::{Context, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[1, 2]]));
    /// let b = Dense::vstack(&[&a, &a], Place::Memory, &Context::new())?;
    /// assert_eq!(b.as_ndarray(), ndarray::arr2(&[[1, 2], [1, 2]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn vstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        Self::concatenate(0, matrices, place, ctx)
    }

    /// Stacks matrices horizontally, as NumPy's `hstack`. For cost and errors see [`concatenate`](Self::concatenate).
    pub fn hstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        Self::concatenate(1, matrices, place, ctx)
    }

    /// Concatenates matrices along an axis: 0 stacks vertically, 1 horizontally.
    ///
    /// Cost: one read of each and one sequential write. Memory: the result, unless it goes to a file, and panels within
    /// the limit. Fails if there is no matrix, if they differ in their other extent, or in the order of their elements:
    /// [`to_order`](Self::to_order) changes that.
    ///
    /// ```
    /// use outcore::{Context, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[1], [2]]));
    /// let b = Dense::concatenate(1, &[&a, &a], Place::Memory, &Context::new())?;
    /// assert_eq!(b.as_ndarray(), ndarray::arr2(&[[1, 1], [2, 2]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn concatenate(
        axis: usize,
        matrices: &[&Self],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let matrices: Vec<AnyDense> = matrices.iter().map(|matrix| matrix.to_any()).collect();
        concatenate(axis, T::DTYPE, &matrices, &place.into(), ctx).map(AnyDense::into_typed)
    }
}

/// Concatenates matrices of one type along an axis.
pub(crate) fn concatenate(
    axis: usize,
    dtype: DType,
    matrices: &[AnyDense],
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let stack = DenseStack::new(axis, dtype, matrices)?;
    let budget = stack.budget(place, ctx)?;
    let stored: u64 = matrices.iter().map(AnyDense::stored_bytes).sum();
    let arrays = Arrays::within(budget, matrices.iter().map(AnyDense::buffer))?;
    let mut parts = ArrayPanels::new(arrays, stack.panels(budget), Reading::once(budget))?;
    let height = stack.height(budget);
    let file = matrices.iter().find_map(|matrix| matrix.buffer().file());
    let band = dtype.bytes_of(height.saturating_mul(stack.length()));
    let plan = Plan::new("stacking dense matrices").on_device_of(file).reads(1, stored);
    let plan = plan
        .holds(parts.memory().saturating_add(band))
        .works(stack.len() as u64, work::STACK_DENSE);
    let what = (dtype, &stack.shape[..], stack.order);
    Pass::new(plan).make(what, place, ctx, &mut |writer: &mut AnyDenseWriter| {
        if height == 0 {
            return parts.sweep_part(ctx, &mut |_, parts| {
                parts.iter().try_for_each(|&part| writer.push(part))
            });
        }
        let what = (Some(dtype), height.saturating_mul(stack.length()));
        let mut made = ctx.raw_zeros("lines of the result", what)?;
        parts.sweep_part(ctx, &mut |_, parts| {
            let mut made = made.as_mut();
            let mut made = made.slice_mut(0..parts.iter().map(Raw::len).sum());
            ctx.with_threads(|| stack.interleave(parts, made.reborrow()));
            writer.push(made.as_raw())
        })
    })
}

/// The inputs and the result of a concatenation.
struct DenseStack {
    dtype: DType,
    shape: [usize; 2],
    order: Order,
    /// Whether the elements of the matrices are simply concatenated.
    along: bool,
    /// Elements of a line of each matrix, with lines across the matrices.
    lengths: Vec<usize>,
    /// Lines of the result.
    lines: usize,
    /// Elements of each matrix.
    sizes: Vec<usize>,
}

impl DenseStack {
    fn new(axis: usize, dtype: DType, matrices: &[AnyDense]) -> Result<Self> {
        let Some(first) = matrices.first() else {
            return Err(Error::shape("the matrices", "at least one", 0));
        };
        if axis > 1 {
            return Err(Error::shape("the axis", "0 or 1", axis));
        }
        // A matrix of one row or column has the same layout in both orders.
        let has_order = |matrix: &&AnyDense| matrix.shape().iter().all(|&extent| extent > 1);
        let order = matrices.iter().find(has_order).unwrap_or(first).order();
        let other = first.shape()[1 - axis];
        let mut extent = 0usize;
        for (k, matrix) in matrices.iter().enumerate() {
            if matrix.shape()[1 - axis] != other {
                let what = format!("matrix {k}, extent {}", 1 - axis);
                return Err(Error::shape(&what, other, matrix.shape()[1 - axis]));
            }
            if has_order(&matrix) && matrix.order() != order {
                return Err(Error::new(ErrorKind::Unsupported, "the matrices differ in order")
                    .expected(format!("{order:?}"))
                    .found(format!("{:?} of matrix {k}", matrix.order()))
                    .remedy("convert it to the order of the others with to_order"));
            }
            extent = extent.saturating_add(matrix.shape()[axis]);
        }
        let along = (axis == 0) == (order == Order::C);
        let lengths = matrices.iter().map(|matrix| matrix.shape()[axis]).collect();
        let shape = if axis == 0 { [extent, other] } else { [other, extent] };
        let sizes = matrices.iter().map(|matrix| matrix.len()).collect();
        Ok(DenseStack { dtype, shape, order, along, lengths, lines: other, sizes })
    }

    /// Elements of the result.
    fn len(&self) -> usize {
        self.shape[0].saturating_mul(self.shape[1])
    }

    /// Elements of a result line that spans the matrices.
    fn length(&self) -> usize {
        self.lengths.iter().fold(0, |sum, &length| sum.saturating_add(length))
    }

    /// The memory for reading, less the result or its writer. Fails if the result does not fit.
    fn budget(&self, place: &Place, ctx: &Context) -> Result<u64> {
        let left = AnyDenseWriter::memory_left((self.dtype, self.len()), place, ctx)?;
        Ok(left.min(ctx.memory_left() / 2))
    }

    /// Lines interleaved at a time; 0 if a line is larger than a panel, or the matrices are simply concatenated.
    fn height(&self, budget: u64) -> usize {
        if self.along || self.length() == 0 {
            return 0;
        }
        (self.panel(budget) / self.length()).min(self.lines)
    }

    /// The parts of the matrices in the order of the result.
    fn panels(&self, budget: u64) -> Vec<Vec<ArrayRange>> {
        if self.len() == 0 {
            return Vec::new();
        }
        let (size, bytes) = (self.dtype.size(), bytes_within(budget));
        match self.height(budget) {
            0 if self.along => {
                packed(self.sizes.iter().enumerate().map(|(k, &size)| (k, 0..size)), size, bytes)
            }
            0 => {
                packed((0..self.lines).flat_map(|line| self.of_lines(line..line + 1)), size, bytes)
            }
            height => (0..self.lines)
                .step_by(height)
                .map(|line| self.of_lines(line..self.lines.min(line + height)).collect())
                .collect(),
        }
    }

    /// The part of each matrix in some lines.
    fn of_lines(&self, lines: Range<usize>) -> impl Iterator<Item = ArrayRange> {
        let lengths = self.lengths.iter().enumerate();
        lengths.map(move |(array, length)| (array, lines.start * length..lines.end * length))
    }

    /// Elements of a panel with a part of each matrix.
    fn panel(&self, budget: u64) -> usize {
        // Every part is read in whole sectors.
        let most = bytes_within(budget).saturating_sub(self.sizes.len() * PADDING);
        panel_elements(most, &[self.dtype.size()])
    }

    /// Interleaves some lines of every matrix.
    fn interleave(&self, parts: &[Raw<'_>], made: RawMut<'_>) {
        by_size!(made.width(), W => self.interleave_lines::<W>(parts, carriers_mut(made)));
    }

    fn interleave_lines<const W: usize>(&self, parts: &[Raw<'_>], made: &mut [Carrier<W>]) {
        let parts: Vec<&[Carrier<W>]> = parts.iter().map(Raw::carriers).collect();
        made.par_chunks_mut(self.length()).enumerate().with_min_len(16).for_each(|(line, row)| {
            let mut rest = row;
            for (part, &length) in parts.iter().zip(&self.lengths) {
                let to;
                (to, rest) = rest.split_at_mut(length);
                to.copy_from_slice(&part[line * length..][..length]);
            }
        });
    }
}
