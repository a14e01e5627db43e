//! Rows whose columns are those of an earlier row, shifted: the position of every term is then known.
//!
//! On a grid the entries of a row have the same distances from the diagonal as those of the previous row, and so do
//! those of the rows of B that it multiplies. The unknowns of one node of a mesh share all their columns. So the last
//! few patterns are remembered, each with the position of every term among the sums of its row. Comparing a row with a
//! pattern and adding its terms are one pass, which is abandoned at the first row of B that differs.
//!
//! The boundaries of a grid interrupt every line of it, which is why there are several patterns. If patterns do not
//! recur, fewer and fewer rows are compared.

use crate::linalg::algebra::Semiring;
use crate::linalg::kernels::OutOfRange;
use crate::linalg::spgemm::kernels::row::{ProductRows, RowSource};
use crate::storage::Index;

/// Patterns remembered: the rows along a line of a grid have five, those of two coupled grids eight or ten.
const PATTERNS: usize = 8;

/// Rows compared before the success rate is evaluated.
const TRIAL: usize = 32;

/// Rows that are skipped after an unsuccessful trial, at first and at most.
const PAUSES: (usize, usize) = (64, 1 << 14);

/// The patterns of earlier rows.
pub(super) struct Repeat<I> {
    patterns: Vec<Pattern<I>>,
    /// The pattern that matched or was learnt last.
    last: usize,
    hits: usize,
    misses: usize,
    /// Rows to be skipped.
    pause: usize,
    next_pause: usize,
    /// Maximum terms of a remembered row.
    most: usize,
}

/// The pattern of a row.
struct Pattern<I> {
    /// Columns of the row of A.
    left: Vec<I>,
    /// Entries of each row of B.
    lens: Vec<u32>,
    /// Columns of the terms.
    right: Vec<I>,
    /// The position of each term among the sums.
    places: Vec<u32>,
    /// Columns of the sums.
    sums: Vec<I>,
}

/// Bytes of the patterns of rows with at most `terms` terms.
pub(super) fn bytes<I>(terms: usize) -> u64 {
    (PATTERNS * terms * (3 * size_of::<I>() + 2 * size_of::<u32>())) as u64
}

impl<I: Index> Repeat<I> {
    pub(super) fn new(most: usize) -> Self {
        Repeat {
            patterns: Vec::new(),
            last: 0,
            hits: 0,
            misses: 0,
            pause: 0,
            next_pause: PAUSES.0,
            most: most.min(u32::MAX as usize),
        }
    }

    /// Whether to compare a row with this many terms.
    #[inline(always)]
    pub(super) fn looks(&mut self, terms: usize) -> bool {
        let looks = self.pause == 0 && terms <= self.most;
        self.pause = self.pause.saturating_sub(1);
        looks
    }

    /// Appends the row to `out` if it matches one of the patterns, and returns whether it does.
    #[inline(always)]
    pub(super) fn row<'a, S: Semiring>(
        &mut self,
        semiring: S,
        a: (&[I], &[S::Left]),
        b: impl RowSource<'a, S::Right, I>,
        (terms, columns): (usize, usize),
        out: &mut ProductRows<I, S::Sum>,
    ) -> Result<bool, OutOfRange>
    where
        I: 'a,
    {
        for step in 0..self.patterns.len() {
            let which = (self.last + step) % self.patterns.len();
            let pattern = &self.patterns[which];
            if terms != pattern.right.len() || !pattern.is_left(a.0) {
                continue;
            }
            let start = out.data.len();
            out.reserve(pattern.sums.len());
            out.data.resize(start + pattern.sums.len(), semiring.zero());
            if let Some(shift) = pattern.add(semiring, a, b, &mut out.data[start..])? {
                pattern.write(shift, columns, out)?;
                self.last = which;
                self.hits += 1;
                return Ok(true);
            }
            out.data.truncate(start);
        }
        self.missed();
        Ok(false)
    }

    #[cold]
    fn missed(&mut self) {
        self.misses += 1;
        if self.misses == TRIAL {
            let vain = self.hits < self.misses;
            self.pause = if vain { self.next_pause } else { 0 };
            self.next_pause = if vain { (2 * self.next_pause).min(PAUSES.1) } else { PAUSES.0 };
            (self.hits, self.misses) = (0, 0);
        }
    }

    /// Remembers a row and the columns of its sums, which rise.
    pub(super) fn learn<'a, T: 'a>(
        &mut self,
        left: &[I],
        b: impl RowSource<'a, T, I>,
        sums: &[I],
    ) -> Result<(), OutOfRange>
    where
        I: 'a,
    {
        if self.patterns.len() < PATTERNS {
            self.last = self.patterns.len();
            self.patterns.push(Pattern::new());
        } else {
            // The one before the last, cyclically, is approximately the least recently matched.
            self.last = (self.last + PATTERNS - 1) % PATTERNS;
        }
        self.patterns[self.last].learn(left, b, sums)
    }
}

