//! A compressed matrix from entries that come one by one, in any order, more of them than memory holds.

use std::marker::PhantomData;

use crate::convert::cost::written;
use crate::convert::sink::MatrixSink;
use crate::convert::sorter::Sorter;
use crate::error::Result;
use crate::sparse::{
    Axis, ByCols, ByRows, Compressed, CompressedWriter, Duplicates, check_position, check_widths,
};
use crate::storage::{Broken, Context, Entry, Index, Place, Plan};

/// Collects entries for a matrix that is compressed along `A`: rows, unless the type says otherwise.
///
/// Entries wait in memory up to a quarter of the memory limit; more of them go to the scratch folder in sorted runs, and
/// are read back once. So a matrix of any size is assembled within the limit, with one write of the result.
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
/// let mut builder = CooBuilder::<(), u32, ByCols>::new((2, 2), &Context::new())?;
/// builder.push(1, 0, ())?;
/// let a: Csc<()> = builder.finish(Duplicates::Refuse, Place::Memory, &Context::new())?;
/// assert_eq!(a.nnz(), 1);
/// # Ok::<(), outcore::Error>(())
/// ```
pub struct CooBuilder<T: Entry, I: Index = u32, A: Axis = ByRows> {
    shape: (usize, usize),
    sorter: Sorter<T, I>,
    nnz: usize,
    /// Whether making a matrix of the entries failed half way.
    broken: Broken,
    axis: PhantomData<A>,
}

impl<T: Entry> CooBuilder<T, u32, ByRows> {
    /// As [`new`](Self::new), for compressed rows with `u32` indices, the default, so that no type need be written: that of
    /// the values follows from the first entry.
    ///
    /// ```
    /// use outcore::{Context, CooBuilder, Csr, Duplicates, Place};
    /// let ctx = Context::new();
    /// let mut builder = CooBuilder::rows((10, 10), &ctx)?;
    /// builder.push(3, 4, 1.5)?;
    /// let a: Csr<f64> = builder.finish(Duplicates::Sum, Place::Memory, &ctx)?;
    /// assert_eq!(a.nnz(), 1);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn rows(shape: (usize, usize), ctx: &Context) -> Result<Self> {
        Self::new(shape, ctx)
    }
}

impl<T: Entry> CooBuilder<T, u32, ByCols> {
    /// As [`rows`](CooBuilder::rows), for compressed columns.
    pub fn cols(shape: (usize, usize), ctx: &Context) -> Result<Self> {
        Self::new(shape, ctx)
    }
}

impl<T: Entry, I: Index, A: Axis> CooBuilder<T, I, A> {
    /// No entries yet. Fails if the shape is too large for the index type.
    pub fn new(shape: (usize, usize), ctx: &Context) -> Result<Self> {
        Self::with_capacity(shape, 0, ctx)
    }

    /// No entries yet, with room for `nnz` of them, more being possible: memory is taken once and not in steps, and
    /// scratch space, if it will be needed, is reserved.
    pub fn with_capacity(shape: (usize, usize), nnz: usize, ctx: &Context) -> Result<Self> {
        check_widths::<I, u64>(shape.0, shape.1, 0)?;
        let (major, _) = A::swap_if_cols(shape);
        let sorter = Sorter::new(0..major, nnz as u64, ctx);
        Ok(CooBuilder { shape, sorter, nnz: 0, broken: Broken::default(), axis: PhantomData })
    }

    /// What assembling `nnz` entries of which none is there yet adds to a plan.
    pub(crate) fn plan<P: Index>(
        plan: Plan,
        shape: (usize, usize),
        nnz: u64,
        place: &Place,
        ctx: &Context,
    ) -> Plan {
        let (major, _) = A::swap_if_cols(shape);
        let plan = Sorter::<T, I>::plan(plan, nnz, ctx);
        written::<T, I, P, A>(plan, (major, usize::try_from(nnz).unwrap_or(usize::MAX)), place, ctx)
    }

    /// Adds an entry. Fails, not adding it, if the position is outside the matrix, or the scratch folder is full; it may be
    /// tried again when there is space.
    #[inline]
    pub fn push(&mut self, row: usize, col: usize, value: T) -> Result<()> {
        check_position((row, col), self.shape, self.nnz)?;
        self.broken.check()?;
        let (major, minor) = A::swap_if_cols((row, col));
        self.sorter.push(I::from_usize(major), I::from_usize(minor), value)?;
        self.nnz += 1;
        Ok(())
    }

    /// Number of entries so far.
    pub fn nnz(&self) -> usize {
        self.nnz
    }

    /// The matrix: duplicates treated in the order in which they were pushed, indices rising in every row (column). The
    /// builder is empty afterwards, unless this was only [planned](Context::plan). It is as it was if nothing can be made at
    /// the place; if something fails later, the entries are gone, and every later call fails as this one did.
    ///
    /// `P` is the type of the pointers: `u64` for more than 2^31 entries. Cost: one read of what went to the scratch
    /// folder, one write of the result.
    pub fn finish<P: Index>(
        &mut self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Compressed<T, I, P, A>> {
        self.broken.check()?;
        let (place, (major, _)) = (place.into(), A::swap_if_cols(self.shape));
        let _running = ctx.begin(|| {
            check_widths::<I, P>(0, 0, self.nnz)?;
            let plan = self.sorter.plan_to_settle(Plan::new("assembling"), ctx);
            Ok(written::<T, I, P, A>(plan, (major, self.nnz), &place, ctx))
        })?;
        let writer = CompressedWriter::<T, I, P, A>::new(self.shape, self.nnz, true, &place, ctx)?;
        let sorter = std::mem::replace(&mut self.sorter, Sorter::new(0..major, 0, ctx));
        self.nnz = 0;
        let mut sink = MatrixSink::new(writer);
        let settled = sorter.settle(Some(duplicates), &mut sink, ctx);
        self.broken.note(settled.and_then(|()| sink.finish()))
    }
}
