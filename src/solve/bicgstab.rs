//! BiCGSTAB, for any square operator, in constant memory; preconditioned from the right.
//!
//! Source: van der Vorst, "Bi-CGSTAB: a fast and smoothly converging variant of Bi-CG for the solution of nonsymmetric
//! linear systems" (1992).
//!
//! ```text
//! ρ = r̂ᴴ r;  p = r + (ρ/ρ₋₁)(α/ω) (p − ω v);  v = A M p;  α = ρ / r̂ᴴ v;  s = r − α v
//! t = A M s;  ω = tᴴ s / tᴴ t;  x += α M p + ω M s;  r = s − ω t
//! ```

use num_traits::{Float, One, Zero};

use crate::error::Result;
use crate::linalg::{Scalar, axpby};
use crate::solve::solved::{Solved, StopReason};
use crate::solve::solver::{Callback, Cycle, Solver};

pub(super) fn bicgstab<X: Scalar>(
    solver: Solver<'_, X>,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    solver.repeat(&mut |solver, r, norm| cycle(solver, (r, norm), callback))
}

fn cycle<X: Scalar>(
    solver: &mut Solver<'_, X>,
    (r, mut size): (&mut [X], X::Real),
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let (ctx, space, one) = (solver.ctx, solver.space, X::one());
    let mut shadow = solver.copy(r)?;
    let mut shadow_size = size;
    let (mut p, mut v, mut t) = (solver.zeros()?, solver.zeros()?, solver.zeros()?);
    let (mut p_hat, mut s_hat) = (solver.zeros()?, solver.zeros()?);
    let (mut rho_before, mut alpha, mut omega) = (one, one, one);
    // Iterations of this cycle.
    let mut done = X::Real::zero();
    let tiny = X::Real::epsilon() * X::Real::epsilon();
    // Starting again with a new shadow vector helps if anything was done since.
    let broken = |done: X::Real| match done > X::Real::zero() {
        true => Cycle::Again,
        false => Cycle::Ended(StopReason::Breakdown),
    };
    loop {
        solver.checkpoint(
            &mut [&mut size, &mut shadow_size, &mut done],
            &mut [&mut rho_before, &mut alpha, &mut omega],
            &mut [r, &mut shadow, &mut p, &mut v],
        )?;
        let rho = space.dot(&shadow, r)?;
        if rho.abs() <= tiny * shadow_size * size {
            return Ok(broken(done));
        }
        if done.is_zero() {
            p.copy_from_slice(r);
        } else {
            let beta = rho / rho_before * (alpha / omega);
            axpby(-omega, &v, one, &mut p, ctx)?;
            axpby(one, r, beta, &mut p, ctx)?;
        }
        solver.precondition(&p, &mut p_hat)?;
        solver.multiply(&p_hat, &mut v)?;
        let along = space.dot(&shadow, &v)?;
        if along.abs() <= tiny * shadow_size * space.norm(&v)? {
            return Ok(match space.is_zero(&v)? {
                true => Cycle::Ended(StopReason::Singular),
                false => broken(done),
            });
        }
        alpha = rho / along;
        axpby(-alpha, &v, one, r, ctx)?;
        axpby(alpha, &p_hat, one, &mut solver.x, ctx)?;
        let half = space.norm(r)?;
        if half <= solver.tolerance {
            let reason = solver.after(half, None, callback)?;
            return Ok(Cycle::Ended(reason.unwrap_or(StopReason::Converged)));
        }
        solver.precondition(r, &mut s_hat)?;
        solver.multiply(&s_hat, &mut t)?;
        let square = space.dot(&t, &t)?;
        omega = if square.is_zero() { X::zero() } else { space.dot(&t, r)? / square };
        axpby(omega, &s_hat, one, &mut solver.x, ctx)?;
        axpby(-omega, &t, one, r, ctx)?;
        size = space.norm(r)?;
        if let Some(reason) = solver.after(size, None, callback)? {
            return Ok(Cycle::Ended(reason));
        }
        solver.keep(size)?;
        if omega.abs() <= tiny {
            return Ok(broken(done));
        }
        rho_before = rho;
        done += X::Real::one();
    }
}
