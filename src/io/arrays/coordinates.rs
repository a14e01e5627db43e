//! Coordinate matrices of three arrays.

use crate::any::{AnyMatrix, check_known};
use crate::error::Result;
use crate::io::arrays::array::ForeignArray;
use crate::io::arrays::compressed::at_least;
use crate::io::arrays::values::ForeignValues;
use crate::io::read_as::ReadAs;
use crate::sparse::{AnyCoo, AnyCooWriter, check_types};
use crate::storage::work;
use crate::storage::{Context, DType, Pass, Place, Plan};

/// A coordinate matrix in a file.
pub(in crate::io) struct ForeignCoordinates {
    pub(in crate::io) shape: (usize, usize),
    pub(in crate::io) rows: ForeignArray,
    pub(in crate::io) cols: ForeignArray,
    pub(in crate::io) values: ForeignValues,
}

/// The matrix: mapped if all its arrays can be used in place, else a copy at `place`.
///
/// Coordinates are checked while they are copied; those of a mapped matrix when they are first used.
pub(in crate::io) fn read(
    operation: &'static str,
    coordinates: &ForeignCoordinates,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let ForeignCoordinates { shape, rows, cols, values } = coordinates;
    let in_file = |error: crate::error::Error| error.in_file(rows.file().path());
    rows.check_line(None)?;
    let nnz = rows.len();
    cols.check_line(Some(nnz))?;
    values.check(nnz)?;
    if let Some(dtype) = values.dtype() {
        check_known(dtype, rows.file().path()).map_err(|error| values.blame(error))?;
    }
    let stored = match (rows.index_type()?, cols.index_type()?) {
        (DType::UInt32, DType::UInt32) => DType::UInt32,
        _ => DType::UInt64,
    };
    let index = at_least(stored, shape.0.max(shape.1));
    check_types((index, DType::UInt64), shape.0, shape.1, nnz).map_err(in_file)?;
    if rows.is_stored_as(index)
        && cols.is_stored_as(index)
        && let (Some(rows), Some(cols), Some(data)) =
            (rows.map_as(index)?, cols.map_as(index)?, values.map(nnz)?)
    {
        let matrix = AnyCoo::from_buffers(*shape, rows, cols, data).map_err(in_file)?;
        return Ok((AnyMatrix::Coo(matrix), ReadAs::Mapped));
    }
    let types = (values.dtype(), index);
    let plan = Plan::new(operation).works(nnz as u64, work::READ_SPARSE);
    let pass = Pass::new(values.plan(cols.plan(rows.plan(plan, ctx), ctx), ctx)).blaming(&in_file);
    let what = (types, *shape, nnz);
    let matrix = pass.make(what, place, ctx, &mut |writer: &mut AnyCooWriter| {
        rows.for_each_index((index, shape.0), ctx, &mut |run| writer.push_rows(run))?;
        cols.for_each_index((index, shape.1), ctx, &mut |run| writer.push_cols(run))?;
        values.for_each(nnz, ctx, &mut |run| writer.push_data(run))
    })?;
    Ok((AnyMatrix::Coo(matrix), ReadAs::Copied))
}
