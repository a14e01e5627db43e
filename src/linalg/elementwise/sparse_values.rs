//! Functions of the stored values of a sparse matrix: mapped one by one, or scaled by row and column.
//!
//! The structure stays. In memory it is shared with the source matrix, and only values are computed; in files
//! all three arrays are written, in one pass.

use std::ops::Range;

use crate::error::{Result, check_shape};
use crate::linalg::algebra::{Scalar, by_scalar, no_arithmetic};
use crate::linalg::elementwise::dense::MakeValues;
use crate::sparse::{
    AnyCompressed, AnyWriter, Axis, CheckedLines, CheckedPanels, Compressed, EntryPanels, IndexVec,
    Indices, LineSplit, Types, by_index, check_types, memory_left, partition,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Raw, RawMut, width};
use crate::storage::work;
use crate::storage::{Context, DType, Entry, Index, Pass, Place, RawBuffer, SparseFormat};

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
        let block = |_: usize, from: Raw<'_>, to: RawMut<'_>| {
            let to = to.typed::<U>().expect("values of the type that is made");
            to.iter_mut().zip(from.as_typed()).for_each(|(to, &value)| *to = f(value));
            Ok(())
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
        map("scaling", a, (T::ENTRY_DTYPE, &|_, from, to| scale_all(alpha, from, to)), place, ctx)
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
        let types = Types { values: T::ENTRY_DTYPE, ..a.types() };
        transform((operation, work::MAP_SPARSE), a, (types, &change), place, ctx)
    }, _ => Err(no_arithmetic(operation, a)))
}

/// Lines whose values are changed.
pub(crate) struct ValueLines<'a> {
    /// The number of the first line, and the position of the first value.
    first: usize,
    pub(crate) start: usize,
    /// Their begins and ends, from any base.
    ends: Indices<'a>,
    indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
}

/// Computes the values of some lines.
type ChangeLines<'f> = dyn Fn(ValueLines<'_>, RawMut<'_>) -> Result<()> + Sync + 'f;

/// `alpha x` for each value.
fn scale_all<T: Scalar>(alpha: T, from: Raw<'_>, to: RawMut<'_>) -> Result<()> {
    let to = to.typed::<T>().expect("values of the type of both");
    to.iter_mut().zip(from.as_typed()).for_each(|(to, &value)| *to = alpha * value);
    Ok(())
}

/// Every value times the number of its line.
fn scale_along<T: Scalar>(d: &[T], lines: ValueLines<'_>, to: RawMut<'_>) -> Result<()> {
    let mut to = to.typed::<T>().expect("values of the type of both");
    let mut data = lines.data.as_typed::<T>();
    for (line, &scale) in (1..lines.ends.len()).zip(&d[lines.first..]) {
        let count = lines.ends.at(line) - lines.ends.at(line - 1);
        let (mine, these);
        (mine, to) = to.split_at_mut(count);
        (these, data) = data.split_at(count);
        mine.iter_mut().zip(these).for_each(|(to, &value)| *to = scale * value);
    }
    Ok(())
}

/// Every value times the number of its index.
fn scale_across<T: Scalar>(d: &[T], lines: ValueLines<'_>, to: RawMut<'_>) -> Result<()> {
    let to = to.typed::<T>().expect("values of the type of both");
    let to = to.iter_mut().zip(lines.data.as_typed::<T>());
    by_index!(lines.indices, indices => {
        to.zip(indices).for_each(|((to, &value), index)| *to = d[index.to_usize()] * value);
    });
    Ok(())
}

