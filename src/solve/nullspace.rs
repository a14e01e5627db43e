//! A null space given by the caller, projected out of residuals and directions.

use num_traits::{Float, Zero};

use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::linalg::{Scalar, axpby, dot, norm};
use crate::storage::Context;

/// A vector whose remainder is below this many rounding errors depends on those before it.
const NOTHING_LEFT: f64 = 100.0;

/// An orthonormal basis.
pub(super) struct NullSpace<X>(Vec<Vec<X>>);

impl<X: Scalar> NullSpace<X> {
    /// Bytes of the basis of these vectors.
    pub(super) fn bytes(vectors: &[&[X]]) -> u64 {
        vectors.iter().map(|vector| size_of_val(*vector) as u64).sum()
    }

    /// A basis of the span of the vectors. Fails if one does not have `n` numbers, or has numbers that are not finite.
    pub(super) fn spanned_by(vectors: &[&[X]], n: usize, ctx: &Context) -> Result<Self> {
        let mut basis = NullSpace(Vec::new());
        for vector in vectors {
            check_shape("a vector of the null space", n, vector.len())?;
            let size = norm(vector, ctx);
            if !size.is_finite() {
                return Err(Error::new(
                    ErrorKind::Value,
                    "a vector of the null space is not finite",
                ));
            }
            if size.is_zero() {
                continue;
            }
            let mut vector: Vec<X> = vector.iter().map(|&x| x / X::from_real(size)).collect();
            basis.remove_from(&mut vector, ctx)?;
            basis.remove_from(&mut vector, ctx)?;
            let left = norm(&vector, ctx);
            if left > X::Real::epsilon() * X::from_f64(NOTHING_LEFT).real() {
                vector.iter_mut().for_each(|x| *x = *x / X::from_real(left));
                basis.0.push(vector);
            }
        }
        Ok(basis)
    }

    /// `x -= N Nᴴ x`.
    pub(super) fn remove_from(&self, x: &mut [X], ctx: &Context) -> Result<()> {
        for vector in &self.0 {
            let part = dot(vector, x, ctx)?;
            axpby(-part, vector, X::one(), x, ctx)?;
        }
        Ok(())
    }
}
