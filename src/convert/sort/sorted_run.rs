//! Entries as records in memory, sorted by bins of lines.

use crate::convert::in_memory::{Bins, Layout, record};
use crate::convert::sort::passes::{SortedRun, Triplets};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::by_index;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::{Carrier, by_width};
use crate::storage::{Context, Index, IoBuffer, parallel};

/// The most parts of a run that are sorted in parallel, and the least entries of one.
pub(super) const MOST_PARTS: usize = 4;
const LEAST_PART: usize = 1 << 14;

pub(super) fn layout((majors, _, data): Triplets<'_>) -> Layout {
    Layout { values: data.dtype(), indices: majors.dtype() }
}

/// Entries as records sorted by bins, in `buffer` if there is one: several consecutive runs, each of consecutive
/// entries. Several, so that threads work in parallel; few, so that the records of a bin are read in long runs.
///
/// Fails if a line is outside all bins.
pub(crate) fn sorted_run(
    bins: &Bins,
    entries: Triplets<'_>,
    buffer: Option<IoBuffer>,
    ctx: &Context,
) -> Result<(IoBuffer, Vec<SortedRun>)> {
    let (size, count) = (layout(entries).size(), entries.2.len());
    let mut buffer = match buffer {
        Some(buffer) => buffer,
        None => IoBuffer::new(count * size, ctx.meter())?,
    };
    let runs = ctx.with_threads(|| {
        let parts = parallel::threads().min(MOST_PARTS);
        let step = count.div_ceil(parts).max(LEAST_PART);
        let records = buffer.bytes_mut().par_chunks_mut(step * size);
        let parts = (0..count.div_ceil(step)).into_par_iter().zip(records);
        parts
            .map(|(k, records)| {
                let (majors, minors, data) = entries;
                let here = k * step..count.min(k * step + step);
                let data = data.slice(here.clone());
                let starts = by_width!(data.width(), W => by_index!(majors, majors => {
                    let entries = (&majors[here.clone()], &minors.typed()[here]);
                    sort_part(bins, entries, data.carriers::<W>(), records)
                }))?;
                Ok(SortedRun { offset: (k * step * size) as u64, starts })
            })
            .collect::<Result<Vec<SortedRun>>>()
    })?;
    Ok((buffer, runs))
}

/// A stable counting sort by bins; returns the first record of every bin, and their number.
fn sort_part<I: Index, const W: usize>(
    bins: &Bins,
    (majors, minors): (&[I], &[I]),
    data: &[Carrier<W>],
    records: &mut [u8],
) -> Result<Vec<u64>> {
    let size = W + 2 * size_of::<I>();
    let outside =
        || Error::new(ErrorKind::Index, "an index is out of range, or changed while it was read");
    let mut next = vec![0usize; bins.count()];
    for major in majors {
        let line = major.to_usize();
        if !bins.hold(line) {
            return Err(outside());
        }
        next[bins.of(line)] += 1;
    }
    let (mut starts, mut start) = (Vec::with_capacity(next.len() + 1), 0);
    for slot in &mut next {
        starts.push(start as u64);
        start += std::mem::replace(slot, start * size);
    }
    starts.push(start as u64);
    for ((&major, &minor), &value) in majors.iter().zip(minors).zip(data) {
        // Counted above, but the lines may be in a file that is changing.
        let slot = next.get_mut(bins.of(major.to_usize())).ok_or_else(outside)?;
        let to = records.get_mut(*slot..*slot + size);
        to.and_then(|to| record::store(to, (major, minor, value))).ok_or_else(outside)?;
        *slot += size;
    }
    Ok(starts)
}
