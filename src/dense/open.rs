//! Dense arrays from files: mapped where they lie, or read as a copy into any place.

use std::path::Path;

use ndarray::{Dimension, IntoDimension};

use crate::dense::base::{ARRAY, Dense, dimensions};
use crate::error::Result;
use crate::storage::{
    Context, Element, NpyHeader, Order, Place, Stage, map_array, map_raw, read_array,
};

impl<T: Element, D: Dimension> Dense<T, D> {
    /// Maps the array in a `.npy` file, without reading or copying it; type and shape stand in the file.
    ///
    /// Fails if the elements are of another type, the array has another number of dimensions (`IxDyn` takes any), the
    /// file is too short, somebody has it open for writing, or the elements cannot be used where they lie (byte order
    /// of other machines, unaligned): [`read`](Self::read) copies those.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.npy");
    /// use outcore::{Context, Dense};
    /// Dense::from(ndarray::arr2(&[[1.0f32, 2.0]])).copy_to(&path, &Context::new())?;
    /// let a = Dense::<f32>::open(&path)?;
    /// assert_eq!(a.shape(), [1, 2]);
    /// assert!(Dense::<f64>::open(&path).unwrap_err().to_string().contains("expected float64, found float32"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (header, buffer) = map_array(path, &[(T::DTYPE, 1)])?;
        let shape = dimensions(&header.shape).map_err(|e| e.in_file(path))?;
        Ok(Dense { buffer, shape, order: header.order })
    }

    /// Copies the array in a `.npy` file to `place`, in native byte order.
    ///
    /// Cost: one pass over the file.
    pub fn read(path: impl AsRef<Path>, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let path = path.as_ref();
        let stage = Stage::file(&place.into(), ctx)?;
        let (header, buffer) = read_array(path, &stage, ARRAY, ctx)?;
        let shape = dimensions(&header.shape).map_err(|e| e.in_file(path))?;
        stage.publish(ARRAY)?;
        Ok(Dense { buffer, shape, order: header.order })
    }

    /// Maps elements in a file without a header: NumPy's `memmap(path, dtype, "r", offset, shape, order)`.
    ///
    /// `offset` is in bytes. Fails if the file is too short or `offset` is no multiple of the element's alignment.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.raw");
    /// use outcore::{Dense, Order};
    /// std::fs::write(&path, 7u32.to_le_bytes())?;
    /// let a = Dense::<u32>::from_raw(&path, 0, (1, 1), Order::C)?;
    /// assert_eq!(a.view()[[0, 0]], 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_raw(
        path: impl AsRef<Path>,
        offset: u64,
        shape: impl IntoDimension<Dim = D>,
        order: Order,
    ) -> Result<Self> {
        let shape = shape.into_dimension();
        let header = NpyHeader::new(T::DTYPE, shape.slice(), order);
        header.checked_bytes()?;
        let buffer = map_raw(path.as_ref(), offset, header.len())?;
        Ok(Dense { buffer, shape, order })
    }

    /// Copies the array to `place`, in the same order.
    ///
    /// Cost: one read and one write of the elements, and one more read for the checksums of a file.
    pub fn copy_to(&self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let stage = Stage::file(&place.into(), ctx)?;
        let header = NpyHeader::new(T::DTYPE, self.shape(), self.order);
        let mut copy = stage.array::<T>(ARRAY, &header)?;
        copy.copy_from_slice(&self.buffer);
        let buffer = stage.finish(ARRAY, copy, &header)?;
        stage.publish(ARRAY)?;
        Ok(Dense { buffer, shape: self.shape.clone(), order: self.order })
    }
}
