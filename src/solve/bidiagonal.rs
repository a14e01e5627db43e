//! Golub–Kahan bidiagonalisation, of LSQR and LSMR.

use num_traits::Zero;

use crate::error::Result;
use crate::linalg::{Scalar, axpby, divide, norm};
use crate::solve::solver::Solver;

/// `A V = U B`, with the last vectors of both bases and the last column of `B`.
pub(super) struct Bidiagonal<X: Scalar> {
    pub(super) u: Vec<X>,
    pub(super) v: Vec<X>,
    /// `Aᴴ u`.
    product: Vec<X>,
    pub(super) alpha: X::Real,
    pub(super) beta: X::Real,
}

impl<X: Scalar> Bidiagonal<X> {
    /// Starts with a residual and its norm.
    pub(super) fn new(solver: &mut Solver<'_, X>, r: &[X], beta: X::Real) -> Result<Self> {
        let u: Vec<X> = r.iter().map(|&r| r / X::from_real(beta)).collect();
        let mut v = vec![X::zero(); solver.x.len()];
        solver.multiply_adjoint(&u, &mut v)?;
        let alpha = norm(&v, solver.ctx);
        divide(&mut v, alpha, solver.ctx);
        let product = vec![X::zero(); v.len()];
        Ok(Bidiagonal { u, v, product, alpha, beta })
    }

    /// The next vectors, of which a zero ends the bidiagonalisation. Both products take one pass over a matrix that
    /// is read by rows: `Aᴴ` multiplies `β u`, which is known row by row, and `β` only after the last one.
    pub(super) fn step(&mut self, solver: &mut Solver<'_, X>) -> Result<()> {
        let ctx = solver.ctx;
        let Bidiagonal { u, v, product, alpha, .. } = self;
        solver.multiply_normal(v, product, &mut |rows, av| {
            let u = &mut u[rows];
            axpby(X::one(), av, -X::from_real(*alpha), u, ctx).expect("as many rows");
            av.copy_from_slice(u);
        })?;
        self.beta = norm(&self.u, ctx);
        if self.beta.is_zero() {
            self.alpha = X::Real::zero();
            self.v.fill(X::zero());
            return Ok(());
        }
        divide(&mut self.u, self.beta, ctx);
        let beta = X::from_real(self.beta);
        axpby(X::one() / beta, &self.product, -beta, &mut self.v, ctx)?;
        self.alpha = norm(&self.v, ctx);
        divide(&mut self.v, self.alpha, ctx);
        Ok(())
    }
}
