//! The kept elements of a dense matrix in memory, counted line by line, then stored in a sparse matrix of that size.

use std::ops::Range;

use crate::convert::formats::nonzero_marks::{Keep, Picker, RUN, positions, sum};
use crate::dense::AnyDense;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCompressed, AnyDraft, IndicesMut, Types, by_index_mut, memory_left};
use crate::storage::parallel::{IntoTasks, Tasks, collect_into_vec};
use crate::storage::raw::{Carrier, Raw, RawMut, by_size, carriers_mut};
use crate::storage::{Context, Index, Order, Place, SparseFormat};

/// Lines counted or filled by one task: if they run across the file, a task reads whole cache lines.
const BLOCK: usize = 64;

/// Elements of a line that are counted separately.
const LONG: usize = 128;

/// A dense matrix as lines of the axis that the result is compressed along.
struct AxisLines<'a> {
    elements: Raw<'a>,
    lines: usize,
    length: usize,
    /// Whether the elements of a line are contiguous; otherwise the elements of lines alternate.
    along: bool,
    keep: &'a dyn Keep,
}

/// How many elements of each line of a block are kept.
type KeptCounts = [u64; BLOCK];

/// Where a block goes.
struct TaskBuffers<'a> {
    counts: &'a KeptCounts,
    indices: IndicesMut<'a>,
    data: RawMut<'a>,
}

/// Counts the kept elements of every line, and fills a draft of that size.
pub(super) fn fill(
    a: &AnyDense,
    (format, types): (SparseFormat, Types),
    keep: &dyn Keep,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (wanted, _) = format.swap_if_cols((Order::C, Order::Fortran));
    let (lines, length) = format.swap_if_cols(a.dim());
    let grid =
        AxisLines { elements: a.elements(), lines, length, along: a.order() == wanted, keep };
    let blocks = lines.div_ceil(BLOCK);
    // There are as many counts as pointers: if one does not fit, neither does the other.
    memory_left(types.bytes_of(lines, 0), place, ctx)?;
    let mut counts = ctx.with_capacity::<KeptCounts>("the entries of each line", blocks)?;
    ctx.with_threads(|| {
        let blocks = (0..blocks).into_par_iter();
        collect_into_vec(blocks.map(|block| grid.count(grid.block(block))), &mut counts);
    });
    ctx.check_cancelled()?;
    let nnz = counts.iter().flatten().sum::<u64>() as usize;
    let mut draft = AnyDraft::new((format, types), a.dim(), nnz, place, ctx)?;
    let ends = IndicesMut::of(&mut draft.indptr);
    by_index_mut!(ends, ends => write_ends(&mut ends[1..], &counts));
    let mut tasks = ctx.with_capacity("blocks of lines", blocks)?;
    let mut indices = IndicesMut::of(&mut draft.indices);
    let mut data = draft.data.as_mut();
    for counts in &counts {
        let to = counts.iter().sum::<u64>() as usize;
        let (indices, data) = (indices.take_front(to), data.take_front(to));
        tasks.push(TaskBuffers { counts, indices, data });
    }
    let filled = ctx.with_threads(|| {
        tasks.into_par_iter().enumerate().try_for_each_init(Picker::new, |picker, (block, to)| {
            grid.fill(grid.block(block), to, picker).then_some(()).ok_or(())
        })
    });
    if filled.is_err() {
        return Err(Error::new(
            ErrorKind::Value,
            "the selection of elements changed between two reads",
        )
        .expected("the same answer for the same element"));
    }
    // Positions rise in every line, so they are not checked again from a file.
    draft.finish(format, a.dim(), true)
}

fn write_ends<P: Index>(ends: &mut [P], counts: &[KeptCounts]) {
    let mut end = 0;
    for (pointer, count) in ends.iter_mut().zip(counts.iter().flatten()) {
        end += *count as usize;
        *pointer = P::from_usize(end);
    }
}

