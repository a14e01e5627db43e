//! The cost of a solve: that of each iteration, and the maximum number of them.

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar};
use crate::solve::nullspace::NullSpace;
use crate::solve::options::CgOptions;
use crate::storage::work;
use crate::storage::{Context, Plan, Running};

/// The maximum number of vectors of a solve in addition to `b`; one more with a preconditioner.
const VECTORS: u64 = 5;

/// Marks the start of a solve with checked arguments.
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
        // Held as it will be during the products.
        let _held = ctx.hold(bytes);
        let first = a.plan_block(false, 1, ctx)?;
        let mut each = first.clone().again().works(n as u64, work::CG);
        if let Some(precond) = options.precond {
            each = each.then(precond.plan_block(false, 1, ctx)?);
        }
        // One more for the residual of the result.
        let most = options.maxiter.unwrap_or(n.saturating_mul(10)).saturating_add(1);
        Ok(Plan::new(operation).then(first).repeated(&each, most as u64).throughout(bytes))
    })
}
