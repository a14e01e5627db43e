//! Dense to sparse: what is not zero, or what the caller wants kept.
//!
//! | the matrix | the result | what is done |
//! |---|---|---|
//! | in memory, or fits in half the limit | in memory | counted, then filled: no memory beside the result |
//! | anything | compressed along its lines | panel by panel, each sifted in parallel and written: 1 read, 1 write |
//! | anything | compressed across them | the same, but the entries go through the external sort of `sorter.rs` |

use crate::convert::cost::written;
use crate::convert::passes::Sink;
use crate::convert::sift::{Kept, Sieve};
use crate::convert::sink::{CooSink, MatrixSink};
use crate::convert::sorter::Sorter;
use crate::dense::{Dense, LinePanels};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{
    Axis, ByCols, ByRows, Compressed, CompressedDraft, CompressedWriter, Coo, CooWriter, Csc, Csr,
    check_widths, memory_left,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{Context, Element, Index, Order, Place, Plan};

/// Nanoseconds that an element takes one thread.
const WORK: f64 = 1.5;

impl<T: Element> Dense<T> {
    /// Compressed rows of the elements that are not zero.
    ///
    /// Cost: one read of the array and one write of the entries; in Fortran order the entries that do not fit in a sixth of
    /// the memory limit are written to the scratch folder and read once besides. To memory, of a matrix that fits in half
    /// the limit: two looks at each element. Memory: the limit at most.
    ///
    /// ```
    /// use outcore::{Context, Csr, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[0.0, 1.0], [2.0, 0.0]]));
    /// let csr: Csr<f64> = a.to_csr(Place::Memory, &Context::new())?;
    /// assert_eq!(csr.nnz(), 2);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csr<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        self.to_csr_if(|value| value != T::default(), place, ctx)
    }

    /// Compressed rows of the elements that `keep` wants, such as those above a threshold. `keep` may be asked twice
    /// about an element and must answer the same.
    ///
    /// ```
    /// use outcore::{Context, Csr, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[0.1, 1.0], [-2.0, 0.0]]));
    /// let csr: Csr<f64> = a.to_csr_if(|x: f64| x.abs() > 0.5, Place::Memory, &Context::new())?;
    /// assert_eq!(**csr.data(), [1.0, -2.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csr_if<I: Index, P: Index>(
        &self,
        keep: impl Fn(T) -> bool + Sync,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        sparsify::<T, I, P, ByRows>(self, Order::C, keep, &place.into(), ctx)
    }

    /// Compressed columns of the elements that are not zero; cost as [`to_csr`](Self::to_csr), the orders exchanged.
    pub fn to_csc<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        self.to_csc_if(|value| value != T::default(), place, ctx)
    }

    /// Compressed columns of the elements that `keep` wants; otherwise as [`to_csr_if`](Self::to_csr_if).
    pub fn to_csc_if<I: Index, P: Index>(
        &self,
        keep: impl Fn(T) -> bool + Sync,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        sparsify::<T, I, P, ByCols>(self, Order::Fortran, keep, &place.into(), ctx)
    }

    /// Coordinates of the elements that are not zero, row by row; cost as [`to_csr`](Self::to_csr), with one look at each.
    ///
    /// ```
    /// use outcore::{Context, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[0.0, 1.0], [2.0, 0.0]]));
    /// let coo = a.to_coo::<u32>(Place::Memory, &Context::new())?;
    /// assert_eq!((&coo.rows()[..], &coo.cols()[..]), (&[0, 1][..], &[1, 0][..]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_coo<I: Index>(&self, place: impl Into<Place>, ctx: &Context) -> Result<Coo<T, I>> {
        let (place, keep) = (place.into(), |value| value != T::default());
        check_widths::<I, u64>(self.nrows(), self.ncols(), 0)?;
        let along = self.order() == Order::C;
        let way = Way::streamed(self, along, ctx)?;
        let _running = ctx.begin(|| {
            let (plan, entries) = way.plan_to_sift::<I>(self, "dense to COO", &keep, &place, ctx);
            let plan = CooWriter::<T, I>::plan(plan, entries, &place, ctx);
            Ok(way.plan_to_grow(plan, Coo::<T, I>::bytes_of(entries), &place))
        })?;
        let mut sink = CooSink::new(CooWriter::growing(self.dim(), &place, ctx)?);
        match self.is_empty() {
            true => ctx.meter().pass(),
            false => way.sift(self, keep, &mut sink, ctx)?,
        }
        sink.finish()
    }
}

