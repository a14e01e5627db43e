//! COO to CSR and CSC: entries to their lines, lines sorted, duplicates treated.

use std::ops::Range;

use crate::convert::assemble::{self, assemble};
use crate::convert::bins::Bins;
use crate::convert::buckets::Buckets;
use crate::convert::cost::{check_size, reading_budget, written};
use crate::convert::passes::Sink;
use crate::convert::sink::MatrixSink;
use crate::convert::sorter::{Sorter, room, sorted_run};
use crate::convert::spread::Entries;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{
    Axis, ByCols, ByRows, Compressed, CompressedDraft, CompressedWriter, Coo, Csc, Csr, Duplicates,
    EntryPanels,
};
use crate::storage::{Buffer, Context, Entry, Index, Place, Plan};

/// Nanoseconds an entry takes one thread in memory.
const WORK: f64 = 40.0;

impl<T: Entry, I: Index> Coo<T, I> {
    /// The matrix in compressed rows, columns rising within each.
    ///
    /// Duplicates are treated in the order in which they stand, so that the result is the same every time. `P` is the
    /// type of the pointers: `u64` for more than 2^31 entries.
    ///
    /// Cost: one read of the entries, and of those that do not fit in a quarter of the memory limit one write and one read
    /// in the scratch folder; one write of the result. Memory besides the result: the entries once more, or the limit; of a
    /// result in memory two bytes an entry, and for each thread at most a sixteenth of the entries, where the limit allows it.
    ///
    /// ```
    /// use outcore::{Context, Coo, Csr, Duplicates, ErrorKind, Place};
    /// let a = Coo::<i64>::from_triplets((2, 2), [(0, 1, 3), (0, 1, 4)])?;
    /// let ctx = Context::new();
    /// let csr: Csr<i64> = a.to_csr(Duplicates::Sum, Place::Memory, &ctx)?;
    /// assert_eq!(*csr.data().as_ref(), [7]);
    /// let error = a.to_csr::<u32>(Duplicates::Refuse, Place::Memory, &ctx).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Duplicate);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csr<P: Index>(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        compress::<T, I, P, ByRows>(self, duplicates, &place.into(), ctx)
    }

    /// The matrix in compressed columns, rows rising within each; otherwise as [`to_csr`](Self::to_csr).
    pub fn to_csc<P: Index>(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        compress::<T, I, P, ByCols>(self, duplicates, &place.into(), ctx)
    }
}

