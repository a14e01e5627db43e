//! A few entries moved to lines of the other axis in one loop: the checks of other methods would take longer.
//!
//! ```text
//! count the entries of every line of the result -> the start of each
//! for each line i, for each of its entries (j, a):  (i, a) goes to the next place of line j
//! ```

use crate::convert::in_memory::grain_sizes::GrainSizes;
use crate::convert::in_memory::symmetric;
use crate::error::Result;
use crate::sparse::{AnyCompressed, Indices, by_index};
use crate::storage::raw::{Carrier, by_width, pair};
use crate::storage::{BufferMut, Context, DType, Index, RawBuffer, RawBufferMut};

/// The most entries, and the most lines on either side.
const MOST: usize = 1 << 15;

/// The same matrix compressed along the other axis, if it is small and in memory, shares nothing with its result, and
/// its cost is not recorded. Also `None` if an index is out of range; the general method then reports the place.
pub(crate) fn few_across(
    from: &AnyCompressed,
    grain: GrainSizes,
    ctx: &Context,
) -> Result<Option<AnyCompressed>> {
    let (major, minor) = from.extents();
    let (types, nnz) = (from.types(), from.nnz());
    let is_small = nnz <= MOST && major <= MOST && minor <= MOST;
    let fits = || types.bytes_of(minor, 2 * nnz) <= ctx.memory_left() / 2;
    if !is_small || from.stored_bytes() > 0 || ctx.is_recorded() || !fits() {
        return Ok(None);
    }
    if symmetric::may_share(from, grain) {
        return Ok(None);
    }
    ctx.check_cancelled()?;
    let mut indices = RawBufferMut::fresh(Some(types.indices), nnz)?;
    let mut data = RawBufferMut::fresh(types.values, nnz)?;
    let ends = by_index!(from.indices(), minors => {
        let majors = indices.as_mut().typed().expect("of the type of the indices");
        by_width!(from.data().as_raw().width(), W => {
            let (to, values) = pair::<W>(data.as_mut(), from.data().as_raw());
            place(from.indptr(), (minors, values), minor, (majors, to))
        })
    });
    let Some(ends) = ends else { return Ok(None) };
    let indptr = pointers(types.pointers, ends);
    let (format, shape) = (from.format().other(), from.shape());
    let made = AnyCompressed::from_written(format, shape, indptr, indices.freeze(), data.freeze())?;
    match from.known_canonical() {
        // Without duplicates, indices rise strictly.
        Some(true) => Ok(Some(made.assume_canonical())),
        _ => made.check().map(|_| Some(made)),
    }
}

/// Stores all entries; returns the end of each line of the result, with a leading 0.
fn place<I: Index, const W: usize>(
    indptr: Indices<'_>,
    (minors, values): (&[I], &[Carrier<W>]),
    lines: usize,
    (majors, to): (&mut [I], &mut [Carrier<W>]),
) -> Option<Vec<u32>> {
    // The start of line `j` is at `j + 1`; filling the line moves it to its end, the start of the next.
    let mut next = vec![0u32; lines + 2];
    for minor in minors {
        *next[..lines + 1].get_mut(minor.to_usize() + 1)? += 1;
    }
    let mut start = 0;
    for slot in &mut next[1..] {
        start += std::mem::replace(slot, start);
    }
    let mut from = indptr.at(0);
    let base = from;
    for major in 0..indptr.len() - 1 {
        let end = indptr.at(major + 1);
        let line = from.checked_sub(base)?..end.checked_sub(base)?;
        for (minor, value) in minors.get(line.clone())?.iter().zip(values.get(line)?) {
            let slot = next.get_mut(minor.to_usize() + 1)?;
            let at = *slot as usize;
            *slot += 1;
            (*majors.get_mut(at)?, *to.get_mut(at)?) = (I::from_usize(major), *value);
        }
        from = end;
    }
    next.pop();
    Some(next)
}

/// Pointers of a type.
fn pointers(dtype: DType, ends: Vec<u32>) -> RawBuffer {
    match dtype {
        DType::UInt32 => BufferMut::from(ends).into_raw().freeze(),
        _ => {
            let wide: Vec<u64> = ends.into_iter().map(u64::from).collect();
            BufferMut::from(wide).into_raw().freeze()
        }
    }
}
