//! Lines of compressed matrices side by side, of types known when it is compiled: [`AnyZippedLines`] with typed slices.

use std::marker::PhantomData;

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::indices::Indices;
use crate::sparse::line_cuts::Pieces;
use crate::sparse::zipped_lines::{AnyLinePart, AnyZippedLines, AnyZippedPanel};
use crate::storage::raw::Raw;
use crate::storage::{Context, Entry, Index};

/// [`AnyZippedLines`] of matrices of known types.
pub(crate) struct ZippedLines<T: Entry, I: Index, P: Index, A: Axis> {
    any: AnyZippedLines,
    types: PhantomData<(T, I, P, A)>,
}

/// An [`AnyZippedPanel`] of known types.
pub(crate) struct ZippedPanel<'a, T, I, P> {
    pub(crate) first: usize,
    pub(crate) opens: bool,
    pub(crate) closes: bool,
    pub(crate) parts: Vec<LinePart<'a, T, I, P>>,
}

/// An [`AnyLinePart`] of known types.
#[derive(Clone, Copy)]
pub(crate) struct LinePart<'a, T, I, P> {
    pub(crate) start: usize,
    pub(crate) indptr: &'a [P],
    pub(crate) indices: &'a [I],
    pub(crate) data: &'a [T],
}

impl<'a, T: Entry, I: Index, P: Index> LinePart<'a, T, I, P> {
    fn of(part: &AnyLinePart<'a>) -> Self {
        let AnyLinePart { start, indptr, indices, data } = *part;
        LinePart { start, indptr: indptr.typed(), indices: indices.typed(), data: data.as_typed() }
    }

    /// The same, of types that are known at run time.
    pub(crate) fn any(&self) -> AnyLinePart<'a> {
        AnyLinePart {
            start: self.start,
            indptr: Indices::new(self.indptr),
            indices: Indices::new(self.indices),
            data: Raw::of(self.data),
        }
    }

    /// The entries of a line, counted in this run.
    #[inline(always)]
    pub(crate) fn line(&self, line: usize) -> (&'a [I], &'a [T]) {
        let span = self.indptr[line].to_usize()..self.indptr[line + 1].to_usize();
        (&self.indices[span.clone()], &self.data[span])
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> ZippedLines<T, I, P, A> {
    /// As [`AnyZippedLines::new`].
    pub(crate) fn new(
        matrices: &[&Compressed<T, I, P, A>],
        pieces: Pieces,
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let matrices: Vec<AnyCompressed> = matrices.iter().map(|matrix| matrix.to_any()).collect();
        let matrices: Vec<_> = matrices.iter().collect();
        let any = AnyZippedLines::new(&matrices, pieces, budget, ctx)?;
        Ok(ZippedLines { any, types: PhantomData })
    }

    /// As [`AnyZippedLines::budget`].
    pub(crate) fn budget(left: u64) -> u64 {
        AnyZippedLines::budget(left)
    }

    /// The same, of types that are known at run time.
    pub(crate) fn any_mut(&mut self) -> &mut AnyZippedLines {
        &mut self.any
    }

    /// As [`AnyZippedLines::bytes_to_read`].
    pub(crate) fn bytes_to_read(&self) -> u64 {
        self.any.bytes_to_read()
    }

    /// As [`AnyZippedLines::memory`].
    pub(crate) fn memory(&self) -> u64 {
        self.any.memory()
    }

    /// As [`AnyZippedLines::most_entries`].
    pub(crate) fn most_entries(&self) -> usize {
        self.any.most_entries()
    }

    /// As [`AnyZippedLines::most_lines`].
    pub(crate) fn most_lines(&self) -> usize {
        self.any.most_lines()
    }

    /// As [`AnyZippedLines::cuts_a_line`].
    pub(crate) fn cuts_a_line(&self) -> bool {
        self.any.cuts_a_line()
    }

    /// As [`AnyZippedLines::sweep`].
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(ZippedPanel<'_, T, I, P>) -> Result<()>,
    ) -> Result<()> {
        self.any.sweep(ctx, &mut |panel| work(ZippedPanel::of(panel)))
    }

    /// As [`AnyZippedLines::sweep_part`].
    pub(crate) fn sweep_part(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(ZippedPanel<'_, T, I, P>) -> Result<()>,
    ) -> Result<()> {
        self.any.sweep_part(ctx, &mut |panel| work(ZippedPanel::of(panel)))
    }
}

impl<'a, T: Entry, I: Index, P: Index> ZippedPanel<'a, T, I, P> {
    fn of(panel: AnyZippedPanel<'a>) -> Self {
        let AnyZippedPanel { first, opens, closes, parts } = panel;
        let parts = parts.iter().map(LinePart::of).collect();
        ZippedPanel { first, opens, closes, parts }
    }
}
