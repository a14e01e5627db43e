//! The vectors of a solve: where they lie, and the sums over them.
//!
//! Updates of vectors concern each number on its own; they are [`axpby`](crate::linalg::axpby) and
//! [`combine`](crate::linalg::combine). What concerns all numbers is here: inner products, norms, whether a number
//! anywhere is not finite. So a solve in which each process holds a part of every vector needs no other code.

use std::ops::Range;

use num_traits::{Float, Zero};

use crate::error::Result;
use crate::linalg::{
    Scalar, axpby_squares, block_dots, block_norms, dot, dots, is_finite, is_safe, largest, norm,
    orthogonalize, power_of_two,
};
use crate::storage::{Context, Element, Place, WorkArray};

/// The ranks of a solve in which each process holds a part of every vector, and the rows of the operator that belong
/// to it.
///
/// Every process calls the same solver: with its part of `b` and of `x0`, and with an operator that maps its part of a
/// vector to its part of the product, and does the communication which that needs. The solver adds its sums up with
/// this trait, several at once, and so takes the same decisions everywhere. Both functions are called equally often on
/// every rank, and must give the same bits on each.
///
/// A rank that fails or is cancelled alone leaves the others waiting: what the ranks agree on is for the caller to say.
///
/// ```
/// use outcore::Result;
/// use outcore::solve::{Ranks, SolveOptions};
///
/// /// A single process.
/// struct Alone;
///
/// impl Ranks<f64> for Alone {
///     fn sum(&self, _: &mut [f64]) -> Result<()> {
///         Ok(())
///     }
///     fn max(&self, number: f64) -> Result<f64> {
///         Ok(number)
///     }
/// }
///
/// let options = SolveOptions::<f64> { ranks: Some(&Alone), ..Default::default() };
/// # assert!(options.ranks.is_some());
/// ```
#[doc(alias("MPI_Allreduce", "VecMDotBegin", "communicator"))]
pub trait Ranks<X: Scalar>: Sync {
    /// Replaces each number by the sum of those that the ranks have in its place.
    fn sum(&self, numbers: &mut [X]) -> Result<()>;

    /// The largest of the numbers that the ranks have; NaN or infinite if one of them is.
    fn max(&self, number: X::Real) -> Result<X::Real>;
}

/// Sums over vectors, whichever processes hold them.
#[derive(Clone, Copy)]
pub(super) struct Space<'r, X: Scalar> {
    pub(super) ctx: &'r Context,
    ranks: Option<&'r dyn Ranks<X>>,
}

impl<'r, X: Scalar> Space<'r, X> {
    pub(super) fn new(ranks: Option<&'r dyn Ranks<X>>, ctx: &'r Context) -> Self {
        Space { ctx, ranks }
    }

    fn sum(&self, numbers: &mut [X]) -> Result<()> {
        self.ranks.map_or(Ok(()), |ranks| ranks.sum(numbers))
    }

    fn max(&self, number: X::Real) -> Result<X::Real> {
        self.ranks.map_or(Ok(number), |ranks| ranks.max(number))
    }

    /// `xᴴ y`.
    pub(super) fn dot(&self, x: &[X], y: &[X]) -> Result<X> {
        let mut product = [dot(x, y, self.ctx)?];
        self.sum(&mut product)?;
        Ok(product[0])
    }

    /// `y = a x + b y`, and then `yᴴ y`, in one read of `y`.
    pub(super) fn axpby(&self, a: X, x: &[X], b: X, y: &mut [X]) -> Result<X> {
        let mut squares = [axpby_squares(a, x, b, y, self.ctx)?];
        self.sum(&mut squares)?;
        Ok(squares[0])
    }

    /// `Vᴴ y`.
    pub(super) fn dots(&self, vectors: &[impl AsRef<[X]>], y: &[X]) -> Result<Vec<X>> {
        let mut products = dots(vectors, y, self.ctx)?;
        self.sum(&mut products)?;
        Ok(products)
    }

    /// Subtracts the part of `y` in the span of orthonormal vectors, twice; returns its coefficients.
    pub(super) fn orthogonalize(&self, vectors: &[&[X]], y: &mut [X]) -> Result<Vec<X>> {
        orthogonalize(vectors, y, vectors.len(), self.ctx, |numbers| self.sum(numbers))
    }

    /// `XᴴY` of blocks of `k` and `l` interleaved vectors.
    pub(super) fn block_dots(&self, x: (usize, &[X]), y: (usize, &[X])) -> Result<Vec<X>> {
        let mut products = block_dots(x, y, self.ctx);
        self.sum(&mut products)?;
        Ok(products)
    }

