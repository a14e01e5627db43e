//! Sparse to dense: entries into a matrix of zeros, duplicates summed.
//!
//! | the entries | the result | what is done |
//! |---|---|---|
//! | come along the lines of the result, in memory or half the limit | in memory | lines filled where they lie, in parallel |
//! | come along the lines of the result | anywhere | panel by panel, lines filled in parallel and written: 1 read, 1 write |
//! | come across them, or in any order | anywhere | the same, but through the external sort of `sorter.rs` |
//! | the same, in memory or half the limit | in memory | put where they belong |

use crate::convert::compress::{fault as coo_fault, sort_entries};
use crate::convert::lines_sink::{LinesSink, overflow};
use crate::convert::recompress::{fault, sort_lines};
use crate::convert::sorter::Sorter;
use crate::dense::{Dense, DenseMut, DenseWriter};
use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::sparse::{Axis, Compressed, Coo, Duplicates, LinePanels};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{
    Context, Element, Entry, Index, Order, Place, Plan, SparseFormat, filled, put,
};
use ndarray::{ArrayViewMut2, Ix2};
use num_traits::One;

/// Entries between two looks at the cancel token.
const STEP: usize = 1 << 20;

/// Elements of the result that are one task.
const TASK: usize = 1 << 20;

/// Bytes of a task of a large array that is not fresh: zeros are written past the caches only where so many come together.
/// 10⁹ elements of `f32` take 145 ms with two threads, 191 in tasks of 4 MB.
const LARGE_TASK: usize = 64 << 20;

/// Nanoseconds that an element of the result, and that an entry takes one thread.
const ELEMENT: f64 = 0.3;
const ENTRY: f64 = 3.0;

impl<T: Element, I: Index> Coo<T, I> {
    /// The matrix with its zeros written out, duplicates summed.
    ///
    /// Cost: one read of the entries, and of those that do not fit in a sixth of the memory limit one write and one read in
    /// the scratch folder; one write of the dense array. Memory: the limit at most.
    ///
    /// ```
    /// use outcore::{Context, Coo, Order, Place};
    /// let a = Coo::<f64>::from_triplets((1, 2), [(0, 1, 2.0), (0, 1, 3.0)])?;
    /// assert_eq!(a.to_dense(Order::C, Place::Memory, &Context::new())?.as_slice(), [0.0, 5.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_dense(
        &self,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<T>> {
        let place = place.into();
        let target = Target::new::<T>(self.shape(), order, &place, ctx)?;
        if target.len() == 0 {
            return target.nothing();
        }
        let (stored, nnz) = (self.stored_bytes(), self.nnz());
        let plan = || Plan::new("COO to dense").on_device_of(self.rows().file()).reads(1, stored);
        if target.takes_any_order(stored) {
            let _running = ctx.begin(|| Ok(target.plan_to_scatter::<T>(plan(), nnz)))?;
            self.check()?;
            let coordinates = self.rows().iter().zip(self.cols().iter());
            let entries = coordinates
                .zip(self.data().iter())
                .map(|((row, col), &value)| (row.to_usize(), col.to_usize(), value));
            return target.scatter(stored, nnz, entries);
        }
        let _running = ctx.begin(|| Ok(target.plan_to_sort::<T, I>(plan(), nnz)))?;
        let (lines, extents) = match order {
            Order::C => ((self.rows(), self.cols()), self.shape()),
            Order::Fortran => ((self.cols(), self.rows()), (self.ncols(), self.nrows())),
        };
        let mut sink = target.sink()?;
        sort_entries(self, lines, extents, Duplicates::Sum, &mut sink, &target.free)
            .map_err(|error| coo_fault(self, error))?;
        sink.finish()
    }
}

