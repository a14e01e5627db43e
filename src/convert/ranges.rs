//! Lines cut into ranges of about equal numbers of entries, by a histogram that may be a guess.
//!
//! A histogram of at most 2^14 bins, each of `2^shift` lines, is filled with a sample of the entries; bins are then
//! dealt out to ranges by running sums. Looking up the range of a line is a shift and a table of 32 KiB, which stays in
//! the first-level cache. A bad sample makes ranges uneven, never wrong.

use std::ops::Range;

use crate::storage::Index;

/// The most bins, as a power of two.
const BIN_BITS: u32 = 14;

/// A histogram over some lines.
pub(super) struct Histogram {
    lines: Range<usize>,
    shift: u32,
    weights: Vec<u64>,
}

impl Histogram {
    /// Nothing seen yet.
    pub(super) fn new(lines: Range<usize>) -> Self {
        let bits = usize::BITS - lines.len().saturating_sub(1).leading_zeros();
        let shift = bits.saturating_sub(BIN_BITS);
        let bins = lines.len().div_ceil(1 << shift);
        Histogram { lines, shift, weights: vec![0; bins] }
    }

    /// Counts entries by their lines; those outside are left for others to complain about.
    pub(super) fn add<I: Index>(&mut self, lines: &[I]) {
        for line in lines {
            let bin = line.to_usize().wrapping_sub(self.lines.start) >> self.shift;
            if let Some(weight) = self.weights.get_mut(bin) {
                *weight += 1;
            }
        }
    }

    /// At most `most` ranges of about equal weight.
    pub(super) fn cut(mut self, most: usize) -> Ranges {
        // What no sample fell on may still hold entries: one part in 16 is spread over all lines.
        let total: u64 = self.weights.iter().sum();
        let base = total / 16 / self.weights.len().max(1) as u64 + 1;
        self.weights.iter_mut().for_each(|weight| *weight += base);
        let total: u64 = self.weights.iter().sum();
        let most = most.clamp(1, usize::from(u16::MAX));
        let (mut range_of, mut starts) = (Vec::with_capacity(self.weights.len()), Vec::new());
        let (mut before, mut last) = (0u64, None);
        for (bin, weight) in self.weights.iter().enumerate() {
            // By the middle of the bin, so that a heavy one begins a range of its own when it should.
            let middle = u128::from(before + weight / 2);
            let goal = middle * most as u128 / u128::from(total.max(1));
            if last != Some(goal) {
                starts.push(self.lines.start + (bin << self.shift));
                last = Some(goal);
            }
            range_of.push((starts.len() - 1) as u16);
            before += weight;
        }
        starts.push(self.lines.end);
        Ranges { first: self.lines.start, shift: self.shift, range_of, starts }
    }
}

/// Consecutive ranges of lines.
pub(super) struct Ranges {
    first: usize,
    shift: u32,
    /// The range of every bin.
    range_of: Vec<u16>,
    /// Where each range starts, and where the last ends.
    starts: Vec<usize>,
}

impl Ranges {
    /// Number of ranges.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The lines of range `k`.
    pub(super) fn lines(&self, k: usize) -> Range<usize> {
        self.starts[k]..self.starts[k + 1]
    }

    /// The range of a line; `None` if it is in none.
    #[inline(always)]
    pub(super) fn of(&self, line: usize) -> Option<usize> {
        let bin = line.wrapping_sub(self.first) >> self.shift;
        self.range_of.get(bin).map(|&range| usize::from(range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_all_lines_and_follow_the_weights() {
        for lines in [0..0, 0..1, 5..6, 0..100, 7..1_000_003, 0..1 << 40] {
            let mut histogram = Histogram::new(lines.clone());
            histogram.add(&vec![lines.start as u64; 1000]);
            let ranges = histogram.cut(10);
            let mut next = lines.start;
            for k in 0..ranges.len() {
                let range = ranges.lines(k);
                assert_eq!(range.start, next);
                assert!(range.start < range.end);
                assert_eq!((ranges.of(range.start), ranges.of(range.end - 1)), (Some(k), Some(k)));
                next = range.end;
            }
            assert_eq!(next, lines.end);
            assert!(ranges.len() <= 10);
        }
    }

    #[test]
    fn equal_weights_give_equal_ranges() {
        let ranges = Histogram::new(0..1000).cut(4);
        assert_eq!((0..4).map(|k| ranges.lines(k).len()).collect::<Vec<_>>(), [250; 4]);
    }
}
