//! Dense arrays from files: mapped, or read as a copy to any place.

use std::path::Path;

use ndarray::{Dimension, IntoDimension};

use crate::dense::any_dense::{AnyDense, check_dimensions};
use crate::dense::base::Dense;
use crate::dense::panels::DensePanels;
use crate::dense::writer::AnyDenseWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::work;
use crate::storage::{
    ByteOrder, Context, DType, Element, MEMORY_TO_READ, NpyHeader, Order, Origin, Pass, Place,
    Plan, StoredElements, StoredFile, check_closed, map_array, map_raw, open_closed, read_elements,
    read_header,
};

impl<T: Element, D: Dimension> Dense<T, D> {
    /// Maps the array in a `.npy` file, without reading or copying it; type and shape are in the file.
    ///
    /// Fails if the elements are of another type, if the array has another number of dimensions (`IxDyn` accepts any),
    /// if the file is too short, if it is open for writing or was not closed after writing, or if the elements cannot
    /// be used in place (byte order of other machines, unaligned): [`read`](Self::read) copies those.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.npy");
    /// use outcore::{Context, Dense};
    /// Dense::from(ndarray::arr2(&[[1.0f32, 2.0]])).copy_to(&path, &Context::new())?;
    /// let a = Dense::<f32>::open(&path)?;
    /// assert_eq!(a.shape(), (1, 2));
    /// assert!(Dense::<f64>::open(&path).unwrap_err().to_string().contains("expected float64, found float32"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        AnyDense::open_as(path.as_ref(), Some(T::DTYPE), D::NDIM).map(AnyDense::into_typed)
    }

    /// As [`open`](Self::open), but also opens an array whose last writer did not [close](crate::DenseMut::close) it:
    /// some elements may be old and some new.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.npy");
    /// use outcore::{Context, Dense, DenseMut, ErrorKind};
    /// let ctx = Context::new();
    /// Dense::from(ndarray::arr2(&[[1.0f32, 2.0]])).copy_to(&path, &ctx)?;
    /// let mut a = DenseMut::<f32>::open_mut(&path, &ctx)?;
    /// a.as_mut_slice()[0] = 5.0;
    /// drop(a); // and not closed
    /// assert_eq!(Dense::<f32>::open(&path).unwrap_err().kind(), ErrorKind::Unfinished);
    /// assert_eq!(Dense::<f32>::open_unfinished(&path)?.as_slice(), [5.0, 2.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_unfinished(path: impl AsRef<Path>) -> Result<Self> {
        AnyDense::open_unfinished(path.as_ref(), T::DTYPE, D::NDIM).map(AnyDense::into_typed)
    }

    /// Copies the array in a `.npy` file to `place`, in native byte order.
    ///
    /// Cost: one pass over the file and one sequential write. Memory: the result, unless it goes to a file.
    pub fn read(path: impl AsRef<Path>, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let kind = (T::DTYPE, D::NDIM);
        AnyDense::read_as(path.as_ref(), kind, &place.into(), ctx).map(AnyDense::into_typed)
    }

    /// Maps elements in a file without a header: NumPy's `memmap(path, dtype, "r", offset, shape, order)`.
    ///
    /// `offset` is in bytes. Fails if the file is too short or `offset` is not a multiple of the element's alignment:
    /// [`read_raw`](Self::read_raw) copies elements at any offset.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.raw");
    /// use outcore::{Dense, Order};
    /// std::fs::write(&path, 7u32.to_le_bytes())?;
    /// let a = Dense::<u32>::from_raw(&path, 0, (1, 1), Order::C)?;
    /// assert_eq!(a.as_ndarray()[[0, 0]], 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("memmap", "fromfile"))]
    pub fn from_raw(
        path: impl AsRef<Path>,
        offset: u64,
        shape: impl IntoDimension<Dim = D>,
        order: Order,
    ) -> Result<Self> {
        let shape = shape.into_dimension();
        AnyDense::from_raw(path.as_ref(), offset, T::DTYPE, shape.slice(), order)
            .map(AnyDense::into_typed)
    }

    /// Copies elements in a file without a header to `place`, in native byte order, including those that
    /// [`from_raw`](Self::from_raw) cannot use: at unaligned offsets, or in the byte order of other machines.
    ///
    /// `offset` is in bytes. A byte of a `bool` array that is not 0 counts as true. Cost: one pass over the elements
    /// and one sequential write. Memory: the result, unless it goes to a file. Fails if the file is too short.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.raw");
    /// use outcore::{ByteOrder, Context, Dense, Order, Place};
    /// std::fs::write(&path, [9, 0, 0, 0, 7])?;
    /// let (place, ctx) = (Place::Memory, Context::new());
    /// # let swapped = if cfg!(target_endian = "little") { ByteOrder::Swapped } else { ByteOrder::Native };
    /// let a = Dense::<u32>::read_raw(&path, 1, (1, 1), Order::C, swapped, place, &ctx)?;
    /// assert_eq!(a.as_slice(), [7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_raw(
        path: impl AsRef<Path>,
        offset: u64,
        shape: impl IntoDimension<Dim = D>,
        order: Order,
        byte_order: ByteOrder,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let (place, shape) = (place.into(), shape.into_dimension());
        let what = (T::DTYPE, shape.slice(), order);
        AnyDense::read_raw(path.as_ref(), (offset, byte_order), what, &place, ctx)
            .map(AnyDense::into_typed)
    }

    /// Copies the array to `place`, in the same order.
    ///
    /// Cost: one read and one sequential write of the elements. Memory: the result, unless it goes to a file, and for a
    /// file larger than half the limit four panels of at most 12 MiB.
    #[doc(alias("save", "save_npz", "MatView"))]
    pub fn copy_to(&self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        self.to_any().copied(&place.into(), ctx).map(AnyDense::into_typed)
    }
}

