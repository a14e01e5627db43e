//! Matrices whose rows follow from a formula, made chunk by chunk on all threads.
//!
//! In memory every chunk is put where it stays. Elsewhere a round of chunks at a time is made in a buffer, and written
//! while the next round is made, so that a matrix of any size is one sequential write.

use std::ops::Range;

use crate::error::Result;
use crate::sparse::axis::ByRows;
use crate::sparse::check::check_widths;
use crate::sparse::compressed::Csr;
use crate::sparse::draft::CompressedDraft;
use crate::sparse::writer::{CompressedWriter, memory_left};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{BufferMut, Context, Entry, Held, Index, Place, Plan, bytes_of};

/// Chunks of a round.
const CHUNKS: usize = 64;

/// The largest buffer of a round, in bytes, and what part of the memory limit it may be.
const BUFFER: (u64, u64) = (32 << 20, 16);

/// How the rows of a matrix are made.
pub(super) trait Formula<T>: Sync {
    /// Whether the number of entries is known without making them.
    const EXACT: bool;

    /// How many entries there are; about so many if that is not known.
    fn expected(&self) -> usize;

    /// How many entries there are at least, but for a chance that nobody meets.
    fn least(&self) -> usize;

    /// Entries that hardly ever a row has more of.
    fn most(&self) -> usize;

    /// How many entries these rows have.
    fn count(&self, rows: Range<usize>) -> usize;

    /// Calls `entry` with column and value of every entry of a row, columns rising.
    fn row(&self, row: usize, entry: impl FnMut(usize, T));
}

/// Some rows, and how many entries they have.
type Chunk = (Range<usize>, usize);

/// The matrix of `shape` that the formula gives, at `place`; an entry takes `work` nanoseconds.
pub(super) fn generate<T: Entry, I: Index, P: Index, F: Formula<T>>(
    operation: &'static str,
    (shape, formula): ((usize, usize), &F),
    work: f64,
    place: &Place,
    ctx: &Context,
) -> Result<Csr<T, I, P>> {
    let expected = formula.expected();
    check_widths::<I, P>(shape.0, shape.1, expected)?;
    // Refused before the rows are counted, which takes as long as making them.
    memory_left(Csr::<T, I, P>::bytes_of(shape.0, formula.least()), place, ctx)?;
    let cut = Cut::new(size_of::<T>() + size_of::<I>(), shape.0, formula, ctx);
    let _running = ctx.begin(|| {
        if F::EXACT && *place == Place::Memory {
            let bytes = Csr::<T, I, P>::bytes_of(shape.0, expected);
            ctx.check_memory("the result", bytes)?;
        }
        let plan = Plan::new(operation).works(expected as u64, work);
        let plan = if *place == Place::Memory { plan } else { plan.beside(cut.memory::<P>()) };
        let size = (shape.0, expected);
        let plan = CompressedWriter::<T, I, P, ByRows>::plan(plan, size, place, ctx);
        Ok(Plan { entries: (!F::EXACT).then_some(expected as u64), ..plan })
    })?;
    match place {
        Place::Memory => in_memory(shape, formula, &cut, ctx),
        _ => in_rounds(shape, formula, &cut, place, ctx),
    }
}

/// How rows are cut into chunks.
struct Cut {
    nrows: usize,
    /// Rows of a chunk.
    rows: usize,
    /// Entries that the buffer of a round has room for, and the bytes of one.
    room: usize,
    entry: usize,
}

impl Cut {
    fn new<T>(entry: usize, nrows: usize, formula: &impl Formula<T>, ctx: &Context) -> Self {
        let bytes = (ctx.memory_left() / BUFFER.1).min(BUFFER.0) as usize;
        let (most, room) = (formula.most().max(1), bytes / entry.max(1));
        Cut { nrows, rows: (room / CHUNKS / most).max(1), room: room.max(most), entry }
    }

    /// Memory of a round: its entries, and a pointer for each of its rows.
    fn memory<P>(&self) -> u64 {
        let pointers = (CHUNKS * self.rows).min(self.nrows) + 1;
        bytes_of::<P>(pointers).saturating_add(self.room.saturating_mul(self.entry) as u64)
    }

    /// The chunks from `row` on, at most `most` of them.
    fn chunks<T>(
        &self,
        row: usize,
        most: usize,
        formula: &impl Formula<T>,
        ctx: &Context,
    ) -> Vec<Chunk> {
        let starts: Vec<_> = (row..self.nrows).step_by(self.rows).take(most).collect();
        let chunk = |start: usize| {
            let rows = start..self.nrows.min(start + self.rows);
            (rows.clone(), formula.count(rows))
        };
        ctx.with_threads(|| starts.into_par_iter().map(chunk).collect())
    }
}

