//! Lines in strips of about equally many entries: the granularity at which entries are moved to their lines in memory.
//!
//! A strip is so small that sorting its entries by line stays in the cache. Lines are counted in bins of equal width,
//! and consecutive bins make a strip, so that strips are narrow where a graph has heavy lines.

use std::ops::Range;

use crate::convert::in_memory::bins::{Bins, cut};

/// The most strips of equal weight: a thread writes to three pages for each, and a processor's TLB covers about a
/// thousand pages.
const MOST: u64 = 256;

/// The most lines of a strip: the low half of a line's number identifies it.
const LINES: usize = 1 << 16;

/// The most strips.
const STRIPS: usize = 1 << 12;

/// All lines, cut into strips.
pub(crate) struct Strips {
    bins: Bins,
    /// The strip of every bin.
    of: Vec<u16>,
    /// The bins of every strip.
    strips: Vec<Range<usize>>,
    /// Entries of every strip.
    entries: Vec<usize>,
}

impl Strips {
    /// The bins for counting this many lines.
    pub(crate) fn bins(lines: usize) -> Bins {
        Bins::narrow(0..lines)
    }

    /// Strips of bins with these counts, each of about `entries` entries unless there would be too many strips; `None`
    /// if there are too many nevertheless.
    pub(crate) fn new(bins: Bins, counts: &[u64], entries: u64) -> Option<Self> {
        let goal = counts.iter().sum::<u64>().div_ceil(MOST).max(entries);
        let most = LINES / bins.lines(0..1).len().next_power_of_two().max(1);
        if most == 0 {
            return None;
        }
        let narrow = |strip: Range<usize>| {
            let end = strip.end;
            strip.step_by(most).map(move |start| start..end.min(start + most))
        };
        let strips: Vec<_> = cut(counts, goal).into_iter().flat_map(narrow).collect();
        if strips.len() > STRIPS {
            return None;
        }
        let mut of = Vec::with_capacity(bins.count());
        for (k, strip) in strips.iter().enumerate() {
            of.resize(strip.end, k as u16);
        }
        let entries =
            strips.iter().map(|strip| counts[strip.clone()].iter().sum::<u64>() as usize).collect();
        Some(Strips { bins, of, strips, entries })
    }

    /// The strip of a line; `None` for a line outside all bins.
    #[inline(always)]
    pub(crate) fn of(&self, line: usize) -> Option<usize> {
        self.of.get(self.bins.of(line)).map(|&strip| usize::from(strip))
    }

    /// Number of strips.
    pub(crate) fn count(&self) -> usize {
        self.strips.len()
    }

    /// The lines of a strip.
    pub(crate) fn lines(&self, strip: usize) -> Range<usize> {
        self.bins.lines(self.strips[strip].clone())
    }

    /// Entries of a strip.
    pub(crate) fn entries(&self, strip: usize) -> usize {
        self.entries[strip]
    }

    /// Sums per strip of numbers given for every bin.
    pub(crate) fn sums<'a>(&'a self, counts: &'a [u32]) -> impl Iterator<Item = usize> + 'a {
        let sum = |counts: &[u32]| counts.iter().map(|&count| count as usize).sum();
        self.strips.iter().map(move |strip| sum(&counts[strip.clone()]))
    }

    /// Entries of the largest strip that has several lines and needs memory to be sorted.
    pub(crate) fn largest(&self) -> usize {
        let several = (0..self.count()).filter(|&strip| self.lines(strip).len() > 1);
        several.map(|strip| self.entries[strip]).max().unwrap_or(0)
    }
}

/// Entries of the largest strip that is sorted in memory, out of `entries` in total.
pub(crate) fn largest_of(entries: usize) -> usize {
    entries.min((entries / 16).max(1 << 17))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_cover_all_lines_and_are_of_like_weight() {
        let bins = Strips::bins(100);
        let counts: Vec<u64> =
            (0..bins.count() as u64).map(|bin| if bin == 50 { 90 } else { bin % 3 }).collect();
        let strips = Strips::new(bins, &counts, 16).unwrap();
        let mut end = 0;
        for strip in 0..strips.count() {
            let lines = strips.lines(strip);
            assert_eq!((lines.start, strips.of(lines.start)), (end, Some(strip)));
            assert!(lines.len() == 1 || strips.entries(strip) <= 16);
            end = lines.end;
        }
        assert_eq!((end, strips.of(100)), (100, None));
        assert_eq!(strips.largest(), 16);
    }

    #[test]
    fn many_lines_are_too_many_strips() {
        let strips = |lines: usize| {
            let bins = Strips::bins(lines);
            Strips::new(bins.clone(), &vec![0; bins.count()], 16).map(|strips| strips.count())
        };
        assert_eq!(
            (strips(0), strips(1 << 20), strips(1 << 28), strips(1 << 40)),
            (Some(0), Some(16), Some(1 << 12), None)
        );
    }
}
