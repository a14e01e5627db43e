//! Golub–Kahan bidiagonalisation, of LSQR and LSMR.

use num_traits::Zero;

use crate::error::Result;
use crate::linalg::{Scalar, axpby, norm};
use crate::solve::run::Run;

/// `A V = U B`, with the last vectors of both bases and the last column of `B`.
pub(super) struct Bidiagonal<X: Scalar> {
    pub(super) u: Vec<X>,
    pub(super) v: Vec<X>,
    /// `Aᴴ u`.
    next: Vec<X>,
    pub(super) alpha: X::Real,
    pub(super) beta: X::Real,
}

impl<X: Scalar> Bidiagonal<X> {
    /// Starts with a residual and its norm.
    pub(super) fn new(run: &mut Run<'_, X>, r: &[X], beta: X::Real) -> Result<Self> {
        let u: Vec<X> = r.iter().map(|&r| r / X::from_real(beta)).collect();
        let mut v = vec![X::zero(); run.x.len()];
        run.multiply_adjoint(&u, &mut v)?;
        let alpha = norm(&v, run.ctx);
        divide(&mut v, alpha);
        let next = vec![X::zero(); v.len()];
        Ok(Bidiagonal { u, v, next, alpha, beta })
    }

    /// The next vectors, of which a zero ends the bidiagonalisation.
    pub(super) fn step(&mut self, run: &mut Run<'_, X>) -> Result<()> {
        let ctx = run.ctx;
        run.multiply_normal(&self.v, -X::from_real(self.alpha), &mut self.u, &mut self.next)?;
        self.beta = norm(&self.u, ctx);
        if self.beta.is_zero() {
            self.alpha = X::Real::zero();
            self.v.fill(X::zero());
            return Ok(());
        }
        divide(&mut self.u, self.beta);
        let beta = X::from_real(self.beta);
        axpby(X::one() / beta, &self.next, -beta, &mut self.v, ctx)?;
        self.alpha = norm(&self.v, ctx);
        divide(&mut self.v, self.alpha);
        Ok(())
    }
}

fn divide<X: Scalar>(x: &mut [X], by: X::Real) {
    if by > X::Real::zero() {
        x.iter_mut().for_each(|x| *x = *x / X::from_real(by));
    }
}
