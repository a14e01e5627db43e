//! How a product is cut into parts: the cheapest of several strategies that fit in memory, by bytes and by runs of the
//! file.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Scalar;
use crate::linalg::gemm::in_memory::BLOCK;
use crate::linalg::gemm::operand::Operand;
use crate::storage::{IoBuffer, Order, PADDING, work};

/// Columns of the right matrix that are worth a pass over the rows of the left one.
const MANY: usize = 64;

/// Rows of the result between two checks of the cancel token.
const CANCELLABLE: usize = 4096;

/// The extents of a product: an `m x k` matrix times a `k x n` one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extents {
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
}

/// How a product is cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tiling {
    /// `rows` rows of the result and of the left matrix at a time; the right one is read for each of them, `lines` of
    /// its lines at a time.
    RowBlocks { rows: usize, lines: usize },
    /// `rows x cols` of the result at a time; both matrices are read for each tile, `inner` terms at a time.
    Tiles { rows: usize, cols: usize, inner: usize },
}

/// The cost of a strategy.
#[derive(Clone, Copy, Debug)]
pub(super) struct GemmStrategy {
    pub(super) tiling: Tiling,
    /// The number of reads of each matrix.
    pub(super) passes: [u64; 2],
    /// Memory for reading: panels in flight, and parts that are kept or assembled.
    pub(super) ring: u64,
    pub(super) kept: u64,
    /// Memory for the part of the result being computed.
    pub(super) made: u64,
    nanoseconds: f64,
}

/// The strategies to choose from.
pub(super) struct Strategies<'a, T: Scalar> {
    pub(super) a: &'a Operand<'a, T>,
    pub(super) b: &'a Operand<'a, T>,
    pub(super) extents: Extents,
    /// Whether the whole result is in memory, which is not counted here.
    pub(super) result_in_memory: bool,
    /// Memory for everything else.
    pub(super) budget: u64,
}

