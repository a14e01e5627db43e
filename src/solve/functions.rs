//! The solvers as functions; each is one method of [`solve_with`].

use std::ops::ControlFlow;

use crate::error::Result;
use crate::linalg::LinearOperator;
use crate::solve::method::Method;
use crate::solve::numbers::Solves;
use crate::solve::options::SolveOptions;
use crate::solve::solved::{Iterate, Solved};
use crate::storage::Context;

/// Solves `A x = b` by a method, and calls `callback` after every iteration; it may stop the solve.
///
/// ```
/// use std::ops::ControlFlow;
/// use outcore::linalg::{LinearOperator, Operator};
/// use outcore::solve::{Method, SolveOptions, StopReason, solve_with};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx)?;
/// let a = Operator::new(&a, &ctx)?;
/// let b = a.matvec(&[1.0; 400])?;
/// let mut norms = Vec::new();
/// let solved = solve_with(Method::Cg, &a, &b, &SolveOptions::default(), &ctx, |state| {
///     norms.push(state.residual_norm);
///     if state.iteration == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// })?;
/// assert_eq!((solved.reason, solved.iterations), (StopReason::Stopped, 3));
/// assert_eq!(norms, solved.history[1..]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("KSPSolve", "KSPMonitorSet"))]
pub fn solve_with<X: Solves>(
    method: Method,
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
    mut callback: impl FnMut(&Iterate<'_, X>) -> ControlFlow<()>,
) -> Result<Solved<X>> {
    X::solve(method, a, b, options, ctx, &mut callback)
}

/// Solves `A x = b` for a Hermitian positive definite operator by conjugate gradients.
///
/// Stops when `‖b − A x‖ ≤ max(rtol ‖b‖, atol)`. The test is repeated with the true residual before it is accepted. If
/// the recursive residual had drifted below it, the iteration restarts from the true one, until that no longer helps.
/// Failing to converge, whether because of the iterations, the operator, rounding or cancellation, is reported in the
/// result, with the best iterate found, and is not an error. The magnitude of `A` and `b` does not matter, as long as
/// `x` can be represented. Cost: one product per iteration and five vectors of memory (six with a preconditioner, which
/// is applied once per iteration). With a [`Chebyshev`](crate::solve::Chebyshev) polynomial of the same
/// [`Operator`](crate::linalg::Operator) it is seven, and the product and those of the polynomial are made in the same sweeps
/// over the matrix.
///
/// A matrix is multiplied many times here. [`Operator`](crate::linalg::Operator) prepares it for that, which makes each
/// product up to three times faster. It also reads a matrix larger than memory ahead of the work.
///
/// Fails if shapes do not match, if a tolerance is negative or NaN, if `b` or `x0` has a number that is not finite, or
/// if it was cancelled before it began.
///
/// Source: Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems" (1952).
///
/// ```
/// use outcore::linalg::{LinearOperator, Operator};
/// use outcore::solve::{SolveOptions, cg};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx)?;
/// let a = Operator::new(&a, &ctx)?;
/// let b = a.matvec(&[1.0; 400])?;
/// let solved = cg(&a, &b, &SolveOptions { rtol: 1e-10, ..Default::default() }, &ctx)?;
/// assert!(solved.converged);
/// assert!(solved.x.iter().all(|x| (x - 1.0f64).abs() < 1e-8));
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("KSPCG", "conjugate_gradient"))]
pub fn cg<X: Solves>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    X::cg(a, b, options, ctx, &mut |_| ControlFlow::Continue(()))
}

/// Solves `A x = b` for a Hermitian operator, positive definite or not, by minimal residuals.
///
/// Stop test, results and errors as for [`cg`]. Without a preconditioner the norm of the residual never increases.
/// Cost: one product per iteration and ten vectors (eleven with a preconditioner, which must be positive definite).
///
/// Source: Paige and Saunders, "Solution of sparse indefinite systems of linear equations" (1975).
///
/// ```
/// use outcore::solve::{SolveOptions, minres};
/// use outcore::{Context, Csr};
/// // [ 1  2 ]
/// // [ 2  1 ]
/// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 4], vec![0, 1, 0, 1], vec![1.0, 2.0, 2.0, 1.0])?;
/// let options = SolveOptions { rtol: 1e-12, ..Default::default() };
/// let solved = minres(&a, &[3.0, 0.0], &options, &Context::new())?;
/// assert!(solved.converged && (solved.x[0] + 1.0).abs() < 1e-10 && (solved.x[1] - 2.0).abs() < 1e-10);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "KSPMINRES")]
pub fn minres<X: Solves>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    X::minres(a, b, options, ctx, &mut |_| ControlFlow::Continue(()))
}

