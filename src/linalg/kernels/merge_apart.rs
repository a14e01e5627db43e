//! Merge for entries of any type: the indices first, and after every few hundred of them their values.
//!
//! ```text
//! while both lines have entries:   note the places of the one with the smaller index, or of both where the indices are equal
//! some hundred noted, or the end:  make a value of what lies at each pair of places
//! ```
//!
//! The first loop is compiled for either width of indices, the second for each type of entries.

use super::merge::{Clash, Combine, MergeLines};
use crate::sparse::{Indices, IndicesMut};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{Entry, Index};

/// Pairs of places that are noted before values are made.
const ROOM: usize = if cfg!(test) { 3 } else { 512 };

/// Where there is no entry.
const NOWHERE: usize = usize::MAX;

/// The places of an entry of the result in the left and in the right matrix.
type Places = (usize, usize);

/// Makes the value for each pair of places; or tells for which an integer overflows.
pub(super) type Values = fn(&[Places], Raw<'_>, Raw<'_>, RawMut<'_>) -> Option<usize>;

/// As a `Merge`, with values made by a function; of a union, or of what both lines have.
pub(super) fn merge_apart(
    (union, values): (bool, Values),
    left: MergeLines<'_>,
    right: MergeLines<'_>,
    (indices, data): (IndicesMut<'_>, RawMut<'_>),
    ends: &mut [usize],
) -> Result<usize, Clash> {
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

/// Makes values.
struct Flush<'a> {
    values: Values,
    left: Raw<'a>,
    right: Raw<'a>,
    data: RawMut<'a>,
    /// How many are made.
    done: usize,
}

impl Flush<'_> {
    /// Makes the values at the next places; or tells which entry of the result overflows.
    fn make(&mut self, places: &[Places]) -> Result<(), usize> {
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
) -> Result<usize, Clash> {
    let (mut places, mut n, mut end) = ([(NOWHERE, NOWHERE); ROOM], 0, 0);
    for line in 0..ends.len() {
        let (mut p, mut q) = (left_ends[line], right_ends[line]);
        let (last_p, last_q) = (left_ends[line + 1], right_ends[line + 1]);
        while if union { p < last_p || q < last_q } else { p < last_p && q < last_q } {
            while p < last_p && q < last_q && n < ROOM {
                let (i, j) = (left[p], right[q]);
                let (takes_left, takes_right) = (i <= j, j <= i);
                if union || takes_left & takes_right {
                    to[end] = i.min(j);
                    let (here, there) = (if takes_left { p } else { NOWHERE }, q);
                    places[n] = (here, if takes_right { there } else { NOWHERE });
                    (end, n) = (end + 1, n + 1);
                }
                (p, q) = (p + usize::from(takes_left), q + usize::from(takes_right));
            }
            while union && q == last_q && p < last_p && n < ROOM {
                (to[end], places[n]) = (left[p], (p, NOWHERE));
                (end, n, p) = (end + 1, n + 1, p + 1);
            }
            while union && p == last_p && q < last_q && n < ROOM {
                (to[end], places[n]) = (right[q], (NOWHERE, q));
                (end, n, q) = (end + 1, n + 1, q + 1);
            }
            if n == ROOM {
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

/// The line of an entry, behind those that end before it, and its index.
fn clash<I: Index>(ends: &[usize], at: usize, index: I) -> Clash {
    (ends.partition_point(|&end| end <= at), index.to_usize())
}

pub(super) fn values<C: Combine<T>, T: Entry>(
    places: &[Places],
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
