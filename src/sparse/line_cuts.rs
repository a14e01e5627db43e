//! Where panels of lines begin and end, over one or several matrices read together.
//!
//! A panel is as many whole lines as fit, over all the matrices together. A line that alone exceeds a panel is cut into
//! runs. How it may be cut depends on the work: one matrix, or several that are concatenated, after any entry; matrices
//! that are merged, only at the same column.

use std::ops::Range;
use std::sync::Arc;

use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::indices::by_index;
use crate::storage::{ArrayRange, Cut, Index};

/// How a line that exceeds a panel is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineSplit {
    /// Not at all.
    None,
    /// After any entry, the lines of the matrices one after the other.
    Entries,
    /// After a multiple of this many entries, but only if the line is much larger than a panel: for work that prefers
    /// whole lines.
    Runs(usize),
    /// At the same column in all matrices, whose indices must rise; only if the line is much larger than a panel.
    Columns,
}

/// The end of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineCut {
    /// Lines that are complete here.
    pub(crate) done: usize,
    /// Whether the run starts with a line, not within one.
    pub(crate) opens: bool,
}

/// The runs of some matrices of one extent, in order.
pub(crate) struct LineCuts {
    pub(crate) runs: Vec<LineCut>,
    /// The end of the entries of each run, one number per matrix.
    pub(crate) ends: Vec<usize>,
}

impl LineCuts {
    /// All lines of a matrix in one run.
    pub(super) fn whole(matrix: &AnyCompressed) -> Self {
        let run = LineCut { done: matrix.major(), opens: true };
        LineCuts { runs: vec![run], ends: vec![matrix.nnz()] }
    }

    /// The lines of a run; one if the run is part of a line, none if it is the whole of a matrix without lines.
    pub(super) fn lines(&self, run: usize) -> Range<usize> {
        let first = if run == 0 { 0 } else { self.runs[run - 1].done };
        let done = self.runs[run].done;
        first..if self.runs.len() == 1 { done } else { done.max(first + 1) }
    }

    /// The most lines of a run.
    pub(super) fn most_lines(&self) -> usize {
        (0..self.runs.len()).map(|run| self.lines(run).len()).max().unwrap_or(0)
    }

    /// The most entries of all matrices in a run.
    pub(super) fn most_entries(&self) -> usize {
        (0..self.runs.len()).map(|run| self.entries(run)).max().unwrap_or(0)
    }

    /// How many matrices there are.
    fn matrices(&self) -> usize {
        self.ends.len() / self.runs.len().max(1)
    }

    /// The range of the entries of a matrix in a run.
    pub(super) fn span(&self, run: usize, matrix: usize) -> Range<usize> {
        let (at, count) = (run * self.matrices() + matrix, self.matrices());
        let start = if run == 0 { 0 } else { self.ends[at - count] };
        start..self.ends[at]
    }

    /// The entries of all matrices in a run.
    fn entries(&self, run: usize) -> usize {
        (0..self.matrices()).map(|matrix| self.span(run, matrix).len()).sum()
    }
}

/// Pointers, indices and values of one matrix after the other.
impl Cut for Arc<LineCuts> {
    fn count(&self) -> usize {
        self.runs.len()
    }

    fn parts(&self, run: usize, name: &mut dyn FnMut(ArrayRange)) {
        let lines = self.lines(run);
        for matrix in 0..self.matrices() {
            let span = self.span(run, matrix);
            name((3 * matrix, lines.start..lines.end + 1));
            name((3 * matrix + 1, span.clone()));
            name((3 * matrix + 2, span));
        }
    }
}

/// LineCuts the lines of some matrices into runs of about `bytes` bytes; a line of up to `longest` bytes stays whole. A line
/// takes `extra` bytes in addition to its entries.
pub(crate) fn cut(
    matrices: &[AnyCompressed],
    split: LineSplit,
    (bytes, longest): (usize, usize),
    extra: usize,
) -> LineCuts {
    let major = matrices.first().map_or(0, AnyCompressed::major);
    let (value, index, _) = matrices.first().map_or((0, 0, 0), |matrix| matrix.types().sizes());
    let entry = value + index;
    let starts = vec![0; matrices.len()];
    let mut cutting = Cutting { matrices, entry, extra, bytes, longest, starts };
    let mut cuts = LineCuts { runs: Vec::new(), ends: Vec::new() };
    let mut done = 0;
    while done < major {
        let lines = cutting.lines_that_fit(done, major - done);
        let mut opens = true;
        if lines == 1 {
            while let Some(ends) = cutting.next_run(done, split) {
                cutting.push(&mut cuts, LineCut { done, opens }, ends);
                opens = false;
            }
        }
        done += lines;
        let ends = cutting.ends(done - 1);
        cutting.push(&mut cuts, LineCut { done, opens }, ends);
    }
    cuts
}

