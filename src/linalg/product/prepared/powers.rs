//! Powers of a prepared matrix: several levels in one pass over its panels, in memory or from the file.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::algebra::Scalar;
use crate::linalg::kernels::Vectors;
use crate::linalg::product::line_source::{EncodedPart, LinesPart};
use crate::linalg::product::lines_product::StepProduct;
use crate::linalg::product::powers::Powers;
use crate::linalg::product::prepared::compact::Compact;
use crate::linalg::product::prepared::encoded_lines::EncodedLines;
use crate::linalg::product::prepared::levels::{LevelSweep, PanelReach, candidates};
use crate::storage::{Context, PanelCost, Plan, bytes_of, parallel, work};

/// A sweep with several levels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sweeps {
    /// Levels of a sweep; the last may have fewer.
    pub(crate) levels: usize,
    /// Panels needed at a time besides the one that arrives.
    needed: usize,
}

/// The sweeps that read the fewest bytes for `levels` levels.
pub(crate) fn best_sweeps(lines: &EncodedLines, levels: usize) -> Sweeps {
    let all = lines.encodings();
    let (most, is_read) = (lines.reading.most_extra(), |panel: usize| all.panels[panel].is_read());
    let mut best = (u64::MAX, Sweeps { levels: 1, needed: 0 });
    for each in candidates(levels) {
        let needed = all.reach().window(each, &is_read);
        let sweeps = levels.div_ceil(each.max(1)) as u64;
        let bytes = lines.reading.cost(needed).again.saturating_mul(sweeps);
        // As few sweeps as possible where nothing is read.
        if (needed <= most || each <= 1) && (bytes < best.0 || (bytes == best.0 && needed == 0)) {
            best = (bytes, Sweeps { levels: each, needed });
        }
    }
    best.1
}

/// The plan of `levels` levels with `k` vectors.
///
/// The caller adds the memory for the product of a panel.
pub(crate) fn encoded_powers_plan(lines: &EncodedLines, k: usize, levels: usize) -> Plan {
    let (panels, matrix) = (&lines.reading, lines.matrix());
    let Sweeps { levels: each, needed } = best_sweeps(lines, levels);
    let sweeps = levels.div_ceil(each.max(1)) as u64;
    let PanelCost { first, again, memory } = panels.cost(needed);
    let plan = Plan::new("powers").on_device_of(matrix.indices_buffer().file());
    let plan = match sweeps {
        0 => plan,
        _ => plan.reads(sweeps, first.saturating_add(again.saturating_mul(sweeps - 1))),
    };
    plan.reads_again(again.saturating_mul(sweeps))
        .holds(memory + lines.bytes_kept())
        .works((matrix.nnz() * k) as u64 * levels as u64, work::PRODUCT)
}

/// The most lines of a panel.
pub(crate) fn largest(reach: &PanelReach) -> usize {
    (0..reach.count()).map(|panel| reach.lines(panel).len()).max().unwrap_or(0)
}

/// Powers of a matrix that is read panel by panel.
pub(crate) fn read_powers<X: Scalar>(
    lines: &mut EncodedLines,
    product: StepProduct<X>,
    powers: &mut Powers<'_, '_, X>,
    ctx: &Context,
) -> Result<()> {
    let all = lines.encodings().clone();
    let numbers = lines.most_lines() * powers.k;
    let _held = ctx.hold(bytes_of::<X>(numbers) + lines.decoding_bytes());
    let Sweeps { levels: each, needed } = best_sweeps(lines, powers.levels);
    let mut buffer = ctx.work::<X>("the product of a panel", numbers)?;
    let mut expanded = None;
    let ncols = lines.matrix().minor();
    for start in (0..powers.levels).step_by(each.max(1)) {
        let mut sweep = LevelSweep::new(all.reach(), each.min(powers.levels - start));
        let swept = lines.sweep_window(needed, ctx, &mut |end, window| {
            sweep.advance(end, &mut |panel, level| {
                ctx.check_cancelled()?;
                let rows = all.reach().lines(panel);
                let part = window.part(panel)?;
                let buffer = &mut buffer[..rows.len() * powers.k];
                let k = powers.k;
                powers.step(start + level, rows, buffer, ctx, &mut |x, y| {
                    product(&part, ncols, &mut expanded, Vectors { k, x, y }, ctx)
                })
            })
        });
        swept.map_err(|error| lines.matrix().name_indices(error))?;
    }
    Ok(())
}

