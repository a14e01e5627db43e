//! Compressed matrices line by line, one or several side by side: the same run of lines of each at a time, for one pass.
//!
//! Arrays in files are read into memory of our own whatever their size, and the pointers of a run are compared with where
//! it was cut before anything is done with them. So what was checked once stays as it is while the work lasts, even if
//! the file does not: what is made of a matrix can be published without looking at it again.

use std::ops::Range;

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::check::pointers_changed;
use crate::sparse::index_vec::IndexVec;
use crate::sparse::indices::{Indices, by_index};
use crate::sparse::line_cuts::{Cut, Cuts, Pieces, cut};
use crate::storage::raw::Raw;
use crate::storage::{
    Context, Devices, Extent, Index, PanelReader, RawPanelArray, ReadMode, panel_elements,
};

/// Panels below this size are left to the page cache to gather; larger ones are read as the device likes it.
const SMALL: usize = 1 << 20;

/// The largest panel, in bytes.
const LARGEST: u64 = 12 << 20;

/// The smallest panel, in bytes for each array: half of them may be lost to its alignment.
const LEAST: usize = 16 << 10;

/// Hands out matrices of one extent and of the same types in runs of consecutive lines (rows of CSR, columns of CSC), in
/// order.
pub(crate) struct AnyZippedLines {
    /// Keeps maps and locks while panels are read from the files.
    matrices: Vec<AnyCompressed>,
    arrays: Vec<Arrays>,
    /// What each matrix counts its pointers from.
    bases: Vec<usize>,
    cuts: Cuts,
    /// `None` if everything lies in memory.
    reader: Option<PanelReader>,
}

struct Arrays {
    indptr: RawPanelArray,
    indices: RawPanelArray,
    data: RawPanelArray,
}

/// A run of whole lines, or a piece of one line.
pub(crate) struct AnyZippedPanel<'a> {
    /// The first line's number.
    pub(crate) first: usize,
    /// Whether the run starts with a line, and not within one.
    pub(crate) opens: bool,
    /// Whether the run ends with a line, and not within one.
    pub(crate) closes: bool,
    /// The run in each of the matrices.
    pub(crate) parts: Vec<AnyLinePart<'a>>,
}

/// A run of lines of one matrix.
#[derive(Clone, Copy)]
pub(crate) struct AnyLinePart<'a> {
    /// Where in the matrix the first entry stands.
    pub(crate) start: usize,
    /// Where lines begin and end, from 0 to the number of entries; of a piece, both. Private memory that was checked.
    pub(crate) indptr: Indices<'a>,
    pub(crate) indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
}

impl AnyLinePart<'_> {
    /// How many lines there are.
    pub(crate) fn lines(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Where some lines begin and end, counted in this run: a number more than lines.
    pub(crate) fn ends(&self, lines: Range<usize>) -> Vec<usize> {
        let mut ends = vec![0; lines.len() + 1];
        self.indptr.positions(lines.start, &mut ends);
        ends
    }
}

impl AnyZippedLines {
    /// The lines of some matrices within about `budget` bytes of memory: four panels of an eighth of it at most, or of a
    /// quarter where a line is to stay whole.
    ///
    /// Fails if two panels do not fit, one line that cannot be cut being the least of a panel.
    pub(crate) fn new(
        matrices: &[&AnyCompressed],
        pieces: Pieces,
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let matrices: Vec<_> = matrices.iter().map(|&matrix| matrix.clone()).collect();
        let mut sources = Vec::new();
        let arrays = matrices.iter().map(|matrix| {
            Ok(Arrays {
                indptr: RawPanelArray::new(matrix.indptr_buffer(), &mut sources)?,
                indices: RawPanelArray::new(matrix.indices_buffer(), &mut sources)?,
                data: RawPanelArray::new(matrix.data(), &mut sources)?,
            })
        });
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let streams = sources.len().max(1);
        let bytes = ((budget / 8).min(LARGEST) as usize).max(LEAST * streams);
        // What the alignment of each array takes is no room for its elements.
        let room = |bytes| panel_elements(bytes, &vec![1; streams]) * streams;
        let longest = match pieces {
            Pieces::Entries => bytes,
            Pieces::Runs(_) | Pieces::Columns => bytes.max((budget / 4) as usize),
        };
        let cuts = cut(&matrices, pieces, (room(bytes), room(longest)));
        let bases = matrices.iter().map(|matrix| matrix.indptr().at(0)).collect();
        let mut lines = AnyZippedLines { matrices, arrays, bases, cuts, reader: None };
        if let Some(largest) = sources.iter().max_by_key(|source| source.length()) {
            let fits = lines.stored_bytes() <= ctx.memory_left();
            let mode = match fits || bytes < SMALL {
                true => ReadMode::Buffered,
                false => Devices::known().read_mode(largest)?,
            };
            let panels = (0..lines.cuts.runs.len()).map(|run| lines.extents(run)).collect();
            let mut reader = PanelReader::new(sources, panels, budget, mode)?;
            reader.pin_nothing();
            lines.reader = Some(reader);
        }
        Ok(lines)
    }

    /// The budget for reading, where `left` bytes of memory are left.
    pub(crate) fn budget(left: u64) -> u64 {
        left / 4
    }

