//! Lines in panels of about equally many entries: the granularity at which entries are moved to their lines in memory.
//!
//! A panel is so small that sorting its entries by line stays in the cache. Lines are counted in bins of equal width,
//! and consecutive bins make a panel, so that panels are narrow where a graph has heavy lines.

use std::ops::Range;

use crate::convert::in_memory::bins::{Bins, cut};

/// The most panels of equal weight: a thread writes to three pages for each, and a processor's TLB covers about a
/// thousand pages.
const MOST: u64 = 256;

/// The most lines of a panel: the low half of a line's number identifies it.
const LINES: usize = 1 << 16;

/// The most panels.
const PANELS: usize = 1 << 12;

/// All lines, cut into panels.
pub(crate) struct CachePanels {
    bins: Bins,
    /// The panel of every bin.
    of: Vec<u16>,
    /// The bins of every panel.
    panels: Vec<Range<usize>>,
    /// Entries of every panel.
    entries: Vec<usize>,
}

impl CachePanels {
    /// The bins for counting this many lines.
    pub(crate) fn bins(lines: usize) -> Bins {
        Bins::narrow(0..lines)
    }

    /// CachePanels of bins with these counts, each of about `entries` entries unless there would be too many panels; `None`
    /// if there are too many nevertheless.
    pub(crate) fn new(bins: Bins, counts: &[u64], entries: u64) -> Option<Self> {
        let goal = counts.iter().sum::<u64>().div_ceil(MOST).max(entries);
        let most = LINES / bins.lines(0..1).len().next_power_of_two().max(1);
        if most == 0 {
            return None;
        }
        let narrow = |panel: Range<usize>| {
            let end = panel.end;
            panel.step_by(most).map(move |start| start..end.min(start + most))
        };
        let panels: Vec<_> = cut(counts, goal).into_iter().flat_map(narrow).collect();
        if panels.len() > PANELS {
            return None;
        }
        let mut of = Vec::with_capacity(bins.count());
        for (k, panel) in panels.iter().enumerate() {
            of.resize(panel.end, k as u16);
        }
        let entries =
            panels.iter().map(|panel| counts[panel.clone()].iter().sum::<u64>() as usize).collect();
        Some(CachePanels { bins, of, panels, entries })
    }

    /// The panel of a line; `None` for a line outside all bins.
    #[inline(always)]
    pub(crate) fn of(&self, line: usize) -> Option<usize> {
        self.of.get(self.bins.of(line)).map(|&panel| usize::from(panel))
    }

    /// Number of panels.
    pub(crate) fn count(&self) -> usize {
        self.panels.len()
    }

    /// The lines of a panel.
    pub(crate) fn lines(&self, panel: usize) -> Range<usize> {
        self.bins.lines(self.panels[panel].clone())
    }

    /// Entries of a panel.
    pub(crate) fn entries(&self, panel: usize) -> usize {
        self.entries[panel]
    }

    /// Sums per panel of numbers given for every bin.
    pub(crate) fn sums<'a>(&'a self, counts: &'a [u32]) -> impl Iterator<Item = usize> + 'a {
        let sum = |counts: &[u32]| counts.iter().map(|&count| count as usize).sum();
        self.panels.iter().map(move |panel| sum(&counts[panel.clone()]))
    }

    /// Entries of the largest panel that has several lines and needs memory to be sorted.
    pub(crate) fn largest(&self) -> usize {
        let several = (0..self.count()).filter(|&panel| self.lines(panel).len() > 1);
        several.map(|panel| self.entries[panel]).max().unwrap_or(0)
    }
}

/// Entries of the largest panel that is sorted in memory, out of `entries` in total.
pub(crate) fn largest_of(entries: usize) -> usize {
    entries.min((entries / 16).max(1 << 17))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_cover_all_lines_and_are_of_like_weight() {
        let bins = CachePanels::bins(100);
        let counts: Vec<u64> =
            (0..bins.count() as u64).map(|bin| if bin == 50 { 90 } else { bin % 3 }).collect();
        let panels = CachePanels::new(bins, &counts, 16).unwrap();
        let mut end = 0;
        for panel in 0..panels.count() {
            let lines = panels.lines(panel);
            assert_eq!((lines.start, panels.of(lines.start)), (end, Some(panel)));
            assert!(lines.len() == 1 || panels.entries(panel) <= 16);
            end = lines.end;
        }
        assert_eq!((end, panels.of(100)), (100, None));
        assert_eq!(panels.largest(), 16);
    }

    #[test]
    fn many_lines_are_too_many_strips() {
        let panels = |lines: usize| {
            let bins = CachePanels::bins(lines);
            CachePanels::new(bins.clone(), &vec![0; bins.count()], 16).map(|panels| panels.count())
        };
        assert_eq!(
            (panels(0), panels(1 << 20), panels(1 << 28), panels(1 << 40)),
            (Some(0), Some(16), Some(1 << 12), None)
        );
    }
}
