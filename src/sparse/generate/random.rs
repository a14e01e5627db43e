//! Random sparse matrices: the same for the same seed, whatever the number of threads and the place.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::axis::ByRows;
use crate::sparse::compressed::Csr;
use crate::sparse::draft::CompressedDraft;
use crate::storage::{Context, Element, Index, Place};

impl<T: Element + From<f32>, I: Index, P: Index> Csr<T, I, P> {
    /// Every position is stored with probability `density`, with a value uniform in [0, 1) of 24 bits.
    ///
    /// Time and memory grow with the entries, not the positions: the gaps between entries are drawn. Twice drawn, once
    /// to count and once to fill.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::random((100, 100), 0.1, 42, Place::Memory, &Context::new())?;
    /// assert!(a.nnz() > 800 && a.nnz() < 1200);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn random(
        shape: (usize, usize),
        density: f64,
        seed: u64,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        if !(0.0..=1.0).contains(&density) {
            return Err(Error::new(ErrorKind::Value, "not a density")
                .expected("0 to 1")
                .found(density));
        }
        let (nrows, ncols) = shape;
        let row = |row: usize| Gaps::new(seed, row as u64, density, ncols);
        let nnz = (0..nrows).map(|i| row(i).count()).sum();
        let mut draft = CompressedDraft::<T, I, P>::new::<ByRows>(shape, nnz, &place.into(), ctx)?;
        let mut next = 0;
        for i in 0..nrows {
            for (col, value) in row(i) {
                draft.indices[next] = I::from_usize(col);
                draft.data[next] = T::from(value);
                next += 1;
            }
            draft.indptr[i + 1] = P::from_usize(next);
            if i % 4096 == 0 {
                ctx.report("drawing entries", next as u64, nnz as u64)?;
            }
        }
        draft.finish(shape, true)
    }
}

/// Columns and values of one row, the gaps between columns drawn from the geometric distribution.
struct Gaps {
    numbers: SplitMix,
    /// 1 / ln(1 - density); 0 for density 1, and minus infinity for density 0.
    scale: f64,
    next: usize,
    ncols: usize,
}

impl Gaps {
    fn new(seed: u64, row: u64, density: f64, ncols: usize) -> Self {
        let scale = if density > 0.0 { 1.0 / (-density).ln_1p() } else { f64::NEG_INFINITY };
        Gaps { numbers: SplitMix::new(seed, row), scale, next: 0, ncols }
    }
}

impl Iterator for Gaps {
    type Item = (usize, f32);

    fn next(&mut self) -> Option<Self::Item> {
        // 1 - u lies in (0, 1], so its logarithm is finite; a gap beyond the row saturates in the cast.
        let gap = (1.0 - self.numbers.uniform()).ln() * self.scale;
        let gap = if gap.is_nan() { f64::INFINITY } else { gap };
        let col = self.next.saturating_add(gap as usize);
        if col >= self.ncols {
            return None;
        }
        self.next = col + 1;
        Some((col, (self.numbers.next() >> 40) as f32 / (1u32 << 24) as f32))
    }
}

/// The SplitMix64 generator (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): any number of
/// independent streams from one seed, with no state to share.
pub(super) struct SplitMix(u64);

impl SplitMix {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut start = SplitMix(seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        SplitMix(start.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1), 53 bits.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
