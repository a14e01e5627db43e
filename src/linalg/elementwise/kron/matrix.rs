//! Kronecker products of two sparse matrices. The left one and the result may be larger than memory.
//!
//! ```text
//! B into memory  ->  for each panel of lines of A:  for each panel of lines of the product, or of entries of a long one:
//!                    its pointers and entries, by all threads  ->  to their final place, or to the writer
//! ```
//!
//! Every line of A meets all of B, so B is read again and again, and A once. The length of a panel depends on the
//! memory; its contents follow from the pointers, so the same entries are made wherever it ends.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::{Multiply, check_alike, no_arithmetic, overflow};
use crate::linalg::elementwise::kron::pairs::{FactorLines, Kron, PairProducts, products};
use crate::sparse::{
    AnyCompressed, AnyDraft, AnyWriter, Axis, CheckedPanels, Compressed, IndicesMut, LineSplit,
    Types, check_types, memory_left,
};
use crate::storage::work;
use crate::storage::{Context, Index, Place, Plan, RawBufferMut, SparseFormat};

/// Lines and entries of a panel that is made in its final place.
const RESULT_PANEL: (usize, usize) = (1 << 22, 1 << 24);

/// The largest panel that is written, in bytes.
const BUFFER: u64 = 32 << 20;

impl<T: Multiply, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The Kronecker product `A ⊗ B`, as SciPy's `kron`: `A` with every entry `a` replaced by the matrix `a B`.
    ///
    /// For an `m x n` and a `p x q` matrix it is `mp x nq`, with the product of their numbers of entries; entry
    /// `(k, l)` of `B` is at `(i p + k, j q + l)` for entry `(i, j)` of `A`. Entries keep their order, that of `A`
    /// first, and duplicates stay: the result is canonical if both matrices are. `bool` entries are joined by *and*,
    /// and the product of patterns is a pattern. The same bits for any number of threads, any limit, and any place of
    /// the matrices.
    ///
    /// Cost: one read of both and one sequential write, within the memory limit whatever `A` and the result are; a
    /// result in memory is made in its final place, by all threads. `B` is used in place if it is in memory. Otherwise
    /// it is read into memory, because every row of `A` (column, for CSC) needs all of it.
    ///
    /// Fails, before anything is made, with [`ErrorKind::Type`](crate::ErrorKind::Type) if the index types are too
    /// narrow for the rows, columns or entries of the result; with [`ErrorKind::Memory`](crate::ErrorKind::Memory) if
    /// it goes to memory and does not fit, if a `B` in files takes more than a quarter of what is left of the limit, or
    /// if a row (column, for CSC) of an `A` in files takes more than about a sixteenth and `B` has more than one. Later
    /// fails with [`ErrorKind::Index`](crate::ErrorKind::Index) for a bad index in either, and with
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) if an integer overflows, naming row and column; no result is
    /// created then.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let ctx = Context::new();
    /// // [ 1 2 ]   [ . 3 ]   [ . 3 . 6 ]
    /// // [ . 5 ] x [ 4 . ] = [ 4 . 8 . ]
    /// //                     [ . . . 15 ]
    /// //                     [ . . 20 . ]
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], vec![1.0, 2.0, 5.0])?;
    /// let b = Csr::<f64>::from_parts((2, 2), vec![0, 1, 2], vec![1, 0], vec![3.0, 4.0])?;
    /// let c = a.kron(&b, Place::Memory, &ctx)?;
    /// assert_eq!((c.shape(), c.nnz()), ((4, 4), 6));
    /// assert_eq!((c.row(0)?.indices, c.row(0)?.data), (&[1, 3][..], &[3.0, 6.0][..]));
    /// assert_eq!(c.get(3, 2)?, Some(20.0));
    ///
    /// // The Laplacian of a plane from that of a line.
    /// let (line, one) = (Csr::<f64>::poisson(&[30], Place::Memory, &ctx)?, Csr::eye(30));
    /// let (down, along) = (line.kron(&one, Place::Memory, &ctx)?, one.kron(&line, Place::Memory, &ctx)?);
    /// assert!(down.add(&along, Place::Memory, &ctx)? == Csr::poisson(&[30, 30], Place::Memory, &ctx)?);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn kron(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        kron(&self.to_any(), &other.to_any(), &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

