//! Products of integer matrices as integers.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

use num_traits::PrimInt;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Semiring;
use crate::sparse::{Csc, Csr};
use crate::storage::{Context, Element, Index, Place};

/// The product of integers, with a flag that is set where one overflows. The sums are then meaningless.
#[derive(Clone, Copy)]
struct Exact<'f, T>(&'f AtomicBool, PhantomData<T>);

impl<T: Element + PrimInt> Exact<'_, T> {
    #[inline(always)]
    fn or_overflow(self, number: Option<T>) -> T {
        number.unwrap_or_else(|| {
            self.0.store(true, Ordering::Relaxed);
            T::zero()
        })
    }
}

impl<T: Element + PrimInt> Semiring for Exact<'_, T> {
    type Left = T;
    type Right = T;
    type Sum = T;

    #[inline(always)]
    fn zero(self) -> T {
        T::zero()
    }

    #[inline(always)]
    fn multiply(self, left: T, right: T) -> T {
        self.or_overflow(left.checked_mul(&right))
    }

    #[inline(always)]
    fn add(self, sum: T, term: T) -> T {
        self.or_overflow(sum.checked_add(&term))
    }

    fn check(self) -> Result<()> {
        if !self.0.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Value, "a sum in the product overflows")
            .expected(format!("sums that fit in {}", T::DTYPE))
            .remedy("convert the factors to wider integers or to f64 with `astype`"))
    }
}

impl<T: Element + PrimInt, I: Index, P: Index> Csr<T, I, P> {
    /// `A B` of integers, as an integer. Fails with [`ErrorKind::Value`] if a term or a partial sum overflows their
    /// type; then nothing is left at `place`.
    ///
    /// Otherwise as the product of numbers, `matmul`: order of the sums, cost, memory, and errors. An overflow is
    /// reported when all rows are done.
    ///
    /// ```
    /// use outcore::{Context, Csr, Duplicates, ErrorKind, Place};
    /// let ctx = Context::new();
    /// let a = Csr::<i64>::from_triplets((2, 2), [(0, 0, 1 << 53), (0, 1, 1), (1, 1, 1)], Duplicates::Sum)?;
    /// let square = a.exact_matmul(&a, Place::Memory, &ctx);
    /// assert_eq!(square.unwrap_err().kind(), ErrorKind::Value);
    /// let ones = Csr::<i64>::from_triplets((2, 1), [(0, 0, 1), (1, 0, 1)], Duplicates::Sum)?;
    /// assert_eq!(a.exact_matmul(&ones, Place::Memory, &ctx)?.get(0, 0)?, Some((1 << 53) + 1));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("dot", "MatMatMult"))]
    pub fn exact_matmul(&self, b: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let overflows = AtomicBool::new(false);
        self.matmul_with(Exact(&overflows, PhantomData), b, place, ctx)
    }
}

impl<T: Element + PrimInt, I: Index, P: Index> Csc<T, I, P> {
    /// `A B` of integers, as an integer. Fails with [`ErrorKind::Value`] if a term or a partial sum overflows their
    /// type; then nothing is left at `place`. Otherwise as the product of numbers.
    ///
    /// ```
    /// use outcore::{Context, Csc, Duplicates, Place};
    /// let a = Csc::<u8>::from_triplets((2, 2), [(0, 0, 15), (1, 0, 2)], Duplicates::Sum)?;
    /// let square = a.exact_matmul(&a, Place::Memory, &Context::new())?;
    /// assert_eq!(square.col(0)?.data, [225, 30]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("dot", "MatMatMult"))]
    pub fn exact_matmul(&self, b: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let overflows = AtomicBool::new(false);
        self.matmul_with(Exact(&overflows, PhantomData), b, place, ctx)
    }
}
