//! The cost of a solve: that of each iteration, and the maximum number of them.

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar};
use crate::solve::method::Needs;
use crate::solve::nullspace::NullSpace;
use crate::solve::options::SolveOptions;
use crate::storage::work;
use crate::storage::{Context, Place, Plan, Running, bytes_of};

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
    let of_cols = bytes(needs.vectors.1 - without, shape.1);
    of_rows.saturating_add(of_cols).saturating_add(NullSpace::bytes(options.nullspace))
}

/// What the vectors of a solve take: memory, and scratch space for those of a basis.
pub(super) struct Room {
    pub(super) memory: u64,
    pub(super) scratch: u64,
}

impl Room {
    /// The basis is in a scratch file if it would take more than half of the memory that is left, or if all vectors do
    /// not fit otherwise.
    pub(super) fn new<X: Scalar>(
        needs: &Needs,
        (shape, k): ((usize, usize), usize),
        options: &SolveOptions<'_, X>,
        ctx: &Context,
    ) -> Self {
        let others = vector_bytes(needs, (shape, k), options);
        let basis = (needs.basis as u64).saturating_mul(bytes_of::<X>(shape.1));
        let (left, whole) = (ctx.memory_left(), others.saturating_add(basis));
        match basis > left / 2 || whole > left {
            true => Room { memory: others, scratch: basis },
            false => Room { memory: whole, scratch: 0 },
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
    let Room { memory: bytes, scratch } = Room::new(needs, (a.shape(), k), options, ctx);
    ctx.begin(|| {
        ctx.check_memory("the vectors of the iteration", bytes)?;
        // Held as it will be during the products.
        let _held = ctx.hold(bytes);
        let first = a.plan_block(false, k, ctx)?;
        let adjoint = match needs.products.1 {
            0 => None,
            _ => Some(a.plan_block(true, k, ctx)?),
        };
        let mut each = first.clone().again();
        for _ in 1..needs.products.0 {
            each = each.then(first.clone().again());
        }
        if let Some(adjoint) = &adjoint {
            each = each.then(adjoint.clone().again());
        }
        each = each.works((a.shape().1 as u64).saturating_mul(k as u64), work::CG);
        if let Some(precond) = options.precond {
            for _ in 0..needs.products.0 {
                each = each.then(precond.plan_block(false, k, ctx)?.again());
            }
        }
        if scratch > 0 {
            let vector = bytes_of::<X>(a.shape().1);
            each = each.reads(0, needs.reads.saturating_mul(vector)).writes(vector);
            each.cost.scratch = each.cost.scratch.max(scratch);
        }
        // One more for the residual of the result.
        let most = maxiter.saturating_add(1);
        let mut plan = Plan::new(needs.name).then(first);
        if let Some(adjoint) = adjoint {
            plan = plan.then(adjoint);
        }
        Ok(plan.repeated(&each, most as u64).throughout(bytes))
    })
}
