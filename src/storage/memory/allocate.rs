//! Allocation of memory whose size comes from a shape, a count of entries or a file.
//!
//! Large extents are cheap to write: a file of a few bytes, or a call, may name 2⁶² columns. So no code passes an
//! extent straight to the allocator. It allocates here instead. A request above the memory limit, or one that the
//! system cannot satisfy, is an error that names the purpose, reported before anything is allocated.

use crate::error::{Error, ErrorKind, Result};
use crate::storage::memory::buffer_mut::{BufferMut, RawBufferMut};
use crate::storage::memory::dtype::DType;
use crate::storage::memory::element::Entry;
use crate::storage::memory::raw::width;
use crate::storage::runtime::Context;

/// From this many bytes on, the system is asked first whether it can provide them. Less is assumed to be available.
const LARGE: u64 = 1 << 20;

/// Bytes of work memory that are granted under any limit.
const LITTLE: u64 = 64 << 10;

impl Context {
    /// `len` zeros in huge pages for `what`, counted as memory in use while they live.
    pub(crate) fn raw_zeros(
        &self,
        what: &str,
        (dtype, len): (Option<DType>, usize),
    ) -> Result<RawBufferMut> {
        Ok(self.raw_filled(what, (dtype, len))?.counted(self.meter()))
    }

    /// As [`raw_zeros`](Self::raw_zeros). The caller counts them.
    pub(crate) fn raw_filled(
        &self,
        what: &str,
        (dtype, len): (Option<DType>, usize),
    ) -> Result<RawBufferMut> {
        let width = width(dtype);
        self.check_memory(what, (len as u64).saturating_mul(width as u64))?;
        RawBufferMut::fresh(dtype, len).map_err(|_| refused(what, len, width))
    }

    /// `len` zeros as work memory, a little of which is granted under any limit. The caller counts them together with
    /// other memory.
    pub(crate) fn work<T: Entry>(&self, what: &str, len: usize) -> Result<BufferMut<T>> {
        self.raw_work(what, (T::ENTRY_DTYPE, len)).map(RawBufferMut::into_typed)
    }

    /// As [`work`](Self::work), of a type that is known at run time.
    pub(crate) fn raw_work(
        &self,
        what: &str,
        (dtype, len): (Option<DType>, usize),
    ) -> Result<RawBufferMut> {
        let bytes = (len as u64).saturating_mul(width(dtype) as u64);
        if bytes > LITTLE {
            self.check_memory(what, bytes)?;
        }
        RawBufferMut::fresh(dtype, len).map_err(|_| refused(what, len, width(dtype)))
    }

    /// A vector of `len` copies of `value` for `what`. The caller counts it.
    pub(crate) fn filled<T: Clone>(&self, what: &str, len: usize, value: T) -> Result<Vec<T>> {
        self.check_memory(what, bytes_of::<T>(len))?;
        if bytes_of::<T>(len) >= LARGE {
            // A vector of zeros comes from the allocator as untouched pages, but a failure there may abort. So the
            // system is asked beforehand, which touches no page.
            drop(allocated::<T>(what, len)?);
        }
        Ok(vec![value; len])
    }

    /// An empty vector with capacity for `len` elements for `what`. The caller counts it.
    pub(crate) fn with_capacity<T>(&self, what: &str, len: usize) -> Result<Vec<T>> {
        self.check_memory(what, bytes_of::<T>(len))?;
        allocated(what, len)
    }

    /// A vector of the `elements`, whose number is known, for `what`. The caller counts it.
    pub(crate) fn collected<T>(
        &self,
        what: &str,
        elements: impl ExactSizeIterator<Item = T>,
    ) -> Result<Vec<T>> {
        let mut vector = self.with_capacity(what, elements.len())?;
        vector.extend(elements);
        Ok(vector)
    }
}

/// As [`Context::filled`], under the limit of a new context, for calls without one.
pub(crate) fn filled<T: Clone>(what: &str, len: usize, value: T) -> Result<Vec<T>> {
    match bytes_of::<T>(len) < LARGE {
        true => Ok(vec![value; len]),
        false => Context::new().filled(what, len, value),
    }
}

/// As [`Context::with_capacity`], under the limit of a new context, for calls without one.
pub(crate) fn with_capacity<T>(what: &str, len: usize) -> Result<Vec<T>> {
    match bytes_of::<T>(len) < LARGE {
        true => Ok(Vec::with_capacity(len)),
        false => Context::new().with_capacity(what, len),
    }
}

/// Bytes of this many elements; `u64::MAX` if the number overflows.
pub(crate) fn bytes_of<T>(len: usize) -> u64 {
    (len as u64).saturating_mul(size_of::<T>() as u64)
}

fn allocated<T>(what: &str, len: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| refused(what, len, size_of::<T>()))?;
    Ok(vector)
}

fn refused(what: &str, len: usize, size: usize) -> Error {
    Error::new(ErrorKind::Memory, format!("the system does not have enough memory for {what}"))
        .found(format!("a request for {len} elements of {size} bytes"))
        .remedy("store the result in a file, or use a smaller extent")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses<R>(outcome: Result<R>, what: &str) {
        let Err(error) = outcome else { panic!("{what} was given") };
        assert_eq!(error.kind(), ErrorKind::Memory);
        assert!(error.to_string().contains(what), "{error}");
    }

    #[test]
    fn the_limit_is_obeyed_before_anything_is_taken() {
        let ctx = Context::new().memory_limit(1000);
        assert_eq!(ctx.filled("x", 125, 1.0).unwrap().len(), 125);
        refuses(ctx.filled("x", 126, 1.0), "x would not fit");
        refuses(
            ctx.raw_zeros("the values", (Some(DType::Float64), 1 << 40)),
            "the values would not fit",
        );
        refuses(ctx.with_capacity::<u8>("names", 1001), "names would not fit");
        refuses(ctx.collected("order", 0..1 << 20), "order would not fit");
    }

    #[test]
    fn what_the_system_does_not_give_is_an_error() {
        let ctx = Context::new().memory_limit(u64::MAX);
        for len in [1 << 58, 1 << 62, usize::MAX] {
            refuses(ctx.filled("x", len, 0.0), "x");
            refuses(ctx.raw_zeros("x", (Some(DType::Float64), len)), "x");
            refuses(ctx.with_capacity::<f64>("x", len), "x");
            refuses(filled("x", len, 0.0), "x");
            refuses(with_capacity::<f64>("x", len), "x");
        }
    }
}
