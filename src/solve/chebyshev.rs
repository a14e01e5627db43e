//! Chebyshev iteration, for Hermitian positive definite operators with known bounds of the eigenvalues: no inner
//! products but the norm of the residual.
//!
//! Source: Saad, "Iterative methods for sparse linear systems", algorithm 12.1; Golub and Varga (1961).
//!
//! ```text
//! θ = (hi + lo)/2;  δ = (hi − lo)/2;  σ = θ/δ;  ρ = 1/σ;  d = M r / θ
//! x += d;  r −= A d;  ρ' = 1/(2σ − ρ);  d = ρ'ρ d + 2ρ'/δ M r
//! ```

use num_traits::{Float, One, Zero};

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{Scalar, axpby};
use crate::solve::solved::Solved;
use crate::solve::solver::{Callback, Cycle, Solver};

pub(super) fn chebyshev<X: Scalar>(
    solver: Solver<'_, X>,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    let (low, high) = solver.options.bounds.ok_or_else(|| {
        Error::new(ErrorKind::Value, "Chebyshev iteration needs bounds of the eigenvalues")
            .remedy("give SolveOptions::bounds")
    })?;
    if !(low > X::Real::zero() && high >= low && high.is_finite()) {
        return Err(Error::new(
            ErrorKind::Value,
            "the bounds are not those of positive eigenvalues",
        )
        .expected("0 < low ≤ high")
        .found(format!("{low} and {high}")));
    }
    solver.repeat(&mut |solver, r, _| cycle(solver, r, (low, high), callback))
}

fn cycle<X: Scalar>(
    solver: &mut Solver<'_, X>,
    r: &mut [X],
    (low, high): (X::Real, X::Real),
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let (ctx, one) = (solver.ctx, X::one());
    let real = |value: f64| X::from_f64(value).real();
    let (theta, delta) = ((high + low) * real(0.5), (high - low) * real(0.5));
    let (mut z, mut q, mut d) = (solver.zeros()?, solver.zeros()?, solver.zeros()?);
    solver.precondition(r, &mut z)?;
    d.iter_mut().zip(&z).for_each(|(d, &z)| *d = z / X::from_real(theta));
    // ρ δ, which is finite also if both bounds are the same.
    let mut rho_delta = delta * (delta / theta);
    loop {
        solver.checkpoint(&mut [&mut rho_delta], &mut [], &mut [r, &mut d])?;
        axpby(one, &d, one, &mut solver.x, ctx)?;
        solver.multiply(&d, &mut q)?;
        axpby(-one, &q, one, r, ctx)?;
        let size = solver.space.norm(r)?;
        if let Some(reason) = solver.after(size, None, callback)? {
            return Ok(Cycle::Ended(reason));
        }
        solver.keep(size)?;
        // ρ' = 1/(2σ − ρ), so ρ'/δ = 1/(2θ − ρδ).
        let rate = X::Real::one() / (real(2.0) * theta - rho_delta);
        solver.precondition(r, &mut z)?;
        axpby(X::from_real(real(2.0) * rate), &z, X::from_real(rate * rho_delta), &mut d, ctx)?;
        rho_delta = delta * (delta * rate);
    }
}
