//! Matrices whose rows follow from a formula, made chunk by chunk on all threads.
//!
//! In memory every chunk is made in place. For files a panel of chunks at a time is made in a buffer, and written
//! while the next panel is made, so that a matrix of any size is one sequential write.

use std::ops::Range;

use crate::convert::gallery::filling::RowBuffers;
use crate::error::Result;
use crate::sparse::{
    AnyCompressed, AnyDraft, AnyWriter, IndexVec, IndicesMut, Types, check_types, memory_left,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::RawMut;
use crate::storage::{Context, Held, Place, Plan, RawBufferMut, SparseFormat};

/// Chunks of a panel.
const CHUNKS: usize = 64;

/// The largest buffer of a panel, in bytes, and the fraction of the memory limit it may use.
const BUFFER: (u64, u64) = (32 << 20, 16);

/// How the rows of a matrix are made.
pub(super) trait Formula: Sync {
    /// Whether the number of entries is known without making them.
    fn is_exact(&self) -> bool;

    /// The number of entries, or an estimate.
    fn expected(&self) -> usize;

    /// A lower bound for the number of entries, which fails with negligible probability.
    fn least(&self) -> usize;

    /// A bound for the entries of a row that is hardly ever exceeded.
    fn most(&self) -> usize;

    /// The number of entries of these rows.
    fn count(&self, rows: Range<usize>) -> usize;

    /// Makes some rows in their buffers, columns rising in each.
    fn fill(&self, rows: Range<usize>, capacity: RowBuffers<'_>);
}

/// Some rows, and their number of entries.
type RowsOfTask = (Range<usize>, usize);

/// The CSR matrix of `shape` that the formula gives, at `place`; an entry takes `work` nanoseconds.
pub(super) fn generate(
    operation: &'static str,
    (shape, types, formula): ((usize, usize), Types, &dyn Formula),
    work: f64,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let expected = formula.expected();
    check_types((types.indices, types.pointers), shape.0, shape.1, expected)?;
    // Rejected before the rows are counted, because counting takes as long as making them.
    memory_left(types.bytes_of(shape.0, formula.least()), place, ctx)?;
    let cut = RowCut::new(types, shape.0, formula, ctx);
    let _running = ctx.begin(|| {
        if formula.is_exact() && *place == Place::Memory {
            ctx.check_memory("the result", types.bytes_of(shape.0, expected))?;
        }
        let plan = Plan::new(operation).works(expected as u64, work);
        let plan = if *place == Place::Memory { plan } else { plan.throughout(cut.memory()) };
        let plan = AnyWriter::plan(plan, types, (shape.0, expected), place, ctx);
        Ok(Plan { entries: (!formula.is_exact()).then_some(expected as u64), ..plan })
    })?;
    match place {
        Place::Memory => in_memory(shape, formula, &cut, ctx),
        _ => in_rounds(shape, formula, &cut, place, ctx),
    }
}

/// How rows are cut into chunks.
struct RowCut {
    types: Types,
    nrows: usize,
    /// Rows of a chunk.
    rows: usize,
    /// Capacity in entries of the buffer of a panel, and the bytes of one.
    capacity: usize,
    entry: usize,
}

impl RowCut {
    fn new(types: Types, nrows: usize, formula: &dyn Formula, ctx: &Context) -> Self {
        let (value, index, _) = types.sizes();
        let entry = value + index;
        let bytes = (ctx.memory_left() / BUFFER.1).min(BUFFER.0) as usize;
        let (most, capacity) = (formula.most().max(1), bytes / entry.max(1));
        RowCut {
            types,
            nrows,
            rows: (capacity / CHUNKS / most).max(1),
            capacity: capacity.max(most),
            entry,
        }
    }

    /// Memory of a panel: its entries, and a pointer for each of its rows.
    fn memory(&self) -> u64 {
        let pointers = (CHUNKS * self.rows).min(self.nrows) + 1;
        let pointers = (pointers as u64).saturating_mul(self.types.pointers.size() as u64);
        pointers.saturating_add(self.capacity.saturating_mul(self.entry) as u64)
    }

    /// The chunks from `row` on, at most `most` of them.
    fn chunks(
        &self,
        row: usize,
        most: usize,
        formula: &dyn Formula,
        ctx: &Context,
    ) -> Vec<RowsOfTask> {
        let starts: Vec<_> = (row..self.nrows).step_by(self.rows).take(most).collect();
        let chunk = |start: usize| {
            let rows = start..self.nrows.min(start + self.rows);
            (rows.clone(), formula.count(rows))
        };
        ctx.with_threads(|| starts.into_par_iter().map(chunk).collect())
    }
}

fn in_memory(
    shape: (usize, usize),
    formula: &dyn Formula,
    cut: &RowCut,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let chunks = cut.chunks(0, usize::MAX, formula, ctx);
    let (nnz, kind) = (entries(&chunks), (SparseFormat::Csr, cut.types));
    let mut draft = AnyDraft::new(kind, shape, nnz, &Place::Memory, ctx)?;
    let mut pointers = IndicesMut::of(&mut draft.indptr);
    let mut indices = IndicesMut::of(&mut draft.indices);
    let mut data = draft.data.as_mut();
    pointers.take_front(1);
    let mut next = 0;
    for panel in chunks.chunks(CHUNKS) {
        let rows = panel[0].0.start..panel[panel.len() - 1].0.end;
        ctx.report("making rows", rows.start as u64, shape.0 as u64)?;
        let count = entries(panel);
        let (indices, data) = (indices.take_front(count), data.take_front(count));
        let ends = pointers.take_front(rows.len());
        ctx.with_threads(|| fill(formula, panel, next, (ends, indices, data)));
        next += count;
    }
    draft.finish(SparseFormat::Csr, shape, true)
}

fn in_rounds(
    shape: (usize, usize),
    formula: &dyn Formula,
    cut: &RowCut,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (expected, exact) = (formula.expected(), formula.is_exact());
    let kind = (SparseFormat::Csr, cut.types);
    let mut writer = AnyWriter::new(kind, shape, expected, exact, place, ctx)?;
    let mut held = ctx.hold(cut.memory());
    let mut buffers = Buffers::new("rows", cut.types, cut.capacity, ctx)?;
    let (mut pointers, mut row) = (IndexVec::new(cut.types.pointers), 0);
    while row < shape.0 {
        ctx.report("making rows", row as u64, shape.0 as u64)?;
        let mut panel = cut.chunks(row, CHUNKS, formula, ctx);
        panel.truncate(that_fit(&panel, buffers.indices.len()));
        let count = entries(&panel);
        if count > buffers.indices.len() {
            buffers = reserve(cut, count, &mut held, ctx)?;
        }
        let end = panel[panel.len() - 1].0.end;
        pointers.resize(end - row + 1, 0);
        let mut ends = pointers.as_mut();
        ends.take_front(1);
        let indices = IndicesMut::of(&mut buffers.indices).take_front(count);
        let data = buffers.data.as_mut().take_front(count);
        ctx.with_threads(|| fill(formula, &panel, 0, (ends, indices, data)));
        let (indices, data) = (buffers.indices.as_raw(), buffers.data.as_raw());
        writer.push_run(pointers.as_indices(), indices.slice(0..count), data.slice(0..count))?;
        row = end;
    }
    drop(held);
    writer.finish(true)
}

/// Where the entries of a panel are made.
struct Buffers {
    indices: RawBufferMut,
    data: RawBufferMut,
}

impl Buffers {
    fn new(what: &str, types: Types, capacity: usize, ctx: &Context) -> Result<Self> {
        let indices = ctx.raw_work(what, (Some(types.indices), capacity))?;
        Ok(Buffers { indices, data: ctx.raw_work(what, (types.values, capacity))? })
    }
}

fn entries(chunks: &[RowsOfTask]) -> usize {
    chunks.iter().map(|(_, count)| count).sum()
}

/// How many of the chunks fit in the buffer together; at least one.
fn that_fit(chunks: &[RowsOfTask], capacity: usize) -> usize {
    let ends = chunks.iter().scan(0, |end, (_, count)| {
        *end += count;
        Some(*end)
    });
    ends.take_while(|&end| end <= capacity).count().max(1)
}

/// Buffers for a row with exceptionally many entries.
fn reserve(cut: &RowCut, count: usize, held: &mut Held, ctx: &Context) -> Result<Buffers> {
    let bytes = (count as u64).saturating_mul(cut.entry as u64);
    ctx.check_memory("a row", bytes)?;
    held.resize(bytes);
    Buffers::new("a row", cut.types, count, ctx)
}

/// Makes chunks, whose first entry is entry `next` of the matrix: the end of each row, and all entries.
fn fill(
    formula: &dyn Formula,
    chunks: &[RowsOfTask],
    mut next: usize,
    (mut ends, mut indices, mut data): (IndicesMut<'_>, IndicesMut<'_>, RawMut<'_>),
) {
    let mut tasks = Vec::with_capacity(chunks.len());
    for (rows, count) in chunks {
        let capacity = RowBuffers {
            start: next,
            ends: ends.take_front(rows.len()),
            indices: indices.take_front(*count),
            data: data.take_front(*count),
        };
        tasks.push((rows.clone(), capacity));
        next += count;
    }
    tasks.into_par_iter().for_each(|(rows, capacity)| formula.fill(rows, capacity));
}
