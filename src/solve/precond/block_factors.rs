//! Factors of the diagonal blocks of a matrix: what ILU(0), IC(0) and SSOR have in common.
//!
//! The rows are cut into blocks of equal length, whose number depends on the matrix and the caller alone. Entries that
//! couple two blocks are dropped, so that threads factor and solve blocks independently, with the same bits for any
//! number of threads. Entries that do not fit in memory are kept in scratch files, on their map.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{Factor, Scalar};
use crate::solve::precond::kernels::{
    BlockRows, BlockSource, DecodeEntries, DiagonalBlock, Factors, KeptEntries, Spill, kernels,
};
use crate::sparse::AnyCompressed;
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::work;
use crate::storage::{Context, Held, Lasts, Plan, Reserved};

/// Rows of a block, at least, if the caller does not say how many blocks there are.
const ROWS: usize = 1 << 14;

/// The largest number of blocks, if the caller does not say how many there are.
const BLOCKS: usize = 64;

/// Entries that a thread is woken for.
const SMALL: u64 = 1 << 14;

/// Factored blocks, and how they are applied.
pub(super) struct BlockFactors<X: Scalar> {
    name: &'static str,
    n: usize,
    blocks: Vec<DiagonalBlock<X>>,
    /// Their entries, if they are not in memory.
    spill: Spill<X>,
    factors: Factors<X::Real>,
    nnz: u64,
    _held: Held,
    _reserved: Reserved,
}

/// The blocks of a matrix before they are factored.
pub(super) struct Unfactored<X: Scalar> {
    name: &'static str,
    n: usize,
    pub(super) blocks: Vec<DiagonalBlock<X>>,
    spill: Spill<X>,
    held: Held,
}

impl<X: Scalar> Unfactored<X> {
    /// Reads the blocks of a square matrix in compressed rows; `extra` is the memory that factoring takes for a block
    /// of this many rows, for each thread.
    pub(super) fn read(
        name: &'static str,
        (a, decode): (&AnyCompressed, DecodeEntries<X>),
        part: KeptEntries,
        blocks: Option<usize>,
        extra: fn(usize) -> u64,
        ctx: &Context,
    ) -> Result<Self> {
        let n = check_square(a.shape())?;
        let cuts = cuts(n, blocks)?;
        let longest = cuts.iter().map(Range::len).max().unwrap_or(0);
        let at_once = ctx.thread_count().min(cuts.len()) as u64;
        let extra = extra(longest).saturating_mul(at_once);
        let source = BlockSource { matrix: a, decode, part };
        let mut spill = Spill::Possible;
        let (blocks, held) = (kernels::<X>().read)(name, &source, &cuts, (extra, &mut spill), ctx)?;
        Ok(Unfactored { name, n, blocks, spill, held })
    }

    /// Factors each block on its own, and returns what `factor` says of each.
    pub(super) fn factor<R: Send>(
        mut self,
        factors: Factors<X::Real>,
        ctx: &Context,
        factor: impl Fn(&mut BlockRows<'_, &mut [X]>) -> Result<R> + Sync,
    ) -> Result<(BlockFactors<X>, Vec<R>)> {
        ctx.check_cancelled()?;
        let nnz: u64 = self.blocks.iter().map(|block| block.nnz() as u64).sum();
        let grain = grain(nnz, self.blocks.len());
        let each = ctx.with_threads(|| {
            let mut rows = self.spill.rows_mut(&mut self.blocks);
            let blocks = rows.par_iter_mut().with_grain(grain);
            let factored = blocks.map(|block| {
                ctx.check_cancelled()?;
                factor(block)
            });
            factored.collect::<Result<Vec<R>>>()
        })?;
        let bytes = self.blocks.iter().map(DiagonalBlock::bytes).sum();
        self.held.resize(bytes);
        let factors = BlockFactors {
            name: self.name,
            n: self.n,
            blocks: self.blocks,
            spill: self.spill,
            factors,
            nnz,
            _held: self.held,
            _reserved: ctx.meter().reserve(Lasts { always: bytes, at_work: 0 }),
        };
        Ok((factors, each))
    }
}

impl<X: Scalar> BlockFactors<X> {
    /// The number of rows and columns.
    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// The number of blocks.
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The number of stored entries.
    pub(super) fn nnz(&self) -> u64 {
        self.nnz
    }

