//! Sums, differences and elementwise products of two sparse matrices that may be larger than memory.
//!
//! Both are read together, the same lines of each at a time, and merged by `merge_panels.rs`. If all three are in
//! memory, `merge_in_memory.rs` counts first and computes the result in its final place.

use crate::error::{Error, Result};
use crate::linalg::algebra::{Multiply, Subtract, check_alike, no_arithmetic, overflow};
use crate::linalg::elementwise::merge_in_memory::Pair;
use crate::linalg::elementwise::merge_lines::Combination;
use crate::linalg::elementwise::merge_panels::Merging;
use crate::sparse::{
    AnyCompressed, AnyWriter, Axis, CheckedPanels, Compressed, Indices, LineSplit, largest,
    memory_left,
};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Place, Plan};

/// Lines sampled for a plan, and the maximum entries read of one.
const SAMPLE: (usize, usize) = (1000, 1 << 16);

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The sum of two matrices: an entry wherever one of them has one.
    ///
    /// The result is canonical: indices rise in every row (column, for CSC) and no position repeats. A row that is not
    /// canonical in an input is sorted first, and its duplicates are summed in stored order. If entries cancel, a zero
    /// stays stored. `bool` entries are combined by *or*, and patterns united. Two matrices in memory with one
    /// structure share it with the result, as by [`with_data`](Self::with_data).
    ///
    /// Cost: one read of both and one sequential write, within the memory limit whatever the matrices; a result in
    /// memory that might be more than half of the limit is first counted in a separate pass. Fails if the shapes
    /// differ, an index is out of range, an integer overflows (naming row and column), or a row pair of more than a
    /// sixteenth of the limit does not rise.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::<f64>::from_parts((2, 2), vec![0, 1, 1], vec![1], vec![5.0])?;
    /// let sum = a.add(&b, Place::Memory, &Context::new())?;
    /// assert_eq!((sum.nnz(), sum.get(0, 1)?), (3, Some(5.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatAXPY")]
    pub fn add(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        add(&self.to_any(), &other.to_any(), &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

impl<T: Subtract, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The difference of two matrices; otherwise as [`add`](Self::add).
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let zero = a.sub(&a, Place::Memory, &Context::new())?;
    /// assert_eq!((zero.nnz(), zero.get(0, 0)?), (2, Some(0.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn sub(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        subtract(&self.to_any(), &other.to_any(), &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

impl<T: Multiply, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The elementwise product of two matrices: an entry wherever both have one. `bool` entries are combined by *and*,
    /// and patterns intersected; otherwise as [`add`](Self::add).
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::<f64>::from_parts((2, 2), vec![0, 2, 2], vec![0, 1], vec![3.0, 5.0])?;
    /// let product = a.multiply(&b, Place::Memory, &Context::new())?;
    /// assert_eq!((product.nnz(), product.get(0, 0)?), (1, Some(3.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "hadamard")]
    pub fn multiply(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        multiply_elements(&self.to_any(), &other.to_any(), &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }
}

/// The sum of two matrices of one format and the same types.
pub(crate) fn add(
    a: &AnyCompressed,
    b: &AnyCompressed,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    combine("adding", Combination::sum(a.types().values), (a, b), place, ctx)
}

/// The difference of two matrices of one format and the same types, which must be numbers.
pub(crate) fn subtract(
    a: &AnyCompressed,
    b: &AnyCompressed,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    combine("subtracting", Combination::difference(a.types().values), (a, b), place, ctx)
}

/// The elementwise product of two matrices of one format and the same types: numbers, `bool`, or patterns.
pub(crate) fn multiply_elements(
    a: &AnyCompressed,
    b: &AnyCompressed,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    combine("multiplying elements", Combination::product(a.types().values), (a, b), place, ctx)
}

fn combine(
    operation: &'static str,
    how: Option<Combination>,
    (a, b): (&AnyCompressed, &AnyCompressed),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let how = how.ok_or_else(|| no_arithmetic(operation, a))?;
    check_alike(a, b)?;
    if a.shape() != b.shape() {
        let (expected, found) = (format!("{:?}", a.shape()), format!("{:?}", b.shape()));
        return Err(Error::shape("the second matrix", expected, found));
    }
    if *place == Place::Memory
        && let Some(pair) = Pair::new(a, b)?
    {
        return in_memory(operation, how, &pair, (a, b), ctx);
    }
    let (types, size) = (a.types(), ResultSize::new(how, (a, b), place, ctx));
    let left = memory_left(if size.counted { 0 } else { size.bytes }, place, ctx)?;
    let mut lines = CheckedPanels::new(&[a, b], LineSplit::Columns, left, ctx)?;
    let work = Merging::bytes(types, lines.most_lines(), lines.most_entries());
    let _running = ctx.begin(|| {
        let passes = 1 + u64::from(size.counted);
        let (entries, file) = (estimate(how.union, (a, b)), a.indices_buffer().file());
        let plan = Plan::new(operation).on_device_of(file.or(b.indices_buffer().file()));
        let plan = plan.works(passes * (a.nnz() + b.nnz()) as u64, work::MERGE);
        let plan = plan.reads(passes, passes * lines.bytes_to_read());
        let used = lines.memory() + work;
        let plan = plan.holds(used);
        let plan = match place {
            // A result that is counted first is refused if it does not fit.
            Place::Memory => {
                plan.throughout(size.bytes.min(ctx.memory_left().saturating_sub(used)))
            }
            _ => AnyWriter::plan(plan, types, (a.major(), entries), place, ctx),
        };
        Ok(Plan { entries: Some(entries as u64), ..plan })
    })?;
    let _held = ctx.hold(work);
    let mut merging = Merging::new(how, types, (lines.most_lines(), lines.most_entries()), ctx)?;
    let mut expected = size.expected;
    if size.counted {
        expected = 0;
        merging.sweep(a.format(), &mut lines, ctx, &mut |_, _, indices, _| {
            expected += indices.len();
            Ok(())
        })?;
        let bytes = types.bytes_of(a.major(), expected);
        memory_left(bytes + work + lines.memory(), place, ctx)?;
    }
    let (kind, exact) = ((a.format(), types), *place == Place::Memory);
    let mut writer = AnyWriter::new(kind, a.shape(), expected, exact, place, ctx)?;
    merging.sweep(a.format(), &mut lines, ctx, &mut |closes, indptr, indices, data| {
        writer.push_panel(closes, indptr, (indices.raw(), data))
    })?;
    writer.finish(true)
}

fn in_memory(
    operation: &'static str,
    how: Combination,
    pair: &Pair<'_>,
    (a, b): (&AnyCompressed, &AnyCompressed),
    ctx: &Context,
) -> Result<AnyCompressed> {
    let _running = ctx.begin_pass(0, || {
        let bytes = ResultSize::new(how, (a, b), &Place::Memory, ctx).bytes;
        let plan = Plan::new(operation).reads(1, 0).works((a.nnz() + b.nnz()) as u64, work::MERGE);
        let plan = plan.throughout(bytes.min(ctx.memory_left()));
        Ok(Plan { entries: Some(estimate(how.union, (a, b)) as u64), ..plan })
    })?;
    let made = pair.combine(how, ctx)?;
    made.map_err(|clash| overflow(how.what, a.format(), clash))
}

/// The assumed size of the result before it is known.
struct ResultSize {
    /// Entries to allocate for.
    expected: usize,
    /// Maximum bytes of a result in memory.
    bytes: u64,
    /// Whether the entries are counted first.
    counted: bool,
}

impl ResultSize {
    fn new(
        how: Combination,
        (a, b): (&AnyCompressed, &AnyCompressed),
        place: &Place,
        ctx: &Context,
    ) -> Self {
        let (least, most) = match how.union {
            true => (a.nnz().max(b.nnz()), a.nnz().saturating_add(b.nnz())),
            false => (0, a.nnz().min(b.nnz())),
        };
        if *place != Place::Memory {
            return ResultSize { expected: least, bytes: 0, counted: false };
        }
        let bytes = a.types().bytes_of(a.major(), most);
        // Memory that is never touched costs nothing, but a result that might use half of the limit is worth counting
        // first.
        let counted = bytes > ctx.memory_left() / 2 || most > largest(a.types().pointers);
        ResultSize { expected: most, bytes, counted }
    }
}

/// An estimate of the entries of the result, from lines spread over both matrices.
fn estimate(union: bool, (a, b): (&AnyCompressed, &AnyCompressed)) -> usize {
    let (count, total) = (a.major().min(SAMPLE.0), a.nnz() + b.nnz());
    let (mut seen, mut made) = (0, 0);
    for k in 0..count {
        // At a varying position within the k-th part, to avoid the period of a structured matrix.
        let (start, end) = (k * a.major() / count, (k + 1) * a.major() / count);
        let line = start + k.wrapping_mul(0x9E37_79B9) % (end - start);
        let (left, right) = (a.indices().slice(a.span(line)), b.indices().slice(b.span(line)));
        if left.len() + right.len() > SAMPLE.1 {
            continue;
        }
        let (p, q) = (sorted(left), sorted(right));
        let shared = p.iter().filter(|index| q.binary_search(index).is_ok()).count();
        seen += left.len() + right.len();
        made += if union { p.len() + q.len() - shared } else { shared };
    }
    match seen {
        0 if union => total,
        0 => 0,
        _ => (total as f64 * (made as f64 / seen as f64)).round() as usize,
    }
}

fn sorted(indices: Indices<'_>) -> Vec<usize> {
    let mut sorted = vec![0; indices.len()];
    indices.positions(0, &mut sorted);
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}