impl<T: Element, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The matrix with its zeros written out, duplicates summed.
    ///
    /// Cost: one read of the entries, one write of the dense array. If its lines are not those of the matrix (CSR to Fortran
    /// order, CSC to C order), the entries that do not fit in a sixth of the memory limit are written to the scratch folder
    /// and read once besides. Memory: the limit at most.
    ///
    /// ```
    /// use outcore::{Context, Csr, Order, Place};
    /// let a = Csr::<f64>::eye(2).to_dense(Order::C, Place::Memory, &Context::new())?;
    /// assert_eq!(a.as_slice(), [1.0, 0.0, 0.0, 1.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_dense(
        &self,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<T>> {
        let place = place.into();
        let target = Target::new::<T>(self.shape(), order, &place, ctx)?;
        if target.len() == 0 {
            return target.nothing();
        }
        let (stored, nnz) = (self.stored_bytes(), self.nnz());
        let (name, _) = A::swap_if_cols(("CSR to dense", "CSC to dense"));
        let plan = Plan::new(name).on_device_of(self.indices().file());
        let across = order != A::swap_if_cols((Order::C, Order::Fortran)).0;
        if target.takes_any_order(stored) {
            let plan = plan.reads(1, stored);
            let _running = ctx.begin(|| Ok(target.plan_to_scatter::<T>(plan, nnz)))?;
            if !across {
                let mut dense = DenseMut::<T>::create(&place, self.shape(), order, ctx)?;
                fill(self, dense.as_mut_slice(), true, ctx)?;
                return dense.freeze();
            }
            self.check()?;
            let entries = self.lines().enumerate().flat_map(|(major, line)| {
                line.indices.iter().zip(line.data).map(move |(index, &value)| {
                    let (row, col) = A::swap_if_cols((major, index.to_usize()));
                    (row, col, value)
                })
            });
            return target.scatter(stored, nnz, entries);
        }
        if let (false, Some(panels)) = (across, target.panels(self)?) {
            let plan = plan.reads(1, panels.bytes_to_read() + panels.bytes_kept());
            let plan = plan.holds(panels.memory()).works(nnz as u64, ENTRY);
            let _running = ctx.begin(|| Ok(target.plan_to_write::<T>(plan)))?;
            return along(self, panels, &target);
        }
        let plan = plan.reads(1, stored);
        let _running = ctx.begin(|| Ok(target.plan_to_sort::<T, I>(plan, nnz)))?;
        ctx.meter().read(self.indptr().stored_bytes());
        let mut sink = target.sink()?;
        // Across its lines, entries come to each line of the result in order.
        let sorting = if across { None } else { Some(Duplicates::Sum) };
        sort_lines(self, across, sorting, &mut sink, &target.free)?;
        sink.finish()
    }

    /// The matrix with its zeros into `out`, duplicates summed; nothing is allocated. What was in `out` is not read.
    ///
    /// All threads write if a line of the matrix is contiguous in `out` (CSR and C order, CSC and Fortran order), else one. Cost:
    /// one read of the entries, of a stored matrix through its map, and one write of `out`.
    ///
    /// Fails if `out` has another shape, an index is out of range, or an integer overflows; numbers in `out` have no meaning
    /// then.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let mut out = ndarray::Array2::from_elem((2, 2), 7.0);
    /// Csr::<f64>::eye(2).to_dense_into(out.view_mut(), &Context::new())?;
    /// assert_eq!(out, ndarray::arr2(&[[1.0, 0.0], [0.0, 1.0]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_dense_into(&self, out: ArrayViewMut2<'_, T>, ctx: &Context) -> Result<()> {
        check_shape("the array", self.shape(), out.dim())?;
        let (name, _) = A::swap_if_cols(("CSR to dense", "CSC to dense"));
        let _running = ctx.begin(|| {
            let plan = Plan::new(name).on_device_of(self.indices().file());
            let plan = plan.reads(1, self.stored_bytes()).works(self.nnz() as u64, ENTRY);
            Ok(plan.works(out.len() as u64, ELEMENT))
        })?;
        let mut lines = match A::FORMAT {
            SparseFormat::Csc => out.reversed_axes(),
            _ => out,
        };
        if let Some(elements) = lines.as_slice_mut() {
            return fill(self, elements, false, ctx);
        }
        ctx.meter().pass();
        ctx.meter().read(self.stored_bytes());
        lines.fill(T::default());
        for (major, line) in self.lines().enumerate() {
            for (index, &value) in line.indices.iter().zip(line.data) {
                let minor = index.to_usize();
                add_to(lines.get_mut((major, minor)), value, self, (major, minor))?;
            }
            if major % STEP == 0 {
                ctx.report("writing out zeros", major as u64, self.major() as u64)?;
            }
        }
        Ok(())
    }
}

