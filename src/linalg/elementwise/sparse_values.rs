//! Functions of the stored values of a sparse matrix: mapped one by one, or scaled by row and column.
//!
//! The structure stays. In memory it is shared with the source matrix, and only values are computed; in files
//! all three arrays are written, in one pass.

use std::ops::Range;

use crate::error::{Result, check_shape};
use crate::linalg::algebra::{Scalar, by_scalar, no_arithmetic};
use crate::sparse::{
    AnyCompressed, AnyWriter, Axis, CheckedLines, CheckedPanels, Compressed, EntryPanels, Indices,
    LineSplit, Types, by_index, memory_left, partition,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Raw, RawMut, width};
use crate::storage::work;
use crate::storage::{Context, DType, Entry, Index, Pass, Place, SparseFormat};

/// Elements of a task.
const TASK: usize = 1 << 14;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The same structure with `f(value)` for every stored value; positions without an entry stay empty.
    ///
    /// Cost: one read and one sequential write, within the memory limit whatever the matrix. In memory the structure is
    /// shared with this matrix, and only the values are read. In a file all arrays are written, and the indices
    /// checked.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2).map_values(Place::Memory, &Context::new(), |x| x as f32 * 3.0)?;
    /// assert_eq!(a.get(1, 1)?, Some(3.0f32));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatGetArray")]
    pub fn map_values<U: Entry>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
        f: impl Fn(T) -> U + Sync,
    ) -> Result<Compressed<U, I, P, A>> {
        let block = |from: Raw<'_>, to: RawMut<'_>| {
            let to = to.typed::<U>().expect("values of the type that is made");
            to.iter_mut().zip(from.as_typed()).for_each(|(to, &value)| *to = f(value));
        };
        map_values(&self.to_any(), (U::ENTRY_DTYPE, &block), &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }
}

