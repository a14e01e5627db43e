//! One pass over the columns of the left matrix, before anything is multiplied.
//!
//! It counts terms, finds every bad index of A, sorts rows into classes, from which the entries of the result are
//! estimated, and cuts A into panels.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::kernels::{OutOfRange, Panel};
use crate::linalg::spgemm::budget::Budget;
use crate::linalg::spgemm::load::{LoadedPanels, StepArrays, StepItem, step_bytes};
use crate::linalg::spgemm::right_matrix::{RightRows, span};
use crate::linalg::spgemm::schedule::cut::Cutter;
use crate::linalg::spgemm::schedule::left_panel::{LeftCuts, LeftPanel, Rules};
use crate::linalg::spgemm::schedule::sample::Classes;
use crate::sparse::{AnyCompressed, IndexVec, Indices, by_index};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{Context, Held, Index};

/// Rows that a thread inspects at a time.
const ROWS: usize = 1 << 13;

/// The results of the pass.
pub(crate) struct Inspected {
    pub(crate) classes: Classes,
    pub(crate) cuts: LeftCuts,
    /// Maximum bytes kept of the data read.
    pub(crate) longest_row: u64,
}

/// Inspects `a`, which is the pattern of the left matrix or a run of its rows, with first row `first` and first entry
/// `entry`, and cuts the entries `within`.
pub(crate) fn inspect(
    a: &AnyCompressed,
    (first, entry): (usize, usize),
    within: Range<usize>,
    right: RightRows<'_>,
    rules: Rules,
    budget: &Budget,
    ctx: &Context,
) -> Result<Inspected> {
    let mut looking = Looking {
        a,
        right,
        first,
        entry,
        cutter: Cutter::new(right, rules, (first, entry), within),
        classes: Classes::new(),
        terms: vec![0; budget.block.min(a.major())],
        loaded_bytes: 0,
        held: ctx.hold(0),
    };
    looking.account();
    if rules.left == [0, 0] {
        looking.rows(a.indptr(), a.indices(), 0, ctx)?;
    } else {
        looking.read(&even_panels(a, step_bytes(budget) as usize), budget, ctx)?;
    }
    let longest_row = looking.loaded_bytes;
    Ok(Inspected { classes: looking.classes, cuts: looking.cutter.finish(), longest_row })
}

/// Rows in runs whose pointers and indices take about `bytes` bytes.
fn even_panels(a: &AnyCompressed, bytes: usize) -> Vec<LeftPanel> {
    let (_, index, pointer) = a.types().sizes();
    let (mut left_panels, mut start) = (Vec::new(), 0);
    while start < a.major() {
        let first = a.span(start).start;
        let fits = |rows: usize| {
            let entries = a.span(start + rows - 1).end.saturating_sub(first);
            (rows + 1) * pointer + entries * index <= bytes
        };
        // The pointers rise, so the last row that fits is found by bisection.
        let (mut rows, mut beyond) = (1, a.major() - start + 1);
        while rows + 1 < beyond {
            let middle = rows + (beyond - rows) / 2;
            *(if fits(middle) { &mut rows } else { &mut beyond }) = middle;
        }
        let entries = first..a.span(start + rows - 1).end;
        left_panels.push(LeftPanel::plain(start..start + rows, entries));
        start += rows;
    }
    left_panels
}

/// The state of the pass.
struct Looking<'a> {
    a: &'a AnyCompressed,
    right: RightRows<'a>,
    /// The first row, and the first entry of the next row.
    first: usize,
    entry: usize,
    cutter: Cutter<'a>,
    classes: Classes,
    /// The terms of every row of a block.
    terms: Vec<usize>,
    /// Bytes of the data read that are kept.
    loaded_bytes: u64,
    held: Held,
}