    /// Applies the inverse of the factors, or its adjoint, to `k` interleaved vectors.
    pub(super) fn apply(
        &self,
        (adjoint, k): (bool, usize),
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<()> {
        ctx.meter().read(self.spill.bytes());
        let (mut tasks, mut rest) = (Vec::with_capacity(self.blocks.len()), y);
        for block in self.spill.rows(&self.blocks) {
            let own;
            (own, rest) = rest.split_at_mut(block.len() * k);
            tasks.push((block, own));
        }
        let grain = grain(self.nnz.saturating_mul(k as u64), self.blocks.len());
        let apply = kernels::<X>().apply;
        ctx.with_threads(|| {
            tasks.par_iter_mut().with_grain(grain).for_each(|(block, own)| {
                own.copy_from_slice(&x[block.rows.start * k..][..own.len()]);
                apply(&*block, self.factors, adjoint, k, own);
            });
        });
        Ok(())
    }

    /// The plan of one application to `k` vectors.
    pub(super) fn plan(&self, k: usize) -> Plan {
        let plan = Plan::new(self.name).works(self.nnz.saturating_mul(k as u64), work::PRODUCT);
        plan.reads(0, self.spill.bytes())
    }
}

/// How many blocks a thread takes at a time: as few as are worth it.
fn grain(entries: u64, blocks: usize) -> (usize, usize) {
    let each = entries / blocks.max(1) as u64 + 1;
    let count = (SMALL / each + 1) as usize;
    (count, count)
}

/// The order of a square matrix.
pub(super) fn check_square((nrows, ncols): (usize, usize)) -> Result<usize> {
    match nrows == ncols {
        true => Ok(nrows),
        false => {
            Err(Error::shape("the matrix", "as many rows as columns", format!("{nrows} x {ncols}")))
        }
    }
}

/// The rows of each block: `blocks` of them, or a number that follows from the order of the matrix.
fn cuts(n: usize, blocks: Option<usize>) -> Result<Vec<Range<usize>>> {
    let count = match blocks {
        Some(0) => {
            return Err(Error::new(ErrorKind::Format, "there are no blocks")
                .expected("at least one block")
                .found(0));
        }
        Some(count) => count.min(n.max(1)),
        None => (n / ROWS).clamp(1, BLOCKS).max(n.div_ceil(u32::MAX as usize)),
    };
    if n.div_ceil(count) > u32::MAX as usize {
        return Err(Error::new(ErrorKind::Format, "the blocks have too many rows")
            .expected(format!("at most {} rows", u32::MAX))
            .found(n.div_ceil(count))
            .remedy("use more blocks"));
    }
    let start = |block: usize| (block as u128 * n as u128 / count as u128) as usize;
    Ok((0..count).map(|block| start(block)..start(block + 1)).collect())
}

/// Converts entries of type `T` to numbers.
pub(super) fn decoder<T: Factor<X>, X: Scalar>() -> DecodeEntries<X> {
    |from, to| {
        let from = from.typed::<T>().unwrap_or_default();
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = from.times(X::one()));
    }
}

/// Makes a type with block factors an operator.
macro_rules! applies_factors {
    ($type:ident) => {
        impl<X: Scalar> $crate::solve::precond::preconditioner::Preconditioner<X> for $type<X> {
            fn order(&self) -> usize {
                self.factors.len()
            }

            fn plan(&self, k: usize, _: &Context) -> Result<$crate::storage::Plan> {
                Ok(self.factors.plan(k))
            }

            fn apply_to(
                &self,
                adjoint: bool,
                k: usize,
                x: &[X],
                y: &mut [X],
                ctx: &Context,
            ) -> Result<()> {
                self.factors.apply((adjoint, k), x, y, ctx)
            }
        }

        $crate::solve::precond::preconditioner::is_operator!([X: Scalar] $type<X>);

        impl<X: Scalar> std::fmt::Debug for $type<X> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))
                    .field("rows", &self.factors.len())
                    .field("blocks", &self.factors.blocks())
                    .field("nnz", &self.factors.nnz())
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(super) use applies_factors;
