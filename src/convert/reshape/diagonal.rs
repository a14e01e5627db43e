//! The numbers on a diagonal of a sparse matrix.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{
    AnyCompressed, Axis, CheckedLines, CheckedPanels, Compressed, LineSplit, by_index,
};
use crate::storage::raw::{Merge, RawMut, put, width};
use crate::storage::work;
use crate::storage::{Context, Element, Index, Plan};

impl<T: Element, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The numbers on a diagonal, as SciPy's `diagonal`: element `k` of the result is at its `k`-th position from the
    /// top. Offset 0 is the main diagonal, those above it are positive. Positions without an entry are 0, and
    /// duplicates are added. A diagonal outside the matrix has no numbers.
    ///
    /// Cost: one read of the lines that it crosses, within the memory limit whatever the matrix. The indices are
    /// checked on the way; a bad one is an error that gives its position. Fails with kind [`Value`](ErrorKind::Value)
    /// if a sum of integers overflows, and with kind [`Memory`](ErrorKind::Memory) if the result does not fit in the
    /// limit.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// assert_eq!(a.diagonal(0, &Context::new())?, [1.0, 3.0]);
    /// assert_eq!(a.diagonal(2, &Context::new())?, [2.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatGetDiagonal")]
    pub fn diagonal(&self, offset: isize, ctx: &Context) -> Result<Vec<T>> {
        let from = self.to_any();
        let _running = ctx.begin(|| plan(&from, offset, ctx))?;
        let mut diagonal = ctx.filled("the diagonal", length(&from, offset), T::default())?;
        fill(&from, offset, RawMut::of(&mut diagonal), ctx)?;
        Ok(diagonal)
    }
}

/// The lines that a diagonal crosses, and its index in the first of them.
fn place(from: &AnyCompressed, offset: isize) -> (Range<usize>, usize) {
    let (away, above) = (offset.unsigned_abs(), offset >= 0);
    let (first_row, first_col) = if above { (0, away) } else { (away, 0) };
    let (first, index) = from.format().swap_if_cols((first_row, first_col));
    let (major, minor) = from.extents();
    let first = first.min(major);
    (first..first + (major - first).min(minor.saturating_sub(index)), index)
}

/// The length of a diagonal.
pub(crate) fn length(from: &AnyCompressed, offset: isize) -> usize {
    place(from, offset).0.len()
}

/// Adds the numbers on a diagonal to an array of zeros.
pub(crate) fn fill(
    from: &AnyCompressed,
    offset: isize,
    mut to: RawMut<'_>,
    ctx: &Context,
) -> Result<()> {
    let (met, index) = place(from, offset);
    let Some(dtype) = to.dtype() else { return Ok(()) };
    let (part, mut lines, bytes) = parts(from, offset, ctx)?;
    let _running = ctx.begin(|| Ok(planned(&lines, &part, bytes)))?;
    let _held = ctx.hold(bytes);
    let add = put(dtype);
    let swept = lines.sweep(ctx, &mut |panel| {
        let (first, lines) = (panel.first, &panel.parts[0]);
        add_lines(lines, first + index, (to.reborrow(), first), add).map_err(|line| {
            let (row, col) = from.format().swap_if_cols((met.start + line, index + line));
            Error::new(ErrorKind::Value, "the sum of the entries at a position overflows")
                .found(format!("row {row}, column {col}"))
        })
    });
    swept.map(drop).map_err(|error| from.moved(error, met.start))
}

/// The plan of adding the numbers on a diagonal.
pub(crate) fn plan(from: &AnyCompressed, offset: isize, ctx: &Context) -> Result<Plan> {
    let (part, lines, bytes) = parts(from, offset, ctx)?;
    ctx.check_memory("the diagonal", bytes)?;
    Ok(planned(&lines, &part, bytes))
}

fn planned(lines: &CheckedPanels, part: &AnyCompressed, bytes: u64) -> Plan {
    lines.plan("taking a diagonal").throughout(bytes).works(part.nnz() as u64, work::SLICE)
}

/// The lines that a diagonal crosses, how they are read, and the bytes of its numbers.
fn parts(
    from: &AnyCompressed,
    offset: isize,
    ctx: &Context,
) -> Result<(AnyCompressed, CheckedPanels, u64)> {
    let part = from.slice_major(place(from, offset).0)?;
    let bytes = (part.major() * width(from.types().values)) as u64;
    let left = ctx.memory_left().saturating_sub(bytes);
    let lines = CheckedPanels::new(&[&part], LineSplit::Entries, left, ctx)?;
    Ok((part, lines, bytes))
}

/// Adds the entries on the diagonal in some lines, in the first of which it is at `index`, to the numbers from `first`
/// on. The error is the line in which a sum overflows.
fn add_lines(
    lines: &CheckedLines<'_>,
    index: usize,
    (mut to, first): (RawMut<'_>, usize),
    add: Merge,
) -> std::result::Result<(), usize> {
    by_index!(lines.indices, indices => {
        for line in 0..lines.lines() {
            let (start, end) = (lines.indptr.at(line), lines.indptr.at(line + 1));
            let (here, wanted) = (&indices[start..end], index + line);
            let within = match lines.rises {
                true => {
                    let place = here.partition_point(|index| index.to_usize() < wanted);
                    place..here.len().min(place + 1)
                }
                false => 0..here.len(),
            };
            for k in within.filter(|&k| here[k].to_usize() == wanted) {
                to.merge(first + line, lines.data, start + k, add).ok_or(first + line)?;
            }
        }
    });
    Ok(())
}
