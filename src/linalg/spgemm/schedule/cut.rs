//! The left matrix cut into stretches of rows, each with the rows of the right matrix that it needs.
//!
//! ```text
//! for each row of A, in order:
//!     if the data it needs fits with that of the stretch:  add it
//!     else:  end the stretch, and start the next one with this row
//!     if enough was added for a read, and the new rows of B all follow the loaded ones:  end the stretch
//! ```
//!
//! With the last line, B is read once for a band, or a matrix of a grid in its natural order: the loaded rows from the
//! first row of B that a stretch needs on are kept. If a stretch needs rows scattered over B, or too many between its
//! first and its last, this is impossible. The stretch is then as large as fits, and B is read again for every one.
//!
//! A single row that needs more than fits, and a *long* one, whose sums would not fit among those of others, is cut
//! into parts.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::spgemm::load::RowSet;
use crate::linalg::spgemm::right::RightRows;
use crate::linalg::spgemm::schedule::stretch::{
    RowPart, Rules, Stretch, StretchCuts, StretchGroup,
};
use crate::sparse::{Indices, by_index};
use crate::storage::Index;

/// Bytes of B between two needed rows up to which the gap is read too: reading on is faster than a new request.
const GAP: usize = 64 << 10;

/// Makes the cuts, row by row.
pub(super) struct Cutter<'a> {
    right: RightRows<'a>,
    rules: Rules,
    /// Rows of B that the stretch needs.
    needs: RowSet,
    /// Rows of B that are loaded when it starts.
    loaded: RowSet,
    last_loaded: Option<usize>,
    /// Bytes of the loaded rows, and of those from a row on.
    loaded_bytes: u64,
    kept: (usize, u64),
    /// Rows of B that the current row of A is the first to need.
    fresh: Vec<usize>,
    /// The start of the next row's entries, and the entries of A to be cut.
    at: usize,
    within: Range<usize>,
    stretch: Stretch,
    /// Whether it continues the row of the previous one.
    goes_on: bool,
    size: StretchSize,
    /// Bytes of the stretches of this group.
    group: u64,
    cuts: StretchCuts,
}

/// The size of a stretch.
#[derive(Clone, Copy, Default)]
struct StretchSize {
    /// Bytes of A.
    left: u64,
    /// Bytes of B.
    right: u64,
    /// Bytes of rows of B after the loaded ones.
    behind: u64,
    /// Whether it needs a row before the last loaded one that is not loaded.
    jumps: bool,
    /// The first row of B that it needs.
    first: Option<usize>,
}

impl<'a> Cutter<'a> {
    /// For entries `within` of A, from row `first` on, whose first entry is `entry`.
    pub(super) fn new(
        right: RightRows<'a>,
        rules: Rules,
        (first, entry): (usize, usize),
        within: Range<usize>,
    ) -> Self {
        let nrows = if right.is_read { right.shape.0 } else { 0 };
        let stretch = Stretch::plain(first..first, within.start..within.start);
        let mut cuts = StretchCuts::default();
        cuts.groups.push(StretchGroup { rows: first..first, entries: stretch.entries.clone() });
        Cutter {
            right,
            rules,
            needs: RowSet::new(nrows),
            loaded: RowSet::new(nrows),
            last_loaded: None,
            loaded_bytes: 0,
            kept: (0, 0),
            fresh: Vec::new(),
            at: entry,
            within,
            stretch,
            goes_on: false,
            size: StretchSize::default(),
            group: 0,
            cuts,
        }
    }

    /// Bytes of the row sets and the stretches found so far.
    pub(super) fn bytes(&self) -> u64 {
        let nrows = if self.right.is_read { self.right.shape.0 } else { 0 };
        2 * RowSet::bytes(nrows) + self.cuts.largest_group
    }

    /// Whether rows must be read one by one, even if none is long.
    pub(super) fn reads(&self) -> bool {
        self.right.is_read || self.rules.left != [0, 0]
    }

    /// Whether a row with this many terms is long.
    pub(super) fn is_long(&self, terms: usize) -> bool {
        terms.min(self.right.shape.1) > self.rules.long
    }

    /// Takes rows up to `row`, whose entries end at `entry`, without reading them.
    pub(super) fn pass_over(&mut self, row: usize, entry: usize) {
        debug_assert!(!self.reads());
        (self.stretch.rows.end, self.stretch.entries.end, self.at) = (row, entry, entry);
    }

