//! A dense array written from its first element to its last, at any place: one sequential write, whatever its size.

use crate::dense::any_dense::AnyDense;
use crate::dense::base::ARRAY;
use crate::error::Result;
use crate::storage::raw::Raw;
use crate::storage::{Context, DType, Maker, NpyHeader, Order, Place, Plan, RawWriter, Stage};

/// Takes the elements of an array in memory order.
pub(crate) struct AnyDenseWriter {
    stage: Stage,
    writer: RawWriter,
    header: NpyHeader,
}

impl AnyDenseWriter {
    /// An array of a type, a shape and an order. Fails if memory or disk space is insufficient.
    pub(crate) fn new(
        place: &Place,
        what: (DType, &[usize], Order),
        ctx: &Context,
    ) -> Result<Self> {
        Self::started(place, what, true, ctx)
    }

    /// An array of approximately this shape, for which disk space is reserved.
    pub(crate) fn growing(
        place: &Place,
        what: (DType, &[usize], Order),
        ctx: &Context,
    ) -> Result<Self> {
        Self::started(place, what, false, ctx)
    }

    fn started(
        place: &Place,
        (dtype, shape, order): (DType, &[usize], Order),
        exact: bool,
        ctx: &Context,
    ) -> Result<Self> {
        let header = NpyHeader::new(dtype, shape, order);
        let stage = Stage::file(place, ctx)?;
        let writer = stage.writer(ARRAY, dtype, &header, exact)?;
        Ok(AnyDenseWriter { stage, writer, header })
    }

    /// Memory for writing this many elements to `place`, including the result if that is memory.
    pub(crate) fn memory((dtype, len): (DType, usize), place: &Place, ctx: &Context) -> u64 {
        Stage::memory(&[dtype.bytes_of(len)], place, ctx)
    }

    /// The memory left for the work while an array of this many elements is made at `place`. Fails if the result goes to
    /// memory and does not fit.
    pub(crate) fn memory_left(what: (DType, usize), place: &Place, ctx: &Context) -> Result<u64> {
        Stage::memory_left(&[what.0.bytes_of(what.1)], place, ctx)
    }

    /// Adds writing an array of this many elements to a plan.
    pub(crate) fn plan(plan: Plan, what: (DType, usize), place: &Place, ctx: &Context) -> Plan {
        Stage::plan(plan, &[what.0.bytes_of(what.1)], place, ctx)
    }

    /// Appends the next elements.
    pub(crate) fn push(&mut self, elements: Raw<'_>) -> Result<()> {
        self.writer.push(elements)
    }

    /// The finished array. Fails if elements are missing.
    pub(crate) fn finish(self) -> Result<AnyDense> {
        let AnyDenseWriter { stage, writer, header } = self;
        let buffer = stage.finish_writer(ARRAY, writer, &header)?;
        stage.publish(ARRAY)?;
        Ok(AnyDense { buffer, shape: header.shape, order: header.order })
    }

    /// The finished array, with its final shape.
    pub(crate) fn finish_as(mut self, shape: &[usize]) -> Result<AnyDense> {
        self.header = NpyHeader::new(self.header.dtype, shape, self.header.order);
        self.finish()
    }
}

impl Maker for AnyDenseWriter {
    type What<'w> = (DType, &'w [usize], Order);
    type Filled = ();
    type Made = AnyDense;

    fn arrays((dtype, shape, order): Self::What<'_>, _: &Place) -> Result<Vec<u64>> {
        Ok(vec![dtype.bytes_of(NpyHeader::new(dtype, shape, order).len())])
    }

    fn start(what: Self::What<'_>, place: &Place, ctx: &Context) -> Result<Self> {
        Self::new(place, what, ctx)
    }

    fn end(self, (): ()) -> Result<AnyDense> {
        self.finish()
    }
}
