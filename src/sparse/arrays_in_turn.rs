//! A compressed matrix whose arrays are written one after the other, as files of other programs hold them.

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::check::check_types;
use crate::sparse::files::{ValueWriter, describe, index_header};
use crate::sparse::types::Types;
use crate::storage::raw::Raw;
use crate::storage::{
    Context, DESCRIPTOR, INDICES_FILE, POINTERS_FILE, Place, SparseFormat, Stage,
};

/// An array of a compressed matrix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ArrayName {
    /// `major + 1` pointers, the first of which is 0.
    Pointers,
    Indices,
    Values,
}

/// Appends the next elements of an array.
pub(crate) type Push<'a> = &'a mut dyn FnMut(Raw<'_>) -> Result<()>;

/// Makes a compressed matrix with `nnz` entries: `fill` is called for pointers, indices and values, in this order, and
/// pushes all elements of each. The pointers are checked; the caller checks the indices.
pub(crate) fn arrays_in_turn(
    (format, types): (SparseFormat, Types),
    shape: (usize, usize),
    nnz: usize,
    place: &Place,
    ctx: &Context,
    fill: &mut dyn FnMut(ArrayName, Push<'_>) -> Result<()>,
) -> Result<AnyCompressed> {
    let (major, minor) = format.swap_if_cols(shape);
    check_types((types.indices, types.pointers), major, minor, nnz)?;
    let stage = Stage::folder(place, ctx)?;
    let mut array = |part, name, dtype, len| {
        let header = index_header(dtype, len);
        let mut writer = stage.writer(name, dtype, &header, true)?;
        fill(part, &mut |elements| writer.push(elements))?;
        stage.finish_writer(name, writer, &header)
    };
    let indptr = array(ArrayName::Pointers, POINTERS_FILE, types.pointers, major + 1)?;
    let indices = array(ArrayName::Indices, INDICES_FILE, types.indices, nnz)?;
    let mut values = ValueWriter::new(&stage, types.values, nnz, true)?;
    fill(ArrayName::Values, &mut |elements| values.push(elements))?;
    let data = values.finish(&stage)?;
    let matrix = AnyCompressed::from_buffers(format, shape, indptr, indices, data)?;
    stage.text(DESCRIPTOR, &|| describe(format, shape, nnz, types).to_text())?;
    stage.publish(DESCRIPTOR)?;
    Ok(matrix)
}
