//! The diagonal blocks of a matrix, read from its lines in one pass, panel by panel if it is in files.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::Scalar;
use crate::solve::precond::kernels::block::DiagonalBlock;
use crate::solve::precond::kernels::spill::Spill;
use crate::sparse::{AnyCompressed, CheckedLines, CheckedPanels, LineSplit, by_index};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, Held, Index};

/// Writes entries as numbers of a type, one for each.
pub(crate) type DecodeEntries<X> = fn(Raw<'_>, &mut [X]);

/// Which entries of a line are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeptEntries {
    All,
    /// Those on and before the diagonal.
    Before,
    /// Those on and after the diagonal.
    After,
}

/// A matrix whose diagonal blocks are to be read.
pub(crate) struct BlockSource<'a, X> {
    pub(crate) matrix: &'a AnyCompressed,
    pub(crate) decode: DecodeEntries<X>,
    pub(crate) part: KeptEntries,
}

/// The entries of a square matrix in the diagonal blocks over these lines, which follow each other. In addition to the
/// blocks `extra` bytes will be needed. Blocks that do not fit in memory go to scratch files, if they may.
pub(crate) fn read<X: Scalar>(
    operation: &'static str,
    source: &BlockSource<'_, X>,
    cuts: &[Range<usize>],
    (extra, spill): (u64, &mut Spill<X>),
    ctx: &Context,
) -> Result<(Vec<DiagonalBlock<X>>, Held)> {
    let a = source.matrix;
    let mut lines = CheckedPanels::new(&[a], LineSplit::Entries, ctx.memory_left(), ctx)?;
    let (left, reading) = (ctx.memory_left(), lines.memory());
    let entries = a.nnz().saturating_add(a.major());
    let _running = ctx.begin(|| {
        let plan = lines.plan(operation).works(a.nnz() as u64, work::FACTOR);
        let most = most_bytes::<X>(a).saturating_add(extra);
        let plan =
            if most.saturating_add(reading) > left { spill.plan(plan, entries) } else { plan };
        Ok(plan.throughout(most.min(left)))
    })?;
    let mut held = ctx.hold(extra);
    let mut blocks: Vec<DiagonalBlock<X>> = cuts.iter().cloned().map(DiagonalBlock::new).collect();
    lines.sweep(ctx, &mut |panel| {
        let part = &panel.parts[0];
        let within = panel.first..panel.first + part.lines();
        let first = cuts.partition_point(|cut| cut.end <= within.start);
        let end = cuts.partition_point(|cut| cut.start < within.end);
        ctx.with_threads(|| {
            blocks[first..end].par_iter_mut().with_max_len(1).try_for_each(|block| {
                let rows = within.start.max(block.rows.start)..within.end.min(block.rows.end);
                let open = (rows.end == within.end && !panel.closes).then_some(rows.end - 1);
                take_lines(block, source, part, (rows, within.start), open)
            })
        })?;
        let mut bytes = blocks.iter().map(DiagonalBlock::bytes).sum::<u64>().saturating_add(extra);
        if spill.wants(bytes.saturating_add(reading) > left) {
            for block in blocks[..end].iter_mut().filter(|block| block.is_full()) {
                spill.take(block, entries, ctx)?;
            }
            bytes = blocks.iter().map(DiagonalBlock::bytes).sum::<u64>().saturating_add(extra);
        }
        ctx.check_memory(operation, bytes.saturating_add(reading)).map_err(smaller)?;
        held.resize(bytes);
        Ok(())
    })?;
    held.resize(blocks.iter().map(DiagonalBlock::bytes).sum::<u64>().saturating_add(extra));
    Ok((blocks, held))
}

/// Bytes of all entries of a matrix in blocks.
fn most_bytes<X>(a: &AnyCompressed) -> u64 {
    let (entry, row) = (size_of::<X>() as u64 + 4, 12);
    (a.nnz() as u64).saturating_mul(entry).saturating_add((a.major() as u64).saturating_mul(row))
}

fn smaller(error: Error) -> Error {
    error.remedy("raise the limit, use more blocks, or use Jacobi or Chebyshev, which need less")
}

/// Adds the entries of some lines that are in the block; line `open`, if there is one, continues in the next panel.
fn take_lines<X: Scalar>(
    block: &mut DiagonalBlock<X>,
    source: &BlockSource<'_, X>,
    lines: &CheckedLines<'_>,
    (rows, first): (Range<usize>, usize),
    open: Option<usize>,
) -> Result<()> {
    let ends = lines.ends(rows.start - first..rows.end - first);
    let most = ends[ends.len() - 1] - ends[0];
    let refused = |_| Error::new(ErrorKind::Memory, "the system does not have enough memory");
    block.indices.try_reserve(most.saturating_add(rows.len())).map_err(refused)?;
    block.data.try_reserve(most.saturating_add(rows.len())).map_err(refused)?;
    let mut buffer = [X::zero(); TASK];
    let start = block.rows.start;
    by_index!(lines.indices, indices => {
        for (row, ends) in rows.zip(ends.windows(2)) {
            let cols = match source.part {
                KeptEntries::All => start..block.rows.end,
                KeptEntries::Before => start..row + 1,
                KeptEntries::After => row..block.rows.end,
            };
            for at in (ends[0]..ends[1]).step_by(TASK) {
                let entries = at..ends[1].min(at + TASK);
                let values = &mut buffer[..entries.len()];
                (source.decode)(lines.data.slice(entries.clone()), values);
                for (col, &value) in indices[entries].iter().zip(&*values) {
                    if cols.contains(&col.to_usize()) {
                        block.push((col.to_usize() - start) as u32, value);
                    }
                }
            }
            if open != Some(row) {
                block.end_row()?;
            }
        }
    });
    if block.is_full() {
        block.shrink();
    }
    Ok(())
}

/// Entries that are decoded at a time.
const TASK: usize = 256;
