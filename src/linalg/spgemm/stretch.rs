//! The pieces into which a left matrix is cut.

use std::ops::Range;

/// Some rows of A, or some entries of one row, that are multiplied together.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) rows: Range<usize>,
    /// Entries of A.
    pub(super) entries: Range<usize>,
    /// Its part of the row, if the row is long or cut into parts.
    pub(super) part: Option<RowPart>,
    /// Whether the loaded rows of B stay, from the first one that this stretch needs on.
    pub(super) carries: bool,
    /// Entries of B to be read, in order.
    pub(super) runs: Vec<Range<usize>>,
}

/// A part of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowPart {
    pub(super) is_first: bool,
    pub(super) is_last: bool,
    /// Terms of the whole row.
    pub(super) terms: usize,
}

/// The rules for cuts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Bytes of A that fit, and bytes of B.
    pub(super) room: [u64; 2],
    /// Bytes that are enough for a read.
    pub(super) enough: u64,
    /// Entries of a row of the result from which on it is long.
    pub(super) long: usize,
    /// Bytes of an entry and a pointer of A that are read; 0 if A is in memory.
    pub(super) left: [u64; 2],
    /// Bytes that the stretches of a group may take.
    pub(super) group: u64,
}

/// Consecutive stretches.
#[derive(Clone, Debug)]
pub(super) struct StretchGroup {
    /// Its rows. The first may continue from the previous group, and the last may continue in the next.
    pub(super) rows: Range<usize>,
    /// Its entries of A.
    pub(super) entries: Range<usize>,
}

/// All cuts of a matrix.
#[derive(Debug, Default)]
pub(super) struct StretchCuts {
    /// The stretches of the first group. Those of the others are recomputed when needed.
    pub(super) first: Vec<Stretch>,
    /// Groups of stretches, in order.
    pub(super) groups: Vec<StretchGroup>,
    /// Bytes of A that will be read, and of B.
    pub(super) reads: [u64; 2],
    /// The maximum terms of a row that is cut into parts.
    pub(super) most_terms_in_parts: usize,
    /// Maximum bytes of the stretches of a group.
    pub(super) largest_group: u64,
}

impl Stretch {
    /// Whole rows and their entries, without further data.
    pub(super) fn plain(rows: Range<usize>, entries: Range<usize>) -> Self {
        Stretch { rows, entries, part: None, carries: false, runs: Vec::new() }
    }

    /// Some entries, independent of their rows.
    pub(super) fn of_row(entries: Range<usize>) -> Self {
        let part = Some(RowPart { is_first: true, is_last: true, terms: 0 });
        Stretch { part, ..Stretch::plain(0..0, entries) }
    }
}