/// The Kronecker product of two matrices of one format and the same types: numbers, `bool`, or patterns.
pub(crate) fn kron(
    a: &AnyCompressed,
    b: &AnyCompressed,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (types, format) = (a.types(), a.format());
    let products = products(types.values).ok_or_else(|| no_arithmetic("multiplying", a))?;
    check_alike(a, b)?;
    // Saturation is fine: no index type counts that far.
    let major = a.major().saturating_mul(b.major());
    let minor = a.minor().saturating_mul(b.minor());
    let nnz = a.nnz().saturating_mul(b.nnz());
    check_types((types.indices, types.pointers), major, minor, nnz)?;
    let left = memory_left(types.bytes_of(major, nnz), place, ctx)?;
    let right = RightFactor::new(b, left, ctx)?;
    let budget = KronBudget::new(left - right.bytes, types);
    let panels = left_panels(a, b, budget.reading, ctx)?;
    let in_memory = *place == Place::Memory;
    let most =
        if in_memory { RESULT_PANEL } else { (budget.lines.min(major), budget.entries.min(nnz)) };
    let work = if in_memory { 0 } else { types.bytes_of(most.0, most.1) };
    let _running = ctx.begin_pass(0, || {
        let plan = Plan::new("Kronecker product").on_device_of(a.indices_buffer().file());
        let plan = plan.on_device_of(b.indices_buffer().file()).works(nnz as u64, work::KRON);
        let plan = plan.reads(1, panels.as_ref().map_or(0, CheckedPanels::bytes_to_read));
        let plan = plan.reads(1, right.reading.as_ref().map_or(0, CheckedPanels::bytes_to_read));
        let plan = plan.holds(right.reading.as_ref().map_or(0, CheckedPanels::memory));
        let plan = plan.holds(panels.as_ref().map_or(0, CheckedPanels::memory) + work);
        let plan = plan.throughout(right.bytes);
        Ok(AnyWriter::plan(plan, types, (major, nnz), place, ctx))
    })?;
    let b = right.in_memory(ctx)?;
    let (kind, shape) = ((format, types), format.swap_if_cols((major, minor)));
    let rising = ctx.with_threads(|| b.check())?;
    let result = match in_memory {
        true => KronTarget::Draft(AnyDraft::new(kind, shape, nnz, place, ctx)?),
        false => {
            let writer = AnyWriter::new(kind, shape, nnz, true, place, ctx)?;
            KronTarget::new_written(writer, types, most, ctx)?
        }
    };
    let _held = ctx.hold(work);
    let mut making = Making { b: &b, products, format, result, most, start: 0, total: nnz, ctx };
    let rising = making.sweep(a, panels)? && rising;
    match making.result {
        KronTarget::Draft(draft) => draft.finish(format, shape, rising),
        KronTarget::Written { writer, .. } => writer.finish(rising),
    }
}

/// The right matrix, which is read once for every entry of the left one.
struct RightFactor<'a> {
    matrix: &'a AnyCompressed,
    /// `None` if it is in memory.
    reading: Option<CheckedPanels>,
    /// Bytes of a copy in memory.
    bytes: u64,
}

impl<'a> RightFactor<'a> {
    fn new(matrix: &'a AnyCompressed, left: u64, ctx: &Context) -> Result<Self> {
        if matrix.stored_bytes() == 0 {
            return Ok(RightFactor { matrix, reading: None, bytes: 0 });
        }
        let bytes = matrix.types().bytes_of(matrix.major(), matrix.nnz());
        let most = left / 4;
        if bytes > most {
            return Err(Error::new(ErrorKind::Memory, "the right matrix would not fit in memory")
                .expected(format!("at most {most} bytes (a quarter of what is left of the limit)"))
                .found(format!("{bytes} bytes"))
                .remedy("raise the memory limit"));
        }
        let reading = Some(CheckedPanels::new(&[matrix], LineSplit::Entries, left, ctx)?);
        Ok(RightFactor { matrix, reading, bytes })
    }

    fn in_memory(self, ctx: &Context) -> Result<AnyCompressed> {
        let matrix = self.matrix;
        let Some(mut lines) = self.reading else { return Ok(matrix.clone()) };
        let kind = (matrix.format(), matrix.types());
        let (shape, nnz) = (matrix.shape(), matrix.nnz());
        let mut writer = AnyWriter::new(kind, shape, nnz, true, &Place::Memory, ctx)?;
        let canonical = writer.append(&mut lines, ctx)?;
        writer.finish(canonical)
    }
}

/// The division of the memory that is left.
struct KronBudget {
    /// Bytes for panels of the left matrix.
    reading: u64,
    /// Lines and entries of a panel.
    lines: usize,
    entries: usize,
}

impl KronBudget {
    fn new(left: u64, types: Types) -> Self {
        let (value, index, pointer) = types.sizes();
        let buffer = (left / 4).min(BUFFER) as usize;
        let lines = (buffer / 8 / pointer).max(1);
        let entries = (buffer / 8 * 7 / (value + index)).max(1);
        KronBudget { reading: left / 2, lines, entries }
    }
}

/// The lines of the left matrix, unless they are in memory. Fails if a line must be cut and would be needed again.
fn left_panels(
    a: &AnyCompressed,
    b: &AnyCompressed,
    budget: u64,
    ctx: &Context,
) -> Result<Option<CheckedPanels>> {
    if a.stored_bytes() == 0 {
        return Ok(None);
    }
    let lines = CheckedPanels::new(&[a], LineSplit::Runs(1), 4 * budget, ctx)?;
    if lines.cuts_a_line() && b.major() > 1 {
        return Err(Error::new(ErrorKind::Memory, "a line of the left matrix would not fit")
            .expected(format!("at most {} bytes a line", budget / 4))
            .remedy("raise the memory limit"));
    }
    Ok(Some(lines))
}

