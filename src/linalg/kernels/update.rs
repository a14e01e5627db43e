//! How a product enters its output, how an entry enters the product, and in which order terms are added.

use crate::error::{Error, Result};
use crate::linalg::{Factor, Scalar};

/// `y = alpha * product + beta * y`; with `beta == 0` the old `y` is never read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update<X> {
    pub(crate) alpha: Alpha<X>,
    pub(crate) beta: X,
}

/// The factor before a product. One is no multiplication: `(1 + 0i) · (∞ + 0i)` would be no number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alpha<X> {
    One,
    #[cfg_attr(not(test), expect(dead_code, reason = "products are only scaled in tests so far"))]
    Times(X),
}

impl<X: Scalar> Alpha<X> {
    /// `alpha · x`.
    #[inline(always)]
    pub(crate) fn of(self, x: X) -> X {
        match self {
            Alpha::One => x,
            Alpha::Times(alpha) => alpha * x,
        }
    }
}

impl<X: Scalar> Update<X> {
    /// `y = product`.
    pub(crate) fn set() -> Self {
        Update { alpha: Alpha::One, beta: X::zero() }
    }

    /// `y = y + product`.
    pub(crate) fn add() -> Self {
        Update { alpha: Alpha::One, beta: X::from_f64(1.0) }
    }

    #[inline(always)]
    pub(crate) fn apply(self, product: X, y: &mut X) {
        let product = self.alpha.of(product);
        *y = if self.beta.is_zero() { product } else { product + self.beta * *y };
    }

    /// [`apply`](Self::apply) to neighbours. What is decided once is not in the way of vector units.
    #[inline(always)]
    pub(crate) fn apply_all<const N: usize>(self, mut products: [X; N], y: &mut [X; N]) {
        if let Alpha::Times(alpha) = self.alpha {
            products.iter_mut().for_each(|product| *product = alpha * *product);
        }
        if !self.beta.is_zero() {
            for n in 0..N {
                products[n] += self.beta * y[n];
            }
        }
        *y = products;
    }

    /// The `beta * y` of a product that is then added in many small steps.
    pub(crate) fn prepare(self, y: &mut [X]) {
        if self.beta.is_zero() {
            y.fill(X::zero());
        } else if self.beta != X::from_f64(1.0) {
            y.iter_mut().for_each(|y| *y = self.beta * *y);
        }
    }
}

/// Whether entries are taken as stored or conjugated (for adjoints).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entries {
    AsStored,
    Conjugated,
}

impl Entries {
    /// The entry, conjugated or not, times `x`.
    #[inline(always)]
    pub(crate) fn times<T: Factor<X>, X: Scalar>(self, entry: T, x: X) -> X {
        match self {
            Entries::AsStored => entry.times(x),
            Entries::Conjugated => entry.conj_times(x),
        }
    }

    /// Adds to each of `sums` its entry times its `x`.
    #[inline(always)]
    pub(crate) fn add_times<T: Factor<X>, X: Scalar, const N: usize>(
        self,
        sums: &mut [X; N],
        entries: &[T; N],
        x: &[X; N],
    ) {
        match self {
            Entries::AsStored => {
                for n in 0..N {
                    sums[n] += entries[n].times(x[n]);
                }
            }
            Entries::Conjugated => {
                for n in 0..N {
                    sums[n] += entries[n].conj_times(x[n]);
                }
            }
        }
    }
}

/// How the terms of a line with many entries are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sums {
    /// In eight interleaved sums, as a product along the lines does.
    Interleaved,
    /// One after the other, as a product across the lines of the transposed matrix does.
    InOrder,
}

/// Fails unless `operand` holds `rows` rows of `k` numbers.
pub(super) fn check_len<X>(operand: &str, x: &[X], rows: usize, k: usize) -> Result<()> {
    if rows.checked_mul(k) == Some(x.len()) {
        return Ok(());
    }
    Err(Error::shape(operand, format!("{rows} x {k}"), format!("{} numbers", x.len())))
}
