//! R-MAT graphs: random graphs with the skewed degrees of real ones.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::coo::Coo;
use crate::sparse::generate::random::SplitMix;
use crate::storage::{Context, Index};

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
        let n = 1usize.checked_shl(scale).filter(|&n| n > 0 && scale < 48).ok_or_else(|| {
            Error::new(ErrorKind::Shape, "the scale is too large")
                .expected("at most 47")
                .found(scale)
        })?;
        let mut numbers = SplitMix::new(seed, 0);
        let count = edge_factor.saturating_mul(n);
        Context::new().check_memory("the edges", Coo::<(), I>::bytes_of(count))?;
        let edges = (0..count).map(|_| {
            let (mut row, mut col) = (0, 0);
            for _ in 0..scale {
                let draw = numbers.uniform();
                let quadrant = QUADRANTS.iter().filter(|&&bound| draw >= bound).count();
                row = row << 1 | quadrant >> 1;
                col = col << 1 | quadrant & 1;
            }
            (row, col, ())
        });
        Coo::from_triplets((n, n), edges)
    }
}
