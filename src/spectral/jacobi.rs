//! The singular value decomposition of a small matrix by one-sided Jacobi rotations.
//!
//! ```text
//! repeat until all columns of A V are orthogonal:
//!     for each pair p < q:  rotate columns p and q of A V, and of V, until they are orthogonal
//! the singular values are the lengths of the columns, their directions the left vectors
//! ```
//!
//! Source: Hestenes, "Inversion of matrices by biorthogonalization and related results" (1958); the rotation is that of
//! Golub and Van Loan, "Matrix Computations", section 8.6.3, with the phase of a complex inner product removed first.
//! Slower than bidiagonalisation, but short, accurate for the small singular values too, and for a Hermitian
//! positive semidefinite matrix the eigenvalue decomposition.

use ndarray::Array2;
use num_traits::{Float, One, Zero};

use crate::error::Result;
use crate::linalg::{Scalar, power_of_two};
use crate::storage::Context;

/// Maximum sweeps over all pairs; usually fewer than ten are needed.
const MOST_SWEEPS: usize = 60;

/// `A = U diag(s) Vᴴ`, singular values in descending order. Vectors are columns; those of `U` for the value 0 are 0.
pub(super) struct SmallSvd<X: Scalar> {
    pub(super) left: Vec<Vec<X>>,
    pub(super) values: Vec<X::Real>,
    pub(super) right: Vec<Vec<X>>,
}

