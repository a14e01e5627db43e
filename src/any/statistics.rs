//! Sums and norms of all entries, and statistics of rows and columns.

use ndarray::{Ix1, Ix2};

use crate::any::matrix::{AnyMatrix, Body};
use crate::any::reshape::missing;
use crate::dense::Dense;
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{Scalar, Stats, norm_fro, sum};
use crate::storage::{Context, DType, Order, RawBuffer};

/// Evaluates an expression for the real type that a [`DType`] names.
macro_rules! by_real {
    ($dtype:expr, $T:ident => $body:expr) => {
        by_real!($dtype, $T => $body;
            Bool => bool, Int8 => i8, Int16 => i16, Int32 => i32, Int64 => i64, UInt8 => u8,
            UInt16 => u16, UInt32 => u32, UInt64 => u64, Float32 => f32, Float64 => f64)
    };
    ($dtype:expr, $T:ident => $body:expr; $($name:ident => $type:ty),*) => {
        match $dtype {
            $(DType::$name => {
                type $T = $type;
                $body
            })*
            #[cfg(feature = "half")]
            DType::Float16 => {
                type $T = half::f16;
                $body
            }
            #[cfg(feature = "half")]
            DType::BFloat16 => {
                type $T = half::bf16;
                $body
            }
            dtype => Err(Error::new(ErrorKind::Type, "there are statistics of real numbers alone")
                .found(dtype)),
        }
    };
}

impl AnyMatrix {
    /// The sum of all stored entries, computed in `X`, as [`Dense::sum`](crate::Dense::sum); duplicates count each by itself, a
    /// pattern counts its entries, and real numbers have no imaginary part.
    ///
    /// Fails with kind [`Type`](ErrorKind::Type) if `X` is not one of those that the entries are multiplied with (see
    /// [`AnyMatrix`]).
    ///
    /// ```
    /// # use outcore::{AnyMatrix, Context, Csr};
    /// assert_eq!(AnyMatrix::from(Csr::<i32>::eye(3)).sum::<f64>(&Context::new())?, 3.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn sum<X: Scalar>(&self, ctx: &Context) -> Result<X> {
        sum(self.values(), ctx)
    }

    /// The sum of integers as an integer, as [`Dense::exact_sum`](crate::Dense::exact_sum): fails with kind
    /// [`Value`](ErrorKind::Value) if it overflows their type, and with kind [`Type`](ErrorKind::Type) for other entries.
    pub fn exact_sum(&self, ctx: &Context) -> Result<i128> {
        exact_sum(self.values(), ctx)
    }

    /// The Frobenius norm of the stored entries, computed in `X`, as [`Dense::norm_fro`](crate::Dense::norm_fro); errors as of
    /// [`sum`](Self::sum).
    pub fn norm_fro<X: Scalar>(&self, ctx: &Context) -> Result<X::Real> {
        norm_fro::<X>(self.values(), ctx)
    }

    /// Statistics of every column (axis 0) or every row (axis 1) of a dense matrix, as [`Dense::stats`](crate::Dense::stats).
    ///
    /// Fails with kind [`Type`](ErrorKind::Type) for complex numbers, and with kind [`Unsupported`](ErrorKind::Unsupported) for
    /// a sparse matrix.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Dense};
    /// let a = AnyMatrix::from(Dense::from(ndarray::arr2(&[[1i8, 5], [3, 5]])));
    /// assert_eq!(a.stats(0, &Context::new())?.means(), [2.0, 5.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn stats(&self, axis: usize, ctx: &Context) -> Result<Stats> {
        match self.body() {
            Body::Dense(a) => {
                let a = a.as_matrix()?;
                by_real!(a.dtype(), T => a.into_typed::<T, Ix2>().stats(axis, ctx))
            }
            _ => Err(missing("statistics", self, "to_dense makes a dense matrix of it")),
        }
    }
}

fn exact_sum(values: &RawBuffer, ctx: &Context) -> Result<i128> {
    macro_rules! by_integer {
        ($($dtype:ident => $type:ty),*) => {
            match values.dtype() {
                None => Ok(values.len() as i128),
                $(Some(DType::$dtype) => {
                    let values = values.clone().into_typed::<$type>();
                    let line: Dense<$type, Ix1> = Dense::from_parts(values.len(), Order::C, values)?;
                    line.exact_sum(ctx).map(i128::from)
                })*
                Some(dtype) => Err(Error::new(ErrorKind::Type, "exact sums are those of integers")
                    .found(dtype)
                    .remedy("sum::<f64> sums other numbers")),
            }
        };
    }
    by_integer!(
        Int8 => i8, Int16 => i16, Int32 => i32, Int64 => i64, UInt8 => u8, UInt16 => u16,
        UInt32 => u32, UInt64 => u64
    )
}
