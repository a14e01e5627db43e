//! The twins of `x86_64.rs` for other processors: no vector bounds, the vector units of the target.

pub(super) fn bounds<I>(_indices: &[I]) -> Option<(usize, usize)> {
    None
}

#[inline(always)]
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    work()
}

pub(super) fn multiplies_tiles<T>() -> bool {
    false
}

pub(super) fn multiply_tile<T>(
    _a: (&[T], usize),
    _b: (&[T], usize),
    _vectors: usize,
    _out: &mut [T],
) {
}