impl<I: Index, P: Index, A: Axis> Compressed<(), I, P, A> {
    /// The pattern as a matrix of ones, in the same structure, which is shared; the ones are in memory.
    ///
    /// ```
    /// let a = outcore::Csr::<f64>::eye(2).pattern().to_ones::<i8>()?;
    /// assert_eq!(**a.data(), [1, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_ones<T: Entry + One>(&self) -> Result<Compressed<T, I, P, A>> {
        self.with_data(filled("the ones", self.nnz(), T::one())?)
    }
}

/// What is to be made.
struct Target<'a> {
    shape: (usize, usize),
    order: Order,
    place: &'a Place,
    ctx: &'a Context,
    /// The same context, with the memory that is left beside the result or beside writing it.
    free: Context,
}

impl<'a> Target<'a> {
    /// Fails if a result in memory would not fit.
    fn new<T: Element>(
        shape: (usize, usize),
        order: Order,
        place: &'a Place,
        ctx: &'a Context,
    ) -> Result<Self> {
        let len = shape.0.saturating_mul(shape.1);
        let taken = DenseWriter::<T, Ix2>::memory(len, place, ctx);
        ctx.check_memory("the result", if *place == Place::Memory { taken } else { 0 })?;
        let free = ctx.less(taken);
        Ok(Target { shape, order, place, ctx, free })
    }

    fn len(&self) -> usize {
        self.shape.0.saturating_mul(self.shape.1)
    }

    /// The result without elements, however many lines without elements it has.
    fn nothing<T: Element>(&self) -> Result<Dense<T>> {
        let _running = self
            .ctx
            .begin(|| Ok(self.plan_to_scatter::<T>(Plan::new("to dense").reads(1, 0), 0)))?;
        self.ctx.meter().pass();
        DenseMut::create(self.place, self.shape, self.order, self.ctx)?.freeze()
    }

    /// Whether entries are put where they belong as they come.
    fn takes_any_order(&self, stored: u64) -> bool {
        *self.place == Place::Memory && stored <= self.ctx.memory_left() / 2
    }

    /// Runs of lines of a matrix; `None` if they would not fit.
    fn panels<T: Entry, I: Index, P: Index, A: Axis>(
        &self,
        from: &Compressed<T, I, P, A>,
    ) -> Result<Option<LinePanels<T, I, P, A>>> {
        let budget = self.free.memory_left() / 2;
        match LinePanels::for_one_sweep(from, budget, self.ctx) {
            Err(error) if error.kind() == ErrorKind::Memory => Ok(None),
            panels => Ok(Some(panels?).filter(|panels| panels.memory() <= budget)),
        }
    }

    fn sink<T: Element>(&self) -> Result<LinesSink<T>> {
        let shape = ndarray::Dim(<[usize; 2]>::from(self.shape));
        let writer = DenseWriter::new(self.place, shape, self.order, self.ctx)?;
        LinesSink::new(writer, self.shape, self.order, &self.free)
    }

    fn plan_to_write<T: Element>(&self, plan: Plan) -> Plan {
        let plan =
            plan.works(self.len() as u64, ELEMENT).beside(LinesSink::<T>::memory(&self.free));
        DenseWriter::<T, Ix2>::plan(plan, self.len(), self.place, self.ctx)
    }

    fn plan_to_sort<T: Element, I: Index>(&self, plan: Plan, nnz: usize) -> Plan {
        self.plan_to_write::<T>(Sorter::<T, I>::plan(plan, nnz as u64, &self.free))
    }

