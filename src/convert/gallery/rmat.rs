//! R-MAT graphs: random graphs with the skewed degrees of real ones.

use crate::convert::gallery::filling::BLOCK;
use crate::convert::gallery::random::SplitMix;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCoo, Coo, IndexVec, check_types, coo_bytes};
use crate::storage::{Context, DType, Index, RawBuffer};

/// The quadrant probabilities of the Graph500 benchmark: a, a + b, a + b + c.
const QUADRANTS: [f64; 3] = [0.57, 0.76, 0.95];

impl<I: Index> Coo<(), I> {
    /// `edge_factor · 2^scale` directed edges among `2^scale` vertices, drawn as in Chakrabarti, Zhan and Faloutsos,
    /// "R-MAT: a recursive model for graph mining" (2004), with the probabilities of Graph500. Edges may repeat and
    /// lead back to their own vertex; converting to CSR merges repeats.
    ///
    /// Memory: two indices per edge. Fails if that is more than the limit of a new [`Context`](crate::Context).
    ///
    /// ```
    /// let edges = outcore::Coo::<()>::rmat(10, 8, 1)?;
    /// assert_eq!((edges.nrows(), edges.nnz()), (1024, 8192));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn rmat(scale: u32, edge_factor: usize, seed: u64) -> Result<Self> {
        edges(I::DTYPE, scale, edge_factor, seed).map(AnyCoo::into_typed)
    }
}

fn edges(index: DType, scale: u32, edge_factor: usize, seed: u64) -> Result<AnyCoo> {
    let n = 1usize.checked_shl(scale).filter(|&n| n > 0 && scale < 48).ok_or_else(|| {
        Error::new(ErrorKind::Shape, "the scale is too large").expected("at most 47").found(scale)
    })?;
    let mut numbers = SplitMix::new(seed, 0);
    let (count, ctx) = (edge_factor.saturating_mul(n), Context::new());
    ctx.check_memory("the edges", coo_bytes((None, index), count))?;
    check_types((index, DType::UInt64), n, n, count)?;
    let mut rows = IndexVec::room("the edges", index, count, &ctx)?;
    let mut cols = IndexVec::room("the edges", index, count, &ctx)?;
    let (mut these_rows, mut these_cols) = ([0; BLOCK], [0; BLOCK]);
    for start in (0..count).step_by(BLOCK) {
        let block = BLOCK.min(count - start);
        for k in 0..block {
            (these_rows[k], these_cols[k]) = edge(scale, &mut numbers);
        }
        rows.extend_with(block, &mut |k| these_rows[k]);
        cols.extend_with(block, &mut |k| these_cols[k]);
    }
    let data = RawBuffer::pattern(count);
    let edges = AnyCoo::from_buffers((n, n), rows.into_buffer(), cols.into_buffer(), data)?;
    Ok(edges.assume_checked())
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
