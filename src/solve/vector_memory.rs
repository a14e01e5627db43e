//! Which vectors of a solve lie in memory, and which in scratch files.

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar};
use crate::solve::cg_vectors::{CgVector, Touches, Use, in_order};
use crate::solve::method::Needs;
use crate::solve::nullspace::NullSpace;
use crate::solve::options::SolveOptions;
use crate::storage::{Context, Place, Plan, bytes_of};

/// Memory is short where vectors take more than this part of it.
const SHORT: u64 = 4;

/// What the vectors of a solve take: memory, and scratch space.
pub(super) struct VectorMemory {
    pub(super) memory: u64,
    pub(super) scratch: u64,
    /// Those of conjugate gradients in scratch files, besides the iterate that is kept.
    in_files: &'static [Use],
    /// Bytes of one of these.
    vector: u64,
    /// Vectors of a null space, which are projected out of some of them.
    nullspace: u64,
}

/// Whether the preconditioner gives the products.
pub(super) fn is_given<X: Scalar>(needs: &Needs, options: &SolveOptions<'_, X>) -> bool {
    needs.given && options.precond.is_some_and(LinearOperator::gives_product)
}

/// The plan of the products of an iteration, and of the preconditioner.
pub(super) fn plan_products<X: Scalar>(
    needs: &Needs,
    a: &dyn LinearOperator<X>,
    options: &SolveOptions<'_, X>,
    ctx: &Context,
) -> Result<Plan> {
    match options.precond {
        Some(precond) if is_given(needs, options) => precond.plan_with_product(a, 1, ctx),
        Some(precond) => Ok(a.plan_block(false, 1, ctx)?.and(precond.plan_block(false, 1, ctx)?)),
        None => a.plan_block(false, 1, ctx),
    }
}

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

impl VectorMemory {
    /// The basis is in a scratch file if it would take more than half of the memory that is left, or if all vectors do
    /// not fit otherwise; one that no iteration reads, as soon as it takes memory that the products could use. Other
    /// vectors follow if the products have too little memory.
    pub(super) fn new<X: Scalar>(
        needs: &Needs,
        (a, k): (&dyn LinearOperator<X>, usize),
        options: &SolveOptions<'_, X>,
        ctx: &Context,
    ) -> Self {
        let others = vector_bytes(needs, (a.shape(), k), options);
        let vector = bytes_of::<X>(a.shape().1);
        let basis = (needs.basis as u64).saturating_mul(vector);
        let (left, whole) = (ctx.memory_left(), others.saturating_add(basis));
        let idle = needs.reads == 0 && whole > left / SHORT;
        let (memory, scratch) = match basis > left / 2 || whole > left || idle {
            true => (others, basis),
            false => (whole, 0),
        };
        let nullspace = options.nullspace.len() as u64;
        let memory = VectorMemory { memory, scratch, in_files: &[], vector, nullspace };
        match needs.given && memory.scratch > 0 {
            true => memory.with_fewest_bytes(needs, a, options, ctx),
            false => memory,
        }
    }

    /// With as many vectors of conjugate gradients in scratch files as let an iteration move the fewest bytes.
    fn with_fewest_bytes<X: Scalar>(
        self,
        needs: &Needs,
        a: &dyn LinearOperator<X>,
        options: &SolveOptions<'_, X>,
        ctx: &Context,
    ) -> Self {
        let all = in_order(options.precond.is_some(), is_given(needs, options));
        let mut best: Option<(u64, Self)> = None;
        for count in 0..all.len() {
            let bytes = self.vector.saturating_mul(count as u64);
            let with = VectorMemory {
                memory: self.memory.saturating_sub(bytes),
                scratch: self.scratch.saturating_add(bytes),
                in_files: &all[..count],
                ..self
            };
            let last = count + 1 == all.len();
            if !last && ctx.check_memory("the vectors", with.memory).is_err() {
                continue;
            }
            // Held as it will be during the products.
            let held = ctx.hold(with.memory);
            let products = plan_products(needs, a, options, ctx);
            drop(held);
            let moved = products.map_or(u64::MAX, |products| {
                let (read, written) = with.moved(products.cost.passes);
                let moved = read.saturating_add(written).saturating_mul(MAPPED);
                products.again().cost.bytes_read.saturating_add(moved)
            });
            if best.as_ref().is_none_or(|(least, _)| moved < *least) {
                best = Some((moved, with));
            }
        }
        best.map_or(self, |(_, best)| best)
    }

    /// Where the basis is.
    pub(super) fn place(&self) -> Place {
        if self.scratch > 0 { Place::Scratch } else { Place::Memory }
    }

    /// Where a vector of conjugate gradients is.
    pub(super) fn place_of(&self, vector: CgVector) -> Place {
        match self.in_files.iter().any(|used| used.vector == vector) {
            true => Place::Scratch,
            false => Place::Memory,
        }
    }

    fn bytes(&self, touches: impl Fn(&Use) -> Touches) -> (u64, u64) {
        self.in_files.iter().map(touches).fold((0, 0), |(read, written), (reads, writes)| {
            let add = |sum: u64, count: u64| sum.saturating_add(count.saturating_mul(self.vector));
            (add(read, reads), add(written, writes))
        })
    }

    /// Bytes that an iteration with so many sweeps reads and writes in scratch files, besides those of a basis.
    pub(super) fn moved(&self, sweeps: u64) -> (u64, u64) {
        let sweeps = sweeps.max(1);
        self.bytes(|used| {
            let projected = match used.vector {
                CgVector::Q | CgVector::Z | CgVector::W => self.nullspace,
                CgVector::X | CgVector::R | CgVector::P => 0,
            };
            let all = |each: u64, sweep: u64| each.saturating_add(sweep.saturating_mul(sweeps));
            let (reads, writes) =
                (all(used.iteration.0, used.sweep.0), all(used.iteration.1, used.sweep.1));
            (reads.saturating_add(2 * projected), writes.saturating_add(projected))
        })
    }

    /// Bytes read there to save a state of conjugate gradients.
    pub(super) fn saved(&self) -> u64 {
        let kept = if self.in_files.is_empty() { 0 } else { self.vector };
        let saved = self.bytes(|used| (u64::from(used.vector != CgVector::W), 0)).0;
        saved.saturating_add(kept)
    }

    /// Bytes read and written there, at most, at the start and at the end.
    pub(super) fn moved_at_ends(&self) -> (u64, u64) {
        let projected = self.nullspace;
        self.bytes(|used| (used.ends.0 + 4 * projected, used.ends.1 + 3 * projected))
    }
}

/// A byte of a vector in a scratch file takes as long as this many of a matrix, which is read ahead and not through a
/// map.
const MAPPED: u64 = 2;
