//! A solve from its arguments to its result, by any method: a program has the code of those methods alone that it calls.

use num_traits::Float;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{LinearOperator, Scalar, is_finite, is_safe, power_of_two};
use crate::solve::block_cg::{BlockCallback, BlockCg};
use crate::solve::block_system::SMALLER;
use crate::solve::method::{Method, Needs};
use crate::solve::options::{SolveOptions, check};
use crate::solve::plan::begin;
use crate::solve::solved::{self, Current, Solved, StopReason};
use crate::solve::solved_block::SolvedBlock;
use crate::solve::solver::{Callback, Solver};
use crate::solve::space::Space;
use crate::solve::vector_memory::VectorMemory;
use crate::storage::{Context, remove_with_sums};

/// The iteration of a method.
pub(super) type MethodIteration<X> =
    for<'r, 'c, 'f> fn(Solver<'r, X>, &'c mut Callback<'f, X>) -> Result<Solved<X>>;

pub(super) fn solve<X: Scalar>(
    (method, iterate): (Method, MethodIteration<X>),
    a: &dyn LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
    ctx: &Context,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    let shape = a.shape();
    let space = Space::new(options.ranks, ctx);
    let order = space.len(shape.0.max(shape.1))?;
    let needs = method.needs(options.restart, options.shadow, order);
    if needs.square && shape.0 != shape.1 {
        return Err(Error::shape("the operator", "a square one", format!("{shape:?}")));
    }
    check(shape, (1, b), options)?;
    if options.ranks.is_some() && !needs.square {
        let what = format!("{} does not work on several ranks", needs.name);
        return Err(Error::new(ErrorKind::Unsupported, what)
            .expected("a method for square operators, or no ranks"));
    }
    let maxiter = options.maxiter.unwrap_or(order.saturating_mul(10));
    let memory = VectorMemory::new(&needs, (a, 1), options, ctx);
    let _running = begin(&needs, (a, 1), maxiter, (options, &memory), ctx)?;
    if let Some(scale) = scale_of(method, space.norm(b)?) {
        return solve_scaled((method, iterate), a, (b, scale), options, ctx, callback);
    }
    let ctx = &ctx.counted();
    let solver = Solver::new((a, b), options, (needs.name, maxiter, memory), ctx)?;
    let solved = iterate(solver, callback)?;
    if let Some(checkpoint) = options.checkpoint.filter(|_| solved.converged) {
        remove_with_sums(checkpoint.path)?;
    }
    Ok(solved)
}

/// A solve of `k` systems by conjugate gradients.
pub(super) fn solve_block<X: Scalar>(
    (a, k, b): (&dyn LinearOperator<X>, usize, &[X]),
    options: &SolveOptions<'_, X>,
    ctx: &Context,
    callback: &mut BlockCallback<'_, X>,
) -> Result<SolvedBlock<X>> {
    let shape = a.shape();
    if shape.0 != shape.1 {
        return Err(Error::shape("the operator", "a square one", format!("{shape:?}")));
    }
    check(shape, (k, b), options)?;
    if options.checkpoint.is_some() {
        let what = "conjugate gradients for several right-hand sides save no state";
        return Err(Error::new(ErrorKind::Unsupported, what).remedy("solve for them one at a time"));
    }
    let space = Space::new(options.ranks, ctx);
    let maxiter = options.maxiter.unwrap_or(space.len(shape.1)?.saturating_mul(10));
    let needs = Needs::of_block(shape.1, k);
    let memory = VectorMemory::new(&needs, (a, k), options, ctx);
    let bytes = memory.memory;
    let _running = begin(&needs, (a, k), maxiter, (options, &memory), ctx)?;
    let ctx = &ctx.counted();
    ctx.check_memory("the vectors of the iteration", bytes)?;
    let _held = ctx.hold(bytes);
    BlockCg::new((a, k, b), options, maxiter, ctx)?.run(callback)
}

/// What a right-hand side of this norm is multiplied by, a power of two, and its inverse: where the norm overflows, and
/// where a method squares such norms. `None` if it is solved as it is.
fn scale_of<R: Scalar<Real = R> + Float>(method: Method, norm: R) -> Option<(R, R)> {
    let squares = matches!(method, Method::Minres | Method::Bicgstab | Method::Idrs);
    match norm {
        norm if norm.is_infinite() => {
            Some((R::from_f64(0.5f64.powi(SMALLER)), R::from_f64(2f64.powi(SMALLER))))
        }
        norm if Float::abs(norm) > R::zero() => {
            (squares && !is_safe(norm * norm)).then(|| power_of_two(norm))
        }
        _ => None,
    }
}

/// A solve with a right-hand side that is scaled by a power of two, which changes no digit.
fn solve_scaled<X: Scalar>(
    method: (Method, MethodIteration<X>),
    a: &dyn LinearOperator<X>,
    (b, (down, up)): (&[X], (X::Real, X::Real)),
    options: &SolveOptions<'_, X>,
    ctx: &Context,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    let (down, up) = (X::from_real(down), X::from_real(up));
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
    let finite = x.iter().all(|&x| is_finite(x));
    Ok(Solved {
        converged: solved.converged && finite,
        reason: if finite { solved.reason } else { StopReason::NotFinite },
        residual_norm: solved.residual_norm * up.real(),
        history: solved.history.iter().map(|&norm| norm * up.real()).collect(),
        x,
        ..solved
    })
}
