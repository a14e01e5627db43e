//! A multiple of an operator, and an operator plus a multiple of the identity.

use crate::error::{Result, check_shape};
use crate::linalg::algebra::{Scalar, axpby};
use crate::linalg::product::LinearOperator;
use crate::storage::{Context, Plan};

/// `c A`, of [`Compose::scaled`](crate::linalg::Compose::scaled).
#[derive(Clone, Copy, Debug)]
pub struct Scaled<A, X> {
    pub(super) a: A,
    pub(super) factor: X,
}

/// `A + s I`, of [`Compose::shifted`](crate::linalg::Compose::shifted).
#[derive(Clone, Copy, Debug)]
pub struct Shifted<A, X> {
    pub(super) a: A,
    pub(super) shift: X,
}

impl<X: Scalar, A: LinearOperator<X>> LinearOperator<X> for Scaled<A, X> {
    fn shape(&self) -> (usize, usize) {
        self.a.shape()
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_block(1, x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_adjoint_block(1, x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.a.apply_block(k, x, y, ctx)?;
        y.iter_mut().for_each(|y| *y = self.factor * *y);
        Ok(())
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.a.apply_adjoint_block(k, x, y, ctx)?;
        y.iter_mut().for_each(|y| *y = self.factor.conj() * *y);
        Ok(())
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        self.a.plan_block(adjoint, k, ctx)
    }

    fn context(&self) -> Context {
        self.a.context()
    }
}

impl<X: Scalar, A: LinearOperator<X>> LinearOperator<X> for Shifted<A, X> {
    fn shape(&self) -> (usize, usize) {
        self.a.shape()
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_block(1, x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_adjoint_block(1, x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("x", y.len(), x.len())?;
        self.a.apply_block(k, x, y, ctx)?;
        axpby(self.shift, x, X::one(), y, ctx)
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("x", y.len(), x.len())?;
        self.a.apply_adjoint_block(k, x, y, ctx)?;
        axpby(self.shift.conj(), x, X::one(), y, ctx)
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        self.a.plan_block(adjoint, k, ctx)
    }

    fn context(&self) -> Context {
        self.a.context()
    }
}
