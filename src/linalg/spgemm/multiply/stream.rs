//! The panels of a product, one by one, with the data they need.
//!
//! ```text
//! at each step that was read:   keep the data of A, select the needed rows of B
//! at a panel's last step:     multiply
//! ```
//!
//! A matrix that need not be read is used in place; if neither is read, there is only multiplying.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Semiring;
use crate::linalg::kernels::{OutOfRange, Panel};
use crate::linalg::spgemm::kernels::RowSource;
use crate::linalg::spgemm::load::{
    LoadStep, LoadedPanels, StepArrays, StepItem, Store, StoredRows,
};
use crate::linalg::spgemm::mask::Masking;
use crate::linalg::spgemm::multiply::long_row::LongRow;
use crate::linalg::spgemm::multiply::pipeline::RowPipeline;
use crate::linalg::spgemm::multiply::sink::Sink;
use crate::linalg::spgemm::product::SparseProduct;
use crate::linalg::spgemm::schedule::{LeftCuts, LeftPanel, Rules};
use crate::storage::{Context, Entry, Index};

/// Passes all rows of the product, none with more than `most_terms` terms, to `sink`.
pub(crate) fn run<S: Semiring, I: Index, P: Index>(
    product: &SparseProduct<'_, S, I, P>,
    cuts: LeftCuts,
    most_terms: usize,
    sink: &mut dyn Sink<I, S::Sum>,
    ctx: &Context,
) -> Result<()> {
    let mut stream = ProductStream::new(product, most_terms, ctx);
    let LeftCuts { mut first, ranges, .. } = cuts;
    for (n, range) in ranges.into_iter().enumerate() {
        let left_panels = match n {
            0 => std::mem::take(&mut first),
            _ => product.cut_again(range, ctx)?,
        };
        stream.range(&left_panels, sink)?;
    }
    stream.pipeline.flush(sink, ctx)?;
    product.semiring.check()
}

/// A product in progress.
struct ProductStream<'p, S: Semiring, I: Index, P: Index> {
    product: &'p SparseProduct<'p, S, I, P>,
    pipeline: RowPipeline<S, I>,
    loaded: Loaded<S::Left, S::Right, I, P>,
    long: Option<LongRow<S, I>>,
    ctx: &'p Context,
}

impl<'p, S: Semiring, I: Index, P: Index> ProductStream<'p, S, I, P> {
    fn new(product: &'p SparseProduct<'p, S, I, P>, most_terms: usize, ctx: &'p Context) -> Self {
        let (right, budget) = (product.right, product.budget);
        let shape = (product.left.nrows(), right.matrix.ncols());
        let limits = budget.limits::<S, I>((most_terms, shape.1));
        ProductStream {
            product,
            pipeline: RowPipeline::new(product.semiring, shape, product.phase, budget, limits),
            loaded: Loaded::new(if right.is_read { right.matrix.nrows() } else { 0 }),
            long: None,
            ctx,
        }
    }

    /// The panels of a range.
    fn range(&mut self, left_panels: &[LeftPanel], sink: &mut dyn Sink<I, S::Sum>) -> Result<()> {
        let SparseProduct { left, right, left_is_read, budget, .. } = self.product;
        let (a, b) =
            (left_is_read.then(|| left.to_any()), right.is_read.then(|| right.matrix.to_any()));
        // A range is cut as if nothing were loaded.
        self.loaded.store.forget();
        let mut next = 0;
        if let Some(mut reading) = LoadedPanels::new(a.as_ref(), b.as_ref(), left_panels, budget)? {
            let LoadedPanels { panels, steps } = &mut reading;
            panels.sweep_part(self.ctx, &mut |step, parts| {
                let LoadStep { left_panel, is_last, items } = &steps[step];
                // Panels for which nothing is read.
                self.multiply_all(&left_panels[next..*left_panel], sink)?;
                next = *left_panel;
                let (left_panel, mut read) = (&left_panels[next], StepArrays::new(parts));
                for item in items {
                    match item {
                        StepItem::Pointers => {
                            self.loaded.reserve(left_panel);
                            self.loaded.indptr.extend_from_slice(read.pointers().typed());
                        }
                        StepItem::Entries => {
                            self.loaded.reserve(left_panel);
                            let (indices, data) = read.entries();
                            self.loaded.indices.extend_from_slice(indices.typed());
                            self.loaded.data.extend_from_slice(data.as_typed());
                        }
                        StepItem::Run(range) => {
                            let (indices, data) = read.entries();
                            let entries = (indices.typed(), data.as_typed());
                            self.loaded.turn(self.product, left_panel)?;
                            let picked = self.loaded.store.pick(right, range.clone(), entries);
                            picked.map_err(|OutOfRange| changed())?;
                        }
                    }
                }
                if *is_last {
                    self.multiply(left_panel, sink)?;
                    next += 1;
                }
                Ok(())
            })?;
        }
        self.multiply_all(&left_panels[next..], sink)
    }

    fn multiply_all(
        &mut self,
        left_panels: &[LeftPanel],
        sink: &mut dyn Sink<I, S::Sum>,
    ) -> Result<()> {
        left_panels.iter().try_for_each(|left_panel| self.multiply(left_panel, sink))
    }

    /// Multiplies a panel whose data is loaded.
    fn multiply(&mut self, left_panel: &LeftPanel, sink: &mut dyn Sink<I, S::Sum>) -> Result<()> {
        let ProductStream { product, pipeline, loaded, long, ctx } = self;
        loaded.turn(product, left_panel)?;
        let a = loaded.left(product, left_panel)?;
        let mut work = PanelWork { product, pipeline, long, ctx };
        if product.right.is_read {
            loaded.store.check().map_err(|OutOfRange| changed())?;
            let b = StoredRows { store: &loaded.store, right: product.right };
            work.multiply(left_panel, a, b, sink)?;
        } else {
            work.multiply(left_panel, a, product.right.whole()?, sink)?;
        }
        loaded.end();
        Ok(())
    }
}

