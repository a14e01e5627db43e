//! Sums of a row in values for every column of a window, with a bit for each column with a term.
//!
//! The bits give the columns in order. If few of the window's words of bits are used, a bit for each word marks them: a
//! window of 4096 columns then costs one lookup. Values and bits are reset after a row is moved out.

use crate::linalg::algebra::Semiring;
use crate::linalg::kernels::OutOfRange;
use crate::linalg::spgemm::kernels::row::{ProductRows, RowSource, terms};
use crate::storage::Index;

/// Columns in a word of bits.
const WORD: usize = u64::BITS as usize;

/// The sums of one row.
pub(crate) struct Window<S: Semiring> {
    semiring: S,
    /// Zero for every column without a term.
    values: Vec<S::Sum>,
    /// A bit for every column, set if it has a term.
    bits: Vec<u64>,
    /// A bit for every word of `bits`, set where it is not 0; kept only for sparse rows.
    words: Vec<u64>,
}

/// Bytes of a window of this many columns, for sums of `size` bytes.
pub(crate) fn bytes(columns: usize, size: usize) -> u64 {
    let words = columns.div_ceil(WORD);
    (words * (WORD * size + 8) + words.div_ceil(WORD) * 8) as u64
}

impl<S: Semiring> Window<S> {
    pub(crate) fn new(semiring: S) -> Self {
        Window { semiring, values: Vec::new(), bits: Vec::new(), words: Vec::new() }
    }

    /// Bytes of a window of this many columns.
    pub(crate) fn bytes(columns: usize) -> u64 {
        bytes(columns, size_of::<S::Sum>())
    }

    /// Grows the window to this many columns.
    pub(crate) fn widen(&mut self, columns: usize) {
        let words = columns.div_ceil(WORD);
        if words > self.bits.len() {
            self.values.resize(words * WORD, self.semiring.zero());
            self.bits.resize(words, 0);
            self.words.resize(words.div_ceil(WORD), 0);
        }
    }

    /// A whole row, whose columns are in `base..base + columns` and which has `terms` terms, appended to `out`.
    pub(crate) fn row<'a, I: Index>(
        &mut self,
        a: (&'a [I], &'a [S::Left]),
        b: impl RowSource<'a, S::Right, I>,
        (base, columns, count): (usize, usize, usize),
        out: &mut ProductRows<I, S::Sum>,
    ) -> Result<(), OutOfRange> {
        self.widen(columns);
        let words = columns.div_ceil(WORD);
        if words <= count / 2 {
            for term in terms(a, b) {
                self.add::<false, I>(term?, base, columns)?;
            }
            self.take(base, 0..words, out);
        } else {
            for term in terms(a, b) {
                self.add::<true, I>(term?, base, columns)?;
            }
            for block in 0..words.div_ceil(WORD) {
                let mut used = std::mem::take(&mut self.words[block]);
                while used != 0 {
                    let word = block * WORD + used.trailing_zeros() as usize;
                    used &= used - 1;
                    self.take(base, word..word + 1, out);
                }
            }
        }
        Ok(())
    }

    /// Adds a multiple of a row of B to the window `base..base + columns`.
    ///
    /// Fails if a column is not in it.
    #[inline(always)]
    pub(crate) fn add<const SPARSE: bool, I: Index>(
        &mut self,
        (x, indices, values): (S::Left, &[I], &[S::Right]),
        base: usize,
        columns: usize,
    ) -> Result<(), OutOfRange> {
        let semiring = self.semiring;
        let words = columns.div_ceil(WORD);
        let (sums, bits) = (&mut self.values[..columns], &mut self.bits[..words]);
        let used = &mut self.words[..words.div_ceil(WORD)];
        for (index, &value) in indices.iter().zip(values) {
            let column = index.to_usize().wrapping_sub(base);
            let sum = sums.get_mut(column).ok_or(OutOfRange)?;
            *sum = semiring.add(*sum, semiring.multiply(x, value));
            bits[column / WORD] |= 1 << (column % WORD);
            if SPARSE {
                used[column / WORD / WORD] |= 1 << (column / WORD % WORD);
            }
        }
        Ok(())
    }

    /// Moves the sums out of some words of a window that starts at column `base`.
    #[inline(always)]
    pub(crate) fn take<I: Index>(
        &mut self,
        base: usize,
        words: std::ops::Range<usize>,
        out: &mut ProductRows<I, S::Sum>,
    ) {
        let zero = self.semiring.zero();
        let (values, _) = self.values.as_chunks_mut::<WORD>();
        let words = words.clone().zip(&mut self.bits[words.clone()]).zip(&mut values[words]);
        for ((word, bits), values) in words {
            let mut met = std::mem::take(bits);
            while met != 0 {
                let bit = met.trailing_zeros() as usize;
                met &= met - 1;
                let sum = std::mem::replace(&mut values[bit], zero);
                out.push(I::from_usize(base + word * WORD + bit), sum);
            }
        }
    }
}
