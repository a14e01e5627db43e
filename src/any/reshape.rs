//! Copies, parts, stacks and other orders.

use std::ops::Range;

use crate::any::display::Described;
use crate::any::matrix::{AnyMatrix, Body};
use crate::convert::permute;
use crate::dense::concatenate;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{Permutation, stack};
use crate::storage::{Context, Place};

impl AnyMatrix {
    /// Copies the matrix to `place`, unchanged.
    ///
    /// Cost: one read and one sequential write of the arrays, within the memory limit whatever the matrix. Indices are
    /// checked on the way.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.bspnpy");
    /// use outcore::{AnyMatrix, Context, Csr};
    /// let a = AnyMatrix::from(Csr::<f32>::eye(2)).copy_to(&path, &Context::new())?;
    /// assert_eq!(a.path(), Some(path.as_path()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn copy_to(&self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let place = place.into();
        match self.body() {
            Body::Dense(a) => a.copied(&place, ctx).map(AnyMatrix::Dense),
            Body::Lines(a) => a.copy_to(&place, ctx).map(AnyMatrix::of_lines),
            Body::Coo(a) => a.copied(&place, ctx).map(AnyMatrix::Coo),
        }
    }

    /// The transpose, without a copy: CSR becomes CSC, and a dense matrix the same elements in the other order.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Csr, SparseFormat};
    /// let a = AnyMatrix::from(Csr::<f32>::eye(2)).transpose();
    /// assert_eq!(a.format(), Some(SparseFormat::Csc));
    /// ```
    pub fn transpose(&self) -> Self {
        match self {
            // With more than two dimensions the shape is reversed; any use is an error.
            AnyMatrix::Dense(a) => {
                AnyMatrix::Dense(a.as_matrix().as_ref().unwrap_or(a).transpose())
            }
            AnyMatrix::Csr(a) => AnyMatrix::Csc(a.transpose()),
            AnyMatrix::Csc(a) => AnyMatrix::Csr(a.transpose()),
            AnyMatrix::Coo(a) => AnyMatrix::Coo(a.transpose()),
        }
    }

    /// The pattern of a sparse matrix, without a copy. Fails with kind [`Unsupported`](ErrorKind::Unsupported) for a
    /// dense one.
    pub fn pattern(&self) -> Result<Self> {
        match self {
            AnyMatrix::Dense(_) => {
                Err(missing("patterns", self, "to_csr makes a sparse matrix of it"))
            }
            AnyMatrix::Csr(a) => Ok(AnyMatrix::Csr(a.pattern())),
            AnyMatrix::Csc(a) => Ok(AnyMatrix::Csc(a.pattern())),
            AnyMatrix::Coo(a) => Ok(AnyMatrix::Coo(a.pattern())),
        }
    }

    /// The rows and columns in these ranges, as [`Compressed::slice`](crate::Compressed::slice).
    ///
    /// Fails with kind [`Unsupported`](ErrorKind::Unsupported) unless the matrix is compressed.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, Place};
    /// let a = AnyMatrix::from(Csr::<f32>::eye(5));
    /// assert_eq!(a.slice(1..3, 0..2, Place::Memory, &Context::new())?.nnz(), 1);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn slice(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        match self.body() {
            Body::Lines(a) => a.slice(rows, cols, &place.into(), ctx).map(AnyMatrix::of_lines),
            _ => Err(missing("slices", self, "to_csr makes a matrix of it that has parts")),
        }
    }

    /// The matrix with its rows and columns permuted, as [`Compressed::permute`](crate::Compressed::permute).
    ///
    /// Fails with kind [`Unsupported`](ErrorKind::Unsupported) unless the matrix is compressed.
    pub fn permute<'p>(
        &self,
        rows: impl Into<Option<&'p Permutation>>,
        cols: impl Into<Option<&'p Permutation>>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let orders = (rows.into(), cols.into());
        match self.body() {
            Body::Lines(a) => permute(a, orders, &place.into(), ctx).map(AnyMatrix::of_lines),
            _ => Err(missing("permutations", self, "to_csr makes a matrix of it that has others")),
        }
    }

    /// Stacks matrices vertically, as [`Csr::vstack`](crate::Csr::vstack) and [`Dense::vstack`](crate::Dense::vstack).
    ///
    /// Fails with kind [`Type`](ErrorKind::Type) if they are not of one kind and the same types, and with kind
    /// [`Unsupported`](ErrorKind::Unsupported) for coordinates.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, Place};
    /// let a = AnyMatrix::from(Csr::<f32>::eye(2));
    /// assert_eq!(AnyMatrix::vstack(&[&a, &a], Place::Memory, &Context::new())?.shape(), (4, 2));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn vstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(0, matrices, &place.into(), ctx)
    }

    /// Stacks matrices horizontally; otherwise as [`vstack`](Self::vstack).
    pub fn hstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(1, matrices, &place.into(), ctx)
    }
}

fn stacked(
    axis: usize,
    matrices: &[&AnyMatrix],
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let Some(first) = matrices.first() else {
        return Err(Error::new(ErrorKind::Shape, "there is no matrix to stack"));
    };
    let kind = |a: &AnyMatrix| (a.format(), a.dtype(), a.index_dtype(), a.pointer_dtype());
    if let Some(k) = matrices.iter().position(|a| kind(a) != kind(first)) {
        return Err(Error::new(ErrorKind::Type, format!("matrix {k} is of another type"))
            .expected(format!("the type of {}", Described(first.body())))
            .found(Described(matrices[k].body())));
    }
    match first.body() {
        Body::Dense(a) => {
            let dense = matrices.iter().filter_map(|a| match a.body() {
                Body::Dense(a) => Some(a.as_matrix()),
                _ => None,
            });
            let dense = dense.collect::<Result<Vec<_>>>()?;
            concatenate(axis, a.dtype(), &dense, place, ctx).map(AnyMatrix::Dense)
        }
        Body::Lines(a) => {
            let lines = matrices.iter().filter_map(|a| match a.body() {
                Body::Lines(a) => Some(a.clone()),
                _ => None,
            });
            let lines: Vec<_> = lines.collect();
            stack((axis, a.format()), &lines, place, ctx).map(AnyMatrix::of_lines)
        }
        Body::Coo(_) => Err(missing("stacks", first, "to_csr makes matrices that can be stacked")),
    }
}

/// The error for a kind of matrix without the requested operation.
pub(super) fn missing(what: &str, a: &AnyMatrix, remedy: &str) -> Error {
    let kind = a.format().map_or("dense", |format| format.name());
    Error::new(ErrorKind::Unsupported, format!("there are no {what} of a {kind} matrix"))
        .remedy(remedy)
}
