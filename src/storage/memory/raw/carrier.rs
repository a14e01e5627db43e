//! Values of a given width that are moved one by one.

use crate::storage::memory::raw::merge::Merge;

/// A value of `W` bytes that is only moved.
///
/// It cannot be constructed: all carriers come from arrays of values, and [`pair`] keeps them among values of their
/// type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Carrier<const W: usize>([u8; W]);

impl<const W: usize> Carrier<W> {
    /// The value without bits: zero, or `false`. Every type has it.
    pub(crate) const ZERO: Self = Carrier([0; W]);

    /// The bytes of the value.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8; W] {
        &self.0
    }

    /// Merges a value of the same type into this one by `merge`; `None` if that fails.
    #[inline(always)]
    pub(crate) fn merge(&mut self, value: Self, merge: Merge) -> Option<()> {
        merge(&mut self.0, &value.0).then_some(())
    }
}

/// Evaluates an expression with `W` bound to the given width, one that elements of dense arrays can have.
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

/// As [`by_size`], for the values of sparse matrices: pattern values have no bytes.
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
