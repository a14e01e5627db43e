//! A null space given by the caller, projected out of residuals and directions.

use num_traits::{Float, Zero};

use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::linalg::{Scalar, axpby, block_add, divide};
use crate::solve::space::Space;
use crate::storage::WorkArray;

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
    pub(super) fn spanned_by(vectors: &[&[X]], n: usize, space: Space<'_, X>) -> Result<Self> {
        let mut basis = NullSpace(Vec::new());
        for vector in vectors {
            check_shape("a vector of the null space", n, vector.len())?;
            let size = space.norm(vector)?;
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
            basis.remove_from(&mut vector, space)?;
            basis.remove_from(&mut vector, space)?;
            let left = space.norm(&vector)?;
            if left > X::Real::epsilon() * X::from_f64(NOTHING_LEFT).real() {
                divide(&mut vector, left, space.ctx);
                basis.0.push(vector);
            }
        }
        Ok(basis)
    }

    /// Whether nothing is projected out.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `x -= N Nᴴ x`.
    pub(super) fn remove_from(&self, x: &mut [X], space: Space<'_, X>) -> Result<()> {
        for vector in &self.0 {
            let part = space.dot(vector, x)?;
            axpby(-part, vector, X::one(), x, space.ctx)?;
        }
        Ok(())
    }

    /// `x -= N Nᴴ x` for a vector that may lie in a file.
    pub(super) fn project(&self, x: &mut WorkArray<X>, space: Space<'_, X>) -> Result<()> {
        let numbers = x.len().saturating_mul(self.0.len());
        x.count_read(numbers.saturating_mul(2));
        x.count_written(numbers);
        self.remove_from(x, space)
    }

    /// `X -= N Nᴴ X` for `k` interleaved vectors.
    pub(super) fn remove_from_block(
        &self,
        k: usize,
        x: &mut [X],
        space: Space<'_, X>,
    ) -> Result<()> {
        for vector in &self.0 {
            let mut parts = space.block_dots((1, vector), (k, x))?;
            parts.iter_mut().for_each(|part| *part = -*part);
            block_add((1, vector), &parts, (k, x), space.ctx);
        }
        Ok(())
    }
}
