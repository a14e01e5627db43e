//! A polynomial of the operator that is near its inverse.

use std::fmt;
use std::marker::PhantomData;

use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::linalg::{Level, LinearOperator, Scalar, axpby};
use crate::solve::precond::block_factors::check_square;
use crate::solve::precond::preconditioner::{Preconditioner, is_operator};
use crate::storage::work;
use crate::storage::{Context, Plan, bytes_of};

/// The Chebyshev polynomial of an operator that is nearest to its inverse on an interval, as a preconditioner.
///
/// For a Hermitian positive definite operator with eigenvalues in `[lo, hi]` it applies `p(A)`, of the given degree,
/// with the least maximum of `|1 − λ p(λ)|` there. It is Hermitian positive definite itself, and stays so if there are
/// eigenvalues between 0 and `lo`, or above `hi` by less than about `lo`. So bounds that are somewhat off cost
/// iterations, and not correctness: see [`spectral_bounds`](crate::solve::spectral_bounds).
///
/// One application is `degree` products, made by [`apply_powers`](LinearOperator::apply_powers): in one pass over a
/// file where an operator can, and no inner product. It needs nothing but products: a preconditioner for operators that
/// are functions, or larger than memory. Memory during an application: one vector, and that of the sweep.
///
/// If [`cg`](crate::solve::cg) solves with the same [`Operator`](crate::linalg::Operator), the product of each iteration
/// is one more level of that sweep: `degree + 1` products for one pass over the file.
///
/// Source: Saad, "Iterative methods for sparse linear systems", algorithm 12.1.
///
/// ```
/// use outcore::solve::{SolveOptions, Chebyshev, cg, spectral_bounds};
/// use outcore::linalg::LinearOperator;
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[40, 40], Place::Memory, &ctx)?;
/// let b = a.matvec(&vec![1.0; 1600])?;
/// let bounds = spectral_bounds::<f64>(&a, 10, &ctx)?;
/// let m = Chebyshev::new(&a, 7, (bounds.lo, bounds.hi))?;
/// let solved = cg(&a, &b, &SolveOptions { precond: Some(&m), ..Default::default() }, &ctx)?;
/// let plain = cg(&a, &b, &SolveOptions::default(), &ctx)?;
/// assert!(solved.converged && 2 * solved.iterations < plain.iterations);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("polynomial preconditioner", "KSPCHEBYSHEV"))]
pub struct Chebyshev<X, A> {
    a: A,
    degree: usize,
    lo: f64,
    hi: f64,
    numbers: PhantomData<fn() -> X>,
}

/// The highest degree, far beyond where it helps.
const HIGHEST: usize = 10_000;

impl<X: Scalar, A: LinearOperator<X>> Chebyshev<X, A> {
    /// A polynomial of this degree of a square operator, or of a reference to one, for eigenvalues from `lo` to `hi`.
    /// Whether the operator is Hermitian is not checked.
    ///
    /// Fails if the operator is not square, unless `0 < lo ≤ hi`, both finite, and for a degree above 10,000.
    ///
    /// ```
    /// use outcore::linalg::LinearOperator;
    /// use outcore::{Csr, ErrorKind, solve::Chebyshev};
    /// let a = Csr::<f64>::eye(2);
    /// // With all eigenvalues at one point a constant is enough.
    /// assert_eq!(Chebyshev::new(&a, 3, (1.0, 1.0))?.matvec(&[1.0, 2.0])?, [1.0, 2.0]);
    /// let error = Chebyshev::<f64, _>::new(&a, 3, (0.0, 1.0)).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Value);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn new(a: A, degree: usize, (lo, hi): (f64, f64)) -> Result<Self> {
        check_square(a.shape())?;
        if !(lo > 0.0 && hi >= lo && hi.is_finite()) {
            return Err(Error::new(ErrorKind::Value, "the bounds of the spectrum are invalid")
                .expected("0 < lo ≤ hi: the operator is positive definite")
                .found(format!("lo = {lo}, hi = {hi}")));
        }
        if degree > HIGHEST {
            return Err(Error::new(ErrorKind::Value, "the degree of the polynomial is too large")
                .expected(format!("at most {HIGHEST}"))
                .found(degree));
        }
        Ok(Chebyshev { a, degree, lo, hi, numbers: PhantomData })
    }

    /// The degree of the polynomial: products for one application.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// The bounds for which it was made.
    pub fn bounds(&self) -> (f64, f64) {
        (self.lo, self.hi)
    }

    /// `Y = p(A) X` for `k` interleaved vectors, in as many sweeps over the matrix as the levels need.
    ///
    /// ```text
    /// θ = (hi+lo)/2;  δ = (hi−lo)/2;  y₀ = x/θ;  y₋₁ = 0;  t = 1/θ
    /// degree times:  s = 1/(2θ − δ² t);  yⱼ₊₁ = yⱼ + δ² s t (yⱼ − yⱼ₋₁) + 2 s (x − A yⱼ);  t = s
    /// ```
    ///
    /// `t` is ρ/δ of Saad, so that nothing is divided by δ, which may be zero.
    ///
    /// `other` is a buffer, or gets `A Y` if there is to be one level `more`.
    fn polynomial(
        &self,
        k: usize,
        x: &[X],
        (y, other): (&mut [X], &mut [X]),
        more: bool,
        ctx: &Context,
    ) -> Result<()> {
        let (center, radius) = ((self.hi + self.lo) / 2.0, (self.hi - self.lo) / 2.0);
        let mut t = 1.0 / center;
        let steps: Vec<(X, X)> = (0..self.degree)
            .map(|_| {
                let s = 1.0 / (2.0 * center - radius * t * radius);
                let step = ((radius * s) * (radius * t), 2.0 * s);
                t = s;
                (X::from_f64(step.0), X::from_f64(step.1))
            })
            .collect();
        let mut levels = [y, other];
        // The last level of the polynomial is to be in `y`.
        levels.rotate_left(self.degree % 2);
        axpby(X::from_f64(1.0 / center), x, X::zero(), levels[0], ctx)?;
        let count = self.degree + usize::from(more);
        if count == 0 {
            return Ok(());
        }
        let combine = |Level { level, rows, next, current, previous }: Level<'_, X>| {
            let Some(&(along, across)) = steps.get(level) else { return };
            let x = &x[rows.start * k..rows.end * k];
            for (i, next) in next.iter_mut().enumerate() {
                let before = previous.get(i).copied().unwrap_or(X::zero());
                *next = current[i] + along * (current[i] - before) + across * (x[i] - *next);
            }
        };
        self.a.apply_powers(k, count, &mut levels, &combine, ctx)
    }

    /// Whether it is a polynomial of this operator.
    fn is_of(&self, a: &dyn LinearOperator<X>) -> bool {
        self.a.id().is_some() && self.a.id() == a.id()
    }

    /// The plan of `levels` levels with `k` vectors.
    fn plan_levels(&self, levels: usize, k: usize, ctx: &Context) -> Result<Plan> {
        let plan = Plan::new("Chebyshev polynomial");
        if levels == 0 {
            return Ok(plan);
        }
        let powers = self.a.plan_powers(k, levels, ctx)?;
        let again = powers.reads_again;
        let numbers = (self.a.shape().1 as u64).saturating_mul((k * levels) as u64);
        let plan = plan.then(powers).works(numbers, work::CG);
        Ok(match again {
            Some(bytes) => plan.reads_again(bytes),
            None => plan,
        })
    }
}