    /// The norm of each vector of a block.
    pub(super) fn block_norms(&self, x: (usize, &[X])) -> Result<Vec<X::Real>> {
        block_norms(x, self.ctx, |numbers| self.sum(numbers), |number| self.max(number))
    }

    /// `‖x‖`, also if the squares overflow or underflow.
    pub(super) fn norm(&self, x: &[X]) -> Result<X::Real> {
        if self.ranks.is_none() {
            return Ok(norm(x, self.ctx));
        }
        let here = norm(x, self.ctx);
        let mut squares = [X::from_real(here * here)];
        self.sum(&mut squares)?;
        let squares = squares[0].real();
        if is_safe(squares) || squares.is_nan() {
            return Ok(squares.sqrt());
        }
        let largest = self.max(largest(x, self.ctx))?;
        if largest.is_zero() || !largest.is_finite() {
            return Ok(largest);
        }
        let (scale, back) = power_of_two(largest);
        let mut squares = [X::from_real((here * scale) * (here * scale))];
        self.sum(&mut squares)?;
        Ok(squares[0].real().sqrt() * back)
    }

    /// Whether all numbers are zero.
    pub(super) fn is_zero(&self, x: &[X]) -> Result<bool> {
        Ok(!self.any(!x.iter().all(X::is_zero))?)
    }

    /// Whether all numbers are finite.
    pub(super) fn is_finite(&self, x: &[X]) -> Result<bool> {
        Ok(!self.any(x.iter().any(|&x| !is_finite(x)))?)
    }

    /// Whether it holds on a rank.
    fn any(&self, holds: bool) -> Result<bool> {
        let number = if holds { X::one() } else { X::zero() };
        Ok(!self.max(number.real())?.is_zero())
    }

    /// Whether the ranks have the same number.
    pub(super) fn agree_on(&self, number: usize) -> Result<bool> {
        // Digits that numbers of single precision represent.
        for at in [0, 20, 40, 60] {
            let digit = X::from_f64((number >> at & 0xf_ffff) as f64).real();
            if self.max(digit)? != -self.max(-digit)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The length of a vector of which `n` numbers are here.
    pub(super) fn len(&self, n: usize) -> Result<usize> {
        if self.ranks.is_none() {
            return Ok(n);
        }
        // Digits that numbers of single precision add without rounding, for 2¹² ranks.
        let mut digits = [0, 12, 24, 36, 48].map(|at| X::from_f64((n >> at & 0xfff) as f64));
        self.sum(&mut digits)?;
        let add = |sum: usize, digit: &X| {
            let digit = num_traits::ToPrimitive::to_usize(&digit.real()).unwrap_or(usize::MAX);
            sum.saturating_mul(1 << 12).saturating_add(digit)
        };
        Ok(digits.iter().rev().fold(0, add))
    }
}

/// Vectors of one length that are made together, zeros at first: in memory, or in a scratch file.
pub(super) struct Basis<X: Element> {
    numbers: WorkArray<X>,
    n: usize,
}

impl<X: Scalar> Basis<X> {
    /// `count` vectors of `n` numbers; the caller counts their memory.
    pub(super) fn new(count: usize, n: usize, place: &Place, ctx: &Context) -> Result<Self> {
        let len = count.saturating_mul(n);
        Ok(Basis { numbers: WorkArray::new("the vectors of a basis", len, place, ctx)?, n })
    }

    /// Vector `at`.
    pub(super) fn vector(&self, at: usize) -> &[X] {
        &self.numbers[at * self.n..][..self.n]
    }

    /// Vector `at`, to write.
    pub(super) fn vector_mut(&mut self, at: usize) -> &mut [X] {
        self.numbers.count_written(self.n);
        &mut self.numbers[at * self.n..][..self.n]
    }

    /// The vectors of a range.
    pub(super) fn vectors(&self, range: Range<usize>) -> Vec<&[X]> {
        range.map(|at| self.vector(at)).collect()
    }

    /// The vectors before `at`, and that one, to write.
    pub(super) fn split(&mut self, at: usize) -> (Vec<&[X]>, &mut [X]) {
        self.numbers.count_written(self.n);
        let (before, rest) = self.numbers.split_at_mut(at * self.n);
        (before.chunks_exact(self.n.max(1)).collect(), &mut rest[..self.n])
    }

    /// All vectors, to write.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut [X]> {
        self.numbers.chunks_exact_mut(self.n.max(1))
    }

    /// Counts the reading of `vectors` vectors, if they are in a file.
    pub(super) fn count_read(&self, vectors: usize) {
        self.numbers.count_read(self.n.saturating_mul(vectors));
    }
}
