//! Merge for entries of any type: the indices first, and after every few hundred of them the values.
//!
//! ```text
//! while both lines have entries:   record the positions of the one with the smaller index, or of both if the indices are equal
//! some hundred recorded, or end:   compute a value for each pair of positions
//! ```
//!
//! The first loop is compiled for each width of indices, the second for each type of entries.

use crate::linalg::elementwise::combine::{CombineEntries, MergeClash, MergeLines};
use crate::sparse::{Indices, IndicesMut};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{Entry, Index};

/// Pairs of positions that are recorded before values are computed.
const PAIRS: usize = 512;

/// Marks a missing entry.
const MISSING: usize = usize::MAX;

/// The positions of an entry of the result in the left and in the right matrix.
type EntryPositions = (usize, usize);

/// Computes the value for each pair of positions; returns the pair for which an integer overflows, if any.
pub(super) type ValuesFunction =
    fn(&[EntryPositions], Raw<'_>, Raw<'_>, RawMut<'_>) -> Option<usize>;

/// As a `Merge`, with values computed by a function; for a union or an intersection.
pub(super) fn merge_apart(
    (union, values): (bool, ValuesFunction),
    left: MergeLines<'_>,
    right: MergeLines<'_>,
    (indices, data): (IndicesMut<'_>, RawMut<'_>),
    ends: &mut [usize],
) -> Result<usize, MergeClash> {
    let bounds = (left.ends, right.ends);
    let mut flush = Flush { values, left: left.data, right: right.data, data, done: 0 };
    match (left.indices, right.indices, indices) {
        (Indices::Narrow(left), Indices::Narrow(right), IndicesMut::Narrow(to)) => {
            merge_indices(union, (left, right), bounds, to, ends, &mut flush)
        }
        (Indices::Wide(left), Indices::Wide(right), IndicesMut::Wide(to)) => {
            merge_indices(union, (left, right), bounds, to, ends, &mut flush)
        }
        _ => unreachable!("indices of one type"),
    }
}

/// Computes values.
struct Flush<'a> {
    values: ValuesFunction,
    left: Raw<'a>,
    right: Raw<'a>,
    data: RawMut<'a>,
    /// The number computed so far.
    done: usize,
}

impl Flush<'_> {
    /// Computes the values at the next positions; the error is the entry of the result that overflows.
    fn make(&mut self, places: &[EntryPositions]) -> Result<(), usize> {
        let start = self.done;
        self.done += places.len();
        let to = self.data.slice_mut(start..self.done);
        match (self.values)(places, self.left, self.right, to) {
            None => Ok(()),
            Some(at) => Err(start + at),
        }
    }
}

fn merge_indices<I: Index>(
    union: bool,
    (left, right): (&[I], &[I]),
    (left_ends, right_ends): (&[usize], &[usize]),
    to: &mut [I],
    ends: &mut [usize],
    flush: &mut Flush<'_>,
) -> Result<usize, MergeClash> {
    let (mut places, mut n, mut end) = ([(MISSING, MISSING); PAIRS], 0, 0);
    for line in 0..ends.len() {
        let (mut p, mut q) = (left_ends[line], right_ends[line]);
        let (last_p, last_q) = (left_ends[line + 1], right_ends[line + 1]);
        while if union { p < last_p || q < last_q } else { p < last_p && q < last_q } {
            while p < last_p && q < last_q && n < PAIRS {
                let (i, j) = (left[p], right[q]);
                let (takes_left, takes_right) = (i <= j, j <= i);
                if union || takes_left & takes_right {
                    to[end] = i.min(j);
                    let (here, there) = (if takes_left { p } else { MISSING }, q);
                    places[n] = (here, if takes_right { there } else { MISSING });
                    (end, n) = (end + 1, n + 1);
                }
                (p, q) = (p + usize::from(takes_left), q + usize::from(takes_right));
            }
            while union && q == last_q && p < last_p && n < PAIRS {
                (to[end], places[n]) = (left[p], (p, MISSING));
                (end, n, p) = (end + 1, n + 1, p + 1);
            }
            while union && p == last_p && q < last_q && n < PAIRS {
                (to[end], places[n]) = (right[q], (MISSING, q));
                (end, n, q) = (end + 1, n + 1, q + 1);
            }
            if n == PAIRS {
                let made = flush.make(&places);
                made.map_err(|at| clash(&ends[..line], at, to[at]))?;
                n = 0;
            }
        }
        ends[line] = end;
    }
    flush.make(&places[..n]).map_err(|at| clash(ends, at, to[at]))?;
    Ok(end)
}

