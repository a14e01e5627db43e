//! Golub–Kahan bidiagonalisation, of LSQR and LSMR.

use num_traits::Zero;

use crate::error::Result;
use crate::linalg::{Scalar, axpby, norm};
use crate::solve::run::Run;

/// `A V = U B`, with the last vectors of both bases and the last column of `B`.
pub(super) struct Bidiagonal<X: Scalar> {
    pub(super) u: Vec<X>,
    pub(super) v: Vec<X>,
    /// `A v` and `Aᴴ u`.
    products: (Vec<X>, Vec<X>),
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
        let products = (vec![X::zero(); u.len()], vec![X::zero(); v.len()]);
        Ok(Bidiagonal { u, v, products, alpha, beta })
    }

    /// The next vectors, of which a zero ends the bidiagonalisation.
    pub(super) fn step(&mut self, run: &mut Run<'_, X>) -> Result<()> {
        let ctx = run.ctx;
        let (product, next) = &mut self.products;
        run.multiply(&self.v, product)?;
        axpby(X::one(), product, -X::from_real(self.alpha), &mut self.u, ctx)?;
        run.multiply_adjoint(&self.u, next)?;
        self.beta = norm(&self.u, ctx);
        if self.beta.is_zero() {
            self.alpha = X::Real::zero();
            self.v.fill(X::zero());
            return Ok(());
        }
        divide(&mut self.u, self.beta);
        let beta = X::from_real(self.beta);
        axpby(X::one() / beta, next, -beta, &mut self.v, ctx)?;
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
