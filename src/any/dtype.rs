//! Converting the values or the indices of a matrix to another type.

use crate::any::convert_values::rewrite;
use crate::any::matrix::{AnyMatrix, Body};
use crate::any::reshape::missing;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::{ValueLines, map, transform, values_in_memory};
use crate::sparse;
use crate::sparse::{
    AnyCoo, AnyCooWriter, CooTypes, EntryPanels, IndexVec, Types, check_types, coo_bytes, largest,
    memory_left,
};
use crate::storage::parallel::Tasks;
use crate::storage::raw::{Raw, RawMut};
use crate::storage::work;
use crate::storage::{Context, DType, Pass, Place, RawBuffer};

/// Values of a task.
const TASK: usize = 1 << 14;

impl AnyMatrix {
    /// The same matrix with values of another type; a pattern counts as ones.
    ///
    /// A number that the type can represent is unchanged. Floating-point types get the nearest number, as by `as`.
    /// Fails with kind [`Value`](ErrorKind::Value), naming the position of the first such value in the value array, if
    /// a number cannot be converted: fractions and numbers out of range for integers, anything but 0 and 1 for `bool`,
    /// an imaginary part for real types. Fails with kind [`Unsupported`](ErrorKind::Unsupported) for a type that this
    /// build of the library does not include.
    ///
    /// Cost: one read and one sequential write, within the memory limit whatever the matrix. In memory the structure of
    /// a sparse matrix is shared, and only values are read and converted.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, DType, ErrorKind, Place};
    /// let ctx = Context::new();
    /// let a = AnyMatrix::from(Csr::<i32>::eye(2).with_data(vec![1, 300])?);
    /// let b = a.to_dtype(DType::Float32, Place::Memory, &ctx)?;
    /// assert_eq!(**Csr::<f32>::try_from(b)?.data(), [1.0, 300.0]);
    /// let error = a.to_dtype(DType::UInt8, Place::Memory, &ctx).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Value);
    /// assert!(error.to_string().starts_with("position 1: "));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_dtype(&self, dtype: DType, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let place = place.into();
        if cfg!(not(feature = "half")) && matches!(dtype, DType::Float16 | DType::BFloat16) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this build does not support this element type",
            )
            .found(dtype)
            .remedy("compile with the feature half"));
        }
        TO_DTYPE.of(self, dtype, &place, ctx)
    }

    /// The same sparse matrix with indices of `Int32` or `Int64`, as they are called in files; so are pointers, if
    /// that type holds the number of entries.
    ///
    /// Cost: one read and one sequential write; a matrix in memory with such indices shares its arrays with a result in
    /// memory. Fails with kind [`Type`](ErrorKind::Type) for another type, or if it does not hold all indices, and with
    /// kind [`Unsupported`](ErrorKind::Unsupported) for a dense matrix, which has none.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, DType, Place};
    /// let a = AnyMatrix::from(Csr::<f32>::eye(2));
    /// let b = a.to_indices(DType::Int64, Place::Memory, &Context::new())?;
    /// assert_eq!((b.index_dtype(), b.nnz()), (Some(DType::Int64), 2));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_indices(&self, index: DType, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let indices = match index {
            DType::Int32 | DType::UInt32 => DType::UInt32,
            DType::Int64 | DType::UInt64 => DType::UInt64,
            other => {
                return Err(Error::new(ErrorKind::Type, "indices cannot have this type")
                    .expected("int32 or int64")
                    .found(other));
            }
        };
        let place = place.into();
        match self.body() {
            Body::Dense(_) => Err(missing("indices", self, "convert it with to_csr first")),
            Body::Lines(a) => {
                let fits = a.nnz() <= largest(indices);
                let pointers = if fits { indices } else { DType::UInt64 };
                let types = Types { indices, pointers, ..a.types() };
                lines(a, types, &place, ctx).map(AnyMatrix::of_lines)
            }
            Body::Coo(a) => {
                coo(a, (a.dtype(), indices), &TO_DTYPE, &place, ctx).map(AnyMatrix::Coo)
            }
        }
    }
}

/// A conversion of values.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    /// Its name in plans.
    pub(super) name: &'static str,
    /// An operation on the converted values.
    pub(super) after: &'a (dyn Fn(RawMut<'_>) + Sync),
}

const TO_DTYPE: Change<'static> = Change { name: "changing the type", after: &|_| {} };