/// The line of an entry, given the ends of lines, and its index.
fn clash<I: Index>(ends: &[usize], at: usize, index: I) -> MergeClash {
    (ends.partition_point(|&end| end <= at), index.to_usize())
}

pub(super) fn values<C: CombineEntries<T>, T: Entry>(
    places: &[EntryPositions],
    left: Raw<'_>,
    right: Raw<'_>,
    to: RawMut<'_>,
) -> Option<usize> {
    let (left, right) = (left.as_typed::<T>(), right.as_typed::<T>());
    let to = to.typed::<T>().expect("values of one type");
    places.iter().zip(to).position(|(&(p, q), to)| {
        let made = match (left.get(p), right.get(q)) {
            (Some(&x), Some(&y)) => C::both(x, y),
            (Some(&x), None) => Some(x),
            (None, Some(&y)) => C::right(y),
            (None, None) => None,
        };
        if let Some(value) = made {
            *to = value;
        }
        made.is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::elementwise::merge_lines::Combination;
    use crate::storage::DType;

    type MakeCombination = fn(Option<DType>) -> Option<Combination>;

    /// Two lines, the first of `lens` entries and the second of a few, merged.
    fn merged<T: Entry>(
        way: MakeCombination,
        lens: (u32, u32),
        to: fn(u32) -> T,
    ) -> (Vec<u32>, Vec<T>) {
        let indices = |len, step| (0..len).map(|k| k * step).chain([3, 5, 9]).collect::<Vec<u32>>();
        let (p, q) = (indices(lens.0, 2), indices(lens.1, 3));
        let values = |from: &[u32]| from.iter().map(|&k| to(k % 50 + 1)).collect::<Vec<T>>();
        let (x, y) = (values(&p), values(&q));
        let of = |ends, indices, data| MergeLines {
            ends,
            indices: Indices::Narrow(indices),
            data: Raw::of::<T>(data),
        };
        let ends = [[0, p.len() - 3, p.len()], [0, q.len() - 3, q.len()]];
        let (left, right) = (of(&ends[0], &p, &x), of(&ends[1], &q, &y));
        let (mut made, mut data) = (vec![0; p.len() + q.len()], vec![to(0); p.len() + q.len()]);
        let buffer = (IndicesMut::Narrow(&mut made), RawMut::of(&mut data));
        let mut lines = [0; 2];
        let count = way(T::ENTRY_DTYPE).unwrap().merge(left, right, buffer, &mut lines).unwrap();
        assert_eq!((lines[1], count - lines[0]), (count, 3));
        made.truncate(count);
        data.truncate(count);
        (made, data)
    }

    #[test]
    fn long_lines_are_those_that_are_merged_together() {
        for lens in [(0, 0), (5, 0), (0, 700), (600, 1), (511, 513), (2000, 1500), (100, 3000)] {
            for way in [Combination::sum as MakeCombination, Combination::difference] {
                let (together, sums) = merged(way, lens, i64::from);
                let (apart, narrow) = merged(way, lens, |k| k as i16);
                assert_eq!(together, apart, "{lens:?}");
                assert!(sums.iter().zip(&narrow).all(|(&sum, &other)| sum == i64::from(other)));
            }
            let (shared, products) = merged(Combination::product, lens, i64::from);
            let least = lens.0.min(lens.1);
            assert!(shared.len() >= 3 && shared.len() <= least as usize + 3);
            assert!(
                shared.iter().zip(products).all(|(k, made)| made == i64::from(k % 50 + 1).pow(2))
            );
        }
    }

    #[test]
    fn the_first_overflow_is_told() {
        let (p, x): (Vec<u32>, Vec<i16>) = ((0..3000).collect(), vec![1; 3000]);
        let mut y = x.clone();
        (y[1700], y[2900]) = (i16::MAX, i16::MAX);
        let ends = [0, 1000, 1650, 3000];
        let of = |data| MergeLines {
            ends: &ends,
            indices: Indices::Narrow(&p),
            data: Raw::of::<i16>(data),
        };
        let (mut made, mut data) = (vec![0; 6000], vec![0i16; 6000]);
        let buffer = (IndicesMut::Narrow(&mut made), RawMut::of(&mut data));
        let sum = Combination::sum(Some(DType::Int16)).unwrap();
        assert_eq!(sum.merge(of(&x), of(&y), buffer, &mut [0; 3]), Err((2, 1700)));
    }
}
