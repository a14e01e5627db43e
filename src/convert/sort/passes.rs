//! The types shared by the two passes of the external sort and their callers.

use std::ops::Range;

use crate::convert::in_memory::RecordLayout;
use crate::error::Result;
use crate::sparse::{Duplicates, Indices};
use crate::storage::Context;
use crate::storage::raw::Raw;

/// A run of records sorted by bins.
pub(crate) struct SortedRun {
    /// Its offset in the scratch file.
    pub(crate) offset: u64,
    /// The first record of every bin, and the total number.
    pub(crate) starts: Vec<u64>,
}

/// Some entries: the line of each, its index across, its value.
pub(crate) type Triplets<'a> = (Indices<'a>, Indices<'a>, Raw<'a>);

/// A consumer of entries, line by line.
pub(crate) trait AnySink {
    /// Takes the next whole lines: the number of entries of each, and the entries of all.
    fn lines(
        &mut self,
        lens: &[usize],
        indices: Indices<'_>,
        data: Raw<'_>,
        canonical: bool,
    ) -> Result<()>;

    /// Takes some entries of the next line.
    fn part(&mut self, indices: Indices<'_>, data: Raw<'_>, canonical: bool) -> Result<()>;

    /// Ends the line that came in parts.
    fn end_line(&mut self) -> Result<()>;

    /// Converts line and index to row and column, for errors.
    fn position(&self) -> fn((usize, usize)) -> (usize, usize);
}

/// Sorts entries by their lines: used by the second pass for a bin that does not fit.
pub(crate) trait Sort: Sized {
    /// For entries of the lines `lines`, `expected` of them.
    fn start(layout: RecordLayout, lines: Range<usize>, expected: u64, ctx: &Context) -> Self;

    /// Takes entries.
    fn take(&mut self, entries: Triplets<'_>) -> Result<()>;

    /// Passes all entries to `sink`, line by line; lines are sorted and duplicates treated, if `sorting` is given.
    fn hand_on(
        self,
        sorting: Option<Duplicates>,
        sink: &mut dyn AnySink,
        ctx: &Context,
    ) -> Result<()>;
}
