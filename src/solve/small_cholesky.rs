//! Cholesky factors of small Hermitian matrices with complete pivoting, which show the rank: Gram matrices of blocks.
//!
//! ```text
//! G = D Π Uᴴ U Πᵀ D    with D² the diagonal of G, U upper trapezoidal with as many rows as the rank
//! S = U Πᵀ D           rank × k:  Sᴴ S = G
//! T = D⁻¹ Π U₁⁻¹       k × rank:  Tᴴ G T = 1, and T Tᴴ = G⁻¹ at full rank
//! ```
//!
//! Source: Higham, "Analysis of the Cholesky decomposition of a semi-definite matrix" (1990).

use num_traits::{Float, One, Zero};

use crate::linalg::{Scalar, is_finite};

/// A pivot, of a matrix with ones on its diagonal, that rounding errors alone can make, in units of the rounding error
/// and per column.
const NOTHING_LEFT: f64 = 16.0;

/// The factors of a matrix of `k` rows, stored by rows.
pub(super) struct SmallCholesky<X: Scalar> {
    k: usize,
    /// The number of pivots.
    pub(super) rank: usize,
    /// The smallest pivot, of a matrix with ones on its diagonal; 1 without pivots.
    pub(super) least: X::Real,
    /// Whether a pivot was negative, by more than the rounding errors of an ill-conditioned matrix.
    pub(super) is_indefinite: bool,
    /// Whether all numbers are finite.
    pub(super) is_finite: bool,
    /// The rows in the order of their pivots.
    order: Vec<usize>,
    /// `U`, with its columns in the order of the pivots.
    upper: Vec<X>,
    /// `D`.
    sizes: Vec<X::Real>,
}

impl<X: Scalar> SmallCholesky<X> {
    /// Factors a matrix, of which the Hermitian part is used. Rows whose pivot is nothing but rounding are left out.
    pub(super) fn new(g: &[X], k: usize) -> Self {
        let (zero, one) = (X::Real::zero(), X::Real::one());
        let diagonal: Vec<X::Real> = (0..k).map(|i| g[i * k + i].real()).collect();
        let sizes: Vec<X::Real> = diagonal.iter().map(|d| d.max(zero).sqrt()).collect();
        let mut found = SmallCholesky {
            k,
            rank: 0,
            least: one,
            is_indefinite: diagonal.iter().any(|&d| d < zero),
            is_finite: g.iter().all(|&x| is_finite(x)),
            order: (0..k).collect(),
            upper: vec![X::zero(); k * k],
            sizes,
        };
        if !found.is_finite {
            return found;
        }
        let half = X::from_f64(0.5);
        let entry = |i: usize, j: usize| {
            let size = found.sizes[i] * found.sizes[j];
            match size > zero {
                true => (g[i * k + j] + g[j * k + i].conj()) * half / X::from_real(size),
                false => X::zero(),
            }
        };
        let mut rest: Vec<X> = (0..k * k).map(|at| entry(at / k, at % k)).collect();
        let nothing = X::Real::epsilon() * X::from_f64(NOTHING_LEFT * k as f64).real();
        for step in 0..k {
            let of = |at: usize, rest: &[X], order: &[usize]| rest[order[at] * (k + 1)].real();
            let mut pivot = step;
            for at in step + 1..k {
                if of(at, &rest, &found.order) > of(pivot, &rest, &found.order) {
                    pivot = at;
                }
            }
            let largest = of(pivot, &rest, &found.order);
            if largest <= nothing {
                let limit = -X::Real::epsilon().sqrt();
                found.is_indefinite |= (step..k).any(|at| of(at, &rest, &found.order) < limit);
                break;
            }
            found.order.swap(step, pivot);
            (0..step).for_each(|row| found.upper.swap(row * k + step, row * k + pivot));
            found.least = found.least.min(largest);
            let root = largest.sqrt();
            found.upper[step * k + step] = X::from_real(root);
            let own = found.order[step];
            for at in step + 1..k {
                let other = found.order[at];
                found.upper[step * k + at] = rest[own * k + other] / X::from_real(root);
            }
            for i in step + 1..k {
                for j in step + 1..k {
                    let (a, b) = (found.upper[step * k + i], found.upper[step * k + j]);
                    rest[found.order[i] * k + found.order[j]] -= a.conj() * b;
                }
            }
            found.rank += 1;
        }
        found
    }

    /// `S`, `rank × k`.
    pub(super) fn factor(&self) -> Vec<X> {
        let mut s = vec![X::zero(); self.rank * self.k];
        for row in 0..self.rank {
            for (at, &col) in self.order.iter().enumerate().skip(row) {
                let size = X::from_real(self.sizes[col]);
                s[row * self.k + col] = self.upper[row * self.k + at] * size;
            }
        }
        s
    }

