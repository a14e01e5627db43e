//! A matrix with a symmetric structure to the other axis: pointers and indices are what they were, and values alone move;
//! in a symmetric matrix not even they.
//!
//! ```text
//! look at some entries: is there one across the diagonal for each?
//! for each run of lines, in parallel:                                    is the matrix symmetric?
//!     for each line i of it, for each of its indices j > i:
//!         the next entry of line j must be named i and have the value of (i, j)
//! as many entries above the diagonal as below it?  ->  the result shares all arrays
//! else, for each run of lines of the result, in parallel:
//!     for each line j of it, for each of its indices i:
//!         the next entry of line i must be named j  ->  its value comes here
//! no line may have been asked for more than it has
//! ```
//!
//! Lines come in order, and so do the indices of a line, so that the entries of line i are asked for in the order in which it has
//! them, if the structure is symmetric; if it is not, that shows, and nothing has been lost but the time. Beside the general
//! way this counts nothing, writes in order, and touches for the first time two thirds of the bytes: a Poisson matrix on 200³ points
//! takes 0.68 of its time, with two threads 0.66. Asking ahead for what lies across the diagonal made it slower. A matrix that
//! is not symmetric shows it at its first pair of entries, as a rule.

use std::ops::Range;

use crate::convert::owners::is_local;
use crate::error::Result;
use crate::sparse::{AnyCompressed, Axis, Compressed, partition};
use crate::storage::parallel::{self, IntoTasks, Tasks};
use crate::storage::{BufferMut, Context, Entry, Index, prefetch_to_read};
use bytemuck::bytes_of;

/// Lines that are looked at beforehand.
const SAMPLE: usize = 256;

/// The part of all lines that entries near the diagonal reach beyond their own.
const NEAR: usize = 64;

/// Entries across the diagonal that are asked for ahead of the farthest.
const AHEAD: usize = 256;

/// The matrix compressed along the other axis, with the pointers and indices of this one, and with its values if it is its
/// own transpose; `None` if its structure is not symmetric, its indices do not rise in every line or lie far apart, or it
/// lies in files.
pub(super) fn across<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    ctx: &Context,
) -> Result<Option<Compressed<T, I, P, A::Other>>> {
    if !may_share(from) {
        return Ok(None);
    }
    let data = if ctx.with_threads(|| is_symmetric(from, ctx))? {
        from.data().clone()
    } else {
        let mut data = ctx.zeros::<T>("the values", from.nnz())?;
        if !ctx.with_threads(|| fill(from, &mut data, ctx))? {
            return Ok(None);
        }
        data.freeze()
    };
    let (indptr, indices) = (from.indptr().raw().clone(), from.indices().raw().clone());
    let (format, data) = (A::Other::FORMAT, data.raw().clone());
    let made = AnyCompressed::from_written(format, from.shape(), indptr, indices, data)?;
    Ok(Some(made.assume_canonical().into_typed()))
}

/// Whether the matrix is not seen at a glance to be one that shares nothing with itself across the diagonal.
pub(super) fn may_share<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
) -> bool {
    from.nrows() == from.ncols()
        && from.known_canonical() == Some(true)
        && from.data().origin().is_none()
        && from.indptr().origin().is_none()
        && is_local(from.indices())
        && seems_symmetric(from)
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

/// Whether the matrix is its transpose, bit by bit.
fn is_symmetric<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    ctx: &Context,
) -> Result<bool> {
    let runs = partition::split(from.indptr(), parallel::threads());
    let counts = runs.into_par_iter().map(|lines| mirrored(from, lines, ctx));
    let counts: Vec<Option<usize>> = counts.collect::<Result<_>>()?;
    Ok(counts.into_iter().sum::<Option<usize>>() == Some(from.nnz()))
}

