//! How a product enters its output, how an entry enters the product, and in which order terms are added.

use crate::error::{Error, Result};
use crate::linalg::algebra::{Factor, Scalar};

/// Whether a product replaces its output, which is then not read, or is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    Set,
    Add,
}

impl Update {
    #[inline(always)]
    pub(crate) fn apply<X: Scalar>(self, product: X, y: &mut X) {
        match self {
            Update::Set => *y = product,
            Update::Add => *y = product + *y,
        }
    }

    /// [`apply`](Self::apply) to neighbours. The branch is taken once, so that the loop vectorises.
    #[inline(always)]
    pub(crate) fn apply_all<X: Scalar, const N: usize>(self, mut products: [X; N], y: &mut [X; N]) {
        if self == Update::Add {
            for n in 0..N {
                products[n] += y[n];
            }
        }
        *y = products;
    }

    /// Prepares the output before a product is added to it in many small steps.
    pub(crate) fn prepare<X: Scalar>(self, y: &mut [X]) {
        if self == Update::Set {
            y.fill(X::zero());
        }
    }
}

/// Whether entries are taken as stored or conjugated (for adjoints).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conjugation {
    AsStored,
    Conjugated,
}

impl Conjugation {
    /// The entry, conjugated or not, times `x`.
    #[inline(always)]
    pub(crate) fn times<T: Factor<X>, X: Scalar>(self, entry: T, x: X) -> X {
        match self {
            Conjugation::Conjugated if T::IS_COMPLEX => entry.conj_times(x),
            _ => entry.times(x),
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
            Conjugation::Conjugated if T::IS_COMPLEX => {
                for n in 0..N {
                    sums[n] += entries[n].conj_times(x[n]);
                }
            }
            _ => {
                for n in 0..N {
                    sums[n] += entries[n].times(x[n]);
                }
            }
        }
    }
}

/// How the terms of a line with many entries are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SumShape {
    /// In eight interleaved sums, as a product along the lines does.
    Interleaved,
    /// Sequentially, as a product across the lines of the transposed matrix does.
    InOrder,
}

/// Fails unless `operand` has `rows` rows of `k` numbers.
pub(crate) fn check_len<X>(operand: &str, x: &[X], rows: usize, k: usize) -> Result<()> {
    if rows.checked_mul(k) == Some(x.len()) {
        return Ok(());
    }
    Err(Error::shape(operand, format!("{rows} x {k}"), format!("{} numbers", x.len())))
}
