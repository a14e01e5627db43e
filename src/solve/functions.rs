//! The solvers as functions; each is one method of [`solve_with`].

use std::ops::ControlFlow;

use crate::error::Result;
use crate::linalg::LinearOperator;
use crate::solve::instances::Solves;
use crate::solve::method::Method;
use crate::solve::options::SolveOptions;
use crate::solve::solved::{Iterate, Solved};
use crate::solve::solved_block::{BlockIterate, SolvedBlock};
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
/// result, with the best iterate found, or the last one if `maxiter` ends it, and is not an error. The magnitude of `A`
/// and `b` does not matter, as long as `x` can be represented. Cost: one product per iteration and five vectors of
/// memory (six with a preconditioner, which is applied once per iteration). With a
/// [`Chebyshev`](crate::solve::Chebyshev) polynomial of the same [`Operator`](crate::linalg::Operator) it is seven, and
/// the product and those of the polynomial are made in the same sweeps over the matrix. Where they take more than a
/// quarter of the memory that is left, one of the vectors, the iterate to return if the iteration fails, lies in a
/// scratch file; and others, with the same bits, as far as that saves more reading of the matrix than it costs or as they
/// do not fit: all but one may.
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
/// is minimised is that of the system. Cost: one product per iteration, and one per restart; `restart + 6` vectors. The
/// basis, `restart + 1` of them, and an iterate that is kept lie in a scratch file, with the same bits, if they would take
/// more than half of the memory that is left; each iteration then reads about `2 restart` vectors of it.
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
/// per iteration and `3 s + 6` vectors (one more with a preconditioner, which is applied from the right), of which `3 s`
/// may lie in a scratch file, as in [`gmres`].
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

/// Solves `A X = B` for a Hermitian positive definite operator and `k` right-hand sides at once, by block conjugate
/// gradients: with one product of `k` vectors in each iteration, and fewer iterations than [`cg`] takes for one of them,
/// because every solution is made of the directions of all. A matrix larger than memory is read once in an iteration,
/// whatever `k`.
///
/// `b`, and `x0` in the options, have `n` rows of `k` numbers, as
/// [`apply_block`](crate::linalg::LinearOperator::apply_block) takes them. The stop test is that of [`cg`] for each
/// system with its own right-hand side, and the iteration ends when it holds for all, with the true residuals; each
/// system has its own reason. Right-hand sides may be zero, equal, or otherwise dependent, and more than unknowns: what
/// they share is solved once. The preconditioner of the options is applied to blocks; they may name a null space, and a
/// [`checkpoint`](SolveOptions::checkpoint) is refused. Bits do not depend on the number of threads or on where the
/// matrix lies.
///
/// Cost: one product of `k` vectors per iteration, and one more for the final residuals; five blocks of `n k` numbers
/// (six with a preconditioner), and about `4 n k²` multiplications in addition to the product, so that more than a few dozens
/// of right-hand sides are best solved some at a time.
///
/// Errors are those of [`cg`].
///
/// Source: O'Leary, "The block conjugate gradient algorithm and related methods" (1980); Dubrulle, "Retooling the method
/// of block conjugate gradients" (2001), BCGrQ.
///
/// ```
/// use outcore::linalg::{LinearOperator, Operator};
/// use outcore::solve::{SolveOptions, block_cg};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx)?;
/// let a = Operator::new(&a, &ctx)?;
/// // Three systems, whose solutions are known.
/// let exact: Vec<f64> = (0..1200).map(|i| ((i * i) % 17) as f64).collect();
/// let mut b = vec![0.0; 1200];
/// a.apply_block(3, &exact, &mut b, &ctx)?;
/// let options = SolveOptions { rtol: 1e-10, ..Default::default() };
/// let solved = block_cg(&a, 3, &b, &options, &ctx)?;
/// assert!(solved.converged);
/// assert!(solved.x.iter().zip(&exact).all(|(x, exact)| (x - exact).abs() < 1e-6));
/// assert_eq!(solved.passes, solved.iterations + 1);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("KSPMatSolve", "BlockCGSolMgr", "BCGrQ", "multiple right-hand sides"))]
pub fn block_cg<X: Solves>(
    a: &impl LinearOperator<X>,
    k: usize,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<SolvedBlock<X>> {
    block_cg_with(a, k, b, options, ctx, |_| ControlFlow::Continue(()))
}

/// As [`block_cg`], and calls `callback` after every iteration; it may stop the solve.
///
/// ```
/// use std::ops::ControlFlow;
/// use outcore::solve::{SolveOptions, StopReason, block_cg_with};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20], Place::Memory, &ctx)?;
/// let b: Vec<f64> = (0..40).map(f64::from).collect();
/// let options = SolveOptions::default();
/// let solved = block_cg_with(&a, 2, &b, &options, &ctx, |state| {
///     assert_eq!((state.x().len(), state.residual_norms.len()), (40, 2));
///     if state.iteration == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// })?;
/// assert_eq!(solved.reasons, [StopReason::Stopped; 2]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn block_cg_with<X: Solves>(
    a: &impl LinearOperator<X>,
    k: usize,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
    mut callback: impl FnMut(&BlockIterate<'_, X>) -> ControlFlow<()>,
) -> Result<SolvedBlock<X>> {
    X::block_cg((a, k, b), options, ctx, &mut callback)
}
