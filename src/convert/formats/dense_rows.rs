//! Entries stored into the zeros of a dense matrix in memory.
//!
//! A zero element is replaced by the entry as it is, which is the only case if no position occurs twice. So the loops
//! know the width of a value and of an index. How another element is combined follows from its type
//! ([`put`](raw::put)).

use crate::error::{Error, ErrorKind, Location};
use crate::sparse::{Indices, by_index};
use crate::storage::Index;
use crate::storage::raw::{Carrier, Merge, Raw, RawMut, by_size, carriers_mut};

/// Entries of a line: their indices and values.
pub(super) type LineEntries<'a> = (Indices<'a>, Raw<'a>);

/// Why an entry cannot be stored in a line.
#[derive(Clone, Copy)]
pub(super) enum LineClash {
    /// The index is out of range.
    Outside,
    /// A sum overflows: line and index.
    Overflow(usize, usize),
}

impl LineClash {
    /// The same, with `lines` added to the line number.
    pub(super) fn below(self, lines: usize) -> Self {
        match self {
            LineClash::Overflow(line, index) => LineClash::Overflow(lines + line, index),
            other => other,
        }
    }
}

/// Fills rows of `length` zeros with the entries between every two of `starts`; stops at the first that fails.
pub(super) fn fill_rows(
    rows: RawMut<'_>,
    length: usize,
    starts: &[usize],
    (indices, data): LineEntries<'_>,
    put: Merge,
) -> Option<LineClash> {
    fn go<const W: usize, I: Index>(
        rows: &mut [Carrier<W>],
        length: usize,
        starts: &[usize],
        (indices, data): (&[I], &[Carrier<W>]),
        put: Merge,
    ) -> Option<LineClash> {
        for (line, row) in rows.chunks_exact_mut(length).enumerate() {
            let end = starts[line + 1];
            let here = starts[line].min(end)..end;
            let (indices, data) = (&indices[here.clone()], &data[here]);
            match put_run(row, 0, (indices, data), put) {
                LineRun::All => {}
                LineRun::Beyond(_) => return Some(LineClash::Outside),
                LineRun::Overflow(k) => {
                    return Some(LineClash::Overflow(line, indices[k].to_usize()));
                }
            }
        }
        None
    }
    by_index!(indices, indices => by_size!(rows.width(), W => {
        go::<W, _>(carriers_mut(rows), length, starts, (indices, data.carriers()), put)
    }))
}

/// How many entries were stored.
pub(super) enum LineRun {
    /// All of them.
    All,
    /// Up to this one, which is not among the elements.
    Beyond(usize),
    /// Up to this one, whose sum overflows.
    Overflow(usize),
}

/// Stores entries of a line in a part of its elements, which begins at `start`.
pub(super) fn put_part(
    elements: RawMut<'_>,
    start: usize,
    (indices, data): LineEntries<'_>,
    put: Merge,
) -> LineRun {
    by_index!(indices, indices => by_size!(elements.width(), W => {
        put_run::<W, _>(carriers_mut(elements), start, (indices, data.carriers()), put)
    }))
}

#[inline(always)]
fn put_run<const W: usize, I: Index>(
    elements: &mut [Carrier<W>],
    start: usize,
    (indices, data): (&[I], &[Carrier<W>]),
    put: Merge,
) -> LineRun {
    for (k, (index, &value)) in indices.iter().zip(data).enumerate() {
        let Some(element) = elements.get_mut(index.to_usize().wrapping_sub(start)) else {
            return LineRun::Beyond(k);
        };
        if *element == Carrier::ZERO {
            *element = value;
        } else if element.merge(value, put).is_none() {
            return LineRun::Overflow(k);
        }
    }
    LineRun::All
}

/// Stores value `k` in element `slots[k]`.
pub(super) fn put_at(elements: RawMut<'_>, slots: &[usize], data: Raw<'_>, put: Merge) -> LineRun {
    fn go<const W: usize>(
        elements: &mut [Carrier<W>],
        slots: &[usize],
        data: &[Carrier<W>],
        put: Merge,
    ) -> LineRun {
        for (k, (&slot, &value)) in slots.iter().zip(data).enumerate() {
            let Some(element) = elements.get_mut(slot) else { return LineRun::Beyond(k) };
            if *element == Carrier::ZERO {
                *element = value;
            } else if element.merge(value, put).is_none() {
                return LineRun::Overflow(k);
            }
        }
        LineRun::All
    }
    by_size!(elements.width(), W => go::<W>(carriers_mut(elements), slots, data.carriers(), put))
}

/// The error for entries at a row and a column whose sum overflows the type.
pub(super) fn overflow((row, col): (usize, usize)) -> Error {
    Error::new(ErrorKind::Value, "the sum of the entries at a position overflows")
        .at(Location::Row(row as u64))
        .found(format!("row {row}, column {col}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Element;
    use crate::storage::raw;

    fn filled<T: Element>(entries: &[(u32, T)]) -> Result<[T; 3], bool> {
        let (indices, data): (Vec<u32>, Vec<T>) = entries.iter().copied().unzip();
        let mut row = [T::default(); 3];
        let line = (Indices::Narrow(&indices), Raw::of(&data));
        let starts = [0, entries.len()];
        match fill_rows(RawMut::of(&mut row), 3, &starts, line, raw::put(T::DTYPE)) {
            None => Ok(row),
            Some(clash) => Err(matches!(clash, LineClash::Outside)),
        }
    }

    #[test]
    fn entries_are_put_and_those_at_one_position_are_added() {
        assert_eq!(filled(&[(2, 1.5), (0, 2.0), (2, 0.25)]), Ok([2.0, 0.0, 1.75]));
        assert_eq!(filled(&[(1, 100i8), (1, 27)]), Ok([0, 127, 0]));
        assert_eq!(filled(&[(1, 100i8), (1, 28)]), Err(false));
        assert_eq!(filled(&[(1, true), (1, true), (3, true)]), Err(true));
        // Zero plus a negative zero would be zero; stored directly, it is kept.
        for zeros in [[0.0, -0.0], [-0.0, -0.0]] {
            let row = filled(&zeros.map(|zero: f64| (0, zero))).unwrap();
            assert_eq!(row[0].to_bits(), (-0.0f64).to_bits());
        }
    }
}
