//! The identity, and matrices of diagonals.

use std::ops::Range;

use num_traits::One;

use crate::convert::gallery::filling::{Positions, RowBuffers};
use crate::convert::gallery::formula::{Formula, generate};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCompressed, Csr, Types, by_index_mut};
use crate::storage::raw::{Carrier, Raw, by_width, carriers_mut};
use crate::storage::work;
use crate::storage::{Context, Element, Entry, Index, Place};

impl<T: Entry + One, I: Index, P: Index> Csr<T, I, P> {
    /// The identity of order `n`, in memory.
    ///
    /// # Panics
    /// If `n` does not fit the index types, or the matrix exceeds the memory limit of a new [`Context`]. For any size
    /// use [`identity`](Self::identity), which takes a place and a context.
    pub fn eye(n: usize) -> Self {
        let limit = Context::new();
        Self::identity(n, Place::Memory, &limit).expect("n fits the index types and the memory")
    }

    /// The identity of order `n`, at any place. Cost: one sequential write of the arrays.
    ///
    /// Fails if `n` does not fit the index types, or if memory or disk space is insufficient.
    ///
    /// ```
    /// use outcore::{Context, Csr, ErrorKind, Place};
    /// let ctx = Context::new();
    /// assert_eq!(Csr::<f64>::identity(3, Place::Memory, &ctx)?, Csr::eye(3));
    /// let error = Csr::<f64, u64>::identity(1 << 40, Place::Memory, &ctx).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Memory);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "speye")]
    pub fn identity(n: usize, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let one = [T::one()];
        let formula = Identity { n, one: Raw::of(&one) };
        let what = ((n, n), Types::of::<T, I, P>(), &formula as &dyn Formula);
        generate("identity", what, work::DIAGONALS, &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }
}

impl<T: Element, I: Index, P: Index> Csr<T, I, P> {
    /// A matrix with the given diagonals, as SciPy's `diags_array`: `(offset, elements)` with the offset 0 for the
    /// main diagonal, positive above it. Element `k` of a diagonal is at its `k`-th position from the top.
    ///
    /// Cost: one sequential write of the arrays, made on all threads.
    ///
    /// Fails if a diagonal does not have exactly the elements that fit in the shape, is outside it, or is given twice.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::diags((3, 3), &[(0, &[2.0; 3]), (1, &[-1.0; 2])], Place::Memory, &Context::new())?;
    /// assert_eq!(a.get(0, 1)?, Some(-1.0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "spdiags")]
    pub fn diags(
        shape: (usize, usize),
        diagonals: &[(isize, &[T])],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let raw = diagonals.iter().map(|(offset, elements)| (*offset, Raw::of(elements)));
        let formula = Diagonals::new(shape, raw.collect())?;
        let what = (shape, Types::of::<T, I, P>(), &formula as &dyn Formula);
        generate("diagonals", what, work::DIAGONALS, &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }
}

/// Ones on the main diagonal of this many rows.
struct Identity<'a> {
    n: usize,
    one: Raw<'a>,
}

impl Formula for Identity<'_> {
    fn is_exact(&self) -> bool {
        true
    }

    fn expected(&self) -> usize {
        self.n
    }

    fn least(&self) -> usize {
        self.n
    }

    fn most(&self) -> usize {
        1
    }

    fn count(&self, rows: Range<usize>) -> usize {
        rows.len()
    }

    fn fill(&self, rows: Range<usize>, buffers: RowBuffers<'_>) {
        let RowBuffers { start, mut ends, mut indices, mut data } = buffers;
        indices.count_from(rows.start);
        ends.count_from(start + 1);
        data.fill(self.one);
    }
}

/// Diagonals by increasing offset.
struct Diagonals<'a>(Vec<(isize, Raw<'a>)>);

impl<'a> Diagonals<'a> {
    fn new(shape: (usize, usize), mut diagonals: Vec<(isize, Raw<'a>)>) -> Result<Self> {
        diagonals.sort_by_key(|(offset, _)| *offset);
        for (k, (offset, elements)) in diagonals.iter().enumerate() {
            let length = diagonal_length(shape, *offset);
            if length != elements.len() || length == 0 {
                let what = format!("the diagonal at {offset}");
                return Err(Error::shape(&what, length, elements.len()));
            }
            if k > 0 && diagonals[k - 1].0 == *offset {
                return Err(
                    Error::new(ErrorKind::Duplicate, "a diagonal is given twice").found(offset)
                );
            }
        }
        Ok(Diagonals(diagonals))
    }
}

impl Formula for Diagonals<'_> {
    fn is_exact(&self) -> bool {
        true
    }

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
        let above = |row: usize, (offset, elements): &(isize, Raw<'_>)| {
            row.saturating_sub(first_row(*offset)).min(elements.len())
        };
        self.0.iter().map(|diagonal| above(rows.end, diagonal) - above(rows.start, diagonal)).sum()
    }

    fn fill(&self, rows: Range<usize>, buffers: RowBuffers<'_>) {
        let RowBuffers { start, ends, indices, data } = buffers;
        let of_rows = (rows, start, Positions::new(ends));
        by_index_mut!(indices, indices => by_width!(data.width(), W => {
            fill::<_, W>(&self.0, of_rows, (indices, carriers_mut(data)))
        }));
    }
}

fn fill<I: Index, const W: usize>(
    diagonals: &[(isize, Raw<'_>)],
    (rows, start, mut ends): (Range<usize>, usize, Positions<'_>),
    (indices, data): (&mut [I], &mut [Carrier<W>]),
) {
    let diagonals: Vec<_> = diagonals
        .iter()
        .map(|(offset, elements)| (*offset, first_row(*offset), elements.carriers::<W>()))
        .collect();
    let mut next = 0;
    for row in rows {
        for &(offset, first, elements) in &diagonals {
            if let Some(&element) = row.checked_sub(first).and_then(|k| elements.get(k)) {
                indices[next] = I::from_usize(row.wrapping_add_signed(offset));
                data[next] = element;
                next += 1;
            }
        }
        ends.push(start + next);
    }
    ends.flush();
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
