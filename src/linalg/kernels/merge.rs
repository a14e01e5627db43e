//! Merge: two lines whose indices rise to one, and lines whose indices do not brought to where they do.
//!
//! ```text
//! while both lines have entries:   take the one with the smaller index, or both where the indices are equal
//! then:                            what is left of either
//! ```

use crate::linalg::arithmetic::{Multiply, Subtract};
use crate::storage::{Entry, Index};

/// The index at which an integer overflowed.
pub(crate) struct Overflow<I>(pub(crate) I);

/// What the entries of two lines make.
pub(crate) trait Combine<T>: Sync {
    /// Whether an entry that stands alone stays, or only pairs do.
    const UNION: bool;

    /// What the numbers make, for messages.
    const WHAT: &'static str;

    /// An entry of both lines.
    fn both(left: T, right: T) -> Option<T>;

    /// An entry of the right line alone; one of the left line stays as it is.
    fn right(right: T) -> Option<T>;
}

/// `left + right`.
pub(crate) enum Sum {}

/// `left - right`.
pub(crate) enum Difference {}

/// `left * right`, where both are stored.
pub(crate) enum Product {}

impl<T: Entry> Combine<T> for Sum {
    const UNION: bool = true;
    const WHAT: &'static str = "sum";
    #[inline(always)]
    fn both(left: T, right: T) -> Option<T> {
        left.merge(right)
    }
    #[inline(always)]
    fn right(right: T) -> Option<T> {
        Some(right)
    }
}

impl<T: Subtract> Combine<T> for Difference {
    const UNION: bool = true;
    const WHAT: &'static str = "difference";
    #[inline(always)]
    fn both(left: T, right: T) -> Option<T> {
        left.difference(right)
    }
    #[inline(always)]
    fn right(right: T) -> Option<T> {
        T::zeroed().difference(right)
    }
}

impl<T: Multiply> Combine<T> for Product {
    const UNION: bool = false;
    const WHAT: &'static str = "product";
    #[inline(always)]
    fn both(left: T, right: T) -> Option<T> {
        left.product(right)
    }
    #[inline(always)]
    fn right(right: T) -> Option<T> {
        Some(right)
    }
}

/// The entries of one line.
pub(crate) type Line<'a, T, I> = (&'a [I], &'a [T]);

/// Merges two lines whose indices rise into `to`, which has room for all entries of both; gives the number of entries.
pub(crate) fn merge<C: Combine<T>, T: Entry, I: Index>(
    (left, x): Line<'_, T, I>,
    (right, y): Line<'_, T, I>,
    (indices, data): (&mut [I], &mut [T]),
) -> Result<usize, Overflow<I>> {
    let (mut p, mut q, mut n) = (0, 0, 0);
    let mut put = |index: I, value: Option<T>| {
        (indices[n], data[n]) = (index, value.ok_or(Overflow(index))?);
        n += 1;
        Ok(())
    };
    while p < left.len() && q < right.len() {
        let (i, j) = (left[p], right[q]);
        let (takes_left, takes_right) = (i <= j, j <= i);
        let equal = takes_left & takes_right;
        if C::UNION {
            // Chosen without a branch: which line comes next is what nobody can predict.
            let (alone, both) = (C::right(y[q]), C::both(x[p], y[q]));
            if (equal & both.is_none()) | (!takes_left & alone.is_none()) {
                return Err(Overflow(i.min(j)));
            }
            let choices = [x[p], alone.unwrap_or(x[p]), both.unwrap_or(x[p])];
            put(i.min(j), Some(choices[usize::from(takes_right) + usize::from(equal)]))?;
        } else if equal {
            put(i, C::both(x[p], y[q]))?;
        }
        (p, q) = (p + usize::from(takes_left), q + usize::from(takes_right));
    }
    if C::UNION {
        left[p..].iter().zip(&x[p..]).try_for_each(|(&index, &value)| put(index, Some(value)))?;
        right[q..]
            .iter()
            .zip(&y[q..])
            .try_for_each(|(&index, &value)| put(index, C::right(value)))?;
    }
    Ok(n)
}

/// Whether indices strictly rise.
pub(crate) fn rises<I: Index>(indices: &[I]) -> bool {
    indices.windows(2).fold(true, |rises, pair| rises & (pair[0] < pair[1]))
}

/// A line brought to where its indices rise; used again for every line.
pub(crate) struct Sorted<T, I> {
    pairs: Vec<(I, T)>,
    indices: Vec<I>,
    data: Vec<T>,
}

impl<T: Entry, I: Index> Sorted<T, I> {
    pub(crate) fn new() -> Self {
        Sorted { pairs: Vec::new(), indices: Vec::new(), data: Vec::new() }
    }

    /// Bytes of memory for each entry of the longest line, what sorting takes included.
    pub(crate) const fn bytes_each() -> usize {
        2 * size_of::<(I, T)>() + size_of::<I>() + size_of::<T>()
    }

    /// The line itself if its indices rise; else its entries in order, those at one index summed in the order in which
    /// they stand.
    pub(crate) fn of<'a>(
        &'a mut self,
        line: Line<'a, T, I>,
    ) -> Result<Line<'a, T, I>, Overflow<I>> {
        if rises(line.0) {
            return Ok(line);
        }
        self.pairs.clear();
        self.pairs.reserve_exact(line.0.len());
        self.pairs.extend(line.0.iter().copied().zip(line.1.iter().copied()));
        self.pairs.sort_by_key(|&(index, _)| index);
        self.indices.clear();
        self.data.clear();
        self.indices.reserve_exact(line.0.len());
        self.data.reserve_exact(line.0.len());
        for &(index, value) in &self.pairs {
            match self.data.last_mut() {
                Some(sum) if self.indices.last() == Some(&index) => {
                    *sum = sum.merge(value).ok_or(Overflow(index))?;
                }
                _ => {
                    self.indices.push(index);
                    self.data.push(value);
                }
            }
        }
        Ok((&self.indices, &self.data))
    }
}