    /// Adds the next row: its columns, and its number of terms.
    ///
    /// Fails if a single entry needs more of B than fits.
    pub(super) fn row(&mut self, columns: Indices<'_>, terms: usize) -> Result<()> {
        let row = self.at..self.at + columns.len();
        self.at = row.end;
        let here = row.start.max(self.within.start)..row.end.min(self.within.end);
        if here != row {
            // Pointers that changed since the cuts were first made are detected when the row is multiplied.
            let part = here.start - row.start..here.end.saturating_sub(row.start);
            let part = part.start.min(columns.len())..part.end.min(columns.len());
            let columns = columns.slice(part.start..part.end.max(part.start));
            let ends = (here.start == row.start, here.end == row.end);
            return self.parts(columns, terms, ends);
        }
        let fits = !self.is_long(terms)
            && (self.add_row(columns) || {
                self.end(None);
                self.add_row(columns)
            });
        if !fits {
            return self.parts(columns, terms, (true, true));
        }
        let StretchSize { left, behind, .. } = self.size;
        if left + behind >= self.rules.enough && self.carries() {
            self.end(None);
        }
        Ok(())
    }

    /// Whether the loaded rows can stay, from the first needed one on.
    fn carries(&mut self) -> bool {
        let StretchSize { left, behind, jumps, first, .. } = self.size;
        let first = first.unwrap_or(usize::MAX);
        if !jumps && self.kept.0 != first {
            let gone = self.loaded.rows_from(0).take_while(|row| *row < first);
            let gone: u64 = gone.map(|row| self.bytes_of(row)).sum();
            self.kept = (first, self.loaded_bytes.saturating_sub(gone));
        }
        !jumps && left <= self.rules.room[0] && self.kept.1 + behind <= self.rules.room[1]
    }

    fn bytes_of(&self, row: usize) -> u64 {
        self.right.span(row).map_or(0, |span| self.right.bytes_of_row(span.len()))
    }

    /// Ends with the last row.
    pub(super) fn finish(mut self) -> StretchCuts {
        self.end(None);
        self.cuts.groups.retain(|group| !group.rows.is_empty());
        self.cuts
    }

    /// Adds a row if it fits.
    fn add_row(&mut self, columns: Indices<'_>) -> bool {
        let fits = self.add(columns, self.rules.left[1]);
        self.stretch.rows.end += usize::from(fits);
        fits
    }

    /// Cuts a row into parts, or adds some of them; `first` and `last` mark its ends.
    #[cold]
    fn parts(
        &mut self,
        columns: Indices<'_>,
        terms: usize,
        (mut is_first, is_last): (bool, bool),
    ) -> Result<()> {
        self.end(None);
        self.cuts.most_terms_in_parts = self.cuts.most_terms_in_parts.max(terms);
        self.stretch.rows.end += 1;
        let part = |is_first, is_last| Some(RowPart { is_first, is_last, terms });
        for at in 0..columns.len() {
            let column = columns.slice(at..at + 1);
            if self.add(column, 0) {
                continue;
            }
            if !self.stretch.entries.is_empty() {
                self.end(part(is_first, false));
                is_first = false;
            }
            if !self.add(column, 0) {
                return Err(self.too_much(column.at(0)));
            }
        }
        self.end(part(is_first, is_last));
        Ok(())
    }

    /// Adds some entries of a row, and `throughout` more bytes, unless that exceeds the memory.
    #[inline(always)]
    fn add(&mut self, columns: Indices<'_>, extra: u64) -> bool {
        let before = self.size;
        self.size.left += columns.len() as u64 * self.rules.left[0] + extra;
        if self.right.is_read {
            self.fresh.clear();
            by_index!(columns, columns => {
                columns.iter().for_each(|column| self.need(column.to_usize()));
            });
        }
        let [left, right] = self.rules.room;
        let fits = self.size.left <= left && self.size.right <= right;
        if fits {
            self.stretch.entries.end += columns.len();
        } else {
            self.fresh.iter().for_each(|&row| self.needs.remove(row));
            self.size = before;
        }
        fits
    }

    #[inline(always)]
    fn need(&mut self, row: usize) {
        // Every row was checked when terms were counted; one that is bad now is detected when it is multiplied.
        let Ok(span) = self.right.span(row) else { return };
        if span.is_empty() || !self.needs.insert(row) {
            return;
        }
        self.fresh.push(row);
        let bytes = self.right.bytes_of_row(span.len());
        self.size.right += bytes;
        self.size.first = Some(self.size.first.map_or(row, |first| first.min(row)));
        if self.last_loaded.is_none_or(|last| row > last) {
            self.size.behind += bytes;
        } else {
            self.size.jumps |= !self.loaded.contains(row);
        }
    }

