//! MINRES, for Hermitian operators, also indefinite ones.
//!
//! Source: Paige and Saunders, "Solution of sparse indefinite systems of linear equations" (1975); preconditioned as in
//! Elman, Silvester and Wathen, "Finite elements and fast iterative solvers", algorithm 4.1.
//!
//! ```text
//! v₁ = r;  z₁ = M v₁;  γ₁² = z₁ᴴ v₁
//! z = zⱼ / γⱼ;  δ = zᴴ A z;  vⱼ₊₁ = A z − δ/γⱼ vⱼ − γⱼ/γⱼ₋₁ vⱼ₋₁     Lanczos
//! two rotations make the tridiagonal matrix triangular;  w = (z − α₃ wⱼ₋₁ − α₂ wⱼ) / α₁;  x += c η w
//! ```

use num_traits::{Float, One, Zero};

use crate::error::Result;
use crate::linalg::{Scalar, axpby, divide};
use crate::solve::solved::{Solved, StopReason};
use crate::solve::solver::{Callback, Cycle, Solver};

/// Relative difference of `v₂ᴴ A v₁` and `v₁ᴴ A v₂` from which on an operator does not count as Hermitian.
const NOT_HERMITIAN: f64 = 1e-4;

pub(super) fn minres<X: Scalar>(
    solver: Solver<'_, X>,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    solver.repeat(&mut |solver, r, _| cycle(solver, r, callback))
}

fn cycle<X: Scalar>(
    solver: &mut Solver<'_, X>,
    r: &mut [X],
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let (ctx, space, one) = (solver.ctx, solver.space, X::one());
    let is_preconditioned = solver.options.precond.is_some();
    let (mut v_before, mut v, mut next) = (solver.zeros()?, solver.copy(r)?, solver.zeros()?);
    let (mut w_before, mut w) = (solver.zeros()?, solver.zeros()?);
    let (mut z, mut scaled) = (solver.zeros()?, solver.zeros()?);
    solver.precondition(&v, &mut z)?;
    let square = space.dot(&z, &v)?.real();
    if square <= X::Real::zero() {
        return Ok(Cycle::Ended(StopReason::NotPositiveDefinite));
    }
    let zero = X::Real::zero();
    let (mut gamma_before, mut gamma) = (X::Real::one(), square.sqrt());
    let mut eta = gamma;
    let (mut s_before, mut s, mut c_before, mut c) = (zero, zero, X::Real::one(), X::Real::one());
    let mut largest = zero;
    let mut asymmetry = zero;
    loop {
        solver.checkpoint(
            &mut [
                &mut gamma_before,
                &mut gamma,
                &mut eta,
                &mut s_before,
                &mut s,
                &mut c_before,
                &mut c,
                &mut largest,
                &mut asymmetry,
            ],
            &mut [],
            &mut [r, &mut v_before, &mut v, &mut w_before, &mut w, &mut z],
        )?;
        z.iter().zip(&mut scaled).for_each(|(&z, to)| *to = z / X::from_real(gamma));
        solver.multiply(&scaled, &mut next)?;
        let delta = space.dot(&scaled, &next)?.real();
        if solver.iterations == 1 {
            // vⱼᴴ A vⱼ₋₁ is γⱼ by construction; vⱼ₋₁ᴴ A vⱼ is if the operator is Hermitian.
            let found = space.dot(&v_before, &next)?.real() / gamma_before;
            let size = space.norm(&next)?.max(gamma);
            asymmetry = if is_preconditioned { zero } else { Float::abs(found - gamma) / size };
        }
        axpby(-X::from_real(delta / gamma), &v, one, &mut next, ctx)?;
        axpby(-X::from_real(gamma / gamma_before), &v_before, one, &mut next, ctx)?;
        std::mem::swap(&mut v_before, &mut v);
        std::mem::swap(&mut v, &mut next);
        solver.precondition(&v, &mut z)?;
        let square = space.dot(&z, &v)?.real();
        if square < zero || square.is_nan() {
            let reason = if square.is_nan() {
                StopReason::NotFinite
            } else {
                StopReason::NotPositiveDefinite
            };
            return Ok(Cycle::Ended(reason));
        }
        let gamma_next = square.sqrt();
        let alpha_0 = c * delta - c_before * s * gamma;
        let alpha_1 = alpha_0.hypot(gamma_next);
        let alpha_2 = s * delta + c_before * c * gamma;
        let alpha_3 = s_before * gamma;
        largest = largest.max(alpha_1);
        if alpha_1 <= X::Real::epsilon() * largest {
            return Ok(Cycle::Ended(StopReason::Singular));
        }
        (c_before, s_before) = (c, s);
        (c, s) = (alpha_0 / alpha_1, gamma_next / alpha_1);
        axpby(-X::from_real(alpha_2), &w, -X::from_real(alpha_3), &mut w_before, ctx)?;
        axpby(one, &scaled, one, &mut w_before, ctx)?;
        divide(&mut w_before, alpha_1, ctx);
        std::mem::swap(&mut w, &mut w_before);
        axpby(X::from_real(c * eta), &w, one, &mut solver.x, ctx)?;
        eta = -s * eta;
        let residual = match is_preconditioned && gamma_next > zero {
            true => {
                axpby(X::from_real(c * eta / gamma_next), &v, X::from_real(s * s), r, ctx)?;
                space.norm(r)?
            }
            // Without a preconditioner this is the norm of the residual.
            false => Float::abs(eta),
        };
        if let Some(reason) = solver.after(residual, None, callback)? {
            let converged = matches!(reason, StopReason::Converged | StopReason::Stopped);
            let limit = X::from_f64(NOT_HERMITIAN).real();
            let reason =
                if !converged && asymmetry > limit { StopReason::NotHermitian } else { reason };
            return Ok(Cycle::Ended(reason));
        }
        if gamma_next.is_zero() {
            return Ok(Cycle::Again);
        }
        (gamma_before, gamma) = (gamma, gamma_next);
    }
}
