//! What preconditioners have in common: as an operator each is square, checks its operands, says what it costs, and is
//! applied to one vector as to several.

use crate::error::{Result, check_shape};
use crate::linalg::Scalar;
use crate::storage::{Context, Plan};

/// An approximate inverse `M`, made an operator by [`is_operator`].
pub(super) trait Preconditioner<X: Scalar> {
    /// The number of rows and columns.
    fn order(&self) -> usize;

    /// The plan of one application to `k` vectors.
    fn plan(&self, k: usize, ctx: &Context) -> Result<Plan>;

    /// Writes `M X`, or `Mᴴ X` if it is the `adjoint`, for `k` interleaved vectors, at least one number in total.
    fn apply_to(&self, adjoint: bool, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()>;

    /// The context for calls without one.
    fn own_context(&self) -> Context {
        Context::new()
    }
}

/// Applies a preconditioner to operands of any lengths.
pub(super) fn apply<X: Scalar>(
    m: &dyn Preconditioner<X>,
    (adjoint, k): (bool, usize),
    x: &[X],
    y: &mut [X],
    ctx: &Context,
) -> Result<()> {
    let len = m.order().saturating_mul(k);
    check_shape("x", len, x.len())?;
    check_shape("y", len, y.len())?;
    let _running = ctx.begin(|| m.plan(k, ctx))?;
    if len == 0 {
        return Ok(());
    }
    m.apply_to(adjoint, k, x, y, ctx)
}

/// Makes a preconditioner an operator, with more methods of that trait where it has some of its own.
macro_rules! is_operator {
    ([$($parameters:tt)*] $type:ty $(, { $($more:tt)* })?) => {
        impl<$($parameters)*> $crate::linalg::LinearOperator<X> for $type {
            fn shape(&self) -> (usize, usize) {
                let n = $crate::solve::precond::preconditioner::Preconditioner::order(self);
                (n, n)
            }

            fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
                $crate::solve::precond::preconditioner::apply(self, (false, 1), x, y, ctx)
            }

            fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
                $crate::solve::precond::preconditioner::apply(self, (true, 1), x, y, ctx)
            }

            fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
                $crate::solve::precond::preconditioner::apply(self, (false, k), x, y, ctx)
            }

            fn apply_adjoint_block(
                &self,
                k: usize,
                x: &[X],
                y: &mut [X],
                ctx: &Context,
            ) -> Result<()> {
                $crate::solve::precond::preconditioner::apply(self, (true, k), x, y, ctx)
            }

            fn plan_block(
                &self,
                _: bool,
                k: usize,
                ctx: &Context,
            ) -> Result<$crate::storage::Plan> {
                $crate::solve::precond::preconditioner::Preconditioner::plan(self, k, ctx)
            }

            fn context(&self) -> Context {
                $crate::solve::precond::preconditioner::Preconditioner::own_context(self)
            }

            $($($more)*)?
        }
    };
}
pub(super) use is_operator;
