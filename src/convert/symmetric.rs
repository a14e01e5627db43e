//! A matrix with a symmetric structure to the other axis: pointers and indices are what they were, and values alone move.
//!
//! ```text
//! look at some entries: is there one across the diagonal for each?
//! for each owner of lines of the result, in parallel:
//!     for each line i that meets them, for each of its entries (i, j) there:
//!         the next place of line j must be named i  ->  the value goes there
//! every place must have been taken
//! ```
//!
//! Lines come in order, and so do the entries of a line, so that the places of line j are asked for in the order in which it has
//! them, if the structure is symmetric; if it is not, that shows, and nothing has been lost but the time. Beside the general
//! way this counts nothing, and writes and touches for the first time two thirds of the bytes: a Poisson matrix on 200³ points
//! takes 0.4 of its time.

use std::ops::Range;

use rayon::prelude::*;

use crate::convert::owners::is_local;
use crate::convert::spread::parts;
use crate::error::Result;
use crate::sparse::{Axis, Compressed};
use crate::storage::{BufferMut, Context, Entry, Index};

/// Lines that are looked at beforehand.
const SAMPLE: usize = 256;

/// Owners of lines for each thread.
const OWNERS: usize = 2;

/// A part of the result.
struct Owner<'a, T, P> {
    lines: Range<usize>,
    /// The place in `data` where the next value of each line goes.
    next: &'a mut [P],
    data: &'a mut [T],
}

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
    let mut next = BufferMut::<P>::zeros(from.major())?.counted(ctx.meter());
    let mut data = BufferMut::<T>::zeros(from.nnz())?.counted(ctx.meter());
    if !ctx.run(|| fill(from, &mut next, &mut data)) {
        return Ok(None);
    }
    drop(next);
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

/// Puts every value across the diagonal; tells whether all went where the structure says.
fn fill<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    mut next: &mut [P],
    mut data: &mut [T],
) -> bool {
    let mut owners = Vec::new();
    // Of about equally many entries, which the lines of grids and bands have.
    for lines in parts(from.major(), OWNERS * rayon::current_num_threads()) {
        let entries = entries_of(from, &lines);
        let (these, values) =
            (next.split_off_mut(..lines.len()), data.split_off_mut(..entries.len()));
        let (Some(next), Some(data)) = (these, values) else { return false };
        owners.push(Owner { lines, next, data });
    }
    owners.into_par_iter().all(|owner| owner.fill(from).is_some())
}

fn entries_of<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    lines: &Range<usize>,
) -> Range<usize> {
    match lines.is_empty() {
        true => 0..0,
        false => from.span(lines.start).start..from.span(lines.end - 1).end,
    }
}

impl<T: Entry, P: Index> Owner<'_, T, P> {
    fn fill<I: Index, A: Axis>(self, from: &Compressed<T, I, P, A>) -> Option<()> {
        let Owner { lines, next, data } = self;
        let entries = entries_of(from, &lines);
        let names = &from.indices()[entries.clone()];
        // The same length, so that one check does for both.
        let data = &mut data[..names.len()];
        let start = |line: usize| from.span(line).start - entries.start;
        lines.clone().zip(&mut *next).for_each(|(line, next)| *next = P::from_usize(start(line)));
        for line in meeting(from, &lines) {
            let name = I::from_usize(line);
            let mut found = from.line(line);
            let (first, last) = (found.indices.first(), found.indices.last());
            if first.is_some_and(|first| first.to_usize() < lines.start)
                || last.is_some_and(|last| last.to_usize() >= lines.end)
            {
                let before = |bound: usize| found.indices.partition_point(|i| i.to_usize() < bound);
                let here = before(lines.start)..before(lines.end);
                (found.indices, found.data) = (&found.indices[here.clone()], &found.data[here]);
            }
            for (index, &value) in found.indices.iter().zip(found.data) {
                let slot = next.get_mut(index.to_usize() - lines.start)?;
                let at = slot.to_usize();
                if *names.get(at)? != name {
                    return None;
                }
                data[at] = value;
                *slot = P::from_usize(at + 1);
            }
        }
        // A line that was left short, or ran into the next one, which then began with the same name.
        let ends = lines.map(|line| from.span(line).end - entries.start);
        ends.zip(&*next).all(|(end, next)| next.to_usize() == end).then_some(())
    }
}

/// The lines that have entries in the columns of some lines, if the structure is symmetric: from the least index of these to
/// the largest.
fn meeting<T: Entry, I: Index, P: Index, A: Axis>(
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
