//! A compressed matrix from entries added one by one, in any order, possibly more than fit in memory.

use std::marker::PhantomData;

use crate::convert::in_memory::Layout;
use crate::convert::sort::{AnyMatrixSink, AnySorter, Triplets};
use crate::error::Result;
use crate::sparse::{
    AnyCompressed, AnyWriter, Axis, ByCols, ByRows, Compressed, Duplicates, Indices, Types,
    check_position, check_types,
};
use crate::storage::raw::Raw;
use crate::storage::{Broken, Context, DType, Entry, Index, Place, Plan, SparseFormat};

/// Entries that are passed to the sorter together.
const CHUNK: usize = 256;

/// Collects entries for a matrix compressed along `A`, by default rows.
///
/// Entries are kept in memory up to a quarter of the memory limit; more of them go to the scratch folder in sorted
/// runs, and are read back once. So a matrix of any size is assembled within the limit, with one write of the result.
///
/// ```
/// use outcore::{Context, CooBuilder, Csr, Duplicates, Place};
/// let mut builder = CooBuilder::<f32>::new((10, 10), &Context::new())?;
/// builder.push(3, 4, 1.5)?;
/// builder.push(0, 9, 2.0)?;
/// builder.push(3, 4, 1.0)?;
/// let a: Csr<f32> = builder.finish(Duplicates::Sum, Place::Memory, &Context::new())?;
/// assert_eq!(a.get(3, 4)?, Some(2.5));
/// # Ok::<(), outcore::Error>(())
/// ```
///
/// With `ByCols` it makes compressed columns:
///
/// ```
/// use outcore::{ByCols, Context, CooBuilder, Csc, Duplicates, Place};
/// let mut builder = CooBuilder::<(), u32, ByCols>::with_types((2, 2), &Context::new())?;
/// builder.push(1, 0, ())?;
/// let a: Csc<()> = builder.finish(Duplicates::Refuse, Place::Memory, &Context::new())?;
/// assert_eq!(a.nnz(), 1);
/// # Ok::<(), outcore::Error>(())
/// ```
pub struct CooBuilder<T: Entry, I: Index = u32, A: Axis = ByRows> {
    any: AnyEntryBuilder,
    /// Entries not yet passed to it: lines, indices across, values.
    majors: Vec<I>,
    minors: Vec<I>,
    data: Vec<T>,
    /// Entries that may be added before these are passed on.
    left: usize,
    axis: PhantomData<A>,
}

impl<T: Entry> CooBuilder<T, u32, ByRows> {
    /// An empty builder for compressed rows with `u32` indices. No type need be written, because that of the values
    /// follows from the first entry. [`with_types`](Self::with_types) makes any other.
    ///
    /// ```
    /// use outcore::{Context, CooBuilder, Csr, Duplicates, Place};
    /// let ctx = Context::new();
    /// let mut builder = CooBuilder::new((10, 10), &ctx)?;
    /// builder.push(3, 4, 1.5)?;
    /// let a: Csr<f64> = builder.finish(Duplicates::Sum, Place::Memory, &ctx)?;
    /// assert_eq!(a.nnz(), 1);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn new(shape: (usize, usize), ctx: &Context) -> Result<Self> {
        Self::with_types(shape, ctx)
    }
}

impl<T: Entry> CooBuilder<T, u32, ByCols> {
    /// As [`new`](CooBuilder::new), for compressed columns.
    pub fn by_cols(shape: (usize, usize), ctx: &Context) -> Result<Self> {
        Self::with_types(shape, ctx)
    }
}

impl<T: Entry, I: Index, A: Axis> CooBuilder<T, I, A> {
    /// An empty builder for any types of values and indices and either axis. Fails if the shape is too large for the
    /// index type.
    pub fn with_types(shape: (usize, usize), ctx: &Context) -> Result<Self> {
        Self::with_capacity(shape, 0, ctx)
    }

    /// An empty builder with capacity for `nnz` entries; more are possible. Memory is allocated once and not in steps,
    /// and scratch space, if it will be needed, is reserved.
    pub fn with_capacity(shape: (usize, usize), nnz: usize, ctx: &Context) -> Result<Self> {
        let layout = Layout { values: T::ENTRY_DTYPE, indices: I::DTYPE };
        let any = AnyEntryBuilder::new(A::FORMAT, layout, shape, nnz, ctx)?;
        let (majors, minors, data) = (Vec::new(), Vec::new(), Vec::new());
        Ok(CooBuilder { any, majors, minors, data, left: 0, axis: PhantomData })
    }

    /// Adds assembling `nnz` entries, none of which exists yet, to a plan.
    pub(crate) fn plan<P: Index>(
        plan: Plan,
        shape: (usize, usize),
        nnz: u64,
        place: &Place,
        ctx: &Context,
    ) -> Plan {
        AnyEntryBuilder::plan(plan, (A::FORMAT, Types::of::<T, I, P>()), shape, nnz, place, ctx)
    }

    /// Adds an entry. Fails, without adding it, if the position is outside the matrix or the scratch folder is full. It
    /// may be retried when there is space.
    #[inline]
    pub fn push(&mut self, row: usize, col: usize, value: T) -> Result<()> {
        check_position((row, col), self.any.shape, self.nnz())?;
        if self.left == 0 {
            self.reserve()?;
        }
        let (major, minor) = A::swap_if_cols((row, col));
        self.majors.push(I::from_usize(major));
        self.minors.push(I::from_usize(minor));
        self.data.push(value);
        self.left -= 1;
        Ok(())
    }

