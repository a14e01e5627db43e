//! Options of solvers, and their checks.

use num_traits::Float;

use crate::error::{Error, ErrorKind, Location, Result, check_shape};
use crate::linalg::{LinearOperator, Scalar, is_finite};
use crate::solve::checkpoint::Checkpoint;
use crate::solve::space::Ranks;

/// Options of every solver; the defaults are SciPy's. A field that only some methods use names them.
pub struct SolveOptions<'a, X: Scalar> {
    /// The initial guess; zero if `None`. Ignored if `b` is zero, as in SciPy: the solution is then zero.
    pub x0: Option<&'a [X]>,
    /// Relative tolerance, 1e-5 by default.
    pub rtol: X::Real,
    /// Absolute tolerance, 0 by default.
    pub atol: X::Real,
    /// Maximum number of iterations; ten times the order if `None`.
    pub maxiter: Option<usize>,
    /// An approximate inverse; for CG and MINRES Hermitian and positive definite. LSQR and LSMR do not take one.
    pub precond: Option<&'a (dyn LinearOperator<X> + Sync)>,
    /// CG: vectors that span the null space of a singular operator, none by default. Their component is removed from
    /// `b`, so that a solution exists, and from the solution, which is then that of least norm; the stop test is that
    /// of the projected system. For a Laplacian with Neumann conditions it is `&[&[1.0, 1.0, …]]`. Whether the operator
    /// maps them to zero is not checked.
    pub nullspace: &'a [&'a [X]],
    /// GMRES and FGMRES: iterations after which the basis is dropped, 30 by default. That many vectors are kept, twice
    /// as many by FGMRES.
    pub restart: usize,
    /// IDR(s): the number of shadow vectors, 4 by default. Three times as many vectors are kept.
    pub shadow: usize,
    /// LSQR and LSMR: the damping `λ` of `min ‖b − A x‖² + λ² ‖x‖²`, 0 by default.
    pub damp: X::Real,
    /// Chebyshev iteration: bounds of the eigenvalues of the (preconditioned) operator, both positive; it has no
    /// default.
    pub bounds: Option<(X::Real, X::Real)>,
    /// Where the state is saved, from which an interrupted solve continues; nowhere by default. Its writes are
    /// part of the plan. Not for [`block_cg`](crate::solve::block_cg).
    pub checkpoint: Option<Checkpoint<'a>>,
    /// The processes among which vectors and operator are divided; by default there is one. LSQR and LSMR do not take
    /// them.
    pub ranks: Option<&'a dyn Ranks<X>>,
}

impl<X: Scalar> Clone for SolveOptions<'_, X> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<X: Scalar> Copy for SolveOptions<'_, X> {}

impl<X: Scalar> Default for SolveOptions<'_, X> {
    fn default() -> Self {
        let real = |value: f64| X::from_f64(value).real();
        SolveOptions {
            x0: None,
            rtol: real(1e-5),
            atol: real(0.0),
            maxiter: None,
            precond: None,
            nullspace: &[],
            restart: 30,
            shadow: 4,
            damp: real(0.0),
            bounds: None,
            checkpoint: None,
            ranks: None,
        }
    }
}

impl<X: Scalar> SolveOptions<'_, X> {
    /// The tolerance of a projected system, whose right-hand side has the norm `size`, and before the projection had the
    /// norm `whole`: rounding errors of the projection cannot be solved for.
    pub(super) fn tolerance_within(&self, size: X::Real, whole: X::Real) -> X::Real {
        let rounding = X::Real::epsilon() * X::from_f64(PROJECTED).real() * whole;
        (self.rtol * size).max(self.atol).max(rounding)
    }
}

/// Rounding errors that a projection leaves.
const PROJECTED: f64 = 4.0;

/// Fails unless operands and options are those of `k` systems with an operator of this shape.
pub(super) fn check<X: Scalar>(
    shape: (usize, usize),
    (k, b): (usize, &[X]),
    options: &SolveOptions<'_, X>,
) -> Result<()> {
    let (nrows, ncols) = shape;
    check_shape("b", nrows.saturating_mul(k), b.len())?;
    check_finite("b", b)?;
    if let Some(x0) = options.x0 {
        check_shape("x0", ncols.saturating_mul(k), x0.len())?;
        check_finite("x0", x0)?;
    }
    if let Some(precond) = options.precond {
        check_shape("the preconditioner", (ncols, ncols), precond.shape())?;
    }
    if options.checkpoint.is_some_and(|checkpoint| checkpoint.every == 0) {
        return Err(Error::shape("the iterations between checkpoints", "at least 1", 0));
    }
    check_tolerance("rtol", options.rtol)?;
    check_tolerance("atol", options.atol)?;
    check_tolerance("damp", options.damp)
}

/// Fails, naming the position, if a vector has a number that is not finite.
fn check_finite<X: Scalar>(operand: &str, x: &[X]) -> Result<()> {
    match x.iter().position(|&x| !is_finite(x)) {
        Some(at) => Err(Error::new(ErrorKind::Value, format!("{operand} is not finite"))
            .at(Location::Position(at as u64))
            .expected("finite numbers")
            .found(x[at])),
        None => Ok(()),
    }
}

/// Fails unless a tolerance is finite and not negative.
fn check_tolerance<R: Float + std::fmt::Display>(name: &str, tolerance: R) -> Result<()> {
    if tolerance.is_finite() && tolerance >= R::zero() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Value, format!("{name} is not a valid tolerance"))
        .expected("a finite number, at least 0")
        .found(tolerance))
}
