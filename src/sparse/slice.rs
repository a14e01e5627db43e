//! A rectangle cut out of a sparse matrix, in one read of its lines and one sequential write.
//!
//! Lines (rows of CSR, columns of CSC) outside the range are never read: those inside form a matrix without a copy. Of
//! their entries those within the range of the other axis are selected, panel by panel.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::indices::by_index;
use crate::sparse::indices_mut::{IndicesMut, by_index_mut};
use crate::sparse::select::{Selection, SelectionLines, estimate, select};
use crate::storage::raw::{Carrier, RawMut, by_width, carriers_mut};
use crate::storage::{Context, Entry, Index, Place};

/// Maximum entries of a line sampled to estimate the size of the result.
const SAMPLE: usize = 1 << 12;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The entries of some rows and columns, as SciPy's `A[r0:r1, c0:c1]`: a separate matrix with indices from 0.
    ///
    /// Entries keep their order, and duplicates stay. For rows of CSR (columns of CSC) only,
    /// [`row_range`](crate::Csr::row_range) and [`col_range`](crate::Csc::col_range) need no copy.
    ///
    /// Cost: one read of the rows (columns, for CSC) and one sequential write, within the memory limit whatever the
    /// matrix; a second read of them before, to count the entries, if some columns (rows) are left out and the result
    /// goes to memory. The indices read are checked on the way; a bad one is an error that gives its position, and no
    /// result is created. Fails if a range is not within the matrix.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let b = a.slice(0..2, 1..3, Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.get(0, 1)?, b.get(1, 0)?), ((2, 2), Some(2.0), Some(3.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("MatCreateSubMatrix", "getitem"))]
    pub fn slice(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        self.to_any().slice(rows, cols, &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

impl AnyCompressed {
    pub(crate) fn slice(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        check_range("rows", &rows, self.shape().0)?;
        check_range("columns", &cols, self.shape().1)?;
        let (majors, minors) = self.format().swap_if_cols((rows, cols));
        let lines = self.slice_major(majors.clone())?;
        let sliced = match minors == (0..self.minor()) {
            true => lines.copy_to(place, ctx),
            false => {
                let kept = (minors.start, minors.len());
                select_ranges("slicing", &lines, &|_| minors.clone(), kept, place, ctx)
            }
        };
        sliced.map_err(|error| self.moved(error, majors.start))
    }

    /// Converts an error in the lines from `first` on into one in the matrix.
    pub(crate) fn moved(&self, error: Error, first: usize) -> Error {
        match error.location() {
            Some(&Location::Entry { major, position }) if first < self.major() => {
                let position = position + self.span(first).start as u64;
                error.at(Location::Entry { major: major + first as u64, position })
            }
            _ => error,
        }
    }
}

fn check_range(what: &str, range: &Range<usize>, extent: usize) -> Result<()> {
    if range.start <= range.end && range.end <= extent {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Shape, format!("there are no such {what}"))
        .expected(format!("a range within 0..{extent}"))
        .found(format!("{range:?}")))
}

/// The range of indices of each line, by the number of the line.
pub(crate) type RangeOf<'f> = dyn Fn(usize) -> Range<usize> + Sync + 'f;

/// The entries of all lines with an index in the range of their line. Indices are counted from `start`, and are below
/// `minor` in the result.
pub(crate) fn select_ranges(
    operation: &'static str,
    from: &AnyCompressed,
    ranges: &RangeOf<'_>,
    (start, minor): (usize, usize),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let indices = from.indices();
    let look = |line: usize| {
        let (span, range) = (from.span(line), ranges(line));
        let stride = span.len().div_ceil(SAMPLE).max(1);
        let seen = span.clone().step_by(stride);
        (seen.len(), seen.filter(|&k| range.contains(&indices.at(k))).count())
    };
    let selection = LineRanges { of: ranges, start };
    select(operation, from, (&selection, minor), &|| estimate(from, &look), place, ctx)
}

/// Entries whose index is in the range of their line.
struct LineRanges<'f> {
    of: &'f RangeOf<'f>,
    start: usize,
}

impl Selection for LineRanges<'_> {
    fn count(&self, lines: &SelectionLines<'_>, lens: &mut [usize], _: &mut [u8]) {
        by_index!(lines.indices, indices => {
            for ((line, len), ends) in (lines.first..).zip(lens).zip(lines.ends.windows(2)) {
                *len = count(&indices[ends[0]..ends[1]], &(self.of)(line), lines.rises);
            }
        });
    }

    fn take(
        &self,
        lines: &SelectionLines<'_>,
        _: &[u8],
        (indices, data): (IndicesMut<'_>, RawMut<'_>),
    ) {
        by_index_mut!(indices, indices => by_width!(data.width(), W => {
            self.take_lines::<_, W>(lines, (indices, carriers_mut(data)));
        }));
    }
}

impl LineRanges<'_> {
    fn take_lines<I: Index, const W: usize>(
        &self,
        lines: &SelectionLines<'_>,
        (indices, data): (&mut [I], &mut [Carrier<W>]),
    ) {
        let (of_lines, of_data) = (lines.indices.typed::<I>(), lines.data.carriers::<W>());
        let mut to = indices.iter_mut().zip(data);
        for (line, ends) in (lines.first..).zip(lines.ends.windows(2)) {
            let (span, range) = (ends[0]..ends[1], (self.of)(line));
            let (mut from, mut values) = (&of_lines[span.clone()], &of_data[span]);
            if lines.rises {
                let within = risen(from, &range);
                (from, values) = (&from[within.clone()], &values[within]);
            }
            let within = from.iter().zip(values).filter(|(i, _)| range.contains(&i.to_usize()));
            within.zip(&mut to).for_each(|((index, &value), (to_index, to_value))| {
                *to_index = I::from_usize(index.to_usize() - self.start);
                *to_value = value;
            });
        }
    }
}

/// How many of the indices of a line are in a range.
fn count<I: Index>(line: &[I], range: &Range<usize>, rises: bool) -> usize {
    match rises {
        true => risen(line, range).len(),
        false => line.iter().filter(|index| range.contains(&index.to_usize())).count(),
    }
}

/// The positions of rising indices that are in a range.
fn risen<I: Index>(indices: &[I], range: &Range<usize>) -> Range<usize> {
    let before = |bound: usize| indices.partition_point(|index| index.to_usize() < bound);
    before(range.start)..before(range.end)
}
