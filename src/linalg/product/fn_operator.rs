//! A linear operator made of functions.

use std::fmt;

use crate::error::{Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::product::operator::{LinearOperator, no_adjoint};
use crate::storage::Context;

/// A product: from `x` into `y`, with checked lengths.
type ProductFunction<'a, X> =
    Box<dyn Fn(&[X], &mut [X], &Context) -> Result<()> + Send + Sync + 'a>;

/// A linear operator whose product is a function, and the product with its adjoint another.
///
/// ```
/// use outcore::linalg::{FnOperator, LinearOperator};
/// use outcore::{Context, ErrorKind, solve};
/// // [ 2 1 ]
/// // [ 1 2 ]
/// let a = FnOperator::new((2, 2), |x: &[f64], y: &mut [f64], _: &Context| {
///     y.copy_from_slice(&[2.0 * x[0] + x[1], x[0] + 2.0 * x[1]]);
///     Ok(())
/// });
/// let solved = solve::cg(&a, &[3.0, 3.0], &Default::default(), &Context::new())?;
/// assert_eq!(solved.x, [1.0, 1.0]);
/// assert_eq!(a.rmatvec(&[1.0, 1.0]).unwrap_err().kind(), ErrorKind::Unsupported);
/// # Ok::<(), outcore::Error>(())
/// ```
pub struct FnOperator<'a, X> {
    shape: (usize, usize),
    product: ProductFunction<'a, X>,
    adjoint: Option<ProductFunction<'a, X>>,
}

impl<'a, X: Scalar> FnOperator<'a, X> {
    /// An operator of `shape` rows and columns: `product` receives `x`, one number per column, and writes every number
    /// of `y`, one per row.
    pub fn new(
        shape: (usize, usize),
        product: impl Fn(&[X], &mut [X], &Context) -> Result<()> + Send + Sync + 'a,
    ) -> Self {
        FnOperator { shape, product: Box::new(product), adjoint: None }
    }

    /// Adds products with the adjoint: `adjoint` receives one number per row, and writes one per column.
    ///
    /// ```
    /// use outcore::linalg::{FnOperator, LinearOperator};
    /// // The first number of two; its adjoint appends a zero.
    /// let first = FnOperator::new((1, 2), |x: &[f64], y, _| Ok(y.copy_from_slice(&x[..1])))
    ///     .with_adjoint(|x, y, _| Ok(y.copy_from_slice(&[x[0], 0.0])));
    /// assert_eq!(first.matvec(&[3.0, 4.0])?, [3.0]);
    /// assert_eq!(first.rmatvec(&[5.0])?, [5.0, 0.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn with_adjoint(
        self,
        adjoint: impl Fn(&[X], &mut [X], &Context) -> Result<()> + Send + Sync + 'a,
    ) -> Self {
        FnOperator { adjoint: Some(Box::new(adjoint)), ..self }
    }
}

impl<X: Scalar> LinearOperator<X> for FnOperator<'_, X> {
    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("x", self.shape.1, x.len())?;
        check_shape("y", self.shape.0, y.len())?;
        ctx.check_cancelled()?;
        (self.product)(x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let adjoint = self.adjoint.as_ref().ok_or_else(|| no_adjoint("the operator"))?;
        check_shape("x", self.shape.0, x.len())?;
        check_shape("y", self.shape.1, y.len())?;
        ctx.check_cancelled()?;
        adjoint(x, y, ctx)
    }
}

impl<X> fmt::Debug for FnOperator<'_, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnOperator")
            .field("shape", &self.shape)
            .field("adjoint", &self.adjoint.is_some())
            .finish_non_exhaustive()
    }
}
