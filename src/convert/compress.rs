//! COO to CSR and CSC: count, put in place, sort each line, treat duplicates.

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::{Axis, ByCols, ByRows, Compressed, CompressedDraft, Coo, Csc, Csr, Duplicates};
use crate::storage::{Context, Entry, Index, Place};

/// Entries between two looks at the cancel token.
const STEP: usize = 1 << 20;

impl<T: Entry, I: Index> Coo<T, I> {
    /// The matrix in compressed rows, columns rising within each.
    ///
    /// Duplicates are treated in the order in which they stand, so that the result is the same every time. `P` is the
    /// type of the pointers: `u64` for more than 2^31 entries. Cost: the coordinates are read twice and the values
    /// once; memory besides the result: the longest row.
    ///
    /// ```
    /// use outcore::{Context, Coo, Csr, Duplicates, ErrorKind, Place};
    /// let a = Coo::<i64>::from_triplets((2, 2), [(0, 1, 3), (0, 1, 4)])?;
    /// let ctx = Context::new();
    /// let csr: Csr<i64> = a.to_csr(Duplicates::Sum, Place::Memory, &ctx)?;
    /// assert_eq!(*csr.data().as_ref(), [7]);
    /// let error = a.to_csr::<u32>(Duplicates::Refuse, Place::Memory, &ctx).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Duplicate);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csr<P: Index>(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        compress::<T, I, P, ByRows>(self, duplicates, &place.into(), ctx)
    }

    /// The matrix in compressed columns, rows rising within each; otherwise as [`to_csr`](Self::to_csr).
    pub fn to_csc<P: Index>(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        compress::<T, I, P, ByCols>(self, duplicates, &place.into(), ctx)
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// A matrix in memory from `(row, column, value)` triplets in any order.
    ///
    /// ```
    /// use outcore::{Csr, Duplicates};
    /// let a = Csr::<f64>::from_triplets((2, 2), [(1, 1, 2.0), (0, 0, 1.0)], Duplicates::Refuse)?;
    /// assert_eq!(**a.indices(), [0, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn from_triplets(
        shape: (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
        duplicates: Duplicates,
    ) -> Result<Self> {
        let coo = Coo::<T, I>::from_triplets(shape, triplets)?;
        compress(&coo, duplicates, &Place::Memory, &Context::new())
    }
}

fn compress<T: Entry, I: Index, P: Index, A: Axis>(
    coo: &Coo<T, I>,
    duplicates: Duplicates,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    coo.check()?;
    let mut draft = CompressedDraft::<T, I, P>::new::<A>(coo.shape(), coo.nnz(), place, ctx)?;
    let (majors, minors) = A::swap_if_cols((coo.rows(), coo.cols()));
    count(majors, &mut draft.indptr)?;
    scatter(majors, minors, coo.data(), &mut draft, ctx)?;
    let canonical = merge_lines::<T, I, P, A>(&mut draft, duplicates, ctx)?;
    draft.finish(coo.shape(), canonical)
}

/// Makes pointers of zeros into the start of every line, one place to the right: the start of line `k` at `k + 1`.
/// Filling a line then moves its pointer to its end, which is where the start of the next belongs.
fn count<I: Index, P: Index>(majors: &[I], indptr: &mut [P]) -> Result<()> {
    let lines = indptr.len() - 1;
    for major in majors {
        // The coordinates were checked, but may lie in a file that another process changes.
        let slot = indptr.get_mut(major.to_usize() + 1).ok_or_else(changed)?;
        *slot = P::from_usize(slot.to_usize() + 1);
    }
    let mut start = 0;
    for slot in &mut indptr[1..=lines] {
        let length = slot.to_usize();
        *slot = P::from_usize(start);
        start += length;
    }
    Ok(())
}

/// Puts every entry into its line, in the order in which the entries stand.
fn scatter<T: Entry, I: Index, P: Index>(
    majors: &[I],
    minors: &[I],
    values: &[T],
    draft: &mut CompressedDraft<T, I, P>,
    ctx: &Context,
) -> Result<()> {
    for (k, ((major, &minor), &value)) in majors.iter().zip(minors).zip(values).enumerate() {
        let slot = draft.indptr.get_mut(major.to_usize() + 1).ok_or_else(changed)?;
        let at = slot.to_usize();
        *slot = P::from_usize(at + 1);
        *draft.indices.get_mut(at).ok_or_else(changed)? = minor;
        draft.data[at] = value;
        if k % STEP == 0 {
            ctx.report("compressing", k as u64, majors.len() as u64)?;
        }
    }
    Ok(())
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "the coordinates changed while they were read")
}

/// Sorts every line and treats its duplicates, closing the gaps that sums leave. Tells whether no duplicates are left.
fn merge_lines<T: Entry, I: Index, P: Index, A: Axis>(
    draft: &mut CompressedDraft<T, I, P>,
    duplicates: Duplicates,
    ctx: &Context,
) -> Result<bool> {
    let (indptr, indices, data) = (&mut draft.indptr, &mut draft.indices, &mut draft.data);
    let lines = indptr.len() - 1;
    let (mut start, mut written, mut canonical) = (0, 0, true);
    let mut line = Vec::new();
    for major in 0..lines {
        let end = indptr[major + 1].to_usize();
        if indices[start..end].windows(2).all(|pair| pair[0] < pair[1]) {
            indices.copy_within(start..end, written);
            data.copy_within(start..end, written);
            written += end - start;
        } else {
            line.clear();
            line.extend(indices[start..end].iter().copied().zip(data[start..end].iter().copied()));
            // Stable, so that duplicates are summed in the order in which they were given.
            line.sort_by_key(|&(index, _)| index);
            let room = (&mut indices[written..end], &mut data[written..end]);
            let (length, unique) = merge_line(&line, room, duplicates)
                .map_err(|(kind, minor)| clash::<A>(kind, major, minor))?;
            written += length;
            canonical &= unique;
        }
        start = end;
        indptr[major + 1] = P::from_usize(written);
        if major % STEP == 0 {
            ctx.report("sorting lines", major as u64, lines as u64)?;
        }
    }
    Ok(canonical)
}

/// Writes a sorted line with its duplicates treated; gives the entries written and whether they are all distinct.
fn merge_line<T: Entry, I: Index>(
    line: &[(I, T)],
    (indices, data): (&mut [I], &mut [T]),
    duplicates: Duplicates,
) -> std::result::Result<(usize, bool), (ErrorKind, usize)> {
    let (mut written, mut unique) = (0, true);
    for &(index, value) in line {
        if written > 0 && indices[written - 1] == index {
            match duplicates {
                Duplicates::Keep => unique = false,
                Duplicates::Refuse => return Err((ErrorKind::Duplicate, index.to_usize())),
                Duplicates::Sum => {
                    let sum = data[written - 1].merge(value);
                    data[written - 1] = sum.ok_or((ErrorKind::Value, index.to_usize()))?;
                    continue;
                }
            }
        }
        (indices[written], data[written]) = (index, value);
        written += 1;
    }
    Ok((written, unique))
}

/// A position that holds more than it may.
fn clash<A: Axis>(kind: ErrorKind, major: usize, minor: usize) -> Error {
    let (row, col) = A::swap_if_cols((major, minor));
    let what = match kind {
        ErrorKind::Duplicate => "a position holds several entries",
        _ => "the sum of the entries at a position overflows",
    };
    Error::new(kind, what).at(Location::Row(row as u64)).found(format!("row {row}, column {col}"))
}
