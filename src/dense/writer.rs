//! A dense array made from its first element to its last, at any place: one sequential write, whatever its size.

use ndarray::Dimension;

use crate::dense::base::{ARRAY, Dense, DenseBase};
use crate::error::Result;
use crate::storage::raw::Raw;
use crate::storage::{
    ArrayWriter, Context, Element, NpyHeader, Order, Place, Plan, Stage, bytes_of,
};

/// Bytes of a file before its elements.
const HEADER: u64 = 4096;

/// Takes the elements of an array in the order in which they lie.
pub(crate) struct DenseWriter<T: Element, D> {
    stage: Stage,
    writer: ArrayWriter<T>,
    header: NpyHeader,
    shape: D,
}

impl<T: Element, D: Dimension> DenseWriter<T, D> {
    /// An array of `shape` and `order`. Fails if there is not the memory or the disk space.
    pub(crate) fn new(place: &Place, shape: D, order: Order, ctx: &Context) -> Result<Self> {
        Self::started(place, shape, order, true, ctx)
    }

    /// An array of about `shape`, for which disk space is reserved.
    pub(super) fn growing(place: &Place, shape: D, order: Order, ctx: &Context) -> Result<Self> {
        Self::started(place, shape, order, false, ctx)
    }

    fn started(place: &Place, shape: D, order: Order, exact: bool, ctx: &Context) -> Result<Self> {
        let header = NpyHeader::new(T::DTYPE, shape.slice(), order);
        let stage = Stage::file(place, ctx)?;
        let writer = stage.writer(ARRAY, T::DTYPE, &header, exact)?;
        let writer = ArrayWriter::of(writer);
        Ok(DenseWriter { stage, writer, header, shape })
    }

    /// Memory that writing an array to `place` takes; that of the result if it is to live in memory.
    pub(crate) fn memory(len: usize, place: &Place, ctx: &Context) -> u64 {
        match place {
            Place::Memory => (len as u64).saturating_mul(size_of::<T>() as u64),
            _ => ArrayWriter::<T>::memory_beside(ctx.memory_left()),
        }
    }

    /// Adds writing an array of `len` elements to a plan.
    pub(crate) fn plan(plan: Plan, len: usize, place: &Place, ctx: &Context) -> Plan {
        let plan = plan.at(place, false).beside(Self::memory(len, place, ctx));
        match place {
            Place::Memory => plan,
            _ => plan.writes(HEADER.saturating_add(bytes_of::<T>(len))),
        }
    }

    /// Takes the next elements.
    pub(crate) fn push(&mut self, elements: &[T]) -> Result<()> {
        self.writer.push(elements)
    }

    /// Takes the next elements, of this type.
    pub(super) fn push_raw(&mut self, elements: Raw<'_>) -> Result<()> {
        self.writer.push_raw(elements)
    }

    /// The finished array. Fails if elements are missing.
    pub(crate) fn finish(self) -> Result<Dense<T, D>> {
        let shape = self.shape.clone();
        self.finish_as(shape)
    }

    /// The finished array, of the shape that it turned out to have.
    pub(super) fn finish_as(self, shape: D) -> Result<Dense<T, D>> {
        let DenseWriter { stage, writer, header, .. } = self;
        let header = NpyHeader::new(T::DTYPE, shape.slice(), header.order);
        let buffer = stage.finish_writer(ARRAY, writer.into_raw(), &header)?.into_typed();
        stage.publish(ARRAY)?;
        Ok(DenseBase { buffer, shape, order: header.order })
    }
}
