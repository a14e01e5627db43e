//! COO to CSR and CSC: entries to their lines, lines sorted, duplicates treated.
//!
//! A result that does not fit in half of the memory limit is made bucket by bucket, see `distribute`.

use crate::convert::distribute::{Distribution, exceeds, reading_budget};
use crate::convert::lines::LineFiller;
use crate::convert::ranges::Histogram;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{
    Axis, ByCols, ByRows, Compressed, CompressedDraft, Coo, Csc, Csr, Duplicates, EntryPanels,
    sample,
};
use crate::storage::{Context, Entry, Index, Place};

impl<T: Entry, I: Index> Coo<T, I> {
    /// The matrix in compressed rows, columns rising within each.
    ///
    /// Duplicates are treated in the order in which they stand, so that the result is the same every time. `P` is the
    /// type of the pointers: `u64` for more than 2^31 entries.
    ///
    /// Cost of a result within half the memory limit, or in memory: the coordinates are read twice and the values once;
    /// memory besides the result: the longest row. A larger one: two reads and two writes of the entries, half of them
    /// in the scratch folder, within the limit; fails if a row, duplicates included, takes more than an eighth of it.
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
    let (major, _) = A::swap_if_cols(coo.shape());
    let bytes = Compressed::<T, I, P, A>::bytes_of(major, coo.nnz());
    if *place != Place::Memory && exceeds(bytes, ctx) {
        return compress_in_buckets(coo, duplicates, place, ctx);
    }
    coo.check()?;
    let mut draft = CompressedDraft::<T, I, P>::new::<A>(coo.shape(), coo.nnz(), place, ctx)?;
    let (majors, minors) = A::swap_if_cols((coo.rows(), coo.cols()));
    let mut filler = LineFiller::new::<A>(&mut draft, ctx);
    filler.fill(0..major, majors, minors, coo.data())?;
    let canonical = filler.merge(duplicates)?;
    draft.finish(coo.shape(), canonical)
}

fn compress_in_buckets<T: Entry, I: Index, P: Index, A: Axis>(
    coo: &Coo<T, I>,
    duplicates: Duplicates,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let (major, minor) = A::swap_if_cols(coo.shape());
    let (majors, minors) = A::swap_if_cols((coo.rows(), coo.cols()));
    let mut draft = CompressedDraft::<T, I, P>::new::<A>(coo.shape(), coo.nnz(), place, ctx)?;
    let mut histogram = Histogram::new(0..major);
    sample(majors, ctx, |majors| histogram.add(majors))?;
    let mut distribution = Distribution::<T, I>::new(histogram, coo.nnz() as u64, ctx)?;
    // The coordinates are checked on their way; the check that names the place reads them once more.
    let fault = || coo.check().err().unwrap_or_else(changed);
    let mut panels = EntryPanels::new(&[majors, minors], coo.data(), reading_budget(ctx), ctx)?;
    panels.sweep(ctx, |_, coordinates, data| {
        let (majors, minors) = (coordinates[0], coordinates[1]);
        for ((&at, &index), &value) in majors.iter().zip(minors).zip(data) {
            if index.to_usize() >= minor {
                return Err(fault());
            }
            distribution.push(at, index, value).unwrap_or_else(|| Err(fault()))?;
        }
        Ok(())
    })?;
    drop(panels);
    let mut filler = LineFiller::new::<A>(&mut draft, ctx);
    let mut canonical = true;
    distribution.settle(ctx, &mut |bucket| {
        if let Some(bytes) = bucket.part_of {
            return Err(too_long::<A>(bucket.lines.start, bytes, ctx));
        }
        filler.fill(bucket.lines, bucket.majors, bucket.minors, bucket.data)?;
        canonical &= filler.merge(duplicates)?;
        Ok(())
    })?;
    draft.finish(coo.shape(), canonical)
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "the coordinates changed while they were read")
}

/// A line that does not fit in memory to be sorted.
fn too_long<A: Axis>(line: usize, bytes: u64, ctx: &Context) -> Error {
    let (name, _) = A::swap_if_cols(("row", "column"));
    Error::new(
        ErrorKind::Memory,
        format!("the entries of {name} {line} would not fit to be sorted"),
    )
    .expected(format!(
        "at most an eighth of the memory limit, {} bytes",
        ctx.memory_limit_bytes() / 8
    ))
    .found(format!("{bytes} bytes"))
    .remedy(format!("raise the limit to {} bytes", bytes.saturating_mul(8)))
}
