//! Entries in memory, to be moved to the lines of a result.

use std::ops::Range;

use crate::convert::in_memory::line_numbers::LineNumbers;
use crate::sparse::{AnyCompressed, Indices};
use crate::storage::Index;
use crate::storage::raw::Raw;

/// Entries of a block.
pub(crate) const BLOCK: usize = 256;

/// Entries that can be iterated over twice, in order.
#[derive(Clone, Copy)]
pub(crate) struct InputEntries<'a> {
    /// The line of every entry.
    pub(crate) lines: Indices<'a>,
    pub(crate) others: Others<'a>,
    pub(crate) data: Raw<'a>,
}

/// The index across the lines of every entry.
#[derive(Clone, Copy)]
pub(crate) enum Others<'a> {
    /// One per entry, and their upper bound.
    Given(Indices<'a>, usize),
    /// The entry's line according to these pointers.
    Lines(Indices<'a>),
}

impl<'a> InputEntries<'a> {
    /// The entries of a compressed matrix for a conversion across: the index becomes the line, and the line the index.
    pub(crate) fn across(from: &'a AnyCompressed) -> Self {
        let (lines, data) = (from.indices(), from.data().as_raw());
        InputEntries { lines, others: Others::Lines(from.indptr()), data }
    }

    /// Calls `visit` with lines, indices across and values of some entries, at most a block of them at a time, until it
    /// returns `None`; returns `None` itself if the entries have changed.
    pub(crate) fn each<I: Index>(
        &self,
        range: Range<usize>,
        visit: &mut dyn FnMut(&[I], &[I], Raw<'_>) -> Option<()>,
    ) -> Option<()> {
        let lines = self.lines.typed::<I>();
        let blocks = range.clone().step_by(BLOCK).map(|start| start..range.end.min(start + BLOCK));
        match self.others {
            Others::Given(others, extent) => {
                let others = others.typed::<I>();
                for here in blocks {
                    let others = others.get(here.clone())?;
                    let below = |index: &I| index.to_usize() < extent;
                    if !others.iter().fold(true, |all, index| all & below(index)) {
                        return None;
                    }
                    visit(lines.get(here.clone())?, others, self.data.get(here)?)?;
                }
            }
            Others::Lines(indptr) => {
                let mut majors = LineNumbers::new(indptr, 0, range.start);
                let mut others = [I::from_usize(0); BLOCK];
                for here in blocks {
                    let others = &mut others[..here.len()];
                    majors.write(here.start, others)?;
                    visit(lines.get(here.clone())?, others, self.data.get(here)?)?;
                }
            }
        }
        Some(())
    }
}
