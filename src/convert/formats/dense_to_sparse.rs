//! Dense to sparse: the nonzeros, or the elements that the caller keeps.
//!
//! | the matrix | the result | what is done |
//! |---|---|---|
//! | in memory, or fits in half the limit | in memory | counted, then filled: no memory in addition to the result |
//! | anything | compressed along its lines | panel by panel, each sifted in parallel and written: 1 read, 1 write |
//! | anything | compressed across them | the same, but the entries go through the external sort of `sorter.rs` |

use crate::convert::formats::nonzero_marks::{Keep, Wanted, nonzero};
use crate::convert::formats::nonzeros_by_panel::{Kept, Sieve};
use crate::convert::formats::nonzeros_in_memory::fill;
use crate::convert::in_memory::Layout;
use crate::convert::sort::{AnyCooSink, AnyMatrixSink, AnySink, AnySorter};
use crate::dense::{AnyDense, Dense, DensePanels};
use crate::error::Result;
use crate::sparse::{
    AnyCompressed, AnyCoo, AnyCooWriter, AnyWriter, Coo, Csc, Csr, IndexVec, Types, check_types,
    coo_bytes,
};
use crate::storage::work;
use crate::storage::{Context, DType, Element, Index, Order, Place, Plan, SparseFormat};

impl<T: Element> Dense<T> {
    /// Compressed rows of the elements that are not zero.
    ///
    /// Cost: one read of the array and one write of the entries. In Fortran order the entries that do not fit in a
    /// sixth of the memory limit are also written to the scratch folder and read once. For a result in memory, of a
    /// matrix that fits in half the limit, each element is tested twice. Memory: at most the limit.
    ///
    /// ```
    /// use outcore::{Context, Csr, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[0.0, 1.0], [2.0, 0.0]]));
    /// let csr: Csr<f64> = a.to_csr(Place::Memory, &Context::new())?;
    /// assert_eq!(csr.nnz(), 2);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "tocsr")]
    pub fn to_csr<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        let kind = (SparseFormat::Csr, Types::of::<T, I, P>());
        to_nonzeros(&self.to_any(), kind, &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// Compressed rows of the elements for which `keep` is true, such as those above a threshold. `keep` may be called
    /// twice for an element and must return the same both times.
    ///
    /// ```
    /// use outcore::{Context, Csr, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[0.1, 1.0], [-2.0, 0.0]]));
    /// let csr: Csr<f64> = a.to_csr_if(Place::Memory, &Context::new(), |x: f64| x.abs() > 0.5)?;
    /// assert_eq!(**csr.data(), [1.0, -2.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csr_if<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
        keep: impl Fn(T) -> bool + Sync,
    ) -> Result<Csr<T, I, P>> {
        let kind = (SparseFormat::Csr, Types::of::<T, I, P>());
        sparsify(&self.to_any(), kind, &Wanted::new(keep), &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }

    /// Compressed columns of the elements that are not zero; cost as [`to_csr`](Self::to_csr) with the orders
    /// exchanged.
    #[doc(alias = "tocsc")]
    pub fn to_csc<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        let kind = (SparseFormat::Csc, Types::of::<T, I, P>());
        to_nonzeros(&self.to_any(), kind, &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// Compressed columns of the elements for which `keep` is true; otherwise as [`to_csr_if`](Self::to_csr_if).
    pub fn to_csc_if<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
        keep: impl Fn(T) -> bool + Sync,
    ) -> Result<Csc<T, I, P>> {
        let kind = (SparseFormat::Csc, Types::of::<T, I, P>());
        sparsify(&self.to_any(), kind, &Wanted::new(keep), &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }

    /// Coordinates of the elements that are not zero, row by row; cost as [`to_csr`](Self::to_csr), with one test of
    /// each.
    ///
    /// ```
    /// use outcore::{Context, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[0.0, 1.0], [2.0, 0.0]]));
    /// let coo = a.to_coo::<u32>(Place::Memory, &Context::new())?;
    /// assert_eq!((&coo.row_indices()[..], &coo.col_indices()[..]), (&[0, 1][..], &[1, 0][..]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "tocoo")]
    pub fn to_coo<I: Index>(&self, place: impl Into<Place>, ctx: &Context) -> Result<Coo<T, I>> {
        to_coo(&self.to_any(), I::DTYPE, &place.into(), ctx).map(AnyCoo::into_typed)
    }
}

/// Coordinates of the elements that are not zero.
pub(crate) fn to_coo(a: &AnyDense, indices: DType, place: &Place, ctx: &Context) -> Result<AnyCoo> {
    let (shape, keep) = (a.dim(), nonzero(a.dtype()));
    check_types((indices, DType::UInt64), shape.0, shape.1, 0)?;
    let along = a.order() == Order::C;
    let (strategy, types) = (SiftStrategy::streamed(a, along, ctx)?, (Some(a.dtype()), indices));
    let _running = ctx.begin(|| {
        let what = ("dense to COO", indices);
        let (plan, entries) = strategy.plan_to_sift(a, what, keep, place, ctx);
        let plan = AnyCooWriter::plan(plan, types, entries, place, ctx);
        Ok(strategy.plan_to_grow(plan, coo_bytes(types, entries), place))
    })?;
    let mut sink = AnyCooSink::new(AnyCooWriter::new(types, shape, None, place, ctx)?, indices);
    match a.is_empty() {
        true => ctx.meter().pass(),
        false => strategy.sift(a, indices, keep, &mut sink, ctx)?,
    }
    sink.finish()
}

/// The elements that are not zero, compressed.
pub(crate) fn to_nonzeros(
    a: &AnyDense,
    kind: (SparseFormat, Types),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    sparsify(a, kind, nonzero(a.dtype()), place, ctx)
}

fn sparsify(
    a: &AnyDense,
    (format, types): (SparseFormat, Types),
    keep: &dyn Keep,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (major, minor) = format.swap_if_cols(a.dim());
    check_types((types.indices, types.pointers), major, minor, 0)?;
    let (wanted, _) = format.swap_if_cols((Order::C, Order::Fortran));
    let strategy = SiftStrategy::choose(a, a.order() == wanted, place, ctx)?;
    let _running = ctx.begin(|| {
        let (name, _) = format.swap_if_cols(("dense to CSR", "dense to CSC"));
        let what = (name, types.indices);
        let (plan, entries) = strategy.plan_to_sift(a, what, keep, place, ctx);
        let plan = AnyWriter::plan(plan, types, (major, entries), place, ctx);
        Ok(strategy.plan_to_grow(plan, types.bytes_of(0, entries), place))
    })?;
    if matches!(strategy, SiftStrategy::Filled) {
        ctx.meter().pass();
        ctx.meter().pass_over(a.stored_bytes());
        return fill(a, (format, types), keep, place, ctx);
    }
    let writer = AnyWriter::new((format, types), a.dim(), 0, false, place, ctx)?;
    let mut sink = AnyMatrixSink::new(writer, format);
    match a.is_empty() {
        true => ctx.meter().pass(),
        false => strategy.sift(a, types.indices, keep, &mut sink, ctx)?,
    }
    sink.finish()
}

/// How kept elements are moved to their lines.
enum SiftStrategy {
    /// Counted, then filled.
    Filled,
    /// Written in the order in which they are read.
    Along(DensePanels),
    /// Sorted.
    Across(DensePanels),
}

impl SiftStrategy {
    fn choose(a: &AnyDense, along: bool, place: &Place, ctx: &Context) -> Result<Self> {
        if *place == Place::Memory && a.stored_bytes() <= ctx.memory_left() / 2 {
            return Ok(SiftStrategy::Filled);
        }
        Self::streamed(a, along, ctx)
    }

    fn streamed(a: &AnyDense, along: bool, ctx: &Context) -> Result<Self> {
        let limit = ctx.memory_left();
        let panels = DensePanels::once(a, (1, 1), limit / if along { 4 } else { 8 })?;
        Ok(if along { SiftStrategy::Along(panels) } else { SiftStrategy::Across(panels) })
    }

    /// The cost of moving the elements to their lines, and their number: an estimate, which for a result in memory is
    /// rarely exceeded.
    fn plan_to_sift(
        &self,
        a: &AnyDense,
        (name, indices): (&'static str, DType),
        keep: &dyn Keep,
        place: &Place,
        ctx: &Context,
    ) -> (Plan, usize) {
        let (nnz, most) = Sieve::estimate(a.elements(), keep);
        let passes = if matches!(self, SiftStrategy::Filled) { 2 } else { 1 };
        let mut plan = Plan::new(name)
            .on_device_of(a.buffer().file())
            .reads(passes, a.stored_bytes())
            .works(a.len() as u64, work::SIFT);
        plan.entries = Some(nnz);
        let extra = |panels: &DensePanels| {
            panels.reading.memory() + Sieve::memory((a.dtype(), indices), ctx)
        };
        let layout = Layout { values: Some(a.dtype()), indices };
        let plan = match self {
            SiftStrategy::Filled => plan,
            SiftStrategy::Along(panels) => plan.throughout(extra(panels)),
            SiftStrategy::Across(panels) => {
                AnySorter::plan(plan, layout, nnz, ctx).throughout(extra(panels))
            }
        };
        (plan, if *place == Place::Memory { most } else { nnz } as usize)
    }

    /// Adds growing a result in memory to `bytes` bytes.
    fn plan_to_grow(&self, plan: Plan, bytes: u64, place: &Place) -> Plan {
        match (self, place) {
            // It grows by half, next to its old copy.
            (SiftStrategy::Along(_) | SiftStrategy::Across(_), Place::Memory) => {
                plan.throughout(bytes / 4 * 7)
            }
            _ => plan,
        }
    }

    /// Passes the kept elements to `sink`, line by line.
    fn sift(
        self,
        a: &AnyDense,
        indices: DType,
        keep: &dyn Keep,
        sink: &mut dyn AnySink,
        ctx: &Context,
    ) -> Result<()> {
        let kind = (a.dtype(), indices);
        let panels = match self {
            SiftStrategy::Filled => return Ok(()),
            SiftStrategy::Along(panels) => {
                return Sieve::new(panels, kind, ctx).sweep(keep, &mut |kept: Kept<'_>| {
                    if kept.whole {
                        return sink.lines(kept.lens, kept.indices, kept.data, true);
                    }
                    sink.part(kept.indices, kept.data, true)?;
                    if kept.ends { sink.end_line() } else { Ok(()) }
                });
            }
            SiftStrategy::Across(panels) => panels,
        };
        let mut sieve = Sieve::new(panels, kind, ctx);
        let layout = Layout { values: Some(a.dtype()), indices };
        let mut sorter = AnySorter::new(layout, 0..a.lines().1, 0, ctx);
        let mut lines = IndexVec::new(indices);
        sieve.sweep(keep, &mut |kept: Kept<'_>| {
            lines.clear();
            for (k, &len) in kept.lens.iter().enumerate() {
                lines.resize(lines.len() + len, kept.first + k);
            }
            sorter.extend((kept.indices, lines.as_indices(), kept.data))
        })?;
        drop((sieve, lines));
        // Each line is in order, because the lines across it are.
        sorter.fill_lines(None, sink, ctx)
    }
}
