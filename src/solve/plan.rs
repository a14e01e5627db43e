//! The cost of a solve: that of each iteration, and the maximum number of them.

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar};
use crate::solve::checkpoint::{Checkpoint, most_numbers};
use crate::solve::method::Needs;
use crate::solve::options::SolveOptions;
use crate::solve::vector_memory::{VectorMemory, is_given, plan_products};
use crate::storage::work;
use crate::storage::{Context, DATA_START, Place, Plan, Running, bytes_of};

/// Marks the start of a solve with checked arguments.
pub(super) fn begin<X: Scalar>(
    needs: &Needs,
    (a, k): (&dyn LinearOperator<X>, usize),
    maxiter: usize,
    (options, memory): (&SolveOptions<'_, X>, &VectorMemory),
    ctx: &Context,
) -> Result<Running> {
    let bytes = memory.memory;
    ctx.begin(|| {
        ctx.check_memory("the vectors of the iteration", bytes)?;
        // Held as it will be during the products.
        let _held = ctx.hold(bytes);
        let plan = with_checkpoints(needs, a.shape(), maxiter, (options, memory));
        let (read, written) = memory.moved_at_ends();
        let plan = plan.reads(0, read).writes(written);
        if maxiter == 0 {
            // Of zeros the residual is the right-hand side.
            let plan = match options.x0 {
                Some(_) => plan.then(a.plan_block(false, k, ctx)?),
                None => plan,
            };
            return Ok(plan.throughout(bytes));
        }
        if is_given(needs, options) {
            // A product for the residual of the result, and for that of the initial guess.
            let residual = a.plan_block(false, k, ctx)?.again();
            let each = plan_products(needs, a, options, ctx)?.works(a.shape().1 as u64, work::CG);
            let plan = match options.x0 {
                Some(_) => plan.then(residual.clone()),
                None => plan,
            };
            let each = with_vectors::<X>(each, needs, a.shape().1, memory);
            let plan = plan.then(residual).then(each.clone());
            return Ok(plan.repeated(&each.again(), maxiter as u64 - 1).throughout(bytes));
        }
        let first = a.plan_block(false, k, ctx)?;
        let (mut plan, mut each) = (plan.then(first.clone()), first.again());
        if needs.normal {
            plan = plan.then(a.plan_block(true, k, ctx)?);
            each = a.plan_normal(k, ctx)?.again();
        }
        let product = each.clone();
        for _ in 1..needs.products {
            each = each.then(product.clone());
        }
        each = each.works((a.shape().1 as u64).saturating_mul(k as u64), work::CG);
        if let Some(precond) = options.precond {
            for _ in 0..needs.products {
                each = each.then(precond.plan_block(false, k, ctx)?.again());
            }
        }
        each = with_vectors::<X>(each, needs, a.shape().1, memory);
        // One more for the residual of the initial guess.
        let guess = options.x0.is_some();
        if guess && needs.normal {
            plan = plan.then(product.clone());
        }
        if needs.restarts {
            // Every cycle starts from the residual, and ends with the preconditioner.
            let cycles = maxiter.div_ceil(options.restart.clamp(1, a.shape().1.max(1)));
            let mut start = product;
            if let Some(precond) = options.precond {
                start = start.then(precond.plan_block(false, k, ctx)?.again());
            }
            plan = plan.repeated(&start, cycles.saturating_sub(1) as u64);
        }
        let one_more = !needs.normal && (guess || !needs.given);
        let most = maxiter.saturating_add(usize::from(one_more));
        Ok(plan.repeated(&each, most as u64).throughout(bytes))
    })
}

/// The plan of an iteration with what it reads and writes, at most, of vectors in scratch files.
fn with_vectors<X: Scalar>(mut each: Plan, needs: &Needs, n: usize, memory: &VectorMemory) -> Plan {
    if memory.scratch == 0 {
        return each;
    }
    let vector = bytes_of::<X>(n);
    let (read, written) = memory.moved(each.cost.passes);
    let again = each.reads_again.map(|again| again.saturating_add(read));
    each = each.reads(0, needs.reads.saturating_mul(vector).saturating_add(read));
    each = each.writes(vector.saturating_add(written));
    each.reads_again = again;
    each.cost.scratch = each.cost.scratch.max(memory.scratch);
    each
}

/// The plan of what the checkpoints of a solve write, and read: for their checksums, and of vectors in scratch files.
fn with_checkpoints<X: Scalar>(
    needs: &Needs,
    shape: (usize, usize),
    maxiter: usize,
    (options, memory): (&SolveOptions<'_, X>, &VectorMemory),
) -> Plan {
    let plan = Plan::new(needs.name);
    let Some(Checkpoint { path, every }) = options.checkpoint else { return plan };
    let cycle = if needs.restarts { options.restart.clamp(1, shape.1.max(1)) } else { 1 };
    let step = every.checked_next_multiple_of(cycle).unwrap_or(usize::MAX).max(1);
    let saves = (maxiter.saturating_sub(1) / step) as u64;
    let vector = |count: usize, n: usize| bytes_of::<X>(n).saturating_mul(count as u64);
    // On average, the history has half of its last length.
    let history = bytes_of::<X>(step).saturating_mul(saves.saturating_add(1)) / 2;
    let bytes = vector(needs.saved.0, shape.0)
        .saturating_add(vector(needs.saved.1, shape.1))
        .saturating_add(bytes_of::<X>(most_numbers(options.shadow.min(shape.1))))
        .saturating_add(history)
        .saturating_add(DATA_START);
    let all = bytes.saturating_mul(saves);
    let from_files = memory.saved().saturating_mul(saves);
    let plan = plan.at(&Place::Replace(path.to_owned()), false).reads(0, from_files);
    plan.reads(0, all).writes(all)
}
