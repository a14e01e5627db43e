//! The cost of a solve: that of each iteration, and the maximum number of them.

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar};
use crate::solve::method::Needs;
use crate::solve::nullspace::NullSpace;
use crate::solve::options::SolveOptions;
use crate::storage::work;
use crate::storage::{Context, Plan, Running};

/// Bytes of the vectors of a solve.
pub(super) fn vector_bytes<X: Scalar>(
    needs: &Needs,
    shape: (usize, usize),
    options: &SolveOptions<'_, X>,
) -> u64 {
    let bytes = |count: usize, n: usize| {
        (count as u64).saturating_mul(n as u64).saturating_mul(size_of::<X>() as u64)
    };
    let of_rows = bytes(needs.vectors.0, shape.0);
    // The last one is that of the preconditioner.
    let without = usize::from(options.precond.is_none() && needs.square);
    let of_cols = bytes(needs.vectors.1 - without, shape.1);
    of_rows.saturating_add(of_cols).saturating_add(NullSpace::bytes(options.nullspace))
}

/// Marks the start of a solve with checked arguments.
pub(super) fn begin<X: Scalar>(
    needs: &Needs,
    a: &dyn LinearOperator<X>,
    maxiter: usize,
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Running> {
    let bytes = vector_bytes(needs, a.shape(), options);
    ctx.begin(|| {
        ctx.check_memory("the vectors of the iteration", bytes)?;
        // Held as it will be during the products.
        let _held = ctx.hold(bytes);
        let first = a.plan_block(false, 1, ctx)?;
        let (mut plan, mut each) = (Plan::new(needs.name).then(first.clone()), first.again());
        if needs.normal {
            plan = plan.then(a.plan_block(true, 1, ctx)?);
            each = a.plan_normal(1, ctx)?.again();
        }
        let product = each.clone();
        for _ in 1..needs.products {
            each = each.then(product.clone());
        }
        each = each.works(a.shape().1 as u64, work::CG);
        if let Some(precond) = options.precond {
            for _ in 0..needs.products {
                each = each.then(precond.plan_block(false, 1, ctx)?.again());
            }
        }
        // One more for the residual of the result.
        let most = maxiter.saturating_add(1);
        Ok(plan.repeated(&each, most as u64).throughout(bytes))
    })
}
