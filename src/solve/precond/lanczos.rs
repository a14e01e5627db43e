//! Bounds of the spectrum of a Hermitian operator, from a few Lanczos steps.
//!
//! Source: Lanczos (1950); the upper bound: Zhou and Li, "Bounding the spectrum of large Hermitian matrices" (2011).
//!
//! ```text
//! w = A v − β v₋;  α = vᴴ w;  w −= α v;  β = ‖w‖;  v₋ = v;  v = w / β
//! ```
//!
//! The eigenvalues of the tridiagonal matrix of α and β lie within the spectrum, and the largest comes near its end
//! within ten steps. The smallest is far from the other end of most spectra.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{LinearOperator, Scalar, axpby, divide, dot, norm};
use crate::solve::precond::block_factors::check_square;
use crate::storage::random::random;
use crate::storage::work;
use crate::storage::{Context, Place, Plan, WorkArray, bytes_of};
use num_traits::{Float, ToPrimitive};

/// A factor on the upper bound, because the bound of Zhou and Li only nearly always holds. Of a Poisson matrix of 64³
/// points and a polynomial of degree 7, a bound 5 % too high takes 33 iterations for 32, one 3 % too low 743.
const ABOVE: f64 = 1.05;

/// The lower bound is the smallest Ritz value divided by this: of the same matrix, after ten steps, degree 7 takes 32
/// iterations with 2, 4 and 8, 36 with 16, and 48 with the smallest eigenvalue itself; degree 15 takes 19, 18, 17, 19 and
/// 25.
const BELOW: f64 = 8.0;

/// How far, relative to the largest Ritz value, `v₋ᴴ A v` may be from its conjugate for a Hermitian operator, in square
/// roots of rounding errors.
const HERMITIAN: f64 = 1.0;

/// What [`spectral_bounds`] finds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SpectralBounds {
    /// A lower end of the spectrum for [`Chebyshev`](crate::solve::Chebyshev): of a positive definite operator an
    /// eighth of the smallest Ritz value. Eigenvalues may lie below it.
    pub lo: f64,
    /// An upper bound of the spectrum, which nearly always holds.
    pub hi: f64,
    /// The smallest and the largest Ritz value: the spectrum reaches at least from one to the other.
    pub ritz: (f64, f64),
    /// The steps that were made: fewer than asked for if they found all that the starting vector sees.
    pub steps: usize,
}

