//! Multiplies row by row, and chooses the accumulator for each.

use std::ops::Range;

use crate::linalg::algebra::Semiring;
use crate::linalg::kernels::{OutOfRange, Panel};
use crate::linalg::spgemm::kernels::masked::{Masked, RowMask, retain};
use crate::linalg::spgemm::kernels::merge::MergeAccumulator;
use crate::linalg::spgemm::kernels::repeat::Repeat;
use crate::linalg::spgemm::kernels::row::{ProductRows, RowSource};
use crate::linalg::spgemm::kernels::window::Window;
use crate::linalg::spgemm::kernels::{masked, merge, repeat, window};
use crate::storage::{Index, prefetch_to_read};

/// Bytes of a window's values up to which a window is used for any row: they fit in a cache, and are often close
/// together.
const CACHED: usize = 4 << 20;

/// Maximum columns of a window per term, so that scanning its bits costs no more than the terms.
const COLUMNS_PER_TERM: usize = 4096;

/// Maximum columns per term of a window that does not fit in the cache.
const DENSE: usize = 64;

/// Maximum terms of a block, and of a row whose pattern is remembered.
const BLOCK: usize = 1 << 16;
const REMEMBERED: usize = 1 << 12;

/// Entries of A by which rows of B are prefetched ahead, and the maximum number at a time.
const AHEAD: usize = 8;
const MOST_AHEAD: usize = 64;

/// The memory limits of one multiplier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Columns of a window.
    window: usize,
    /// Terms that are sorted at a time.
    block: usize,
    /// Terms of a row that is remembered.
    remembered: usize,
}

impl Limits {
    /// For `bytes` bytes, if rows have at most `terms` terms in `columns` columns, and sums `size` bytes.
    pub(crate) fn new<I>(bytes: u64, (terms, columns): (usize, usize), size: usize) -> Self {
        let part = |bytes: u64, unit: u64| usize::try_from(bytes / unit).unwrap_or(usize::MAX);
        // One more word of columns, for the alignment of the start.
        let window = part(bytes / 2, window::bytes(64, size) + 1) * 64;
        let block = part(bytes / 4, merge::block_bytes(1, size)).clamp(64, BLOCK);
        let remembered = part(bytes / 4, repeat::bytes::<I>(1)).min(REMEMBERED);
        Limits {
            window: window.min(columns.saturating_add(64)),
            block: block.min(terms.max(64)),
            remembered: remembered.min(terms),
        }
    }

    /// Maximum bytes of a multiplier, except for rows of more terms than a block.
    pub(crate) fn bytes<I>(&self, size: usize) -> u64 {
        window::bytes(self.window, size)
            + merge::block_bytes(self.block, size)
            + repeat::bytes::<I>(self.remembered)
    }

    /// Columns of a window under a mask.
    fn masked(&self) -> usize {
        self.window / 2
    }

    /// Additional bytes under a mask.
    pub(crate) fn bytes_under_mask(&self, size: usize) -> u64 {
        masked::bytes(self.masked(), size)
    }
}

/// Multiplies rows one by one, reusing its memory.
pub(crate) struct RowMultiplier<S: Semiring, I> {
    semiring: S,
    limits: Limits,
    window: Window<S>,
    merge: MergeAccumulator<S, I>,
    repeat: Repeat<I>,
    masked: Masked<S>,
    /// A sorted copy of a row of the mask.
    sorted: Vec<I>,
    /// Whether the rows of B that are needed next may be scattered.
    scattered: bool,
}

/// The possible columns of a row, and its terms.
struct ColumnReach {
    least: usize,
    largest: usize,
    terms: usize,
}

impl<S: Semiring, I: Index> RowMultiplier<S, I> {
    pub(crate) fn new(semiring: S, limits: Limits) -> Self {
        RowMultiplier {
            semiring,
            limits,
            window: Window::new(semiring),
            merge: MergeAccumulator::new(semiring, limits.block),
            repeat: Repeat::new(limits.remembered),
            masked: Masked::new(semiring),
            sorted: Vec::new(),
            scattered: true,
        }
    }

