//! The entries of a sparse matrix as text, in stored order.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::text_writer::TextWriter;
use crate::sparse::{
    AnyCompressed, AnyCoo, CompressedPanel, CompressedPanels, Indices, by_index, index_out_of_range,
};
use crate::storage::raw::Raw;
use crate::storage::{Index, Plan, SparseFormat};

/// Approximate bytes of an entry.
const TYPICAL: u64 = 24;

/// Some entries, and where they are.
pub(in crate::io) struct PlacedEntries<'a> {
    places: EntryPlaces<'a>,
    pub(in crate::io) data: Raw<'a>,
}

enum EntryPlaces<'a> {
    /// In the lines of a panel; lines are columns if `by_cols`.
    Lines { panel: CompressedPanel<'a>, across: usize, by_cols: bool, start_of_all: usize },
    /// At these rows and columns.
    Each(Indices<'a>, Indices<'a>),
}

/// Appends the text of a range of entries.
pub(in crate::io) type FormatEntries<'f> =
    &'f (dyn Fn(&PlacedEntries<'_>, Range<usize>, &mut Vec<u8>) -> Result<()> + Sync);

impl PlacedEntries<'_> {
    /// Calls `visit` with the number, row and column of each entry of a range; fails if an index is out of range.
    #[inline(always)]
    pub(in crate::io) fn visit(
        &self,
        range: Range<usize>,
        mut visit: impl FnMut(usize, usize, usize),
    ) -> Result<()> {
        match &self.places {
            EntryPlaces::Lines { panel, across, by_cols, start_of_all } => {
                let &CompressedPanel { first, indptr, indices, .. } = panel;
                let (base, lines) = (indptr.at(0), indptr.len() - 1);
                let end_of = |line: usize| indptr.at(line + 1).wrapping_sub(base);
                let mut line = line_of(indptr, range.start);
                for k in range {
                    while line + 1 < lines && end_of(line) <= k {
                        line += 1;
                    }
                    let (major, minor) = (first + line, indices.at(k));
                    if minor >= *across {
                        let position = base.wrapping_sub(*start_of_all).wrapping_add(k);
                        return Err(index_out_of_range(major, position, minor, *across));
                    }
                    let (row, col) = if *by_cols { (minor, major) } else { (major, minor) };
                    visit(k, row, col);
                }
            }
            EntryPlaces::Each(rows, cols) => {
                for k in range {
                    visit(k, rows.at(k), cols.at(k));
                }
            }
        }
        Ok(())
    }
}

/// The line of a panel that holds an entry, or one before it.
fn line_of(indptr: Indices<'_>, k: usize) -> usize {
    let base = indptr.at(0);
    let line = by_index!(indptr, indptr => {
        indptr.partition_point(|end| end.to_usize().wrapping_sub(base) <= k)
    });
    line.saturating_sub(1)
}

/// Fails unless the pointers of a panel rise, to the number of its entries.
pub(in crate::io) fn check_panel(panel: &CompressedPanel<'_>) -> Result<()> {
    let CompressedPanel { indptr, indices, data, .. } = panel;
    let base = indptr.at(0);
    let lens = (1..indptr.len()).try_fold(0, |before, line| {
        let end = indptr.at(line).checked_sub(base)?;
        (before <= end).then_some(end)
    });
    match lens == Some(indices.len()) && (data.width() == 0 || data.len() == indices.len()) {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Index, "the matrix changed while it was read")),
    }
}

/// Writes the entries of compressed lines.
pub(in crate::io) fn write_lines(
    writer: &mut TextWriter<'_>,
    a: &AnyCompressed,
    format: FormatEntries<'_>,
) -> Result<()> {
    let (ctx, phase) = (writer.ctx(), writer.phase());
    let mut panels = CompressedPanels::for_one_sweep(a.clone(), writer.budget(), ctx)?;
    let _running = ctx.begin(|| Ok(writer.plan(panels.plan(phase), TYPICAL)))?;
    let _texts = ctx.hold(writer.memory());
    let (by_cols, across) = (a.format() == SparseFormat::Csc, a.minor());
    let start_of_all = a.indptr().at(0);
    let swept = panels.sweep(ctx, &mut |panel| {
        check_panel(&panel)?;
        let (count, data) = (panel.indices.len(), panel.data);
        let places = EntryPlaces::Lines { panel, across, by_cols, start_of_all };
        let entries = PlacedEntries { places, data };
        writer.write(count, &|range, text| format(&entries, range, text))
    });
    swept.map_err(|error| a.name_indices(error))
}

/// Writes the entries of coordinates.
pub(in crate::io) fn write_coordinates(
    writer: &mut TextWriter<'_>,
    a: &AnyCoo,
    format: FormatEntries<'_>,
) -> Result<()> {
    a.check()?;
    let (ctx, phase) = (writer.ctx(), writer.phase());
    let _running = ctx.begin_pass(a.stored_bytes(), || {
        let plan = Plan::new(phase).on_device_of(a.rows().file());
        Ok(writer.plan(plan.reads(1, a.stored_bytes()), TYPICAL))
    })?;
    let _texts = ctx.hold(writer.memory());
    let places = EntryPlaces::Each(Indices::of(a.rows()), Indices::of(a.cols()));
    let entries = PlacedEntries { places, data: a.data().as_raw() };
    writer.write(a.nnz(), &|range, text| format(&entries, range, text))
}
