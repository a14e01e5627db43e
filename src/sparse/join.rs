//! Matrices joined horizontally, and groups of such stacked vertically, in one read and one sequential write.

use std::ops::Range;

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::check::check_types;
use crate::sparse::checked_panels::{CheckedPanel, CheckedPanels};
use crate::sparse::index_vec::IndexVec;
use crate::sparse::indices_mut::{IndicesMut, by_index_mut};
use crate::sparse::line_cuts::LineSplit;
use crate::sparse::types::Types;
use crate::sparse::writer::{AnyWriter, memory_left};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Carrier, by_width, carriers_mut};
use crate::storage::{Context, Index, Place, Plan, RawBufferMut, SparseFormat};

/// Lines of a task.
const TASK: usize = 1 << 12;

/// At least one matrix, all with the same number of lines, to be joined line by line.
pub(crate) struct JoinGroup {
    major: usize,
    /// The offset added to the indices of each; offsets rise.
    offsets: Vec<usize>,
    matrices: Vec<AnyCompressed>,
}

impl JoinGroup {
    /// No matrix yet; each will have `major` lines.
    pub(crate) fn new(major: usize) -> Self {
        JoinGroup { major, offsets: Vec::new(), matrices: Vec::new() }
    }

    /// Adds a matrix whose indices are counted from `offset`, which must not be before the end of the last one.
    pub(crate) fn push(&mut self, offset: usize, matrix: AnyCompressed) {
        self.offsets.push(offset);
        self.matrices.push(matrix);
    }

    fn nnz(&self) -> usize {
        self.matrices.iter().fold(0, |sum, matrix| sum.saturating_add(matrix.nnz()))
    }

    /// Whether there is a single matrix, whose lines are passed on as they are.
    fn is_single(&self) -> bool {
        self.offsets == [0]
    }

    /// The lines of all, and the bytes for working on them.
    fn lines(&self, types: Types, left: u64, ctx: &Context) -> Result<(CheckedPanels, u64)> {
        let matrices: Vec<_> = self.matrices.iter().collect();
        let lines = CheckedPanels::new(&matrices, LineSplit::Entries, left, ctx)?;
        let work = match self.is_single() {
            true => 0,
            false => types.bytes_of(lines.most_lines(), lines.most_entries()),
        };
        Ok((lines, work))
    }
}

/// Stacks groups of matrices of one kind vertically (horizontally, for CSC), in a matrix whose indices are below
/// `minor`.
pub(crate) fn join(
    (operation, work): (&'static str, f64),
    (format, types): (SparseFormat, Types),
    groups: &[JoinGroup],
    minor: usize,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let major = groups.iter().fold(0usize, |sum, group| sum.saturating_add(group.major));
    let nnz = groups.iter().fold(0usize, |sum, group| sum.saturating_add(group.nnz()));
    check_types((types.indices, types.pointers), major, minor, nnz)?;
    let left = memory_left(types.bytes_of(major, nnz), place, ctx)?;
    let _running = ctx.begin_pass(0, || {
        let all = || groups.iter().flat_map(|group| &group.matrices);
        let files = all().find_map(|matrix| matrix.indices_buffer().file());
        let mut plan = Plan::new(operation).on_device_of(files).works(nnz as u64, work);
        for group in groups {
            let (lines, work) = group.lines(types, left, ctx)?;
            plan = plan.reads(1, lines.bytes_to_read()).holds(lines.memory() + work);
        }
        Ok(AnyWriter::plan(plan, types, (major, nnz), place, ctx))
    })?;
    let shape = format.swap_if_cols((major, minor));
    let mut writer = AnyWriter::new((format, types), shape, nnz, true, place, ctx)?;
    let mut canonical = true;
    for group in groups {
        canonical &= push(&mut writer, group, (types, left), ctx)?;
    }
    writer.finish(canonical)
}

/// Adds the lines of a group, and returns whether the indices rise in each.
fn push(
    writer: &mut AnyWriter,
    group: &JoinGroup,
    (types, left): (Types, u64),
    ctx: &Context,
) -> Result<bool> {
    // One group at a time, because each matrix has its files open.
    let (mut lines, work) = group.lines(types, left, ctx)?;
    if group.is_single() {
        return writer.append(&mut lines, ctx);
    }
    let capacity = (lines.most_lines(), lines.most_entries());
    let _held = ctx.hold(work);
    let mut joined = Joined::new(&group.offsets, types, capacity, ctx)?;
    lines.sweep_part(ctx, &mut |panel| {
        let count = ctx.with_threads(|| joined.join(&panel));
        let (indices, data) = (joined.indices.as_raw(), joined.data.as_raw());
        let (indices, data) = (indices.slice(0..count), data.slice(0..count));
        writer.push_panel(panel.closes, joined.indptr.as_indices(), (indices, data))
    })
}

/// A panel of lines of all matrices, joined.
struct Joined<'a> {
    /// The offset added to the indices of each matrix.
    offsets: &'a [usize],
    indptr: IndexVec,
    indices: RawBufferMut,
    data: RawBufferMut,
}