    /// The rows of A, which have `terms` terms, times B, which has `columns` columns, appended to `out`; with a mask,
    /// only the positions that it keeps.
    ///
    /// Fails if a pointer of A is out of order, an index of A is not a row of B, or an index of B not a column.
    pub(crate) fn rows<'a>(
        &mut self,
        a: Panel<'a, S::Left, I>,
        terms: &[usize],
        b: impl RowSource<'a, S::Right, I>,
        columns: usize,
        mask: Option<RowMask<'_, I>>,
        out: &mut ProductRows<I, S::Sum>,
    ) -> Result<(), OutOfRange> {
        out.lens.reserve_exact(a.nrows());
        for (i, &terms) in (0..a.nrows()).zip(terms) {
            let range = a.row(i)?;
            if self.scattered {
                announce(a, b, range.clone());
            }
            let before = out.indices.len();
            if terms > 0 {
                let row = (&a.indices[range.clone()], &a.values[range]);
                match mask {
                    None => self.row(row, b, (terms, columns), out)?,
                    Some(mask) => {
                        let i = a.first_row() + i;
                        self.row_under_mask(row, b, (terms, columns), (mask, i), out)?;
                    }
                }
            }
            out.lens.push(out.indices.len() - before);
        }
        Ok(())
    }

    /// Row `i` at the positions that the mask keeps.
    #[inline(never)]
    fn row_under_mask<'a>(
        &mut self,
        a: (&'a [I], &'a [S::Left]),
        b: impl RowSource<'a, S::Right, I>,
        (terms, columns): (usize, usize),
        (mask, i): (RowMask<'_, I>, usize),
        out: &mut ProductRows<I, S::Sum>,
    ) -> Result<(), OutOfRange> {
        let mut sorted = std::mem::take(&mut self.sorted);
        let row = mask.row(i, &mut sorted)?;
        let span = match (row.first(), row.last()) {
            (Some(first), Some(last)) => last.to_usize().saturating_sub(first.to_usize()),
            _ => 0,
        };
        if mask.is_kept && (row.is_empty() || span.saturating_add(64) <= self.limits.masked()) {
            self.masked.row(a, b, row, columns, out)?;
        } else {
            let start = out.indices.len();
            self.row(a, b, (terms, columns), out)?;
            retain(row, mask.is_kept, out, start);
        }
        self.sorted = sorted;
        Ok(())
    }

    #[inline(always)]
    fn row<'a>(
        &mut self,
        a: (&'a [I], &'a [S::Left]),
        b: impl RowSource<'a, S::Right, I>,
        (terms, columns): (usize, usize),
        out: &mut ProductRows<I, S::Sum>,
    ) -> Result<(), OutOfRange> {
        let looks = self.repeat.looks(terms);
        let repeats = looks && self.repeat.row(self.semiring, a, b, (terms, columns), out)?;
        self.scattered = !repeats;
        if repeats {
            return Ok(());
        }
        let start = out.indices.len();
        let reach = reach(a.0, b)?;
        // Rows that were declared rising but are not can have their last column before the first.
        if reach.largest >= columns || reach.least > reach.largest {
            return Err(OutOfRange);
        }
        out.reserve(reach.terms.min(reach.largest - reach.least + 1));
        self.gather(a, b, reach, out)?;
        if looks {
            self.repeat.learn(a.0, b, &out.indices[start..])?;
        }
        Ok(())
    }

    #[inline(never)]
    fn gather<'a>(
        &mut self,
        a: (&'a [I], &'a [S::Left]),
        b: impl RowSource<'a, S::Right, I>,
        ColumnReach { least, largest, terms }: ColumnReach,
        out: &mut ProductRows<I, S::Sum>,
    ) -> Result<(), OutOfRange> {
        let base = least / 64 * 64;
        let columns = largest - base + 1;
        let cached = columns.saturating_mul(size_of::<S::Sum>()) <= CACHED
            && columns <= terms.saturating_mul(COLUMNS_PER_TERM);
        let dense = columns <= terms.saturating_mul(DENSE);
        match columns <= self.limits.window && (cached || dense) {
            true => self.window.row(a, b, (base, columns, terms), out),
            false => self.merge.row(a, b, (least, largest - least + 1), out),
        }
    }
}

/// Prefetches the rows of B that are needed `AHEAD` entries after a row of A, and the pointers of those that are needed
/// as many entries later.
#[inline(always)]
fn announce<'a, L, T: 'a, I: Index>(
    a: Panel<'a, L, I>,
    b: impl RowSource<'a, T, I>,
    row: Range<usize>,
) {
    let most = row.len().min(MOST_AHEAD);
    let behind = |by: usize| a.indices.get(row.end + by..).unwrap_or_default().iter().take(most);
    for k in behind(2 * AHEAD) {
        b.announce(k.to_usize());
    }
    for k in behind(AHEAD) {
        if let Ok((indices, values)) = b.row(k.to_usize()) {
            prefetch_to_read(indices, 0);
            prefetch_to_read(values, 0);
        }
    }
}

/// The range of columns that a row of A can produce.
#[inline(always)]
fn reach<'a, T: 'a, I>(a: &[I], b: impl RowSource<'a, T, I>) -> Result<ColumnReach, OutOfRange>
where
    I: Index + 'a,
{
    let mut reach = ColumnReach { least: usize::MAX, largest: 0, terms: 0 };
    for k in a {
        let (indices, _) = b.row(k.to_usize())?;
        let (Some(first), Some(last)) = (indices.first(), indices.last()) else { continue };
        reach.terms += indices.len();
        // Rows that do not rise after all are detected: a column outside the window is an error.
        let (least, largest) = match b.rising() {
            true => (*first, *last),
            false => indices
                .iter()
                .fold((*first, *first), |(a, b), index| (a.min(*index), b.max(*index))),
        };
        reach.least = reach.least.min(least.to_usize());
        reach.largest = reach.largest.max(largest.to_usize());
    }
    Ok(reach)
}