    /// Ends a stretch, unless it is empty.
    fn end(&mut self, part: Option<RowPart>) {
        let (row, entry) = (self.stretch.rows.end, self.stretch.entries.end);
        // The rest of a row that continues in another group is not a stretch.
        if self.stretch.rows.is_empty() || (part.is_none() && self.goes_on) {
            return;
        }
        let goes_on = part.is_some_and(|part| !part.is_last);
        self.goes_on = goes_on;
        let start = if goes_on { row - 1 } else { row };
        let next = Stretch::plain(start..row, entry..entry);
        let mut stretch = std::mem::replace(&mut self.stretch, next);
        stretch.part = part;
        if self.right.is_read {
            stretch.carries = self.carries();
            stretch.runs = self.runs(stretch.carries);
            self.take_at_hand(stretch.carries);
        }
        self.size = StretchSize::default();
        self.account(stretch, goes_on);
    }

    /// Updates the loaded rows after a stretch.
    fn take_at_hand(&mut self, carries: bool) {
        if carries {
            let first = self.size.first.unwrap_or(usize::MAX);
            self.loaded.remove_before(first);
            let behind = self.last_loaded.map_or(0, |last| last + 1);
            self.needs.rows_from(behind).for_each(|row| {
                self.loaded.insert(row);
            });
            self.loaded_bytes = self.kept.1 + self.size.behind;
        } else {
            std::mem::swap(&mut self.needs, &mut self.loaded);
            self.loaded_bytes = self.size.right;
        }
        self.needs.clear();
        self.last_loaded = self.loaded.last();
        self.kept = (0, self.loaded_bytes);
    }

    /// Counts what a stretch reads, and starts a group if this one is full.
    fn account(&mut self, stretch: Stretch, goes_on: bool) {
        let [entry, pointer] = self.rules.left;
        let pointers = if stretch.part.is_some() { 0 } else { stretch.rows.len() as u64 + 1 };
        self.cuts.reads[0] += stretch.entries.len() as u64 * entry + pointers * pointer;
        let entries: usize = stretch.runs.iter().map(Range::len).sum();
        self.cuts.reads[1] += (entries * self.right.entry) as u64;
        let runs = stretch.runs.len();
        // A run is kept once here, and twice as extents of two arrays while a reader is made.
        self.group += (size_of::<Stretch>() + 128 + 128 * runs) as u64;
        self.cuts.largest_group = self.cuts.largest_group.max(self.group);
        let (row, entry) = (stretch.rows.end, stretch.entries.end);
        if let Some(group) = self.cuts.groups.last_mut() {
            (group.rows.end, group.entries.end) = (row, entry);
        }
        if self.cuts.groups.len() == 1 {
            self.cuts.first.push(stretch);
        }
        if self.group > self.rules.group {
            let rows = if goes_on { row - 1..row - 1 } else { row..row };
            self.cuts.groups.push(StretchGroup { rows, entries: entry..entry });
            self.group = 0;
            // The next group starts as if nothing were loaded, so that it can be found again on its own.
            self.loaded.clear();
            self.last_loaded = None;
            self.loaded_bytes = 0;
            self.kept = (0, 0);
        }
    }

    /// The entries of B to be read: the needed rows, and small gaps between them.
    fn runs(&self, carries: bool) -> Vec<Range<usize>> {
        let first = if carries { self.last_loaded.map_or(0, |last| last + 1) } else { 0 };
        let gap = GAP / self.right.entry;
        let mut runs: Vec<Range<usize>> = Vec::new();
        for span in self.needs.rows_from(first).filter_map(|row| self.right.span(row).ok()) {
            match runs.last_mut() {
                _ if span.is_empty() => {}
                Some(run) if span.start <= run.end + gap => run.end = run.end.max(span.end),
                _ => runs.push(span),
            }
        }
        runs
    }

    fn too_much(&self, row: usize) -> Error {
        let bytes = self.right.span(row).map_or(0, |span| self.right.bytes_of_row(span.len()));
        Error::new(ErrorKind::Memory, "a row of the right matrix would not fit")
            .at(Location::Row(row as u64))
            .expected(format!("at most {} bytes in addition to other work", self.rules.room[1]))
            .found(format!("{bytes} bytes"))
            .remedy("raise the memory limit")
    }
}
