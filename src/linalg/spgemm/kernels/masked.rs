//! Rows of a product at the positions of a mask, or everywhere else.
//!
//! ```text
//! kept:        a bit for every column of the mask's row  ->  a term whose column has none is skipped
//!              ->  the columns of the mask's row with terms, in order, with their sums
//! complement:  the row is gathered like any other, and the columns of the mask are dropped while it is in the cache
//! ```
//!
//! Bits for 65,536 columns fit in the first-level cache, so a term that is not kept costs one lookup. A row of the mask
//! that spans more columns than fit is gathered like any other. The bits of sums are the same in both cases, because
//! all terms of a sum are added in their order.

use crate::linalg::algebra::Semiring;
use crate::linalg::kernels::{OutOfRange, Panel};
use crate::linalg::spgemm::kernels::row::{ProductRows, RowSource, terms};
use crate::storage::Index;

/// Columns in a word of bits.
const WORD: usize = u64::BITS as usize;

/// Which columns of each row of a product are kept.
pub(crate) struct RowMask<'a, I> {
    /// The mask.
    pub(crate) panel: Panel<'a, (), I>,
    /// For each row of the product, the row of the mask; the same row if this is `None`.
    pub(crate) rows: Option<&'a [usize]>,
    /// Whether columns in the mask are kept, or those not in it.
    pub(crate) is_kept: bool,
    /// Whether indices are known to rise in every row.
    pub(crate) rising: bool,
}

impl<I> Clone for RowMask<'_, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for RowMask<'_, I> {}

impl<'a, I: Index> RowMask<'a, I> {
    /// The columns of the mask in a row of the product, in order; a sorted copy if they are not stored in order.
    pub(crate) fn row<'c>(self, row: usize, sorted: &'c mut Vec<I>) -> Result<&'c [I], OutOfRange>
    where
        'a: 'c,
    {
        let row = match self.rows {
            Some(rows) => *rows.get(row).ok_or(OutOfRange)?,
            None => row,
        };
        if row >= self.panel.nrows() {
            return Err(OutOfRange);
        }
        let columns = &self.panel.indices[self.panel.row(row)?];
        if self.rising {
            return Ok(columns);
        }
        sorted.clear();
        sorted.reserve_exact(columns.len());
        sorted.extend_from_slice(columns);
        sorted.sort_unstable();
        Ok(sorted)
    }
}

/// Drops the entries from `start` on, all of one row, that the mask does not keep.
pub(crate) fn retain<I: Index, V: Copy>(
    mask: &[I],
    is_kept: bool,
    lines: &mut ProductRows<I, V>,
    start: usize,
) {
    let (indices, data) = (&mut lines.indices[start..], &mut lines.data[start..]);
    let first = indices.first().copied();
    let mut rest = &mask[first.map_or(0, |first| mask.partition_point(|&column| column < first))..];
    let mut count = 0;
    for n in 0..indices.len() {
        let (index, value) = (indices[n], data[n]);
        while rest.first().is_some_and(|&column| column < index) {
            rest = &rest[1..];
        }
        let is_in_mask = rest.first() == Some(&index);
        (indices[count], data[count]) = (index, value);
        count += usize::from(is_in_mask == is_kept);
    }
    lines.indices.truncate(start + count);
    lines.data.truncate(start + count);
}

/// The sums of one row at the columns of a mask.
pub(crate) struct Masked<S: Semiring> {
    semiring: S,
    /// Zero for every column without a term.
    values: Vec<S::Sum>,
    /// A bit for every column of the mask, and for those of them with a term.
    mask: Vec<u64>,
    met: Vec<u64>,
}

/// Bytes for this many columns with sums of `size` bytes.
pub(crate) fn bytes(columns: usize, size: usize) -> u64 {
    (columns.div_ceil(WORD) * (WORD * size + 16)) as u64
}

impl<S: Semiring> Masked<S> {
    pub(crate) fn new(semiring: S) -> Self {
        Masked { semiring, values: Vec::new(), mask: Vec::new(), met: Vec::new() }
    }

    fn widen(&mut self, columns: usize) {
        let words = columns.div_ceil(WORD);
        if words > self.mask.len() {
            self.values.resize(words * WORD, self.semiring.zero());
            self.mask.resize(words, 0);
            self.met.resize(words, 0);
        }
    }

    /// A whole row at the rising columns `mask`, appended to `out`. The product has `columns` columns.
    pub(crate) fn row<'a, I: Index>(
        &mut self,
        a: (&'a [I], &'a [S::Left]),
        b: impl RowSource<'a, S::Right, I>,
        mask: &[I],
        columns: usize,
        out: &mut ProductRows<I, S::Sum>,
    ) -> Result<(), OutOfRange> {
        let (Some(first), Some(last)) = (mask.first(), mask.last()) else { return Ok(()) };
        let base = first.to_usize() / WORD * WORD;
        // A mask that was declared rising but is not has columns outside the window, which is an error.
        let window = (last.to_usize() + 1).checked_sub(base).ok_or(OutOfRange)?;
        self.widen(window);
        for index in mask {
            let column = index.to_usize().wrapping_sub(base);
            *self.mask.get_mut(column / WORD).ok_or(OutOfRange)? |= 1 << (column % WORD);
        }
        for term in terms(a, b) {
            self.add(term?, base, columns)?;
        }
        self.take(base, mask, out);
        Ok(())
    }

    #[inline(always)]
    fn add<I: Index>(
        &mut self,
        (x, indices, values): (S::Left, &[I], &[S::Right]),
        base: usize,
        columns: usize,
    ) -> Result<(), OutOfRange> {
        let (semiring, mut is_outside) = (self.semiring, false);
        let (sums, met) =
            (&mut self.values[..self.mask.len() * WORD], &mut self.met[..self.mask.len()]);
        for (index, &value) in indices.iter().zip(values) {
            let column = index.to_usize().wrapping_sub(base);
            is_outside |= index.to_usize() >= columns;
            let (word, bit) = (column / WORD, column % WORD);
            if self.mask.get(word).is_some_and(|mask| mask >> bit & 1 == 1) {
                sums[column] = semiring.add(sums[column], semiring.multiply(x, value));
                met[word] |= 1 << bit;
            }
        }
        if is_outside { Err(OutOfRange) } else { Ok(()) }
    }

    /// Moves out the sums of the columns with a term.
    fn take<I: Index>(&mut self, base: usize, mask: &[I], out: &mut ProductRows<I, S::Sum>) {
        out.reserve(mask.len());
        for &index in mask {
            let column = index.to_usize().wrapping_sub(base);
            let (Some(sum), Some(met)) =
                (self.values.get_mut(column), self.met.get_mut(column / WORD))
            else {
                continue;
            };
            self.mask[column / WORD] = 0;
            if *met >> (column % WORD) & 1 == 1 {
                *met ^= 1 << (column % WORD);
                out.push(index, std::mem::replace(sum, self.semiring.zero()));
            }
        }
    }
}
