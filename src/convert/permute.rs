//! Rows and columns of a sparse matrix in another order.
//!
//! A matrix that fits in memory with its result is copied line by line, wherever lines lie (`permuted.rs`). A larger one is
//! read once, entry by entry in the order of the file, and the external sort brings what it read to the new lines.

use crate::convert::cost::{check_size, exceeds, written};
use crate::convert::permuted::Permuted;
use crate::convert::recompress::{at_place, fault, lines_of};
use crate::convert::sink::MatrixSink;
use crate::convert::sorter::{Sorter, room};
use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::sparse::{Axis, Compressed, CompressedWriter, Duplicates, EntryPanels, Permutation};
use crate::storage::{Context, Entry, Index, Place, Plan};

/// Nanoseconds an entry takes one thread in memory.
const WORK: f64 = 12.0;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Rows and columns in another order, as SciPy's `A[rows][:, cols]`: entry (i, j) of the result is entry
    /// (`rows.order()[i]`, `cols.order()[j]`) of this matrix. `None` leaves them as they are.
    ///
    /// Where columns of CSR (rows of CSC) get another order, indices rise in every line afterwards, and duplicates stay in
    /// theirs; otherwise each line stays as it is.
    ///
    /// Cost of a result within half the memory limit, or in memory: one read of the matrix, in the order of the result, and
    /// one write; besides, an index for each column of CSR (row of CSC) that moves. A larger one: two reads and two writes of the
    /// entries, half of them in the scratch folder, within the limit whatever the matrix, and an index for each row and column
    /// that moves, which may take half of the limit.
    ///
    /// Fails if a permutation is not of the length of its axis, if an index is out of range, naming its place, or if the
    /// memory limit is too small; nothing appears then.
    ///
    /// ```
    /// use outcore::{Context, Csr, Permutation, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let (rows, cols) = (Permutation::new(vec![1, 0])?, Permutation::new(vec![2, 0, 1])?);
    /// let b = a.permute(&rows, &cols, Place::Memory, &Context::new())?;
    /// assert_eq!((b.get(0, 2)?, b.get(1, 0)?, b.get(1, 1)?), (Some(3.0), Some(2.0), Some(1.0)));
    /// let c = a.permute(&rows, None, Place::Memory, &Context::new())?;
    /// assert_eq!(c.row(0)?.indices, [1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn permute<'p>(
        &self,
        rows: impl Into<Option<&'p Permutation>>,
        cols: impl Into<Option<&'p Permutation>>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let (rows, cols, place) = (rows.into(), cols.into(), place.into());
        check_shape(
            "the order of rows",
            self.nrows(),
            rows.map_or(self.nrows(), Permutation::len),
        )?;
        check_shape(
            "the order of columns",
            self.ncols(),
            cols.map_or(self.ncols(), Permutation::len),
        )?;
        let (majors, minors) = A::swap_if_cols((rows, cols));
        let (nnz, stored) = (self.nnz(), self.stored_bytes());
        let size = (self.major(), nnz);
        let bytes = Self::bytes_of(self.major(), nnz);
        let table = |order: Option<&Permutation>| {
            order.map_or(0, |order| (order.len() * size_of::<I>()) as u64)
        };
        let plan = Plan::new("permuting").on_device_of(self.indices().file()).reads(1, stored);
        let limit = ctx.memory_left();
        if exceeds(bytes, &place, ctx) || stored > limit / 2 {
            let tables = table(majors) + table(minors);
            if tables > limit / 2 {
                return Err(tables_do_not_fit(tables, limit));
            }
            // The sort gets what the tables leave.
            let less = ctx.less(tables);
            let _running = ctx.begin(|| {
                check_size::<T, I, P, A>(size, &place, &less)?;
                let renamed = match minors {
                    Some(_) => (nnz.min(room::<T, I>(&less)) * size_of::<I>()) as u64,
                    None => 0,
                };
                let plan = Sorter::<T, I>::plan(plan, nnz as u64, &less).beside(tables + renamed);
                Ok(written::<T, I, P, A>(plan, size, &place, &less))
            })?;
            let _held = ctx.hold(tables);
            return in_buckets(self, majors, minors, &place, &less);
        }
        let _running = ctx.begin(|| {
            check_size::<T, I, P, A>(size, &place, ctx)?;
            let plan = plan.works(nnz as u64, WORK).holds(table(minors));
            let plan = written::<T, I, P, A>(plan, size, &place, ctx);
            Ok(if place == Place::Memory { plan } else { plan.beside(bytes) })
        })?;
        ctx.meter().pass();
        ctx.meter().read(stored);
        let positions = minors.map(|minors| minors.positions::<I>(ctx)).transpose()?;
        let _held = ctx.hold(table(minors));
        let permuted = Permuted { from: self, majors, minors: positions.as_deref() };
        let made = permuted.in_memory(ctx)?.ok_or_else(|| fault(self))?;
        at_place(made, &place, ctx)
    }
}

fn tables_do_not_fit(tables: u64, limit: u64) -> Error {
    Error::new(ErrorKind::Memory, "the places of rows and columns do not fit")
        .expected(format!("a memory limit of at least {} bytes", 2 * tables))
        .found(limit)
}

/// The matrix by the external sort.
fn in_buckets<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    majors: Option<&Permutation>,
    minors: Option<&Permutation>,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let (nnz, room) = (from.nnz(), room::<T, I>(ctx));
    let writer = CompressedWriter::<T, I, P, A>::new(from.shape(), nnz, true, place, ctx)?;
    let lines = majors.map(|majors| majors.positions::<I>(ctx)).transpose()?;
    let positions = minors.map(|minors| minors.positions::<I>(ctx)).transpose()?;
    let mut sorter = Sorter::<T, I>::new(0..from.major(), nnz as u64, ctx);
    let mut panels = EntryPanels::new(&[from.indices()], from.data(), room, ctx)?;
    let (mut names, mut renamed) = (Vec::with_capacity(nnz.min(room)), Vec::new());
    if positions.is_some() {
        renamed.reserve_exact(nnz.min(room));
    }
    let held = ctx.hold(((names.capacity() + renamed.capacity()) * size_of::<I>()) as u64);
    let name = |line: usize| match &lines {
        Some(lines) => lines[line],
        None => I::from_usize(line),
    };
    let (mut line, minor) = (0, from.minor());
    let sorted = panels.sweep(ctx, &mut |first, indices, data| {
        lines_of(from, (first, data.len()), &mut line, name, &mut names)?;
        let Some(positions) = &positions else {
            // Renaming would have found an index that is out of range; the sort does not look at them.
            let outside = indices[0].iter().any(|index| index.to_usize() >= minor);
            return if outside {
                Err(fault(from))
            } else {
                sorter.extend(&names, indices[0], data)
            };
        };
        renamed.clear();
        renamed.extend(indices[0].iter().map_while(|index| positions.get(index.to_usize())));
        if renamed.len() < data.len() {
            return Err(fault(from));
        }
        sorter.extend(&names, &renamed, data)
    });
    drop((panels, names, renamed, lines, held));
    let sorting = positions.map(|_| Duplicates::Keep);
    let mut sink = MatrixSink::new(writer);
    sorted.and_then(|()| sorter.settle(sorting, &mut sink, ctx)).map_err(|error| {
        match error.kind() {
            ErrorKind::Index => fault(from),
            _ => error,
        }
    })?;
    sink.finish()
}
