//! How a product divides its memory.
//!
//! | part | for |
//! |---|---|
//! | 7/16 | reading: a panel of A with the rows of B it needs, and read-ahead |
//! | 1/8 | multipliers, one for each thread |
//! | 1/8 | rows of the result in flight, for two iterations |
//! | 1/16 | rows with more terms than are sorted at a time |
//! | 1/16 | the positions of the cuts between panels |
//! | 1/8 | a sample of rows, before anything else is allocated |
//!
//! Before a *long* row, whose entries would not fit in an iteration, multipliers and rows in flight are released, and half
//! of the total is for its sums.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Semiring;
use crate::linalg::spgemm::kernels::Limits;
use crate::storage::Index;

/// Useful memory per thread if nothing is read.
const PER_THREAD: u64 = 1 << 30;

/// The least memory for a product, and for one that reads.
const LEAST: (u64, u64) = (128 << 10, 256 << 10);

/// Terms of a task, the rows that one thread takes at a time: about ten microseconds. Four times as many, or half as
/// many tasks in an iteration, were not faster, and the results of an iteration then do not fit in the cache.
const TASK: usize = 1 << 13;

/// Tasks of an iteration for each thread.
const TASKS_PER_THREAD: usize = 16;

/// Rows of which the terms are counted at a time.
const BLOCK: usize = 1 << 16;

/// How much of its memory each part of a product gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    threads: usize,
    all: u64,
    /// Entries that the rows of an iteration can have at most. A row that can have more is a long one.
    pub(super) in_flight: usize,
    /// Terms and rows of a task, except single rows with more.
    pub(super) task: usize,
    /// Tasks of an iteration.
    pub(super) tasks: usize,
    /// Rows of which the terms are counted at a time.
    pub(super) block: usize,
}

impl Budget {
    /// A budget of `bytes` bytes; less if nothing is read, because more would be useless.
    ///
    /// Fails if that is too little for any product.
    pub(super) fn new<S: Semiring, I: Index>(
        bytes: u64,
        is_read: bool,
        threads: usize,
    ) -> Result<Self> {
        let most = if is_read { u64::MAX } else { PER_THREAD.saturating_mul(threads as u64) };
        let all = bytes.min(most);
        let least = if is_read { LEAST.1 } else { LEAST.0 };
        if all < least {
            return Err(Error::new(
                ErrorKind::Memory,
                "there is no memory left for the work of the product",
            )
            .expected(format!("{least} bytes in addition to the matrices, within the memory limit"))
            .found(all)
            .remedy("raise the limit, or store the result in a file"));
        }
        Ok(Self::sharing::<S, I>(all, threads))
    }

    fn sharing<S: Semiring, I: Index>(all: u64, threads: usize) -> Self {
        let in_flight = (all / 32 / entry_bytes::<S, I>()) as usize;
        let task = (in_flight / (4 * threads)).clamp(64, TASK);
        Budget {
            threads,
            all,
            in_flight,
            task,
            tasks: (in_flight / task).clamp(1, TASKS_PER_THREAD * threads),
            block: ((all / 512) as usize).clamp(256, BLOCK),
        }
    }

    /// The same memory for a product of other entries.
    pub(super) fn for_other<S: Semiring, I: Index>(&self) -> Self {
        Self::sharing::<S, I>(self.all, self.threads)
    }

    /// Bytes for reading.
    pub(super) fn reading(&self) -> u64 {
        self.all / 16 * 7
    }

    /// Bytes for the extents of panels.
    pub(super) fn extents(&self) -> u64 {
        self.all / 16
    }

    /// Bytes for a sample of A's rows.
    pub(super) fn sample(&self) -> u64 {
        self.all / 8
    }

    /// Bytes for the sums of a long row.
    pub(super) fn long_row(&self) -> u64 {
        self.all / 2
    }

    /// The limits of a multiplier, for rows of at most `terms` terms in `columns` columns.
    pub(super) fn limits<S: Semiring, I>(&self, reach: (usize, usize)) -> Limits {
        Limits::new::<I>(self.all / 8 / self.threads as u64, reach, size_of::<S::Sum>())
    }

    /// Additional bytes under a mask, if a sorted row of the mask takes `row` bytes.
    pub(super) fn memory_under_mask<S: Semiring, I: Index>(
        &self,
        reach: (usize, usize),
        row: u64,
    ) -> u64 {
        let limits = self.limits::<S, I>(reach);
        self.threads as u64 * (limits.bytes_under_mask(size_of::<S::Sum>()) + row)
    }

    /// Bytes for multiplying in addition to reading: the rows have at most `terms` terms in `columns` columns, in total
    /// `all`; the long ones, if there are any, take `long` bytes.
    pub(super) fn memory<S: Semiring, I: Index>(
        &self,
        (terms, columns): (usize, usize),
        rows: usize,
        all: u64,
        long: u64,
    ) -> u64 {
        let limits = self.limits::<S, I>((terms, columns));
        let entry = entry_bytes::<S, I>();
        let multipliers = self.threads as u64 * limits.bytes::<I>(size_of::<S::Sum>());
        let task = self.task.max(terms.min(columns)) as u64;
        let in_flight =
            (self.in_flight as u64).min(all + rows as u64).min(self.tasks as u64 * task);
        // Two iterations, in vectors with up to twice the capacity; and twice the sums of rows that are merged.
        let entries = 6 * in_flight * entry;
        let counts = 8 * self.block.min(rows) as u64;
        (multipliers + entries + counts).max(long)
    }
}

/// Bytes of an entry in flight, and of an empty row.
fn entry_bytes<S: Semiring, I>() -> u64 {
    (size_of::<I>() + size_of::<S::Sum>()).max(size_of::<usize>()) as u64
}
