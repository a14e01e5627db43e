//! Entries that loops take as they are, or decoded a block at a time into numbers of another type.

use std::ops::Range;

use crate::storage::Entry;
use crate::storage::raw::Raw;

/// Entries that kernels take as they are, or what makes such of them.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a, V> {
    Plain(&'a [V]),
    Coded(Raw<'a>, Decode<V>),
}

/// Writes entries as numbers of another type that holds each of them.
pub(crate) type Decode<V> = fn(Raw<'_>, &mut [V]);

/// Writes entries of type `T` as `wide` makes numbers of them.
#[inline(always)]
pub(crate) fn decode<T: Entry, V>(from: Raw<'_>, to: &mut [V], wide: impl Fn(T) -> V) {
    let from = from.typed::<T>().unwrap_or_default();
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = wide(from));
}

impl<'a, V: Entry> Values<'a, V> {
    /// Values of type `V`, or of what `decode` makes such.
    ///
    /// # Panics
    /// If they are of another type, and there is no `decode`.
    pub(crate) fn new(values: Raw<'a>, decode: Option<Decode<V>>) -> Self {
        match decode {
            Some(decode) => Values::Coded(values, decode),
            None => Values::Plain(values.typed().expect("values of the type of the product")),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Values::Plain(values) => values.len(),
            Values::Coded(values, _) => values.len(),
        }
    }

    /// The values of some entries: where they lie, or decoded into `room`.
    pub(crate) fn of<'r>(&self, entries: Range<usize>, room: &'r mut Vec<V>) -> &'r [V]
    where
        'a: 'r,
    {
        match *self {
            Values::Plain(values) => &values[entries],
            Values::Coded(values, decode) => {
                room.resize(entries.len(), V::zeroed());
                decode(values.slice(entries), room);
                room
            }
        }
    }
}
