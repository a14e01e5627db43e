//! Matrices that a Binsparse descriptor describes, in whatever container the arrays are.

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::array::ForeignArray;
use crate::io::arrays::compressed::{ForeignLines, read as read_lines};
use crate::io::arrays::coordinates::{ForeignCoordinates, read as read_coordinates};
use crate::io::arrays::mirror::mirror;
use crate::io::arrays::values::ForeignValues;
use crate::io::read_as::ReadAs;
use crate::storage::{Context, DType, Descriptor, Place, SparseFormat, StoredValues};

/// Arrays that are found by their names.
pub(in crate::io) trait Named {
    /// The array of a name. Fails if there is none.
    fn array(&self, name: &str) -> Result<ForeignArray>;
}

/// The matrix of a descriptor and its arrays.
pub(in crate::io) fn read(
    operation: &'static str,
    descriptor: &str,
    arrays: &dyn Named,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let (descriptor, half) = Descriptor::parse_any(descriptor.as_bytes())?;
    let Some(half) = half else {
        return read_stored(operation, &descriptor, arrays, place, ctx);
    };
    // An entry as coordinates with its value, in both triangles.
    let extra = ctx.aside(2 * (16 + 16) * descriptor.nnz as u64);
    let (stored, _) = read_stored(operation, &descriptor, arrays, &extra, ctx)?;
    Ok((mirror(&stored, half, place, ctx)?, ReadAs::Copied))
}

/// The entries that are stored.
fn read_stored(
    operation: &'static str,
    descriptor: &Descriptor,
    arrays: &dyn Named,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let shape = (descriptor.nrows, descriptor.ncols);
    let indices = of_type(arrays.array("indices_1")?, descriptor.indices)?;
    if indices.len() != descriptor.nnz {
        return Err(indices
            .error(ErrorKind::Format, "the number of entries differs from the descriptor")
            .expected(descriptor.nnz)
            .found(indices.len()));
    }
    let values = values(descriptor, arrays, ctx)?;
    match descriptor.format {
        SparseFormat::Coo => {
            let rows = of_type(arrays.array("indices_0")?, descriptor.indices)?;
            let matrix = ForeignCoordinates { shape, rows, cols: indices, values };
            read_coordinates(operation, &matrix, place, ctx)
        }
        format => {
            let indptr = arrays.array("pointers_to_1")?;
            let indptr = match descriptor.pointers {
                Some(dtype) => of_type(indptr, dtype)?,
                None => indptr,
            };
            let lines = ForeignLines { format, shape, indptr, indices, values };
            read_lines(operation, &lines, place, ctx)
        }
    }
}

/// The values; a pattern if a single `int8` of 1 represents all.
fn values(descriptor: &Descriptor, arrays: &dyn Named, ctx: &Context) -> Result<ForeignValues> {
    let array = arrays.array("values")?;
    match descriptor.values {
        StoredValues::Each(dtype) => array.seen_as(dtype).map(ForeignValues::Each),
        StoredValues::Iso(dtype) => {
            let array = array.seen_as(dtype)?;
            let is_pattern = dtype == DType::Int8 && array.few_signed(1, ctx)? == [1];
            Ok(if is_pattern { ForeignValues::Pattern } else { ForeignValues::One(array) })
        }
    }
}

/// Fails unless an array has the type that the descriptor says.
fn of_type(array: ForeignArray, declared: DType) -> Result<ForeignArray> {
    match array.dtype == declared {
        true => Ok(array),
        false => Err(other_type(&array, declared)),
    }
}

fn other_type(array: &ForeignArray, declared: DType) -> Error {
    array
        .error(ErrorKind::Format, "the element type differs from the descriptor")
        .expected(declared)
        .found(array.dtype)
}
