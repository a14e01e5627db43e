//! Compressed matrices in panels of lines, one or several together: the same lines of each at a time, for one pass.
//!
//! Arrays in files are read into private memory whatever their size, and the pointers of a panel are compared with its
//! cut before use, and the indices are checked. So checked data does not change during the work, even if the file does,
//! and a result made from it can be published without another check.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::check::pointers_changed;
use crate::sparse::index_check::IndexCheck;
use crate::sparse::index_vec::IndexVec;
use crate::sparse::indices::{Indices, by_index};
use crate::sparse::line_cuts::{LineCut, LineCuts, LineSplit, cut};
use crate::storage::raw::Raw;
use crate::storage::{
    ArrayPanels, Arrays, Context, Index, Plan, Reading, SMALL, largest_of_arrays, usable_bytes,
};

/// Bytes per line in addition to its entries and pointers: per-line state of the work.
const OVERHEAD: usize = 16;

/// Yields matrices of one extent and of the same types in runs of consecutive lines (rows of CSR, columns of CSC), in
/// order.
pub(crate) struct CheckedPanels {
    matrices: Vec<AnyCompressed>,
    /// The base from which each matrix counts its pointers.
    bases: Vec<usize>,
    cuts: Arc<LineCuts>,
    panels: ArrayPanels,
}

/// A panel of whole lines, or a run of one line.
pub(crate) struct CheckedPanel<'a> {
    /// The first line's number.
    pub(crate) first: usize,
    /// Whether the panel starts with a line, not within one.
    pub(crate) opens: bool,
    /// Whether the panel ends with a line, not within one.
    pub(crate) closes: bool,
    /// The panel's part of each matrix.
    pub(crate) parts: Vec<CheckedLines<'a>>,
}

/// A run of lines of one matrix.
#[derive(Clone, Copy)]
pub(crate) struct CheckedLines<'a> {
    /// The position of the first entry in the matrix.
    pub(crate) start: usize,
    /// The begin and end of each line, from 0 to the number of entries; for a run of a line, just these two. Private
    /// memory that was checked.
    pub(crate) indptr: Indices<'a>,
    pub(crate) indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
    /// Whether the indices rise in every line.
    pub(crate) rises: bool,
}

impl CheckedLines<'_> {
    /// The number of lines.
    pub(crate) fn lines(&self) -> usize {
        self.indptr.len() - 1
    }

    /// The begin and end of lines, counted within this panel: one number more than lines.
    pub(crate) fn ends(&self, lines: Range<usize>) -> Vec<usize> {
        let mut ends = vec![0; lines.len() + 1];
        self.indptr.positions(lines.start, &mut ends);
        ends
    }
}

impl CheckedPanels {
    /// The lines of matrices within about a quarter of the memory that is left: four panels of at most an eighth of it,
    /// or of a quarter where a line must stay whole.
    ///
    /// Fails if two panels do not fit, a panel having at least one line that cannot be cut.
    pub(crate) fn new(
        matrices: &[&AnyCompressed],
        split: LineSplit,
        left: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let budget = left / 4;
        let matrices: Vec<_> = matrices.iter().map(|&matrix| matrix.clone()).collect();
        let arrays = Arrays::read(matrices.iter().flat_map(AnyCompressed::arrays))?;
        let streams = arrays.files().max(1);
        let bytes = largest_of_arrays(budget, streams);
        let longest = match split {
            LineSplit::None | LineSplit::Entries => bytes,
            LineSplit::Runs(_) | LineSplit::Columns => bytes.max((budget / 4) as usize),
        };
        let pointers: usize = matrices.iter().map(|matrix| matrix.types().pointers.size()).sum();
        let usable = (usable_bytes(bytes, streams), usable_bytes(longest, streams));
        let cuts = cut(&matrices, split, usable, pointers + OVERHEAD);
        let bases = matrices.iter().map(|matrix| matrix.indptr().at(0)).collect();
        let stored: u64 = matrices.iter().map(AnyCompressed::stored_bytes).sum();
        let buffered = stored <= ctx.memory_left() || bytes < SMALL;
        let (cuts, how) = (Arc::new(cuts), Reading::once(budget).buffered_if(buffered));
        let panels = ArrayPanels::new(arrays, Arc::clone(&cuts), how)?;
        Ok(CheckedPanels { matrices, bases, cuts, panels })
    }

    /// Bytes that a sweep reads.
    pub(crate) fn bytes_to_read(&self) -> u64 {
        self.panels.bytes_to_read()
    }

