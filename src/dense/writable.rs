//! Dense arrays to write: new ones, not yet published, and stored ones opened for writing.

use std::fmt;
use std::ops::Deref;
use std::path::Path;

use ndarray::{ArrayViewMut, Dimension, IntoDimension, Ix2, ShapeBuilder};

use crate::dense::any_dense::{AnyDense, check_dimensions, dimensions};
use crate::dense::base::{ARRAY, Dense, DenseBase};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::raw::RawMut;
use crate::storage::{
    BufferMut, Checksums, Context, DType, Element, NpyHeader, Order, Origin, Place, Plan,
    RawBuffer, RawBufferMut, RawWriter, Rewrite, Stage, StoredFile, lock_shared, map_array_mut,
    map_raw_mut,
};

/// A unique, writable dense array: all reads of [`DenseBase`], and write access to its elements.
///
/// A new array in a file appears under its name when it is [closed](Self::close) or [frozen](Self::freeze); dropped
/// before, it leaves nothing behind. A stored array that was [opened for writing](Self::open_mut) is changed in place.
/// Dropped without `close`, it keeps the changes and the mark that it is unfinished. If its name was given to another
/// file meanwhile, closing fails, and the other file is not touched.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.npy");
/// use outcore::{Context, Dense, DenseMut, Order};
/// let ctx = Context::new();
/// let mut a = DenseMut::<f64>::create((2, 3), Order::C, &path, &ctx)?;
/// a.as_ndarray_mut()[[1, 2]] = 5.0;
/// a.close()?;
/// assert_eq!(Dense::<f64>::open(&path)?.as_ndarray()[[1, 2]], 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DenseMut<T: Element, D: Dimension = Ix2> {
    array: DenseBase<BufferMut<T>, D>,
    state: State,
}

/// A [`DenseMut`] of any type.
pub(crate) struct AnyDenseMut {
    buffer: RawBufferMut,
    shape: Vec<usize>,
    order: Order,
    state: State,
}

/// The state of a writable array besides its elements.
struct State {
    fate: Fate,
    ctx: Context,
    /// The sums of the file, if it was written past the map and the elements have not been writable since.
    sums: Option<Checksums>,
}

/// What closing does.
enum Fate {
    /// A new array: publish it.
    Publish(Stage),
    /// A stored array: write it back and sum it again.
    Rewrite(Rewrite),
    /// A new file without a header: publish it.
    PublishRaw(Stage),
    /// A file without a header: write it back.
    Raw,
}

impl<T: Element, D: Dimension> DenseMut<T, D> {
    /// A new array of zeros at `place`. In a file the full size is reserved now, so that a full disk is an error here
    /// and never a signal later.
    pub fn create(
        shape: impl IntoDimension<Dim = D>,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let shape = shape.into_dimension();
        AnyDenseMut::create(&place.into(), (T::DTYPE, shape.slice(), order), ctx)
            .map(AnyDenseMut::into_typed)
    }

    /// Opens the array in a `.npy` file for reading and writing in place, exclusively.
    ///
    /// Fails as [`Dense::open`] does, and if any process, including this one, has the file open; space is reserved for
    /// its holes, so that a full disk is an error here. Its checksums are removed now and written again by
    /// [`close`](Self::close). Until then the file is marked as being changed, and [`Dense::open`] refuses it. A file
    /// that an earlier writer left marked can be opened here, to be rewritten.
    #[doc(alias = "memmap")]
    pub fn open_mut(path: impl AsRef<Path>, ctx: &Context) -> Result<Self> {
        AnyDenseMut::open_mut(path.as_ref(), T::DTYPE, D::NDIM, ctx).map(AnyDenseMut::into_typed)
    }