/// The error for a matrix that has changed since the left one was inspected.
fn changed() -> Error {
    Error::new(ErrorKind::Index, "a matrix changed while it was being multiplied")
}

/// The multiplying side.
struct PanelWork<'w, 'p, S: Semiring, I: Index, P: Index> {
    product: &'w SparseProduct<'p, S, I, P>,
    pipeline: &'w mut RowPipeline<S, I>,
    long: &'w mut Option<LongRow<S, I>>,
    ctx: &'w Context,
}

impl<S: Semiring, I: Index, P: Index> PanelWork<'_, '_, S, I, P> {
    fn multiply<'b>(
        &mut self,
        left_panel: &LeftPanel,
        a: Panel<'b, S::Left, I>,
        b: impl RowSource<'b, S::Right, I>,
        sink: &mut dyn Sink<I, S::Sum>,
    ) -> Result<()> {
        let SparseProduct { semiring, left, right, mask, budget, .. } = *self.product;
        let out_of_range = || right.out_of_range(left, a, b);
        let mask = mask.map(Masking::rows).transpose()?;
        let Some(part) = left_panel.part else {
            let terms = |i| right.terms(a, i);
            return self.pipeline.rows((a, b), mask, terms, out_of_range, sink, self.ctx);
        };
        if part.is_first {
            self.pipeline.flush(sink, self.ctx)?;
            self.pipeline.release();
            let reach = (part.terms, right.matrix.ncols());
            *self.long = Some(LongRow::new(semiring, reach, &budget)?);
        }
        let row = self.long.as_mut().ok_or_else(changed)?;
        row.add((a.indices, a.values), b).map_err(|OutOfRange| out_of_range())?;
        if part.is_last {
            let Some(row) = self.long.take() else { return Err(changed()) };
            row.finish(mask.map(|mask| (mask, left_panel.rows.start)), sink)?;
        }
        Ok(())
    }
}

/// The loaded parts of both matrices.
struct Loaded<L, R, I, P> {
    /// Pointers and entries of A, if A is read; pointers also for a part of a row.
    indptr: Vec<P>,
    indices: Vec<I>,
    data: Vec<L>,
    store: Store<R, I>,
    /// Whether the store has switched to the current panel.
    has_turned: bool,
}

impl<L: Entry, R: Entry, I: Index, P: Index> Loaded<L, R, I, P> {
    fn new(nrows: usize) -> Self {
        Loaded {
            indptr: Vec::new(),
            indices: Vec::new(),
            data: Vec::new(),
            store: Store::new(nrows),
            has_turned: false,
        }
    }

    /// Switches to the rows of B that a panel needs; its part of A is loaded.
    fn turn<S: Semiring<Left = L, Right = R>>(
        &mut self,
        product: &SparseProduct<'_, S, I, P>,
        left_panel: &LeftPanel,
    ) -> Result<()> {
        if std::mem::replace(&mut self.has_turned, true) {
            return Ok(());
        }
        let a = product.left;
        if left_panel.part.is_some() {
            let base = a.indptr()[0].to_usize();
            let ends = [left_panel.entries.start, left_panel.entries.end];
            self.indptr = ends.map(|entry| P::from_usize(base + entry)).to_vec();
        }
        if product.right.is_read {
            let indices = match product.left_is_read {
                true => &self.indices[..],
                false => a.indices().get(left_panel.entries.clone()).ok_or_else(changed)?,
            };
            let Rules { space: [_, space], .. } = product.rules();
            let turned = self.store.turn(product.right, indices.iter(), left_panel.carries, space);
            turned.map_err(|OutOfRange| changed())?;
        }
        Ok(())
    }

    /// A's part of a panel.
    fn left<'h, S: Semiring<Left = L, Right = R>>(
        &'h self,
        product: &SparseProduct<'h, S, I, P>,
        left_panel: &LeftPanel,
    ) -> Result<Panel<'h, L, I>> {
        let (a, rows) = (product.left, &left_panel.rows);
        let indptr = match product.left_is_read || left_panel.part.is_some() {
            true => &self.indptr[..],
            false => &a.indptr()[rows.start..=rows.end],
        };
        let here = left_panel.entries.clone();
        let (indices, data) = match product.left_is_read {
            true => (Some(&self.indices[..]), Some(&self.data[..])),
            false => (a.indices().get(here.clone()), a.data().get(here)),
        };
        let (indices, data) = indices.zip(data).ok_or_else(changed)?;
        Panel::new(indptr, indices, data, a.ncols(), rows.start)
    }

    /// Reserves memory for A's part of a panel, before its first data.
    fn reserve(&mut self, left_panel: &LeftPanel) {
        reserve(&mut self.indptr, left_panel.rows.len() + 1);
        reserve(&mut self.indices, left_panel.entries.len());
        reserve(&mut self.data, left_panel.entries.len());
    }

    /// Ends the panel.
    fn end(&mut self) {
        self.indptr.clear();
        self.indices.clear();
        self.data.clear();
        self.has_turned = false;
    }
}

/// Reserves memory for `len` elements in a vector that has all of them or is empty, so that it never exists twice.
fn reserve<E>(vector: &mut Vec<E>, len: usize) {
    if vector.capacity() < len {
        *vector = Vec::new();
        vector.reserve_exact(len);
    }
}
