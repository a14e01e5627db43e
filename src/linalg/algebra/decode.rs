//! Entries that loops read directly, or decode a block at a time into numbers of another type.

use std::ops::Range;

use crate::storage::Entry;
use crate::storage::raw::Raw;

/// Entries that kernels read directly, or entries with a decoder.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a, V> {
    Plain(&'a [V]),
    Coded(Raw<'a>, Decode<V>),
}

/// Writes entries as numbers of a type that can represent all of them.
pub(crate) type Decode<V> = fn(Raw<'_>, &mut [V]);

/// Writes entries of type `T` converted by `wide`.
#[inline(always)]
pub(crate) fn decode<T: Entry, V>(from: Raw<'_>, to: &mut [V], wide: impl Fn(T) -> V) {
    let from = from.typed::<T>().unwrap_or_default();
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = wide(from));
}

impl<'a, V: Entry> Values<'a, V> {
    /// Values of type `V`, or values that `decode` converts to it.
    ///
    /// # Panics
    /// If they have another type, and there is no `decode`.
    pub(crate) fn new(values: Raw<'a>, decode: Option<Decode<V>>) -> Self {
        match decode {
            Some(decode) => Values::Coded(values, decode),
            None => Values::Plain(values.typed().expect("values of the type of the product")),
        }
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        match self {
            Values::Plain(values) => values.len(),
            Values::Coded(values, _) => values.len(),
        }
    }

    /// The values of some entries: in place, or decoded into `buffer`.
    pub(crate) fn of<'r>(&self, entries: Range<usize>, buffer: &'r mut Vec<V>) -> &'r [V]
    where
        'a: 'r,
    {
        match *self {
            Values::Plain(values) => &values[entries],
            Values::Coded(values, decode) => {
                buffer.resize(entries.len(), V::zeroed());
                decode(values.slice(entries), buffer);
                buffer
            }
        }
    }
}