impl Looking<'_> {
    /// Counts the memory of the inspection.
    fn account(&mut self) {
        let terms = size_of_val(&self.terms[..]) as u64;
        self.held.resize(terms + self.cutter.bytes() + self.loaded_bytes);
    }

    /// Reads and inspects all rows.
    fn read(&mut self, left_panels: &[LeftPanel], budget: &Budget, ctx: &Context) -> Result<()> {
        let reading = LoadedPanels::new(Some(self.a), None, left_panels, budget)?;
        let Some(LoadedPanels { mut panels, steps }) = reading else {
            return Ok(());
        };
        let longest =
            left_panels.iter().map(|left_panel| left_panel.entries.len()).max().unwrap_or(0);
        let most_rows =
            left_panels.iter().map(|left_panel| left_panel.rows.len()).max().unwrap_or(0);
        self.loaded_bytes = self.a.types().bytes_of(most_rows, longest);
        if self.loaded_bytes > budget.reading() {
            return Err(Error::new(ErrorKind::Memory, "a row of the left matrix would not fit")
                .expected(format!("at most {} bytes of its columns", budget.reading()))
                .found(format!("{} bytes", self.loaded_bytes))
                .remedy("raise the memory limit"));
        }
        self.account();
        let types = self.a.types();
        let mut indptr =
            IndexVec::with_capacity("a run of rows", types.pointers, most_rows + 1, ctx)?;
        let mut indices = IndexVec::with_capacity("a run of rows", types.indices, longest, ctx)?;
        panels.sweep_part(ctx, &mut |step, parts| {
            let (step, mut read) = (&steps[step], StepArrays::new(parts));
            for item in &step.items {
                match item {
                    StepItem::Pointers => indptr.extend(read.pointers()),
                    StepItem::Entries => indices.extend(read.entries().0),
                    StepItem::Run(_) => {}
                }
            }
            if step.is_last {
                let row = left_panels[step.left_panel].rows.start;
                self.rows(indptr.as_indices(), indices.as_indices(), row, ctx)?;
                indptr.clear();
                indices.clear();
            }
            Ok(())
        })
    }

    /// Inspects some rows, starting with `row`.
    fn rows(
        &mut self,
        indptr: Indices<'_>,
        indices: Indices<'_>,
        row: usize,
        ctx: &Context,
    ) -> Result<()> {
        let (units, ncols) = (vec![(); indices.len()], self.a.minor());
        by_index!(indices, indices => {
            self.blocks(Panel::over(indptr, indices, &units, ncols, row)?, ctx)
        })
    }

    /// Inspects some rows, block by block.
    fn blocks<I: Index>(&mut self, panel: Panel<'_, (), I>, ctx: &Context) -> Result<()> {
        let step = self.terms.len().max(1);
        for start in (0..panel.nrows()).step_by(step) {
            let block = panel.rows(start..panel.nrows().min(start + step));
            let row = self.first + panel.first_row() + start;
            let terms = &mut self.terms[..block.nrows()];
            let seen = ctx.with_threads(|| count(block, (row, self.entry), self.right, terms));
            let seen = seen.map_err(|OutOfRange| self.a.name_indices(panel.out_of_range()))?;
            self.entry = cut(&mut self.cutter, block, (row, self.entry), terms)?;
            self.classes = std::mem::replace(&mut self.classes, Classes::new()).merge(seen);
            self.account();
            ctx.check_cancelled()?;
        }
        Ok(())
    }
}

/// Counts the terms of all rows of a block, the first of which is `row` and starts at entry `entry` of the matrix.
fn count<I: Index>(
    block: Panel<'_, (), I>,
    (row, entry): (usize, usize),
    right: RightRows<'_>,
    terms: &mut [usize],
) -> std::result::Result<Classes, OutOfRange> {
    let start = (row, entry, block.row(0)?.start);
    let chunks = terms.par_chunks_mut(ROWS).enumerate();
    let counted = chunks.map(|(chunk, terms)| {
        by_index!(right.indptr, indptr => {
            count_rows(block, chunk * ROWS, start, (indptr, right.nnz), terms)
        })
    });
    let counted = counted.collect::<std::result::Result<Vec<_>, OutOfRange>>()?;
    Ok(counted.into_iter().fold(Classes::new(), Classes::merge))
}

/// Counts the terms of rows of A from the `first` on: the entries of all rows of B that each row multiplies.
fn count_rows<I: Index, P: Index>(
    block: Panel<'_, (), I>,
    first: usize,
    (row, entry, from): (usize, usize, usize),
    (indptr, nnz): (&[P], usize),
    terms: &mut [usize],
) -> std::result::Result<Classes, OutOfRange> {
    let mut classes = Classes::new();
    for (i, terms) in (first..).zip(terms) {
        let here = block.row(i)?;
        let mut columns = block.indices[here.clone()].iter();
        *terms = columns.try_fold(0, |sum: usize, k| {
            Ok(sum.saturating_add(span(indptr, nnz, k.to_usize())?.len()))
        })?;
        let start = entry + here.start.checked_sub(from).ok_or(OutOfRange)?;
        classes.add(row + i, start..start + here.len(), *terms);
    }
    Ok(classes)
}

/// Passes the rows of a block to the cutter, and returns the start of the next block's entries.
fn cut<I: Index>(
    cutter: &mut Cutter<'_>,
    block: Panel<'_, (), I>,
    (row, entry): (usize, usize),
    terms: &[usize],
) -> Result<usize> {
    // Counting has checked that the pointers are in order; a row whose pointers no longer are is treated as empty here.
    let columns = |i: usize| block.row(i).map_or(&[][..], |range| &block.indices[range]);
    if !cutter.reads() && !terms.iter().any(|&terms| cutter.is_long(terms)) {
        let entries = block.row(0).map_or(0, |range| range.start)
            ..block.row(terms.len() - 1).map_or(0, |range| range.end);
        cutter.pass_over(row + terms.len(), entry + entries.len());
        return Ok(entry + entries.len());
    }
    let mut end = entry;
    for (i, &terms) in terms.iter().enumerate() {
        cutter.row(Indices::new(columns(i)), terms)?;
        end += columns(i).len();
    }
    Ok(end)
}
