//! An operator from whose columns numbers are subtracted.

use crate::error::{Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::product::LinearOperator;
use crate::storage::{Context, Plan};

/// `A − 1 μᵀ`, of [`Compose::centered`](crate::linalg::Compose::centered): a sparse matrix stays sparse.
#[derive(Clone, Debug)]
pub struct Centered<A, X> {
    pub(super) a: A,
    pub(super) means: Vec<X>,
}

impl<X: Scalar, A: LinearOperator<X>> LinearOperator<X> for Centered<A, X> {
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
        check_shape("the means", self.a.shape().1, self.means.len())?;
        self.a.apply_block(k, x, y, ctx)?;
        let mut shifts = vec![X::zero(); k];
        for (row, &mean) in x.chunks_exact(k.max(1)).zip(&self.means) {
            shifts.iter_mut().zip(row).for_each(|(sum, &x)| *sum += mean * x);
        }
        for row in y.chunks_exact_mut(k.max(1)) {
            row.iter_mut().zip(&shifts).for_each(|(y, &shift)| *y -= shift);
        }
        Ok(())
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("the means", self.a.shape().1, self.means.len())?;
        self.a.apply_adjoint_block(k, x, y, ctx)?;
        let mut sums = vec![X::zero(); k];
        for row in x.chunks_exact(k.max(1)) {
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
        }
        for (row, &mean) in y.chunks_exact_mut(k.max(1)).zip(&self.means) {
            row.iter_mut().zip(&sums).for_each(|(y, &sum)| *y -= mean.conj() * sum);
        }
        Ok(())
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        self.a.plan_block(adjoint, k, ctx)
    }

    fn context(&self) -> Context {
        self.a.context()
    }
}
