//! The cost of a solve: that of each iteration, and the maximum number of them.

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar};
use crate::solve::checkpoint::{Checkpoint, most_numbers};
use crate::solve::method::Needs;
use crate::solve::nullspace::NullSpace;
use crate::solve::options::SolveOptions;
use crate::storage::work;
use crate::storage::{Context, DATA_START, Place, Plan, Running, bytes_of};

/// Bytes of the vectors of a solve of `k` systems, without a basis.
fn vector_bytes<X: Scalar>(
    needs: &Needs,
    (shape, k): ((usize, usize), usize),
    options: &SolveOptions<'_, X>,
) -> u64 {
    let bytes = |count: usize, n: usize| {
        let numbers = (count as u64).saturating_mul(n as u64).saturating_mul(k as u64);
        numbers.saturating_mul(size_of::<X>() as u64)
    };
    let of_rows = bytes(needs.vectors.0, shape.0);
    // The last one is that of the preconditioner.
    let without = usize::from(options.precond.is_none() && needs.square);
    let given = usize::from(is_given(needs, options));
    let of_cols = bytes(needs.vectors.1 + given - without, shape.1);
    of_rows.saturating_add(of_cols).saturating_add(NullSpace::bytes(options.nullspace))
}

/// Memory is short where vectors take more than this part of it.
const SHORT: u64 = 4;

/// Whether the preconditioner gives the products.
fn is_given<X: Scalar>(needs: &Needs, options: &SolveOptions<'_, X>) -> bool {
    needs.given && options.precond.is_some_and(LinearOperator::gives_product)
}

/// What the vectors of a solve take: memory, and scratch space for those of a basis.
pub(super) struct VectorMemory {
    pub(super) memory: u64,
    pub(super) scratch: u64,
}

impl VectorMemory {
    /// The basis is in a scratch file if it would take more than half of the memory that is left, or if all vectors do
    /// not fit otherwise; one that no iteration reads, as soon as it takes memory that the products could use.
    pub(super) fn new<X: Scalar>(
        needs: &Needs,
        (shape, k): ((usize, usize), usize),
        options: &SolveOptions<'_, X>,
        ctx: &Context,
    ) -> Self {
        let others = vector_bytes(needs, (shape, k), options);
        let basis = (needs.basis as u64).saturating_mul(bytes_of::<X>(shape.1));
        let (left, whole) = (ctx.memory_left(), others.saturating_add(basis));
        let idle = needs.reads == 0 && whole > left / SHORT;
        match basis > left / 2 || whole > left || idle {
            true => VectorMemory { memory: others, scratch: basis },
            false => VectorMemory { memory: whole, scratch: 0 },
        }
    }

    /// Where the basis is.
    pub(super) fn place(&self) -> Place {
        if self.scratch > 0 { Place::Scratch } else { Place::Memory }
    }
}

/// Marks the start of a solve with checked arguments.
pub(super) fn begin<X: Scalar>(
    needs: &Needs,
    (a, k): (&dyn LinearOperator<X>, usize),
    maxiter: usize,
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Running> {
    let VectorMemory { memory: bytes, scratch } =
        VectorMemory::new(needs, (a.shape(), k), options, ctx);
    ctx.begin(|| {
        ctx.check_memory("the vectors of the iteration", bytes)?;
        // Held as it will be during the products.
        let _held = ctx.hold(bytes);
        let plan = with_checkpoints(Plan::new(needs.name), needs, a.shape(), maxiter, options);
        if maxiter == 0 {
            // Of zeros the residual is the right-hand side.
            let plan = match options.x0 {
                Some(_) => plan.then(a.plan_block(false, k, ctx)?),
                None => plan,
            };
            return Ok(plan.throughout(bytes));
        }
        if let Some(precond) = options.precond.filter(|_| is_given(needs, options)) {
            // A product for the residual of the result, and for that of the initial guess.
            let residual = a.plan_block(false, k, ctx)?.again();
            let each = precond.plan_with_product(a, k, ctx)?.works(a.shape().1 as u64, work::CG);
            let plan = match options.x0 {
                Some(_) => plan.then(residual.clone()),
                None => plan,
            };
            let each = with_basis::<X>(each, needs, a.shape().1, scratch);
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
        each = with_basis::<X>(each, needs, a.shape().1, scratch);
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

/// The plan of an iteration with what it reads and writes, at most, of a basis in a scratch file of `scratch` bytes.
fn with_basis<X: Scalar>(each: Plan, needs: &Needs, n: usize, scratch: u64) -> Plan {
    if scratch == 0 {
        return each;
    }
    let vector = bytes_of::<X>(n);
    let mut each = each.reads(0, needs.reads.saturating_mul(vector)).writes(vector);
    each.cost.scratch = each.cost.scratch.max(scratch);
    each
}

/// Adds to the plan of a solve what its checkpoints write, and read for their checksums.
fn with_checkpoints<X: Scalar>(
    plan: Plan,
    needs: &Needs,
    shape: (usize, usize),
    maxiter: usize,
    options: &SolveOptions<'_, X>,
) -> Plan {
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
    plan.at(&Place::Replace(path.to_owned()), false).reads(0, all).writes(all)
}
