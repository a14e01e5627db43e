//! LSMR: least squares by Golub–Kahan bidiagonalisation, with a norm of `Aᴴ r` that decreases in every iteration.
//!
//! Source: Fong and Saunders, "LSMR: an iterative algorithm for sparse least-squares problems" (2011). It is MINRES on
//! `AᴴA x = Aᴴb`, without its rounding errors; the names follow the paper.

use num_traits::{Float, One, Zero};

use crate::error::Result;
use crate::linalg::{Scalar, axpby};
use crate::solve::bidiagonal::Bidiagonal;
use crate::solve::solved::{Solved, StopReason};
use crate::solve::solver::{Callback, Cycle, Solver};

pub(super) fn lsmr<X: Scalar>(
    solver: Solver<'_, X>,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    solver.repeat(&mut |solver, r, norm| cycle(solver, (r, norm), callback))
}

/// The rotation that maps `(a, b)` to `(r, 0)`: cosine, sine and `r`.
fn rotation<R: Float>(a: R, b: R) -> (R, R, R) {
    let r = a.hypot(b);
    if r.is_zero() { (R::one(), R::zero(), r) } else { (a / r, b / r, r) }
}

fn cycle<X: Scalar>(
    solver: &mut Solver<'_, X>,
    (r, beta): (&[X], X::Real),
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let (ctx, unit, damp) = (solver.ctx, X::one(), solver.options.damp);
    let (zero, one) = (X::Real::zero(), X::Real::one());
    let mut bidiagonal = Bidiagonal::new(solver, r, beta)?;
    if bidiagonal.alpha.is_zero() {
        return Ok(Cycle::Ended(StopReason::LeastSquares));
    }
    let mut h = bidiagonal.v.clone();
    let mut h_bar = vec![X::zero(); h.len()];
    let (mut zeta_bar, mut alpha_bar) = (bidiagonal.alpha * beta, bidiagonal.alpha);
    let (mut rho, mut rho_bar, mut c_bar, mut s_bar) = (one, one, one, zero);
    // For the norm of the residual.
    let (mut beta_dd, mut beta_d, mut rho_d, mut tau, mut theta_tilde, mut zeta, mut squares) =
        (beta, zero, one, zero, zero, zero, zero);
    let mut size = zero;
    loop {
        let Bidiagonal { u, v, alpha, .. } = &mut bidiagonal;
        solver.checkpoint(
            &mut [
                alpha,
                &mut zeta_bar,
                &mut alpha_bar,
                &mut rho,
                &mut rho_bar,
                &mut c_bar,
                &mut s_bar,
                &mut beta_dd,
                &mut beta_d,
                &mut rho_d,
                &mut tau,
                &mut theta_tilde,
                &mut zeta,
                &mut squares,
                &mut size,
            ],
            &mut [],
            &mut [u, v, &mut h, &mut h_bar],
        )?;
        size = size.hypot(bidiagonal.alpha);
        bidiagonal.step(solver)?;
        size = size.hypot(bidiagonal.beta);
        let (c_hat, s_hat, alpha_hat) = rotation(alpha_bar, damp);
        let rho_before = rho;
        let (c, s, new) = rotation(alpha_hat, bidiagonal.beta);
        rho = new;
        let theta = s * bidiagonal.alpha;
        alpha_bar = c * bidiagonal.alpha;
        let (rho_bar_before, zeta_before) = (rho_bar, zeta);
        let theta_bar = s_bar * rho;
        (c_bar, s_bar, rho_bar) = rotation(c_bar * rho, theta);
        zeta = c_bar * zeta_bar;
        zeta_bar = -s_bar * zeta_bar;
        let back = theta_bar * rho / (rho_before * rho_bar_before);
        axpby(unit, &h, -X::from_real(back), &mut h_bar, ctx)?;
        axpby(X::from_real(zeta / (rho * rho_bar)), &h_bar, unit, &mut solver.x, ctx)?;
        axpby(unit, &bidiagonal.v, -X::from_real(theta / rho), &mut h, ctx)?;

        let (beta_acute, beta_check) = (c_hat * beta_dd, -s_hat * beta_dd);
        let beta_hat = c * beta_acute;
        beta_dd = -s * beta_acute;
        let theta_tilde_before = theta_tilde;
        let (c_tilde, s_tilde, rho_tilde) = rotation(rho_d, theta_bar);
        theta_tilde = s_tilde * rho_bar;
        rho_d = c_tilde * rho_bar;
        beta_d = c_tilde * beta_hat - s_tilde * beta_d;
        tau = (zeta_before - theta_tilde_before * tau) / rho_tilde;
        let tau_d = (zeta - theta_tilde * tau) / rho_d;
        squares += beta_check * beta_check;
        let residual = squares.sqrt().hypot(beta_d - tau_d).hypot(beta_dd);
        if let Some(reason) = solver.after(residual, None, callback)? {
            // With damping the residual does not vanish: small or not, it is minimised.
            let damped = reason == StopReason::Converged && !damp.is_zero();
            return Ok(Cycle::Ended(if damped { StopReason::LeastSquares } else { reason }));
        }
        if Float::abs(zeta_bar) <= solver.options.rtol * size * residual
            || bidiagonal.alpha.is_zero()
        {
            return Ok(Cycle::Ended(StopReason::LeastSquares));
        }
    }
}