/// How the elements that are kept get to their lines.
enum Way<T: Element> {
    /// Counted, then filled.
    Filled,
    /// Written as they come.
    Along(LinePanels<T>),
    /// Sorted.
    Across(LinePanels<T>),
}

impl<T: Element> Way<T> {
    fn choose(a: &Dense<T>, along: bool, place: &Place, ctx: &Context) -> Result<Self> {
        if *place == Place::Memory && a.buffer().stored_bytes() <= ctx.memory_left() / 2 {
            return Ok(Way::Filled);
        }
        Self::streamed(a, along, ctx)
    }

    fn streamed(a: &Dense<T>, along: bool, ctx: &Context) -> Result<Self> {
        let limit = ctx.memory_left();
        let panels = LinePanels::once(a, (1, 1), limit / if along { 4 } else { 8 }, ctx)?;
        Ok(if along { Way::Along(panels) } else { Way::Across(panels) })
    }

    /// What getting the elements to their lines costs, and their number: an estimate, or in memory hardly less than that.
    fn plan_to_sift<I: Index>(
        &self,
        a: &Dense<T>,
        name: &'static str,
        keep: &impl Fn(T) -> bool,
        place: &Place,
        ctx: &Context,
    ) -> (Plan, usize) {
        let (nnz, most) = Sieve::estimate(a.as_slice(), keep);
        let passes = if matches!(self, Way::Filled) { 2 } else { 1 };
        let mut plan = Plan::new(name)
            .on_device_of(a.buffer().file())
            .reads(passes, a.buffer().stored_bytes())
            .works(a.len() as u64, WORK);
        plan.entries = Some(nnz);
        let beside = |panels: &LinePanels<T>| panels.memory() + Sieve::<T>::memory::<I>(ctx);
        let plan = match self {
            Way::Filled => plan,
            Way::Along(panels) => plan.beside(beside(panels)),
            Way::Across(panels) => Sorter::<T, I>::plan(plan, nnz, ctx).beside(beside(panels)),
        };
        (plan, if *place == Place::Memory { most } else { nnz } as usize)
    }

    /// Adds the growing of a result in memory that ends with `bytes` bytes.
    fn plan_to_grow(&self, plan: Plan, bytes: u64, place: &Place) -> Plan {
        match (self, place) {
            // By halves, beside what it was before.
            (Way::Along(_) | Way::Across(_), Place::Memory) => plan.beside(bytes / 4 * 7),
            _ => plan,
        }
    }

    /// Hands what is kept to `sink`, line by line.
    fn sift<I: Index>(
        self,
        a: &Dense<T>,
        keep: impl Fn(T) -> bool + Sync,
        sink: &mut dyn Sink<T, I>,
        ctx: &Context,
    ) -> Result<()> {
        let panels = match self {
            Way::Filled => return Ok(()),
            Way::Along(panels) => {
                return Sieve::new(panels, ctx).sweep(keep, &mut |kept: Kept<'_, T, I>| {
                    if kept.whole {
                        return sink.lines(kept.lens, kept.indices, kept.data, true);
                    }
                    sink.part(kept.indices, kept.data, true)?;
                    if kept.ends { sink.end_line() } else { Ok(()) }
                });
            }
            Way::Across(panels) => panels,
        };
        let mut sieve = Sieve::new(panels, ctx);
        let mut sorter = Sorter::<T, I>::new(0..a.lines().1, 0, ctx);
        let mut lines = Vec::new();
        sieve.sweep(keep, &mut |kept: Kept<'_, T, I>| {
            lines.clear();
            for (k, &len) in kept.lens.iter().enumerate() {
                lines.resize(lines.len() + len, I::from_usize(kept.first + k));
            }
            sorter.extend(kept.indices, &lines, kept.data)
        })?;
        drop((sieve, lines));
        // Each line comes in order, because the lines across it do.
        sorter.settle(None, sink, ctx)
    }
}

