//! The sum of two operators.

use crate::error::{Result, check_shape};
use crate::linalg::algebra::{Scalar, axpby};
use crate::linalg::product::LinearOperator;
use crate::storage::{Context, Plan, bytes_of};

/// `A + B`, of [`Compose::plus`](crate::linalg::Compose::plus). A product takes the memory of another result.
#[derive(Clone, Copy, Debug)]
pub struct Sum<A, B> {
    pub(super) a: A,
    pub(super) b: B,
}

impl<X: Scalar, A: LinearOperator<X>, B: LinearOperator<X>> LinearOperator<X> for Sum<A, B> {
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
        check_shape("B", self.a.shape(), self.b.shape())?;
        self.a.apply_block(k, x, y, ctx)?;
        let mut other = ctx.filled("the other product", y.len(), X::zero())?;
        let _held = ctx.hold(bytes_of::<X>(y.len()));
        self.b.apply_block(k, x, &mut other, ctx)?;
        axpby(X::one(), &other, X::one(), y, ctx)
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("B", self.a.shape(), self.b.shape())?;
        self.a.apply_adjoint_block(k, x, y, ctx)?;
        let mut other = ctx.filled("the other product", y.len(), X::zero())?;
        let _held = ctx.hold(bytes_of::<X>(y.len()));
        self.b.apply_adjoint_block(k, x, &mut other, ctx)?;
        axpby(X::one(), &other, X::one(), y, ctx)
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        let (nrows, ncols) = self.a.shape();
        let bytes = bytes_of::<X>(if adjoint { ncols } else { nrows }.saturating_mul(k));
        let plan = self.a.plan_block(adjoint, k, ctx)?;
        let _held = ctx.hold(bytes);
        Ok(plan.then(self.b.plan_block(adjoint, k, ctx)?.throughout(bytes)))
    }

    fn context(&self) -> Context {
        self.a.context()
    }
}