impl<X: Scalar, A: LinearOperator<X>> Preconditioner<X> for Chebyshev<X, A> {
    fn order(&self) -> usize {
        self.a.shape().1
    }

    fn plan(&self, k: usize, ctx: &Context) -> Result<Plan> {
        let len = self.a.shape().1.saturating_mul(k);
        Ok(self.plan_levels(self.degree, k, ctx)?.throughout(vectors::<X>(len)))
    }

    /// The operator is Hermitian, and so is the polynomial.
    fn apply_to(&self, _: bool, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let vectors = vectors::<X>(x.len());
        ctx.check_memory("the vectors of the polynomial", vectors)?;
        let _held = ctx.hold(vectors);
        let mut other = ctx.filled("the polynomial", x.len(), X::zero())?;
        self.polynomial(k, x, (y, &mut other), false, ctx)
    }

    fn own_context(&self) -> Context {
        self.a.context()
    }
}

is_operator!([X: Scalar, A: LinearOperator<X>] Chebyshev<X, A>, {
    /// In the same sweeps if it is the operator of this polynomial.
    fn apply_with_product(
        &self,
        a: &dyn LinearOperator<X>,
        k: usize,
        x: &[X],
        (y, product): (&mut [X], &mut [X]),
        ctx: &Context,
    ) -> Result<()> {
        let len = self.a.shape().1.saturating_mul(k);
        check_shape("x", len, x.len())?;
        check_shape("y", len, y.len())?;
        check_shape("the product", len, product.len())?;
        let _running = ctx.begin(|| self.plan_with_product(a, k, ctx))?;
        let same = self.is_of(a);
        self.polynomial(k, x, (y, &mut *product), same, ctx)?;
        match k {
            _ if same => Ok(()),
            1 => a.apply(y, product, ctx),
            _ => a.apply_block(k, y, product, ctx),
        }
    }

    fn gives_product(&self) -> bool {
        true
    }

    fn plan_with_product(
        &self,
        a: &dyn LinearOperator<X>,
        k: usize,
        ctx: &Context,
    ) -> Result<Plan> {
        if self.is_of(a) {
            return self.plan_levels(self.degree + 1, k, ctx);
        }
        Ok(self.plan_levels(self.degree, k, ctx)?.and(a.plan_block(false, k, ctx)?))
    }
});

/// Bytes of the vectors of an application.
fn vectors<X>(len: usize) -> u64 {
    bytes_of::<X>(len)
}

impl<X, A> fmt::Debug for Chebyshev<X, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chebyshev")
            .field("degree", &self.degree)
            .field("bounds", &(self.lo, self.hi))
            .finish_non_exhaustive()
    }
}
