//! R-MAT graphs: random graphs with the skewed degrees of real ones.

use crate::convert::gallery::filling::BLOCK;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCoo, AnyCooWriter, Coo, IndexVec, check_types, coo_bytes};
use crate::storage::random::SplitMix;
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, DType, Index, Place, Plan};

/// Edges between two checks of the cancel token.
const STEP: usize = 1 << 20;

/// The quadrant probabilities of the Graph500 benchmark: a, a + b, a + b + c.
const QUADRANTS: [f64; 3] = [0.57, 0.76, 0.95];

impl<I: Index> Coo<(), I> {
    /// `edge_factor · 2^scale` directed edges among `2^scale` vertices, drawn as in Chakrabarti, Zhan and Faloutsos,
    /// "R-MAT: a recursive model for graph mining" (2004), with the probabilities of Graph500. Edges may repeat and
    /// be self-loops; converting to CSR merges repeats.
    ///
    /// Cost: one write. Memory: two indices per edge, unless the edges go to files.
    ///
    /// ```
    /// use outcore::{Context, Place};
    /// let edges = outcore::Coo::<()>::rmat(10, 8, 1, Place::Memory, &Context::new())?;
    /// assert_eq!((edges.nrows(), edges.nnz()), (1024, 8192));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn rmat(
        scale: u32,
        edge_factor: usize,
        seed: u64,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        edges(I::DTYPE, (scale, edge_factor, seed), &place.into(), ctx).map(AnyCoo::into_typed)
    }
}

fn edges(
    index: DType,
    (scale, edge_factor, seed): (u32, usize, u64),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCoo> {
    let n = 1usize.checked_shl(scale).filter(|&n| n > 0 && scale < 48).ok_or_else(|| {
        Error::new(ErrorKind::Shape, "the scale is too large").expected("at most 47").found(scale)
    })?;
    let count = edge_factor.saturating_mul(n);
    check_types((index, DType::UInt64), n, n, count)?;
    if *place == Place::Memory {
        ctx.check_memory("the edges", coo_bytes((None, index), count))?;
    }
    let _running = ctx.begin(|| {
        let plan = Plan::new("R-MAT graph").works(count as u64, work::RMAT * f64::from(scale));
        Ok(AnyCooWriter::plan(plan, (None, index), count, place, ctx))
    })?;
    let mut writer = AnyCooWriter::new((None, index), (n, n), Some(count), place, ctx)?;
    let mut numbers = SplitMix::new(seed, 0);
    let (mut rows, mut cols) = (IndexVec::new(index), IndexVec::new(index));
    let (mut these_rows, mut these_cols) = ([0; BLOCK], [0; BLOCK]);
    for start in (0..count).step_by(BLOCK) {
        if start % STEP == 0 {
            ctx.report("drawing edges", start as u64, count as u64)?;
        }
        let block = BLOCK.min(count - start);
        for k in 0..block {
            (these_rows[k], these_cols[k]) = edge(scale, &mut numbers);
        }
        rows.clear();
        cols.clear();
        rows.extend_with(block, &mut |k| these_rows[k]);
        cols.extend_with(block, &mut |k| these_cols[k]);
        writer.push(rows.as_raw(), cols.as_raw(), Raw::of(&vec![(); block]))?;
    }
    writer.finish().map(AnyCoo::assume_checked)
}

/// The next edge among `2^scale` vertices.
fn edge(scale: u32, numbers: &mut SplitMix) -> (usize, usize) {
    let (mut row, mut col) = (0, 0);
    for _ in 0..scale {
        let draw = numbers.uniform();
        let quadrant = QUADRANTS.iter().filter(|&&bound| draw >= bound).count();
        row = row << 1 | quadrant >> 1;
        col = col << 1 | quadrant & 1;
    }
    (row, col)
}
