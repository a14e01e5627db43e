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
    let given = usize::from(is_given(needs, options));
    let of_cols = bytes(needs.vectors.1 + given - without, shape.1);
    of_rows.saturating_add(of_cols).saturating_add(NullSpace::bytes(options.nullspace))
}

/// Whether the preconditioner gives the products.
fn is_given<X: Scalar>(needs: &Needs, options: &SolveOptions<'_, X>) -> bool {
    needs.given && options.precond.is_some_and(LinearOperator::gives_product)
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
        if let Some(precond) = options.precond.filter(|_| is_given(needs, options)) {
            // A product for the residual of the result, and for that of the initial guess.
            let residual = a.plan_block(false, 1, ctx)?.again();
            let each = precond.plan_with_product(a, 1, ctx)?.works(a.shape().1 as u64, work::CG);
            let plan = match options.x0 {
                Some(_) => Plan::new(needs.name).then(residual.clone()),
                None => Plan::new(needs.name),
            };
            let plan = plan.then(residual);
            let plan = match maxiter.checked_sub(1) {
                Some(more) => plan.then(each.clone()).repeated(&each.again(), more as u64),
                None => plan,
            };
            return Ok(plan.throughout(bytes));
        }
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
        // One more for the residual of the initial guess.
        let guess = options.x0.is_some();
        if guess && needs.normal {
            plan = plan.then(product);
        }
        let one_more = !needs.normal && (guess || !needs.given);
        let most = maxiter.saturating_add(usize::from(one_more));
        Ok(plan.repeated(&each, most as u64).throughout(bytes))
    })
}