/// Bounds of the spectrum of a Hermitian operator from `steps` Lanczos steps; ten are usual.
///
/// The upper bound is the largest Ritz value and the residual of its vector, times 1.05. The lower one is the smallest
/// Ritz value divided by 8, if that is positive, and otherwise that value less the residual of its vector. The starting
/// vector is always the same, and so are the bits of the result, for any number of threads.
///
/// Cost: `steps` products, each a pass over a matrix that is larger than memory, and four vectors of memory; if these do
/// not fit, one, and two in scratch files, with the same bits. Fails if
/// the operator is not square, has no rows or is not Hermitian as far as these products show, if no step is asked for,
/// or if a product is not finite.
///
/// ```
/// use outcore::{Context, Csr, Place, solve::spectral_bounds};
/// let ctx = Context::new();
/// // Its eigenvalues are 4 − 2 cos(iπ/31) − 2 cos(jπ/31), from 0.0205 to 7.9795.
/// let a = Csr::<f64>::poisson(&[30, 30], Place::Memory, &ctx)?;
/// let bounds = spectral_bounds::<f64>(&a, 10, &ctx)?;
/// assert!(bounds.hi >= 7.9795 && bounds.hi < 9.0);
/// assert!(bounds.ritz.0 >= 0.0205 && bounds.lo > 0.0);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("eigenvalue estimate", "KSPChebyshevEstEigSet"))]
pub fn spectral_bounds<X: Scalar>(
    a: &impl LinearOperator<X>,
    steps: usize,
    ctx: &Context,
) -> Result<SpectralBounds> {
    let n = check_square(a.shape())?;
    if n == 0 || steps == 0 {
        let (what, expected) = match n {
            0 => ("the operator has no spectrum", "at least one row"),
            _ => ("no steps are to be made", "at least one step"),
        };
        return Err(Error::new(ErrorKind::Format, what).expected(expected).found(0));
    }
    let steps = steps.min(n);
    let (vector, small) = (bytes_of::<X>(n), 16 * steps as u64);
    let all = vector.saturating_mul(4).saturating_add(small);
    let (bytes, place) = match ctx.check_memory("the vectors", all) {
        Ok(()) => (all, Place::Memory),
        Err(_) => (vector.saturating_add(small), Place::Scratch),
    };
    let _running = ctx.begin(|| {
        let _held = ctx.hold(bytes);
        let mut first = a.plan_block(false, 1, ctx)?;
        let mut again = first.clone().again();
        if place == Place::Scratch {
            let moved = |plan: Plan| {
                plan.reads(0, vector.saturating_mul(READS)).writes(vector.saturating_mul(WRITES))
            };
            (first, again) = (moved(first), moved(again));
            again.cost.scratch = again.cost.scratch.max(vector.saturating_mul(2));
        }
        let numbers = (n as u64).saturating_mul(steps as u64);
        let plan = Plan::new("bounds of the spectrum").then(first).works(numbers, work::CG);
        Ok(plan.repeated(&again, steps as u64 - 1).throughout(bytes))
    })?;
    ctx.check_memory("the vectors of Lanczos steps", bytes)?;
    let _held = ctx.hold(bytes);
    lanczos(a, steps, &place, ctx).map(|found| found.bounds())
}

/// Vectors that a step reads and writes, of those that may lie in scratch files.
const READS: u64 = 9;
const WRITES: u64 = 4;

/// The tridiagonal matrix.
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Next to the diagonal, and one number more: the norm of what is left.
    off_diagonal: Vec<f64>,
}

fn lanczos<X: Scalar>(
    a: &impl LinearOperator<X>,
    steps: usize,
    place: &Place,
    ctx: &Context,
) -> Result<Tridiagonal> {
    let n = a.shape().0;
    let real = |x: X::Real| x.to_f64().unwrap_or(f64::NAN);
    let mut v: Vec<X> = (0..n).map(|i| X::from_f64(uneven(i as u64))).collect();
    let size = norm(&v, ctx);
    divide(&mut v, size, ctx);
    let mut before = WorkArray::<X>::new("a vector", n, place, ctx)?;
    let mut w = WorkArray::<X>::new("a product", n, place, ctx)?;
    let mut found = Tridiagonal { diagonal: Vec::new(), off_diagonal: Vec::new() };
    let mut largest = 0.0f64;
    for step in 0..steps {
        a.apply(&v, w.written(), ctx)?;
        ctx.report("bounds of the spectrum", step as u64, steps as u64)?;
        let alpha = dot(&v, w.read(), ctx)?;
        let beta = found.off_diagonal.last().copied().unwrap_or(0.0);
        let across = dot(before.read(), w.read(), ctx)?;
        largest = largest.max(real(alpha.abs())).max(beta);
        let expected = X::from_f64(beta);
        let apart = (across - expected).abs() + (alpha - X::from_real(alpha.real())).abs();
        let least = X::Real::epsilon().sqrt().to_f64().unwrap_or(0.0) * HERMITIAN;
        let size = real(norm(w.read(), ctx));
        if size.is_nan() || !real(alpha.abs()).is_finite() {
            return Err(Error::new(ErrorKind::Value, "a product with the operator is not finite"));
        }
        if real(apart) > least * largest.max(size) {
            return Err(Error::new(ErrorKind::Value, "the operator is not Hermitian")
                .expected(format!("an inner product of {expected}"))
                .found(across));
        }
        axpby(-expected, before.read(), X::one(), w.updated(), ctx)?;
        axpby(-X::from_real(alpha.real()), &v, X::one(), w.updated(), ctx)?;
        let left = real(norm(w.read(), ctx));
        found.diagonal.push(real(alpha.real()));
        let nothing = real(X::Real::epsilon()) * 16.0 * largest;
        if left <= nothing {
            found.off_diagonal.push(0.0);
            break;
        }
        found.off_diagonal.push(left);
        before.written().copy_from_slice(&v);
        axpby(X::from_f64(1.0 / left), w.read(), X::zero(), &mut v, ctx)?;
    }
    Ok(found)
}

