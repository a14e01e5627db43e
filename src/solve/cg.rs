//! Conjugate gradients, for Hermitian positive definite operators.
//!
//! Source: Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems" (1952); with a
//! preconditioner as in Saad, "Iterative methods for sparse linear systems", algorithm 9.1.
//!
//! ```text
//! r = b − A x;  z = M r;  p = z;  ρ = rᴴ z
//! until ‖r‖ is small:  q = A p;  α = ρ / pᴴ q;  x += α p;  r −= α q;  z = M r;  β = rᴴ z / ρ;  p = z + β p
//! ```

use std::ops::ControlFlow;

use num_traits::Float;

use crate::error::{Error, Result, check_shape};
use crate::linalg::{LinearOperator, Scalar, norm};
use crate::solve::iteration::Iteration;
use crate::solve::options::{CgOptions, check_finite, check_tolerance};
use crate::solve::plan::begin;
use crate::solve::solved::{Iterate, Solved, StopReason};
use crate::storage::Context;

/// The power of two by which a system is scaled down if the norm of its right-hand side overflows.
const SMALLER: i32 = 64;

/// Solves `A x = b` for a Hermitian positive definite operator by conjugate gradients.
///
/// Stops when `‖b − A x‖ ≤ max(rtol ‖b‖, atol)`. The test is repeated with the true residual before it is accepted. If
/// the recursive residual had drifted below it, the iteration restarts from the true one, until that no longer helps.
/// Failing to converge, whether because of the iterations, the operator, rounding or cancellation, is reported in the
/// result, with the best iterate found, and is not an error. The magnitude of `A` and `b` does not matter, as long as
/// `x` can be represented. Cost: one product per iteration and five vectors of memory (six with a preconditioner).
///
/// A matrix is multiplied many times here. [`Operator`](crate::linalg::Operator) prepares it for that, which makes each
/// product up to three times faster. It also reads a matrix larger than memory ahead of the work.
///
/// Fails if shapes do not match, if a tolerance is negative or NaN, if `b` or `x0` has a number that is not finite, or
/// if it was cancelled before it began.
///
/// ```
/// use outcore::linalg::{LinearOperator, Operator};
/// use outcore::solve::{CgOptions, cg};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx)?;
/// let a = Operator::new(&a, &ctx)?;
/// let b = a.matvec(&[1.0; 400])?;
/// let solved = cg(&a, &b, &CgOptions { rtol: 1e-10, ..Default::default() }, &ctx)?;
/// assert!(solved.converged);
/// assert!(solved.x.iter().all(|x| (x - 1.0f64).abs() < 1e-8));
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("KSPCG", "conjugate_gradient"))]
pub fn cg<X: Scalar>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &CgOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    cg_with(a, b, options, ctx, |_| ControlFlow::Continue(()))
}

/// As [`cg`], and calls `callback` after every iteration; it may stop the solve.
///
/// ```
/// use std::ops::ControlFlow;
/// use outcore::linalg::{LinearOperator, Operator};
/// use outcore::solve::{CgOptions, StopReason, cg_with};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx)?;
/// let a = Operator::new(&a, &ctx)?;
/// let b = a.matvec(&[1.0; 400])?;
/// let mut norms = Vec::new();
/// let solved = cg_with(&a, &b, &CgOptions::default(), &ctx, |state| {
///     norms.push(state.residual_norm);
///     if state.iteration == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// })?;
/// assert_eq!((solved.reason, solved.iterations), (StopReason::Stopped, 3));
/// assert_eq!(norms, solved.history[1..]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn cg_with<X: Scalar>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &CgOptions<'_, X>,
    ctx: &Context,
    mut callback: impl FnMut(&Iterate<'_, X>) -> ControlFlow<()>,
) -> Result<Solved<X>> {
    solve(a, b, options, ctx, &mut callback)
}

fn solve<X: Scalar>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &CgOptions<'_, X>,
    ctx: &Context,
    callback: &mut dyn FnMut(&Iterate<'_, X>) -> ControlFlow<()>,
) -> Result<Solved<X>> {
    let (nrows, n) = a.shape();
    if nrows != n {
        return Err(Error::shape("the operator", "a square one", format!("{:?}", (nrows, n))));
    }
    check_shape("b", n, b.len())?;
    check_finite("b", b)?;
    if let Some(x0) = options.x0 {
        check_shape("x0", n, x0.len())?;
        check_finite("x0", x0)?;
    }
    if let Some(precond) = options.precond {
        check_shape("the preconditioner", (n, n), precond.shape())?;
    }
    check_tolerance("rtol", options.rtol)?;
    check_tolerance("atol", options.atol)?;
    let _running = begin("conjugate gradients", a, options, ctx)?;
    let size = norm(b, ctx);
    if size.is_infinite() {
        return solve_smaller(a, b, options, ctx, callback);
    }
    let tolerance = (options.rtol * size).max(options.atol);
    let maxiter = options.maxiter.unwrap_or(n.saturating_mul(10));
    Iteration::new(a, b, options, ctx)?.run(tolerance, maxiter, callback)
}

/// A solve with a finite right-hand side whose norm overflows: the system is scaled down by a power of two, which
/// changes no digit.
fn solve_smaller<X: Scalar>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &CgOptions<'_, X>,
    ctx: &Context,
    callback: &mut dyn FnMut(&Iterate<'_, X>) -> ControlFlow<()>,
) -> Result<Solved<X>> {
    let (down, up) = (X::from_f64(0.5f64.powi(SMALLER)), X::from_f64(2f64.powi(SMALLER)));
    let times = |x: &[X], factor: X| x.iter().map(|&x| x * factor).collect::<Vec<X>>();
    let (b, x0) = (times(b, down), options.x0.map(|x0| times(x0, down)));
    let smaller = CgOptions { x0: x0.as_deref(), atol: options.atol * down.real(), ..*options };
    let mut report = |state: &Iterate<'_, X>| {
        let (x, residual_norm) = (times(state.x, up), state.residual_norm * up.real());
        callback(&Iterate { x: &x, residual_norm, ..*state })
    };
    let solved = solve(a, &b, &smaller, ctx, &mut report)?;
    let x = times(&solved.x, up);
    let is_finite = x.iter().all(|&x| (x * X::zero()).is_zero());
    Ok(Solved {
        converged: solved.converged && is_finite,
        reason: if is_finite { solved.reason } else { StopReason::NotFinite },
        residual_norm: solved.residual_norm * up.real(),
        history: solved.history.iter().map(|&norm| norm * up.real()).collect(),
        x,
        ..solved
    })
}
