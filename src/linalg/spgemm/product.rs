//! Both matrices of a product: which of them are read, within what memory, and the cost.

use crate::error::Result;
use crate::linalg::algebra::Semiring;
use crate::linalg::spgemm::budget::Budget;
use crate::linalg::spgemm::load::{Store, ring_bytes, step_bytes};
use crate::linalg::spgemm::mask::Masking;
use crate::linalg::spgemm::multiply::LongRow;
use crate::linalg::spgemm::right_matrix::RightMatrix;
use crate::linalg::spgemm::schedule::{CutRange, Inspected, LeftPanel, Rules, inspect};
use crate::sparse::{AnyWriter, Csr};
use crate::storage::{Context, Index, Place, Plan, work};

/// Both matrices, and the method of multiplication.
pub(super) struct SparseProduct<'a, S: Semiring, I: Index, P: Index> {
    pub(super) semiring: S,
    pub(super) left: &'a Csr<S::Left, I, P>,
    pub(super) right: &'a RightMatrix<S::Right, I, P>,
    /// The positions that are kept, if not all.
    pub(super) mask: Option<&'a Masking<I, P>>,
    /// Whether the left matrix is read, or used in place.
    pub(super) left_is_read: bool,
    pub(super) budget: Budget,
    /// The phase for the progress callback.
    pub(super) phase: &'static str,
}

impl<'a, S: Semiring, I: Index, P: Index> SparseProduct<'a, S, I, P> {
    /// Fails if the memory limit leaves too little for any product.
    pub(super) fn new(
        semiring: S,
        (left, right): (&'a Csr<S::Left, I, P>, &'a RightMatrix<S::Right, I, P>),
        mask: Option<&'a Masking<I, P>>,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let limit = ctx.memory_left();
        let left_is_read = left.stored_bytes() + right.memory() > limit / 2;
        let there = right.memory() + if left_is_read { 0 } else { left.stored_bytes() };
        let there = there + mask.map_or(0, Masking::stored_bytes);
        let rest = limit.saturating_sub(there);
        let work = match place {
            Place::Memory => rest / 4,
            _ => rest.saturating_sub(AnyWriter::extra_memory(limit)),
        };
        let is_read = left_is_read || right.is_read;
        let budget = Budget::new::<S, I>(work, is_read, ctx.thread_count())?;
        Ok(SparseProduct {
            semiring,
            left,
            right,
            mask,
            left_is_read,
            budget,
            phase: "multiplying",
        })
    }

    /// The rules for cutting A.
    pub(super) fn rules(&self) -> Rules {
        let space = match (self.left_is_read, self.right.is_read) {
            // For a product like A A a panel needs more of B than of A.
            (true, true) => [self.bytes_to_load() / 3, self.bytes_to_load() / 3 * 2],
            (true, false) => [self.bytes_to_load(), 0],
            (false, true) => [0, self.bytes_to_load()],
            (false, false) => [u64::MAX; 2],
        };
        let is_read = self.left_is_read || self.right.is_read;
        let entry = size_of::<I>() + size_of::<S::Left>();
        let left = if self.left_is_read { [entry as u64, size_of::<P>() as u64] } else { [0, 0] };
        Rules {
            space,
            enough: if is_read { step_bytes(&self.budget) } else { u64::MAX },
            long: self.budget.in_flight,
            left,
            cut_bytes: self.budget.extents(),
        }
    }

    /// Bytes for the loaded data of a panel.
    fn bytes_to_load(&self) -> u64 {
        self.budget.reading() - ring_bytes(&self.budget)
    }

    /// Inspects the left matrix.
    pub(super) fn inspect(&self, ctx: &Context) -> Result<Inspected> {
        let left = self.left.pattern().to_any();
        inspect(&left, (0, 0), 0..left.nnz(), self.right.rows(), self.rules(), &self.budget, ctx)
    }

    /// The panels of a range, which did not fit in memory together with those of all others.
    pub(super) fn cut_again(&self, range: CutRange, ctx: &Context) -> Result<Vec<LeftPanel>> {
        let CutRange { rows, entries } = range;
        let first = (rows.start, self.left.span(rows.start).start);
        let part = self.left.pattern().row_range(rows)?.to_any();
        let rules = Rules { cut_bytes: u64::MAX, ..self.rules() };
        Ok(inspect(&part, first, entries, self.right.rows(), rules, &self.budget, ctx)?.cuts.first)
    }

    /// Bytes of memory for multiplying, in addition to the result.
    pub(super) fn memory(&self, seen: &Inspected) -> u64 {
        let (rows, columns) = (self.left.nrows(), self.right.matrix.ncols());
        let long = match seen.cuts.most_terms_in_parts {
            0 => 0,
            terms => LongRow::<S, I>::bytes((terms, columns), &self.budget),
        };
        let reach = (seen.classes.most_terms(), columns);
        let work = self.budget.memory::<S, I>(reach, rows, seen.classes.terms(), long);
        let is_read = self.left_is_read || self.right.is_read;
        let reading = if is_read { self.bytes_to_load() + self.bytes_of_set() } else { 0 };
        let masking = self
            .mask
            .map_or(0, |mask| self.budget.memory_under_mask::<S, I>(reach, mask.row_bytes()));
        work + masking + reading + seen.cuts.most_bytes
    }