/// Encoded lines in memory, in parts that stay in the cache for several levels.
pub(crate) struct CachedParts {
    reach: PanelReach,
    blocks: Vec<Range<usize>>,
}

/// Bytes of a part and of its vectors.
const PART: u64 = 1 << 20;

/// Bytes of a line of three vectors in `f64`.
const VECTORS: u64 = 24;

/// Levels that are made of a part while it is in the cache, at most.
const LEVELS: usize = 8;

/// Bytes of the parts of a window, and of its vectors, that stay in the cache.
const CACHE: u64 = 8 << 20;

impl CachedParts {
    /// The parts of a square matrix.
    pub(crate) fn new(compact: &Compact) -> Self {
        let (mut blocks, mut start, mut bytes) = (Vec::new(), 0, 0);
        for block in 0..compact.blocks.len() {
            let lines = compact.blocks[block].lines.len() as u64;
            bytes += compact.bytes_of_block(block) + lines * VECTORS;
            if bytes >= PART || block + 1 == compact.blocks.len() {
                blocks.push(start..block + 1);
                (start, bytes) = (block + 1, 0);
            }
        }
        let reach = PanelReach::new(blocks.iter().map(|blocks| {
            let those = &compact.blocks[blocks.clone()];
            let columns = blocks.clone().map(|block| compact.columns_of(block));
            let columns = columns.filter(|columns| !columns.is_empty());
            let columns = columns.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
            let start = those.first().map_or(0, |block| block.lines.start);
            let end = those.last().map_or(start, |block| block.lines.end);
            (start..end, columns.unwrap_or(0..0))
        }));
        CachedParts { reach, blocks }
    }

    /// Levels whose parts stay in the cache together; 1 if it is not worthwhile.
    pub(crate) fn levels(&self, levels: usize, k: usize) -> usize {
        let more = (largest(&self.reach) * k.saturating_sub(1)) as u64 * VECTORS;
        let fits = |&each: &usize| {
            let window = self.reach.window(each, &|_| true) as u64 + 1;
            window * (PART + more) <= CACHE
        };
        candidates(levels.min(LEVELS)).take_while(fits).last().unwrap_or(1)
    }

    /// Numbers of the largest part.
    pub(crate) fn numbers(&self, k: usize) -> usize {
        largest(&self.reach) * k
    }

    /// Powers, some levels at a time.
    pub(crate) fn powers<X: Scalar>(
        &self,
        compact: &Compact,
        product: StepProduct<X>,
        powers: &mut Powers<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        let each = self.levels(powers.levels, powers.k);
        let numbers = self.numbers(powers.k);
        let _held = ctx.hold(bytes_of::<X>(numbers));
        let mut buffer = ctx.work::<X>("the product of a part", numbers)?;
        let k = powers.k;
        for start in (0..powers.levels).step_by(each) {
            ctx.report("powers", start as u64, powers.levels as u64)?;
            let count = each.min(powers.levels - start);
            for _ in 0..count {
                ctx.meter().pass();
            }
            let mut sweep = LevelSweep::new(&self.reach, count);
            let mut step = |part: usize, level: usize| {
                let rows = self.reach.lines(part);
                let (blocks, first) = (self.blocks[part].clone(), rows.start);
                let lines =
                    LinesPart::Encoded(EncodedPart { first, compact, blocks, values: None });
                let buffer = &mut buffer[..rows.len() * k];
                powers.step(start + level, rows, buffer, ctx, &mut |x, y| {
                    product(&lines, compact.columns, &mut None, Vectors { k, x, y }, ctx)
                })
            };
            // One of the threads makes the steps: sharing each with the others then costs little.
            let advance = || sweep.advance(self.reach.count(), &mut step).map(drop);
            ctx.with_threads(|| parallel::within(advance))?;
        }
        Ok(())
    }
}
