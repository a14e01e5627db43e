//! What "times" and "plus" mean in a product of matrices.
//!
//! A kernel is compiled for each of them, so that a product of patterns moves no values, and the sum of a path is one
//! instruction.

use std::marker::PhantomData;

use crate::linalg::scalar::Scalar;
use crate::storage::Entry;

/// An addition with a zero, and a multiplication of entries that gives what is added.
///
/// Terms are added in the order in which entries are stored, so the addition need be neither associative nor commutative
/// for the result to be the same every time.
pub(crate) trait Semiring: Copy + Send + Sync {
    /// Entries of the left matrix.
    type Left: Entry;
    /// Entries of the right matrix.
    type Right: Entry;
    /// Entries of the product.
    type Sum: Entry;

    /// What every sum starts with.
    fn zero(self) -> Self::Sum;

    /// A term.
    fn multiply(self, left: Self::Left, right: Self::Right) -> Self::Sum;

    /// The sum with one term more.
    fn add(self, sum: Self::Sum, term: Self::Sum) -> Self::Sum;
}

/// The ordinary product of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlusTimes<T>(PhantomData<T>);

impl<T> PlusTimes<T> {
    pub(crate) fn new() -> Self {
        PlusTimes(PhantomData)
    }
}

impl<T: Scalar> Semiring for PlusTimes<T> {
    type Left = T;
    type Right = T;
    type Sum = T;

    #[inline(always)]
    fn zero(self) -> T {
        T::zero()
    }

    #[inline(always)]
    fn multiply(self, left: T, right: T) -> T {
        left * right
    }

    #[inline(always)]
    fn add(self, sum: T, term: T) -> T {
        sum + term
    }
}

/// The product of patterns: an entry wherever a term is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Structure;

impl Semiring for Structure {
    type Left = ();
    type Right = ();
    type Sum = ();

    #[inline(always)]
    fn zero(self) {}

    #[inline(always)]
    fn multiply(self, (): (), (): ()) {}

    #[inline(always)]
    fn add(self, (): (), (): ()) {}
}