impl<I: Index> Pattern<I> {
    fn new() -> Self {
        Pattern {
            left: Vec::new(),
            lens: Vec::new(),
            right: Vec::new(),
            places: Vec::new(),
            sums: Vec::new(),
        }
    }

    fn learn<'a, T: 'a>(
        &mut self,
        left: &[I],
        b: impl RowSource<'a, T, I>,
        sums: &[I],
    ) -> Result<(), OutOfRange>
    where
        I: 'a,
    {
        let Pattern { left: to_left, lens, right, places, sums: to_sums } = self;
        for columns in [&mut *to_left, &mut *right, &mut *to_sums] {
            columns.clear();
        }
        lens.clear();
        places.clear();
        to_left.extend_from_slice(left);
        to_sums.extend_from_slice(sums);
        for k in left {
            let (indices, _) = b.row(k.to_usize())?;
            lens.push(indices.len() as u32);
            right.extend_from_slice(indices);
            for index in indices {
                places.push(sums.binary_search(index).map_err(|_| OutOfRange)? as u32);
            }
        }
        Ok(())
    }

    /// Whether the columns of a row of A are these, shifted.
    #[inline(always)]
    fn is_left(&self, left: &[I]) -> bool {
        let (Some(first), Some(same)) = (left.first(), self.left.first()) else { return false };
        let shift = first.to_usize().wrapping_sub(same.to_usize());
        let moved = |(new, old): (&I, &I)| new.to_usize().wrapping_sub(old.to_usize()) == shift;
        left.len() == self.left.len() && left.iter().zip(&self.left).all(moved)
    }

    /// Adds the terms of a row to its sums, and returns the shift of its columns; `None` if it differs.
    #[inline(always)]
    fn add<'a, S: Semiring>(
        &self,
        semiring: S,
        (left, factors): (&[I], &[S::Left]),
        b: impl RowSource<'a, S::Right, I>,
        sums: &mut [S::Sum],
    ) -> Result<Option<usize>, OutOfRange>
    where
        I: 'a,
    {
        let (mut right, mut places) = (&self.right[..], &self.places[..]);
        let mut shift = None;
        for ((k, &x), &len) in left.iter().zip(factors).zip(&self.lens) {
            let (indices, values) = b.row(k.to_usize())?;
            if indices.len() != len as usize {
                return Ok(None);
            }
            let Some(first) = indices.first() else { continue };
            let (mine, rest) = right.split_at(indices.len());
            let (here, other) = places.split_at(indices.len());
            (right, places) = (rest, other);
            let by = *shift.get_or_insert(first.to_usize().wrapping_sub(mine[0].to_usize()));
            let mut differs = 0;
            for (((index, &value), old), &place) in indices.iter().zip(values).zip(mine).zip(here) {
                differs |= index.to_usize().wrapping_sub(old.to_usize()) ^ by;
                // The position is within the sums of this pattern, which are as many as `sums`.
                if let Some(sum) = sums.get_mut(place as usize) {
                    *sum = semiring.add(*sum, semiring.multiply(x, value));
                }
            }
            if differs != 0 {
                return Ok(None);
            }
        }
        Ok(Some(shift.unwrap_or(0)))
    }

    /// Appends the columns of the sums, shifted. Fails if one is beyond the last of `columns`.
    #[inline(always)]
    fn write<V>(
        &self,
        shift: usize,
        columns: usize,
        out: &mut ProductRows<I, V>,
    ) -> Result<(), OutOfRange> {
        let moved = |index: &I| index.to_usize().wrapping_add(shift);
        if self.sums.last().is_some_and(|last| moved(last) >= columns) {
            return Err(OutOfRange);
        }
        out.indices.extend(self.sums.iter().map(|index| I::from_usize(moved(index))));
        Ok(())
    }
}
