//! Matrix Market files as matrices of any type.

use num_complex::Complex;

use crate::any::AnyMatrix;
use crate::error::Result;
use crate::io::matrix_market::{Field, Format, Header, Number, Reader};
use crate::storage::{Context, Element, Index, Place};

/// The matrix of a file, of the types that its header says.
pub(in crate::io) fn read(file: &Reader, place: &Place, ctx: &Context) -> Result<AnyMatrix> {
    match (file.header().field, file.header().unsigned) {
        (Field::Pattern, _) => read_lines::<()>(file, place, ctx),
        (Field::Integer, false) => read_numbers::<i64>(file, place, ctx),
        (Field::Integer, true) => read_numbers::<u64>(file, place, ctx),
        (Field::Real, _) => read_numbers::<f64>(file, place, ctx),
        (Field::Complex, _) => read_numbers::<Complex<f64>>(file, place, ctx),
    }
}

fn read_numbers<T: Number + Element>(
    file: &Reader,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    match file.header().format {
        Format::Array => file.read_dense::<T>(place.clone(), ctx).map(AnyMatrix::from),
        Format::Coordinate => read_lines::<T>(file, place, ctx),
    }
}

fn read_lines<T: Number>(file: &Reader, place: &Place, ctx: &Context) -> Result<AnyMatrix> {
    let Header { nrows, ncols, .. } = *file.header();
    let most = (nrows.max(ncols) as u64).max(file.header().expanded_upper_bound());
    match most <= u32::LARGEST as u64 {
        true => file.read_csr::<T, u32, u32>(place.clone(), ctx).map(AnyMatrix::from),
        false => file.read_csr::<T, u64, u64>(place.clone(), ctx).map(AnyMatrix::from),
    }
}