    /// Additional bytes of memory for finding the cuts of a range again.
    fn memory_to_cut_again(&self, seen: &Inspected) -> u64 {
        if seen.cuts.ranges.len() < 2 {
            return 0;
        }
        let columns = if self.left_is_read { step_bytes(&self.budget) } else { 0 };
        let columns = columns.max(seen.longest_row);
        8 * self.budget.block as u64 + 2 * self.bytes_of_set() + seen.cuts.most_bytes + columns
    }

    /// Bytes of a set of rows of B, if B is read.
    fn bytes_of_set(&self) -> u64 {
        let nrows = if self.right.is_read { self.right.matrix.nrows() } else { 0 };
        Store::<S::Right, I>::bytes_of_set(nrows)
    }

    /// Entries to allocate for, if about `entries` are expected.
    pub(super) fn capacity(&self, seen: &Inspected, entries: u64) -> usize {
        let terms = seen.classes.terms();
        let most = self.mask.map_or(terms, |mask| mask.most_entries(terms));
        let most = most.min(P::LARGEST as u64);
        (entries + entries / 16 + 64).min(most) as usize
    }

    /// Bytes of all memory, including a result in memory.
    fn all_memory(&self, seen: &Inspected, entries: u64, place: &Place, ctx: &Context) -> u64 {
        let is_read = self.left_is_read || self.right.is_read;
        let ring = if is_read { ring_bytes(&self.budget) } else { 0 };
        let result = match place {
            Place::Memory => {
                Csr::<S::Sum, I, P>::bytes_of(self.left.nrows(), self.capacity(seen, entries))
            }
            _ => AnyWriter::extra_memory(ctx.memory_left()),
        };
        let cutting = self.memory_to_cut_again(seen);
        self.memory(seen) + cutting + ring + self.right.kept_bytes() + result
    }

    /// Fails if a result in memory does not fit.
    pub(super) fn check_memory(
        &self,
        seen: &Inspected,
        entries: u64,
        place: &Place,
        ctx: &Context,
    ) -> Result<()> {
        match place {
            Place::Memory => {
                let bytes = self.all_memory(seen, entries, place, ctx);
                ctx.check_memory("the result and the work on it", bytes)
            }
            _ => Ok(()),
        }
    }

    /// The plan, after `looked` bytes were read to make it.
    pub(super) fn plan(
        &self,
        plan: Plan,
        seen: &Inspected,
        entries: u64,
        looked: u64,
        place: &Place,
        ctx: &Context,
    ) -> Plan {
        let (left, right) = (self.left, &self.right.matrix);
        let written = match place {
            Place::Memory => 0,
            _ => Csr::<S::Sum, I, P>::bytes_of(left.nrows(), entries as usize),
        };
        let memory = self.all_memory(seen, entries, place, ctx);
        let mut plan = plan
            .at(place, true)
            .on_device_of(left.indices().file())
            .on_device_of(right.indices().file())
            .reads(self.passes(seen), looked + self.bytes_to_read(seen))
            .writes(written)
            // The inspection also used memory, and is finished.
            .holds(memory.max(ctx.meter().most_memory()))
            .works(seen.classes.terms(), work::SPGEMM);
        plan.entries = Some(entries);
        plan
    }

    /// Bytes of both matrices that multiplying reads.
    fn bytes_to_read(&self, seen: &Inspected) -> u64 {
        let [left, right] = seen.cuts.reads;
        let left = if self.left_is_read { left } else { self.left.stored_bytes() };
        let right = if self.right.is_read { right } else { self.right.matrix.stored_bytes() };
        let mask = self.mask.map_or(0, Masking::stored_bytes);
        left + right + mask + if self.left_is_read { self.bytes_to_cut_again(seen) } else { 0 }
    }

    /// Bytes of A that are read to find the cuts of all ranges but the first again.
    fn bytes_to_cut_again(&self, seen: &Inspected) -> u64 {
        let bytes = |CutRange { rows, .. }: &CutRange| {
            let end = self.left.span(rows.end - 1).end;
            let entries = end.saturating_sub(self.left.span(rows.start).start);
            Csr::<(), I, P>::bytes_of(rows.len(), entries)
        };
        seen.cuts.ranges.iter().skip(1).map(bytes).sum()
    }

    /// The number of reads of A, or of B if that is larger.
    fn passes(&self, seen: &Inspected) -> u64 {
        let of_left = if seen.cuts.ranges.len() > 1 { 3 } else { 2 };
        let right = self.right.matrix.stored_bytes();
        let of_right = if self.right.is_read { seen.cuts.reads[1].div_ceil(right) } else { 1 };
        of_right.max(of_left)
    }

    /// Counts passes, and the reads of matrices used in place.
    pub(super) fn count_passes(&self, seen: &Inspected, ctx: &Context) {
        (0..self.passes(seen)).for_each(|_| ctx.meter().pass());
        let there = |is_read: bool, stored: u64| if is_read { 0 } else { stored };
        ctx.meter().read(there(self.left_is_read, self.left.stored_bytes()));
        ctx.meter().read(there(self.right.is_read, self.right.matrix.stored_bytes()));
        ctx.meter().read(self.mask.map_or(0, Masking::stored_bytes));
    }
}