    /// `T`, `k × rank`.
    pub(super) fn inverse(&self) -> Vec<X> {
        let (k, rank) = (self.k, self.rank);
        let mut t = vec![X::zero(); k * rank];
        for col in 0..rank {
            // U₁ v = e, from the last row to the first.
            let mut v = vec![X::zero(); col + 1];
            v[col] = X::one();
            for row in (0..=col).rev() {
                v[row] = v[row] / self.upper[row * k + row];
                let own = v[row];
                let column = self.upper.iter().skip(row).step_by(k);
                v[..row].iter_mut().zip(column).for_each(|(v, &entry)| *v -= entry * own);
            }
            for (row, v) in v.into_iter().enumerate() {
                let to = self.order[row];
                t[to * rank + col] = v / X::from_real(self.sizes[to]);
            }
        }
        t
    }
}

/// `A B`, of `m × k` and `k × l` numbers stored by rows.
pub(super) fn times<X: Scalar>(a: &[X], b: &[X], (m, k, l): (usize, usize, usize)) -> Vec<X> {
    let mut c = vec![X::zero(); m * l];
    for i in 0..m {
        for j in 0..k {
            let factor = a[i * k + j];
            let row = &b[j * l..(j + 1) * l];
            c[i * l..(i + 1) * l].iter_mut().zip(row).for_each(|(c, &b)| *c += factor * b);
        }
    }
    c
}

/// `Aᴴ`, of `m × k` numbers stored by rows.
pub(super) fn adjoint<X: Scalar>(a: &[X], (m, k): (usize, usize)) -> Vec<X> {
    (0..m * k).map(|at| a[at % m * k + at / m].conj()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_complex::Complex;

    /// A Gram matrix of `k` vectors of `n` numbers.
    fn gram(vectors: &[Vec<Complex<f64>>]) -> Vec<Complex<f64>> {
        let dot = |x: &[Complex<f64>], y: &[Complex<f64>]| {
            x.iter().zip(y).map(|(x, y)| x.conj() * y).sum::<Complex<f64>>()
        };
        vectors.iter().flat_map(|x| vectors.iter().map(|y| dot(x, y))).collect()
    }

    #[test]
    fn factors_are_those_of_the_matrix_and_show_its_rank() {
        let c = |re: f64, im: f64| Complex::new(re, im);
        let x = vec![c(1.0, 2.0), c(0.0, -1.0), c(3.0, 0.5), c(1.0, 0.0)];
        let y = vec![c(0.5, 0.0), c(1e3, 1.0), c(-2.0, 0.0), c(0.0, 2.0)];
        let sum: Vec<_> = x.iter().zip(&y).map(|(x, y)| x * c(0.0, 2.0) + y).collect();
        let zero = vec![c(0.0, 0.0); 4];
        for (vectors, rank) in [
            (vec![x.clone(), y.clone()], 2),
            (vec![y.clone(), x.clone(), sum.clone()], 2),
            (vec![x.clone(), zero.clone(), x.clone()], 1),
            (vec![zero], 0),
        ] {
            let (k, g) = (vectors.len(), gram(&vectors));
            let found = SmallCholesky::new(&g, k);
            assert_eq!((found.rank, found.is_indefinite, found.is_finite), (rank, false, true));
            let (s, t) = (found.factor(), found.inverse());
            let again = times(&adjoint(&s, (rank, k)), &s, (k, rank, k));
            assert!(again.iter().zip(&g).all(|(a, g)| (a - g).norm() < 1e-8 * (1.0 + g.norm())));
            let one = times(&times(&adjoint(&t, (k, rank)), &g, (rank, k, k)), &t, (rank, k, rank));
            for (at, one) in one.into_iter().enumerate() {
                let exact = if at / rank == at % rank { 1.0 } else { 0.0 };
                assert!((one - exact).norm() < 1e-12, "{one}");
            }
        }
    }

    #[test]
    fn what_is_not_positive_is_told() {
        assert!(SmallCholesky::new(&[1.0, 2.0, 2.0, 1.0], 2).is_indefinite);
        assert!(SmallCholesky::new(&[-1.0], 1).is_indefinite);
        assert!(!SmallCholesky::new(&[1.0, f64::NAN, 1.0, 1.0], 2).is_finite);
        let semidefinite = SmallCholesky::new(&[1.0, 1.0, 1.0, 1.0], 2);
        assert!(semidefinite.rank == 1 && !semidefinite.is_indefinite);
    }
}