impl<T: Scalar> Strategies<'_, T> {
    /// The cheapest strategy. Fails if none fits.
    pub(super) fn best(&self) -> Result<GemmStrategy> {
        let methods = self.tiles().into_iter().map(|(rows, cols)| self.way_of_tiles(rows, cols));
        let methods = methods.chain([self.strategy_of_row_blocks()]).flatten();
        methods.min_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds)).ok_or_else(|| {
            Error::new(ErrorKind::Memory, "not even a few rows of the product would fit in memory")
                .found(format!("{} bytes for it", self.budget))
                .remedy("raise the memory limit, or store the matrices in the other order")
        })
    }

    /// Bytes of a sufficiently large panel.
    fn panel(&self) -> usize {
        (self.budget / 16).clamp(64 << 10, 12 << 20) as usize
    }

    fn strategy_of_row_blocks(&self) -> Option<GemmStrategy> {
        let (Extents { m, k, n }, size) = (self.extents, size_of::<T>());
        // Lines of the right matrix that are read together at least: a block of rows, or a column.
        let (least, length, all) = match self.b.matrix.order() {
            Order::C => (BLOCK.min(k), n, k),
            Order::Fortran => (1, k, n),
        };
        let unit = least * length * size;
        // Enough columns that a pass over the rows in memory is worthwhile.
        let many = MANY.min((self.budget / 16) as usize / unit.max(1)) / least.max(1);
        let lines = (self.panel() / unit.max(1)).max(many).max(1).saturating_mul(least).min(all);
        let right = if self.b.streamed { lines * length * size + PADDING } else { 0 };
        let left = if self.a.streamed { self.panel() } else { 0 };
        let panel = if left + right > 0 { IoBuffer::rounded(left.max(right)) as u64 } else { 0 };
        let depth = if 4 * panel <= self.budget / 4 { 4 } else { 2 };
        let ring = depth * panel;
        let kept = if self.a.streamed { k * size } else { 0 } as u64;
        let made = if self.result_in_memory { 0 } else { n * size } as u64;
        let fit = self.budget.checked_sub(ring)?.checked_div(kept + made);
        let fit = fit.map_or(m, |fit| usize::try_from(fit).unwrap_or(m).min(m));
        if fit == 0 && m > 0 {
            return None;
        }
        // Operands used in place are cut too, to check the cancel token in between.
        let most = if self.a.streamed || self.b.streamed { m } else { CANCELLABLE };
        let row_blocks = m.div_ceil(fit.clamp(1, most.max(1))).max(1);
        let rows = m.div_ceil(row_blocks);
        let runs = match self.a.matrix.order() {
            _ if !self.a.streamed => 0,
            Order::C => row_blocks,
            Order::Fortran => row_blocks * k,
        };
        let panels = if self.b.streamed { all.div_ceil(lines.max(1)) } else { 0 };
        let runs = runs + row_blocks * panels;
        let passes = [1, if self.b.streamed { row_blocks as u64 } else { 1 }];
        // For every panel of columns the rows of the left matrix are read from memory once.
        let again = if self.b.matrix.order() == Order::Fortran { panels * m * k * size } else { 0 };
        Some(GemmStrategy {
            tiling: Tiling::RowBlocks { rows, lines },
            passes,
            ring,
            kept: kept * rows as u64,
            made: made * rows as u64,
            nanoseconds: self.nanoseconds(passes, runs) + again as f64 * work::COPY_BYTE,
        })
    }

    /// Candidate tiles of the result: a few hundred, from all of it down to small ones.
    fn tiles(&self) -> Vec<(usize, usize)> {
        let Extents { m, n, .. } = self.extents;
        // 1, 2, 3, 4, 6, 8, 12, …
        let parts = |extent: usize| {
            let parts = (0..12).flat_map(|k| [1 << k, 3 << k]);
            parts.filter(move |&parts| parts <= extent).map(move |parts| extent.div_ceil(parts))
        };
        parts(m).flat_map(|rows| parts(n).map(move |cols| (rows, cols))).collect()
    }

    fn way_of_tiles(&self, rows: usize, cols: usize) -> Option<GemmStrategy> {
        let (Extents { m, k, n }, size) = (self.extents, size_of::<T>());
        if k == 0 || !(self.a.streamed || self.b.streamed) {
            return None;
        }
        let (down, right) = (m.div_ceil(rows), n.div_ceil(cols));
        let made = if self.result_in_memory { 0 } else { (rows * cols * size) as u64 };
        let space = self.budget.checked_sub(made)?;
        // Two panels are in flight, and a part that is not one run is assembled in a copy.
        let needed = |inner: usize| {
            let (panel, runs) = self.panel_of_tile(rows, cols, inner);
            let ring = 2 * IoBuffer::rounded(panel + runs * PADDING) as u64;
            (ring, panel as u64, runs)
        };
        let fits = |inner: usize| needed(inner).0 + needed(inner).1 <= space;
        let mut inner = k;
        while !fits(inner) {
            inner = inner.min(k.next_power_of_two()) / 2 / BLOCK * BLOCK;
            if inner == 0 {
                return None;
            }
        }
        let (ring, kept, runs) = needed(inner);
        let of = |streamed: bool, times: usize| if streamed { times as u64 } else { 1 };
        let passes = [of(self.a.streamed, right), of(self.b.streamed, down)];
        let mut nanoseconds = self.nanoseconds(passes, down * right * k.div_ceil(inner) * runs);
        if cols < n && !self.result_in_memory {
            // Written in runs of rows, and read again for checksums.
            nanoseconds +=
                (m * n * size) as f64 * work::DEVICE_BYTE + (m * right) as f64 * work::DEVICE_RUN;
        }
        Some(GemmStrategy {
            tiling: Tiling::Tiles { rows, cols, inner },
            passes,
            ring,
            kept,
            made,
            nanoseconds,
        })
    }

    /// Bytes of a panel for `inner` terms of a tile, and its runs.
    fn panel_of_tile(&self, rows: usize, cols: usize, inner: usize) -> (usize, usize) {
        let Extents { m, k, n } = self.extents;
        let runs = |order: Order, rows: usize, cols: usize, whole: (usize, usize)| match order {
            Order::C => {
                if cols == whole.1 {
                    1
                } else {
                    rows
                }
            }
            Order::Fortran => {
                if rows == whole.0 {
                    1
                } else {
                    cols
                }
            }
        };
        let (mut elements, mut all) = (0, 0);
        if self.a.streamed {
            elements += rows * inner;
            all += runs(self.a.matrix.order(), rows, inner, (m, k));
        }
        if self.b.streamed {
            elements += inner * cols;
            all += runs(self.b.matrix.order(), inner, cols, (k, n));
        }
        (elements * size_of::<T>(), all)
    }

    fn nanoseconds(&self, passes: [u64; 2], runs: usize) -> f64 {
        let bytes = passes[0] * self.a.bytes() + passes[1] * self.b.bytes();
        bytes as f64 * work::DEVICE_BYTE + runs as f64 * work::DEVICE_RUN
    }
}
