//! Sums and norms of all entries, and statistics, norms and counts of rows and columns.

use crate::any::common::is_complex;
use crate::any::display::name;
use crate::any::matrix::{AnyMatrix, Body};
use crate::any::reshape::missing;
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{
    NormOrder, Scalar, Stats, Stored, check_meets, coo_grid, dense_grid, dense_stats, extremes,
    first_above, histogram, lines_grid, nnz_per, norm_of, norms_into, sparse_stats, sum_of, trace,
};
use crate::sparse::AnyCompressed;
use crate::storage::{Context, DType};

impl AnyMatrix {
    /// The sum of all stored entries, computed in `X`, as [`Dense::sum`](crate::Dense::sum); duplicates count
    /// separately, and a pattern counts its entries.
    ///
    /// Fails with kind [`Type`](ErrorKind::Type) if entries cannot be multiplied with numbers of type `X` (see
    /// [`AnyMatrix`]).
    ///
    /// ```
    /// # use outcore::{AnyMatrix, Context, Csr};
    /// assert_eq!(AnyMatrix::from(Csr::<i32>::eye(3)).sum::<f64>(&Context::new())?, 3.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn sum<X: Scalar>(&self, ctx: &Context) -> Result<X> {
        check_meets::<X>(self.dtype())?;
        sum_of(Stored::new(self.values()), ctx)
    }

    /// The sum of the numbers on the main diagonal, computed in `X`, as
    /// [`Compressed::trace`](crate::Compressed::trace); errors as for [`sum`](Self::sum). Fails with kind
    /// [`Unsupported`](ErrorKind::Unsupported) unless the matrix is compressed and has values.
    pub fn trace<X: Scalar>(&self, ctx: &Context) -> Result<X> {
        check_meets::<X>(self.dtype())?;
        match (self.body(), self.dtype()) {
            (Body::Lines(a), Some(_)) => trace(a, ctx),
            _ => Err(missing("traces", self, "make a compressed matrix with values of it")),
        }
    }

    /// The sum of integers, of `bool` or of the entries of a pattern, as an integer that no matrix can overflow. Fails
    /// with kind [`Type`](ErrorKind::Type) for other entries. Cost: as for [`sum`](Self::sum).
    ///
    /// ```
    /// # use outcore::{AnyMatrix, Context, Csr};
    /// let a = AnyMatrix::from(Csr::<u64>::eye(2).with_data(vec![u64::MAX; 2])?);
    /// assert_eq!(a.exact_sum(&Context::new())?, 2 * i128::from(u64::MAX));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn exact_sum(&self, ctx: &Context) -> Result<i128> {
        use DType::{BFloat16, Complex64, Complex128, Float16, Float32, Float64};
        match self.dtype() {
            Some(dtype @ (BFloat16 | Complex64 | Complex128 | Float16 | Float32 | Float64)) => {
                Err(Error::new(ErrorKind::Type, "exact sums exist only for integers")
                    .found(dtype)
                    .remedy("sum::<f64> sums real numbers, sum::<Complex<f64>> all"))
            }
            _ => Stored::new(self.values()).total_of_integers(ctx),
        }
    }

    /// The Frobenius norm of the stored entries, computed in `X`, as [`Dense::norm_fro`](crate::Dense::norm_fro);
    /// errors as for [`sum`](Self::sum).
    pub fn norm_fro<X: Scalar>(&self, ctx: &Context) -> Result<X::Real> {
        check_meets::<X>(self.dtype())?;
        norm_of::<X>(Stored::new(self.values()), ctx)
    }

    /// Statistics of every column (axis 0) or every row (axis 1), as [`Dense::stats`](crate::Dense::stats) and
    /// [`Compressed::stats`](crate::Compressed::stats).
    ///
    /// Fails with kind [`Type`](ErrorKind::Type) for complex numbers, and with kind
    /// [`Unsupported`](ErrorKind::Unsupported) for coordinates.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr};
    /// let a = AnyMatrix::from(Csr::<i8>::eye(2));
    /// assert_eq!(a.stats(0, &Context::new())?.means(), [0.5, 0.5]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn stats(&self, axis: usize, ctx: &Context) -> Result<Stats> {
        match self.body() {
            _ if self.dtype().is_some_and(is_complex) => {
                Err(Error::new(ErrorKind::Type, "complex numbers have no order, so no extremes")
                    .expected("real numbers")
                    .found(name(self.dtype())))
            }
            Body::Dense(a) => dense_stats(&a.as_matrix()?, axis, ctx),
            Body::Lines(a) => sparse_stats(a, axis, ctx),
            Body::Coo(_) => Err(missing("statistics", self, COO)),
        }
    }

    /// A norm of every column (axis 0) or every row (axis 1) of a compressed matrix, as
    /// [`Compressed::norms`](crate::Compressed::norms); for others the error is of kind
    /// [`Unsupported`](ErrorKind::Unsupported).
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, linalg::NormOrder};
    /// let a = AnyMatrix::from(Csr::<i8>::eye(2));
    /// assert_eq!(a.norms(1, NormOrder::L2, &Context::new())?, [1.0, 1.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn norms(&self, axis: usize, order: NormOrder, ctx: &Context) -> Result<Vec<f64>> {
        let a = self.lines("norms")?;
        let len = match axis {
            0 => a.shape().1,
            1 => a.shape().0,
            _ => return Err(Error::shape("the axis", "0 or 1", axis)),
        };
        let mut norms = ctx.filled("the norms", len, 0.0)?;
        norms_into(a, axis, order, &mut norms, ctx)?;
        Ok(norms)
    }

    /// The number of entries stored in every column (axis 0) or every row (axis 1) of a compressed matrix, as
    /// [`Compressed::nnz_per`](crate::Compressed::nnz_per); for others the error is of kind
    /// [`Unsupported`](ErrorKind::Unsupported).
    pub fn nnz_per(&self, axis: usize, ctx: &Context) -> Result<Vec<u64>> {
        nnz_per(self.lines("counts")?, axis, ctx)
    }

    /// The number of entries in every cell of a grid of `(rows, columns)` cells over the matrix, row by row: entry
    /// (i, j) is in cell `(i · rows / nrows, j · columns / ncols)`, rounded down. Of a dense matrix, elements that are
    /// not zero are counted.
    ///
    /// Cost: one pass over the indices, or over a dense matrix. Memory: 12 bytes for each cell; for coordinates 8 bytes,
    /// and 4 for each thread. Fails with kind [`Shape`](ErrorKind::Shape) unless there are from one to `nrows` rows of
    /// cells, and so for columns.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr};
    /// let a = AnyMatrix::from(Csr::<f32>::eye(6));
    /// assert_eq!(a.nnz_grid((2, 3), &Context::new())?, [2, 1, 0, 0, 1, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "spy")]
    pub fn nnz_grid(&self, cells: (usize, usize), ctx: &Context) -> Result<Vec<u64>> {
        match self.body() {
            Body::Dense(a) => dense_grid(&a.as_matrix()?, cells, ctx),
            Body::Lines(a) => lines_grid(a, cells, ctx),
            Body::Coo(a) => coo_grid(a, cells, ctx),
        }
    }

    /// The least and the largest stored value, without NaN; `None` if there is none. A pattern has ones.
    ///
    /// Cost: one read of the values. Fails with kind [`Type`](ErrorKind::Type) for complex numbers.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr};
    /// let a = AnyMatrix::from(Csr::<f32>::eye(2).with_data(vec![-3.0, f32::NAN])?);
    /// assert_eq!(a.extremes(&Context::new())?, Some((-3.0, -3.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn extremes(&self, ctx: &Context) -> Result<Option<(f64, f64)>> {
        extremes(Stored::new(self.values()), ctx)
    }

    /// The row and the column of the first stored value, in stored order, whose magnitude is more than `bound` or NaN;
    /// `None` if there is none. Applied to a difference: where two matrices differ.
    ///
    /// Cost: one read of the values.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr};
    /// let a = AnyMatrix::from(Csr::<f32>::eye(3).with_data(vec![0.5, -2.0, 3.0])?);
    /// assert_eq!(a.first_above(1.0, &Context::new())?, Some((1, 1)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn first_above(&self, bound: f64, ctx: &Context) -> Result<Option<(usize, usize)>> {
        let position = first_above(Stored::new(self.values()), bound, ctx)?;
        Ok(position.and_then(|position| self.coordinates_of(position)))
    }

    /// The number of stored values `edges[k] ≤ x < edges[k + 1]` for every `k`, in the last interval also those equal
    /// to its end, as NumPy's `histogram`; values beyond the edges and NaN are not counted.
    ///
    /// Cost: one read of the values. Fails with kind [`Type`](ErrorKind::Type) for complex numbers, and with kind
    /// [`Format`](ErrorKind::Format) unless there are at least two edges, each larger than the one before.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr};
    /// let a = AnyMatrix::from(Csr::<i32>::eye(3).with_data(vec![1, 2, 3])?);
    /// assert_eq!(a.histogram(&[0.0, 2.0, 3.0], &Context::new())?, [1, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn histogram(&self, edges: &[f64], ctx: &Context) -> Result<Vec<u64>> {
        histogram(Stored::new(self.values()), edges, ctx)
    }

    fn lines(&self, what: &str) -> Result<&AnyCompressed> {
        match self.body() {
            Body::Lines(a) => Ok(a),
            _ => Err(missing(what, self, COO)),
        }
    }
}

/// The remedy for operations that only compressed matrices have.
const COO: &str = "convert it with to_csr first";