impl<T: Scalar, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The matrix times a number. Cost: as for [`map_values`](Self::map_values).
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2).scale(3.0, Place::Memory, &Context::new())?;
    /// assert_eq!(a.get(1, 1)?, Some(3.0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatScale")]
    pub fn scale(&self, alpha: T, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        scale(&self.to_any(), Raw::of(&[alpha]), &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// Every row times its number: `diag(d) A`.
    ///
    /// Cost: one read of the matrix and one sequential write; in memory the structure is shared with this matrix. Fails
    /// if there is not one number for each row.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2).scale_rows(&[3.0, 4.0], Place::Memory, &Context::new())?;
    /// assert_eq!(a.get(1, 1)?, Some(4.0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatDiagonalScale")]
    pub fn scale_rows(&self, d: &[T], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        scale_rows(&self.to_any(), Raw::of(d), &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// Every column times its number: `A diag(d)`; otherwise as [`scale_rows`](Self::scale_rows).
    pub fn scale_cols(&self, d: &[T], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        scale_cols(&self.to_any(), Raw::of(d), &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

/// Computes values from others, one for each.
pub(crate) type MakeValues<'f> = dyn Fn(Raw<'_>, RawMut<'_>) + Sync + 'f;

/// The same structure with values of another type, computed by `block` from the existing ones, many at a time.
pub(crate) fn map_values(
    a: &AnyCompressed,
    made: (Option<DType>, &MakeValues<'_>),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    map("mapping values", a, made, place, ctx)
}

/// The type of the entries, if it equals that of the given numbers.
fn common(operation: &str, a: &AnyCompressed, numbers: Raw<'_>) -> Result<Option<DType>> {
    match a.types().values == numbers.dtype() {
        true => Ok(numbers.dtype()),
        false => Err(no_arithmetic(operation, a)),
    }
}

/// A matrix times a number of the type of its entries, the first of `alpha`.
pub(crate) fn scale(
    a: &AnyCompressed,
    alpha: Raw<'_>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    by_scalar!(common("scaling", a, alpha)?, T => {
        let alpha = alpha.as_typed::<T>()[0];
        map("scaling", a, (T::ENTRY_DTYPE, &|from, to| scale_all(alpha, from, to)), place, ctx)
    }, _ => Err(no_arithmetic("scaling", a)))
}

/// `diag(d) A`, for numbers of one type.
pub(crate) fn scale_rows(
    a: &AnyCompressed,
    d: Raw<'_>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    check_shape("d", a.shape().0, d.len())?;
    scale_lines("scaling rows", a, d, a.format() == SparseFormat::Csr, place, ctx)
}

/// `A diag(d)`, for numbers of one type.
pub(crate) fn scale_cols(
    a: &AnyCompressed,
    d: Raw<'_>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    check_shape("d", a.shape().1, d.len())?;
    scale_lines("scaling columns", a, d, a.format() == SparseFormat::Csc, place, ctx)
}

fn scale_lines(
    operation: &'static str,
    a: &AnyCompressed,
    d: Raw<'_>,
    along: bool,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    by_scalar!(common(operation, a, d)?, T => {
        let d = d.as_typed::<T>();
        let change = |lines: ValueLines<'_>, to: RawMut<'_>| match along {
            true => scale_along(d, lines, to),
            false => scale_across(d, lines, to),
        };
        transform(operation, a, (T::ENTRY_DTYPE, &change), place, ctx)
    }, _ => Err(no_arithmetic(operation, a)))
}

/// Lines whose values are changed.
struct ValueLines<'a> {
    /// The number of the first line.
    first: usize,
    /// Their begins and ends, from any base.
    ends: Indices<'a>,
    indices: Indices<'a>,
    data: Raw<'a>,
}

/// `alpha x` for each value.
fn scale_all<T: Scalar>(alpha: T, from: Raw<'_>, to: RawMut<'_>) {
    let to = to.typed::<T>().expect("values of the type of both");
    to.iter_mut().zip(from.as_typed()).for_each(|(to, &value)| *to = alpha * value);
}

/// Every value times the number of its line.
fn scale_along<T: Scalar>(d: &[T], lines: ValueLines<'_>, to: RawMut<'_>) {
    let mut to = to.typed::<T>().expect("values of the type of both");
    let mut data = lines.data.as_typed::<T>();
    for (line, &scale) in (1..lines.ends.len()).zip(&d[lines.first..]) {
        let count = lines.ends.at(line) - lines.ends.at(line - 1);
        let (mine, these);
        (mine, to) = to.split_at_mut(count);
        (these, data) = data.split_at(count);
        mine.iter_mut().zip(these).for_each(|(to, &value)| *to = scale * value);
    }
}

/// Every value times the number of its index.
fn scale_across<T: Scalar>(d: &[T], lines: ValueLines<'_>, to: RawMut<'_>) {
    let to = to.typed::<T>().expect("values of the type of both");
    let to = to.iter_mut().zip(lines.data.as_typed::<T>());
    by_index!(lines.indices, indices => {
        to.zip(indices).for_each(|((to, &value), index)| *to = d[index.to_usize()] * value);
    });
}

fn map(
    operation: &'static str,
    a: &AnyCompressed,
    (dtype, block): (Option<DType>, &MakeValues<'_>),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    match place {
        Place::Memory => map_in_memory(operation, a, (dtype, block), ctx),
        _ => transform(operation, a, (dtype, &|lines, to| block(lines.data, to)), place, ctx),
    }
}

/// Shares the structure, and computes values that depend only on values.
fn map_in_memory(
    operation: &'static str,
    a: &AnyCompressed,
    (dtype, block): (Option<DType>, &MakeValues<'_>),
    ctx: &Context,
) -> Result<AnyCompressed> {
    let bytes = (a.nnz() * width(dtype)) as u64;
    let left = memory_left(bytes, &Place::Memory, ctx)?;
    let mut panels = EntryPanels::within(left, 1, &[], a.data())?;
    let _running = ctx.begin(|| {
        let plan = panels.reading.plan(operation).throughout(bytes);
        Ok(plan.works(a.nnz() as u64, work::MAP_SPARSE))
    })?;
    let mut values = ctx.raw_zeros("the values", (dtype, a.nnz()))?;
    panels.sweep(ctx, &mut |start, _, data| {
        let mut values = values.as_mut();
        let to = values.slice_mut(start..start + data.len()).par_chunks_mut(TASK);
        ctx.with_threads(|| {
            to.enumerate().for_each(|(task, to)| {
                let start = task * TASK;
                block(data.slice(start..start + to.len()), to);
            });
        });
        Ok(())
    })?;
    a.with_data(values.freeze())
}

/// The same structure with values of a type that `change` computes for some lines; their indices are checked before
/// they are passed to it.
fn transform(
    operation: &'static str,
    a: &AnyCompressed,
    (dtype, change): (Option<DType>, &(dyn Fn(ValueLines<'_>, RawMut<'_>) + Sync)),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let types = Types { values: dtype, ..a.types() };
    let bytes = (a.nnz() * width(dtype)) as u64;
    let left = memory_left(bytes, place, ctx)?;
    let mut lines = CheckedPanels::new(&[a], LineSplit::Entries, left, ctx)?;
    let plan = lines.plan(operation).works(a.nnz() as u64, work::MAP_SPARSE);
    if *place == Place::Memory {
        let _running = ctx.begin(|| Ok(plan.throughout(bytes)))?;
        let mut values = ctx.raw_zeros("the values", (dtype, a.nnz()))?;
        lines.sweep(ctx, &mut |panel| {
            let part = &panel.parts[0];
            let mut values = values.as_mut();
            let to = values.slice_mut(part.start..part.start + part.data.len());
            ctx.with_threads(|| fill(panel.first, part, change, to));
            Ok(())
        })?;
        return a.with_data(values.freeze());
    }
    let most = lines.most_entries();
    let pass = Pass::new(plan).holding((most * width(dtype)) as u64);
    let what = ((a.format(), types), a.shape(), a.nnz());
    pass.make(what, place, ctx, &mut |writer: &mut AnyWriter| {
        let mut values = ctx.raw_work("a run of values", (dtype, most))?;
        lines.sweep_part(ctx, &mut |panel| {
            let part = &panel.parts[0];
            let mut made = values.as_mut();
            let mut made = made.slice_mut(0..part.data.len());
            ctx.with_threads(|| fill(panel.first, part, change, made.reborrow()));
            let values = made.as_raw();
            writer.push_panel(panel.closes, part.indptr, (part.indices.raw(), values))
        })
    })
}

/// The new values of a run of lines.
fn fill(
    first: usize,
    part: &CheckedLines<'_>,
    change: &(dyn Fn(ValueLines<'_>, RawMut<'_>) + Sync),
    mut to: RawMut<'_>,
) {
    let parts = (part.data.len() / TASK).max(1);
    let tasks: Vec<_> = partition::split(part.indptr, parts)
        .into_iter()
        .map(|lines| {
            let entries = part.indptr.at(lines.start)..part.indptr.at(lines.end);
            let mine = to.take_front(entries.len());
            (lines, entries, mine)
        })
        .collect();
    tasks.into_par_iter().for_each(|(lines, entries, to): (Range<usize>, Range<usize>, _)| {
        let ends = part.indptr.slice(lines.start..lines.end + 1);
        let (indices, data) = (part.indices.slice(entries.clone()), part.data.slice(entries));
        change(ValueLines { first: first + lines.start, ends, indices, data }, to);
    });
}
