//! What the two passes of the external sort say to each other and to those around them.

use std::ops::Range;

use crate::error::Result;
use crate::sparse::Duplicates;
use crate::storage::{Context, Entry, Index};

/// A run of records sorted by bins.
pub(super) struct Run {
    /// Where in the scratch file it starts.
    pub(super) offset: u64,
    /// The first record of every bin, and the number of all.
    pub(super) starts: Vec<u64>,
}

/// Takes entries line by line.
pub(super) trait Sink<T, I> {
    /// Takes the next whole lines: how many entries each has, and the entries of all.
    fn lines(&mut self, lens: &[usize], indices: &[I], data: &[T], canonical: bool) -> Result<()>;

    /// Takes some entries of the line that comes next.
    fn part(&mut self, indices: &[I], data: &[T], canonical: bool) -> Result<()>;

    /// Ends the line that came in parts.
    fn end_line(&mut self) -> Result<()>;

    /// Line and index as row and column, for errors.
    fn position(&self) -> fn((usize, usize)) -> (usize, usize);
}

/// Sorts entries by their lines: what the second pass needs for a bin that does not fit.
pub(super) trait Sort<T: Entry, I: Index>: Sized {
    /// For entries of the lines `lines`, `expected` of them.
    fn start(lines: Range<usize>, expected: u64, ctx: &Context) -> Self;

    /// Takes entries.
    fn take(&mut self, majors: &[I], minors: &[I], data: &[T]) -> Result<()>;

    /// Hands all entries to `sink`, line by line; the lines sorted and duplicates treated, if `sorting` says how.
    fn hand_on(
        self,
        sorting: Option<Duplicates>,
        sink: &mut dyn Sink<T, I>,
        ctx: &Context,
    ) -> Result<()>;
}