fn map(
    operation: &'static str,
    a: &AnyCompressed,
    (dtype, block): (Option<DType>, &MakeValues<'_>),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (operation, types) = ((operation, work::MAP_SPARSE), Types { values: dtype, ..a.types() });
    match place {
        Place::Memory => a.with_data(values_in_memory(operation, a.data(), (dtype, block), ctx)?),
        _ => {
            let change = |lines: ValueLines<'_>, to: RawMut<'_>| block(lines.start, lines.data, to);
            transform(operation, a, (types, &change), place, ctx)
        }
    }
}

/// Values in memory that depend only on other values; nothing else is read. `operation` is its name in plans and the
/// work for a value. The first value that fails is the error.
pub(crate) fn values_in_memory(
    (operation, work): (&'static str, f64),
    data: &RawBuffer,
    (dtype, block): (Option<DType>, &MakeValues<'_>),
    ctx: &Context,
) -> Result<RawBuffer> {
    let bytes = (data.len() as u64).saturating_mul(width(dtype) as u64);
    let left = memory_left(bytes, &Place::Memory, ctx)?;
    let mut panels = EntryPanels::within(left, 1, &[], data)?;
    let _running = ctx.begin(|| {
        let plan = panels.reading.plan(operation).throughout(bytes);
        Ok(plan.works(data.len() as u64, work))
    })?;
    let mut values = ctx.raw_zeros("the values", (dtype, data.len()))?;
    panels.sweep(ctx, &mut |start, _, data| {
        let mut values = values.as_mut();
        let to = values.slice_mut(start..start + data.len()).par_chunks_mut(TASK);
        let failed = ctx.with_threads(|| {
            to.enumerate().find_map_first(|(task, to)| {
                let at = task * TASK;
                block(start + at, data.slice(at..at + to.len()), to).err()
            })
        });
        failed.map_or(Ok(()), Err)
    })?;
    Ok(values.freeze())
}

/// The same entries with values, indices and pointers of these types, the values computed by `change` for some lines;
/// their indices are checked before they are passed to it. In memory the structure is shared, so it must have its
/// types.
pub(crate) fn transform(
    (operation, work): (&'static str, f64),
    a: &AnyCompressed,
    (types, change): (Types, &ChangeLines<'_>),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (from, dtype, (major, minor)) = (a.types(), types.values, a.extents());
    let shared = *place == Place::Memory && Types { values: from.values, ..types } == from;
    let bytes = match shared {
        true => (a.nnz() * width(dtype)) as u64,
        false => types.bytes_of(major, a.nnz()),
    };
    check_types((types.indices, types.pointers), major, minor, a.nnz())?;
    let left = memory_left(bytes, place, ctx)?;
    let mut lines = CheckedPanels::new(&[a], LineSplit::Entries, left, ctx)?;
    let plan = lines.plan(operation).works(a.nnz() as u64, work);
    if shared {
        let _running = ctx.begin(|| Ok(plan.throughout(bytes)))?;
        let mut values = ctx.raw_zeros("the values", (dtype, a.nnz()))?;
        lines.sweep(ctx, &mut |panel| {
            let part = &panel.parts[0];
            let mut values = values.as_mut();
            let to = values.slice_mut(part.start..part.start + part.data.len());
            ctx.with_threads(|| fill(panel.first, part, change, to))
        })?;
        return a.with_data(values.freeze());
    }
    let (most, same) = (lines.most_entries(), types.indices == from.indices);
    let index = if same { 0 } else { types.indices.size() };
    let pass = Pass::new(plan).holding((most * (width(dtype) + index)) as u64);
    pass.make(
        ((a.format(), types), a.shape(), a.nnz()),
        place,
        ctx,
        &mut |writer: &mut AnyWriter| {
            let mut values = ctx.raw_work("a run of values", (dtype, most))?;
            let len = if same { 0 } else { most };
            let mut moved = IndexVec::with_capacity("a run of indices", types.indices, len, ctx)?;
            lines.sweep_part(ctx, &mut |panel| {
                let part = &panel.parts[0];
                let mut made = values.as_mut();
                let mut made = made.slice_mut(0..part.data.len());
                ctx.with_threads(|| fill(panel.first, part, change, made.reborrow()))?;
                let mut indices = part.indices;
                if !same {
                    moved.clear();
                    moved.extend_with(indices.len(), &mut |k| part.indices.at(k));
                    indices = moved.as_indices();
                }
                writer.push_panel(panel.closes, part.indptr, (indices.raw(), made.as_raw()))
            })
        },
    )
}

/// The new values of a run of lines.
fn fill(
    first: usize,
    part: &CheckedLines<'_>,
    change: &ChangeLines<'_>,
    mut to: RawMut<'_>,
) -> Result<()> {
    let parts = (part.data.len() / TASK).max(1);
    let tasks: Vec<_> = partition::split(part.indptr, parts)
        .into_iter()
        .map(|lines| {
            let entries = part.indptr.at(lines.start)..part.indptr.at(lines.end);
            let mine = to.take_front(entries.len());
            (lines, entries, mine)
        })
        .collect();
    let tasks = tasks.into_par_iter();
    let failed = tasks.find_map_first(|(lines, entries, to): (Range<usize>, Range<usize>, _)| {
        let ends = part.indptr.slice(lines.start..lines.end + 1);
        let (first, start) = (first + lines.start, part.start + entries.start);
        let (indices, data) = (part.indices.slice(entries.clone()), part.data.slice(entries));
        change(ValueLines { first, start, ends, indices, data }, to).err()
    });
    failed.map_or(Ok(()), Err)
}
