//! Few entries in memory moved to their lines and sorted: by one thread, in two counting sorts.
//!
//! ```text
//! sort by index across -> an order of all entries; in that order, sort by line -> each line's indices rise
//! ```
//!
//! Both sorts are stable, so that entries at one position keep their order. No line is sorted separately, which for
//! short lines takes several times as long; and values move once, when all positions are known.

use crate::convert::in_memory::entries::{InputEntries, Others};
use crate::convert::in_memory::grain_sizes::GrainSizes;
use crate::convert::in_memory::lines_to_fill::LinesToFill;
use crate::sparse::{Indices, by_index};
use crate::storage::Index;

/// Memory in addition to the result for this many entries, lines, and indices across; `None` if they are not few.
pub(crate) fn memory(
    entries: usize,
    lines: usize,
    across: usize,
    grain: GrainSizes,
) -> Option<u64> {
    let few = entries < grain.least && lines.max(across) <= grain.least;
    few.then(|| ((lines + across + 2 * entries) * size_of::<usize>()) as u64)
}

/// Fills all lines; their lengths become their ends. `None` if an entry is out of range, or the entries
/// have changed.
pub(crate) fn fill(entries: &InputEntries<'_>, filling: &mut LinesToFill<'_>) -> Option<()> {
    let Others::Given(others, across) = entries.others else { return None };
    let all: Vec<usize> = (0..entries.lines.len()).collect();
    let (mut starts, mut order) = (vec![0; across], vec![0; all.len()]);
    sort(others, &all, &mut starts, &mut order)?;
    let mut places = all;
    sort(entries.lines, &order, filling.lens, &mut places)?;
    filling.indices.gather(&places, others.raw())?;
    filling.data.gather(&places, entries.data)
}

/// Sorts the items of `order` by their keys; `ends` then holds the end of each key.
fn sort(
    keys: Indices<'_>,
    order: &[usize],
    ends: &mut [usize],
    sorted: &mut [usize],
) -> Option<()> {
    fn go<I: Index>(
        keys: &[I],
        order: &[usize],
        ends: &mut [usize],
        sorted: &mut [usize],
    ) -> Option<()> {
        ends.fill(0);
        for key in keys {
            *ends.get_mut(key.to_usize())? += 1;
        }
        let mut start = 0;
        for end in ends.iter_mut() {
            start += std::mem::replace(end, start);
        }
        for &at in order {
            let end = ends.get_mut(keys.get(at)?.to_usize())?;
            *sorted.get_mut(*end)? = at;
            *end += 1;
        }
        Some(())
    }
    by_index!(keys, keys => go(keys, order, ends, sorted))
}
