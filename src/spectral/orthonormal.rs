//! Orthonormalization of long vectors by modified Gram–Schmidt, done twice, with the same bits for any number of threads.

use ndarray::Array2;
use num_traits::{Float, One, Zero};

use crate::dense::transpose_lines;
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{Scalar, is_safe, largest, norm, orthogonalize, power_of_two};
use crate::storage::Context;
use crate::storage::raw::{Raw, RawMut};

/// A vector whose remainder is below this many rounding errors was a combination of those before it.
const NOTHING_LEFT: f64 = 100.0;

/// Replaces `A` by `Q` with `A = Q R`; `columns` holds `k` consecutive columns of `length` elements.
///
/// A column that depends on those before it becomes 0, as does its row of `R`.
pub(super) fn orthonormalize<X: Scalar>(
    columns: &mut [X],
    (length, k): (usize, usize),
    ctx: &Context,
) -> Result<Array2<X>> {
    let mut r = Array2::zeros((k, k));
    if length == 0 {
        return Ok(r);
    }
    for j in 0..k {
        ctx.report("orthonormalizing", j as u64, k as u64)?;
        let (before, column) = columns.split_at_mut(j * length);
        let column = &mut column[..length];
        let whole = norm(column, ctx);
        let before: Vec<&[X]> = before.chunks_exact(length).collect();
        let parts = orthogonalize(&before, column, 1, ctx, |_| Ok(()))?;
        r.column_mut(j).iter_mut().zip(parts).for_each(|(r, part)| *r = part);
        let left = norm(column, ctx);
        let negligible = whole * X::Real::epsilon() * X::from_f64(NOTHING_LEFT).real();
        if left > negligible {
            // In two steps, because the inverse of a small number overflows.
            let near_one = power_of_two(left).0;
            let scale = X::from_real(X::Real::one() / (left * near_one));
            let near_one = X::from_real(near_one);
            column.iter_mut().for_each(|x| *x = *x * near_one * scale);
            r[[j, j]] = X::from_real(left);
        } else {
            column.fill(X::zero());
        }
    }
    Ok(r)
}

/// Multiplies by a power of two, if squares of the numbers would otherwise overflow or underflow; returns its inverse.
/// Fails if a number is not finite.
pub(super) fn bring_near_one<X: Scalar>(numbers: &mut [X], ctx: &Context) -> Result<X::Real> {
    let largest = largest(numbers, ctx);
    if !largest.is_finite() {
        return Err(Error::new(ErrorKind::Value, "a product with the operator is not finite"));
    }
    if largest.is_zero() || is_safe(largest * largest) {
        return Ok(X::Real::one());
    }
    let (scale, back) = power_of_two(largest);
    numbers.iter_mut().for_each(|x| *x = *x * X::from_real(scale));
    Ok(back)
}

/// Consecutive columns, `count` of them, as rows; or rows as columns.
pub(super) fn transposed<X: Scalar>(lines: &[X], count: usize, to: &mut [X], ctx: &Context) {
    if lines.is_empty() {
        return;
    }
    let length = lines.len() / count;
    let line = |k: usize| Raw::of(&lines[k * length..][..length]);
    ctx.with_threads(|| transpose_lines(RawMut::of(to), count, (0, count), &line));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::dot;

    #[test]
    fn columns_become_orthonormal_and_dependent_ones_zero() {
        let ctx = Context::new();
        let a: Vec<f64> =
            [[1.0, 1.0, 0.0, 2.0], [1.0, 1.0 + 1e-7, 0.0, 2.0], [2.0, 2.0, 0.0, 4.0]].concat();
        let mut q = a.clone();
        let r = orthonormalize(&mut q, (4, 3), &ctx).unwrap();
        assert!(dot(&q[..4], &q[4..8], &ctx).unwrap().abs() < 1e-15);
        assert_eq!(q[8..], [0.0; 4]);
        for j in 0..3 {
            for i in 0..4 {
                let found: f64 = (0..3).map(|l| q[l * 4 + i] * r[[l, j]]).sum();
                assert!((found - a[j * 4 + i]).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn transposing_there_and_back() {
        let rows: Vec<f64> = (0..3 * 1000).map(f64::from).collect();
        let (mut columns, mut back) = (vec![0.0; 3000], vec![0.0; 3000]);
        let ctx = Context::new();
        transposed(&rows, 1000, &mut columns, &ctx);
        assert_eq!(columns[..3], [0.0, 3.0, 6.0]);
        transposed(&columns, 3, &mut back, &ctx);
        assert_eq!(back, rows);
    }
}
