//! The common type of two matrices.

use crate::any::dtype;
use crate::any::matrix::AnyMatrix;
use crate::error::Result;
use crate::sparse::{AnyCompressed, Types};
use crate::storage::{Context, DType};

/// The type for arithmetic with values of two types: `int64`, `float32`, `float64`, `complex64` or `complex128`;
/// that of a pattern is a pattern.
///
/// | two of | give |
/// |---|---|
/// | patterns | a pattern |
/// | `bool`, integers | `int64` |
/// | `float16`, `bfloat16`, `float32`; with `bool` and integers of 8 or 16 bits too | `float32` |
/// | any other real numbers | `float64` |
/// | `complex64`, and any that give `float32` | `complex64` |
/// | any other numbers | `complex128` |
///
/// A pattern combined with another type counts as ones of type `bool`. An integer of more than 2⁶³ − 1 does not fit
/// `int64` and is refused; one of more than 2⁵³ is rounded if combined with floating-point numbers.
pub(super) fn common(a: Option<DType>, b: Option<DType>) -> Option<DType> {
    if a.is_none() && b.is_none() {
        return None;
    }
    let both = [a, b].map(|dtype| dtype.unwrap_or(DType::Bool));
    let are = |test: &dyn Fn(DType) -> bool| both.iter().all(|&dtype| test(dtype));
    let narrow = are(&|dtype| match dtype {
        DType::Complex64 | DType::Float32 | DType::Float16 | DType::BFloat16 => true,
        _ => dtype.size() <= 2,
    });
    Some(match (are(&is_integer), are(&|dtype| !is_complex(dtype)), narrow) {
        (true, ..) => DType::Int64,
        (_, true, true) => DType::Float32,
        (_, true, false) => DType::Float64,
        (_, false, true) => DType::Complex64,
        (_, false, false) => DType::Complex128,
    })
}

/// As [`common`], for products of matrices: integers are multiplied as `float64`.
pub(super) fn common_number(a: Option<DType>, b: Option<DType>) -> Option<DType> {
    common(a, b).map(|dtype| if dtype == DType::Int64 { DType::Float64 } else { dtype })
}

pub(super) fn is_complex(dtype: DType) -> bool {
    matches!(dtype, DType::Complex64 | DType::Complex128)
}

fn is_integer(dtype: DType) -> bool {
    use DType::{Bool, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
    matches!(dtype, Bool | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64)
}

/// The matrix with values of another type, or its pattern if that is `None`; the matrix itself if it already has the
/// type. A copy is in memory if it fits in a quarter of the limit, otherwise in scratch space.
pub(super) fn bring(a: &AnyMatrix, dtype: Option<DType>, ctx: &Context) -> Result<AnyMatrix> {
    match dtype {
        Some(dtype) if a.dtype() != Some(dtype) => {
            let bytes = dtype.bytes_of(a.nnz());
            a.to_dtype(dtype, ctx.aside(bytes), ctx)
        }
        _ => Ok(a.clone()),
    }
}

/// Two compressed matrices with the wider of their indices and of their pointers.
pub(super) fn same_widths(
    a: &AnyCompressed,
    b: &AnyCompressed,
    ctx: &Context,
) -> Result<(AnyCompressed, AnyCompressed)> {
    let (of_a, of_b) = (a.types(), b.types());
    let indices = wider(of_a.indices, of_b.indices);
    let pointers = wider(of_a.pointers, of_b.pointers);
    let widened = |a: &AnyCompressed| {
        let types = Types { indices, pointers, ..a.types() };
        if types == a.types() {
            return Ok(a.clone());
        }
        let place = ctx.aside(types.bytes_of(a.major(), a.nnz()));
        dtype::lines(a, types, &place, ctx)
    };
    Ok((widened(a)?, widened(b)?))
}

/// The wider of two types of indices.
pub(super) fn wider(a: DType, b: DType) -> DType {
    if a.size() >= b.size() { a } else { b }
}
