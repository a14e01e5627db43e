//! A coordinate matrix written entry by entry, from the first to the last, at any place.

use crate::error::Result;
use crate::sparse::any_coo::{AnyCoo, CooTypes};
use crate::sparse::check::check_types;
use crate::sparse::files::{ValueWriter, index_header, stored_values, value_bytes};
use crate::sparse::types::on_disk;
use crate::storage::raw::Raw;
use crate::storage::{
    Context, DESCRIPTOR, DType, Descriptor, INDICES_FILE, Maker, Place, Plan, ROWS_FILE, RawWriter,
    SparseFormat, Stage,
};

/// Takes the entries of a coordinate matrix, in order.
pub(crate) struct AnyCooWriter {
    types: CooTypes,
    stage: Stage,
    shape: (usize, usize),
    rows: RawWriter,
    cols: RawWriter,
    data: ValueWriter,
}

impl AnyCooWriter {
    /// A matrix of `shape` with `nnz` entries, or with an unknown number.
    ///
    /// Fails if the index type is too narrow, or if memory or disk space is insufficient.
    pub(crate) fn new(
        (values, index): CooTypes,
        shape: (usize, usize),
        nnz: Option<usize>,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let (len, exact) = (nnz.unwrap_or(0), nnz.is_some());
        check_types((index, DType::UInt64), shape.0, shape.1, len)?;
        let stage = Stage::folder(place, ctx)?;
        let array = |name| stage.writer(name, index, &index_header(index, len), exact);
        Ok(AnyCooWriter {
            types: (values, index),
            rows: array(ROWS_FILE)?,
            cols: array(INDICES_FILE)?,
            data: ValueWriter::new(&stage, values, len, exact)?,
            stage,
            shape,
        })
    }

    /// Adds a matrix with `nnz` entries, made at `place`, to a plan.
    pub(crate) fn plan(
        plan: Plan,
        types: CooTypes,
        nnz: usize,
        place: &Place,
        ctx: &Context,
    ) -> Plan {
        Stage::plan(plan, &bytes_of_arrays(types, nnz, place), place, ctx)
    }

    /// Appends the next entries, whose coordinates are already checked.
    pub(crate) fn push(&mut self, rows: Raw<'_>, cols: Raw<'_>, data: Raw<'_>) -> Result<()> {
        self.rows.push(rows)?;
        self.cols.push(cols)?;
        self.data.push(data)
    }

    /// Appends the next rows; their columns and values are pushed separately.
    pub(crate) fn push_rows(&mut self, rows: Raw<'_>) -> Result<()> {
        self.rows.push(rows)
    }

    /// Appends the next columns.
    pub(crate) fn push_cols(&mut self, cols: Raw<'_>) -> Result<()> {
        self.cols.push(cols)
    }

    /// Appends the next values.
    pub(crate) fn push_data(&mut self, data: Raw<'_>) -> Result<()> {
        self.data.push(data)
    }

    /// The finished matrix.
    pub(crate) fn finish(self) -> Result<AnyCoo> {
        let AnyCooWriter { types: (values, index), stage, shape, rows, cols, data } = self;
        let nnz = rows.len();
        let descriptor = Descriptor {
            format: SparseFormat::Coo,
            nrows: shape.0,
            ncols: shape.1,
            nnz,
            pointers: None,
            indices: on_disk(index),
            values: stored_values(values),
        };
        let header = index_header(index, nnz);
        let rows = stage.finish_writer(ROWS_FILE, rows, &header)?;
        let cols = stage.finish_writer(INDICES_FILE, cols, &header)?;
        let data = data.finish(&stage)?;
        let matrix = AnyCoo::from_buffers(shape, rows, cols, data)?;
        stage.text(DESCRIPTOR, &|| descriptor.to_text())?;
        stage.publish(DESCRIPTOR)?;
        Ok(matrix)
    }
}

fn bytes_of_arrays((values, index): CooTypes, nnz: usize, place: &Place) -> [u64; 3] {
    let indices = index.bytes_of(nnz);
    [indices, indices, value_bytes(values, nnz, place)]
}

impl Maker for AnyCooWriter {
    /// Types, shape and number of entries.
    type What<'w> = (CooTypes, (usize, usize), usize);
    type Filled = ();
    type Made = AnyCoo;

    fn arrays((types, shape, nnz): Self::What<'_>, place: &Place) -> Result<Vec<u64>> {
        check_types((types.1, DType::UInt64), shape.0, shape.1, nnz)?;
        Ok(bytes_of_arrays(types, nnz, place).to_vec())
    }

    fn start((types, shape, nnz): Self::What<'_>, place: &Place, ctx: &Context) -> Result<Self> {
        Self::new(types, shape, Some(nnz), place, ctx)
    }

    fn end(self, (): ()) -> Result<AnyCoo> {
        self.finish()
    }
}
