//! A coordinate matrix made entry by entry, from the first to the last, at any place.

use std::marker::PhantomData;

use crate::error::Result;
use crate::sparse::check::check_widths;
use crate::sparse::coo::Coo;
use crate::sparse::files::{ValueWriter, index_header, stored_values};
use crate::sparse::types::on_disk;
use crate::storage::raw::Raw;
use crate::storage::{
    Context, DATA_START, DESCRIPTOR, Descriptor, Entry, INDICES_FILE, Index, Place, Plan,
    ROWS_FILE, RawWriter, SparseFormat, Stage,
};

/// Takes the entries of a coordinate matrix, in order.
pub(crate) struct CooWriter<T: Entry, I: Index> {
    stage: Stage,
    shape: (usize, usize),
    rows: RawWriter,
    cols: RawWriter,
    data: ValueWriter,
    types: PhantomData<(T, I)>,
}

impl<T: Entry, I: Index> CooWriter<T, I> {
    /// A matrix of `shape` with `nnz` entries.
    ///
    /// Fails if the index type is too narrow, or if there is not the memory or the disk space.
    pub(crate) fn new(
        shape: (usize, usize),
        nnz: usize,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        Self::started(shape, nnz, true, place, ctx)
    }

    /// A matrix of `shape` with entries of which nobody knows the number.
    pub(crate) fn growing(shape: (usize, usize), place: &Place, ctx: &Context) -> Result<Self> {
        Self::started(shape, 0, false, place, ctx)
    }

    fn started(
        shape: (usize, usize),
        nnz: usize,
        exact: bool,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        check_widths::<I, u64>(shape.0, shape.1, nnz)?;
        let stage = Stage::folder(place, ctx)?;
        Ok(CooWriter {
            rows: stage.writer(ROWS_FILE, I::DTYPE, &index_header(I::DTYPE, nnz), exact)?,
            cols: stage.writer(INDICES_FILE, I::DTYPE, &index_header(I::DTYPE, nnz), exact)?,
            data: ValueWriter::new(&stage, T::ENTRY_DTYPE, nnz, exact)?,
            types: PhantomData,
            stage,
            shape,
        })
    }

    /// Adds a matrix with `nnz` entries, made at `place`, to a plan.
    pub(crate) fn plan(plan: Plan, nnz: usize, place: &Place, ctx: &Context) -> Plan {
        let (plan, bytes) = (plan.at(place, true), Coo::<T, I>::bytes_of(nnz));
        match place {
            Place::Memory => plan.beside(bytes),
            _ => {
                let values = if T::ENTRY_DTYPE.is_some() { DATA_START } else { 1 };
                let memory = 3 * RawWriter::memory_beside(ctx.memory_left());
                plan.writes(bytes.saturating_add(2 * DATA_START + values)).beside(memory)
            }
        }
    }

    /// Takes the next entries, whose coordinates were checked.
    pub(crate) fn push(&mut self, rows: &[I], cols: &[I], data: &[T]) -> Result<()> {
        self.rows.push(Raw::of(rows))?;
        self.cols.push(Raw::of(cols))?;
        self.data.push(Raw::of(data))
    }

    /// Takes the next rows; their columns and values come by themselves.
    pub(super) fn push_rows(&mut self, rows: Raw<'_>) -> Result<()> {
        self.rows.push(rows)
    }

    /// Takes the next columns.
    pub(super) fn push_cols(&mut self, cols: Raw<'_>) -> Result<()> {
        self.cols.push(cols)
    }

    /// Takes the next values.
    pub(super) fn push_data(&mut self, data: Raw<'_>) -> Result<()> {
        self.data.push(data)
    }

    /// The finished matrix.
    pub(crate) fn finish(self) -> Result<Coo<T, I>> {
        let CooWriter { stage, shape, rows, cols, data, .. } = self;
        let nnz = rows.len();
        let descriptor = Descriptor {
            format: SparseFormat::Coo,
            nrows: shape.0,
            ncols: shape.1,
            nnz,
            pointers: None,
            indices: on_disk(I::DTYPE),
            values: stored_values(T::ENTRY_DTYPE),
        };
        let header = index_header(I::DTYPE, nnz);
        let rows = stage.finish_writer(ROWS_FILE, rows, &header)?;
        let cols = stage.finish_writer(INDICES_FILE, cols, &header)?;
        let data = data.finish(&stage)?;
        let matrix =
            Coo::from_buffers(shape, rows.into_typed(), cols.into_typed(), data.into_typed())?;
        stage.text(DESCRIPTOR, &descriptor.to_text())?;
        stage.publish(DESCRIPTOR)?;
        Ok(matrix)
    }
}