impl<T: Entry, A: Axis> Compressed<T, u32, u32, A> {
    /// As [`from_triplets`](Self::from_triplets), for the index types that are the default, so that no type need be written:
    /// that of the values follows from them.
    ///
    /// ```
    /// use outcore::{Csc, Csr, Duplicates};
    /// let a = Csr::from_entries((2, 2), [(1, 1, 2.0), (0, 0, 1.0)], Duplicates::Refuse)?;
    /// assert_eq!(**a.indices(), [0, 1]);
    /// let b = Csc::from_entries((2, 3), [(1, 2, 7i8)], Duplicates::Sum)?;
    /// assert_eq!(b.get(1, 2)?, Some(7));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn from_entries(
        shape: (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
        duplicates: Duplicates,
    ) -> Result<Self> {
        Self::from_triplets(shape, triplets, duplicates)
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// A matrix in memory from `(row, column, value)` triplets in any order, on all processors and within the limit of the
    /// default [`Context`]; [`from_triplets_with`](Self::from_triplets_with) takes another.
    ///
    /// ```
    /// use outcore::{Csr, Duplicates};
    /// let a = Csr::<f64>::from_triplets((2, 2), [(1, 1, 2.0), (0, 0, 1.0)], Duplicates::Refuse)?;
    /// assert_eq!(**a.indices(), [0, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn from_triplets(
        shape: (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
        duplicates: Duplicates,
    ) -> Result<Self> {
        Self::from_triplets_with(shape, triplets, duplicates, Place::Memory, &Context::new())
    }

    /// A matrix at `place` from `(row, column, value)` triplets in any order, which are gathered in memory first; a
    /// [`CooBuilder`](crate::CooBuilder) takes more than that. Then as [`Coo::to_csr`].
    ///
    /// ```
    /// use outcore::{Context, Csr, Duplicates, Place};
    /// let (entries, ctx) = ([(1, 1, 2.0), (0, 0, 1.0)], Context::new().threads(2)?);
    /// let a = Csr::<f64>::from_triplets_with((2, 2), entries, Duplicates::Sum, Place::Memory, &ctx)?;
    /// assert_eq!(**a.indices(), [0, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn from_triplets_with(
        shape: (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        ctx.check_cancelled()?;
        let coo = Coo::<T, I>::gathered(shape, triplets, &|bytes| {
            ctx.check_cancelled()?;
            ctx.check_memory("the triplets", bytes)
        })?;
        compress(&coo, duplicates, &place.into(), ctx)
    }
}

fn compress<T: Entry, I: Index, P: Index, A: Axis>(
    coo: &Coo<T, I>,
    duplicates: Duplicates,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let (major, minor) = A::swap_if_cols(coo.shape());
    let (majors, minors) = A::swap_if_cols((coo.rows(), coo.cols()));
    let nnz = coo.nnz();
    let beside = beside::<T, I, P, A>(coo, (major, nnz), place, ctx);
    let _running = ctx.begin(|| {
        check_size::<T, I, P, A>((major, nnz), place, ctx)?;
        let (name, _) = A::swap_if_cols(("COO to CSR", "COO to CSC"));
        let plan = Plan::new(name).on_device_of(coo.rows().file()).reads(1, coo.stored_bytes());
        if let Some(beside) = beside {
            let plan = plan.works(nnz as u64, WORK).holds(beside);
            return Ok(written::<T, I, P, A>(plan, (major, nnz), place, ctx));
        }
        let plan = Sorter::<T, I>::plan(plan, nnz as u64, ctx);
        Ok(written::<T, I, P, A>(plan, (major, nnz), place, ctx))
    })?;
    if beside.is_some() {
        let made = in_parallel(coo, duplicates, ctx).map_err(|error| fault(coo, error))?;
        if let Some(matrix) = made {
            return Ok(matrix);
        }
    }
    let writer = CompressedWriter::<T, I, P, A>::new(coo.shape(), nnz, true, place, ctx)?;
    let mut sink = MatrixSink::new(writer);
    let outcome = if Sorter::<T, I>::holds(nnz, ctx) && coo.stored_bytes() <= reading_budget(ctx) {
        coo.check()?;
        ctx.meter().pass();
        ctx.meter().read(coo.stored_bytes());
        let bins = Bins::new(0..major);
        sorted_run(&bins, (majors, minors, coo.data()), None, ctx).and_then(|(buffer, runs)| {
            Buckets::new(bins, runs, None, ctx).settle_memory(
                buffer.bytes(),
                Some(duplicates),
                &mut sink,
            )
        })
    } else {
        sort_entries(coo, (majors, minors), (major, minor), duplicates, &mut sink, ctx)
    };
    outcome.map_err(|error| fault(coo, error))?;
    sink.finish()
}

/// Memory beside the result of the way in memory, if that is to be gone and fits.
fn beside<T: Entry, I: Index, P: Index, A: Axis>(
    coo: &Coo<T, I>,
    (major, nnz): (usize, usize),
    place: &Place,
    ctx: &Context,
) -> Option<u64> {
    let limit = ctx.memory_left();
    if *place != Place::Memory || coo.stored_bytes() > limit / 2 {
        return None;
    }
    let bytes = Compressed::<T, I, P, A>::bytes_of(major, nnz);
    assemble::memory::<T, I>(nnz, major, ctx)
        .filter(|beside| bytes.saturating_add(*beside) <= limit)
}

/// A matrix in memory made on all threads; `None` if its lines are not made for it.
fn in_parallel<T: Entry, I: Index, P: Index, A: Axis>(
    coo: &Coo<T, I>,
    duplicates: Duplicates,
    ctx: &Context,
) -> Result<Option<Compressed<T, I, P, A>>> {
    let (lines, others) = A::swap_if_cols((coo.rows(), coo.cols()));
    let (_, extent) = A::swap_if_cols(coo.shape());
    let entries = Coordinates { lines, others, data: coo.data(), extent };
    let mut draft =
        CompressedDraft::<T, I, P>::new::<A>(coo.shape(), coo.nnz(), &Place::Memory, ctx)?;
    let assembled = assemble(&entries, Some(duplicates), &mut draft, ctx)?;
    let Some(filled) = assembled else { return Ok(None) };
    ctx.meter().pass();
    ctx.meter().read(coo.stored_bytes());
    let filled = filled.map_err(|clash| clash.into_error(A::swap_if_cols::<usize>))?;
    draft.finish(coo.shape(), filled.canonical).map(Some)
}

/// Coordinates, the line of each entry first.
struct Coordinates<'a, T, I> {
    lines: &'a [I],
    others: &'a [I],
    data: &'a [T],
    /// What the other index is below.
    extent: usize,
}

impl<T: Entry, I: Index> Entries<T, I> for Coordinates<'_, T, I> {
    fn lines(&self) -> &[I] {
        self.lines
    }

    fn each(
        &self,
        range: Range<usize>,
        mut visit: impl FnMut(I, I, T) -> Option<()>,
    ) -> Option<()> {
        let lines = self.lines[range.clone()].iter();
        let entries = lines.zip(&self.others[range.clone()]).zip(&self.data[range]);
        for ((&line, &other), &value) in entries {
            if other.to_usize() >= self.extent {
                return None;
            }
            visit(line, other, value)?;
        }
        Some(())
    }
}

/// The coordinates are checked on their way; the check that names the place reads them once more.
pub(super) fn fault<T: Entry, I: Index>(coo: &Coo<T, I>, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Index => coo.check().err().unwrap_or_else(changed),
        _ => error,
    }
}

/// Hands all entries to `sink`, brought to lines by their index in `majors`, of which there are `major`; sorted by that in
/// `minors`.
pub(super) fn sort_entries<T: Entry, I: Index>(
    coo: &Coo<T, I>,
    (majors, minors): (&Buffer<I>, &Buffer<I>),
    (major, minor): (usize, usize),
    duplicates: Duplicates,
    sink: &mut dyn Sink<T, I>,
    ctx: &Context,
) -> Result<()> {
    let mut sorter = Sorter::<T, I>::new(0..major, coo.nnz() as u64, ctx);
    let mut panels = EntryPanels::new(&[majors, minors], coo.data(), room::<T, I>(ctx), ctx)?;
    panels.sweep(ctx, &mut |_, coordinates, data| {
        let below = |index: &I| index.to_usize() < minor;
        if !coordinates[1].iter().fold(true, |all, index| all & below(index)) {
            return Err(changed());
        }
        sorter.extend(coordinates[0], coordinates[1], data)
    })?;
    drop(panels);
    sorter.settle(Some(duplicates), sink, ctx)
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "the coordinates changed while they were read")
}