/// Solves `A x = b` for any square operator by generalised minimal residuals, restarted every
/// [`restart`](SolveOptions::restart) iterations.
///
/// Stop test, results and errors as for [`cg`]. The preconditioner is applied from the right, so that the residual that
/// is minimised is that of the system. Cost: one product per iteration, and one per restart; `restart + 6` vectors.
///
/// Source: Saad and Schultz, "GMRES: a generalized minimal residual algorithm" (1986).
///
/// ```
/// use outcore::solve::{SolveOptions, gmres};
/// use outcore::{Context, Csr};
/// // [ 1  2 ]
/// // [ 0  1 ]
/// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], vec![1.0, 2.0, 1.0])?;
/// let solved = gmres(&a, &[5.0, 2.0], &SolveOptions::default(), &Context::new())?;
/// assert!(solved.converged && (solved.x[0] - 1.0).abs() < 1e-10);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "KSPGMRES")]
pub fn gmres<X: Solves>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    X::gmres(a, b, options, ctx, &mut |_| ControlFlow::Continue(()))
}

/// As [`gmres`], with a preconditioner that may change from one iteration to the next, such as another solver.
///
/// Cost: as there, and `restart` more vectors.
///
/// Source: Saad, "A flexible inner-outer preconditioned GMRES algorithm" (1993).
///
/// ```
/// use outcore::solve::{Inverse, Method, SolveOptions, fgmres};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx)?;
/// let roughly = SolveOptions { rtol: 0.1, ..Default::default() };
/// let inner = Inverse::new(&a, Method::Cg, roughly).inexact();
/// let options = SolveOptions { precond: Some(&inner), ..Default::default() };
/// let solved = fgmres(&a, &[1.0; 400], &options, &ctx)?;
/// assert!(solved.converged && solved.iterations < 10);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "KSPFGMRES")]
pub fn fgmres<X: Solves>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    X::fgmres(a, b, options, ctx, &mut |_| ControlFlow::Continue(()))
}

/// Solves `A x = b` for any square operator by stabilised biconjugate gradients.
///
/// Stop test, results and errors as for [`cg`]. The residual may oscillate, and the iteration may break down, which is
/// the reason in the result. Cost: two products per iteration and ten vectors (eleven with a preconditioner, which is
/// applied from the right).
///
/// Source: van der Vorst, "Bi-CGSTAB" (1992).
///
/// ```
/// use outcore::solve::{SolveOptions, bicgstab};
/// use outcore::{Context, Csr};
/// // [ 4  1 ]
/// // [ 2  3 ]
/// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 4], vec![0, 1, 0, 1], vec![4.0, 1.0, 2.0, 3.0])?;
/// let solved = bicgstab(&a, &[5.0, 5.0], &SolveOptions::default(), &Context::new())?;
/// assert!(solved.converged && (solved.x[0] - 1.0).abs() < 1e-4);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "KSPBCGS")]
pub fn bicgstab<X: Solves>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    X::bicgstab(a, b, options, ctx, &mut |_| ControlFlow::Continue(()))
}

/// Solves `A x = b` for any square operator by induced dimension reduction, IDR(s), with
/// [`shadow`](SolveOptions::shadow) vectors.
///
/// Stop test, results and errors as for [`cg`]. An iteration is one product, unlike in [`bicgstab`]. Cost: one product
/// per iteration and `3 s + 6` vectors (one more with a preconditioner, which is applied from the right).
///
/// Source: van Gijzen and Sonneveld, "Algorithm 913: an elegant IDR(s) variant" (2011).
///
/// ```
/// use outcore::solve::{SolveOptions, idrs};
/// use outcore::{Context, Csr};
/// // [ 4  1 ]
/// // [ 2  3 ]
/// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 4], vec![0, 1, 0, 1], vec![4.0, 1.0, 2.0, 3.0])?;
/// let solved = idrs(&a, &[5.0, 5.0], &SolveOptions::default(), &Context::new())?;
/// assert!(solved.converged && (solved.x[0] - 1.0).abs() < 1e-4);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "KSPIBCGS")]
pub fn idrs<X: Solves>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    X::idrs(a, b, options, ctx, &mut |_| ControlFlow::Continue(()))
}

