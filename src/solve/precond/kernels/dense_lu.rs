//! LU factors of small dense matrices, with partial pivoting, row by row.
//!
//! Source: Golub and Van Loan, "Matrix computations", algorithm 3.4.1.

use crate::linalg::Scalar;
use crate::solve::precond::kernels::block::inverse;

/// Factors the square matrix in the first columns of rows of `stride` numbers, with the inverse of each pivot on the
/// diagonal; `pivots` receives the row that was exchanged with each. Returns the column without a pivot if there is one.
pub(crate) fn factor<X: Scalar>(a: &mut [X], stride: usize, pivots: &mut [u32]) -> Option<usize> {
    let n = pivots.len();
    for col in 0..n {
        let mut pivot = col;
        for row in col + 1..n {
            if a[row * stride + col].abs() > a[pivot * stride + col].abs() {
                pivot = row;
            }
        }
        pivots[col] = pivot as u32;
        if pivot != col {
            let (upper, lower) = a.split_at_mut(pivot * stride);
            upper[col * stride..col * stride + n].swap_with_slice(&mut lower[..n]);
        }
        let Some(inverse) = inverse(a[col * stride + col]) else { return Some(col) };
        a[col * stride + col] = inverse;
        let (upper, lower) = a.split_at_mut((col + 1) * stride);
        let above = &upper[col * stride + col + 1..col * stride + n];
        for row in lower.chunks_mut(stride).take(n - col - 1) {
            let factor = row[col] * inverse;
            row[col] = factor;
            if !factor.is_zero() {
                row[col + 1..n].iter_mut().zip(above).for_each(|(a, &u)| *a -= factor * u);
            }
        }
    }
    None
}

/// Replaces `k` interleaved vectors by the solutions of systems with the factored matrix, or with its adjoint.
pub(crate) fn solve<X: Scalar>(
    (a, stride): (&[X], usize),
    pivots: &[u32],
    adjoint: bool,
    k: usize,
    y: &mut [X],
) {
    let n = pivots.len();
    let entry = |row: usize, col: usize| a[row * stride + col];
    if k == 1 && !adjoint {
        return solve_one((a, stride), pivots, y);
    }
    if !adjoint {
        for (row, &pivot) in pivots.iter().enumerate() {
            exchange(y, k, row, pivot as usize);
        }
        for row in 0..n {
            for col in 0..row {
                subtract(y, k, row, col, entry(row, col));
            }
        }
        for row in (0..n).rev() {
            for col in row + 1..n {
                subtract(y, k, row, col, entry(row, col));
            }
            let inverse = entry(row, row);
            y[row * k..][..k].iter_mut().for_each(|y| *y = *y * inverse);
        }
        return;
    }
    for row in 0..n {
        for col in 0..row {
            subtract(y, k, row, col, entry(col, row).conj());
        }
        let inverse = entry(row, row).conj();
        y[row * k..][..k].iter_mut().for_each(|y| *y = *y * inverse);
    }
    for row in (0..n).rev() {
        for col in row + 1..n {
            subtract(y, k, row, col, entry(col, row).conj());
        }
    }
    for (row, &pivot) in pivots.iter().enumerate().rev() {
        exchange(y, k, row, pivot as usize);
    }
}

/// As [`solve`], for one vector: each number from a sum along a row, in the same order.
fn solve_one<X: Scalar>((a, stride): (&[X], usize), pivots: &[u32], y: &mut [X]) {
    let n = pivots.len();
    let rest = |own: X, a: &[X], y: &[X]| a.iter().zip(y).fold(own, |own, (&a, &y)| own - a * y);
    for (row, &pivot) in pivots.iter().enumerate() {
        y.swap(row, pivot as usize);
    }
    for (row, a) in a.chunks(stride).take(n).enumerate() {
        let (done, own) = y.split_at_mut(row);
        own[0] = rest(own[0], &a[..row], done);
    }
    for (row, a) in a.chunks(stride).take(n).enumerate().rev() {
        let (before, done) = y.split_at_mut(row + 1);
        before[row] = rest(before[row], &a[row + 1..n], done) * a[row];
    }
}

/// Exchanges two rows of `k` numbers, the second not above the first.
fn exchange<X: Scalar>(y: &mut [X], k: usize, row: usize, other: usize) {
    if other > row {
        let (upper, lower) = y.split_at_mut(other * k);
        upper[row * k..][..k].swap_with_slice(&mut lower[..k]);
    }
}

/// Subtracts a multiple of one row of `k` numbers from another.
#[inline(always)]
fn subtract<X: Scalar>(y: &mut [X], k: usize, row: usize, other: usize, factor: X) {
    for c in 0..k {
        let from = y[other * k + c];
        y[row * k + c] -= factor * from;
    }
}
