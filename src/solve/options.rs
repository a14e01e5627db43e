//! What solvers may be told, and what of it is refused.

use num_traits::Float;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::{LinearOperator, Scalar};

/// What [`cg`](crate::solve::cg) may be told; the defaults are SciPy's.
pub struct CgOptions<'a, X: Scalar> {
    /// Where to start; zero if `None`. Not looked at where `b` is zero, as in SciPy: the answer is zero.
    pub x0: Option<&'a [X]>,
    /// Relative tolerance, 1e-5 by default.
    pub rtol: X::Real,
    /// Absolute tolerance, 0 by default.
    pub atol: X::Real,
    /// Most iterations; ten times the order if `None`.
    pub maxiter: Option<usize>,
    /// An approximate inverse, Hermitian and positive definite.
    pub precond: Option<&'a (dyn LinearOperator<X> + Sync)>,
    /// Vectors that span the null space of a singular operator, none by default. Their part is taken out of `b`, so that
    /// there is a solution, and out of the answer, which is then the one of least norm; the stop test is that of the
    /// system without it. For a Laplacian with Neumann conditions it is `&[&[1.0, 1.0, …]]`. That the operator takes them to
    /// zero is not looked at.
    pub nullspace: &'a [&'a [X]],
}

impl<X: Scalar> Clone for CgOptions<'_, X> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<X: Scalar> Copy for CgOptions<'_, X> {}

impl<X: Scalar> Default for CgOptions<'_, X> {
    fn default() -> Self {
        CgOptions {
            x0: None,
            rtol: X::from_f64(1e-5).real(),
            atol: X::from_f64(0.0).real(),
            maxiter: None,
            precond: None,
            nullspace: &[],
        }
    }
}

/// Fails, naming the place, if a vector holds a number that is not finite.
pub(super) fn check_finite<X: Scalar>(operand: &str, x: &[X]) -> Result<()> {
    // Zero times what is not finite is no number.
    match x.iter().position(|&x| !(x * X::zero()).is_zero()) {
        Some(at) => Err(Error::new(ErrorKind::Value, format!("{operand} is not finite"))
            .at(Location::Position(at as u64))
            .expected("finite numbers")
            .found(x[at])),
        None => Ok(()),
    }
}

/// Fails unless a tolerance is a finite number from 0 on.
pub(super) fn check_tolerance<R: Float + std::fmt::Display>(
    name: &str,
    tolerance: R,
) -> Result<()> {
    if tolerance.is_finite() && tolerance >= R::zero() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Value, format!("{name} is not a tolerance"))
        .expected("a finite number, at least 0")
        .found(tolerance))
}
