//! A dense array written from its first element to its last, at any place: one sequential write, whatever its size.

use std::marker::PhantomData;

use ndarray::Dimension;

use crate::dense::any_dense::AnyDense;
use crate::dense::base::{ARRAY, Dense};
use crate::error::Result;
use crate::storage::raw::Raw;
use crate::storage::{Context, DType, Element, NpyHeader, Order, Place, Plan, RawWriter, Stage};

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

    /// Adds writing an array of this many elements to a plan.
    pub(crate) fn plan(plan: Plan, what: (DType, usize), place: &Place, ctx: &Context) -> Plan {
        Stage::plan(plan, &[what.0.bytes_of(what.1)], false, place, ctx)
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

/// An [`AnyDenseWriter`] of a type and a number of dimensions known at compile time.
pub(crate) struct DenseWriter<T: Element, D> {
    any: AnyDenseWriter,
    kind: PhantomData<(T, D)>,
}

impl<T: Element, D: Dimension> DenseWriter<T, D> {
    /// As [`AnyDenseWriter::new`].
    pub(crate) fn new(place: &Place, shape: D, order: Order, ctx: &Context) -> Result<Self> {
        let any = AnyDenseWriter::new(place, (T::DTYPE, shape.slice(), order), ctx)?;
        Ok(DenseWriter { any, kind: PhantomData })
    }

    /// As [`AnyDenseWriter::memory`].
    pub(crate) fn memory(len: usize, place: &Place, ctx: &Context) -> u64 {
        AnyDenseWriter::memory((T::DTYPE, len), place, ctx)
    }

    /// As [`AnyDenseWriter::plan`].
    pub(crate) fn plan(plan: Plan, len: usize, place: &Place, ctx: &Context) -> Plan {
        AnyDenseWriter::plan(plan, (T::DTYPE, len), place, ctx)
    }

    /// Appends the next elements.
    pub(crate) fn push(&mut self, elements: &[T]) -> Result<()> {
        self.any.push(Raw::of(elements))
    }

    /// The finished array. Fails if elements are missing.
    pub(crate) fn finish(self) -> Result<Dense<T, D>> {
        self.any.finish().map(AnyDense::into_typed)
    }
}