fn sparsify<T: Element, I: Index, P: Index, A: Axis>(
    a: &Dense<T>,
    wanted: Order,
    keep: impl Fn(T) -> bool + Sync,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    check_widths::<I, P>(a.nrows(), a.ncols(), 0)?;
    let way = Way::choose(a, a.order() == wanted, place, ctx)?;
    let _running = ctx.begin(|| {
        let (name, _) = A::swap_if_cols(("dense to CSR", "dense to CSC"));
        let (major, _) = A::swap_if_cols(a.dim());
        let (plan, entries) = way.plan_to_sift::<I>(a, name, &keep, place, ctx);
        let plan = written::<T, I, P, A>(plan, (major, entries), place, ctx);
        Ok(way.plan_to_grow(plan, Compressed::<T, I, P, A>::bytes_of(0, entries), place))
    })?;
    if matches!(way, Way::Filled) {
        ctx.meter().pass();
        ctx.meter().pass();
        ctx.meter().read(a.buffer().stored_bytes());
        return fill(&Grid::new(a, wanted), a.dim(), keep, place, ctx);
    }
    let mut sink = MatrixSink::new(CompressedWriter::new(a.dim(), 0, false, place, ctx)?);
    match a.is_empty() {
        true => ctx.meter().pass(),
        false => way.sift(a, keep, &mut sink, ctx)?,
    }
    sink.finish()
}

/// A dense matrix as lines of the axis that the result is compressed along.
struct Grid<'a, T> {
    elements: &'a [T],
    lines: usize,
    length: usize,
    /// Whether the elements of a line are contiguous; otherwise the lines' elements alternate.
    along: bool,
}

/// Lines counted or filled by one task: when they lie across the file, a task reads whole cache lines.
const BUNDLE: usize = 64;

/// Elements that are looked at together.
const RUN: usize = 32;

impl<'a, T: Element> Grid<'a, T> {
    /// Rows for `Order::C`, columns for `Order::Fortran`.
    fn new(dense: &'a Dense<T>, wanted: Order) -> Self {
        let (nrows, ncols) = dense.dim();
        let (lines, length) = if wanted == Order::C { (nrows, ncols) } else { (ncols, nrows) };
        Grid { elements: dense.as_slice(), lines, length, along: dense.order() == wanted }
    }

    /// Calls `visit(line, position, element)` for every element of some lines that is kept, positions rising within each.
    fn visit(
        &self,
        lines: std::ops::Range<usize>,
        keep: &impl Fn(T) -> bool,
        mut visit: impl FnMut(usize, usize, T),
    ) {
        let any = |run: &[T]| run.iter().fold(false, |any, &element| any | keep(element));
        let mut run = |line: Option<usize>, start: usize, run: &[T]| {
            for (k, &element) in run.iter().enumerate().filter(|&(_, &element)| keep(element)) {
                match line {
                    Some(line) => visit(line, start + k, element),
                    None => visit(lines.start + k, start, element),
                }
            }
        };
        if self.along {
            for line in lines.clone() {
                let elements = &self.elements[line * self.length..][..self.length];
                // Where little is kept, most runs are passed over by vector code.
                for (k, elements) in elements.chunks(RUN).enumerate() {
                    if any(elements) {
                        run(Some(line), k * RUN, elements);
                    }
                }
            }
        } else {
            for position in 0..self.length {
                let row = &self.elements[position * self.lines..][..self.lines];
                run(None, position, &row[lines.clone()]);
            }
        }
    }

