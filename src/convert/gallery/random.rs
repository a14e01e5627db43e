//! Random sparse matrices: the same for the same seed, whatever the number of threads and the place.

use std::ops::Range;

use crate::convert::gallery::filling::{Make, RowBuffers, RowFilling};
use crate::convert::gallery::formula::{Formula, generate};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCompressed, Csr, Types};
use crate::storage::random::SplitMix;
use crate::storage::raw::RawMut;
use crate::storage::work;
use crate::storage::{Context, Element, Index, Place};

impl<T: Element + From<f32>, I: Index, P: Index> Csr<T, I, P> {
    /// Every position is stored with probability `density`, with a value uniform in [0, 1) of 24 bits.
    ///
    /// Time grows with the entries, not the positions: the gaps between entries are drawn, twice, once to count and
    /// once to fill, on all threads. Cost: one sequential write of the arrays. Memory: the result, or 32 MiB and the
    /// write buffers if it goes to a file.
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
            return Err(Error::new(ErrorKind::Value, "the density is out of range")
                .expected("0 to 1")
                .found(density));
        }
        let convert = |from: &[f32], to: RawMut<'_>| {
            let to = to.typed::<T>().expect("values of the type of the matrix");
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = T::from(from));
        };
        let formula = Random { shape, density, seed, convert: &convert };
        let what = (shape, Types::of::<T, I, P>(), &formula as &dyn Formula);
        generate("random matrix", what, work::RANDOM, &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }
}

struct Random<'a> {
    shape: (usize, usize),
    density: f64,
    seed: u64,
    /// Makes values of the matrix.
    convert: &'a Make<'a>,
}

impl Random<'_> {
    fn gaps(&self, row: usize) -> Gaps {
        Gaps::new(self.seed, row as u64, self.density, self.shape.1)
    }
}

impl Formula for Random<'_> {
    fn is_exact(&self) -> bool {
        false
    }

    fn expected(&self) -> usize {
        (self.shape.0 as f64 * self.shape.1 as f64 * self.density).round() as usize
    }

    /// Ten standard deviations below the mean.
    fn least(&self) -> usize {
        let mean = self.shape.0 as f64 * self.shape.1 as f64 * self.density;
        (mean - 10.0 * mean.sqrt() - 64.0) as usize
    }

    /// Ten standard deviations above the mean.
    fn most(&self) -> usize {
        let mean = self.shape.1 as f64 * self.density;
        ((mean + 10.0 * mean.sqrt()) as usize).saturating_add(64).min(self.shape.1)
    }

    fn count(&self, rows: Range<usize>) -> usize {
        rows.map(|row| self.gaps(row).count()).sum()
    }

    fn fill(&self, rows: Range<usize>, buffers: RowBuffers<'_>) {
        let mut filling = RowFilling::new(buffers, self.convert);
        for row in rows {
            self.gaps(row).for_each(|(col, value)| filling.entry(col, value));
            filling.end_row();
        }
        filling.finish();
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
        // 1 - u is in (0, 1], so its logarithm is finite; a gap beyond the row saturates in the cast.
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
