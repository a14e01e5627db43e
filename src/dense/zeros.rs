//! Dense arrays of zeros.

use ndarray::{Dimension, IntoDimension};

use crate::dense::any_dense::AnyDense;
use crate::dense::base::Dense;
use crate::dense::writer::AnyDenseWriter;
use crate::error::Result;
use crate::storage::work;
use crate::storage::{Context, DType, Element, NpyHeader, Order, Place, Plan};

/// Zeros written at a time.
const STEP: usize = 1 << 12;

impl<T: Element, D: Dimension> Dense<T, D> {
    /// An array of zeros with this shape, at any place.
    ///
    /// Cost: one sequential write; in memory none, because the system provides zero pages on first use.
    /// For a writable array use [`DenseMut::create`](crate::DenseMut::create).
    ///
    /// ```
    /// use outcore::{Context, Dense, Order, Place};
    /// let a: Dense<f64> = Dense::zeros((2, 3), Order::C, Place::Memory, &Context::new())?;
    /// assert_eq!((a.shape(), a.as_slice()), ((2, 3), &[0.0; 6][..]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn zeros(
        shape: impl IntoDimension<Dim = D>,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let shape = shape.into_dimension();
        zeros((T::DTYPE, shape.slice(), order), &place.into(), ctx).map(AnyDense::into_typed)
    }
}

fn zeros(
    (dtype, shape, order): (DType, &[usize], Order),
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let len = NpyHeader::new(dtype, shape, order).checked_bytes()? as usize / dtype.size();
    AnyDenseWriter::memory_left((dtype, len), place, ctx)?;
    let bytes = if *place == Place::Memory { 0 } else { dtype.bytes_of(len.min(STEP)) };
    let _running = ctx.begin(|| {
        let plan = Plan::new("zeros").holds(bytes).works(len as u64, work::FILL_DENSE);
        Ok(AnyDenseWriter::plan(plan, (dtype, len), place, ctx))
    })?;
    if *place == Place::Memory {
        let buffer = ctx.raw_zeros("the result", (Some(dtype), len))?.freeze();
        return Ok(AnyDense { buffer, shape: shape.to_vec(), order });
    }
    let mut writer = AnyDenseWriter::new(place, (dtype, shape, order), ctx)?;
    let zeros = ctx.raw_zeros("zeros", (Some(dtype), len.min(STEP)))?;
    for start in (0..len).step_by(STEP) {
        writer.push(zeros.as_raw().slice(0..STEP.min(len - start)))?;
        ctx.report("writing", start as u64, len as u64)?;
    }
    writer.finish()
}
