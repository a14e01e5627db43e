//! Parts of a compressed matrix by place or value, and its canonical form.

use crate::any::matrix::{AnyMatrix, Body};
use crate::any::reshape::missing;
use crate::convert;
use crate::dense::AnyDense;
use crate::error::Result;
use crate::sparse;
use crate::sparse::Duplicates;
use crate::storage::{Context, Order, Place};

/// Each fails with kind [`Unsupported`](crate::ErrorKind::Unsupported) unless the matrix is compressed.
impl AnyMatrix {
    /// The matrix with indices that rise in every line, as
    /// [`Compressed::canonicalize`](crate::Compressed::canonicalize).
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, Duplicates, Place};
    /// let (a, ctx) = (AnyMatrix::from(Csr::<f32>::eye(3)), Context::new());
    /// assert_eq!(a.canonicalize(Duplicates::Sum, Place::Memory, &ctx)?.nnz(), 3);
    /// assert_eq!(a.tril(-1, Place::Memory, &ctx)?.nnz(), 0);
    /// assert_eq!(a.take_rows(&[2, 0, 2], Place::Memory, &ctx)?.nnz(), 3);
    /// assert_eq!(a.diagonal(0, &ctx)?.shape(), [3]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn canonicalize(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let place = place.into();
        self.part("canonical forms", &|a| convert::canonicalize(a, duplicates, &place, ctx))
    }

    /// The matrix without stored zeros, as [`Compressed::prune`](crate::Compressed::prune).
    pub fn prune(&self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let place = place.into();
        self.part("entries", &|a| convert::prune(a, &place, ctx))
    }

    /// The entries on and below a diagonal, as [`Compressed::tril`](crate::Compressed::tril).
    pub fn tril(&self, k: isize, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let place = place.into();
        self.part("triangles", &|a| convert::tril(a, k, &place, ctx))
    }

    /// The entries on and above a diagonal, as [`Compressed::triu`](crate::Compressed::triu).
    pub fn triu(&self, k: isize, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let place = place.into();
        self.part("triangles", &|a| convert::triu(a, k, &place, ctx))
    }

    /// The listed rows, as [`Compressed::take_rows`](crate::Compressed::take_rows).
    pub fn take_rows(
        &self,
        rows: &[usize],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let place = place.into();
        self.part("parts", &|a| convert::take(a, (0, rows), &place, ctx))
    }

    /// The listed columns, as [`Compressed::take_cols`](crate::Compressed::take_cols).
    pub fn take_cols(
        &self,
        cols: &[usize],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let place = place.into();
        self.part("parts", &|a| convert::take(a, (1, cols), &place, ctx))
    }

    /// The rows for which a mask is true, as [`Compressed::take_rows_where`](crate::Compressed::take_rows_where).
    pub fn take_rows_where(
        &self,
        mask: &[bool],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let place = place.into();
        self.part("parts", &|a| convert::take_where(a, (0, mask), &place, ctx))
    }

    /// The columns for which a mask is true, as [`Compressed::take_cols_where`](crate::Compressed::take_cols_where).
    pub fn take_cols_where(
        &self,
        mask: &[bool],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let place = place.into();
        self.part("parts", &|a| convert::take_where(a, (1, mask), &place, ctx))
    }

    /// The numbers on a diagonal, as [`Compressed::diagonal`](crate::Compressed::diagonal), in a one-dimensional array.
    /// Also fails with kind [`Unsupported`](crate::ErrorKind::Unsupported) for a pattern, which has no numbers.
    pub fn diagonal(&self, offset: isize, ctx: &Context) -> Result<AnyDense> {
        let (Body::Lines(a), Some(_)) = (self.body(), self.dtype()) else {
            return Err(missing("diagonals", self, "make a compressed matrix with values of it"));
        };
        let _running = ctx.begin(|| convert::plan_diagonal(a, offset, ctx))?;
        let len = convert::diagonal_length(a, offset);
        let mut diagonal = ctx.raw_filled("the diagonal", (a.types().values, len))?;
        convert::fill_diagonal(a, offset, diagonal.as_mut(), ctx)?;
        Ok(AnyDense { buffer: diagonal.freeze(), shape: vec![len], order: Order::C })
    }

    /// Applies a function to a compressed matrix.
    fn part(
        &self,
        what: &str,
        make: &dyn Fn(&sparse::AnyCompressed) -> Result<sparse::AnyCompressed>,
    ) -> Result<Self> {
        match self.body() {
            Body::Lines(a) => make(a).map(AnyMatrix::of_lines),
            _ => Err(missing(what, self, "convert it with to_csr first")),
        }
    }
}
