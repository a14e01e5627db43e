//! Options of solvers, and their checks.

use num_traits::Float;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::{LinearOperator, Scalar};

/// Options of [`cg`](crate::solve::cg); the defaults are SciPy's.
pub struct CgOptions<'a, X: Scalar> {
    /// The initial guess; zero if `None`. Ignored if `b` is zero, as in SciPy: the solution is then zero.
    pub x0: Option<&'a [X]>,
    /// Relative tolerance, 1e-5 by default.
    pub rtol: X::Real,
    /// Absolute tolerance, 0 by default.
    pub atol: X::Real,
    /// Maximum number of iterations; ten times the order if `None`.
    pub maxiter: Option<usize>,
    /// An approximate inverse, Hermitian and positive definite.
    pub precond: Option<&'a (dyn LinearOperator<X> + Sync)>,
    /// Vectors that span the null space of a singular operator, none by default. Their component is removed from `b`,
    /// so that a solution exists, and from the solution, which is then that of least norm; the stop test is that of the
    /// projected system. For a Laplacian with Neumann conditions it is `&[&[1.0, 1.0, …]]`. Whether the operator maps
    /// them to zero is not checked.
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

/// Fails, naming the position, if a vector has a number that is not finite.
pub(super) fn check_finite<X: Scalar>(operand: &str, x: &[X]) -> Result<()> {
    // Zero times a number that is not finite is NaN.
    match x.iter().position(|&x| !(x * X::zero()).is_zero()) {
        Some(at) => Err(Error::new(ErrorKind::Value, format!("{operand} is not finite"))
            .at(Location::Position(at as u64))
            .expected("finite numbers")
            .found(x[at])),
        None => Ok(()),
    }
}

/// Fails unless a tolerance is finite and not negative.
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
