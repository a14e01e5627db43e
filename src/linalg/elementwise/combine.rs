//! Operations on the entries of two lines, and lines to be merged.

use crate::sparse::Indices;
use crate::storage::raw::Raw;

/// Where an integer overflowed: the line, counted within the merged lines, and the index.
pub(crate) type MergeClash = (usize, usize);

/// An operation on the entries of two lines.
pub(super) trait CombineEntries<T>: Sync {
    /// Whether unpaired entries are kept, or only pairs.
    const UNION: bool;

    /// The name of the operation, for messages.
    const WHAT: &'static str;

    /// The result for an entry in both lines.
    fn both(left: T, right: T) -> Option<T>;

    /// The result for an entry only in the right line; one only in the left line is unchanged.
    fn right(right: T) -> Option<T>;
}

/// Some lines: line `k` has the entries from `ends[k]` to `ends[k + 1]`.
#[derive(Clone, Copy)]
pub(crate) struct MergeLines<'a> {
    pub(crate) ends: &'a [usize],
    pub(crate) indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
}