    /// The whole array as a writable `ndarray` view.
    pub fn as_ndarray_mut(&mut self) -> ArrayViewMut<'_, T, D> {
        self.state.sums = None;
        let shape = self.array.shape.clone().set_f(self.array.order == Order::Fortran);
        ArrayViewMut::from_shape(shape, &mut self.array.buffer)
            .expect("the constructor compared shape and length")
    }

    /// The elements in memory order, that is in [`order`](DenseBase::order).
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.state.sums = None;
        &mut self.array.buffer
    }

    /// Writes changed elements to the device and waits. Does nothing for memory.
    pub fn flush(&self) -> Result<()> {
        self.array.buffer.flush()
    }

    /// Ends the writing and reports any error: a new array is published, a stored one written back.
    ///
    /// Cost: pages not on the device yet are written; the file is read once for its checksums, unless it was larger
    /// than half the memory limit and last written as a whole, line by line.
    pub fn close(self) -> Result<()> {
        self.freeze().map(drop)
    }

    /// Like [`close`](Self::close), and returns the same elements, shared and immutable.
    pub fn freeze(self) -> Result<Dense<T, D>> {
        let DenseMut { array: DenseBase { buffer, shape, order }, state } = self;
        let (buffer, shape) = (buffer.into_raw(), shape.slice().to_vec());
        AnyDenseMut { buffer, shape, order, state }.freeze().map(AnyDense::into_typed)
    }

    /// The context the array was made with.
    pub(crate) fn context(&self) -> &Context {
        &self.state.ctx
    }

    /// The array, for writing elements with their type known at run time.
    pub(crate) fn being_written(&mut self) -> ArrayToWrite<'_> {
        let State { ctx, sums, .. } = &mut self.state;
        ArrayToWrite { buffer: self.array.buffer.raw_mut(), sums, ctx }
    }
}

impl AnyDenseMut {
    /// A new array of zeros of a type, a shape and an order at `place`.
    pub(crate) fn create(
        place: &Place,
        (dtype, shape, order): (DType, &[usize], Order),
        ctx: &Context,
    ) -> Result<Self> {
        let header = NpyHeader::new(dtype, shape, order);
        let stage = Stage::file(place, ctx)?;
        if *place == Place::Memory {
            // A shape whose size overflows is an error of the shape, in memory also, not of the limit.
            header.checked_bytes()?;
        }
        let buffer = stage.array(ARRAY, dtype, &header)?;
        let state = State { fate: Fate::Publish(stage), ctx: ctx.clone(), sums: None };
        Ok(AnyDenseMut { buffer, shape: header.shape, order, state })
    }

    /// Opens an array of a type and a number of dimensions, if these are fixed.
    fn open_mut(path: &Path, dtype: DType, count: Option<usize>, ctx: &Context) -> Result<Self> {
        loop {
            match Self::map_mut(StoredFile::at(path)?, dtype, count, ctx) {
                // It was replaced since it was opened: the new one is opened.
                Err(error) if error.kind() == ErrorKind::Replaced => {}
                outcome => return outcome,
            }
        }
    }

    fn map_mut(
        stored: StoredFile,
        dtype: DType,
        count: Option<usize>,
        ctx: &Context,
    ) -> Result<Self> {
        let (NpyHeader { shape, order, .. }, buffer) =
            map_array_mut(&stored, dtype, &[(dtype, 1)])?;
        check_dimensions(&shape, count).map_err(|e| e.in_file(stored.path()))?;
        let fate = Fate::Rewrite(Rewrite::start(stored, &buffer)?);
        let state = State { fate, ctx: ctx.clone(), sums: None };
        Ok(AnyDenseMut { buffer, shape, order, state })
    }

    /// A new array of zeros in a file without a header.
    pub(super) fn create_raw(
        (dtype, shape, order): (DType, &[usize], Order),
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let header = NpyHeader::new(dtype, shape, order);
        let stage = Stage::plain(place, ctx)?;
        let buffer = stage.headerless(ARRAY, dtype, &header)?;
        let state = State { fate: Fate::PublishRaw(stage), ctx: ctx.clone(), sums: None };
        Ok(AnyDenseMut { buffer, shape: header.shape, order, state })
    }

    /// Opens elements in a file without a header for reading and writing.
    pub(super) fn open_raw(
        path: &Path,
        offset: u64,
        (dtype, shape, order): (DType, &[usize], Order),
        ctx: &Context,
    ) -> Result<Self> {
        let header = NpyHeader::new(dtype, shape, order);
        header.checked_bytes().map_err(|e| e.in_file(path))?;
        let buffer = map_raw_mut(path, offset, (dtype, header.len()))?;
        let state = State { fate: Fate::Raw, ctx: ctx.clone(), sums: None };
        Ok(AnyDenseMut { buffer, shape: header.shape, order, state })
    }

    /// As an array of the type and the number of dimensions with which it was made.
    pub(super) fn into_typed<T: Element, D: Dimension>(self) -> DenseMut<T, D> {
        let AnyDenseMut { buffer, shape, order, state } = self;
        let (buffer, shape) = (buffer.into_typed(), dimensions(&shape));
        DenseMut { array: DenseBase { buffer, shape, order }, state }
    }

