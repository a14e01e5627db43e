//! The sequential inner loop of a scatter: a run of rows into the outputs of one owner of columns.

use std::ops::Range;

use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::gather::prefetch_entries;
use crate::linalg::kernels::panel::{OutOfRange, Panel};
use crate::linalg::kernels::update::Conjugation;
use crate::sparse::by_index;
use crate::storage::Index;

/// Entries that are tested together for being neighbours.
const STEP: usize = 8;

/// Each owner with its part of `y`. The owners are consecutive from column 0 on.
pub(super) fn outputs_of<X>(
    owners: Vec<Range<usize>>,
    mut y: &mut [X],
    k: usize,
) -> Vec<(Range<usize>, &mut [X])> {
    let mut outputs = Vec::with_capacity(owners.len());
    for owner in owners {
        let (mine, rest) = std::mem::take(&mut y).split_at_mut(owner.len() * k);
        y = rest;
        outputs.push((owner, mine));
    }
    outputs
}

/// Adds a run's terms to the outputs `y` of the first columns of `owner`, those that can be reached.
///
/// Entries of other columns among `columns` belong to others and are skipped; one outside `columns`, and one of the
/// owner's without an output yet, is an error.
#[allow(clippy::too_many_arguments)]
pub(super) fn add<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    x: &[X],
    y: &mut [X],
    k: usize,
    owner: &Range<usize>,
    columns: &Range<usize>,
) -> Result<(), OutOfRange> {
    let end = a.columns().min(columns.end);
    match (k, owner == columns) {
        (1, true) => add_all(a, entries, x, y, &(owner.start..end)),
        (1, false) => add_some(a, entries, x, y, owner, &(columns.start..end)),
        _ => add_rows(a, entries, x, y, k, owner, &(columns.start..end)),
    }
}

/// One right-hand side and no entry skipped: the lookup in `y` checks the index.
fn add_all<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    x: &[X],
    y: &mut [X],
    columns: &Range<usize>,
) -> Result<(), OutOfRange> {
    let known = y.len().min(columns.len());
    let y = &mut y[..known];
    // Branches on the width of pointers once, not for every row.
    by_index!(a.indptr, indptr => {
        for (i, &x) in x.iter().enumerate() {
            let range = a.between(indptr[i].to_usize(), indptr[i + 1].to_usize())?;
            prefetch_entries(a, range.start);
            let (indices, values) = (&a.indices[range.clone()], &a.values[range]);
            match indices.len() < STEP {
                true => add_each(indices, values, entries, x, y, columns.start)?,
                false => add_steps(indices, values, entries, x, y, columns.start)?,
            }
        }
        Ok(())
    })
}

/// A long row; kept out of the loop over short ones, which it would slow down.
#[inline(never)]
fn add_steps<T: Factor<X>, I: Index, X: Scalar>(
    indices: &[I],
    values: &[T],
    entries: Conjugation,
    x: X,
    y: &mut [X],
    first: usize,
) -> Result<(), OutOfRange> {
    let (index_steps, last_indices) = indices.as_chunks::<STEP>();
    let (value_steps, last_values) = values.as_chunks::<STEP>();
    for (indices, values) in index_steps.iter().zip(value_steps) {
        if !neighbours(indices) {
            add_each(indices, values, entries, x, y, first)?;
            continue;
        }
        let j = indices[0].to_usize().wrapping_sub(first);
        let y = y.get_mut(j..).and_then(|y| y.first_chunk_mut()).ok_or(OutOfRange)?;
        entries.add_times(y, values, &[x; STEP]);
    }
    add_each(last_indices, last_values, entries, x, y, first)
}

/// Whether columns are consecutive, so that their outputs are too.
#[inline(always)]
fn neighbours<I: Index>(indices: &[I; STEP]) -> bool {
    let first = indices[0].to_usize();
    (1..STEP).fold(true, |all, n| all & (indices[n].to_usize() == first.wrapping_add(n)))
}

#[inline(always)]
fn add_each<T: Factor<X>, I: Index, X: Scalar>(
    indices: &[I],
    values: &[T],
    entries: Conjugation,
    x: X,
    y: &mut [X],
    first: usize,
) -> Result<(), OutOfRange> {
    for (index, value) in indices.iter().zip(values) {
        let j = index.to_usize().wrapping_sub(first);
        *y.get_mut(j).ok_or(OutOfRange)? += entries.times(*value, x);
    }
    Ok(())
}

/// One right-hand side, and some entries of other owners: if many runs belong to two owners, a fifth faster than
/// [`add_rows`].
fn add_some<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    x: &[X],
    y: &mut [X],
    owner: &Range<usize>,
    columns: &Range<usize>,
) -> Result<(), OutOfRange> {
    let mut sound = true;
    for (i, x) in x.iter().enumerate() {
        let range = a.row(i)?;
        prefetch_entries(a, range.start);
        let x = *x;
        for (index, value) in a.indices[range.clone()].iter().zip(&a.values[range]) {
            let j = index.to_usize();
            let own = j.wrapping_sub(owner.start);
            match y.get_mut(own) {
                Some(y) => *y += entries.times(*value, x),
                None => sound &= own >= owner.len(),
            }
            sound &= columns.contains(&j);
        }
    }
    if sound { Ok(()) } else { Err(OutOfRange) }
}

/// Several right-hand sides, with entries of any owner.
#[allow(clippy::too_many_arguments)]
fn add_rows<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    x: &[X],
    y: &mut [X],
    k: usize,
    owner: &Range<usize>,
    columns: &Range<usize>,
) -> Result<(), OutOfRange> {
    let (outputs, mut sound) = (y.len() / k, true);
    for (i, x) in x.chunks_exact(k).enumerate() {
        let range = a.row(i)?;
        for (index, value) in a.indices[range.clone()].iter().zip(&a.values[range]) {
            let j = index.to_usize();
            let own = j.wrapping_sub(owner.start);
            sound &= columns.contains(&j);
            if own >= outputs {
                sound &= own >= owner.len();
                continue;
            }
            for (y, x) in y[own * k..][..k].iter_mut().zip(x) {
                *y += entries.times(*value, *x);
            }
        }
    }
    if sound { Ok(()) } else { Err(OutOfRange) }
}
