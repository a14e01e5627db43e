//! A dense matrix to be made from entries: its cost, whether it fits, and the scattering of entries.

use crate::convert::formats::dense_rows::{LineRun, overflow, put_at};
use crate::convert::formats::dense_sink::LinesSink;
use crate::convert::in_memory::{BLOCK, InputEntries, RecordLayout};
use crate::convert::sort::AnySorter;
use crate::dense::{AnyDense, AnyDenseMut, AnyDenseWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCompressed, CompressedPanels, by_index_type};
use crate::storage::raw::put;
use crate::storage::work;
use crate::storage::{Context, DType, Index, Order, Place, Plan};

/// Entries between two checks of the cancel token.
const STEP: usize = 1 << 20;

/// The matrix to be made, and its place.
pub(super) struct DenseTarget<'a> {
    dtype: DType,
    shape: (usize, usize),
    order: Order,
    place: &'a Place,
    pub(super) ctx: &'a Context,
    /// The same context, with the memory left by the result or its writer.
    pub(super) free: Context,
}

impl<'a> DenseTarget<'a> {
    /// Fails if a result in memory would not fit.
    pub(super) fn new(
        (values, shape): (Option<DType>, (usize, usize)),
        order: Order,
        place: &'a Place,
        ctx: &'a Context,
    ) -> Result<Self> {
        let dtype = values.expect("a matrix with values");
        let len = shape.0.saturating_mul(shape.1);
        let left = AnyDenseWriter::memory_left((dtype, len), place, ctx)?;
        let free = ctx.less(ctx.memory_left() - left);
        Ok(DenseTarget { dtype, shape, order, place, ctx, free })
    }

    pub(super) fn len(&self) -> usize {
        self.shape.0.saturating_mul(self.shape.1)
    }

    /// Converts a pair for rows and columns into one for the lines of the result and across them.
    pub(super) fn along<V>(&self, (rows, cols): (V, V)) -> (V, V) {
        if self.order == Order::C { (rows, cols) } else { (cols, rows) }
    }

    pub(super) fn create(&self) -> Result<AnyDenseMut> {
        let shape = <[usize; 2]>::from(self.shape);
        AnyDenseMut::create(self.place, (self.dtype, &shape, self.order), self.ctx)
    }

    /// An empty result, which may have any number of empty lines.
    pub(super) fn nothing(&self) -> Result<AnyDense> {
        let plan = || Ok(self.plan_to_scatter(Plan::new("to dense").reads(1, 0), 0));
        let _running = self.ctx.begin_pass(0, plan)?;
        self.create()?.freeze()
    }

    /// Whether entries are scattered in the order in which they arrive.
    pub(super) fn takes_any_order(&self, stored: u64) -> bool {
        *self.place == Place::Memory && stored <= self.ctx.memory_left() / 2
    }

    /// Panels of lines of a matrix; `None` if they would not fit.
    pub(super) fn panels(&self, from: &AnyCompressed) -> Result<Option<CompressedPanels>> {
        let budget = self.free.memory_left() / 2;
        match CompressedPanels::for_one_sweep(from.clone(), budget, self.ctx) {
            Err(error) if error.kind() == ErrorKind::Memory => Ok(None),
            panels => Ok(Some(panels?).filter(|panels| panels.memory() <= budget)),
        }
    }

    pub(super) fn sink(&self) -> Result<LinesSink> {
        let shape = <[usize; 2]>::from(self.shape);
        let what = (self.dtype, &shape[..], self.order);
        let writer = AnyDenseWriter::new(self.place, what, self.ctx)?;
        LinesSink::new(writer, self.dtype, self.shape, self.order, &self.free)
    }

    pub(super) fn plan_to_write(&self, plan: Plan) -> Plan {
        let extra = LinesSink::memory(self.dtype, &self.free);
        let plan = plan.works(self.len() as u64, work::FILL_DENSE).throughout(extra);
        AnyDenseWriter::plan(plan, (self.dtype, self.len()), self.place, self.ctx)
    }

    pub(super) fn plan_to_sort(&self, plan: Plan, layout: RecordLayout, nnz: usize) -> Plan {
        self.plan_to_write(AnySorter::plan(plan, layout, nnz as u64, &self.free))
    }

    pub(super) fn plan_to_scatter(&self, plan: Plan, nnz: usize) -> Plan {
        let plan =
            plan.works(nnz as u64, work::SCATTER_DENSE).works(self.len() as u64, work::FILL_DENSE);
        AnyDenseWriter::plan(plan, (self.dtype, self.len()), self.place, self.ctx)
    }

    /// Scatters entries to a result in memory whose lines have `length` elements.
    pub(super) fn scatter(
        &self,
        stored: u64,
        nnz: usize,
        entries: &InputEntries<'_>,
        length: usize,
    ) -> Result<AnyDense> {
        let ctx = self.ctx;
        ctx.meter().pass_over(stored);
        let (mut dense, put) = (self.create()?, put(self.dtype));
        for start in (0..nnz).step_by(STEP) {
            ctx.report("scattering the entries", start as u64, nnz as u64)?;
            let here = start..nnz.min(start + STEP);
            let (mut elements, mut clash) = (dense.elements_mut(), None);
            let all = by_index_type!(entries.lines.dtype(), I => {
                entries.each::<I>(here, &mut |lines, others, data| {
                    let mut slots = [0; BLOCK];
                    for ((slot, line), other) in slots.iter_mut().zip(lines).zip(others) {
                        *slot = line.to_usize().wrapping_mul(length).wrapping_add(other.to_usize());
                    }
                    match put_at(elements.reborrow(), &slots[..lines.len()], data, put) {
                        LineRun::All => Some(()),
                        LineRun::Beyond(_) => None,
                        LineRun::Overflow(k) => {
                            clash = Some((lines[k].to_usize(), others[k].to_usize()));
                            None
                        }
                    }
                })
            });
            if let Some(place) = clash {
                return Err(overflow(self.along(place)));
            }
            // The coordinates were checked, but the file may have changed since.
            let changed = || Error::new(ErrorKind::Index, "the matrix changed while it was read");
            all.ok_or_else(changed)?;
        }
        dense.freeze()
    }
}