    /// Number of entries so far.
    #[doc(alias = "getnnz")]
    pub fn nnz(&self) -> usize {
        self.any.nnz + self.data.len()
    }

    /// Frees capacity for entries. Fails, losing none, if that is impossible.
    #[cold]
    fn reserve(&mut self) -> Result<()> {
        self.hand_over()?;
        self.left = self.any.free()?;
        self.majors.reserve_exact(self.left);
        self.minors.reserve_exact(self.left);
        self.data.reserve_exact(self.left);
        Ok(())
    }

    /// Passes the waiting entries to the sorter. Fails, losing none, if it accepts no more.
    fn hand_over(&mut self) -> Result<()> {
        let entries = (Indices::new(&self.majors), Indices::new(&self.minors), Raw::of(&self.data));
        self.any.take(entries)?;
        self.majors.clear();
        self.minors.clear();
        self.data.clear();
        self.left = 0;
        Ok(())
    }

    /// The matrix. Duplicates are treated in the order in which they were pushed, and indices rise in every row
    /// (column). The builder is empty afterwards, unless this was only [planned](Context::plan). It is unchanged if
    /// nothing can be created at the place. If something fails later, the entries are lost, and every later call fails
    /// with the same error.
    ///
    /// `P` is the type of the pointers: `u64` for more than 2^31 entries. Cost: one read of the entries in the scratch
    /// folder, one write of the result.
    pub fn finish<P: Index>(
        &mut self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Compressed<T, I, P, A>> {
        self.hand_over()?;
        let place = place.into();
        self.any.finish(P::DTYPE, duplicates, &place, ctx).map(AnyCompressed::into_typed)
    }
}

/// A [`CooBuilder`] with types known at run time.
pub(crate) struct AnyEntryBuilder {
    format: SparseFormat,
    layout: Layout,
    shape: (usize, usize),
    sorter: AnySorter,
    nnz: usize,
    /// Whether making a matrix of the entries failed half-way.
    broken: Broken,
}

impl AnyEntryBuilder {
    /// An empty builder for a matrix in this format, with values and indices of these types.
    pub(crate) fn for_matrix(
        (format, types): (SparseFormat, Types),
        shape: (usize, usize),
        nnz: usize,
        ctx: &Context,
    ) -> Result<Self> {
        Self::new(format, Layout::of(types), shape, nnz, ctx)
    }

    /// Adds assembling `nnz` entries, none of which exists yet, to a plan.
    pub(crate) fn plan(
        plan: Plan,
        (format, types): (SparseFormat, Types),
        shape: (usize, usize),
        nnz: u64,
        place: &Place,
        ctx: &Context,
    ) -> Plan {
        let (major, _) = format.swap_if_cols(shape);
        let plan = AnySorter::plan(plan, Layout::of(types), nnz, ctx);
        let nnz = usize::try_from(nnz).unwrap_or(usize::MAX);
        AnyWriter::plan(plan, types, (major, nnz), place, ctx)
    }

    /// Adds entries: the line of each, its index across, its value, all inside the matrix. After a failure no matrix
    /// can be made.
    pub(crate) fn extend(&mut self, entries: Triplets<'_>) -> Result<()> {
        self.broken.check()?;
        let count = entries.2.len();
        let taken = self.sorter.extend(entries);
        self.broken.note(taken)?;
        self.nnz += count;
        Ok(())
    }

    fn new(
        format: SparseFormat,
        layout: Layout,
        shape: (usize, usize),
        nnz: usize,
        ctx: &Context,
    ) -> Result<Self> {
        check_types((layout.indices, DType::UInt64), shape.0, shape.1, 0)?;
        let (major, _) = format.swap_if_cols(shape);
        let sorter = AnySorter::new(layout, 0..major, nnz as u64, ctx);
        Ok(AnyEntryBuilder { format, layout, shape, sorter, nnz: 0, broken: Broken::default() })
    }

    /// Number of entries that can be added next; a full run is written first. Fails if it cannot be written.
    fn free(&mut self) -> Result<usize> {
        self.sorter.write_if_full()?;
        Ok(self.sorter.left().min(CHUNK))
    }

    /// Adds entries, at most as many as [`free`](Self::free) returned.
    fn take(&mut self, entries: Triplets<'_>) -> Result<()> {
        self.broken.check()?;
        self.sorter.gather(entries)?;
        self.nnz += entries.2.len();
        Ok(())
    }

    /// As [`CooBuilder::finish`].
    pub(crate) fn finish(
        &mut self,
        pointers: DType,
        duplicates: Duplicates,
        place: &Place,
        ctx: &Context,
    ) -> Result<AnyCompressed> {
        let Layout { values, indices } = self.layout;
        let (kind, nnz) = ((self.format, Types { values, indices, pointers }), self.nnz);
        let (major, _) = self.format.swap_if_cols(self.shape);
        let _running = ctx.begin(|| {
            check_types((indices, pointers), 0, 0, nnz)?;
            let plan = self.sorter.plan_to_settle(Plan::new("assembling"), ctx);
            Ok(AnyWriter::plan(plan, kind.1, (major, nnz), place, ctx))
        })?;
        let writer = AnyWriter::new(kind, self.shape, nnz, true, place, ctx)?;
        let empty = AnySorter::new(self.layout, 0..major, 0, ctx);
        let sorter = std::mem::replace(&mut self.sorter, empty);
        self.nnz = 0;
        let mut sink = AnyMatrixSink::new(writer, self.format);
        let swept = sorter.fill_lines(Some(duplicates), &mut sink, ctx);
        self.broken.note(swept.and_then(|()| sink.finish()))
    }
}