/// The destination of the result.
enum KronTarget {
    Draft(AnyDraft),
    Written {
        writer: Box<AnyWriter>,
        ends: RawBufferMut,
        indices: RawBufferMut,
        data: RawBufferMut,
    },
}

impl KronTarget {
    /// With buffers for a panel of this many lines and entries.
    fn new_written(
        writer: AnyWriter,
        types: Types,
        (lines, entries): (usize, usize),
        ctx: &Context,
    ) -> Result<Self> {
        let writer = Box::new(writer);
        let ends = ctx.raw_work("a panel of lines", (Some(types.pointers), lines + 1))?;
        let entries = |dtype| ctx.raw_work("a panel of entries", (dtype, entries));
        let (indices, data) = (entries(Some(types.indices))?, entries(types.values)?);
        Ok(KronTarget::Written { writer, ends, indices, data })
    }
}

/// A product in progress.
struct Making<'a> {
    b: &'a AnyCompressed,
    products: PairProducts,
    format: SparseFormat,
    result: KronTarget,
    /// Lines and entries of a panel.
    most: (usize, usize),
    /// Entries made so far, and the total.
    start: usize,
    total: usize,
    ctx: &'a Context,
}

/// All lines of a checked matrix in memory.
fn lines_of(matrix: &AnyCompressed) -> FactorLines<'_> {
    let (indptr, indices) = (matrix.indptr(), matrix.indices());
    FactorLines { indptr, indices, data: matrix.data().as_raw() }
}

impl Making<'_> {
    /// Multiplies all of A, in panels if it is not in memory, and returns whether its indices rise in every line.
    fn sweep(&mut self, a: &AnyCompressed, panels: Option<CheckedPanels>) -> Result<bool> {
        let Some(mut panels) = panels else {
            let rising = self.ctx.with_threads(|| a.check())?;
            self.take((0, true), lines_of(a))?;
            return Ok(rising);
        };
        panels.sweep_part(self.ctx, &mut |panel| {
            let part = panel.parts[0];
            let lines = FactorLines { indptr: part.indptr, indices: part.indices, data: part.data };
            self.take((panel.first, panel.closes), lines)
        })
    }

    /// Multiplies lines of A from the `first` on, or a run of that line; `closes` if its last line ends here.
    fn take(&mut self, (first, closes): (usize, bool), a: FactorLines<'_>) -> Result<()> {
        let (minor, products) = (self.b.minor(), self.products);
        let product = Kron { a, b: lines_of(self.b), minor, products };
        let first = first * self.b.major();
        let (lines, entries) = (if closes { product.lines() } else { 0 }, product.nnz());
        let (mut line, mut at) = (0, 0);
        while line < lines || at < entries {
            self.ctx.report("multiplying", (self.start + at) as u64, self.total as u64)?;
            let some = line..lines.min(line + self.most.0);
            let next = product.behind(some, at.saturating_add(self.most.1));
            // A line that does not fit is made in parts.
            let part = || entries.min(at + self.most.1);
            let end = if next > line { product.end(next - 1) } else { part() };
            self.make(&product, first, line..next, at..end)?;
            (line, at) = (next, end);
        }
        self.start += entries;
        Ok(())
    }

    /// Makes a panel of `product`, whose line 0 is line `first` of the result; returns the lines that end in it, and
    /// the entries.
    fn make(
        &mut self,
        product: &Kron<'_>,
        first: usize,
        lines: Range<usize>,
        entries: Range<usize>,
    ) -> Result<()> {
        let (count, start, ctx) = (entries.len(), self.start + entries.start, self.ctx);
        let made = match &mut self.result {
            KronTarget::Draft(AnyDraft { indptr, indices, data, .. }) => {
                let (mut ends, mut indices) = (IndicesMut::of(indptr), IndicesMut::of(indices));
                let ends = ends.slice_mut(first + lines.start + 1..first + lines.end + 1);
                let here = start..start + count;
                let (indices, mut data) = (indices.slice_mut(here.clone()), data.as_mut());
                ctx.with_threads(|| {
                    product.fill_ends(lines.start, (entries.start, start), ends);
                    product.fill(entries.start, indices, data.slice_mut(here))
                })
            }
            KronTarget::Written { writer, ends, indices, data } => {
                let (mut to_ends, mut to) = (IndicesMut::of(ends), IndicesMut::of(indices));
                let made = ctx.with_threads(|| {
                    let ends = to_ends.slice_mut(1..lines.len() + 1);
                    product.fill_ends(lines.start, (entries.start, 0), ends);
                    let (to, mut data) = (to.slice_mut(0..count), data.as_mut());
                    product.fill(entries.start, to, data.slice_mut(0..count))
                });
                if made.is_ok() {
                    let indices = to.as_indices().slice(0..count).raw();
                    let data = data.as_raw().slice(0..count);
                    match lines.is_empty() {
                        true => writer.push_part(indices, data)?,
                        false => {
                            let ends = to_ends.as_indices().slice(0..lines.len() + 1);
                            writer.push_run(ends, indices, data)?;
                        }
                    }
                }
                made
            }
        };
        let clash = |(line, index)| overflow("product", self.format, (first + line, index));
        made.map_err(clash)
    }
}
