//! CSR to CSC and back: a stable counting sort by the other index.
//!
//! A result that does not fit in half of the memory limit is made bucket by bucket, see `distribute`.

use crate::convert::distribute::{Distribution, exceeds, reading_budget};
use crate::convert::lines::LineFiller;
use crate::convert::ranges::Histogram;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{Axis, Compressed, CompressedDraft, Csc, Csr, EntryPanels, sample};
use crate::storage::{Context, Entry, Index, Place};

/// Lines between two looks at the cancel token.
const STEP: usize = 1 << 16;

impl<T: Entry, I: Index, P: Index> Csr<T, I, P> {
    /// The same matrix in compressed columns, rows rising within each.
    ///
    /// Duplicates stay, in order. Cost of a result within half the memory limit, or in memory: the indices are read
    /// twice, the values once; memory besides the result: none. A larger one: two reads and two writes of the entries,
    /// half of them in the scratch folder, within the limit whatever the matrix.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let csc = a.to_csc(Place::Memory, &Context::new())?;
    /// assert_eq!(csc.col(2)?.indices, [0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csc(&self, place: impl Into<Place>, ctx: &Context) -> Result<Csc<T, I, P>> {
        recompress(self, &place.into(), ctx)
    }
}

impl<T: Entry, I: Index, P: Index> Csc<T, I, P> {
    /// The same matrix in compressed rows; otherwise as [`Csr::to_csc`].
    pub fn to_csr(&self, place: impl Into<Place>, ctx: &Context) -> Result<Csr<T, I, P>> {
        recompress(self, &place.into(), ctx)
    }
}

fn recompress<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A::Other>> {
    let bytes = Compressed::<T, I, P, A::Other>::bytes_of(from.minor(), from.nnz());
    if *place != Place::Memory && exceeds(bytes, ctx) {
        return recompress_in_buckets(from, place, ctx);
    }
    let mut draft =
        CompressedDraft::<T, I, P>::new::<A::Other>(from.shape(), from.nnz(), place, ctx)?;
    let fault = || fault(from);
    for index in from.indices().iter() {
        let slot = index.to_usize().checked_add(1).and_then(|at| draft.indptr.get_mut(at));
        let slot = slot.ok_or_else(fault)?;
        *slot = P::from_usize(slot.to_usize() + 1);
    }
    // The start of line `k` goes to `k + 1`; filling the line moves it to its end, the start of the next.
    let mut start = 0;
    for slot in &mut draft.indptr[1..] {
        let length = slot.to_usize();
        *slot = P::from_usize(start);
        start += length;
    }
    let (indptr, indices, data) =
        (&mut draft.indptr[1..], &mut draft.indices[..], &mut draft.data[..]);
    for (major, line) in from.lines().enumerate() {
        let major_index = I::from_usize(major);
        for (index, &value) in line.indices.iter().zip(line.data) {
            let slot = indptr.get_mut(index.to_usize()).ok_or_else(fault)?;
            let at = slot.to_usize();
            *slot = P::from_usize(at + 1);
            *indices.get_mut(at).ok_or_else(fault)? = major_index;
            data[at] = value;
        }
        if major % STEP == 0 {
            ctx.report("recompressing", major as u64, from.major() as u64)?;
        }
    }
    draft.finish_checked(from.shape()).map_err(|error| match error.kind() {
        ErrorKind::Index => fault(),
        _ => error,
    })
}

fn recompress_in_buckets<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A::Other>> {
    let mut draft =
        CompressedDraft::<T, I, P>::new::<A::Other>(from.shape(), from.nnz(), place, ctx)?;
    let mut histogram = Histogram::new(0..from.minor());
    sample(from.indices(), ctx, |indices| histogram.add(indices))?;
    let mut distribution = Distribution::<T, I>::new(histogram, from.nnz() as u64, ctx)?;
    let mut panels = EntryPanels::new(&[from.indices()], from.data(), reading_budget(ctx), ctx)?;
    // The line of the entry at hand; lines are walked through once, as entries come.
    let mut line = 0;
    panels.sweep(ctx, |first, indices, data| {
        let mut done = 0;
        while done < data.len() {
            let end = (line < from.major()).then(|| from.span(line).end);
            let end = end.ok_or_else(|| fault(from))?.saturating_sub(first).min(data.len());
            let major = I::from_usize(line);
            for (&index, &value) in indices[0][done..end.max(done)].iter().zip(&data[done..]) {
                distribution.push(index, major, value).unwrap_or_else(|| Err(fault(from)))?;
            }
            done = end.max(done);
            if done < data.len() {
                line += 1;
            }
        }
        Ok(())
    })?;
    drop(panels);
    let mut filler = LineFiller::new::<A::Other>(&mut draft, ctx);
    let mut canonical = true;
    distribution.settle(ctx, &mut |bucket| {
        filler.fill(bucket.lines, bucket.majors, bucket.minors, bucket.data)?;
        // Of a line in parts nothing is claimed; it is checked when somebody needs to know.
        canonical &= bucket.part_of.is_none() && filler.rises();
        Ok(())
    })?;
    draft.finish(from.shape(), canonical)
}

/// Either an index of a file that was never checked is bad, or the file is changing under us.
fn fault<T: Entry, I: Index, P: Index, A: Axis>(from: &Compressed<T, I, P, A>) -> Error {
    let changed = || Error::new(ErrorKind::Index, "the matrix changed while it was read");
    from.check().err().unwrap_or_else(changed)
}
