//! The sum of the main diagonal.

use crate::convert::{diagonal_length, fill_diagonal, plan_diagonal};
use crate::error::Result;
use crate::linalg::algebra::{Factor, Scalar, Stored, sum_of};
use crate::sparse::{AnyCompressed, Axis, Compressed};
use crate::storage::{Context, Element, Index, Plan, RawBuffer};

impl<T: Element, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The sum of the numbers on the main diagonal, computed in `X` as [`sum`](Self::sum) does; the matrix need not be
    /// square.
    ///
    /// Cost: one read of the matrix, within the memory limit whatever the matrix; memory: the diagonal. Fails as
    /// [`diagonal`](Self::diagonal) does.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// assert_eq!(Csr::<i32>::eye(3).trace::<f64>(&Context::new())?, 3.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatGetTrace")]
    pub fn trace<X: Scalar>(&self, ctx: &Context) -> Result<X>
    where
        T: Factor<X>,
    {
        trace(&self.to_any(), ctx)
    }
}

/// The sum in `X` of the numbers on the main diagonal, which must be able to multiply numbers of this type.
pub(crate) fn trace<X: Scalar>(from: &AnyCompressed, ctx: &Context) -> Result<X> {
    let _running = ctx.begin(|| plan(from, ctx))?;
    let diagonal = main_diagonal(from, ctx)?;
    sum_of(Stored::new(&diagonal), ctx)
}

fn plan(from: &AnyCompressed, ctx: &Context) -> Result<Plan> {
    // The sum is a pass over an array in memory.
    plan_diagonal(from, 0, ctx).map(|plan| plan.then(Plan::new("trace").reads(1, 0)))
}

fn main_diagonal(from: &AnyCompressed, ctx: &Context) -> Result<RawBuffer> {
    let mut diagonal =
        ctx.raw_filled("the diagonal", (from.types().values, diagonal_length(from, 0)))?;
    fill_diagonal(from, 0, diagonal.as_mut(), ctx)?;
    Ok(diagonal.freeze())
}
