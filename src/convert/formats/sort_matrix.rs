//! Whole matrices through the external sort.

use crate::convert::formats::wrong_indices::{changed, index_error_instead, index_error_of};
use crate::convert::in_memory::{LineNumbers, RecordLayout};
use crate::convert::sort::{AnySink, AnySorter, entries_in_memory};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{
    AnyCompressed, Duplicates, EntryPanels, IndexVec, Indices, by_index, by_index_mut,
};
use crate::storage::{Context, Held, Index, RawBuffer};

/// Passes all entries to `sink`, moved to lines of the other axis if `across`. Each line is sorted and its duplicates
/// treated, if `sorting` is given.
pub(crate) fn sort_lines(
    from: &AnyCompressed,
    across: bool,
    sorting: Option<Duplicates>,
    sink: &mut dyn AnySink,
    ctx: &Context,
) -> Result<()> {
    let (nnz, layout) = (from.nnz(), RecordLayout::of(from.types()));
    let lines = if across { from.minor() } else { from.major() };
    let mut sorter = AnySorter::new(layout, 0..lines, nnz as u64, ctx);
    let mut panels =
        EntryPanels::new(&[from.indices_buffer()], from.data(), entries_in_memory(layout, ctx))?;
    let mut names = Names::new(from, layout, ctx)?;
    let sorted = panels.sweep(ctx, &mut |first, indices, data| {
        let majors = names.of(first, data.len(), None)?;
        match across {
            true => sorter.extend((indices[0], majors, data)),
            // The sort checks the lines of entries, but not their indices within lines.
            false if !all_below(indices[0], from.minor()) => Err(index_error_of(from)),
            false => sorter.extend((majors, indices[0], data)),
        }
    });
    drop((panels, names));
    let swept = sorted.and_then(|()| sorter.fill_lines(sorting, sink, ctx));
    swept.map_err(|error| index_error_instead(from, error))
}

/// The lines of the entries of a run.
pub(crate) struct Names<'a> {
    from: &'a AnyCompressed,
    majors: LineNumbers<'a>,
    names: IndexVec,
    _held: Held,
}

impl<'a> Names<'a> {
    /// Buffers for the longest run.
    pub(crate) fn new(
        from: &'a AnyCompressed,
        layout: RecordLayout,
        ctx: &Context,
    ) -> Result<Self> {
        let (most, mut names) =
            (from.nnz().min(entries_in_memory(layout, ctx)), IndexVec::new(layout.indices));
        reserve(&mut names, most)?;
        let _held = ctx.hold((most * layout.indices.size()) as u64);
        Ok(Names { from, majors: LineNumbers::new(from.indptr(), 0, 0), names, _held })
    }

    /// The lines of `count` entries from `first` on, or their new places. Runs of entries are visited once, one after
    /// the other.
    pub(crate) fn of(
        &mut self,
        first: usize,
        count: usize,
        places: Option<Indices<'_>>,
    ) -> Result<Indices<'_>> {
        self.names.resize(count, 0);
        let majors = &mut self.majors;
        let written = by_index_mut!(self.names.as_mut(), names => majors.write(first, names));
        let placed = written.and_then(|()| match places {
            Some(places) => self.names.look_up(places),
            None => Some(()),
        });
        placed.ok_or_else(|| index_error_of(self.from))?;
        Ok(self.names.as_indices())
    }
}

impl IndexVec {
    /// Replaces each by the table's element at its position; `None` if there is no such position.
    pub(crate) fn look_up(&mut self, table: Indices<'_>) -> Option<()> {
        fn go<I: Index>(indices: &mut [I], table: &[I]) -> Option<()> {
            for index in indices {
                *index = *table.get(index.to_usize())?;
            }
            Some(())
        }
        by_index_mut!(self.as_mut(), indices => go(indices, table.typed()))
    }
}

/// Reserves memory for this many indices. Fails if the system does not have it.
pub(crate) fn reserve(indices: &mut IndexVec, count: usize) -> Result<()> {
    indices.try_reserve_exact(count).map_err(|_| {
        Error::new(ErrorKind::Memory, "the system does not have enough memory for the entries")
            .found(format!("a request for {count} entries"))
    })
}

/// Passes all entries to `sink`, moved to lines by their index in `majors`, of which there are `major`, and sorted by
/// their index in `minors`.
pub(crate) fn sort_entries(
    (majors, minors, data): (&RawBuffer, &RawBuffer, &RawBuffer),
    (major, minor): (usize, usize),
    duplicates: Duplicates,
    sink: &mut dyn AnySink,
    ctx: &Context,
) -> Result<()> {
    let indices = Indices::of(majors).dtype();
    let layout = RecordLayout { values: data.dtype(), indices };
    let mut sorter = AnySorter::new(layout, 0..major, data.len() as u64, ctx);
    let mut panels = EntryPanels::new(&[majors, minors], data, entries_in_memory(layout, ctx))?;
    panels.sweep(ctx, &mut |_, coordinates, data| {
        if !all_below(coordinates[1], minor) {
            return Err(changed());
        }
        sorter.extend((coordinates[0], coordinates[1], data))
    })?;
    drop(panels);
    sorter.fill_lines(Some(duplicates), sink, ctx)
}

/// Whether all indices are below an extent.
pub(crate) fn all_below(indices: Indices<'_>, extent: usize) -> bool {
    fn go<I: Index>(indices: &[I], extent: usize) -> bool {
        indices.iter().fold(true, |all, index| all & (index.to_usize() < extent))
    }
    by_index!(indices, indices => go(indices, extent))
}
