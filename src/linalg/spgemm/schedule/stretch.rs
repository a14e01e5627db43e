//! What a left matrix is cut into.

use std::ops::Range;

/// Some rows of A, or some entries of one row, that are multiplied together.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    pub(crate) rows: Range<usize>,
    /// Entries of A.
    pub(crate) entries: Range<usize>,
    /// What of its row it is, if that is cut into parts or long.
    pub(crate) part: Option<RowPart>,
    /// Whether the rows of B at hand stay, from the first one on that this stretch needs.
    pub(crate) carries: bool,
    /// Entries of B to be read, in order.
    pub(crate) runs: Vec<Range<usize>>,
}

/// A part of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowPart {
    pub(crate) is_first: bool,
    pub(crate) is_last: bool,
    /// Terms of the whole row.
    pub(crate) terms: usize,
}

/// Where and how the cuts are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Bytes of A that fit, and bytes of B.
    pub(crate) room: [u64; 2],
    /// Bytes that are enough for a read.
    pub(crate) enough: u64,
    /// Entries of a row of the result from which on it is long.
    pub(crate) long: usize,
    /// Bytes of an entry and a pointer of A that are read; none if A lies in memory.
    pub(crate) left: [u64; 2],
    /// Bytes that the stretches of a group may take.
    pub(crate) group: u64,
}

/// Consecutive stretches.
#[derive(Clone, Debug)]
pub(crate) struct StretchGroup {
    /// Its rows. The first may go on from the group before, and the last go on in the next.
    pub(crate) rows: Range<usize>,
    /// Its entries of A.
    pub(crate) entries: Range<usize>,
}

/// All cuts of a matrix.
#[derive(Debug, Default)]
pub(crate) struct StretchCuts {
    /// The stretches of the first group. Those of the others are found again when it is their turn.
    pub(crate) first: Vec<Stretch>,
    /// Groups of stretches, in order.
    pub(crate) groups: Vec<StretchGroup>,
    /// Bytes of A that will be read, and of B.
    pub(crate) reads: [u64; 2],
    /// The most terms of a row that comes in parts.
    pub(crate) most_terms_in_parts: usize,
    /// Most bytes that the stretches of a group take.
    pub(crate) largest_group: u64,
}

impl Stretch {
    /// Whole rows and their entries, of which nothing else is known.
    pub(crate) fn plain(rows: Range<usize>, entries: Range<usize>) -> Self {
        Stretch { rows, entries, part: None, carries: false, runs: Vec::new() }
    }

    /// Some entries, whatever their rows are.
    pub(crate) fn of_row(entries: Range<usize>) -> Self {
        let part = Some(RowPart { is_first: true, is_last: true, terms: 0 });
        Stretch { part, ..Stretch::plain(0..0, entries) }
    }
}