/// Minimises `‖b − A x‖² + λ² ‖x‖²` for an operator of any shape, with [`damp`](SolveOptions::damp) λ.
///
/// Stops when `‖b − A x‖ ≤ max(rtol ‖b‖, atol)`, or when `‖Aᴴ r‖ ≤ rtol ‖A‖ ‖r‖`, where the norm of `A` is estimated: then
/// the system has no solution, and the reason is [`StopReason::LeastSquares`]. With an initial guess, the damping is
/// that of `x − x0`. Results and errors as for [`cg`]. Cost: a product and one with the adjoint per iteration, three
/// vectors of the length of `b`, and five of that of `x`.
///
/// Source: Paige and Saunders, "LSQR: an algorithm for sparse linear equations and sparse least squares" (1982).
///
/// [`StopReason::LeastSquares`]: crate::solve::StopReason::LeastSquares
///
/// ```
/// use outcore::solve::{SolveOptions, StopReason, lsqr};
/// use outcore::{Context, Dense};
/// // A line through (0, 1), (1, 2) and (2, 2).
/// let a = Dense::from(ndarray::arr2(&[[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]));
/// let options = SolveOptions { rtol: 1e-10, ..Default::default() };
/// let fit = lsqr(&a, &[1.0, 2.0, 2.0], &options, &Context::new())?;
/// assert_eq!(fit.reason, StopReason::LeastSquares);
/// assert!((fit.x[0] - 7.0 / 6.0f64).abs() < 1e-8 && (fit.x[1] - 0.5).abs() < 1e-8);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("KSPLSQR", "lstsq"))]
pub fn lsqr<X: Solves>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    X::lsqr(a, b, options, ctx, &mut |_| ControlFlow::Continue(()))
}

/// As [`lsqr`], with a norm of `Aᴴ r` that decreases in every iteration, so that it may be stopped earlier.
///
/// Cost: as there, and one more vector of the length of `x`.
///
/// Source: Fong and Saunders, "LSMR: an iterative algorithm for sparse least-squares problems" (2011).
///
/// ```
/// use outcore::solve::{SolveOptions, lsmr};
/// use outcore::{Context, Dense};
/// let a = Dense::from(ndarray::arr2(&[[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]));
/// let options = SolveOptions { rtol: 1e-10, ..Default::default() };
/// let fit = lsmr(&a, &[1.0, 2.0, 2.0], &options, &Context::new())?;
/// assert!(fit.converged && (fit.x[1] - 0.5f64).abs() < 1e-8);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn lsmr<X: Solves>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    X::lsmr(a, b, options, ctx, &mut |_| ControlFlow::Continue(()))
}

/// Solves `A x = b` for a Hermitian positive definite operator by Chebyshev iteration, with the
/// [`bounds`](SolveOptions::bounds) of its eigenvalues: those of `M A` with a preconditioner.
///
/// Stop test, results and errors as for [`cg`]. Bounds that are too wide cost iterations; an eigenvalue above them lets
/// the iteration diverge, which ends it with the best iterate found. Cost: one product per iteration and six vectors
/// (seven with a preconditioner). No inner products but one norm.
///
/// Source: Golub and Varga (1961); Saad, "Iterative methods for sparse linear systems", algorithm 12.1.
///
/// ```
/// use outcore::solve::{SolveOptions, chebyshev};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20], Place::Memory, &ctx)?;
/// let bounds = Some((0.02, 4.0));
/// let options = SolveOptions { rtol: 1e-8, bounds, ..Default::default() };
/// let solved = chebyshev(&a, &[1.0; 20], &options, &ctx)?;
/// assert!(solved.converged);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "KSPCHEBYSHEV")]
pub fn chebyshev<X: Solves>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    X::chebyshev(a, b, options, ctx, &mut |_| ControlFlow::Continue(()))
}
