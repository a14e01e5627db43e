//! Several levels in one pass: which panel makes which level when, and how many levels are worthwhile.
//!
//! ```text
//! for each panel that arrives:
//!     for each level j:  while the next panel q of level j has arrived,
//!                        and all panels that share columns with q have made level j - 1:  make level j of q
//!     the panels before the next one of the last level are released
//! ```
//!
//! Panels make a level in order, so one number for each level says how far it is, and what a panel waits for is the
//! last of the panels it shares columns with. Those are the panels whose rows are its columns, which it reads, and those
//! whose columns are its rows, which read what it overwrites where buffers are used again.

use std::ops::Range;

use crate::error::Result;

/// Which panels wait for which.
pub(crate) struct PanelReach {
    /// The lines of every panel.
    lines: Vec<Range<usize>>,
    /// The last panel with which each shares columns.
    last: Vec<usize>,
}

impl PanelReach {
    /// Of panels with these lines and columns, of a square matrix.
    pub(crate) fn new(panels: impl Iterator<Item = (Range<usize>, Range<usize>)>) -> Self {
        let (lines, columns): (Vec<_>, Vec<_>) = panels.unzip();
        let panel_of =
            |column: usize| lines.partition_point(|lines: &Range<usize>| lines.end <= column);
        let end = lines.len().saturating_sub(1);
        // The last panel whose columns begin in each panel.
        let mut from = vec![0; lines.len()];
        let mut last: Vec<usize> = (0..lines.len()).collect();
        for (panel, columns) in columns.iter().enumerate() {
            if columns.is_empty() {
                continue;
            }
            last[panel] = panel_of(columns.end - 1).clamp(panel, end);
            let first = panel_of(columns.start).min(panel);
            from[first] = from[first].max(panel);
        }
        let mut readers = 0;
        for (last, from) in last.iter_mut().zip(from) {
            readers = readers.max(from);
            *last = readers.max(*last);
        }
        PanelReach { lines, last }
    }

    pub(crate) fn lines(&self, panel: usize) -> Range<usize> {
        self.lines[panel].clone()
    }

    /// Number of panels.
    pub(crate) fn count(&self) -> usize {
        self.lines.len()
    }

    /// The most panels of which `is_read` holds that are needed at a time in a sweep with this many levels,
    /// in addition to the one that arrives.
    pub(crate) fn window(&self, levels: usize, is_read: &dyn Fn(usize) -> bool) -> usize {
        // Those read before each panel.
        let mut before = vec![0];
        for panel in 0..self.count() {
            before.push(before[panel] + usize::from(is_read(panel)));
        }
        let (mut sweep, mut needed, mut most) = (LevelSweep::new(self, levels), 0, 0);
        for panel in (0..self.count()).filter(|&panel| is_read(panel)) {
            most = most.max(before[panel] - before[needed]);
            let end = (panel + 1..self.count()).find(|&next| is_read(next)).unwrap_or(self.count());
            needed = sweep.advance(end, &mut |_, _| Ok(())).unwrap_or(0);
        }
        most
    }
}

/// How far a sweep is.
pub(crate) struct LevelSweep<'a> {
    reach: &'a PanelReach,
    /// Panels that have arrived, and panels that have made each level.
    done: Vec<usize>,
}

impl<'a> LevelSweep<'a> {
    pub(crate) fn new(reach: &'a PanelReach, levels: usize) -> Self {
        LevelSweep { reach, done: vec![0; levels + 1] }
    }

    /// Calls `step` with the panel and the level, from 0, of all that can be made when the panels before `end` are in
    /// memory. Returns the first panel that is still needed.
    pub(crate) fn advance(
        &mut self,
        end: usize,
        step: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<usize> {
        let last = self.done.len() - 1;
        // One after the other, so that what a level makes is still in the cache for the next.
        while self.done[0] < end {
            self.done[0] += 1;
            for level in 1..=last {
                while self.is_ready(level) {
                    step(self.done[level], level - 1)?;
                    self.done[level] += 1;
                }
            }
        }
        Ok(self.done[last])
    }

    /// Whether the next panel of a level can be made.
    fn is_ready(&self, level: usize) -> bool {
        let (panel, before) = (self.done[level], self.done[level - 1]);
        match level {
            1 => panel < before,
            _ => panel < self.reach.count() && self.reach.last[panel] < before,
        }
    }
}

/// The numbers of levels in a sweep that are tried, at most `levels`.
pub(crate) fn candidates(levels: usize) -> impl Iterator<Item = usize> {
    let steps = (1..=16).chain([20, 24, 32, 48, 64, 96, 128, 192, MOST]);
    // As even as possible.
    let even = move |each: usize| levels.div_ceil(levels.div_ceil(each.max(1)).max(1));
    steps.filter(move |&each| each <= levels).chain([levels.min(MOST)]).map(even)
}

/// The most levels in a sweep.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// Panels of ten lines that touch `below` lines before and `above` lines after their own.
    fn band(count: usize, below: usize, above: usize) -> PanelReach {
        let n = 10 * count;
        PanelReach::new((0..count).map(|panel| {
            let lines = 10 * panel..10 * panel + 10;
            let columns = lines.start.saturating_sub(below)..n.min(lines.end + above);
            (lines, columns)
        }))
    }

    #[test]
    fn every_panel_makes_every_level_once_and_after_its_neighbours() {
        for (below, above) in [(0, 0), (5, 5), (10, 25), (0, 30), (31, 0), (1000, 1000)] {
            for levels in [1, 2, 3, 8] {
                let reach = band(12, below, above);
                let mut made = vec![0; reach.count()];
                let mut sweep = LevelSweep::new(&reach, levels);
                for end in [1, 2, 5, 6, 9, 12] {
                    let needed = sweep.advance(end, &mut |panel, level| {
                        assert!(panel < end && made[panel] == level);
                        let near = panel.saturating_sub(below.div_ceil(10))
                            ..(panel + above.div_ceil(10) + 1).min(12);
                        assert!(near.clone().all(|other| made[other] >= level), "{near:?}");
                        // Nor is anything overwritten that is still to be read.
                        let readers = panel.saturating_sub(above.div_ceil(10))
                            ..(panel + below.div_ceil(10) + 1).min(12);
                        assert!(readers.clone().all(|other| made[other] >= level), "{readers:?}");
                        made[panel] += 1;
                        Ok(())
                    });
                    assert_eq!(
                        needed.unwrap(),
                        made.iter().take_while(|&&it| it == levels).count()
                    );
                }
                assert_eq!(made, vec![levels; 12]);
            }
        }
    }

    #[test]
    fn a_window_is_about_a_bandwidth_for_every_level_but_one() {
        let window = |below, levels| band(100, below, below).window(levels, &|_| true);
        assert_eq!((window(10, 1), window(10, 2), window(10, 8)), (0, 1, 7));
        assert_eq!((window(25, 4), window(5000, 2)), (9, 99));
        // Panels that are not read take no buffer.
        assert_eq!(band(100, 10, 10).window(9, &|panel| panel % 2 == 0), 4);
        assert_eq!(band(100, 10, 10).window(9, &|_| false), 0);
    }

    #[test]
    fn levels_are_divided_evenly() {
        assert_eq!(candidates(0).collect::<Vec<_>>(), [0]);
        let even: Vec<_> = candidates(10).collect();
        assert!(even.contains(&1) && even.contains(&5) && even.contains(&10) && !even.contains(&7));
        assert_eq!(candidates(1000).last(), Some(250));
    }
}
