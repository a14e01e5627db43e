//! Sums and norms of all entries, and statistics, norms and counts of rows and columns.

use crate::any::common::is_complex;
use crate::any::display::name;
use crate::any::matrix::{AnyMatrix, Body};
use crate::any::reshape::missing;
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{
    NormOrder, Scalar, Stats, Stored, check_meets, dense_stats, nnz_per, norm_of, norms_into,
    sparse_stats, sum_of, trace,
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
                Err(Error::new(ErrorKind::Type, "exact sums are those of integers")
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
                Err(Error::new(ErrorKind::Type, "complex numbers have no order and no extremes")
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

    fn lines(&self, what: &str) -> Result<&AnyCompressed> {
        match self.body() {
            Body::Lines(a) => Ok(a),
            _ => Err(missing(what, self, COO)),
        }
    }
}

/// The remedy for operations that only compressed matrices have.
const COO: &str = "convert it with to_csr first";
