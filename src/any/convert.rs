//! Conversions between all kinds of matrices.

use crate::any::compressed::{AnyCompressed, AnyCsc, AnyCsr};
use crate::any::matrix::{AnyMatrix, Body};
use crate::convert::{
    canonicalize, coo_to_dense, expanded, recompress, to_compressed, to_coo, to_dense, to_nonzeros,
    to_order,
};
use crate::dense::AnyDense;
use crate::error::Result;
use crate::sparse;
use crate::sparse::{AnyCoo, Axis, Duplicates, Types, largest};
use crate::storage::{Context, DType, Order, Place, SparseFormat};

impl AnyMatrix {
    /// The matrix in compressed rows.
    ///
    /// As [`Dense::to_csr`](crate::Dense::to_csr), [`Coo::to_csr`](crate::Coo::to_csr) with duplicates summed, and
    /// [`Csc::to_csr`](crate::Csc::to_csr); compressed rows are copied. Indices keep their type. Those of a dense
    /// matrix have 32 bits if that holds every row and column, and so do pointers if that holds every possible entry.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, Dense, Place};
    /// let a = AnyMatrix::from(Dense::from(ndarray::arr2(&[[0.0, 1.0], [2.0, 0.0]])));
    /// let a = Csr::<f64>::try_from(a.to_csr(Place::Memory, &Context::new())?)?;
    /// assert_eq!(**a.data(), [1.0, 2.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csr(&self, place: impl Into<Place>, ctx: &Context) -> Result<AnyCsr> {
        compressed(self, &place.into(), ctx)
    }

    /// The matrix in compressed columns; otherwise as [`to_csr`](Self::to_csr).
    pub fn to_csc(&self, place: impl Into<Place>, ctx: &Context) -> Result<AnyCsc> {
        compressed(self, &place.into(), ctx)
    }

    /// As [`to_csr`](Self::to_csr), with several coordinates of one place treated by `duplicates`; those of a compressed
    /// matrix are, too, and its indices sorted, as by [`canonicalize`](Self::canonicalize).
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Coo, Duplicates, Place};
    /// let a = AnyMatrix::from(Coo::<f32>::from_triplets((1, 1), [(0, 0, 1.0), (0, 0, 2.0)])?);
    /// let ctx = Context::new();
    /// assert_eq!(a.to_csr_with(Duplicates::Keep, Place::Memory, &ctx)?.nnz(), 2);
    /// assert!(a.to_csr_with(Duplicates::Refuse, Place::Memory, &ctx).is_err());
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csr_with(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<AnyCsr> {
        settled(self, duplicates, &place.into(), ctx)
    }

    /// As [`to_csc`](Self::to_csc); otherwise as [`to_csr_with`](Self::to_csr_with).
    pub fn to_csc_with(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<AnyCsc> {
        settled(self, duplicates, &place.into(), ctx)
    }

    /// The matrix as coordinates, in stored order, a dense one row by row.
    ///
    /// As [`Dense::to_coo`](crate::Dense::to_coo) and [`Compressed::to_coo`](crate::Compressed::to_coo); coordinates
    /// are copied.
    pub fn to_coo(&self, place: impl Into<Place>, ctx: &Context) -> Result<AnyCoo> {
        coordinates(self, &place.into(), ctx)
    }

    /// The matrix with its zeros filled in, in the given order.
    ///
    /// As [`Compressed::to_dense`](crate::Compressed::to_dense), [`Coo::to_dense`](crate::Coo::to_dense) and
    /// [`Dense::to_order`](crate::Dense::to_order). A pattern becomes a matrix of `bool`; its values are made first, in
    /// scratch space unless they fit in a quarter of the memory limit.
    pub fn to_dense(
        &self,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<AnyDense> {
        dense(self, order, &place.into(), ctx)
    }
}

fn compressed<A: Axis>(a: &AnyMatrix, place: &Place, ctx: &Context) -> Result<AnyCompressed<A>> {
    lines(a, A::FORMAT, place, ctx).map(AnyCompressed::new)
}

fn settled<A: Axis>(
    a: &AnyMatrix,
    duplicates: Duplicates,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed<A>> {
    let body = match a.body() {
        Body::Lines(a) if a.format() == A::FORMAT => canonicalize(a, duplicates, place, ctx)?,
        Body::Lines(from) => {
            let bytes = from.types().bytes_of(from.minor(), from.nnz());
            let across = lines(a, A::FORMAT, &ctx.aside(bytes), ctx)?;
            canonicalize(&across, duplicates, place, ctx)?
        }
        Body::Coo(a) => to_compressed(a, (A::FORMAT, pointers_of(a)), duplicates, place, ctx)?,
        Body::Dense(_) => lines(a, A::FORMAT, place, ctx)?,
    };
    Ok(AnyCompressed::new(body))
}

/// The type of the pointers to the entries of coordinates.
fn pointers_of(a: &AnyCoo) -> DType {
    let (_, indices) = a.types();
    if a.nnz() <= largest(indices) { indices } else { DType::UInt64 }
}

fn lines(
    a: &AnyMatrix,
    format: SparseFormat,
    place: &Place,
    ctx: &Context,
) -> Result<sparse::AnyCompressed> {
    match a.body() {
        Body::Dense(a) => {
            let a = a.as_matrix()?;
            let indices = indices_for(a.dim());
            let pointers = if a.len() <= largest(indices) { indices } else { DType::UInt64 };
            let types = Types { values: Some(a.dtype()), indices, pointers };
            to_nonzeros(&a, (format, types), place, ctx)
        }
        Body::Lines(a) if a.format() == format => a.copy_to(place, ctx),
        Body::Lines(a) => {
            let (name, _) = a.format().swap_if_cols(("CSR to CSC", "CSC to CSR"));
            recompress(a, name, place, ctx)
        }
        Body::Coo(a) => to_compressed(a, (format, pointers_of(a)), Duplicates::Sum, place, ctx),
    }
}

/// The narrowest type for indices of all rows and columns.
fn indices_for((nrows, ncols): (usize, usize)) -> DType {
    if nrows.max(ncols) <= largest(DType::UInt32) { DType::UInt32 } else { DType::UInt64 }
}

fn coordinates(a: &AnyMatrix, place: &Place, ctx: &Context) -> Result<AnyCoo> {
    match a.body() {
        Body::Dense(a) => {
            let a = a.as_matrix()?;
            to_coo(&a, indices_for(a.dim()), place, ctx)
        }
        Body::Lines(a) => expanded(a, place, ctx),
        Body::Coo(a) => a.copied(place, ctx),
    }
}

fn dense(a: &AnyMatrix, order: Order, place: &Place, ctx: &Context) -> Result<AnyDense> {
    if a.dtype().is_none() {
        let ones = a.to_dtype(DType::Bool, ctx.aside(a.nnz() as u64), ctx)?;
        return dense(&ones, order, place, ctx);
    }
    match a.body() {
        Body::Dense(a) => to_order(&a.as_matrix()?, order, place, ctx),
        Body::Lines(a) => to_dense(a, order, place, ctx),
        Body::Coo(a) => coo_to_dense(a, order, place, ctx),
    }
}
