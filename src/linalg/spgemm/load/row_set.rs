//! A set of rows as bits, with the number of each row among those in it.

use std::ops::Range;

/// Rows in a word.
const WORD: usize = u64::BITS as usize;

/// Words for which the rows before them are counted.
const BLOCK: usize = 8;

/// A set of some of the rows of a matrix.
#[derive(Debug)]
pub(crate) struct RowSet {
    words: Vec<u64>,
    /// Rows of the set before each block of words; valid once counted, for non-empty blocks.
    before: Vec<usize>,
    /// The words that may not be 0.
    used: Range<usize>,
}

impl RowSet {
    /// An empty set of rows out of `nrows`.
    pub(crate) fn new(nrows: usize) -> Self {
        let words = nrows.div_ceil(WORD);
        RowSet { words: vec![0; words], before: vec![0; words.div_ceil(BLOCK)], used: 0..0 }
    }

    /// Bytes of memory of a set of rows out of `nrows`.
    pub(crate) fn bytes(nrows: usize) -> u64 {
        let words = nrows.div_ceil(WORD);
        (8 * words + size_of::<usize>() * words.div_ceil(BLOCK)) as u64
    }

    /// Inserts a row, and returns whether it was new. `row` must be in the matrix.
    #[inline(always)]
    pub(crate) fn insert(&mut self, row: usize) -> bool {
        let (word, bit) = (row / WORD, 1 << (row % WORD));
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        if is_new && !self.used.contains(&word) {
            self.used = match self.used.is_empty() {
                true => word..word + 1,
                false => self.used.start.min(word)..self.used.end.max(word + 1),
            };
        }
        is_new
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, row: usize) {
        self.words[row / WORD] &= !(1 << (row % WORD));
    }

    /// Removes all rows before `first`, and returns their number.
    pub(crate) fn remove_before(&mut self, first: usize) -> usize {
        let split = (first / WORD).max(self.used.start).min(self.used.end);
        let before = &mut self.words[self.used.start..split];
        let mut count: usize = before.iter().map(|word| word.count_ones() as usize).sum();
        before.fill(0);
        self.used.start = split;
        if split == first / WORD && split < self.used.end {
            let below = self.words[split] & ((1 << (first % WORD)) - 1);
            self.words[split] ^= below;
            count += below.count_ones() as usize;
        }
        count
    }

    #[inline(always)]
    pub(crate) fn contains(&self, row: usize) -> bool {
        self.words.get(row / WORD).is_some_and(|word| word >> (row % WORD) & 1 == 1)
    }

    /// Removes all rows.
    pub(crate) fn clear(&mut self) {
        self.words[self.used.clone()].fill(0);
        self.used = 0..0;
    }

    /// The rows from `first` on, in order.
    pub(crate) fn rows_from(&self, first: usize) -> impl Iterator<Item = usize> {
        let start = (first / WORD).max(self.used.start).min(self.used.end);
        let words = (start..self.used.end).map(|word| (word, self.words[word]));
        words.flat_map(move |(word, bits)| {
            let skipped = first.saturating_sub(word * WORD).min(WORD);
            let bits = bits.checked_shr(skipped as u32).map_or(0, |bits| bits << skipped);
            ones(bits).map(move |bit| word * WORD + bit)
        })
    }

    /// The last row.
    pub(crate) fn last(&self) -> Option<usize> {
        let words = self.used.clone().rev();
        words
            .map(|word| (word, self.words[word]))
            .find(|(_, bits)| *bits != 0)
            .map(|(word, bits)| word * WORD + (u64::BITS - 1 - bits.leading_zeros()) as usize)
    }

    /// Numbers the rows; later insertions or removals invalidate the numbers.
    pub(crate) fn count(&mut self) {
        let mut count = 0;
        for block in self.used.start / BLOCK..self.used.end.div_ceil(BLOCK) {
            self.before[block] = count;
            let words = block * BLOCK..self.words.len().min((block + 1) * BLOCK);
            count += self.words[words].iter().map(|word| word.count_ones() as usize).sum::<usize>();
        }
    }

    /// The number of rows of the set before a row in it; `None` if the row is not in it.
    #[inline(always)]
    pub(crate) fn number(&self, row: usize) -> Option<usize> {
        let word = row / WORD;
        let bits = self.words.get(word)?;
        if bits >> (row % WORD) & 1 == 0 {
            return None;
        }
        let block = word / BLOCK;
        let words = &self.words[block * BLOCK..word];
        let between: usize = words.iter().map(|word| word.count_ones() as usize).sum();
        Some(
            self.before[block] + between + (bits & ((1 << (row % WORD)) - 1)).count_ones() as usize,
        )
    }
}

/// The positions of the ones, ascending.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn is_a_set(
            nrows in 1usize..2000,
            inserted in prop::collection::vec(any::<usize>(), 0..100),
            removed in prop::collection::vec(any::<usize>(), 0..50),
            first in 0usize..2100,
        ) {
            let (mut set, mut twin) = (RowSet::new(nrows), BTreeSet::new());
            for time in 0..2 {
                for row in &inserted {
                    let row = row.wrapping_add(time * 77) % nrows;
                    prop_assert_eq!(set.insert(row), twin.insert(row));
                }
                for row in removed.iter().map(|row| row % nrows) {
                    set.remove(row);
                    twin.remove(&row);
                }
                set.count();
                prop_assert!(set.rows_from(0).eq(twin.iter().copied()));
                prop_assert!(set.rows_from(first).eq(twin.range(first..).copied()));
                prop_assert_eq!(set.last(), twin.last().copied());
                for row in 0..nrows + 70 {
                    prop_assert_eq!(set.contains(row), twin.contains(&row));
                    let number = twin.contains(&row).then(|| twin.range(..row).count());
                    prop_assert_eq!(set.number(row), number);
                }
                let kept = twin.split_off(&first);
                prop_assert_eq!(set.remove_before(first), twin.len());
                twin = kept;
                prop_assert!(set.rows_from(0).eq(twin.iter().copied()));
                if time == 0 {
                    set.clear();
                    twin.clear();
                }
            }
        }
    }
}