    /// Counts the elements of some lines that are kept.
    fn count(&self, lines: std::ops::Range<usize>, keep: &impl Fn(T) -> bool) -> [u64; BUNDLE] {
        let mut counts = [0; BUNDLE];
        if self.along {
            for line in lines {
                let elements = &self.elements[line * self.length..][..self.length];
                let runs = elements.chunks(RUN * RUN);
                let count = |run: &[T]| run.iter().map(|&x| u32::from(keep(x))).sum::<u32>();
                counts[line % BUNDLE] = runs.map(|run| u64::from(count(run))).sum();
            }
        } else {
            self.visit(lines, keep, |line, _, _| counts[line % BUNDLE] += 1);
        }
        counts
    }
}

/// Counts the elements of every line that are kept, and fills a draft of so many.
fn fill<T: Element, I: Index, P: Index, A: Axis>(
    grid: &Grid<'_, T>,
    shape: (usize, usize),
    keep: impl Fn(T) -> bool + Sync,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let bundles = grid.lines.div_ceil(BUNDLE);
    // As many counts as pointers: what has no room for the ones has none for the others.
    memory_left(Compressed::<T, I, P, A>::bytes_of(grid.lines, 0), place, ctx)?;
    let mut counts = ctx.room::<[u64; BUNDLE]>("the entries of each line", bundles)?;
    let lines_of = |bundle: usize| bundle * BUNDLE..grid.lines.min((bundle + 1) * BUNDLE);
    ctx.with_threads(|| {
        let bundles = (0..bundles).into_par_iter();
        bundles.map(|bundle| grid.count(lines_of(bundle), &keep)).collect_into_vec(&mut counts);
    });
    ctx.check_cancelled()?;
    let nnz = counts.iter().flatten().sum::<u64>() as usize;
    let mut draft = CompressedDraft::<T, I, P>::new::<A>(shape, nnz, place, ctx)?;
    let mut end = 0;
    for (pointer, count) in draft.indptr[1..].iter_mut().zip(counts.iter().flatten()) {
        end += *count as usize;
        *pointer = P::from_usize(end);
    }
    let mut tasks = ctx.room("bundles of lines", bundles)?;
    let (mut indices, mut data) = (&mut draft.indices[..], &mut draft.data[..]);
    for counts in &counts {
        let room = counts.iter().sum::<u64>() as usize;
        let (these_indices, these_data);
        (these_indices, indices) = indices.split_at_mut(room);
        (these_data, data) = data.split_at_mut(room);
        tasks.push((counts, these_indices, these_data));
    }
    let consistent = ctx.with_threads(|| {
        tasks
            .into_par_iter()
            .enumerate()
            .map(|(bundle, (counts, indices, data))| {
                let mut next = [0; BUNDLE];
                let mut start = 0;
                for (next, &count) in next.iter_mut().zip(counts) {
                    *next = start;
                    start += count as usize;
                }
                let mut room = true;
                grid.visit(lines_of(bundle), &keep, |line, position, element| {
                    let at = next[line % BUNDLE];
                    room &= at < indices.len();
                    if let (Some(index), Some(value)) = (indices.get_mut(at), data.get_mut(at)) {
                        (*index, *value) = (I::from_usize(position), element);
                    }
                    next[line % BUNDLE] = at + 1;
                });
                room && next.last() == Some(&start)
            })
            .all(|consistent| consistent)
    });
    if !consistent {
        return Err(Error::new(
            ErrorKind::Value,
            "the choice of elements changed between two reads",
        )
        .expected("the same answer for the same element"));
    }
    // Positions rise in every line, and are not read again from a file.
    draft.finish(shape, true)
}
