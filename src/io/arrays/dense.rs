//! Dense matrices of one array.

use crate::any::{AnyMatrix, check_known};
use crate::dense::{AnyDense, AnyDenseWriter, check_dimensions};
use crate::error::Result;
use crate::io::arrays::array::ForeignArray;
use crate::io::read_as::ReadAs;
use crate::storage::work;
use crate::storage::{Context, Pass, Place, Plan};

/// The array as a matrix: mapped if it can be used in place, else a copy at `place`. An array of one dimension is a
/// column.
///
/// Fails if it has more than two dimensions.
pub(in crate::io) fn read(
    operation: &'static str,
    array: &ForeignArray,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let ForeignArray { dtype, shape, order, .. } = array;
    let blame = |error| array.blame(error);
    check_dimensions(shape).map_err(blame)?;
    check_known(*dtype, array.file().path()).map_err(blame)?;
    if let Some(buffer) = array.map_as(*dtype)? {
        let matrix = AnyDense { buffer, shape: shape.clone(), order: *order };
        return Ok((AnyMatrix::Dense(matrix.as_matrix()?), ReadAs::Mapped));
    }
    let plan = Plan::new(operation).works(array.len() as u64, work::READ_DENSE);
    let pass = Pass::new(array.plan(plan, ctx)).blaming(&blame);
    let what = (*dtype, &shape[..], *order);
    let matrix = pass.make(what, place, ctx, &mut |writer: &mut AnyDenseWriter| {
        array.for_each(ctx, &mut |elements| writer.push(elements))
    })?;
    Ok((AnyMatrix::Dense(matrix.as_matrix()?), ReadAs::Copied))
}
