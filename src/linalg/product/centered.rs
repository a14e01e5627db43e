//! A matrix less the same row in every row, without making it: a sparse one stays sparse.

use crate::error::{Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::product::operator::LinearOperator;
use crate::storage::{Context, Plan};

/// `A − 1 mᴴ`: an operator less the row `m` in every row. With the means of the columns for `m`, its singular values
/// and vectors are the principal components of the rows of `A`.
///
/// ```
/// use outcore::linalg::{Centered, LinearOperator};
/// use outcore::Dense;
/// let a = Dense::from(ndarray::arr2(&[[1.0, 5.0], [3.0, 7.0]]));
/// let centered = Centered::new(&a, vec![2.0, 6.0])?;
/// assert_eq!(centered.matvec(&[1.0, 0.0])?, [-1.0, 1.0]);
/// assert_eq!(centered.rmatvec(&[1.0, 1.0])?, [0.0, 0.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Centered<A, X> {
    operator: A,
    center: Vec<X>,
}

impl<A: LinearOperator<X>, X: Scalar> Centered<A, X> {
    /// The operator less `center` in every row. Fails unless there is a number for every column.
    pub fn new(operator: A, center: Vec<X>) -> Result<Self> {
        check_shape("the center", operator.shape().1, center.len())?;
        Ok(Centered { operator, center })
    }

    /// What is subtracted from every row.
    pub fn center(&self) -> &[X] {
        &self.center
    }
}

impl<A: LinearOperator<X>, X: Scalar> LinearOperator<X> for Centered<A, X> {
    fn shape(&self) -> (usize, usize) {
        self.operator.shape()
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_block(1, x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_adjoint_block(1, x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.operator.apply_block(k, x, y, ctx)?;
        if k == 0 {
            return Ok(());
        }
        let mut shift = vec![X::zero(); k];
        for (&mean, row) in self.center.iter().zip(x.chunks_exact(k)) {
            let mean = mean.conj();
            shift.iter_mut().zip(row).for_each(|(sum, &x)| *sum += mean * x);
        }
        for row in y.chunks_exact_mut(k) {
            row.iter_mut().zip(&shift).for_each(|(y, &shift)| *y -= shift);
        }
        Ok(())
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.operator.apply_adjoint_block(k, x, y, ctx)?;
        if k == 0 {
            return Ok(());
        }
        let mut sums = vec![X::zero(); k];
        for row in x.chunks_exact(k) {
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
        }
        for (&mean, row) in self.center.iter().zip(y.chunks_exact_mut(k)) {
            row.iter_mut().zip(&sums).for_each(|(y, &sum)| *y -= mean * sum);
        }
        Ok(())
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        self.operator.plan_block(adjoint, k, ctx)
    }

    fn context(&self) -> Context {
        self.operator.context()
    }
}
