//! A solve from its arguments to its result, by any method: a program has the code of those methods alone that it calls.

use num_traits::Float;

use crate::error::{Error, Result};
use crate::linalg::{LinearOperator, Scalar, norm};
use crate::solve::method::Method;
use crate::solve::options::{SolveOptions, check};
use crate::solve::plan::{begin, vector_bytes};
use crate::solve::run::{Callback, Run};
use crate::solve::solved::{self, Current, Solved, StopReason};
use crate::storage::Context;

/// The power of two by which a system is scaled down if the norm of its right-hand side overflows.
const SMALLER: i32 = 64;

/// The iteration of a method.
pub(super) type Iterate<X> =
    for<'r, 'c, 'f> fn(Run<'r, X>, &'c mut Callback<'f, X>) -> Result<Solved<X>>;

pub(super) fn solve<X: Scalar>(
    (method, iterate): (Method, Iterate<X>),
    a: &dyn LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    let shape = a.shape();
    let needs = method.needs(options.restart, options.shadow);
    if needs.square && shape.0 != shape.1 {
        return Err(Error::shape("the operator", "a square one", format!("{shape:?}")));
    }
    check(shape, b, options)?;
    let maxiter = options.maxiter.unwrap_or(shape.0.max(shape.1).saturating_mul(10));
    let _running = begin(&needs, a, maxiter, options, ctx)?;
    if norm(b, ctx).is_infinite() {
        return solve_smaller((method, iterate), a, b, options, ctx, callback);
    }
    let bytes = vector_bytes(&needs, shape, options);
    let run = Run::new((a, b), options, (needs.name, maxiter, bytes), ctx)?;
    let solved = iterate(run, callback)?;
    if let Some(checkpoint) = options.checkpoint.filter(|_| solved.converged) {
        checkpoint.remove()?;
    }
    Ok(solved)
}

/// A solve with a finite right-hand side whose norm overflows: the system is scaled down by a power of two, which
/// changes no digit.
fn solve_smaller<X: Scalar>(
    method: (Method, Iterate<X>),
    a: &dyn LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    let (down, up) = (X::from_f64(0.5f64.powi(SMALLER)), X::from_f64(2f64.powi(SMALLER)));
    let times = |x: &[X], factor: X| x.iter().map(|&x| x * factor).collect::<Vec<X>>();
    let (b, x0) = (times(b, down), options.x0.map(|x0| times(x0, down)));
    let smaller = SolveOptions { x0: x0.as_deref(), atol: options.atol * down.real(), ..*options };
    let mut report = |state: &solved::Iterate<'_, X>| {
        let make = || times(&state.x(), up);
        let x = Current::Made(&make);
        let residual_norm = state.residual_norm * up.real();
        callback(&solved::Iterate { iteration: state.iteration, residual_norm, x })
    };
    let solved = solve(method, a, &b, &smaller, ctx, &mut report)?;
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
