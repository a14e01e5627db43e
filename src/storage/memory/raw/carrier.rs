//! Values of a width that are moved one by one.

use crate::storage::memory::raw::merge::Merge;

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