    /// Bytes of the arrays that lie in files.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.matrices.iter().map(AnyCompressed::stored_bytes).sum()
    }

    /// Bytes that a sweep reads.
    pub(crate) fn bytes_to_read(&self) -> u64 {
        self.reader.as_ref().map_or(0, PanelReader::bytes_to_read)
    }

    /// Most memory that a sweep takes.
    pub(crate) fn memory(&self) -> u64 {
        self.reader.as_ref().map_or(0, PanelReader::memory) + self.pointer_bytes()
    }

    /// Most entries of all matrices in a run.
    pub(crate) fn most_entries(&self) -> usize {
        (0..self.cuts.runs.len()).map(|run| self.entries(run)).max().unwrap_or(0)
    }

    /// Most lines in a run.
    pub(crate) fn most_lines(&self) -> usize {
        (0..self.cuts.runs.len()).map(|run| self.lines(run).len()).max().unwrap_or(0)
    }

    /// Whether a line comes in pieces.
    pub(crate) fn cuts_a_line(&self) -> bool {
        self.cuts.runs.iter().any(|cut| !cut.opens)
    }

    fn pointer_bytes(&self) -> u64 {
        let bytes = self.matrices.iter().map(|matrix| matrix.types().pointers.size());
        ((self.most_lines() + 1) * bytes.sum::<usize>()) as u64
    }

    /// The lines of a run; one for a piece of it.
    fn lines(&self, run: usize) -> Range<usize> {
        let first = if run == 0 { 0 } else { self.cuts.runs[run - 1].done };
        first..self.cuts.runs[run].done.max(first + 1)
    }

    /// Where the entries of a matrix in a run begin and end.
    fn span(&self, run: usize, matrix: usize) -> Range<usize> {
        let (at, count) = (run * self.matrices.len() + matrix, self.matrices.len());
        let start = if run == 0 { 0 } else { self.cuts.ends[at - count] };
        start..self.cuts.ends[at]
    }

    fn entries(&self, run: usize) -> usize {
        (0..self.matrices.len()).map(|matrix| self.span(run, matrix).len()).sum()
    }

    fn extents(&self, run: usize) -> Vec<Extent> {
        let lines = self.lines(run);
        let each = self.arrays.iter().enumerate().flat_map(|(matrix, arrays)| {
            let span = self.span(run, matrix);
            [
                arrays.indptr.extent(lines.start..lines.end + 1),
                arrays.indices.extent(span.clone()),
                arrays.data.extent(span),
            ]
        });
        each.flatten().collect()
    }

    /// Calls `work` with every run in order; a pass over the matrices.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(AnyZippedPanel<'_>) -> Result<()>,
    ) -> Result<()> {
        ctx.meter().pass();
        self.sweep_part(ctx, work)
    }

    /// As [`sweep`](Self::sweep), of matrices that are only a part of the input.
    pub(crate) fn sweep_part(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(AnyZippedPanel<'_>) -> Result<()>,
    ) -> Result<()> {
        let _held = ctx.hold(self.pointer_bytes());
        let mut reader = self.reader.take();
        let pointers = self.matrices.iter().map(|matrix| IndexVec::new(matrix.types().pointers));
        let mut pointers: Vec<_> = pointers.collect();
        let mut hand_out =
            |run: usize, bytes: &[&[u8]]| work(self.panel(run, bytes, &mut pointers)?);
        let swept = match &mut reader {
            Some(reader) => reader.sweep(ctx, &mut hand_out),
            None => (0..self.cuts.runs.len()).try_for_each(|run| {
                ctx.report("sweeping", run as u64, self.cuts.runs.len() as u64)?;
                hand_out(run, &[])
            }),
        };
        self.reader = reader;
        swept
    }

    fn panel<'a>(
        &'a self,
        run: usize,
        bytes: &[&'a [u8]],
        pointers: &'a mut [IndexVec],
    ) -> Result<AnyZippedPanel<'a>> {
        let (Cut { done, opens }, lines) = (self.cuts.runs[run], self.lines(run));
        let closes = done > lines.start;
        let mut parts = Vec::with_capacity(self.matrices.len());
        for (m, (arrays, indptr)) in self.arrays.iter().zip(pointers).enumerate() {
            let span = self.span(run, m);
            let window = arrays.indptr.elements(lines.start..lines.end + 1, bytes)?;
            let within = (opens && closes, self.bases[m]);
            let window = Indices::of_raw(window);
            relative(window, within, span.clone(), indptr).map_err(|line| {
                let changed = pointers_changed(lines.start + line);
                match self.matrices[m].indptr_buffer().file() {
                    Some((path, _)) => changed.in_file(path),
                    None => changed,
                }
            })?;
            parts.push(AnyLinePart {
                start: span.start,
                indptr: indptr.as_indices(),
                indices: Indices::of_raw(arrays.indices.elements(span.clone(), bytes)?),
                data: arrays.data.elements(span, bytes)?,
            });
        }
        Ok(AnyZippedPanel { first: lines.start, opens, closes, parts })
    }
}

/// The pointers of a run counted from its first entry, `base` being what they are counted from in the matrix; the line
/// whose pointers are not those that the run was cut by, if there is one.
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

/// Where pointers do not rise, if there is such a place.
fn falls<P: Index>(window: &[P]) -> Option<usize> {
    // The test for all compiles to vector code; the place is sought only where it fails.
    let rising = window.windows(2).fold(true, |rising, pair| rising & (pair[0] <= pair[1]));
    let place = || window.windows(2).position(|pair| pair[0] > pair[1]);
    if rising { None } else { place() }
}