    /// The elements in memory order.
    pub(crate) fn elements_mut(&mut self) -> RawMut<'_> {
        self.state.sums = None;
        self.buffer.as_mut()
    }

    /// Ends the writing, and returns the same elements, shared and immutable.
    pub(crate) fn freeze(self) -> Result<AnyDense> {
        let _running = self.state.ctx.begin(|| Ok(self.plan_to_close()))?;
        let AnyDenseMut { buffer, shape, order, state: State { fate, ctx, sums } } = self;
        let buffer = match fate {
            Fate::Publish(stage) => {
                let dtype = buffer.dtype().expect("elements have a type");
                let header = NpyHeader::new(dtype, &shape, order);
                let buffer = match sums {
                    Some(_) => stage.finish_summed(ARRAY, buffer, &header, sums)?,
                    None => stage.finish(ARRAY, buffer, &header)?,
                };
                stage.publish(ARRAY)?;
                buffer
            }
            Fate::Rewrite(rewrite) => rewrite.end(buffer, sums, &ctx)?,
            Fate::PublishRaw(stage) => {
                let buffer = finish_raw(buffer, &ctx)?;
                stage.publish(ARRAY)?;
                buffer
            }
            Fate::Raw => finish_raw(buffer, &ctx)?,
        };
        Ok(AnyDense { buffer, shape, order })
    }

    fn plan_to_close(&self) -> Plan {
        let plan = Plan::new("closing a dense array");
        let bytes = self.buffer.bytes();
        match (&self.state.fate, self.buffer.origin()) {
            (_, None) => plan.throughout(bytes),
            _ if self.state.sums.is_some() => plan,
            (Fate::Publish(stage), _) if stage.is_scratch() => plan.writes(bytes),
            (Fate::Publish(_), _) => plan.writes(bytes).reads(0, bytes),
            (Fate::Rewrite(_), _) => plan.reads(0, bytes),
            (Fate::PublishRaw(_) | Fate::Raw, _) => plan.writes(bytes),
        }
    }
}

/// Writes the elements of a file without a header to the device.
fn finish_raw(buffer: RawBufferMut, ctx: &Context) -> Result<RawBuffer> {
    ctx.meter().wrote(buffer.bytes());
    buffer.flush()?;
    let buffer = buffer.freeze();
    if let Some((Origin { path, file }, _)) = buffer.origin() {
        file.sync_all().map_err(|e| Error::io("writing back", path, e))?;
        lock_shared(file, path)?;
    }
    Ok(buffer)
}

/// The elements of a writable array, with their type known at run time.
pub(crate) struct ArrayToWrite<'a> {
    buffer: &'a mut RawBufferMut,
    sums: &'a mut Option<Checksums>,
    /// The context the array was made with.
    pub(crate) ctx: &'a Context,
}

impl ArrayToWrite<'_> {
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) fn dtype(&self) -> DType {
        self.buffer.dtype().expect("elements have a type")
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.buffer.bytes()
    }

    /// The file behind the elements and the byte offset at which they begin; `None` for memory.
    pub(crate) fn file(&self) -> Option<(&Path, u64)> {
        self.buffer.file()
    }

    /// The open file behind the elements and the byte offset at which they begin.
    pub(crate) fn origin(&self) -> Option<(&Origin, u64)> {
        self.buffer.origin()
    }

    /// Whether the array is the end of its file, so that it can be written past its map.
    pub(crate) fn fills_its_file(&self) -> bool {
        RawWriter::can_write_over(self.buffer)
    }

    pub(crate) fn elements(&mut self) -> RawMut<'_> {
        *self.sums = None;
        self.buffer.as_mut()
    }

    /// Writes the whole file past the map, until [`finish_over`](Self::finish_over).
    pub(crate) fn write_over(&mut self) -> Result<RawWriter> {
        *self.sums = None;
        RawWriter::over(self.buffer, self.ctx)
    }

    /// Records that the whole file was written.
    pub(crate) fn finish_over(&mut self, writer: RawWriter) -> Result<()> {
        *self.sums = Some(writer.finish_over(self.len())?);
        Ok(())
    }
}

impl<T: Element, D: Dimension> Deref for DenseMut<T, D> {
    type Target = DenseBase<BufferMut<T>, D>;

    fn deref(&self) -> &Self::Target {
        &self.array
    }
}

impl<T: Element, D: Dimension> fmt::Debug for DenseMut<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.array.fmt(f)
    }
}
