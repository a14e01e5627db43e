//! The sequential heart of a scatter: a run of rows into the outputs of one owner of columns.

use std::ops::Range;

use super::compressed::prefetch_entries;
use super::panel::{Fault, Panel};
use super::update::{Alpha, Entries};
use crate::linalg::{Factor, Scalar};
use crate::storage::Index;

/// Each owner with its part of `y`. The owners follow one another from column 0 on.
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

/// Adds a run's terms to the outputs `y` of the columns `owner`.
///
/// `alone` says that no entry should be anybody else's, so that one that is not the owner's is a fault; otherwise those are
/// left out.
#[allow(clippy::too_many_arguments)]
pub(super) fn add<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    alpha: Alpha<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
    owner: &Range<usize>,
    alone: bool,
) -> Result<(), Fault> {
    if alone && k == 1 {
        return add_all(a, entries, alpha, x, y, owner);
    }
    let limit = a.columns();
    let mut largest = None;
    for (i, x) in x.chunks_exact(k).enumerate() {
        let range = a.row(i)?;
        for (index, value) in a.indices[range.clone()].iter().zip(&a.values[range]) {
            let j = index.to_usize();
            largest = largest.max(Some(j));
            let Some(y) = output(y, j.wrapping_sub(owner.start), owner.len(), k) else { continue };
            for (y, x) in y.iter_mut().zip(x) {
                *y += entries.times(*value, alpha.of(*x));
            }
        }
    }
    if largest.is_some_and(|largest| largest >= limit) { Err(Fault) } else { Ok(()) }
}

#[inline(always)]
fn output<X>(y: &mut [X], j: usize, ncols: usize, k: usize) -> Option<&mut [X]> {
    if j < ncols { Some(&mut y[j * k..][..k]) } else { None }
}

/// One right-hand side and no entry left out: the lookup in `y` checks the index.
fn add_all<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    alpha: Alpha<X>,
    x: &[X],
    y: &mut [X],
    owner: &Range<usize>,
) -> Result<(), Fault> {
    let end = a.columns().min(owner.end);
    let y = &mut y[..end.saturating_sub(owner.start)];
    for (i, x) in x.iter().enumerate() {
        let range = a.row(i)?;
        prefetch_entries(a, range.start);
        let x = alpha.of(*x);
        for (index, value) in a.indices[range.clone()].iter().zip(&a.values[range]) {
            let j = index.to_usize().wrapping_sub(owner.start);
            *y.get_mut(j).ok_or(Fault)? += entries.times(*value, x);
        }
    }
    Ok(())
}