    fn plan_to_scatter<T: Element>(&self, plan: Plan, nnz: usize) -> Plan {
        let plan = plan.works(nnz as u64, ENTRY).works(self.len() as u64, ELEMENT);
        DenseWriter::<T, Ix2>::plan(plan, self.len(), self.place, self.ctx)
    }

    /// Puts entries where they belong, in a result in memory.
    fn scatter<T: Element>(
        &self,
        stored: u64,
        nnz: usize,
        entries: impl Iterator<Item = (usize, usize, T)>,
    ) -> Result<Dense<T>> {
        let ((nrows, ncols), ctx) = (self.shape, self.ctx);
        ctx.meter().pass();
        ctx.meter().read(stored);
        let mut dense = DenseMut::<T>::create(self.place, self.shape, self.order, ctx)?;
        let elements = dense.as_mut_slice();
        for (k, (row, col, value)) in entries.enumerate() {
            let at = match self.order {
                Order::C => row * ncols + col,
                Order::Fortran => col * nrows + row,
            };
            // A coordinate that was checked may lie in a file that has changed since.
            let changed = || Error::new(ErrorKind::Index, "the matrix changed while it was read");
            let element = elements.get_mut(at).ok_or_else(changed)?;
            *element = put(*element, value).ok_or_else(|| overflow((row, col)))?;
            if k % STEP == 0 {
                ctx.report("writing out zeros", k as u64, nnz as u64)?;
            }
        }
        dense.freeze()
    }
}

/// Fills lines in memory with those of a matrix; they are zero already if `clean`.
fn fill<T: Element, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    elements: &mut [T],
    clean: bool,
    ctx: &Context,
) -> Result<()> {
    ctx.meter().pass();
    ctx.meter().read(from.stored_bytes());
    let length = from.minor();
    // Tasks are large, so that each page of fresh memory is the concern of one thread.
    let large = LARGE_TASK / size_of::<T>();
    let many = elements.len() / large >= 2 * ctx.thread_count();
    let task = if many && !clean { large } else { TASK };
    let lines = (task / length.max(1)).max(1);
    ctx.check_cancelled()?;
    ctx.with_threads(|| {
        let tasks = elements.par_chunks_mut((lines * length).max(1)).enumerate();
        tasks
            .map(|(task, elements)| fill_lines(from, task * lines, elements, clean, ctx))
            .find_map_first(|filled| filled.err())
    })
    .map_or(Ok(()), Err)
}

fn fill_lines<T: Element, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    first: usize,
    elements: &mut [T],
    clean: bool,
    ctx: &Context,
) -> Result<()> {
    ctx.check_cancelled()?;
    if !clean {
        elements.fill(T::default());
    }
    for (major, row) in (first..).zip(elements.chunks_exact_mut(from.minor())) {
        let span = from.span(major);
        let entries = from.indices()[span.clone()].iter().zip(&from.data()[span]);
        for (index, &value) in entries {
            let minor = index.to_usize();
            add_to(row.get_mut(minor), value, from, (major, minor))?;
        }
    }
    Ok(())
}

/// Adds the value of an entry to its element, which is there unless the index is bad.
#[inline(always)]
fn add_to<T: Element, I: Index, P: Index, A: Axis>(
    element: Option<&mut T>,
    value: T,
    from: &Compressed<T, I, P, A>,
    place: (usize, usize),
) -> Result<()> {
    let element = element.ok_or_else(|| fault(from))?;
    *element = put(*element, value).ok_or_else(|| overflow(A::swap_if_cols(place)))?;
    Ok(())
}

fn along<T: Element, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    mut panels: LinePanels<T, I, P, A>,
    target: &Target<'_>,
) -> Result<Dense<T>> {
    let mut sink = target.sink()?;
    panels
        .sweep(target.ctx, &mut |panel| {
            sink.take_panel(panel.indptr, panel.indices, panel.data, target.ctx)
        })
        .map_err(|error| match error.kind() {
            ErrorKind::Index => fault(from),
            _ => error,
        })?;
    sink.finish()
}
