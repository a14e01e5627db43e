//! A simple reference implementation of every kernel: sequential, checked, a few lines each.
//!
//! Tests compare the fast kernels with these. Nothing else may call them.

use std::collections::BTreeMap;

use crate::linalg::algebra::{Factor, Scalar, Semiring};
use crate::linalg::kernels::panel::{OutOfRange, Panel};
use crate::linalg::kernels::update::{Conjugation, Update};
use crate::storage::Index;

/// Y = A X, or Y += A X; X is ncols x k, Y nrows x k, both row-major.
pub(crate) fn gather<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<(), OutOfRange> {
    for i in 0..a.nrows() {
        for column in 0..k {
            let mut sum = X::zero();
            for n in a.row(i)? {
                let j = a.indices[n].to_usize();
                sum += entries.times(a.values[n], *x.get(j * k + column).ok_or(OutOfRange)?);
            }
            update.apply(sum, &mut y[i * k + column]);
        }
    }
    Ok(())
}

/// Y = Aᵀ X, or Y += Aᵀ X; X is nrows x k, Y ncols x k, both row-major. Every sum runs over the rows in order.
pub(crate) fn scatter<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<(), OutOfRange> {
    update.prepare(y);
    for i in 0..a.nrows() {
        for n in a.row(i)? {
            for column in 0..k {
                let j = a.indices[n].to_usize();
                let term = entries.times(a.values[n], x[i * k + column]);
                *y.get_mut(j * k + column).ok_or(OutOfRange)? += term;
            }
        }
    }
    Ok(())
}

/// Y = A X, or Y += A X for a dense A with `ncols` numbers per row and `stride` from row to row.
pub(crate) fn dense_gather<T: Factor<X>, X: Scalar>(
    (a, ncols, stride): (&[T], usize, usize),
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) {
    for i in 0..y.len() / k {
        for column in 0..k {
            let terms = (0..ncols).map(|j| entries.times(a[i * stride + j], x[j * k + column]));
            update.apply(terms.sum(), &mut y[i * k + column]);
        }
    }
}

/// Y = Aᵀ X, or Y += Aᵀ X for a dense A.
pub(crate) fn dense_scatter<T: Factor<X>, X: Scalar>(
    (a, ncols, stride): (&[T], usize, usize),
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) {
    for j in 0..ncols {
        for column in 0..k {
            let rows = 0..x.len() / k;
            let terms = rows.map(|i| entries.times(a[i * stride + j], x[i * k + column]));
            update.apply(terms.sum(), &mut y[j * k + column]);
        }
    }
}

/// The rows of A B, each as its columns in order and their sums.
pub(crate) fn spgemm<S: Semiring, I: Index>(
    semiring: S,
    a: Panel<'_, S::Left, I>,
    b: Panel<'_, S::Right, I>,
) -> Result<Vec<BTreeMap<usize, S::Sum>>, OutOfRange> {
    let mut rows = vec![BTreeMap::new(); a.nrows()];
    for (i, sums) in rows.iter_mut().enumerate() {
        for n in a.row(i)? {
            let k = Some(a.indices[n].to_usize()).filter(|&k| k < b.nrows()).ok_or(OutOfRange)?;
            for m in b.row(k)? {
                let j = b.indices[m].to_usize();
                let sum = sums.entry(j).or_insert(semiring.zero());
                *sum = semiring.add(*sum, semiring.multiply(a.values[n], b.values[m]));
                if j >= b.columns() {
                    return Err(OutOfRange);
                }
            }
        }
    }
    Ok(rows)
}