/// Decomposes a small matrix. Cost: about `100 ncols² nrows` operations on one thread.
pub(super) fn small_svd<X: Scalar>(a: &Array2<X>, ctx: &Context) -> Result<SmallSvd<X>> {
    let k = a.ncols();
    // A power of two changes no digit, and squares of numbers near one are safe.
    let larger = |largest: X::Real, x: &X| if x.abs() > largest { x.abs() } else { largest };
    let largest = a.iter().fold(X::Real::zero(), larger);
    let near_one =
        (largest > X::Real::zero() && largest.is_finite()).then(|| power_of_two(largest));
    let (scale, back) = near_one.unwrap_or((X::Real::one(), X::Real::one()));
    let scaled = a.mapv(|x| x * X::from_real(scale));
    let columns = scaled.columns().into_iter();
    let mut columns: Vec<Vec<X>> = columns.map(|column| column.to_vec()).collect();
    let unit = |j| (0..k).map(|i| if i == j { X::one() } else { X::zero() }).collect();
    let mut right: Vec<Vec<X>> = (0..k).map(unit).collect();
    for sweep in 0..MOST_SWEEPS {
        ctx.report("rotating", sweep as u64, MOST_SWEEPS as u64)?;
        let mut rotated = false;
        for p in 0..k {
            for q in p + 1..k {
                if let Some(rotation) = Rotation::between(&columns[p], &columns[q]) {
                    rotation.apply(&mut columns, p, q);
                    rotation.apply(&mut right, p, q);
                    rotated = true;
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let mut svd = sorted(columns, right);
    svd.values.iter_mut().for_each(|value| *value = *value * back);
    Ok(svd)
}

fn sorted<X: Scalar>(columns: Vec<Vec<X>>, right: Vec<Vec<X>>) -> SmallSvd<X> {
    let mut triples: Vec<_> = columns
        .into_iter()
        .zip(right)
        .map(|(column, right)| (inner(&column, &column).real().sqrt(), column, right))
        .collect();
    triples.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(std::cmp::Ordering::Equal));
    let mut svd = SmallSvd { left: Vec::new(), values: Vec::new(), right: Vec::new() };
    for (value, mut column, right) in triples {
        if value > X::Real::zero() {
            column.iter_mut().for_each(|x| *x = *x / X::from_real(value));
        }
        svd.left.push(column);
        svd.values.push(value);
        svd.right.push(right);
    }
    svd
}

/// `p' = c p − s w q`, `q' = s p + c w q`, where the phase `w` makes the inner product of both real.
struct Rotation<X: Scalar> {
    c: X,
    s: X,
    w: X,
}

impl<X: Scalar> Rotation<X> {
    /// The rotation that makes two columns orthogonal; `None` if they already are.
    fn between(p: &[X], q: &[X]) -> Option<Self> {
        let (pp, qq, pq) = (inner(p, p).real(), inner(q, q).real(), inner(p, q));
        let size = pq.abs();
        let negligible = X::Real::epsilon() * (pp.sqrt() * qq.sqrt());
        // Numbers that are not finite end here too.
        if size.is_zero() || size.partial_cmp(&negligible) != Some(std::cmp::Ordering::Greater) {
            return None;
        }
        let one = X::Real::one();
        let zeta = (qq - pp) / (size + size);
        let t = one / (Float::abs(zeta) + (one + zeta * zeta).sqrt());
        let t = if zeta < X::Real::zero() { -t } else { t };
        let c = one / (one + t * t).sqrt();
        let w = pq.conj() / X::from_real(size);
        Some(Rotation { c: X::from_real(c), s: X::from_real(c * t), w })
    }

    fn apply(&self, columns: &mut [Vec<X>], p: usize, q: usize) {
        let (before, after) = columns.split_at_mut(q);
        for (p, q) in before[p].iter_mut().zip(&mut after[0]) {
            let turned = self.w * *q;
            (*p, *q) = (self.c * *p - self.s * turned, self.s * *p + self.c * turned);
        }
    }
}

/// `Σ conj(x) y`, in lanes.
fn inner<X: Scalar>(x: &[X], y: &[X]) -> X {
    const LANES: usize = 8;
    let ((x, x_tail), (y, y_tail)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let mut lanes = [X::zero(); LANES];
    for (x, y) in x.iter().zip(y) {
        for lane in 0..LANES {
            lanes[lane] += x[lane].conj() * y[lane];
        }
    }
    let tail: X = x_tail.iter().zip(y_tail).map(|(&x, &y)| x.conj() * y).sum();
    lanes.into_iter().sum::<X>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_complex::Complex;

    /// Checks `A = U S Vᴴ`, orthonormal vectors and descending values.
    fn check<X: Scalar<Real = f64>>(a: Array2<X>, rank: usize) {
        let svd = small_svd(&a, &Context::new()).unwrap();
        let scale = svd.values.first().copied().unwrap_or(0.0).max(1e-300);
        for ((i, j), &expected) in a.indexed_iter() {
            let found: X = (0..svd.values.len())
                .map(|r| svd.left[r][i] * X::from_f64(svd.values[r]) * svd.right[r][j].conj())
                .sum();
            assert!((found - expected).abs() < 1e-14 * scale * 30.0);
        }
        assert!(svd.values.is_sorted_by(|a, b| a >= b));
        assert!(svd.values.iter().skip(rank).all(|&value| value < 1e-14 * scale * 30.0));
        for vectors in [&svd.left[..rank], &svd.right[..]] {
            for (i, x) in vectors.iter().enumerate() {
                for (j, y) in vectors.iter().enumerate() {
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((inner(x, y) - X::from_f64(expected)).abs() < 1e-13);
                }
            }
        }
    }

    fn numbers(shape: (usize, usize)) -> Array2<f64> {
        Array2::from_shape_fn(shape, |(i, j)| ((i * 7 + j * 13) % 11) as f64 - (i + j) as f64 / 9.0)
    }

    #[test]
    fn decompositions_give_the_matrix_back() {
        check(numbers((12, 12)), 12);
        check(numbers((30, 4)), 4);
        check(Array2::<f64>::zeros((3, 3)), 0);
        check(Array2::<f64>::zeros((0, 0)), 0);
        check(Array2::<f64>::eye(4), 4);
        check(Array2::from_elem((5, 3), 2.0), 1);
        let imaginary = numbers((9, 9)).t().mapv(|x| Complex::new(0.5 * x * x, -x));
        check(imaginary + numbers((9, 9)).mapv(|x| Complex::new(x, x * x)), 9);
    }

    #[test]
    fn graded_values_are_all_accurate() {
        let a = Array2::from_diag(&ndarray::arr1(&[1e-12, 1.0, 1e-6]));
        assert_eq!(small_svd(&a, &Context::new()).unwrap().values, [1.0, 1e-6, 1e-12]);
    }

    #[test]
    fn numbers_that_are_not_finite_end() {
        let a = Array2::from_elem((3, 3), f64::NAN);
        assert!(small_svd(&a, &Context::new()).unwrap().values.iter().all(|x| x.is_nan()));
    }
}