struct Cutting<'a> {
    matrices: &'a [AnyCompressed],
    /// Bytes of an entry, and of a line in addition to its entries.
    entry: usize,
    extra: usize,
    bytes: usize,
    longest: usize,
    /// The first entry of each matrix that is in no run yet.
    starts: Vec<usize>,
}

impl Cutting<'_> {
    /// The end of a line in each matrix. Pointers that changed meanwhile give other ends, but never before `starts`.
    fn ends(&self, line: usize) -> Vec<usize> {
        let ends = self.matrices.iter().zip(&self.starts);
        ends.map(|(matrix, &start)| matrix.span(line).end.max(start)).collect()
    }

    fn push(&mut self, cuts: &mut LineCuts, cut: LineCut, ends: Vec<usize>) {
        cuts.runs.push(cut);
        cuts.ends.extend_from_slice(&ends);
        self.starts = ends;
    }

    /// The number of entries in this many bytes; at least two per matrix.
    fn most_entries(&self, bytes: usize) -> usize {
        (bytes / self.entry).max(2 * self.matrices.len())
    }

    /// Entries of all matrices from `starts` on to the end of a line.
    fn entries_until(&self, line: usize) -> usize {
        let each = self.matrices.iter().zip(&self.starts);
        each.map(|(matrix, start)| matrix.span(line).end.saturating_sub(*start)).sum()
    }

    /// How many of the `rest` lines from `line` on fit in a panel; at least one.
    fn lines_that_fit(&self, line: usize, rest: usize) -> usize {
        let (entry, extra) = (self.entry, self.extra);
        let fit = |lines: usize| {
            let bytes = self.entries_until(line + lines - 1).saturating_mul(entry);
            bytes.saturating_add(lines * extra) <= self.bytes
        };
        // The pointers rise, so the last line that fits is found by bisection.
        let most = rest.min(self.bytes.checked_div(extra).unwrap_or(rest)).max(1);
        let (mut fits, mut beyond) = (1, most + 1);
        while fits + 1 < beyond {
            let middle = fits + (beyond - fits) / 2;
            if fit(middle) { fits = middle } else { beyond = middle }
        }
        fits
    }

    /// The end of the next run of a line that is too long; `None` if the rest is short enough, or cannot be cut.
    fn next_run(&self, line: usize, split: LineSplit) -> Option<Vec<usize>> {
        if self.entries_until(line) <= self.most_entries(self.longest) {
            return None;
        }
        let most = self.most_entries(self.bytes);
        let ends = self.ends(line);
        match split {
            LineSplit::None => None,
            LineSplit::Entries => Some(self.run_of_entries(ends, most)),
            LineSplit::Runs(step) => Some(self.run_of_entries(ends, (most / step).max(1) * step)),
            LineSplit::Columns => self.run_of_columns(&ends, most / self.matrices.len()),
        }
    }

    fn run_of_entries(&self, mut ends: Vec<usize>, mut most: usize) -> Vec<usize> {
        for (end, &start) in ends.iter_mut().zip(&self.starts) {
            *end = (*end).min(start + most);
            most -= *end - start;
        }
        ends
    }

    /// The entries before the first column at which some matrix has `most` entries.
    fn run_of_columns(&self, ends: &[usize], most: usize) -> Option<Vec<usize>> {
        let rest = |m: usize| self.matrices[m].indices().slice(self.starts[m]..ends[m]);
        let beyond = |m: usize| Some(rest(m)).filter(|rest| rest.len() > most);
        let bound = (0..ends.len()).filter_map(beyond).map(|rest| rest.at(most)).min()?;
        let before = |m: usize| {
            let rest = rest(m);
            by_index!(rest.slice(0..rest.len().min(most)), rest => {
                rest.partition_point(|index| index.to_usize() < bound)
            })
        };
        let ends: Vec<usize> = (0..ends.len()).map(|m| self.starts[m] + before(m)).collect();
        // If indices do not rise, there may be no entry before the bound.
        (ends != self.starts).then_some(ends)
    }
}
