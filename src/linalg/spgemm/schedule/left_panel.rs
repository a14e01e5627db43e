//! The panels into which a left matrix is cut.

use std::ops::Range;

/// Some rows of A, or some entries of one row, that are multiplied together.
#[derive(Clone, Debug)]
pub(crate) struct LeftPanel {
    pub(crate) rows: Range<usize>,
    /// Entries of A.
    pub(crate) entries: Range<usize>,
    /// Its part of the row, if the row is long or cut into parts.
    pub(crate) part: Option<RowPart>,
    /// Whether the loaded rows of B stay, from the first one that this panel needs on.
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

/// The rules for cuts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Bytes of A that fit, and bytes of B.
    pub(crate) space: [u64; 2],
    /// Bytes that are enough for a read.
    pub(crate) enough: u64,
    /// Entries of a row of the result from which on it is long.
    pub(crate) long: usize,
    /// Bytes of an entry and a pointer of A that are read; 0 if A is in memory.
    pub(crate) left: [u64; 2],
    /// Bytes that the panels of a range may take.
    pub(crate) cut_bytes: u64,
}

/// Consecutive panels.
#[derive(Clone, Debug)]
pub(crate) struct CutRange {
    /// Its rows. The first may continue from the previous range, and the last may continue in the next.
    pub(crate) rows: Range<usize>,
    /// Its entries of A.
    pub(crate) entries: Range<usize>,
}

/// All cuts of a matrix.
#[derive(Debug, Default)]
pub(crate) struct LeftCuts {
    /// The panels of the first range. Those of the others are recomputed when needed.
    pub(crate) first: Vec<LeftPanel>,
    /// Groups of panels, in order.
    pub(crate) ranges: Vec<CutRange>,
    /// Bytes of A that will be read, and of B.
    pub(crate) reads: [u64; 2],
    /// The maximum terms of a row that is cut into parts.
    pub(crate) most_terms_in_parts: usize,
    /// Maximum bytes of the panels of a range.
    pub(crate) most_bytes: u64,
}

impl LeftPanel {
    /// Whole rows and their entries, without further data.
    pub(crate) fn plain(rows: Range<usize>, entries: Range<usize>) -> Self {
        LeftPanel { rows, entries, part: None, carries: false, runs: Vec::new() }
    }

    /// Some entries, independent of their rows.
    pub(crate) fn of_row(entries: Range<usize>) -> Self {
        let part = Some(RowPart { is_first: true, is_last: true, terms: 0 });
        LeftPanel { part, ..LeftPanel::plain(0..0, entries) }
    }
}
