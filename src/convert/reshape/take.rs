//! Rows and columns of a sparse matrix by a list or a mask.
//!
//! ```text
//! lines of the matrix:   many in a row -> read as panels and written on
//!                        others        -> gathered from where they lie, as many as memory holds, and written
//! the other axis:        a list that rises -> one pass, each index looked up in a table
//!                        any other         -> what is listed, in order and once, by such a pass;
//!                                             then permuted, or, if there are repeats, taken as lines of the transpose
//! ```

use crate::convert::formats::{append_made, fault_of, recompress};
use crate::convert::in_memory::{Grain, check_fits};
use crate::convert::reshape::filter::marked;
use crate::convert::reshape::permute::permute;
use crate::convert::reshape::permute_in_memory::Permuted;
use crate::error::{Error, ErrorKind, Location, Result, check_shape};
use crate::sparse::{
    AnyCompressed, AnyWriter, AnyZippedLines, Axis, Compressed, Indices, IndicesMut, Permutation,
    PickLines, Pieces, append_any, by_index, check_types, largest, memory_left,
};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Place, Plan, SparseFormat};

/// Bytes of consecutive lines that are worth reading as panels.
const LONG: u64 = 4 << 20;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The rows with these numbers, as NumPy's `A[rows]`: in any order, and as often as they are listed.
    ///
    /// Cost, for CSR: the rows are read in place, in the order of the list, and written in one sequential write, within
    /// the memory limit whatever the matrix; no other row is read. For CSC and a rising list: one read of the matrix
    /// and one sequential write, a second read before, to count the entries, if the result goes to memory, and a table
    /// with an index per row. Any other list takes one to three more conversions of the listed entries, in memory if
    /// the result goes there, and otherwise in the scratch folder; indices then rise within columns, duplicates in
    /// their order. The plan of such a list is an estimate.
    ///
    /// Fails with kind [`Index`](ErrorKind::Index) if there is no such row, naming its position in the list, or if an
    /// index is out of range; no result is created then.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let ctx = Context::new();
    /// let b = a.take_rows(&[1, 0, 1], Place::Memory, &ctx)?;
    /// assert_eq!((b.shape(), b.get(2, 1)?), ((3, 3), Some(3.0)));
    /// let c = a.take_cols(&[2, 0], Place::Memory, &ctx)?;
    /// assert_eq!((c.shape(), c.row(0)?.data), ((2, 2), &[2.0, 1.0][..]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatCreateSubMatrix")]
    pub fn take_rows(
        &self,
        rows: &[usize],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        take(&self.to_any(), (0, rows), &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// The columns with these numbers, as NumPy's `A[:, cols]`; otherwise as [`take_rows`](Self::take_rows) with rows
    /// and CSR exchanged for columns and CSC.
    pub fn take_cols(
        &self,
        cols: &[usize],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        take(&self.to_any(), (1, cols), &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// The rows for which `mask` is true, as NumPy's `A[mask]`. Cost: as for a list of these rows, which is kept in
    /// memory. Fails unless there is one `bool` per row.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(3).take_rows_where(&[true, false, true], Place::Memory, &Context::new())?;
    /// assert_eq!((a.shape(), a.get(1, 2)?), ((2, 3), Some(1.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "mask")]
    pub fn take_rows_where(
        &self,
        mask: &[bool],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        take_where(&self.to_any(), (0, mask), &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// The columns for which `mask` is true; otherwise as [`take_rows_where`](Self::take_rows_where).
    #[doc(alias = "mask")]
    pub fn take_cols_where(
        &self,
        mask: &[bool],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        take_where(&self.to_any(), (1, mask), &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

/// The names of the operations in plans.
const OPERATIONS: [&str; 2] = ["taking rows", "taking columns"];

/// Whether an axis, 0 for rows, is the axis of the lines of a matrix.
fn is_major(from: &AnyCompressed, axis: usize) -> bool {
    (axis == 0) == (from.format() == SparseFormat::Csr)
}

/// The listed rows (axis 0) or columns (axis 1).
pub(crate) fn take(
    from: &AnyCompressed,
    (axis, list): (usize, &[usize]),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (name, extent) = [("row", from.shape().0), ("column", from.shape().1)][axis.min(1)];
    if let Some(k) = list.iter().position(|&number| number >= extent) {
        return Err(Error::new(ErrorKind::Index, format!("there is no such {name}"))
            .at(Location::Position(k as u64))
            .expected(format!("a {name} below {extent}"))
            .found(list[k]));
    }
    let operation = OPERATIONS[axis.min(1)];
    if is_major(from, axis) {
        return take_lines(operation, from, (list, 0), place, ctx);
    }
    match list.windows(2).all(|pair| pair[0] < pair[1]) {
        true => take_rising(operation, from, (list, 0), place, ctx),
        false => take_across(operation, from, list, place, ctx),
    }
}

/// The rows or columns for which a mask is true.
pub(crate) fn take_where(
    from: &AnyCompressed,
    (axis, mask): (usize, &[bool]),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (nrows, ncols) = from.shape();
    check_shape("the mask", [nrows, ncols][axis.min(1)], mask.len())?;
    let mut list = ctx.room("the list", mask.iter().filter(|&&wanted| wanted).count())?;
    list.extend((0..mask.len()).filter(|&k| mask[k]));
    let list = (&list[..], size_of_val(&list[..]) as u64);
    match is_major(from, axis) {
        true => take_lines(OPERATIONS[axis.min(1)], from, list, place, ctx),
        false => take_rising(OPERATIONS[axis.min(1)], from, list, place, ctx),
    }
}

/// A part of a list of lines.
enum ListPart<'a> {
    /// Consecutive lines, from this one on, that are worth reading as panels.
    Run(usize, usize),
    Lines(&'a [usize]),
}

/// The listed lines, all in range; `held` bytes are used by the list.
fn take_lines(
    operation: &'static str,
    from: &AnyCompressed,
    (list, held): (&[usize], u64),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let _held = ctx.hold(held);
    let ctx = &ctx.less(held);
    let (kind, minor) = ((from.format(), from.types()), from.minor());
    let nnz = list.iter().fold(0usize, |sum, &line| sum.saturating_add(from.span(line).len()));
    let size = (list.len(), nnz);
    check_types((kind.1.indices, kind.1.pointers), size.0, minor, nnz)?;
    let bytes = kind.1.bytes_of(size.0, nnz);
    let plan = Plan::new(operation).on_device_of(from.indices_buffer().file());
    let plan = plan.reads(1, stored(from, size)).works(nnz as u64, work::TAKE);
    if *place == Place::Memory {
        let _running = ctx.begin(|| {
            check_fits(kind.1, size, place, ctx)?;
            Ok(AnyWriter::plan(plan, kind.1, size, place, ctx).throughout(held))
        })?;
        ctx.meter().pass();
        return gather(from, list, ctx);
    }
    let budget = memory_left(0, place, ctx)? / 4;
    let _running = ctx.begin(|| {
        Ok(AnyWriter::plan(plan, kind.1, size, place, ctx)
            .throughout(held + budget.min(bytes.max(LONG))))
    })?;
    ctx.meter().pass();
    let shape = from.format().swap_if_cols((list.len(), minor));
    let mut writer = AnyWriter::new(kind, shape, nnz, true, place, ctx)?;
    let (mut rest, mut canonical) = (list, true);
    while !rest.is_empty() {
        let part = first_part(from, &mut rest, budget);
        match part {
            ListPart::Run(first, count) => {
                let lines = from.slice_major(first..first + count)?;
                let mut panels = AnyZippedLines::new(&[&lines], Pieces::Entries, budget, ctx)?;
                canonical &= append_any(&mut writer, &lines, &mut panels, ctx)
                    .map_err(|error| from.moved(error, first))?;
            }
            ListPart::Lines(list) => {
                let made = gather(from, list, ctx)?;
                append_made(&mut writer, &made, ctx)?;
                canonical &= made.known_canonical() == Some(true);
            }
        }
    }
    writer.finish(canonical)
}

/// Splits off the first part of a list: lines that fit in `budget` bytes, or consecutive ones that are read as panels.
fn first_part<'a>(from: &AnyCompressed, list: &mut &'a [usize], budget: u64) -> ListPart<'a> {
    let types = from.types();
    let bytes = |lines: &[usize]| {
        types.bytes_of(lines.len(), lines.iter().map(|&line| from.span(line).len()).sum())
    };
    let run = |lines: &[usize]| {
        lines.windows(2).take_while(|pair| pair[0].checked_add(1) == Some(pair[1])).count() + 1
    };
    let (mut taken, mut sum) = (0, 0);
    while taken < list.len() {
        let rest = &list[taken..];
        let count = run(rest);
        let more = bytes(&rest[..count]);
        if more > LONG.min(budget) {
            break;
        }
        if sum + more > budget {
            break;
        }
        (taken, sum) = (taken + count, sum + more);
    }
    let count = if taken == 0 { run(list) } else { taken };
    let lines = list.split_off(..count).expect("so many lines");
    if taken == 0 { ListPart::Run(lines[0], count) } else { ListPart::Lines(lines) }
}

/// Bytes in files of this many lines and entries of a matrix.
fn stored(from: &AnyCompressed, (lines, nnz): (usize, usize)) -> u64 {
    let (value, index, pointer) = from.types().sizes();
    let arrays = [
        (from.indptr_buffer(), lines * pointer),
        (from.indices_buffer(), nnz.saturating_mul(index)),
        (from.data(), nnz.saturating_mul(value)),
    ];
    let in_files = arrays.iter().filter(|(array, _)| array.stored_bytes() > 0);
    in_files.map(|(_, bytes)| *bytes as u64).sum()
}

/// The listed lines, in memory.
fn gather(from: &AnyCompressed, list: &[usize], ctx: &Context) -> Result<AnyCompressed> {
    let nnz = list.iter().fold(0usize, |sum, &line| sum.saturating_add(from.span(line).len()));
    ctx.meter().read(stored(from, (list.len(), nnz)));
    let taken = Permuted { from, majors: Some(list), nnz, minors: None };
    taken.in_memory(Grain::USUAL, ctx)?.ok_or_else(|| fault_of(from))
}

/// The entries whose index is in a rising list, renumbered by its position in it; `held` bytes are used by the list.
fn take_rising(
    operation: &'static str,
    from: &AnyCompressed,
    (list, held): (&[usize], u64),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (index, minor) = (from.types().indices, from.minor());
    let (bytes, limit) = (index.bytes_of(minor), ctx.memory_left().saturating_sub(held));
    if bytes > limit / 2 {
        return Err(Error::new(ErrorKind::Memory, "the table of indices does not fit")
            .expected(format!("a memory limit of at least {} bytes", 2 * bytes))
            .found(limit));
    }
    // Larger than any index.
    let none = largest(index);
    let mut table = ctx.raw_filled("the table of indices", (Some(index), minor))?;
    {
        let mut table = IndicesMut::of(&mut table);
        (0..minor).for_each(|k| table.set(k, none));
        list.iter().enumerate().for_each(|(k, &number)| table.set(number, k));
    }
    let table = Indices::of_mut(&table);
    let mark = |lines: &PickLines<'_>, marks: &mut [u8]| {
        by_index!(lines.indices, indices => mark(indices, table.typed(), marks));
    };
    marked(operation, from, &mark, (Some(table), held, list.len()), place, ctx)
}

fn mark<I: Index>(indices: &[I], table: &[I], marks: &mut [u8]) {
    for (mark, index) in marks.iter_mut().zip(indices) {
        *mark = u8::from(table[index.to_usize()].to_usize() != I::LARGEST);
    }
}

/// The entries whose index is in a list, once for each of its positions in it.
fn take_across(
    operation: &'static str,
    from: &AnyCompressed,
    list: &[usize],
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let bytes = 2 * size_of_val(list) as u64;
    let mut once = ctx.room("the list", list.len())?;
    once.extend_from_slice(list);
    once.sort_unstable();
    once.dedup();
    let place_of = |number: &usize| once.binary_search(number).unwrap_or_default();
    let order = ctx.collected("the list", list.iter().map(place_of))?;
    let _held = ctx.hold(bytes);
    let ctx = &ctx.less(bytes);
    let _running = ctx.begin(|| {
        let plan = plan_across(operation, from, (once.len(), list.len()), place, ctx);
        Ok(plan.throughout(bytes + ctx.memory_left()))
    })?;
    let between = if *place == Place::Memory { Place::Memory } else { Place::Scratch };
    let some = match once.len() == from.minor() {
        true => from.clone(),
        false => take_rising(operation, from, (&once, 0), &between, ctx)?,
    };
    let (_some, ctx) = kept(&some, ctx);
    let ctx = &ctx;
    let orders = |order| match from.format() {
        SparseFormat::Csc => (Some(order), None),
        _ => (None, Some(order)),
    };
    if once.len() == list.len() {
        let order = Permutation::new(order)?;
        let (rows, cols) = orders(&order);
        return permute(&some, (rows, cols), place, ctx);
    }
    let across = recompress(&some, operation, &between, ctx)?;
    let (_across, ctx) = kept(&across, ctx);
    let taken = take_lines(operation, &across, (&order, 0), &between, &ctx)?;
    let (_taken, ctx) = kept(&taken, &ctx);
    recompress(&taken, operation, place, &ctx)
}

/// The plan for a list of `listed` numbers, `once` of them distinct, assuming equally many entries for each index.
fn plan_across(
    operation: &'static str,
    from: &AnyCompressed,
    (once, listed): (usize, usize),
    place: &Place,
    ctx: &Context,
) -> Plan {
    let (types, minor, nnz) = (from.types(), from.minor().max(1), from.nnz() as f64);
    let entries = |count: usize| (nnz * count as f64 / minor as f64) as usize;
    let (some, all) = (entries(once), entries(listed));
    let (in_memory, stored) = (*place == Place::Memory, from.stored_bytes());
    let first = if once == from.minor() { 0 } else { 1 + u64::from(in_memory) };
    let rest = if once == listed { 1 } else { 3 };
    let plan = Plan::new(operation).on_device_of(from.indices_buffer().file());
    let plan = plan.reads(first + rest, first.max(1) * stored);
    let mut plan = plan.works((from.nnz() + 3 * all) as u64, work::TAKE);
    if !in_memory && first > 0 {
        plan = plan.scratches(types.bytes_of(from.major(), some));
    }
    if !in_memory && once < listed {
        plan = plan.scratches(types.bytes_of(from.minor(), some));
        plan = plan.scratches(types.bytes_of(listed, all));
    }
    AnyWriter::plan(plan, types, (from.major(), all), place, ctx)
}

/// Holds the memory of a temporary matrix, and returns the context for the work meanwhile.
fn kept(matrix: &AnyCompressed, ctx: &Context) -> (crate::storage::Held, Context) {
    let bytes = matrix.types().bytes_of(matrix.major(), matrix.nnz()) - matrix.stored_bytes();
    (ctx.hold(bytes), ctx.less(bytes))
}
