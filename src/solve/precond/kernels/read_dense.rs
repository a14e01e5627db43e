//! The dense diagonal blocks of a matrix, read from its lines in one pass, panel by panel if it is in files.

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::{Scalar, is_finite};
use crate::solve::precond::kernels::read::DecodeEntries;
use crate::sparse::{AnyCompressed, CheckedLines, CheckedPanels, LineSplit, by_index};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::work;
use crate::storage::{Context, Held, Index};

/// Entries that are decoded at a time.
const CHUNK: usize = 256;

/// Lines of a task.
const TASK: usize = 1 << 10;

/// A square matrix in compressed rows, whose dense diagonal blocks of `size` rows are to be read.
pub(crate) struct DenseSource<'a, X> {
    pub(crate) matrix: &'a AnyCompressed,
    pub(crate) decode: DecodeEntries<X>,
    pub(crate) size: usize,
}

/// The blocks, as rows of `size` numbers; `bytes` is what they and the rest of the preconditioner take.
pub(crate) fn read_dense<X: Scalar>(
    operation: &'static str,
    source: &DenseSource<'_, X>,
    bytes: u64,
    ctx: &Context,
) -> Result<(Vec<X>, Held)> {
    let (a, size) = (source.matrix, source.size);
    let left = ctx.memory_left().saturating_sub(bytes);
    let mut lines = CheckedPanels::new(&[a], LineSplit::Entries, left, ctx)?;
    let _running = ctx.begin(|| {
        let numbers = (a.major() as u64).saturating_mul(size as u64);
        let plan = lines.plan(operation).works(a.nnz() as u64, work::COPY).throughout(bytes);
        Ok(plan.works(numbers, work::COPY * size as f64))
    })?;
    let held = ctx.hold(bytes);
    let mut blocks = ctx.filled("the blocks", a.major() * size, X::zero())?;
    lines.sweep(ctx, &mut |panel| {
        let (part, first) = (&panel.parts[0], panel.first);
        let own = &mut blocks[first * size..(first + part.lines()) * size];
        ctx.with_threads(|| {
            own.par_chunks_mut(TASK * size).enumerate().for_each(|(task, own)| {
                take_lines(source, part, (task * TASK, first), own);
            });
        });
        Ok(())
    })?;
    let bad = ctx.with_threads(|| {
        let rows = blocks.par_chunks(size).enumerate();
        rows.find_map_first(|(row, numbers)| {
            let bad = numbers.iter().find(|&&x| !is_finite(x));
            bad.map(|&bad| (row, bad))
        })
    });
    match bad {
        Some((row, bad)) => {
            Err(Error::new(ErrorKind::Value, "the matrix has a number that is not finite")
                .at(Location::Row(row as u64))
                .found(bad))
        }
        None => Ok((blocks, held)),
    }
}

/// Adds the entries of some lines that are in their blocks, from line `line` of the panel on, whose first is `first`.
fn take_lines<X: Scalar>(
    source: &DenseSource<'_, X>,
    lines: &CheckedLines<'_>,
    (line, first): (usize, usize),
    own: &mut [X],
) {
    let size = source.size;
    let mut buffer = [X::zero(); CHUNK];
    let ends = lines.ends(line..line + own.len() / size);
    let rows = own.chunks_mut(size).zip(first + line..);
    by_index!(lines.indices, indices => {
        for ((own, row), ends) in rows.zip(ends.windows(2)) {
            let start = row / size * size;
            for at in (ends[0]..ends[1]).step_by(CHUNK) {
                let entries = at..ends[1].min(at + CHUNK);
                let values = &mut buffer[..entries.len()];
                (source.decode)(lines.data.slice(entries.clone()), values);
                for (col, &value) in indices[entries].iter().zip(&*values) {
                    let within = col.to_usize().wrapping_sub(start);
                    if within < size {
                        own[within] += value;
                    }
                }
            }
        }
    });
}
