//! The entries of one line sorted by index, stably.
//!
//! The keys combine the index (high bits) and the position in the line (low bits). No two are equal, so that an
//! unstable sort, which is faster, gives the unique order.

use crate::error::ErrorKind;
use crate::sparse::Duplicates;
use crate::storage::Index;
use crate::storage::raw::{Carrier, Merge};

/// Bits of a position.
const PLACE: u32 = 32;

/// A sorted line; used again for every line.
pub(crate) struct SortedLine<const W: usize> {
    keys: Vec<u64>,
    /// Used instead of `keys` if index and position do not fit in one.
    wide: Vec<(u64, u64)>,
    data: Vec<Carrier<W>>,
    merge: Merge,
}

impl<const W: usize> SortedLine<W> {
    /// For lines whose values are merged by `merge`.
    pub(crate) fn new(merge: Merge) -> Self {
        SortedLine { keys: Vec::new(), wide: Vec::new(), data: Vec::new(), merge }
    }

    /// Sorts a line, replacing the previous one.
    pub(crate) fn sort<I: Index>(&mut self, indices: &[I], data: &[Carrier<W>]) {
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

    /// Writes the line with its duplicates treated; returns the number of entries written and whether they are all
    /// distinct. Fails with the index of duplicates that are refused, or that overflow.
    pub(crate) fn write<I: Index>(
        &self,
        (indices, data): (&mut [I], &mut [Carrier<W>]),
        duplicates: Duplicates,
    ) -> Result<(usize, bool), (ErrorKind, usize)> {
        let (mut written, mut unique) = (0, true);
        for (index, value) in self.entries() {
            if written > 0 && indices[written - 1] == index {
                match duplicates {
                    Duplicates::Keep => unique = false,
                    Duplicates::Refuse => return Err((ErrorKind::Duplicate, index.to_usize())),
                    Duplicates::Sum => {
                        let sum = data[written - 1].merge(value, self.merge);
                        sum.ok_or((ErrorKind::Value, index.to_usize()))?;
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
    fn entries<I: Index>(&self) -> impl Iterator<Item = (I, Carrier<W>)> {
        let narrow = self.keys.iter().map(|key| (key >> PLACE, key & ((1 << PLACE) - 1)));
        let places = narrow.chain(self.wide.iter().copied());
        places.map(|(index, place)| (I::from_usize(index as usize), self.data[place as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::DType;
    use crate::storage::raw::{Raw, RawMut, carriers_mut, merge};

    /// A sorted line that keeps duplicates.
    fn sorted<I: Index>(indices: &[I], data: &[i32]) -> (Vec<I>, Vec<i32>) {
        let mut line = SortedLine::<4>::new(merge(Some(DType::Int32)));
        line.sort(indices, Raw::of(data).carriers());
        let (mut to, mut values) = (indices.to_vec(), data.to_vec());
        let places = (&mut to[..], carriers_mut(RawMut::of(&mut values)));
        assert_eq!(line.write(places, Duplicates::Keep).unwrap().0, data.len());
        (to, values)
    }

    #[test]
    fn equal_indices_keep_their_order() {
        let (indices, data) = sorted(&[3u32, 1, 3, 0], &[10, 11, 12, 13]);
        assert_eq!((indices, data), (vec![0, 1, 3, 3], vec![13, 11, 10, 12]));
    }

    #[test]
    fn a_long_line_is_summed_as_its_entries_come() {
        let indices: Vec<u32> = (0..1000).map(|k| k * 7 % 300).collect();
        let data: Vec<i64> = (0..1000).collect();
        let mut line = SortedLine::<8>::new(merge(Some(DType::Int64)));
        line.sort(&indices, Raw::of(&data).carriers());
        let (mut to, mut values) = (indices.clone(), data.clone());
        let places = (&mut to[..], carriers_mut(RawMut::of(&mut values)));
        assert_eq!(line.write(places, Duplicates::Sum), Ok((300, true)));
        let mut sums = vec![0; 300];
        indices.iter().zip(&data).for_each(|(&index, value)| sums[index as usize] += value);
        assert!(to[..300].iter().copied().eq(0..300));
        assert_eq!(values[..300], sums);
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn long_indices_are_sorted_as_well() {
        let (indices, data) = sorted(&[1u64 << 40, 5, 1 << 40], &[1, 2, 3]);
        assert_eq!((indices, data), (vec![5, 1 << 40, 1 << 40], vec![2, 1, 3]));
    }
}
