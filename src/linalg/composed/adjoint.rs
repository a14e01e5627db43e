//! The conjugate transpose of an operator.

use crate::error::Result;
use crate::linalg::algebra::Scalar;
use crate::linalg::product::LinearOperator;
use crate::storage::{Context, Plan};

/// `Aᴴ`, of [`Compose::adjoint`](crate::linalg::Compose::adjoint).
#[derive(Clone, Copy, Debug)]
pub struct Adjoint<A> {
    pub(super) a: A,
}

impl<X: Scalar, A: LinearOperator<X>> LinearOperator<X> for Adjoint<A> {
    fn shape(&self) -> (usize, usize) {
        let (nrows, ncols) = self.a.shape();
        (ncols, nrows)
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.a.apply_adjoint(x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.a.apply(x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.a.apply_adjoint_block(k, x, y, ctx)
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.a.apply_block(k, x, y, ctx)
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        self.a.plan_block(!adjoint, k, ctx)
    }

    fn context(&self) -> Context {
        self.a.context()
    }
}
