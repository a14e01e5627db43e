//! The left matrix cut into panels of rows, each with the rows of the right matrix that it needs.
//!
//! ```text
//! for each row of A, in order:
//!     if the data it needs fits with that of the panel:  add it
//!     else:  end the panel, and start the next one with this row
//!     if enough was added for a read, and the new rows of B all follow the loaded ones:  end the panel
//! ```
//!
//! With the last line, B is read once for a band, or a matrix of a grid in its natural order: the loaded rows from the
//! first row of B that a panel needs on are kept. If a panel needs rows scattered over B, or too many between its
//! first and its last, this is impossible. The panel is then as large as fits, and B is read again for every one.
//!
//! A single row that needs more than fits, and a *long* one, whose sums would not fit among those of others, is cut
//! into parts.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::spgemm::load::RowSet;
use crate::linalg::spgemm::right_matrix::RightRows;
use crate::linalg::spgemm::schedule::left_panel::{CutRange, LeftCuts, LeftPanel, RowPart, Rules};
use crate::sparse::{Indices, by_index};
use crate::storage::Index;

/// Bytes of B between two needed rows up to which the gap is read too: reading on is faster than a new request.
const GAP: usize = 64 << 10;

/// Makes the cuts, row by row.
pub(super) struct Cutter<'a> {
    right: RightRows<'a>,
    rules: Rules,
    /// Rows of B that the panel needs.
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
    left_panel: LeftPanel,
    /// Whether it continues the row of the previous one.
    goes_on: bool,
    size: PanelSize,
    /// Bytes of the panels of this range.
    bytes: u64,
    cuts: LeftCuts,
}

/// The size of a panel.
#[derive(Clone, Copy, Default)]
struct PanelSize {
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
        let left_panel = LeftPanel::plain(first..first, within.start..within.start);
        let mut cuts = LeftCuts::default();
        cuts.ranges.push(CutRange { rows: first..first, entries: left_panel.entries.clone() });
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
            left_panel,
            goes_on: false,
            size: PanelSize::default(),
            bytes: 0,
            cuts,
        }
    }

    /// Bytes of the row sets and the panels found so far.
    pub(super) fn bytes(&self) -> u64 {
        let nrows = if self.right.is_read { self.right.shape.0 } else { 0 };
        2 * RowSet::bytes(nrows) + self.cuts.most_bytes
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
        (self.left_panel.rows.end, self.left_panel.entries.end, self.at) = (row, entry, entry);
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
        let PanelSize { left, behind, .. } = self.size;
        if left + behind >= self.rules.enough && self.carries() {
            self.end(None);
        }
        Ok(())
    }

    /// Whether the loaded rows can stay, from the first needed one on.
    fn carries(&mut self) -> bool {
        let PanelSize { left, behind, jumps, first, .. } = self.size;
        let first = first.unwrap_or(usize::MAX);
        if !jumps && self.kept.0 != first {
            let gone = self.loaded.rows_from(0).take_while(|row| *row < first);
            let gone: u64 = gone.map(|row| self.bytes_of(row)).sum();
            self.kept = (first, self.loaded_bytes.saturating_sub(gone));
        }
        !jumps && left <= self.rules.space[0] && self.kept.1 + behind <= self.rules.space[1]
    }

    fn bytes_of(&self, row: usize) -> u64 {
        self.right.span(row).map_or(0, |span| self.right.bytes_of_row(span.len()))
    }

    /// Ends with the last row.
    pub(super) fn finish(mut self) -> LeftCuts {
        self.end(None);
        self.cuts.ranges.retain(|range| !range.rows.is_empty());
        self.cuts
    }

    /// Adds a row if it fits.
    fn add_row(&mut self, columns: Indices<'_>) -> bool {
        let fits = self.add(columns, self.rules.left[1]);
        self.left_panel.rows.end += usize::from(fits);
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
        self.left_panel.rows.end += 1;
        let part = |is_first, is_last| Some(RowPart { is_first, is_last, terms });
        for at in 0..columns.len() {
            let column = columns.slice(at..at + 1);
            if self.add(column, 0) {
                continue;
            }
            if !self.left_panel.entries.is_empty() {
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
        let [left, right] = self.rules.space;
        let fits = self.size.left <= left && self.size.right <= right;
        if fits {
            self.left_panel.entries.end += columns.len();
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

    /// Ends a panel, unless it is empty.
    fn end(&mut self, part: Option<RowPart>) {
        let (row, entry) = (self.left_panel.rows.end, self.left_panel.entries.end);
        // The rest of a row that continues in another range is not a panel.
        if self.left_panel.rows.is_empty() || (part.is_none() && self.goes_on) {
            return;
        }
        let goes_on = part.is_some_and(|part| !part.is_last);
        self.goes_on = goes_on;
        let start = if goes_on { row - 1 } else { row };
        let next = LeftPanel::plain(start..row, entry..entry);
        let mut left_panel = std::mem::replace(&mut self.left_panel, next);
        left_panel.part = part;
        if self.right.is_read {
            left_panel.carries = self.carries();
            left_panel.runs = self.runs(left_panel.carries);
            self.update_loaded(left_panel.carries);
        }
        self.size = PanelSize::default();
        self.account(left_panel, goes_on);
    }

    /// Updates the loaded rows after a panel.
    fn update_loaded(&mut self, carries: bool) {
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

    /// Counts what a panel reads, and starts a range if this one is full.
    fn account(&mut self, left_panel: LeftPanel, goes_on: bool) {
        let [entry, pointer] = self.rules.left;
        let pointers = if left_panel.part.is_some() { 0 } else { left_panel.rows.len() as u64 + 1 };
        self.cuts.reads[0] += left_panel.entries.len() as u64 * entry + pointers * pointer;
        let entries: usize = left_panel.runs.iter().map(Range::len).sum();
        self.cuts.reads[1] += (entries * self.right.entry) as u64;
        let runs = left_panel.runs.len();
        // A run is kept once here, and twice as extents of two arrays while a reader is made.
        self.bytes += (size_of::<LeftPanel>() + 128 + 128 * runs) as u64;
        self.cuts.most_bytes = self.cuts.most_bytes.max(self.bytes);
        let (row, entry) = (left_panel.rows.end, left_panel.entries.end);
        if let Some(range) = self.cuts.ranges.last_mut() {
            (range.rows.end, range.entries.end) = (row, entry);
        }
        if self.cuts.ranges.len() == 1 {
            self.cuts.first.push(left_panel);
        }
        if self.bytes > self.rules.cut_bytes {
            let rows = if goes_on { row - 1..row - 1 } else { row..row };
            self.cuts.ranges.push(CutRange { rows, entries: entry..entry });
            self.bytes = 0;
            // The next range starts as if nothing were loaded, so that it can be found again on its own.
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
            .expected(format!("at most {} bytes in addition to other work", self.rules.space[1]))
            .found(format!("{bytes} bytes"))
            .remedy("raise the memory limit")
    }
}
