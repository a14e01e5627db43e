//! Locates a number that is not finite, only after one appeared in a result.

use crate::dense::Dense;
use crate::error::{Error, ErrorKind, Location};
use crate::linalg::{LinearOperator, Scalar, is_finite};
use crate::storage::Context;

/// The error for an operator whose product with finite vectors, `columns` of `nrows` numbers, is not finite.
///
/// The row is that of the product. One more product, with the adjoint, gives the column, unless several rows and
/// several columns have such numbers: zero times them is NaN too.
pub(super) fn not_finite<X: Scalar>(
    a: &impl LinearOperator<X>,
    columns: &[X],
    ctx: &Context,
) -> Error {
    let (nrows, ncols) = a.shape();
    let rows: Vec<usize> = (0..nrows)
        .filter(|&i| columns.iter().skip(i).step_by(nrows).any(|&x| !is_finite(x)))
        .collect();
    let Some(&row) = rows.first() else { return overflow() };
    let (mut unit, mut entries) = (vec![X::zero(); nrows], vec![X::zero(); ncols]);
    unit[row] = X::from_f64(1.0);
    if let Err(error) = a.apply_adjoint(&unit, &mut entries, ctx) {
        return error;
    }
    let bad: Vec<usize> = (0..ncols).filter(|&j| !is_finite(entries[j])).collect();
    match (rows.len(), &bad[..]) {
        (_, []) => overflow(),
        (1, [column, ..]) | (_, [column]) => at((row, *column)),
        _ => not_finite_at(format!("in row {row}")).at(Location::Row(row as u64)),
    }
}

/// The error for a dense matrix in which a number, or a sum, is not finite.
pub(super) fn not_finite_in<X: Scalar>(a: &Dense<X>) -> Error {
    match a.as_ndarray().indexed_iter().find(|(_, x)| !is_finite(**x)) {
        Some((place, _)) => at(place),
        None => overflow(),
    }
}

fn at((row, column): (usize, usize)) -> Error {
    not_finite_at(format!("row {row}, column {column}")).at(Location::Row(row as u64))
}

fn not_finite_at(place: String) -> Error {
    Error::new(ErrorKind::Value, "the matrix holds a number that is not finite").found(place)
}

fn overflow() -> Error {
    Error::new(ErrorKind::Value, "sums of the numbers of the matrix overflow")
        .remedy("scale the matrix down first")
}
