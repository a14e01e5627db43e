//! Selecting entries of a sparse matrix by place or by value.

use crate::convert::formats::nonzero;
use crate::error::Result;
use crate::sparse::{
    AnyCompressed, Axis, Compressed, Indices, IndicesMut, Selection, SelectionLines, by_index_mut,
    estimate, select,
};
use crate::storage::raw::{Carrier, Raw, RawMut, by_width, carriers_mut};
use crate::storage::{Context, Entry, Index, Place};

/// Maximum entries of a line sampled to estimate the size of the result.
const SAMPLE: usize = 1 << 12;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The entries for which `keep(row, column, value)` is true, in a matrix of the same shape.
    ///
    /// Entries keep their order, and duplicates are tested one by one. `keep` is called from several threads, and more
    /// than once for an entry: it must return the same every time. A plan calls it for some of the entries, to estimate
    /// how many are kept.
    ///
    /// Cost: one read of the matrix and one sequential write, within the memory limit whatever the matrix; a second
    /// read before, to count the entries, if the result goes to memory. The indices are checked on the way; a bad one
    /// is an error that gives its position, and no result is created.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let b = a.filter(Place::Memory, &Context::new(), |row, _, value| row == 0 && value > 1.0)?;
    /// assert_eq!((b.shape(), b.nnz(), b.get(0, 2)?), ((2, 3), 1, Some(2.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn filter(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
        keep: impl Fn(usize, usize, T) -> bool + Sync,
    ) -> Result<Self> {
        let mark = |lines: &SelectionLines<'_>, marks: &mut [u8]| {
            let (indices, data) = (lines.indices.typed::<I>(), lines.data.as_typed::<T>());
            let mut entries = marks.iter_mut().zip(indices.iter().zip(data));
            for (line, ends) in (lines.first..).zip(lines.ends.windows(2)) {
                for (mark, (index, &value)) in entries.by_ref().take(ends[1] - ends[0]) {
                    let (row, col) = A::swap_if_cols((line, index.to_usize()));
                    *mark = u8::from(keep(row, col, value));
                }
            }
        };
        filter("filtering", &self.to_any(), &mark, &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }

    /// The matrix without stored zeros, as SciPy's `eliminate_zeros`.
    ///
    /// Zeros of either sign and `false` are dropped; NaN stays, and every entry of a pattern. Duplicates are tested one
    /// by one: to drop those that add up to zero, [`canonicalize`](Self::canonicalize) the matrix first.
    ///
    /// Cost: as for [`filter`](Self::filter).
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((1, 3), vec![0, 3], vec![0, 1, 2], vec![1.0, 0.0, 3.0])?;
    /// assert_eq!(**a.prune(Place::Memory, &Context::new())?.indices(), [0, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "eliminate_zeros")]
    pub fn prune(&self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        prune(&self.to_any(), &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

/// Marks the entries of some lines: 1 if kept, otherwise 0.
pub(crate) type MarkEntries<'f> = dyn Fn(&SelectionLines<'_>, &mut [u8]) + Sync + 'f;

/// The marked entries.
pub(crate) fn filter(
    operation: &'static str,
    from: &AnyCompressed,
    mark: &MarkEntries<'_>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    marked(operation, from, mark, (None, 0, from.minor()), place, ctx)
}

/// The matrix without stored zeros.
pub(crate) fn prune(from: &AnyCompressed, place: &Place, ctx: &Context) -> Result<AnyCompressed> {
    let keep = from.types().values.map(nonzero);
    let mark = |lines: &SelectionLines<'_>, marks: &mut [u8]| match keep {
        Some(keep) => keep.mark(lines.data, marks),
        None => marks.fill(1),
    };
    filter("dropping zeros", from, &mark, place, ctx)
}

/// The marked entries, with new indices if these are given, each below `minor`. `held` bytes of the memory limit are
/// already used.
pub(super) fn marked(
    operation: &'static str,
    from: &AnyCompressed,
    mark: &MarkEntries<'_>,
    (names, held, minor): (Option<Indices<'_>>, u64, usize),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (indices, data, extent) = (from.indices(), from.data().as_raw(), from.minor());
    let look = |line: usize| {
        let span = from.span(line);
        // A part of the line at a varying position; no more of it is sampled.
        let seen = span.len().min(SAMPLE);
        let start = span.start + line.wrapping_mul(0x9E37_79B9) % (span.len() - seen + 1);
        let (indices, data) = (indices.slice(start..start + seen), data.slice(start..start + seen));
        if (0..seen).any(|k| indices.at(k) >= extent) {
            return (seen, seen);
        }
        let mut marks = vec![0; seen];
        mark(
            &SelectionLines { first: line, ends: &[0, seen], indices, data, rises: false },
            &mut marks,
        );
        (seen, sum(&marks))
    };
    let selection = MarkedEntries { mark, names, held };
    select(operation, from, (&selection, minor), &|| estimate(from, &look), place, ctx)
}

fn sum(marks: &[u8]) -> usize {
    marks.iter().map(|&mark| usize::from(mark)).sum()
}

/// The marked entries.
struct MarkedEntries<'a> {
    mark: &'a MarkEntries<'a>,
    /// The new index for each old one.
    names: Option<Indices<'a>>,
    /// Bytes that are held in addition.
    held: u64,
}

impl Selection for MarkedEntries<'_> {
    fn marks(&self) -> bool {
        true
    }

    fn memory(&self) -> u64 {
        self.held + self.names.map_or(0, |names| names.bytes() as u64)
    }

    fn count(&self, lines: &SelectionLines<'_>, lens: &mut [usize], marks: &mut [u8]) {
        (self.mark)(lines, marks);
        for (len, ends) in lens.iter_mut().zip(lines.ends.windows(2)) {
            *len = sum(&marks[ends[0]..ends[1]]);
        }
    }

    fn take(&self, lines: &SelectionLines<'_>, marks: &[u8], to: (IndicesMut<'_>, RawMut<'_>)) {
        let (indices, data) = to;
        by_index_mut!(indices, indices => by_width!(data.width(), W => {
            take::<_, W>((lines.indices, lines.data), marks, self.names, (indices, carriers_mut(data)))
        }));
    }
}

/// Copies marked entries.
fn take<I: Index, const W: usize>(
    (indices, data): (Indices<'_>, Raw<'_>),
    marks: &[u8],
    names: Option<Indices<'_>>,
    (to, values): (&mut [I], &mut [Carrier<W>]),
) {
    let entries = indices.typed::<I>().iter().zip(data.carriers::<W>());
    let kept = marks.iter().zip(entries).filter(|(mark, _)| **mark != 0);
    let kept = kept.zip(to.iter_mut().zip(values));
    match names.map(|names| names.typed::<I>()) {
        None => kept.for_each(|((_, (&index, &value)), (to, data))| (*to, *data) = (index, value)),
        Some(names) => kept.for_each(|((_, (index, &value)), (to, data))| {
            (*to, *data) = (names[index.to_usize()], value);
        }),
    }
}
