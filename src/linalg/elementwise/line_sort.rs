//! Sorting lines whose indices do not rise.

use crate::linalg::elementwise::combine::MergeLines;
use crate::sparse::{IndexVec, Indices, by_index, rises};
use crate::storage::DType;
use crate::storage::raw::{Merge, RawVec, merge, width};

/// A sorted line; the buffers are reused for every line.
pub(crate) struct Sorted {
    /// The positions of the entries in the order of their indices.
    order: Vec<usize>,
    indices: IndexVec,
    data: RawVec,
    /// Adds two values at one index.
    merge: Merge,
    /// The begin and end of the line.
    ends: [usize; 2],
}

impl Sorted {
    /// Buffers for lines with values and indices of these types.
    pub(crate) fn new(values: Option<DType>, indices: DType) -> Self {
        Sorted {
            order: Vec::new(),
            indices: IndexVec::new(indices),
            data: RawVec::new(values),
            merge: merge(values),
            ends: [0; 2],
        }
    }

    /// Bytes of memory per entry of the longest line, at most.
    pub(crate) fn bytes_each(values: Option<DType>, indices: DType) -> usize {
        // An index and a value together, twice, and once separately.
        let (value, index) = (width(values), indices.size());
        let aligned = values.map_or(1, DType::alignment).max(index);
        2 * (value + index).next_multiple_of(aligned) + value + index
    }

    /// Line `k`, if its indices rise; otherwise its entries sorted, with those at one index summed in stored order.
    /// Fails with the index at which an integer overflows.
    pub(crate) fn of<'a>(
        &'a mut self,
        lines: MergeLines<'a>,
        k: usize,
    ) -> Result<MergeLines<'a>, usize> {
        let entries = lines.ends[k]..lines.ends[k + 1];
        let indices = lines.indices.slice(entries.clone());
        if by_index!(indices, indices => rises(indices)) {
            return Ok(MergeLines { ends: &lines.ends[k..k + 2], ..lines });
        }
        self.sort(indices);
        let data = lines.data.slice(entries);
        self.data.resize(data.len());
        let gathered = self.data.as_mut().gather(&self.order, data);
        gathered.expect("places in the line");
        let mut count = 0;
        for (at, &place) in self.order.iter().enumerate() {
            let index = indices.at(place);
            if count > 0 && self.indices.as_indices().at(count - 1) == index {
                let sum = self.data.as_mut().merge(count - 1, data, place, self.merge);
                sum.ok_or(index)?;
                continue;
            }
            if count < at {
                self.data.as_mut().copy_within(at..at + 1, count);
            }
            self.indices.as_mut().set(count, index);
            count += 1;
        }
        self.ends = [0, count];
        let indices = self.indices.as_indices();
        Ok(MergeLines { ends: &self.ends, indices, data: self.data.as_raw() })
    }

    fn sort(&mut self, indices: Indices<'_>) {
        self.order.clear();
        self.order.reserve_exact(indices.len());
        self.order.extend(0..indices.len());
        // No two are equal, so an unstable sort gives the unique order.
        by_index!(indices, indices => {
            self.order.sort_unstable_by_key(|&place| (indices[place], place));
        });
        self.indices.resize(indices.len(), 0);
    }
}
