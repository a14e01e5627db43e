//! A matrix with a symmetric structure to the other axis: pointers and indices are what they were, and values alone move.
//!
//! ```text
//! look at some entries: is there one across the diagonal for each?
//! for each run of lines of the result, in parallel:
//!     for each line j of it, for each of its indices i:
//!         the next entry of line i must be named j  ->  its value comes here
//! no line may have been asked for more than it has
//! ```
//!
//! Lines come in order, and so do the indices of a line, so that the entries of line i are asked for in the order in which it has
//! them, if the structure is symmetric; if it is not, that shows, and nothing has been lost but the time. Beside the general
//! way this counts nothing, writes in order, and touches for the first time two thirds of the bytes: a Poisson matrix on 200³ points
//! takes 0.68 of its time, with two threads 0.66. Asking ahead for what lies across the diagonal made it slower.

use std::ops::Range;

use rayon::prelude::*;

use crate::convert::owners::is_local;
use crate::error::Result;
use crate::sparse::{Axis, Compressed, partition};
use crate::storage::{BufferMut, Context, Entry, Index};

/// Lines that are looked at beforehand.
const SAMPLE: usize = 256;

/// The matrix compressed along the other axis, with the pointers and indices of this one; `None` if its structure is not
/// symmetric, its indices do not rise in every line or lie far apart, or it lies in files.
pub(super) fn across<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    ctx: &Context,
) -> Result<Option<Compressed<T, I, P, A::Other>>> {
    let possible = from.nrows() == from.ncols()
        && from.known_canonical() == Some(true)
        && from.data().origin().is_none()
        && from.indptr().origin().is_none()
        && is_local(from.indices())
        && seems_symmetric(from);
    if !possible {
        return Ok(None);
    }
    let mut data = BufferMut::<T>::zeros(from.nnz())?.counted(ctx.meter());
    if !ctx.run(|| fill(from, &mut data, ctx))? {
        return Ok(None);
    }
    let (indptr, indices) = (from.indptr().clone(), from.indices().clone());
    let made = Compressed::from_written(from.shape(), indptr, indices, data.freeze())?;
    Ok(Some(made.assume_canonical()))
}

/// Whether some entries have one across the diagonal.
fn seems_symmetric<T: Entry, I: Index, P: Index, A: Axis>(from: &Compressed<T, I, P, A>) -> bool {
    (0..SAMPLE).map(|k| (from.major() as u128 * k as u128 / SAMPLE as u128) as usize).all(|line| {
        let across = |index: &I| {
            let other = from.line(index.to_usize()).indices;
            other.binary_search(&I::from_usize(line)).is_ok()
        };
        from.major() == 0 || from.line(line).indices.iter().take(SAMPLE).all(across)
    })
}

/// Fetches every value from across the diagonal; tells whether all were where the structure says.
fn fill<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    mut data: &mut [T],
    ctx: &Context,
) -> Result<bool> {
    let mut tasks = Vec::new();
    for lines in partition::split(from.indptr(), rayon::current_num_threads()) {
        let count = from.start(lines.end) - from.start(lines.start);
        let Some(values) = data.split_off_mut(..count) else { return Ok(false) };
        tasks.push((lines, values));
    }
    let fetched = tasks.into_par_iter().map(|(lines, values)| fetch(from, lines, values, ctx));
    fetched.try_reduce(|| true, |one, other| Ok(one & other))
}

/// Fetches the values of some lines of the result.
fn fetch<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    lines: Range<usize>,
    mut values: &mut [T],
    ctx: &Context,
) -> Result<bool> {
    let others = if lines.len() == from.major() { lines.clone() } else { reached(from, &lines) };
    // The next entry of each line.
    let mut next = BufferMut::<P>::zeros(others.len())?.counted(ctx.meter());
    next.iter_mut().zip(others.clone()).for_each(|(next, line)| {
        *next = P::from_usize(from.start(line));
    });
    let indices = &from.indices()[..];
    // The same length, so that one check does for both.
    let data = &from.data()[..indices.len()];
    let mut fetch_line = |line: usize, values: &mut [T], own: &[I]| {
        for (to, index) in values.iter_mut().zip(own) {
            let other = index.to_usize();
            let next = next.get_mut(other.wrapping_sub(others.start))?;
            let mut at = next.to_usize();
            if indices.get(at)?.to_usize() != line {
                // Entries before these lines are for others to fetch.
                at = place_of(from, other, line)?;
            }
            *to = data[at];
            *next = P::from_usize(at + 1);
        }
        Some(())
    };
    for line in lines {
        let span = from.start(line)..from.start(line + 1);
        let these = values.split_off_mut(..span.len()).unwrap_or_default();
        if fetch_line(line, these, &indices[span]).is_none() {
            return Ok(false);
        }
    }
    Ok(next.iter().zip(others).all(|(next, line)| next.to_usize() <= from.start(line + 1)))
}

/// The place of an index in a line.
#[cold]
fn place_of<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    line: usize,
    index: usize,
) -> Option<usize> {
    let found = from.line(line).indices.binary_search(&I::from_usize(index)).ok()?;
    Some(from.start(line) + found)
}

/// From the least index of some lines to the largest.
fn reached<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    lines: &Range<usize>,
) -> Range<usize> {
    let ends = |(least, most): (usize, usize), line: usize| {
        let indices = from.line(line).indices;
        match (indices.first(), indices.last()) {
            (Some(first), Some(last)) => {
                (least.min(first.to_usize()), most.max(last.to_usize() + 1))
            }
            _ => (least, most),
        }
    };
    let (least, most) = lines.clone().fold((usize::MAX, 0), ends);
    least.min(most)..most
}
