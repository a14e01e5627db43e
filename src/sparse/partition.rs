//! LineCuts the rows of a compressed matrix into runs of about equal work.
//!
//! A row costs its entries plus one, so that long runs of empty rows are work too (the cost of the merge path of
//! Merrill and Garland, "Merge-based parallel sparse matrix-vector multiplication", SC 2016). Rows stay whole. Each
//! cut is a binary search in the pointers, so a cut into 1,000 parts of a billion rows touches 30,000 pointers.

use std::ops::Range;

use crate::sparse::indices::Indices;

/// Rows and entries of the matrix behind `indptr`, in one number; 0 for decreasing pointers.
pub(crate) fn cost(indptr: Indices<'_>) -> usize {
    match indptr.len() {
        0 | 1 => 0,
        len => indptr.at(len - 1).saturating_sub(indptr.at(0)).saturating_add(len - 1),
    }
}

/// At most `parts` runs of rows, none empty, in order, that together cover all rows `0..indptr.len() - 1`.
///
/// Pointers out of order make the runs uneven, never wrong: a cut is always a valid row number.
pub(crate) fn split(indptr: Indices<'_>, parts: usize) -> Vec<Range<usize>> {
    let nrows = indptr.len().saturating_sub(1);
    let parts = parts.clamp(1, nrows.max(1));
    let total = cost(indptr).max(nrows);
    let mut runs = Vec::with_capacity(parts);
    let mut start = 0;
    for part in 1..=parts {
        let end = if part == parts {
            nrows
        } else {
            let goal = (total as u128 * part as u128 / parts as u128) as usize;
            first_row_costing(indptr, goal).clamp(start, nrows)
        };
        if end > start {
            runs.push(start..end);
            start = end;
        }
    }
    runs
}

/// The first row before which at least `goal` has been spent; an arbitrary row number if the pointers are out of order.
fn first_row_costing(indptr: Indices<'_>, goal: usize) -> usize {
    let (base, mut low, mut high) = (indptr.at(0), 0, indptr.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let spent = indptr.at(middle).saturating_sub(base).saturating_add(middle);
        if spent < goal {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pointers(lengths: &[u32]) -> Vec<u32> {
        let sums = lengths.iter().scan(0, |sum, length| {
            *sum += length;
            Some(*sum)
        });
        std::iter::once(0).chain(sums).collect()
    }

    fn covers(runs: &[Range<usize>], nrows: usize) -> bool {
        let mut next = 0;
        for run in runs {
            if run.start != next || run.end <= run.start {
                return false;
            }
            next = run.end;
        }
        next == nrows
    }

    #[test]
    fn a_matrix_without_rows_has_no_runs() {
        assert!(split(Indices::new::<u32>(&[]), 4).is_empty());
        assert!(split(Indices::new(&[7u32]), 4).is_empty());
    }

    #[test]
    fn one_heavy_row_stands_alone() {
        let runs = split(Indices::new(&pointers(&[0, 0, 1000, 0, 0])), 2);
        assert_eq!(runs.len(), 2);
        assert!(covers(&runs, 5));
    }

    proptest! {
        #[test]
        fn runs_are_balanced_to_within_one_row(
            lengths in prop::collection::vec(0u32..50, 1..300),
            parts in 1usize..20,
        ) {
            let indptr = pointers(&lengths);
            let runs = split(Indices::new(&indptr), parts);
            prop_assert!(covers(&runs, lengths.len()));
            prop_assert!(runs.len() <= parts);
            let parts = parts.min(lengths.len());
            let longest = *lengths.iter().max().unwrap() as usize + 1;
            for run in runs {
                let spent = cost(Indices::new(&indptr[run.start..=run.end]));
                prop_assert!(spent <= cost(Indices::new(&indptr)).div_ceil(parts) + longest);
            }
        }

        #[test]
        fn hostile_pointers_still_give_every_row_once(
            indptr in prop::collection::vec(any::<u64>(), 0..200),
            parts in 0usize..20,
        ) {
            prop_assert!(covers(&split(Indices::new(&indptr), parts), indptr.len().saturating_sub(1)));
        }
    }
}