/// Entries of some lines on and above the diagonal, those above it twice; `None` if one has no equal below.
fn mirrored<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    lines: Range<usize>,
    ctx: &Context,
) -> Result<Option<usize>> {
    let first = lines.start;
    // The next entry of each line, as far as entries near the diagonal reach.
    let end = from.major().min(lines.end + from.major() / NEAR);
    let mut next = starts(from, first..end, ctx)?;
    let indices = &from.indices()[..];
    // The same length, so that one check does for both.
    let data = &from.data()[..indices.len()];
    let mut pairs_of = |line: usize, span: Range<usize>| {
        let (own, values) = (&indices[span.clone()], &data[span.clone()]);
        // The entries below the diagonal have been met from above it, but for those that other lines met.
        let met = next[line - first].to_usize().checked_sub(span.start)?;
        let below =
            met + own.get(met..)?.iter().take_while(|index| index.to_usize() < line).count();
        let on = usize::from(own.get(below).is_some_and(|index| index.to_usize() == line));
        let above = below + on;
        let mut farthest = span.start;
        for (index, value) in own[above..].iter().zip(&values[above..]) {
            let other = index.to_usize();
            let slot = other.checked_sub(first)?;
            if slot >= next.len() {
                next = to_the_end(from, first, &next, ctx).ok()?;
            }
            let next = next.get_mut(slot)?;
            let at = place_of(from, indices, next.to_usize(), (other, line))?;
            if bytes_of(value) != bytes_of(&data[at]) {
                return None;
            }
            *next = P::from_usize(at + 1);
            farthest = at;
        }
        prefetch_to_read(indices, farthest + AHEAD);
        prefetch_to_read(data, farthest + AHEAD);
        Some(on + 2 * (own.len() - above))
    };
    Ok(lines.map(|line| pairs_of(line, from.start(line)..from.start(line + 1))).sum())
}

/// The next entry of every line from the first on, of which some are known.
#[cold]
fn to_the_end<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    first: usize,
    known: &[P],
    ctx: &Context,
) -> Result<BufferMut<P>> {
    let mut next = starts(from, first..from.major(), ctx)?;
    next[..known.len()].copy_from_slice(known);
    Ok(next)
}

/// Where each of some lines starts.
fn starts<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    lines: Range<usize>,
    ctx: &Context,
) -> Result<BufferMut<P>> {
    let mut starts = ctx.zeros::<P>("a position in each line", lines.len())?;
    starts.iter_mut().zip(lines).for_each(|(start, line)| *start = P::from_usize(from.start(line)));
    Ok(starts)
}

/// Fetches every value from across the diagonal; tells whether all were where the structure says.
fn fill<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    mut data: &mut [T],
    ctx: &Context,
) -> Result<bool> {
    let mut tasks = Vec::new();
    for lines in partition::split(from.indptr(), parallel::threads()) {
        let count = from.start(lines.end) - from.start(lines.start);
        let Some(values) = data.split_off_mut(..count) else { return Ok(false) };
        tasks.push((lines, values));
    }
    let fetched = tasks.into_par_iter().map(|(lines, values)| fetch(from, lines, values, ctx));
    Ok(fetched.collect::<Result<Vec<_>>>()?.into_iter().all(|fetched| fetched))
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
    let mut next = starts(from, others.clone(), ctx)?;
    let indices = &from.indices()[..];
    // The same length, so that one check does for both.
    let data = &from.data()[..indices.len()];
    let mut fetch_line = |line: usize, values: &mut [T], own: &[I]| {
        for (to, index) in values.iter_mut().zip(own) {
            let other = index.to_usize();
            let next = next.get_mut(other.wrapping_sub(others.start))?;
            let at = place_of(from, indices, next.to_usize(), (other, line))?;
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

/// The place of an entry, given as line and index: the next of its line, or one that comes after entries which are for other
/// threads to meet.
#[inline(always)]
fn place_of<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    indices: &[I],
    next: usize,
    (line, index): (usize, usize),
) -> Option<usize> {
    match indices.get(next)?.to_usize() == index {
        true => Some(next),
        false => search(from, line, index),
    }
}

/// The place of an index in a line.
#[cold]
fn search<T: Entry, I: Index, P: Index, A: Axis>(
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
