//! What the entries of two lines make, and lines that are merged.

use crate::sparse::Indices;
use crate::storage::raw::Raw;

/// Where an integer overflowed: the line, counted in what was merged, and the index.
pub(crate) type MergeClash = (usize, usize);

/// What the entries of two lines make.
pub(super) trait Combine<T>: Sync {
    /// Whether an entry that stands alone stays, or only pairs do.
    const UNION: bool;

    /// What the numbers make, for messages.
    const WHAT: &'static str;

    /// An entry of both lines.
    fn both(left: T, right: T) -> Option<T>;

    /// An entry of the right line alone; one of the left line stays as it is.
    fn right(right: T) -> Option<T>;
}

/// Some lines: line `k` holds the entries from `ends[k]` to `ends[k + 1]`.
#[derive(Clone, Copy)]
pub(crate) struct MergeLines<'a> {
    pub(crate) ends: &'a [usize],
    pub(crate) indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
}
