//! Dense arrays to write: new ones on their way to their place, and stored ones opened for writing.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use ndarray::{ArrayViewMut, Dimension, IntoDimension, Ix2, ShapeBuilder};

use crate::dense::base::{ARRAY, Dense, DenseBase, dimensions};
use crate::error::Result;
use crate::storage::{
    BufferMut, Context, Element, NpyHeader, Order, Place, Stage, end_rewrite, map_array_mut,
    start_rewrite,
};

/// The unique, writable dense array: everything that [`DenseBase`] reads, and its elements to write.
///
/// A new array in a file appears under its name when it is [closed](Self::close) or [frozen](Self::freeze); dropped
/// before, it leaves nothing behind. A stored array that was [opened for writing](Self::open_mut) is changed where it
/// lies; dropped without `close` it keeps what was written, but has no checksums any more.
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
}

/// What closing means.
enum Fate {
    /// A new array: publish it.
    Publish(Stage),
    /// A stored array: write it back and sum it again.
    Rewrite(PathBuf),
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
        let stage = Stage::file(&place.into(), ctx)?;
        let buffer = stage.array(ARRAY, &NpyHeader::new(T::DTYPE, shape.slice(), order))?;
        let array = DenseBase { buffer, shape, order };
        Ok(DenseMut { array, fate: Fate::Publish(stage), ctx: ctx.clone() })
    }

    /// Opens the array in a `.npy` file for reading and writing where it lies, alone.
    ///
    /// Fails as [`Dense::open`] does, and if anybody, this process included, has the file open. Its checksums are
    /// removed now and written again by [`close`](Self::close).
    pub fn open_mut(path: impl AsRef<Path>, ctx: &Context) -> Result<Self> {
        let path = path.as_ref();
        let (header, buffer) = map_array_mut(path, &[(T::DTYPE, 1)])?;
        let shape = dimensions(&header.shape).map_err(|e| e.in_file(path))?;
        start_rewrite(path)?;
        let array = DenseBase { buffer, shape, order: header.order };
        Ok(DenseMut { array, fate: Fate::Rewrite(path.to_owned()), ctx: ctx.clone() })
    }

    /// The whole array as a writable `ndarray` view.
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T, D> {
        let shape = self.array.shape.clone().set_f(self.array.order == Order::Fortran);
        ArrayViewMut::from_shape(shape, &mut self.array.buffer)
            .expect("the constructor compared shape and length")
    }

    /// The elements as they lie in memory, in [`order`](DenseBase::order).
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.array.buffer
    }

    /// Writes changed elements to the device and waits for it. Nothing to do for memory.
    pub fn flush(&self) -> Result<()> {
        self.array.buffer.flush()
    }

    /// Ends the writing and reports any error of it: a new array is published, a stored one written back.
    pub fn close(self) -> Result<()> {
        self.freeze().map(drop)
    }

    /// Like [`close`](Self::close), and hands back the same elements, shared and immutable.
    pub fn freeze(self) -> Result<Dense<T, D>> {
        let DenseMut { array: DenseBase { buffer, shape, order }, fate, ctx } = self;
        let buffer = match fate {
            Fate::Publish(stage) => {
                let header = NpyHeader::new(T::DTYPE, shape.slice(), order);
                let buffer = stage.finish(ARRAY, buffer, &header)?;
                stage.publish(ARRAY)?;
                buffer
            }
            Fate::Rewrite(path) => end_rewrite(&path, buffer, &ctx)?,
        };
        Ok(DenseBase { buffer, shape, order })
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

impl<T: Element, D: Dimension> DerefMut for DenseMut<T, D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.array
    }
}
