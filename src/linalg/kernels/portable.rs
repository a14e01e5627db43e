//! The twins of `x86_64.rs` for other processors: no vector bounds, the vector units of the target.

use crate::linalg::Scalar;

pub(super) fn bounds<I>(_indices: &[I]) -> Option<(usize, usize)> {
    None
}

#[inline(always)]
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[inline(always)]
pub(super) fn store_lines<X: Scalar, const N: usize>(to: &mut [X; N], from: [X; N]) {
    *to = from;
}

#[inline(always)]
pub(super) fn fence() {}

pub(super) fn tile_lines<T>() -> Option<(usize, usize)> {
    None
}

pub(super) fn multiply_tile<T>(_a: &[T], _b: &[T], _vectors: (usize, usize), _out: &mut [T]) {}
