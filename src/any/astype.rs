//! Conversion of typed matrices to other types of values, indices or pointers, and of untyped ones to other index
//! types.

use ndarray::Dimension;

use crate::any::dtype::lines;
use crate::any::matrix::{AnyMatrix, Body};
use crate::any::reshape::missing;
use crate::dense::Dense;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCompressed, Axis, Compressed, Coo, Types};
use crate::storage::{Context, DType, Element, Entry, Index, Place};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The same matrix with values of another type, as NumPy's `astype`; a pattern counts as ones.
    ///
    /// A number that the type has becomes itself; floating-point numbers have the nearest to any real number, as `as`
    /// makes it. Fails with kind [`Value`](crate::ErrorKind::Value), naming the first such value, if a number cannot be
    /// converted: fractions and numbers out of range for integers, anything but 0 and 1 for `bool`, an imaginary part
    /// for real types. To truncate or round values, use [`map_values`](Self::map_values).
    ///
    /// Cost: one read and one sequential write, within the memory limit whatever the matrix. In memory the structure is
    /// shared, and only values are read and converted.
    ///
    /// ```
    /// use outcore::{Context, Csr, ErrorKind, Place};
    /// let (a, ctx) = (Csr::<f64>::eye(2), Context::new());
    /// let b = a.astype::<i8>(Place::Memory, &ctx)?;
    /// assert_eq!(**b.data(), [1, 1]);
    /// let error = a.with_data(vec![0.5, 1.0])?.astype::<i8>(Place::Memory, &ctx).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Value);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn astype<U: Element>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Compressed<U, I, P, A>> {
        AnyMatrix::of_lines(self.to_any()).to_dtype(U::DTYPE, place, ctx)?.try_into()
    }

    /// The same matrix with indices and pointers of other types.
    ///
    /// Cost: one read and one sequential write, within the memory limit whatever the matrix; the indices are checked on
    /// the way. Fails with kind [`Type`](ErrorKind::Type) if the extents exceed the index type, or the number of
    /// entries the pointer type.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a: Csr<f64, u64> = Csr::<f64>::eye(2).with_index_types(Place::Memory, &Context::new())?;
    /// assert_eq!(**a.indices(), [0u64, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn with_index_types<J: Index, Q: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Compressed<T, J, Q, A>> {
        lines(&self.to_any(), Types::of::<T, J, Q>(), &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }
}

impl AnyMatrix {
    /// The same compressed matrix with indices and pointers of other types, named as in files: `Int32` or
    /// `Int64`; otherwise as [`Compressed::with_index_types`].
    ///
    /// Fails with kind [`Type`](ErrorKind::Type) for other types, and with kind [`Unsupported`](ErrorKind::Unsupported)
    /// unless the matrix is compressed.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, DType, Place};
    /// let (a, ctx) = (AnyMatrix::from(Csr::<f32>::eye(3)), Context::new());
    /// let b = a.with_index_types(DType::Int32, DType::Int64, Place::Memory, &ctx)?;
    /// assert_eq!((b.index_dtype(), b.pointer_dtype()), (Some(DType::Int32), Some(DType::Int64)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn with_index_types(
        &self,
        indices: DType,
        pointers: DType,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let Body::Lines(a) = self.body() else {
            return Err(missing("index types", self, "convert it with to_csr first"));
        };
        let types = Types {
            values: a.types().values,
            indices: in_memory(indices)?,
            pointers: in_memory(pointers)?,
        };
        lines(a, types, &place.into(), ctx).map(AnyMatrix::of_lines)
    }
}

/// The type in memory of indices with this type in a file.
fn in_memory(on_disk: DType) -> Result<DType> {
    match on_disk {
        DType::Int32 => Ok(DType::UInt32),
        DType::Int64 => Ok(DType::UInt64),
        other => Err(Error::new(ErrorKind::Type, "indices cannot have this type")
            .expected("int32 or int64")
            .found(other)),
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    /// The same matrix with values of another type; otherwise as [`Compressed::astype`].
    pub fn astype<U: Element>(&self, place: impl Into<Place>, ctx: &Context) -> Result<Coo<U, I>> {
        AnyMatrix::Coo(self.to_any()).to_dtype(U::DTYPE, place, ctx)?.try_into()
    }
}

impl<T: Element, D: Dimension> Dense<T, D> {
    /// The same array with elements of another type; otherwise as [`Compressed::astype`].
    ///
    /// ```
    /// use outcore::{Context, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(a.astype::<u8>(Place::Memory, &Context::new())?.as_slice(), [1, 2, 3, 4]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn astype<U: Element>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<U, D>> {
        AnyMatrix::Dense(self.to_any()).to_dtype(U::DTYPE, place, ctx)?.try_into()
    }
}
