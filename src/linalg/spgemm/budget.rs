//! How a product shares out the memory it may take.
//!
//! | part | for |
//! |---|---|
//! | 7/16 | reading: a stretch of A with the rows of B it needs, and what is read ahead |
//! | 1/8 | multipliers, one for each thread |
//! | 1/8 | rows of the result on their way, of two rounds |
//! | 1/16 | rows with more terms than are sorted at a time |
//! | 1/16 | where the cuts between stretches lie |
//! | 1/8 | a sample of rows, before anything else is there |
//!
//! Before a *long* row, whose entries would not fit in a round, multipliers and rows on their way are given back, and half
//! of all is for its sums.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Semiring;
use crate::linalg::spgemm::kernels::Limits;
use crate::storage::Index;

/// Memory that is worth it for each thread where nothing is read.
const PER_THREAD: u64 = 1 << 30;

/// The least memory that a product is tried with, and one that reads.
const LEAST: (u64, u64) = (128 << 10, 256 << 10);

/// Terms of a chunk, the rows that one thread takes at a time: some ten microseconds. Four times as many, or half as many
/// chunks in a round, were not faster, and the results of a round then lie in no cache.
const CHUNK: usize = 1 << 13;

/// Chunks of a round for each thread.
const CHUNKS_PER_THREAD: usize = 16;

/// Rows of which the terms are counted at a time.
const BLOCK: usize = 1 << 16;

/// The shares of one product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    threads: usize,
    all: u64,
    /// Entries that the rows of a round can have at most. A row that can have more is a long one.
    pub(super) round: usize,
    /// Terms and rows of a chunk, but for single rows with more.
    pub(super) chunk: usize,
    /// Chunks of a round.
    pub(super) chunks: usize,
    /// Rows of which the terms are counted at a time.
    pub(super) block: usize,
}

impl Budget {
    /// Of `bytes` bytes; less if nothing is read, because more would be of no use.
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
            return Err(Error::new(ErrorKind::Memory, "a product would have no room to work")
                .expected(format!(
                    "{least} bytes beside what the matrices take of the memory limit"
                ))
                .found(all)
                .remedy("raise the limit, or let the result live in a file"));
        }
        Ok(Self::sharing::<S, I>(all, threads))
    }

    fn sharing<S: Semiring, I: Index>(all: u64, threads: usize) -> Self {
        let round = (all / 32 / entry_bytes::<S, I>()) as usize;
        let chunk = (round / (4 * threads)).clamp(64, CHUNK);
        Budget {
            threads,
            all,
            round,
            chunk,
            chunks: (round / chunk).clamp(1, CHUNKS_PER_THREAD * threads),
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

    /// What a multiplier may take, for rows of at most `terms` terms in `columns` columns.
    pub(super) fn limits<S: Semiring, I>(&self, reach: (usize, usize)) -> Limits {
        Limits::new::<I>(self.all / 8 / self.threads as u64, reach, size_of::<S::Sum>())
    }

    /// Bytes that a mask makes it take beside that, if a row of the mask in order takes `row` bytes.
    pub(super) fn memory_under_mask<S: Semiring, I: Index>(
        &self,
        reach: (usize, usize),
        row: u64,
    ) -> u64 {
        let limits = self.limits::<S, I>(reach);
        self.threads as u64 * (limits.bytes_under_mask(size_of::<S::Sum>()) + row)
    }

    /// Bytes that multiplying takes beside reading: the rows have at most `terms` terms in `columns` columns, all of them
    /// together `all`; the long ones among them, if there are any, `long` bytes.
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
        let chunk = self.chunk.max(terms.min(columns)) as u64;
        let round = (self.round as u64).min(all + rows as u64).min(self.chunks as u64 * chunk);
        // Two rounds, in vectors with up to as much room again; and twice the sums of rows that are merged.
        let entries = 6 * round * entry;
        let counts = 8 * self.block.min(rows) as u64;
        (multipliers + entries + counts).max(long)
    }
}

/// Bytes of an entry on its way, and of a row if it is empty.
fn entry_bytes<S: Semiring, I>() -> u64 {
    (size_of::<I>() + size_of::<S::Sum>()).max(size_of::<usize>()) as u64
}
