//! The two halves of a gather whose x does not fit in the cache: terms column by column, then sums line by line.
//!
//! ```text
//! terms:  for each entry of a block of columns:  term = a * x[column]        x's block stays in the cache
//! sums:   for each term of a bin of lines:       slots[slot] += term         so do the slots
//!         for each line:                         y = the sum over its slots
//! ```
//!
//! A line's terms arrive in the order of its columns. So a short line has one slot to which they are added one by one,
//! and a long one has a slot for each of the interleaved sums of `gather.rs` and one for each term of its tail: the
//! bits are those of the plain gather. A line in chunks has such slots for every chunk. Source: propagation blocking,
//! Beamer, Asanović and Patterson (2017), here with the order of entries determined beforehand, so that only terms are
//! written.

use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::gather::CHUNK;
use crate::linalg::kernels::panel::OutOfRange;
use crate::linalg::kernels::processor;
use crate::linalg::kernels::update::{Conjugation, SumShape, Update};
use crate::storage::CACHE_LINE;

/// Entries from which on a line is summed in lanes, and the lanes, as in `gather.rs`.
const LONG: usize = 16;
const LANES: usize = 8;

/// Slots of a line of `len` entries: for its whole chunks, and for the rest.
pub(crate) fn slots_of(len: usize, sums: SumShape) -> usize {
    match sums {
        SumShape::InOrder => 1,
        SumShape::Interleaved if len < LONG => 1,
        SumShape::Interleaved => len / CHUNK * LANES + slots_of_chunk(len % CHUNK),
    }
}

/// Slots of a chunk that is not a whole one.
fn slots_of_chunk(len: usize) -> usize {
    match len {
        0 => 0,
        1..LONG => 1,
        _ => LANES + len % LANES,
    }
}

/// The slot, counted from the line's first, of entry `k` of a line of `len`.
#[inline(always)]
pub(crate) fn slot_of(k: usize, len: usize, sums: SumShape) -> usize {
    if len < LONG || sums == SumShape::InOrder {
        return 0;
    }
    let (chunk, k) = (k / CHUNK, k % CHUNK);
    let len = CHUNK.min(len - chunk * CHUNK);
    chunk * LANES
        + match (len < LONG, k < len / LANES * LANES) {
            (true, _) => 0,
            (false, true) => k % LANES,
            (false, false) => LANES + k % LANES,
        }
}

/// Terms that are stored together: whole cache lines for every type.
const STORED: usize = 16;

/// `terms[e] = values[e] * x[columns[e]]`, past the caches: terms are read once all of a range are complete.
pub(crate) fn terms<T: Factor<X>, X: Scalar>(
    values: &[T],
    columns: &[u16],
    entries: Conjugation,
    x: &[X],
    terms: &mut [X],
) -> Result<(), OutOfRange> {
    let mut sound = true;
    let mut term = |value: T, column: u16| match x.get(usize::from(column)) {
        Some(&x) => entries.times(value, x),
        None => {
            sound = false;
            X::zero()
        }
    };
    let head = terms.as_ptr().align_offset(CACHE_LINE).min(terms.len());
    let (first, rest) = terms.split_at_mut(head);
    let (first_values, values) = values.split_at_checked(head).ok_or(OutOfRange)?;
    let (first_columns, columns) = columns.split_at_checked(head).ok_or(OutOfRange)?;
    let (stores, last) = rest.as_chunks_mut::<STORED>();
    let (values, last_values) = values.as_chunks::<STORED>();
    let (columns, last_columns) = columns.as_chunks::<STORED>();
    for ((store, values), columns) in stores.iter_mut().zip(values).zip(columns) {
        let mut terms = [X::zero(); STORED];
        for i in 0..STORED {
            terms[i] = term(values[i], columns[i]);
        }
        processor::store_lines(store, terms);
    }
    processor::fence();
    let ends = [(first, first_values, first_columns), (last, last_values, last_columns)];
    for (terms, values, columns) in ends {
        for ((to, &value), &column) in terms.iter_mut().zip(values).zip(columns) {
            *to = term(value, column);
        }
    }
    if sound { Ok(()) } else { Err(OutOfRange) }
}

/// Adds terms to their slots.
pub(crate) fn add_terms<X: Scalar>(
    slots: &[u16],
    terms: &[X],
    sums: &mut [X],
) -> Result<(), OutOfRange> {
    let mut sound = true;
    for (&slot, &term) in slots.iter().zip(terms) {
        match sums.get_mut(usize::from(slot)) {
            Some(sum) => *sum += term,
            None => sound = false,
        }
    }
    if sound { Ok(()) } else { Err(OutOfRange) }
}

/// The sums over the slots of lines with `lens` entries.
pub(crate) fn finish_lines<X: Scalar>(
    lens: impl Iterator<Item = usize>,
    mut slots: &[X],
    sums: SumShape,
    update: Update,
    y: &mut [X],
) -> Result<(), OutOfRange> {
    for (len, y) in lens.zip(y) {
        let these;
        (these, slots) = slots.split_at_checked(slots_of(len, sums)).ok_or(OutOfRange)?;
        let sum = match len > CHUNK && sums == SumShape::Interleaved {
            true => sum_of_chunks(these, len / CHUNK)?,
            false => chunk_sum(these)?,
        };
        update.apply(sum, y);
    }
    Ok(())
}

/// The sum over the slots of a line in chunks, `whole` of which are whole.
fn sum_of_chunks<X: Scalar>(slots: &[X], whole: usize) -> Result<X, OutOfRange> {
    let (chunks, rest) = slots.split_at_checked(whole * LANES).ok_or(OutOfRange)?;
    let rest = (!rest.is_empty()).then_some(rest);
    let mut chunks = chunks.chunks_exact(LANES).chain(rest);
    chunks.try_fold(X::zero(), |all, chunk| Ok(all + chunk_sum(chunk)?))
}

/// The sum over the slots of a chunk.
#[inline(always)]
fn chunk_sum<X: Scalar>(slots: &[X]) -> Result<X, OutOfRange> {
    match slots {
        [sum] => Ok(*sum),
        [a0, a1, a2, a3, a4, a5, a6, a7, tail @ ..] => {
            let sum = ((*a0 + *a1) + (*a2 + *a3)) + ((*a4 + *a5) + (*a6 + *a7));
            Ok(tail.iter().fold(sum, |sum, &term| sum + term))
        }
        _ => Err(OutOfRange),
    }
}