impl<'a> Joined<'a> {
    /// Buffers for panels with this many lines and entries.
    fn new(
        offsets: &'a [usize],
        types: Types,
        (lines, entries): (usize, usize),
        ctx: &Context,
    ) -> Result<Self> {
        Ok(Joined {
            offsets,
            indptr: IndexVec::with_capacity(
                "pointers of joined lines",
                types.pointers,
                lines + 1,
                ctx,
            )?,
            indices: ctx.raw_work("joined lines", (Some(types.indices), entries))?,
            data: ctx.raw_work("joined lines", (types.values, entries))?,
        })
    }

    /// Joins the lines of a panel; returns the number of entries.
    fn join(&mut self, panel: &CheckedPanel<'_>) -> usize {
        let lines = panel.parts[0].lines();
        let end = |line: usize| panel.parts.iter().map(|part| part.indptr.at(line)).sum::<usize>();
        self.indptr.clear();
        self.indptr.extend_with(lines + 1, &mut |line| end(line));
        let mut indices = IndicesMut::of(&mut self.indices);
        let mut data = self.data.as_mut();
        let mut tasks = Vec::new();
        for start in (0..lines).step_by(TASK) {
            let lines = start..lines.min(start + TASK);
            let capacity = end(lines.end) - end(lines.start);
            tasks.push((lines, indices.take_front(capacity), data.take_front(capacity)));
        }
        let offsets = self.offsets;
        tasks.into_par_iter().for_each(|(lines, indices, data)| {
            by_index_mut!(indices, indices => by_width!(data.width(), W => {
                join_lines::<_, W>(panel, lines, offsets, (indices, carriers_mut(data)));
            }));
        });
        end(lines)
    }
}

fn join_lines<I: Index, const W: usize>(
    panel: &CheckedPanel<'_>,
    lines: Range<usize>,
    offsets: &[usize],
    (mut indices, mut data): (&mut [I], &mut [Carrier<W>]),
) {
    let parts: Vec<_> = panel
        .parts
        .iter()
        .map(|part| {
            (part.ends(lines.clone()), part.indices.typed::<I>(), part.data.carriers::<W>())
        })
        .collect();
    for line in 0..lines.len() {
        for ((ends, from, values), offset) in parts.iter().zip(offsets) {
            let span = ends[line]..ends[line + 1];
            let (these_indices, these_data);
            (these_indices, indices) = indices.split_at_mut(span.len());
            (these_data, data) = data.split_at_mut(span.len());
            let each = these_indices.iter_mut().zip(&from[span.clone()]);
            each.for_each(|(to, from)| *to = I::from_usize(from.to_usize() + offset));
            these_data.copy_from_slice(&values[span]);
        }
    }
}
