//! LSQR: least squares, and systems of any shape, by Golub–Kahan bidiagonalisation.
//!
//! Source: Paige and Saunders, "LSQR: an algorithm for sparse linear equations and sparse least squares" (1982). It is
//! conjugate gradients on `AᴴA x = Aᴴb`, without its rounding errors.
//!
//! ```text
//! u = A v − α u;  β = ‖u‖;  v = Aᴴ u / β − β v;  α = ‖v‖          bidiagonalisation
//! a rotation makes the bidiagonal matrix triangular;  x += φ/ρ w;  w = v − θ/ρ w
//! ```

use num_traits::{Float, Zero};

use crate::error::Result;
use crate::linalg::{Scalar, axpby};
use crate::solve::bidiagonal::Bidiagonal;
use crate::solve::solved::{Solved, StopReason};
use crate::solve::solver::{Callback, Cycle, Solver};

pub(super) fn lsqr<X: Scalar>(
    solver: Solver<'_, X>,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    solver.repeat(&mut |solver, r, norm| cycle(solver, (r, norm), callback))
}

fn cycle<X: Scalar>(
    solver: &mut Solver<'_, X>,
    (r, beta): (&[X], X::Real),
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let (ctx, one, damp) = (solver.ctx, X::one(), solver.options.damp);
    let mut bidiagonal = Bidiagonal::new(solver, r, beta)?;
    let mut w = bidiagonal.v.clone();
    let (mut phi_bar, mut rho_bar) = (beta, bidiagonal.alpha);
    let (mut size, mut damped) = (X::Real::zero(), X::Real::zero());
    if bidiagonal.alpha.is_zero() {
        return Ok(Cycle::Ended(StopReason::LeastSquares));
    }
    loop {
        let Bidiagonal { u, v, alpha, .. } = &mut bidiagonal;
        solver.checkpoint(
            &mut [alpha, &mut phi_bar, &mut rho_bar, &mut size, &mut damped],
            &mut [],
            &mut [u, v, &mut w],
        )?;
        size = size.hypot(bidiagonal.alpha);
        bidiagonal.step(solver)?;
        size = size.hypot(bidiagonal.beta).hypot(damp);
        if !damp.is_zero() {
            let rho = rho_bar.hypot(damp);
            damped = damped.hypot(damp / rho * phi_bar);
            phi_bar = rho_bar / rho * phi_bar;
            rho_bar = rho;
        }
        let rho = rho_bar.hypot(bidiagonal.beta);
        let (c, s) = (rho_bar / rho, bidiagonal.beta / rho);
        let theta = s * bidiagonal.alpha;
        let phi = c * phi_bar;
        rho_bar = -c * bidiagonal.alpha;
        phi_bar = s * phi_bar;
        axpby(X::from_real(phi / rho), &w, one, &mut solver.x, ctx)?;
        axpby(one, &bidiagonal.v, -X::from_real(theta / rho), &mut w, ctx)?;
        let residual = phi_bar.hypot(damped);
        let normal = phi_bar * bidiagonal.alpha * Float::abs(c);
        if let Some(reason) = solver.after(residual, None, callback)? {
            // With damping the residual does not vanish: small or not, it is minimised.
            let damped = reason == StopReason::Converged && !damp.is_zero();
            return Ok(Cycle::Ended(if damped { StopReason::LeastSquares } else { reason }));
        }
        if normal <= solver.options.rtol * size * residual || bidiagonal.alpha.is_zero() {
            return Ok(Cycle::Ended(StopReason::LeastSquares));
        }
    }
}
