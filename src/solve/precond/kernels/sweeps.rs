//! Substitution with the triangles of a block, for one vector or several.
//!
//! ```text
//! forward:   from the first row on   yᵢ = finish(yᵢ, Σ_{j<i} aᵢⱼ yⱼ)
//! backward:  from the last row on    yᵢ = finish(yᵢ, Σ_{j>i} aᵢⱼ yⱼ)
//! ```
//!
//! Those with the adjoint of a triangle go through the same rows, which are its columns: a row that is done is
//! subtracted, times its number, from all that need it.

use crate::linalg::Scalar;
use crate::solve::precond::kernels::block::BlockRows;

/// Vectors whose sums are kept in registers.
const LANES: usize = 8;

/// Which factors a block holds, and how they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factors<R> {
    /// L without its unit diagonal and U, with the inverse of each pivot on the diagonal: `U⁻¹ L⁻¹`.
    Lu,
    /// L with the inverse of each pivot on the diagonal: `L⁻ᴴ L⁻¹`.
    Cholesky,
    /// The matrix itself with its diagonal inverted: `ω (2−ω) (D+ωU)⁻¹ D (D+ωL)⁻¹`.
    Relaxation(R),
}

/// Replaces `k` interleaved vectors by their products with the inverse of the factors, or with its adjoint.
pub(crate) fn apply<X: Scalar>(
    block: &BlockRows<'_, &[X]>,
    factors: Factors<X::Real>,
    adjoint: bool,
    k: usize,
    y: &mut [X],
) {
    let inverse = |row: usize| block.data[block.diagonal_at(row)];
    let last = |row: usize, own: X, sum: X| (own - sum) * inverse(row);
    let conjugate = |row: usize, own: X| own * inverse(row).conj();
    match (factors, adjoint) {
        (Factors::Lu, false) => {
            forward(block, k, y, |_, own, sum| own - sum);
            backward(block, k, y, last);
        }
        (Factors::Lu, true) => {
            forward_adjoint(block, k, y, conjugate);
            backward_adjoint(block, k, y, |_, own| own);
        }
        (Factors::Cholesky, _) => {
            forward(block, k, y, last);
            backward_adjoint(block, k, y, conjugate);
        }
        (Factors::Relaxation(omega), false) => {
            let two = X::one().real() + X::one().real();
            let (omega, rest) = (X::from_real(omega), X::from_real(two - omega));
            forward(block, k, y, |row, own, sum| (own - sum) * (omega * inverse(row)));
            // (2−ω) D/ω and the division by D/ω are one factor.
            backward(block, k, y, |row, own, sum| rest * own - sum * (omega * inverse(row)));
        }
        (Factors::Relaxation(omega), true) => {
            let two = X::one().real() + X::one().real();
            let (scale, omega) = (X::from_real((two - omega) / omega), X::from_real(omega));
            forward_adjoint(block, k, y, |row, own| own * (omega * inverse(row).conj()));
            for (row, y) in y.chunks_exact_mut(k.max(1)).enumerate() {
                let diagonal = scale / inverse(row).conj();
                y.iter_mut().for_each(|y| *y = *y * diagonal);
            }
            backward_adjoint(block, k, y, |row, own| own * (omega * inverse(row).conj()));
        }
    }
}

/// The largest triangle below the diagonal, from the first row to the last.
#[inline(always)]
fn forward<X: Scalar>(
    block: &BlockRows<'_, &[X]>,
    k: usize,
    y: &mut [X],
    finish: impl Fn(usize, X, X) -> X + Copy,
) {
    for row in 0..block.len() {
        let (indices, data, diagonal) = block.row(row);
        let (done, own) = y.split_at_mut(row * k);
        let own = &mut own[..k];
        gather((&indices[..diagonal], &data[..diagonal]), k, done, 0, own, |own, sum| {
            finish(row, own, sum)
        });
    }
}

/// The triangle above the diagonal, from the last row to the first.
#[inline(always)]
fn backward<X: Scalar>(
    block: &BlockRows<'_, &[X]>,
    k: usize,
    y: &mut [X],
    finish: impl Fn(usize, X, X) -> X + Copy,
) {
    for row in (0..block.len()).rev() {
        let (indices, data, diagonal) = block.row(row);
        let (before, done) = y.split_at_mut((row + 1) * k);
        let own = &mut before[row * k..];
        let above = (&indices[diagonal + 1..], &data[diagonal + 1..]);
        gather(above, k, done, row + 1, own, |own, sum| finish(row, own, sum));
    }
}

/// Finishes a row with the sum of its entries times the rows of `done`, whose first is row `first`.
#[inline(always)]
pub(super) fn gather<X: Scalar>(
    (indices, data): (&[u32], &[X]),
    k: usize,
    done: &[X],
    first: usize,
    own: &mut [X],
    finish: impl Fn(X, X) -> X + Copy,
) {
    if k == 1 {
        let products = indices.iter().zip(data).map(|(&j, &a)| a * done[j as usize - first]);
        let sum = products.fold(X::zero(), |sum, product| sum + product);
        own[0] = finish(own[0], sum);
        return;
    }
    for (lane, own) in own.chunks_mut(LANES).enumerate() {
        let mut sums = [X::zero(); LANES];
        let sums = &mut sums[..own.len()];
        for (&j, &a) in indices.iter().zip(data) {
            let start = (j as usize - first) * k + lane * LANES;
            let from = &done[start..start + own.len()];
            sums.iter_mut().zip(from).for_each(|(sum, &y)| *sum += a * y);
        }
        own.iter_mut().zip(&*sums).for_each(|(own, &sum)| *own = finish(*own, sum));
    }
}

/// The adjoint of the triangle above the diagonal, which is below it: from the first row to the last.
#[inline(always)]
fn forward_adjoint<X: Scalar>(
    block: &BlockRows<'_, &[X]>,
    k: usize,
    y: &mut [X],
    finish: impl Fn(usize, X) -> X + Copy,
) {
    for row in 0..block.len() {
        let (indices, data, diagonal) = block.row(row);
        let (before, rest) = y.split_at_mut((row + 1) * k);
        let own = &mut before[row * k..];
        own.iter_mut().for_each(|own| *own = finish(row, *own));
        scatter((&indices[diagonal + 1..], &data[diagonal + 1..]), k, own, (row + 1, rest));
    }
}

/// The adjoint of the triangle below the diagonal, which is above it: from the last row to the first.
#[inline(always)]
fn backward_adjoint<X: Scalar>(
    block: &BlockRows<'_, &[X]>,
    k: usize,
    y: &mut [X],
    finish: impl Fn(usize, X) -> X + Copy,
) {
    for row in (0..block.len()).rev() {
        let (indices, data, diagonal) = block.row(row);
        let (rest, own) = y.split_at_mut(row * k);
        let own = &mut own[..k];
        own.iter_mut().for_each(|own| *own = finish(row, *own));
        scatter((&indices[..diagonal], &data[..diagonal]), k, own, (0, rest));
    }
}

/// Subtracts the conjugate entries of a row, times its number, from the rows of `rest`, whose first is row `first`.
#[inline(always)]
fn scatter<X: Scalar>(
    (indices, data): (&[u32], &[X]),
    k: usize,
    own: &[X],
    (first, rest): (usize, &mut [X]),
) {
    for (&j, &a) in indices.iter().zip(data) {
        let (start, a) = ((j as usize - first) * k, a.conj());
        let to = &mut rest[start..start + k];
        to.iter_mut().zip(own).for_each(|(to, &own)| *to -= a * own);
    }
}