/// A number between −1 and 1 for each row, without a pattern.
fn uneven(i: u64) -> f64 {
    (random(0, i) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

impl Tridiagonal {
    fn bounds(&self) -> SpectralBounds {
        let (least, most) = (self.eigenvalue(0), self.eigenvalue(self.diagonal.len() - 1));
        let hi = most + self.residual(most);
        let hi = if hi > 0.0 { hi * ABOVE } else { hi / ABOVE };
        let lo = if least > 0.0 { least / BELOW } else { least - self.residual(least) };
        SpectralBounds { lo, hi, ritz: (least, most), steps: self.diagonal.len() }
    }

    /// The number of eigenvalues below `x`, from the signs of the pivots of `T − x`.
    fn below(&self, x: f64) -> usize {
        let (mut count, mut pivot) = (0, 1.0f64);
        for (k, &diagonal) in self.diagonal.iter().enumerate() {
            let off_diagonal = if k == 0 { 0.0 } else { self.off_diagonal[k - 1] };
            pivot = diagonal - x - off_diagonal / pivot * off_diagonal;
            if pivot == 0.0 {
                pivot = f64::MIN_POSITIVE;
            }
            count += usize::from(pivot < 0.0);
        }
        count
    }

    /// An eigenvalue, numbered from the smallest, by bisection.
    fn eigenvalue(&self, number: usize) -> f64 {
        let inner = &self.off_diagonal[..self.diagonal.len() - 1];
        let radius = |k: usize| {
            let left = k.checked_sub(1).map_or(0.0, |k| inner[k]);
            left + inner.get(k).copied().unwrap_or(0.0)
        };
        let ends = self.diagonal.iter().enumerate().map(|(k, &d)| (d - radius(k), d + radius(k)));
        let (mut lo, mut hi) = ends
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), (a, b)| (lo.min(a), hi.max(b)));
        for _ in 0..100 {
            let middle = lo + (hi - lo) / 2.0;
            match self.below(middle) > number {
                true => hi = middle,
                false => lo = middle,
            }
        }
        lo + (hi - lo) / 2.0
    }

    /// The norm of the residual of a Ritz vector: what is left times the last component.
    fn residual(&self, value: f64) -> f64 {
        let m = self.diagonal.len();
        let (mut before, mut here, mut squares) = (0.0f64, 1.0f64, 1.0f64);
        for k in 0..m - 1 {
            let left = k.checked_sub(1).map_or(0.0, |k| self.off_diagonal[k]);
            let next = ((value - self.diagonal[k]) * here - left * before) / self.off_diagonal[k];
            (before, here) = (here, next);
            squares += next * next;
        }
        let last = (here * here / squares).sqrt().min(1.0);
        self.off_diagonal[m - 1] * if last.is_nan() { 1.0 } else { last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_difference_has_the_eigenvalues_of_its_formula() {
        let n = 12;
        let second = Tridiagonal { diagonal: vec![2.0; n], off_diagonal: vec![1.0; n] };
        for k in [0, n - 1] {
            let angle = std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64;
            let exact = 2.0 - 2.0 * angle.cos();
            assert!((second.eigenvalue(k) - exact).abs() < 1e-12);
            // Components are sines: the last is as large as the first.
            let norm = ((n + 1) as f64 / 2.0).sqrt();
            assert!((second.residual(exact) - angle.sin() / norm).abs() < 1e-10);
        }
    }
}
