//! Dense arrays to write: new ones on their way to their place, and stored ones opened for writing.

use std::fmt;
use std::ops::Deref;
use std::path::Path;

use ndarray::{ArrayViewMut, Dimension, IntoDimension, Ix2, ShapeBuilder};

use crate::dense::base::{ARRAY, Dense, DenseBase, dimensions};
use crate::error::{ErrorKind, Result};
use crate::storage::{
    ArrayWriter, BufferMut, Context, Element, NpyHeader, Order, Place, Plan, Rewrite, Stage,
    StoredFile, Sums, map_array_mut,
};

/// The unique, writable dense array: everything that [`DenseBase`] reads, and its elements to write.
///
/// A new array in a file appears under its name when it is [closed](Self::close) or [frozen](Self::freeze); dropped
/// before, it leaves nothing behind. A stored array that was [opened for writing](Self::open_mut) is changed where it
/// lies; dropped without `close` it keeps what was written and the mark that it is unfinished. If its name was given to
/// another file meanwhile, closing fails, and the other is left alone.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.npy");
/// use outcore::{Context, Dense, DenseMut, Order};
/// let ctx = Context::new();
/// let mut a = DenseMut::<f64>::create(&path, (2, 3), Order::C, &ctx)?;
/// a.view_mut()[[1, 2]] = 5.0;
/// a.close()?;
/// assert_eq!(Dense::<f64>::open(&path)?.view()[[1, 2]], 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DenseMut<T: Element, D: Dimension = Ix2> {
    array: DenseBase<BufferMut<T>, D>,
    fate: Fate,
    ctx: Context,
    /// The sums of the file, if it was written past the map and nobody had the elements to write since.
    sums: Option<Sums>,
}

/// What closing means.
enum Fate {
    /// A new array: publish it.
    Publish(Stage),
    /// A stored array: write it back and sum it again.
    Rewrite(Rewrite),
}

impl<T: Element, D: Dimension> DenseMut<T, D> {
    /// A new array of zeros at `place`. In a file its whole size is reserved now, so that a full disk is an error here
    /// and never a signal later.
    pub fn create(
        place: impl Into<Place>,
        shape: impl IntoDimension<Dim = D>,
        order: Order,
        ctx: &Context,
    ) -> Result<Self> {
        let shape = shape.into_dimension();
        let header = NpyHeader::new(T::DTYPE, shape.slice(), order);
        let place = place.into();
        let stage = Stage::file(&place, ctx)?;
        if place == Place::Memory {
            // A shape that nobody can count is one in memory as well, and no matter of the limit.
            header.checked_bytes()?;
        }
        let buffer = stage.array(ARRAY, T::DTYPE, &header)?.into_typed();
        let array = DenseBase { buffer, shape, order };
        Ok(DenseMut { array, fate: Fate::Publish(stage), ctx: ctx.clone(), sums: None })
    }

    /// Opens the array in a `.npy` file for reading and writing where it lies, alone.
    ///
    /// Fails as [`Dense::open`] does, and if anybody, this process included, has the file open; space is reserved for its
    /// holes, so that a full disk is an error here. Its checksums are removed now and written again by
    /// [`close`](Self::close). Until then the file is marked as being changed, and [`Dense::open`] refuses it; one that an
    /// earlier writer left so can be opened here, to be written anew.
    pub fn open_mut(path: impl AsRef<Path>, ctx: &Context) -> Result<Self> {
        let path = path.as_ref();
        loop {
            match Self::map_mut(StoredFile::at(path)?, ctx) {
                // Another took its place since it was opened: that one is opened then.
                Err(error) if error.kind() == ErrorKind::Replaced => {}
                outcome => return outcome,
            }
        }
    }

    fn map_mut(stored: StoredFile, ctx: &Context) -> Result<Self> {
        let (header, buffer) = map_array_mut(&stored, T::DTYPE, &[(T::DTYPE, 1)])?;
        let shape = dimensions(&header.shape).map_err(|e| e.in_file(stored.path()))?;
        let fate = Fate::Rewrite(Rewrite::start(stored, &buffer)?);
        let array = DenseBase { buffer: buffer.into_typed(), shape, order: header.order };
        Ok(DenseMut { array, fate, ctx: ctx.clone(), sums: None })
    }

    /// The whole array as a writable `ndarray` view.
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T, D> {
        self.sums = None;
        let shape = self.array.shape.clone().set_f(self.array.order == Order::Fortran);
        ArrayViewMut::from_shape(shape, &mut self.array.buffer)
            .expect("the constructor compared shape and length")
    }

    /// The elements as they lie in memory, in [`order`](DenseBase::order).
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.sums = None;
        &mut self.array.buffer
    }

    /// Writes changed elements to the device and waits for it. Nothing to do for memory.
    pub fn flush(&self) -> Result<()> {
        self.array.buffer.flush()
    }

    /// Ends the writing and reports any error of it: a new array is published, a stored one written back.
    ///
    /// Cost: what is not on the device yet is written; the file is read once for its checksums, unless it was larger than
    /// half the memory limit and last written as a whole, by lines.
    pub fn close(self) -> Result<()> {
        self.freeze().map(drop)
    }

    /// Like [`close`](Self::close), and hands back the same elements, shared and immutable.
    pub fn freeze(self) -> Result<Dense<T, D>> {
        let _running = self.ctx.begin(|| Ok(self.plan_to_close()))?;
        let DenseMut { array: DenseBase { buffer, shape, order }, fate, ctx, sums } = self;
        let buffer = buffer.into_raw();
        let buffer = match fate {
            Fate::Publish(stage) => {
                let header = NpyHeader::new(T::DTYPE, shape.slice(), order);
                let buffer = match sums {
                    Some(_) => stage.finish_summed(ARRAY, buffer, &header, sums)?,
                    None => stage.finish(ARRAY, buffer, &header)?,
                };
                stage.publish(ARRAY)?;
                buffer
            }
            Fate::Rewrite(rewrite) => rewrite.end(buffer, sums, &ctx)?,
        };
        Ok(DenseBase { buffer: buffer.into_typed(), shape, order })
    }

    fn plan_to_close(&self) -> Plan {
        let plan = Plan::new("closing a dense array");
        let bytes = size_of_val(&*self.buffer) as u64;
        match (&self.fate, self.buffer.origin()) {
            (_, None) => plan.beside(bytes),
            _ if self.sums.is_some() => plan,
            (Fate::Publish(stage), _) if stage.is_scratch() => plan.writes(bytes),
            (Fate::Publish(_), _) => plan.writes(bytes).reads(0, bytes),
            (Fate::Rewrite(_), _) => plan.reads(0, bytes),
        }
    }

    /// Whether the array is a file in which nothing stands behind it, which can be written past its map.
    pub(super) fn fills_its_file(&self) -> bool {
        ArrayWriter::can_write_over(&self.array.buffer)
    }

    /// The elements, for whoever writes the whole file past the map and says with [`summed`](Self::summed) when it is done.
    pub(super) fn buffer_to_write(&mut self) -> &mut BufferMut<T> {
        self.sums = None;
        &mut self.array.buffer
    }

    /// Takes note of the sums of the whole file as it is now.
    pub(super) fn summed(&mut self, sums: Sums) {
        self.sums = Some(sums);
    }

    /// The context the array was made with.
    pub(crate) fn context(&self) -> &Context {
        &self.ctx
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
