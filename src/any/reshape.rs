//! Copies, parts, stacks and other orders.

use std::ops::Range;

use crate::any::display::Described;
use crate::any::matrix::{AnyMatrix, Body};
use crate::convert::permute;
use crate::dense::concatenate;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse;
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
            AnyMatrix::Dense(_) => Err(missing("patterns", self, "convert it with to_csr first")),
            AnyMatrix::Csr(a) => Ok(AnyMatrix::Csr(a.pattern())),
            AnyMatrix::Csc(a) => Ok(AnyMatrix::Csc(a.pattern())),
            AnyMatrix::Coo(a) => Ok(AnyMatrix::Coo(a.pattern())),
        }
    }

    /// The rows and columns in these ranges, as [`Compressed::slice`](crate::Compressed::slice); those of a dense matrix
    /// are copied in its order, which reads the rows (columns, in Fortran order).
    ///
    /// Fails with kind [`Unsupported`](ErrorKind::Unsupported) for coordinates.
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
            Body::Dense(a) => {
                a.as_matrix()?.slice(rows, cols, &place.into(), ctx).map(AnyMatrix::Dense)
            }
            Body::Lines(a) => a.slice(rows, cols, &place.into(), ctx).map(AnyMatrix::of_lines),
            Body::Coo(_) => Err(missing("slices", self, "convert it with to_csr first")),
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
            _ => Err(missing("permutations", self, "convert it with to_csr first")),
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

    /// Places matrices along the diagonal of one, as [`Compressed::block_diag`](crate::Compressed::block_diag). Fails
    /// as [`vstack`](Self::vstack), and for dense ones.
    pub fn block_diag(blocks: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let first = alike(blocks)?;
        let lines: Vec<_> = blocks.iter().filter_map(|a| lines_of(a)).collect();
        match lines.len() == blocks.len() {
            true => sparse::block_diag(&lines, &place.into(), ctx).map(AnyMatrix::of_lines),
            false => Err(missing("blocks", first, "convert it with to_csr first")),
        }
    }

    /// A matrix from a grid of blocks, as [`Compressed::block`](crate::Compressed::block). Fails as
    /// [`vstack`](Self::vstack), and for dense ones.
    pub fn block(
        grid: &[&[Option<&Self>]],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let blocks: Vec<_> = grid.iter().flat_map(|row| row.iter().flatten().copied()).collect();
        let first = alike(&blocks)?;
        if blocks.iter().any(|a| lines_of(a).is_none()) {
            return Err(missing("blocks", first, "convert it with to_csr first"));
        }
        let row = |row: &&[Option<&Self>]| row.iter().map(|a| lines_of(a.as_ref()?)).collect();
        let grid: Vec<Vec<_>> = grid.iter().map(row).collect();
        sparse::block(&grid, &place.into(), ctx).map(AnyMatrix::of_lines)
    }
}

fn lines_of(a: &AnyMatrix) -> Option<sparse::AnyCompressed> {
    match a.body() {
        Body::Lines(a) => Some(a.clone()),
        _ => None,
    }
}

/// The first of the matrices, which must be of one kind and the same types.
fn alike<'a>(matrices: &[&'a AnyMatrix]) -> Result<&'a AnyMatrix> {
    let Some(first) = matrices.first() else {
        return Err(Error::new(ErrorKind::Shape, "there are no matrices to stack"));
    };
    let kind = |a: &AnyMatrix| (a.format(), a.dtype(), a.index_dtype(), a.pointer_dtype());
    if let Some(k) = matrices.iter().position(|a| kind(a) != kind(first)) {
        return Err(Error::new(ErrorKind::Type, format!("matrix {k} has a different type"))
            .expected(format!("the type of {}", Described(first.body())))
            .found(Described(matrices[k].body())));
    }
    Ok(first)
}

fn stacked(
    axis: usize,
    matrices: &[&AnyMatrix],
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let first = alike(matrices)?;
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
            let lines: Vec<_> = matrices.iter().filter_map(|a| lines_of(a)).collect();
            stack((axis, a.format()), &lines, place, ctx).map(AnyMatrix::of_lines)
        }
        Body::Coo(_) => Err(missing("stacks", first, "convert it with to_csr first")),
    }
}

/// The error for a kind of matrix without the requested operation.
pub(super) fn missing(what: &str, a: &AnyMatrix, remedy: &str) -> Error {
    let kind = a.format().map_or("dense", |format| format.name());
    Error::new(ErrorKind::Unsupported, format!("{what} of a {kind} matrix are not implemented"))
        .remedy(remedy)
}
