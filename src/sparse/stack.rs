//! Several matrices as one: stacked vertically or horizontally, in one read and one sequential write.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::Axis;
use crate::sparse::check::check_types;
use crate::sparse::checked_panels::CheckedPanels;
use crate::sparse::compressed::{Compressed, Csc, Csr};
use crate::sparse::copy::append_any;
use crate::sparse::join::{JoinGroup, join};
use crate::sparse::line_cuts::LineSplit;
use crate::sparse::types::Types;
use crate::sparse::writer::{AnyWriter, memory_left};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Place, Plan, SparseFormat};

impl<T: Entry, I: Index, P: Index> Csr<T, I, P> {
    /// Stacks matrices vertically, as SciPy's `vstack`: the rows of the first, then those of the second, and so on.
    ///
    /// Cost: one read of each and one sequential write, within the memory limit whatever the matrices; the indices are
    /// checked on the way. Fails if there is no matrix, or the numbers of columns differ. To append rows to a stored
    /// matrix, stack it and the new rows at [`Place::Replace`] of its own path: a stored matrix is never changed in
    /// place.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::vstack(&[&a, &a], Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.get(3, 1)?), ((4, 2), Some(1.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn vstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(0, matrices, &place.into(), ctx)
    }

    /// Stacks matrices horizontally, as SciPy's `hstack`: each row is that of the first, then that of the second, and
    /// so on.
    ///
    /// Cost: one read of each and one sequential write, within the memory limit whatever the matrices; the indices are
    /// checked on the way. Fails if there is no matrix, if the numbers of rows differ, or if there are more columns
    /// than the index type can count.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::hstack(&[&a, &a], Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.row(1)?.indices), ((2, 4), &[1, 3][..]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn hstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(1, matrices, &place.into(), ctx)
    }
}

impl<T: Entry, I: Index, P: Index> Csc<T, I, P> {
    /// Stacks matrices vertically; otherwise as [`Csr::hstack`] with columns and rows exchanged.
    pub fn vstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(0, matrices, &place.into(), ctx)
    }

    /// Stacks matrices horizontally; otherwise as [`Csr::vstack`] with columns and rows exchanged.
    pub fn hstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(1, matrices, &place.into(), ctx)
    }
}

fn stacked<T: Entry, I: Index, P: Index, A: Axis>(
    axis: usize,
    matrices: &[&Compressed<T, I, P, A>],
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let matrices: Vec<_> = matrices.iter().map(|matrix| matrix.to_any()).collect();
    stack((axis, A::FORMAT), &matrices, place, ctx).map(AnyCompressed::into_typed)
}

/// Stacks matrices of one format and the same types vertically (axis 0) or horizontally (axis 1).
pub(crate) fn stack(
    (axis, format): (usize, SparseFormat),
    matrices: &[AnyCompressed],
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let operation = ["stacking vertically", "stacking horizontally"][axis.min(1)];
    match (axis == 0) == (format == SparseFormat::Csr) {
        true => one_after_the_other(operation, matrices, place, ctx),
        false => side_by_side(operation, matrices, place, ctx),
    }
}

fn side_by_side(
    operation: &'static str,
    matrices: &[AnyCompressed],
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let stack = Stack::new(matrices, false, place, ctx)?;
    let (mut group, mut end) = (JoinGroup::new(stack.major), 0);
    for matrix in matrices {
        group.push(end, matrix.clone());
        end += matrix.minor();
    }
    join(operation, stack.kind, &[group], end, place, ctx)
}

/// The extents of stacked matrices: those along one axis are added, those along the other are equal.
struct Stack {
    kind: (SparseFormat, Types),
    shape: (usize, usize),
    major: usize,
    nnz: usize,
    /// Bytes of memory that are left for the work.
    left: u64,
}

impl Stack {
    fn new(matrices: &[AnyCompressed], along: bool, place: &Place, ctx: &Context) -> Result<Self> {
        let extents = |matrix: &AnyCompressed| match along {
            true => matrix.extents(),
            false => (matrix.minor(), matrix.major()),
        };
        let Some(first) = matrices.first() else {
            return Err(Error::new(ErrorKind::Shape, "there is no matrix to stack"));
        };
        let (mut sum, mut nnz, same) = (0usize, 0usize, extents(first).1);
        for (k, matrix) in matrices.iter().enumerate() {
            let (more, found) = extents(matrix);
            if found != same {
                return Err(Error::shape(&format!("matrix {k}"), same, found));
            }
            sum = sum.saturating_add(more);
            nnz = nnz.saturating_add(matrix.nnz());
        }
        let (format, types) = (first.format(), first.types());
        let (major, minor) = if along { (sum, same) } else { (same, sum) };
        check_types((types.indices, types.pointers), major, minor, nnz)?;
        let left = memory_left(types.bytes_of(major, nnz), place, ctx)?;
        let shape = format.swap_if_cols((major, minor));
        Ok(Stack { kind: (format, types), shape, major, nnz, left })
    }

    fn plan(&self, plan: Plan, place: &Place, ctx: &Context) -> Plan {
        AnyWriter::plan(plan, self.kind.1, (self.major, self.nnz), place, ctx)
    }

    fn writer(&self, place: &Place, ctx: &Context) -> Result<AnyWriter> {
        AnyWriter::new(self.kind, self.shape, self.nnz, true, place, ctx)
    }
}

fn one_after_the_other(
    operation: &'static str,
    matrices: &[AnyCompressed],
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let stack = Stack::new(matrices, true, place, ctx)?;
    // One at a time, because each has its files open.
    let lines = |matrix| CheckedPanels::new(&[matrix], LineSplit::Entries, stack.left, ctx);
    let _running = ctx.begin(|| {
        let mut plan = Plan::new(operation).works(stack.nnz as u64, work::STACK);
        for matrix in matrices {
            let lines = lines(matrix)?;
            plan = plan.on_device_of(matrix.indices_buffer().file());
            plan = plan.reads(1, lines.bytes_to_read()).holds(lines.memory());
        }
        Ok(stack.plan(plan, place, ctx))
    })?;
    let mut writer = stack.writer(place, ctx)?;
    let mut canonical = true;
    ctx.meter().pass();
    for matrix in matrices {
        canonical &= append_any(&mut writer, &mut lines(matrix)?, ctx)?;
    }
    writer.finish(canonical)
}