fn in_memory<T: Entry, I: Index, P: Index>(
    shape: (usize, usize),
    formula: &impl Formula<T>,
    cut: &Cut,
    ctx: &Context,
) -> Result<Csr<T, I, P>> {
    let chunks = cut.chunks(0, usize::MAX, formula, ctx);
    let nnz = entries(&chunks);
    let mut draft = CompressedDraft::<T, I, P>::new::<ByRows>(shape, nnz, &Place::Memory, ctx)?;
    let mut next = 0;
    for round in chunks.chunks(CHUNKS) {
        let rows = round[0].0.start..round[round.len() - 1].0.end;
        ctx.report("making rows", rows.start as u64, shape.0 as u64)?;
        let end = next + entries(round);
        let pointers = &mut draft.indptr[rows.start + 1..=rows.end];
        let arrays = (pointers, &mut draft.indices[next..end], &mut draft.data[next..end]);
        ctx.with_threads(|| fill(formula, round, next, arrays));
        next = end;
    }
    draft.finish(shape, true)
}

fn in_rounds<T: Entry, I: Index, P: Index, F: Formula<T>>(
    shape: (usize, usize),
    formula: &F,
    cut: &Cut,
    place: &Place,
    ctx: &Context,
) -> Result<Csr<T, I, P>> {
    let expected = formula.expected();
    let mut writer =
        CompressedWriter::<T, I, P, ByRows>::new(shape, expected, F::EXACT, place, ctx)?;
    let mut held = ctx.hold(cut.memory::<P>());
    let (mut indices, mut data) = (ctx.work("rows", cut.room)?, ctx.work("rows", cut.room)?);
    let (mut pointers, mut row) = (Vec::new(), 0);
    while row < shape.0 {
        ctx.report("making rows", row as u64, shape.0 as u64)?;
        let mut round = cut.chunks(row, CHUNKS, formula, ctx);
        round.truncate(that_fit(&round, indices.len()));
        let count = entries(&round);
        if count > indices.len() {
            make_room((&mut indices, &mut data), count, &mut held, ctx)?;
        }
        let end = round[round.len() - 1].0.end;
        pointers.resize(end - row + 1, P::from_usize(0));
        let (indices, data) = (&mut indices[..count], &mut data[..count]);
        ctx.with_threads(|| fill(formula, &round, 0, (&mut pointers[1..], indices, data)));
        writer.push_run(&pointers, indices, data)?;
        row = end;
    }
    drop(held);
    writer.finish(true)
}

fn entries(chunks: &[Chunk]) -> usize {
    chunks.iter().map(|(_, count)| count).sum()
}

/// How many of the chunks have room for their entries together; at least one.
fn that_fit(chunks: &[Chunk], room: usize) -> usize {
    let ends = chunks.iter().scan(0, |end, (_, count)| {
        *end += count;
        Some(*end)
    });
    ends.take_while(|&end| end <= room).count().max(1)
}

/// Makes room for a row that has more entries than hardly any.
fn make_room<T: Entry, I: Index>(
    (indices, data): (&mut BufferMut<I>, &mut BufferMut<T>),
    count: usize,
    held: &mut Held,
    ctx: &Context,
) -> Result<()> {
    let bytes = (count as u64).saturating_mul((size_of::<I>() + size_of::<T>()) as u64);
    ctx.check_memory("a row", bytes)?;
    held.resize(bytes);
    (*indices, *data) = (ctx.work("a row", count)?, ctx.work("a row", count)?);
    Ok(())
}

/// Makes chunks, the first entry being entry `next` of the matrix: where each row ends, and all entries.
fn fill<T: Entry, I: Index, P: Index>(
    formula: &impl Formula<T>,
    chunks: &[Chunk],
    mut next: usize,
    (mut ends, mut indices, mut data): (&mut [P], &mut [I], &mut [T]),
) {
    let mut tasks = Vec::with_capacity(chunks.len());
    for (rows, count) in chunks {
        let (these_ends, these_indices, these_data);
        (these_ends, ends) = ends.split_at_mut(rows.len());
        (these_indices, indices) = indices.split_at_mut(*count);
        (these_data, data) = data.split_at_mut(*count);
        tasks.push((rows.clone(), next, these_ends, these_indices, these_data));
        next += count;
    }
    tasks.into_par_iter().for_each(|(rows, start, ends, indices, data)| {
        let mut next = 0;
        for (row, end) in rows.zip(ends) {
            formula.row(row, |col, value| {
                indices[next] = I::from_usize(col);
                data[next] = value;
                next += 1;
            });
            *end = P::from_usize(start + next);
        }
    });
}
