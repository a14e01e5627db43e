//! A representative sample of rows, to estimate the entries of a product before it is computed.
//!
//! The terms of a product can be counted, but the number of those that fall on the same position is not known without
//! multiplying. It depends mostly on the length of a row. So rows are sorted into classes by their terms, a power of
//! two each, some rows of every class are multiplied, and their ratio of entries to terms is used for their class.
//!
//! The sampled rows of a class are those with the smallest hashes: the same ones for any number of threads and any
//! cut of the matrix.

use std::collections::BinaryHeap;
use std::ops::Range;

use crate::storage::random::random;

/// Maximum rows of a class that are multiplied.
const MOST: usize = 64;

/// Terms of a class that are multiplied in any case, and the fraction of its terms beyond that.
const TERMS: (u64, u64) = (1 << 14, 32);

/// A row that may be multiplied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    hash: u64,
    pub(crate) row: usize,
    /// Entries of the row of A.
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) terms: usize,
}

/// Rows with about as many terms.
#[derive(Clone, Debug, Default)]
struct Class {
    rows: u64,
    terms: u64,
    /// The rows with the smallest hashes.
    candidates: BinaryHeap<Candidate>,
}

/// All rows, in classes.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    classes: Vec<Class>,
    most_terms: usize,
}

impl Classes {
    pub(crate) fn new() -> Self {
        Classes { classes: vec![Class::default(); usize::BITS as usize + 1], most_terms: 0 }
    }

    /// Adds a row with `terms` terms, whose entries of A are `entries`.
    #[inline]
    pub(crate) fn add(&mut self, row: usize, entries: Range<usize>, terms: usize) {
        if terms == 0 {
            return;
        }
        self.most_terms = self.most_terms.max(terms);
        let class = &mut self.classes[terms.ilog2() as usize];
        class.rows += 1;
        class.terms += terms as u64;
        let (start, len) = (entries.start, entries.len());
        class.push(Candidate { hash: random(row as u64, 0), row, start, len, terms });
    }

    /// The rows of both.
    pub(crate) fn merge(mut self, other: Classes) -> Classes {
        self.most_terms = self.most_terms.max(other.most_terms);
        for (class, more) in self.classes.iter_mut().zip(other.classes) {
            class.rows += more.rows;
            class.terms += more.terms;
            more.candidates.into_iter().for_each(|candidate| class.push(candidate));
        }
        self
    }

    /// Terms of all rows.
    pub(crate) fn terms(&self) -> u64 {
        self.classes.iter().map(|class| class.terms).sum()
    }

    /// The maximum terms of a row.
    pub(crate) fn most_terms(&self) -> usize {
        self.most_terms
    }

    /// The rows to multiply, in order: as many of every class as are needed, none with more than `longest` entries of
    /// A.
    pub(crate) fn chosen(&self, longest: usize) -> Vec<Candidate> {
        let mut chosen = Vec::new();
        for class in &self.classes {
            let enough = TERMS.0.max(class.terms / TERMS.1);
            let mut terms = 0;
            let candidates = class.candidates.clone().into_sorted_vec();
            for candidate in candidates.into_iter().filter(|candidate| candidate.len <= longest) {
                if terms >= enough {
                    break;
                }
                terms += candidate.terms as u64;
                chosen.push(candidate);
            }
        }
        chosen.sort_unstable_by_key(|candidate| candidate.row);
        chosen
    }

    /// Entries of the whole product, which has `columns` columns, if the chosen rows have these numbers of entries.
    pub(crate) fn entries(&self, chosen: &[Candidate], entries: &[usize], columns: usize) -> u64 {
        let mut counts = vec![(0u64, 0u64); self.classes.len()];
        for (candidate, &entries) in chosen.iter().zip(entries) {
            let (of_terms, of_entries) = &mut counts[candidate.terms.ilog2() as usize];
            *of_terms += candidate.terms as u64;
            *of_entries += entries as u64;
        }
        let (mut sum, mut ratio) = (0.0, 1.0);
        for (class, (terms, entries)) in self.classes.iter().zip(counts) {
            // A class without a short enough row uses the ratio of the previous one, limited by the number of columns.
            if terms > 0 {
                ratio = entries as f64 / terms as f64;
            }
            sum += (ratio * class.terms as f64).min(class.rows as f64 * columns as f64);
        }
        sum.round() as u64
    }
}

impl Class {
    #[inline]
    fn push(&mut self, candidate: Candidate) {
        if self.candidates.len() < MOST {
            self.candidates.push(candidate);
        } else if let Some(mut largest) = self.candidates.peek_mut()
            && candidate < *largest
        {
            *largest = candidate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_do_not_depend_on_who_saw_which_row() {
        let terms = |row: usize| row * row % 1013;
        let classes = |rows: Range<usize>| {
            let mut classes = Classes::new();
            rows.for_each(|row| classes.add(row, row..row + 3, terms(row)));
            classes
        };
        let whole = classes(0..5000);
        let merged = classes(1200..5000).merge(classes(0..1200));
        assert_eq!(whole.chosen(10), merged.chosen(10));
        assert_eq!(whole.terms(), (0..5000).map(|row| terms(row) as u64).sum::<u64>());
        assert!(whole.chosen(2).is_empty());
        // A ratio that is the same everywhere is that of the whole.
        let chosen = whole.chosen(10);
        let half: Vec<usize> = chosen.iter().map(|candidate| candidate.terms * 3).collect();
        assert_eq!(whole.entries(&chosen, &half, usize::MAX), 3 * whole.terms());
    }
}
