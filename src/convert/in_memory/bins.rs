//! Lines in bins of `2^shift` consecutive ones: the granularity at which entries are first sorted.

use std::ops::Range;

/// The most bins, as a power of two: that many write streams, a cache line each, stay in the second-level cache.
const MOST: u32 = 12;

/// The most bins that are only counted: their counts stay in the second-level cache.
const NARROW: u32 = 15;

/// A range of lines cut into bins of equal width.
#[derive(Clone, Debug)]
pub(crate) struct Bins {
    lines: Range<usize>,
    shift: u32,
}

impl Bins {
    pub(crate) fn new(lines: Range<usize>) -> Self {
        Self::at_most(MOST, lines)
    }

    /// Bins that are only counted.
    pub(crate) fn narrow(lines: Range<usize>) -> Self {
        Self::at_most(NARROW, lines)
    }

    fn at_most(bits: u32, lines: Range<usize>) -> Self {
        let needed = usize::BITS - lines.len().saturating_sub(1).leading_zeros();
        Bins { lines, shift: needed.saturating_sub(bits) }
    }

    /// Number of bins.
    pub(crate) fn count(&self) -> usize {
        self.lines.len().div_ceil(1 << self.shift)
    }

    /// The lines of some consecutive bins.
    pub(crate) fn lines(&self, bins: Range<usize>) -> Range<usize> {
        let line =
            |bin: usize| self.lines.end.min(self.lines.start.saturating_add(bin << self.shift));
        line(bins.start)..line(bins.end)
    }

    /// The bin of a line; for a line outside, the result is not a bin.
    #[inline(always)]
    pub(crate) fn of(&self, line: usize) -> usize {
        line.wrapping_sub(self.lines.start) >> self.shift
    }

    /// Whether a line is one of these.
    #[inline(always)]
    pub(crate) fn hold(&self, line: usize) -> bool {
        line.wrapping_sub(self.lines.start) < self.lines.len()
    }
}

/// Consecutive ranges with about equal sums of weights, at most `parts` of them; together they cover all.
pub(crate) fn even(weights: &[u64], parts: usize) -> Vec<Range<usize>> {
    let total: u64 = weights.iter().sum();
    let goal = total.div_ceil(parts.max(1) as u64).max(1);
    cut(weights, goal)
}

/// Consecutive ranges, each as long as possible with a sum of at most `most`, or a single larger weight.
pub(crate) fn cut(weights: &[u64], most: u64) -> Vec<Range<usize>> {
    let (mut ranges, mut start, mut sum) = (Vec::new(), 0, 0u64);
    for (k, &weight) in weights.iter().enumerate() {
        if k > start && sum.saturating_add(weight) > most {
            ranges.push(start..k);
            (start, sum) = (k, 0);
        }
        sum = sum.saturating_add(weight);
    }
    if start < weights.len() {
        ranges.push(start..weights.len());
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_cover_all_lines() {
        for lines in [0..0, 0..1, 5..6, 0..100, 7..1_000_003, 0..1 << 40] {
            let bins = Bins::new(lines.clone());
            assert!(bins.count() <= 1 << MOST);
            assert_eq!(bins.lines(0..bins.count()), lines);
            for bin in 0..bins.count() {
                let here = bins.lines(bin..bin + 1);
                assert_eq!((bins.of(here.start), bins.of(here.end - 1)), (bin, bin));
            }
            assert!(!bins.hold(lines.end) && !bins.hold(lines.start.wrapping_sub(1)));
        }
    }

    #[test]
    fn cuts_keep_to_their_weight() {
        assert_eq!(cut(&[1, 2, 3, 9, 0, 1], 5), [0..2, 2..3, 3..4, 4..6]);
        assert_eq!(cut(&[], 5), [0..0; 0]);
        assert_eq!(even(&[1; 8], 4), [0..2, 2..4, 4..6, 6..8]);
        assert_eq!(even(&[0; 3], 2), [0..3; 1]);
    }
}
