//! How the arrays of a sparse matrix are stored on disk: signed indices, complex numbers as pairs, no values for a
//! pattern.

use crate::error::Result;
use crate::sparse::types::{Types, on_disk};
use crate::storage::raw::Raw;
use crate::storage::{
    DType, Descriptor, NpyHeader, Order, Place, RawBuffer, RawBufferMut, RawWriter, SparseFormat,
    Stage, StoredValues, VALUES_FILE,
};

/// The header of an array of `len` indices or pointers.
pub(crate) fn index_header(indices: DType, len: usize) -> NpyHeader {
    NpyHeader::new(on_disk(indices), &[len], Order::C)
}

/// The types in which indices may be stored: signed as written here, or unsigned.
pub(crate) fn stored_index_types(indices: DType) -> [(DType, usize); 2] {
    [(on_disk(indices), 1), (indices, 1)]
}

/// The types in which values may be stored; the first is the one written. Complex numbers are pairs of reals as in
/// Binsparse, `bool` is NumPy's bool or Binsparse's unsigned bytes, all others are their own type.
pub(crate) fn stored_value_types(dtype: DType) -> Vec<(DType, usize)> {
    match dtype {
        DType::Complex64 => vec![(DType::Float32, 2), (DType::Complex64, 1)],
        DType::Complex128 => vec![(DType::Float64, 2), (DType::Complex128, 1)],
        DType::Bool => vec![(DType::Bool, 1), (DType::UInt8, 1)],
        other => vec![(other, 1)],
    }
}

/// Bytes of `nnz` values at a place; in a file a pattern has one value for all.
pub(crate) fn value_bytes(values: Option<DType>, nnz: usize, place: &Place) -> u64 {
    match values {
        Some(dtype) => dtype.bytes_of(nnz),
        None => u64::from(*place != Place::Memory),
    }
}

fn value_header(dtype: DType, len: usize) -> NpyHeader {
    let (stored, unit) = stored_value_types(dtype)[0];
    NpyHeader::new(stored, &[len.saturating_mul(unit)], Order::C)
}

/// The descriptor's entry for values of a type.
pub(crate) fn stored_values(values: Option<DType>) -> StoredValues {
    values.map_or(StoredValues::Iso(DType::Int8), StoredValues::Each)
}

/// The descriptor of a compressed matrix as it is written here.
pub(crate) fn describe(
    format: SparseFormat,
    (nrows, ncols): (usize, usize),
    nnz: usize,
    types: Types,
) -> Descriptor {
    let (pointers, values) = (Some(on_disk(types.pointers)), stored_values(types.values));
    Descriptor { format, nrows, ncols, nnz, pointers, indices: on_disk(types.indices), values }
}

/// A new array for `len` values; without bytes for a pattern.
pub(crate) fn new_values(stage: &Stage, values: Option<DType>, len: usize) -> Result<RawBufferMut> {
    match values {
        Some(dtype) => stage.array(VALUES_FILE, dtype, &value_header(dtype, len)),
        None => RawBufferMut::fresh(None, len),
    }
}

/// Ends the writing of values, cut to `len`; for a pattern, writes the one value for all.
pub(crate) fn finish_values(stage: &Stage, values: RawBufferMut, len: usize) -> Result<RawBuffer> {
    if let Some(dtype) = values.dtype() {
        return stage.finish(VALUES_FILE, values, &value_header(dtype, len));
    }
    write_iso(stage)?;
    Ok(values.freeze().slice(0..len))
}

/// Writes the one value for all entries of a pattern.
fn write_iso(stage: &Stage) -> Result<()> {
    let one = value_header(DType::Int8, 1);
    let mut value = stage.array(VALUES_FILE, DType::Int8, &one)?;
    value.as_mut().copy_from(Raw::of(&[1i8]));
    stage.finish(VALUES_FILE, value, &one)?;
    Ok(())
}

/// Takes values in order; those of a pattern are only counted.
pub(crate) enum ValueWriter {
    Each(Box<RawWriter>, DType),
    Iso(usize),
}

impl ValueWriter {
    /// A writer of about `nnz` values, or exactly `nnz` if `exact`.
    pub(crate) fn new(
        stage: &Stage,
        values: Option<DType>,
        nnz: usize,
        exact: bool,
    ) -> Result<Self> {
        Ok(match values {
            Some(dtype) => {
                let writer = stage.writer(VALUES_FILE, dtype, &value_header(dtype, nnz), exact)?;
                ValueWriter::Each(Box::new(writer), dtype)
            }
            None => ValueWriter::Iso(0),
        })
    }

    pub(crate) fn push(&mut self, values: Raw<'_>) -> Result<()> {
        match self {
            ValueWriter::Each(writer, _) => writer.push(values),
            ValueWriter::Iso(count) => {
                *count += values.len();
                Ok(())
            }
        }
    }

    pub(crate) fn finish(self, stage: &Stage) -> Result<RawBuffer> {
        match self {
            ValueWriter::Each(writer, dtype) => {
                let header = value_header(dtype, writer.len());
                stage.finish_writer(VALUES_FILE, *writer, &header)
            }
            ValueWriter::Iso(count) => {
                write_iso(stage)?;
                Ok(RawBuffer::pattern(count))
            }
        }
    }
}
