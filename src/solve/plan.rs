//! What a solve costs: so much for each iteration, and at most so many of them.

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar};
use crate::solve::nullspace::NullSpace;
use crate::solve::options::CgOptions;
use crate::storage::work;
use crate::storage::{Context, Plan, Running};

/// Vectors of a solve, beside `b`: the most that it holds, one more with a preconditioner.
const VECTORS: u64 = 5;

/// Marks the start of a solve whose arguments were checked.
pub(super) fn begin<X: Scalar>(
    operation: &'static str,
    a: &impl LinearOperator<X>,
    options: &CgOptions<'_, X>,
    ctx: &Context,
) -> Result<Running> {
    let n = a.shape().1;
    let vectors = VECTORS + u64::from(options.precond.is_some());
    let bytes = vectors.saturating_mul(n as u64).saturating_mul(size_of::<X>() as u64);
    let bytes = bytes.saturating_add(NullSpace::bytes(options.nullspace));
    ctx.begin(|| {
        ctx.check_memory("the vectors of the iteration", bytes)?;
        // As it will be while the products are made.
        let _held = ctx.hold(bytes);
        let first = a.plan_block(false, 1, ctx)?;
        let mut each = first.clone().again().works(n as u64, work::CG);
        if let Some(precond) = options.precond {
            each = each.then(precond.plan_block(false, 1, ctx)?);
        }
        // Besides the first, one for the residual of the answer.
        let most = options.maxiter.unwrap_or(n.saturating_mul(10)).saturating_add(1);
        Ok(Plan::new(operation).then(first).repeated(&each, most as u64).beside(bytes))
    })
}