impl AxisLines<'_> {
    fn block(&self, block: usize) -> Range<usize> {
        block * BLOCK..self.lines.min((block + 1) * BLOCK)
    }

    /// The elements of lines that are contiguous.
    fn elements(&self, lines: &Range<usize>) -> Raw<'_> {
        self.elements.slice(lines.start * self.length..lines.end * self.length)
    }

    /// The elements of some lines at a position, if they alternate.
    fn row(&self, position: usize, lines: &Range<usize>) -> Raw<'_> {
        let start = position * self.lines;
        self.elements.slice(start + lines.start..start + lines.end)
    }

    /// Counts the elements of some lines that are kept.
    fn count(&self, lines: Range<usize>) -> KeptCounts {
        let mut counts = [0; BLOCK];
        let mut marks = [0; RUN];
        if !self.along {
            let marks = &mut marks[..lines.len()];
            for position in 0..self.length {
                self.keep.mark(self.row(position, &lines), marks);
                let each = counts.iter_mut().zip(&*marks);
                each.for_each(|(count, mark)| *count += u64::from(*mark));
            }
            return counts;
        }
        let (elements, length) = (self.elements(&lines), self.length);
        if length >= LONG {
            for (line, count) in (0..lines.len()).zip(&mut counts) {
                *count = self.keep.count(elements.slice(line * length..(line + 1) * length)) as u64;
            }
        } else if let Some(lines) = RUN.checked_div(length) {
            // So many lines at a time.
            let step = lines * length;
            for start in (0..elements.len()).step_by(step) {
                let run = elements.slice(start..elements.len().min(start + step));
                let marks = &mut marks[..run.len()];
                self.keep.mark(run, marks);
                let counts = counts[start / length..].iter_mut();
                counts
                    .zip(marks.chunks(length))
                    .for_each(|(count, line)| *count = sum(line) as u64);
            }
        }
        counts
    }

    /// Fills the buffers of some lines with their kept elements; returns whether the numbers match the counts.
    fn fill(
        &self,
        lines: Range<usize>,
        TaskBuffers { counts, mut indices, mut data }: TaskBuffers<'_>,
        picker: &mut Picker,
    ) -> bool {
        if !self.along {
            let to = (&mut indices, data);
            return by_index_mut!(to.0, indices => by_size!(to.1.width(), W => {
                self.fill_across::<W, _>(&lines, counts, (indices, carriers_mut(to.1)))
            }));
        }
        if self.length == 0 {
            return true;
        }
        let (mut fits, mut found) = (true, [0; BLOCK]);
        picker.each(self.elements(&lines), self.length, 0, self.keep, &mut |picked| {
            for (found, len) in found[picked.line..].iter_mut().zip(picked.lens) {
                *found += *len as u64;
            }
            let count = picked.at.len();
            fits &= count <= data.len();
            if fits {
                indices.take_front(count).copy_from(picked.indices);
                fits &= data.take_front(count).gather(picked.at, picked.run).is_some();
            }
        });
        fits && found == *counts
    }

    fn fill_across<const W: usize, I: Index>(
        &self,
        lines: &Range<usize>,
        counts: &KeptCounts,
        (indices, data): (&mut [I], &mut [Carrier<W>]),
    ) -> bool {
        let (mut next, mut end) = ([0; BLOCK], 0);
        for (next, &count) in next.iter_mut().zip(counts) {
            *next = end;
            end += count as usize;
        }
        let (mut marks, mut at) = ([0; BLOCK], [0; RUN]);
        let marks = &mut marks[..lines.len()];
        for position in 0..self.length {
            let row = self.row(position, lines);
            self.keep.mark(row, marks);
            let count = positions(marks, &mut at);
            let row = row.carriers();
            for &line in &at[..count] {
                let to = next[line];
                if let (Some(index), Some(value)) = (indices.get_mut(to), data.get_mut(to)) {
                    (*index, *value) = (I::from_usize(position), row[line]);
                }
                next[line] = to + 1;
            }
        }
        let mut end = 0;
        next.iter().zip(counts).all(|(&next, &count)| {
            end += count as usize;
            next == end
        })
    }
}