    /// Maximum memory of a sweep.
    pub(crate) fn memory(&self) -> u64 {
        self.panels.memory() + self.pointer_bytes()
    }

    /// The plan of an operation that makes one pass over the lines.
    pub(crate) fn plan(&self, operation: &'static str) -> Plan {
        self.panels.plan(operation).throughout(self.pointer_bytes())
    }

    /// Maximum entries of all matrices in a panel.
    pub(crate) fn most_entries(&self) -> usize {
        self.cuts.most_entries()
    }

    /// Maximum lines in a panel.
    pub(crate) fn most_lines(&self) -> usize {
        self.cuts.most_lines()
    }

    /// Whether a line is cut into runs.
    pub(crate) fn cuts_a_line(&self) -> bool {
        self.cuts.runs.iter().any(|cut| !cut.opens)
    }

    fn pointer_bytes(&self) -> u64 {
        let bytes = self.matrices.iter().map(|matrix| matrix.types().pointers.size());
        ((self.most_lines() + 1) * bytes.sum::<usize>()) as u64
    }

    /// Calls `work` with every panel in order: one pass over the matrices. Returns whether the indices rise in every line
    /// of all.
    ///
    /// Fails if an index is out of range.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(CheckedPanel<'_>) -> Result<()>,
    ) -> Result<bool> {
        ctx.meter().pass();
        self.sweep_part(ctx, work)
    }

    /// As [`sweep`](Self::sweep), for matrices that are only a part of the input.
    pub(crate) fn sweep_part(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(CheckedPanel<'_>) -> Result<()>,
    ) -> Result<bool> {
        let _held = ctx.hold(self.pointer_bytes());
        let CheckedPanels { matrices, bases, cuts, panels } = self;
        let mut states: Vec<_> = matrices
            .iter()
            .map(|matrix| (IndexVec::new(matrix.types().pointers), IndexCheck::of(matrix)))
            .collect();
        panels.sweep_part(ctx, &mut |run, parts| {
            let (LineCut { done, opens }, lines) = (cuts.runs[run], cuts.lines(run));
            let closes = done > lines.start;
            let mut each = Vec::with_capacity(matrices.len());
            for (m, (arrays, (indptr, check))) in parts.chunks_exact(3).zip(&mut states).enumerate()
            {
                let (window, span) = (Indices::of_raw(arrays[0]), cuts.span(run, m));
                let within = (opens && closes, bases[m]);
                relative(window, within, span.clone(), indptr).map_err(|line| {
                    let changed = pointers_changed(lines.start + line);
                    match matrices[m].indptr_buffer().file() {
                        Some((path, _)) => changed.in_file(path),
                        None => changed,
                    }
                })?;
                let (indptr, indices) = (indptr.as_indices(), Indices::of_raw(arrays[1]));
                let at = (lines.start, span.start);
                let rises = ctx.with_threads(|| check.take((indptr, indices), (opens, closes), at));
                each.push(CheckedLines {
                    start: span.start,
                    indptr,
                    indices,
                    data: arrays[2],
                    rises: rises.map_err(|error| matrices[m].name_indices(error))?,
                });
            }
            work(CheckedPanel { first: lines.start, opens, closes, parts: each })
        })?;
        Ok(states.iter().all(|(_, check)| check.canonical()))
    }
}

/// The pointers of a panel counted from its first entry; `base` is the base of pointers in the matrix. Also the line
/// whose pointers differ from the cut, if there is one.
fn relative(
    window: Indices<'_>,
    (whole, base): (bool, usize),
    span: Range<usize>,
    indptr: &mut IndexVec,
) -> std::result::Result<(), usize> {
    indptr.clear();
    if !whole {
        indptr.extend_with(2, &mut |k| k * span.len());
        return Ok(());
    }
    let (first, last) = (base.wrapping_add(span.start), base.wrapping_add(span.end));
    let falls = by_index!(window, window => falls(window));
    let ends = (window.at(0), window.at(window.len() - 1));
    if falls.is_some() || ends != (first, last) {
        return Err(falls.unwrap_or(if ends.0 == first { window.len() - 2 } else { 0 }));
    }
    indptr.extend_relative(window, first);
    Ok(())
}

/// The position at which pointers fall, if any.
fn falls<P: Index>(window: &[P]) -> Option<usize> {
    // The test for all compiles to vector code; the place is searched only if it fails.
    let rising = window.windows(2).fold(true, |rising, pair| rising & (pair[0] <= pair[1]));
    let place = || window.windows(2).position(|pair| pair[0] > pair[1]);
    if rising { None } else { place() }
}
