//! Sums of a row by writing all terms to an array, sorting them by column and adding.
//!
//! ```text
//! a block of terms: (column, number of the term) in one word each -> sorted -> runs of one column, terms in order
//! -> added to the sums so far, which are sorted too
//! ```
//!
//! The number of a term is in the word, so the terms of one column stay in their original order: the sum has the same
//! bits as by any other method. Memory grows with the terms of a block and the entries of the row, not with the
//! columns.

use crate::linalg::algebra::Semiring;
use crate::linalg::kernels::OutOfRange;
use crate::linalg::spgemm::kernels::row::{ProductRows, RowSource, terms};
use crate::storage::Index;

/// The sums of one row.
pub(crate) struct MergeAccumulator<S: Semiring, I> {
    semiring: S,
    /// Columns are counted from here; all are close enough to fit in a word with the number of a term.
    base: usize,
    columns: usize,
    /// Bits of a word for the number of a term.
    low: u32,
    /// Maximum terms of a block.
    most: usize,
    words: Vec<u64>,
    terms: Vec<S::Sum>,
    /// The sums of the previous blocks.
    sums: ProductRows<I, S::Sum>,
    /// The destination of the next sums.
    next: ProductRows<I, S::Sum>,
}

/// Bytes of the terms of a block, for sums of `size` bytes.
pub(crate) fn block_bytes(terms: usize, size: usize) -> u64 {
    (terms * (8 + size)) as u64
}

impl<S: Semiring, I: Index> MergeAccumulator<S, I> {
    /// With `most` terms in a block.
    pub(crate) fn new(semiring: S, most: usize) -> Self {
        MergeAccumulator {
            semiring,
            base: 0,
            columns: 0,
            low: 0,
            most,
            words: Vec::new(),
            terms: Vec::new(),
            sums: ProductRows::new(),
            next: ProductRows::new(),
        }
    }

    /// Bytes of the terms of a block.
    pub(crate) fn block_bytes(terms: usize) -> u64 {
        block_bytes(terms, size_of::<S::Sum>())
    }

    /// Starts a row whose columns are in `base..base + columns`.
    pub(crate) fn start(&mut self, base: usize, columns: usize) {
        let high = usize::BITS - columns.saturating_sub(1).leading_zeros();
        let most = self.most.next_power_of_two().trailing_zeros().max(1);
        self.low = most.min(u64::BITS - high);
        (self.base, self.columns) = (base, columns);
    }

    /// A whole row, whose columns are in `base..base + columns`, appended to `out`.
    pub(crate) fn row<'a>(
        &mut self,
        a: (&'a [I], &'a [S::Left]),
        b: impl RowSource<'a, S::Right, I>,
        (base, columns): (usize, usize),
        out: &mut ProductRows<I, S::Sum>,
    ) -> Result<(), OutOfRange> {
        self.start(base, columns);
        for term in terms(a, b) {
            self.add(term?)?;
        }
        if self.sums.indices.is_empty() {
            add_up(self.semiring, self.base, self.low, &mut self.words, &self.terms, out);
            self.words.clear();
            self.terms.clear();
            return Ok(());
        }
        self.settle();
        out.reserve(self.sums.indices.len());
        out.indices.append(&mut self.sums.indices);
        out.data.append(&mut self.sums.data);
        // Rows of many terms are rare: their memory is not kept for the others.
        self.sums.clear(self.most);
        self.next.clear(self.most);
        Ok(())
    }

    /// Adds a multiple of a row of B. Fails if a column is not among those of the row.
    #[inline(always)]
    pub(crate) fn add(
        &mut self,
        (x, mut indices, mut values): (S::Left, &[I], &[S::Right]),
    ) -> Result<(), OutOfRange> {
        let most = self.most.min(1 << self.low);
        while self.words.len() + indices.len() > most {
            let fit = most - self.words.len();
            self.write((x, &indices[..fit], &values[..fit]))?;
            (indices, values) = (&indices[fit..], &values[fit..]);
            self.settle();
        }
        self.write((x, indices, values))
    }

    /// Writes terms to the block.
    #[inline(always)]
    fn write(
        &mut self,
        (x, indices, values): (S::Left, &[I], &[S::Right]),
    ) -> Result<(), OutOfRange> {
        let first = self.words.len() as u64;
        let mut outside = false;
        self.words.extend(indices.iter().zip(first..).map(|(index, number)| {
            let column = index.to_usize().wrapping_sub(self.base);
            outside |= column >= self.columns;
            (column as u64) << self.low | number
        }));
        let semiring = self.semiring;
        self.terms.extend(values.iter().map(|&value| semiring.multiply(x, value)));
        if outside { Err(OutOfRange) } else { Ok(()) }
    }

    /// Adds the block to the sums so far.
    #[cold]
    fn settle(&mut self) {
        let MergeAccumulator { semiring, base, low, words, terms, sums, next, .. } = self;
        words.sort_unstable();
        next.indices.clear();
        next.data.clear();
        next.reserve(sums.indices.len() + words.len());
        let mask = (1u64 << *low) - 1;
        let mut old = sums.indices.iter().copied().zip(sums.data.iter().copied()).peekable();
        let mut words_left = &words[..];
        while let Some(word) = words_left.first() {
            let column = word >> *low;
            let index = I::from_usize(*base + column as usize);
            while let Some((index, sum)) = old.next_if(|(before, _)| *before < index) {
                next.push(index, sum);
            }
            let mut sum = match old.next_if(|(same, _)| *same == index) {
                Some((_, sum)) => sum,
                None => semiring.zero(),
            };
            while let Some(word) = words_left.first().filter(|word| **word >> *low == column) {
                sum = semiring.add(sum, terms[(word & mask) as usize]);
                words_left = &words_left[1..];
            }
            next.push(index, sum);
        }
        old.for_each(|(index, sum)| next.push(index, sum));
        std::mem::swap(sums, next);
        words.clear();
        terms.clear();
    }

    /// Ends a row: its sums.
    pub(crate) fn finish(&mut self) -> &mut ProductRows<I, S::Sum> {
        self.settle();
        &mut self.sums
    }
}

/// Sums of one block, appended to `out`.
fn add_up<S: Semiring, I: Index>(
    semiring: S,
    base: usize,
    low: u32,
    words: &mut [u64],
    terms: &[S::Sum],
    out: &mut ProductRows<I, S::Sum>,
) {
    words.sort_unstable();
    let start = out.indices.len();
    out.indices.resize(start + words.len(), I::from_usize(0));
    out.data.resize(start + words.len(), semiring.zero());
    let (indices, sums) = (&mut out.indices[start..], &mut out.data[start..]);
    let mask = (1u64 << low) - 1;
    // Written at every term and advanced only if the column changes: no unpredictable branch.
    let (mut count, mut last, mut sum) = (0, u64::MAX, semiring.zero());
    for &word in words.iter() {
        let column = word >> low;
        let is_new = column != last;
        let before = if is_new { semiring.zero() } else { sum };
        sum = semiring.add(before, terms[(word & mask) as usize]);
        count += usize::from(is_new);
        indices[count - 1] = I::from_usize(base + column as usize);
        sums[count - 1] = sum;
        last = column;
    }
    out.indices.truncate(start + count);
    out.data.truncate(start + count);
}
