//! The counterparts of `x86_64.rs` for other processors: no vectorised bounds, the vector units of the target.

use crate::linalg::algebra::Scalar;

pub(crate) fn bounds<I>(_indices: &[I]) -> Option<(usize, usize)> {
    None
}

#[inline(always)]
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[inline(always)]
pub(crate) fn store_lines<X: Scalar, const N: usize>(to: &mut [X; N], from: [X; N]) {
    *to = from;
}

#[inline(always)]
pub(crate) fn fence() {}

pub(crate) fn tile_lines<T>() -> Option<(usize, usize)> {
    None
}

pub(crate) fn multiply_tile<T>(_a: &[T], _b: &[T], _vectors: (usize, usize), _out: &mut [T]) {}
