//! The entries of one line in the order of their indices, those at one index as they were given.
//!
//! What is sorted are numbers, the index above the place in the line: no two are equal, so that a sort that is not stable,
//! and faster, gives the one order there is.

use crate::error::ErrorKind;
use crate::sparse::Duplicates;
use crate::storage::{Entry, Index};

/// Bits of a place.
const PLACE: u32 = 32;

/// A sorted line; used again for every line.
pub(super) struct SortedLine<T> {
    keys: Vec<u64>,
    /// In the place of keys where index and place do not fit in one.
    wide: Vec<(u64, u64)>,
    data: Vec<T>,
}

impl<T: Entry> SortedLine<T> {
    pub(super) fn new() -> Self {
        SortedLine { keys: Vec::new(), wide: Vec::new(), data: Vec::new() }
    }

    /// Takes a line in the place of the one before.
    pub(super) fn sort<I: Index>(&mut self, indices: &[I], data: &[T]) {
        self.keys.clear();
        self.wide.clear();
        self.data.clear();
        self.data.extend_from_slice(data);
        let places = indices.iter().zip(0u64..).map(|(&index, place)| (index.into(), place));
        let largest = indices.iter().max().map_or(0, |&index| index.into());
        if largest.max(indices.len() as u64) >> PLACE == 0 {
            self.keys.extend(places.map(|(index, place)| index << PLACE | place));
            self.keys.sort_unstable();
        } else {
            self.wide.extend(places);
            self.wide.sort_unstable();
        }
    }

    /// Writes the line with its duplicates treated; gives the entries written and whether they are all distinct. Fails with
    /// the index of those that are refused, or overflow.
    pub(super) fn write<I: Index>(
        &self,
        (indices, data): (&mut [I], &mut [T]),
        duplicates: Duplicates,
    ) -> Result<(usize, bool), (ErrorKind, usize)> {
        let (mut written, mut unique) = (0, true);
        for (index, value) in self.entries() {
            if written > 0 && indices[written - 1] == index {
                match duplicates {
                    Duplicates::Keep => unique = false,
                    Duplicates::Refuse => return Err((ErrorKind::Duplicate, index.to_usize())),
                    Duplicates::Sum => {
                        let sum = data[written - 1].merge(value);
                        data[written - 1] = sum.ok_or((ErrorKind::Value, index.to_usize()))?;
                        continue;
                    }
                }
            }
            (indices[written], data[written]) = (index, value);
            written += 1;
        }
        Ok((written, unique))
    }

    /// Index and value of every entry, in order.
    fn entries<I: Index>(&self) -> impl Iterator<Item = (I, T)> {
        let narrow = self.keys.iter().map(|key| (key >> PLACE, key & ((1 << PLACE) - 1)));
        let places = narrow.chain(self.wide.iter().copied());
        places.map(|(index, place)| (I::from_usize(index as usize), self.data[place as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_indices_keep_their_order() {
        let mut line = SortedLine::new();
        line.sort(&[3u32, 1, 3, 0], &[10, 11, 12, 13]);
        assert!(line.entries().eq([(0u32, 13), (1, 11), (3, 10), (3, 12)]));
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn long_indices_are_sorted_as_well() {
        let mut line = SortedLine::new();
        line.sort(&[1u64 << 40, 5, 1 << 40], &[1, 2, 3]);
        assert!(line.entries().eq([(5u64, 2), (1 << 40, 1), (1 << 40, 3)]));
    }
}
