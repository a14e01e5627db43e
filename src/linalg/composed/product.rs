//! The product of two operators.

use crate::error::{Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::product::LinearOperator;
use crate::storage::{Context, Plan, bytes_of};

/// `A B`, of [`Compose::times`](crate::linalg::Compose::times). A product takes the memory of what is in between.
#[derive(Clone, Copy, Debug)]
pub struct Product<A, B> {
    pub(super) a: A,
    pub(super) b: B,
}

impl<X: Scalar, A: LinearOperator<X>, B: LinearOperator<X>> LinearOperator<X> for Product<A, B> {
    fn shape(&self) -> (usize, usize) {
        (self.a.shape().0, self.b.shape().1)
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_block(1, x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_adjoint_block(1, x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("the rows of B", self.a.shape().1, self.b.shape().0)?;
        let len = self.b.shape().0.saturating_mul(k);
        let mut between = ctx.filled("the inner product", len, X::zero())?;
        let _held = ctx.hold(bytes_of::<X>(len));
        self.b.apply_block(k, x, &mut between, ctx)?;
        self.a.apply_block(k, &between, y, ctx)
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("the rows of B", self.a.shape().1, self.b.shape().0)?;
        let len = self.b.shape().0.saturating_mul(k);
        let mut between = ctx.filled("the inner product", len, X::zero())?;
        let _held = ctx.hold(bytes_of::<X>(len));
        self.a.apply_adjoint_block(k, x, &mut between, ctx)?;
        self.b.apply_adjoint_block(k, &between, y, ctx)
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        let bytes = bytes_of::<X>(self.b.shape().0.saturating_mul(k));
        let _held = ctx.hold(bytes);
        let (a, b) = (self.a.plan_block(adjoint, k, ctx)?, self.b.plan_block(adjoint, k, ctx)?);
        Ok(if adjoint { a.then(b) } else { b.then(a) }.throughout(bytes))
    }

    fn context(&self) -> Context {
        self.a.context()
    }
}