impl Change<'_> {
    /// Writes a run of values, starting with position `start`, on the threads of the caller's context.
    fn make(&self, start: usize, from: Raw<'_>, mut to: RawMut<'_>) -> Result<()> {
        let dtype = to.dtype();
        let made = match from.dtype() == dtype {
            true => {
                to.copy_from(from);
                Ok(())
            }
            false => rewrite(from, to.reborrow()),
        };
        to.par_chunks_mut(TASK).for_each(|task| (self.after)(task));
        made.map_err(|(k, number)| {
            let error = Error::new(ErrorKind::Value, "a value does not fit in the requested type");
            let expected = dtype.map_or("a number", DType::name);
            error.at(Location::Position((start + k) as u64)).expected(expected).found(number)
        })
    }

    /// The matrix with values of a type, changed.
    pub(super) fn of(
        &self,
        a: &AnyMatrix,
        dtype: DType,
        place: &Place,
        ctx: &Context,
    ) -> Result<AnyMatrix> {
        let changed = match a.body() {
            Body::Dense(a) => {
                let block =
                    |start: usize, from: Raw<'_>, to: RawMut<'_>| self.make(start, from, to);
                let operation = (self.name, work::CHANGE_TYPE);
                map(operation, a, (dtype, &block), place, ctx).map(AnyMatrix::Dense)
            }
            Body::Lines(a) => {
                let types = Types { values: Some(dtype), ..a.types() };
                changed(a, types, self, place, ctx).map(AnyMatrix::of_lines)
            }
            Body::Coo(a) => {
                coo(a, (Some(dtype), a.types().1), self, place, ctx).map(AnyMatrix::Coo)
            }
        };
        changed.map_err(|error| placed(a, error))
    }
}

/// Adds the file, row and column of a value to an error about it.
fn placed(a: &AnyMatrix, error: Error) -> Error {
    let Some(&Location::Position(position)) = error.location() else { return error };
    if error.kind() != ErrorKind::Value {
        return error;
    }
    let found = error.finding().unwrap_or_default().to_owned();
    let error = match a.values().file() {
        Some((path, _)) => error.in_file(path),
        None => error,
    };
    match a.coordinates_of(position as usize) {
        Some((row, column)) => error.found(format!("{found} in row {row}, column {column}")),
        None => error,
    }
}

/// The matrix with values, indices and pointers of these types.
pub(super) fn lines(
    a: &sparse::AnyCompressed,
    types: Types,
    place: &Place,
    ctx: &Context,
) -> Result<sparse::AnyCompressed> {
    changed(a, types, &TO_DTYPE, place, ctx)
}

fn changed(
    a: &sparse::AnyCompressed,
    types: Types,
    change: &Change<'_>,
    place: &Place,
    ctx: &Context,
) -> Result<sparse::AnyCompressed> {
    if *place == Place::Memory && (Types { values: a.types().values, ..types }) == a.types() {
        return a.with_data(in_memory(a.data(), types.values, change, ctx)?);
    }
    let lines = |lines: ValueLines<'_>, to: RawMut<'_>| change.make(lines.start, lines.data, to);
    transform((change.name, work::CHANGE_TYPE), a, (types, &lines), place, ctx)
}

/// Values of another type, in memory; nothing else is read.
fn in_memory(
    data: &RawBuffer,
    dtype: Option<DType>,
    change: &Change<'_>,
    ctx: &Context,
) -> Result<RawBuffer> {
    let block = |start: usize, from: Raw<'_>, to: RawMut<'_>| change.make(start, from, to);
    values_in_memory((change.name, work::CHANGE_TYPE), data, (dtype, &block), ctx)
}

fn coo(
    a: &AnyCoo,
    types: CooTypes,
    change: &Change<'_>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCoo> {
    let (nnz, index) = (a.nnz(), a.types().1);
    if *place == Place::Memory && types.1 == index {
        return a.with_data(in_memory(a.data(), types.0, change, ctx)?);
    }
    check_types((types.1, DType::UInt64), a.shape().0, a.shape().1, nnz)?;
    let left = memory_left(coo_bytes(types, nnz), place, ctx)?;
    let mut panels = EntryPanels::within(left, 1, &[a.rows(), a.cols()], a.data())?;
    let (most, same) = (panels.max_entries_per_panel(), types.1 == index);
    let plan = panels.reading.plan(change.name).works(nnz as u64, work::CHANGE_TYPE);
    let pass = Pass::new(plan).holding(coo_bytes(types, most));
    pass.make((types, a.shape(), nnz), place, ctx, &mut |writer: &mut AnyCooWriter| {
        let mut made = ctx.raw_work("a run of values", (types.0, most))?;
        let capacity = if same { 0 } else { most };
        let moved = || IndexVec::with_capacity("a run of indices", types.1, capacity, ctx);
        let mut moved = [moved()?, moved()?];
        panels.sweep_part(ctx, &mut |start, coordinates, data| {
            let (rows, cols) = (coordinates[0], coordinates[1]);
            ctx.with_threads(|| a.check_run(start, rows, cols))?;
            let mut made = made.as_mut();
            let mut made = made.slice_mut(0..data.len());
            ctx.with_threads(|| change.make(start, data, made.reborrow()))?;
            if same {
                return writer.push(rows.raw(), cols.raw(), made.as_raw());
            }
            for (moved, from) in moved.iter_mut().zip([rows, cols]) {
                moved.clear();
                moved.extend_with(from.len(), &mut |k| from.at(k));
            }
            writer.push(moved[0].as_raw(), moved[1].as_raw(), made.as_raw())
        })
    })
}
