//! Values of a width that are moved one by one.
#![allow(unsafe_code)] // bytes as carriers

use super::merge::Merge;
use super::view::Raw;
use super::view_mut::RawMut;

/// A value of `W` bytes that is moved.
///
/// There is no way to make one: all come from arrays of values, and those of [`pair`] go only where others of their type lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Carrier<const W: usize>([u8; W]);

impl<const W: usize> Carrier<W> {
    /// The value without bits: zero, or `false`. There is one of every type.
    pub(crate) const ZERO: Self = Carrier([0; W]);

    /// The bytes of the value.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8; W] {
        &self.0
    }

    /// Makes this what `merge` makes of it and a value of its type; `None` if it makes nothing.
    #[inline(always)]
    pub(crate) fn merge(&mut self, value: Self, merge: Merge) -> Option<()> {
        merge(&mut self.0, &value.0).then_some(())
    }
}

/// Evaluates an expression with `W` being the width given, one of those that elements of dense arrays have.
macro_rules! by_size {
    ($width:expr, $W:ident => $body:expr) => {
        match $width {
            1 => {
                const $W: usize = 1;
                $body
            }
            2 => {
                const $W: usize = 2;
                $body
            }
            4 => {
                const $W: usize = 4;
                $body
            }
            8 => {
                const $W: usize = 8;
                $body
            }
            _ => {
                const $W: usize = 16;
                $body
            }
        }
    };
}
pub(crate) use by_size;

/// As [`by_size`], for the values of sparse matrices: those of a pattern have no bytes.
macro_rules! by_width {
    ($width:expr, $W:ident => $body:expr) => {
        match $width {
            0 => {
                const $W: usize = 0;
                $body
            }
            width => $crate::storage::raw::by_size!(width, $W => $body),
        }
    };
}
pub(crate) use by_width;

/// Two runs of values of one type, as carriers of their width.
///
/// # Panics
/// If their types differ, or it is not their width.
pub(crate) fn pair<'a, 'b, const W: usize>(
    to: RawMut<'a>,
    from: Raw<'b>,
) -> (&'a mut [Carrier<W>], &'b [Carrier<W>]) {
    assert_eq!(to.dtype, from.dtype, "values of one type");
    (carriers_mut(to), from.carriers())
}

/// Values as carriers of their width, which may be exchanged among themselves.
///
/// # Panics
/// If it is not their width.
pub(crate) fn carriers_mut<const W: usize>(values: RawMut<'_>) -> &mut [Carrier<W>] {
    assert_eq!(W, values.width());
    // SAFETY: `len` times W bytes, which is what a carrier is; any address will do. Carriers come from values alone.
    unsafe { std::slice::from_raw_parts_mut(values.bytes.as_mut_ptr().cast(), values.len) }
}
