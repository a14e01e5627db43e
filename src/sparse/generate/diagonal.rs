//! The identity, and matrices of diagonals.

use std::ops::Range;

use num_traits::One;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::compressed::Csr;
use crate::sparse::generate::formula::{Formula, generate};
use crate::storage::{Context, Element, Entry, Index, Place};

/// Nanoseconds an entry takes one thread.
const WORK: f64 = 3.0;

impl<T: Entry + One, I: Index, P: Index> Csr<T, I, P> {
    /// The identity of order `n`, in memory.
    ///
    /// # Panics
    /// If `n` does not fit the index types, or the matrix is more than the memory limit of a new [`Context`]; an
    /// [`identity`](Self::identity) of any size is made by the one that is given a place and a context.
    pub fn eye(n: usize) -> Self {
        let limit = Context::new();
        Self::identity(n, Place::Memory, &limit).expect("n fits the index types and the memory")
    }

    /// The identity of order `n`, at any place. Cost: one sequential write of the arrays.
    ///
    /// Fails if `n` does not fit the index types, or there is not the memory or the disk space.
    ///
    /// ```
    /// use outcore::{Context, Csr, ErrorKind, Place};
    /// let ctx = Context::new();
    /// assert_eq!(Csr::<f64>::identity(3, Place::Memory, &ctx)?, Csr::eye(3));
    /// let error = Csr::<f64, u64>::identity(1 << 40, Place::Memory, &ctx).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Memory);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn identity(n: usize, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        generate("identity", ((n, n), &Identity(n)), WORK, &place.into(), ctx)
    }
}

impl<T: Element, I: Index, P: Index> Csr<T, I, P> {
    /// A matrix with the given diagonals, as SciPy's `diags_array`: `(offset, elements)` with the offset 0 for the
    /// main diagonal, positive above it. Element `k` of a diagonal is the one in its `k`-th position from the top.
    ///
    /// Cost: one sequential write of the arrays, made on all threads.
    ///
    /// Fails if a diagonal has not as many elements as fit in the shape, lies outside it, or is given twice.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::diags((3, 3), &[(0, &[2.0; 3]), (1, &[-1.0; 2])], Place::Memory, &Context::new())?;
    /// assert_eq!(a.get(0, 1)?, Some(-1.0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn diags(
        shape: (usize, usize),
        diagonals: &[(isize, &[T])],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let mut sorted = diagonals.to_vec();
        sorted.sort_by_key(|(offset, _)| *offset);
        for (k, (offset, elements)) in sorted.iter().enumerate() {
            let length = diagonal_length(shape, *offset);
            if length != elements.len() || length == 0 {
                return Err(Error::shape(
                    &format!("the diagonal at {offset}"),
                    length,
                    elements.len(),
                ));
            }
            if k > 0 && sorted[k - 1].0 == *offset {
                return Err(
                    Error::new(ErrorKind::Duplicate, "a diagonal is given twice").found(offset)
                );
            }
        }
        generate("diagonals", (shape, &Diagonals(sorted)), WORK, &place.into(), ctx)
    }
}

/// Ones on the main diagonal of so many rows.
struct Identity(usize);

impl<T: Entry + One> Formula<T> for Identity {
    const EXACT: bool = true;

    fn expected(&self) -> usize {
        self.0
    }

    fn least(&self) -> usize {
        self.0
    }

    fn most(&self) -> usize {
        1
    }

    fn count(&self, rows: Range<usize>) -> usize {
        rows.len()
    }

    fn row(&self, row: usize, mut entry: impl FnMut(usize, T)) {
        entry(row, T::one());
    }
}

/// Diagonals by rising offset.
struct Diagonals<'a, T>(Vec<(isize, &'a [T])>);

impl<T: Element> Formula<T> for Diagonals<'_, T> {
    const EXACT: bool = true;

    fn expected(&self) -> usize {
        self.0.iter().map(|(_, elements)| elements.len()).sum()
    }

    fn least(&self) -> usize {
        self.expected()
    }

    fn most(&self) -> usize {
        self.0.len()
    }

    fn count(&self, rows: Range<usize>) -> usize {
        let above = |row: usize, (offset, elements): &(isize, &[T])| {
            row.saturating_sub(first_row(*offset)).min(elements.len())
        };
        self.0.iter().map(|diagonal| above(rows.end, diagonal) - above(rows.start, diagonal)).sum()
    }

    fn row(&self, row: usize, mut entry: impl FnMut(usize, T)) {
        for &(offset, elements) in &self.0 {
            let element = row.checked_sub(first_row(offset)).and_then(|k| elements.get(k));
            if let Some(&element) = element {
                entry(row.wrapping_add_signed(offset), element);
            }
        }
    }
}

/// The row in which a diagonal starts.
fn first_row(offset: isize) -> usize {
    if offset < 0 { offset.unsigned_abs() } else { 0 }
}

/// Number of positions of a diagonal inside a shape.
fn diagonal_length((nrows, ncols): (usize, usize), offset: isize) -> usize {
    let away = offset.unsigned_abs();
    if offset >= 0 {
        nrows.min(ncols.saturating_sub(away))
    } else {
        ncols.min(nrows.saturating_sub(away))
    }
}