impl AnyDense {
    /// Maps an array of a type and a number of dimensions, if these are fixed.
    pub(crate) fn open_as(path: &Path, dtype: Option<DType>, count: Option<usize>) -> Result<Self> {
        let stored = StoredFile::at(path)?;
        let is_current =
            |a: &Self| a.buffer.origin().is_none_or(|(origin, _)| stored.is(&origin.file));
        open_closed(&stored, || Self::map_file(&stored, dtype, count), is_current)
    }

    fn open_unfinished(path: &Path, dtype: DType, count: Option<usize>) -> Result<Self> {
        Self::map_file(&StoredFile::at(path)?, Some(dtype), count)
    }

    fn map_file(stored: &StoredFile, dtype: Option<DType>, count: Option<usize>) -> Result<Self> {
        let dtype = match dtype {
            Some(dtype) => dtype,
            None => read_header(&stored.open_read()?, &stored.path())?.dtype,
        };
        let (NpyHeader { shape, order, .. }, buffer) = map_array(stored, dtype, &[(dtype, 1)])?;
        check_dimensions(&shape, count).map_err(|e| e.in_file(stored.path()))?;
        Ok(AnyDense { buffer, shape, order })
    }

    pub(crate) fn read_as(
        path: &Path,
        (dtype, count): (DType, Option<usize>),
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let stored = StoredFile::at(path)?;
        let file = stored.open_read()?;
        check_closed(&stored, false)?;
        let header = read_header(&file, path)?;
        if header.dtype != dtype {
            return Err(Error::new(ErrorKind::Type, "the array has another element type")
                .in_file(path)
                .at_field("descr")
                .expected(dtype)
                .found(header.dtype));
        }
        check_dimensions(&header.shape, count).map_err(|e| e.in_file(path))?;
        let what = (dtype, &header.shape[..], header.order);
        let from = (Origin { path: path.to_owned(), file }, StoredElements::of(&header));
        copied_from("reading a .npy file", from, what, place, ctx)
    }

    /// As [`Dense::from_raw`].
    pub(crate) fn from_raw(
        path: &Path,
        offset: u64,
        dtype: DType,
        shape: &[usize],
        order: Order,
    ) -> Result<Self> {
        let header = NpyHeader::new(dtype, shape, order);
        header.checked_bytes()?;
        let buffer = map_raw(path, offset, (dtype, header.len()))?;
        Ok(AnyDense { buffer, shape: header.shape, order })
    }

    /// As [`Dense::read_raw`].
    pub(crate) fn read_raw(
        path: &Path,
        (offset, byte_order): (u64, ByteOrder),
        (dtype, shape, order): (DType, &[usize], Order),
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let header = NpyHeader::new(dtype, shape, order);
        let bytes = header.checked_bytes()?;
        let file = StoredFile::at(path)?.open_read()?;
        let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
        if length.saturating_sub(offset) < bytes {
            return Err(Error::new(ErrorKind::Format, "the file is too short for its shape")
                .in_file(path)
                .at_byte(offset)
                .expected(format!("{bytes} bytes for {shape:?}"))
                .found(length.saturating_sub(offset)));
        }
        let from = (
            Origin { path: path.to_owned(), file },
            StoredElements { start: offset, bytes, dtype, byte_order },
        );
        copied_from("reading elements", from, (dtype, shape, order), place, ctx)
    }

    pub(crate) fn copied(&self, place: &Place, ctx: &Context) -> Result<Self> {
        self.copy_as(self.order, "copying a dense array", place, ctx)
    }

    /// Copies the elements unchanged to an array declared to be in `order`.
    pub(crate) fn copy_as(
        &self,
        order: Order,
        operation: &'static str,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let what = (self.dtype(), &self.shape[..], order);
        let left = AnyDenseWriter::memory_left((self.dtype(), self.len()), place, ctx)?;
        let (all, budget) = (self.as_line(), left.min(ctx.memory_left() / 2));
        let mut panels = DensePanels::once(&all, (1, 1), budget)?;
        let each = work::COPY_BYTE * self.dtype().size() as f64;
        let pass = Pass::new(panels.reading.plan(operation).works(self.len() as u64, each));
        pass.make(what, place, ctx, &mut |writer: &mut AnyDenseWriter| {
            panels.sweep_part(ctx, &mut |panel| writer.push(panel.elements))
        })
    }
}

/// A copy of elements stored in a file.
fn copied_from(
    operation: &'static str,
    (origin, elements): (Origin, StoredElements),
    what: (DType, &[usize], Order),
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let (dtype, bytes) = (what.0, elements.bytes);
    let plan = Plan::new(operation).on_device_of(Some((&origin.path, 0))).reads(1, bytes);
    let plan = plan.works(bytes / dtype.size() as u64, work::READ_DENSE).holds(MEMORY_TO_READ);
    Pass::new(plan).make(what, place, ctx, &mut |writer: &mut AnyDenseWriter| {
        read_elements(&origin, (dtype, elements), ctx, &mut |elements| writer.push(elements))
    })
}
