//! A unique, writable run of elements; frozen, it becomes a [`Buffer`].
#![allow(unsafe_code)] // a pointer and a length into memory that `owner` keeps alive

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;

use memmap2::MmapMut;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::memory::buffer::{Buffer, abridged};
use crate::storage::memory::dtype::DType;
use crate::storage::memory::element::Entry;
use crate::storage::memory::raw::{Raw, RawMut, width};
use crate::storage::memory::raw_buffer::{Map, Origin, Owner, RawBuffer, check_elements};
use crate::storage::runtime::{Context, Held, Meter};

/// From this size on, heap memory is mapped anonymously with huge pages requested: a gather over 4 KiB pages reaches 23
/// GB/s, over huge pages 31.
const HUGE: usize = 4 << 20;

/// A unique, writable run of elements in memory or in a mapped file.
///
/// ```
/// use outcore::BufferMut;
/// let mut buffer = BufferMut::<f64>::zeros(3)?;
/// buffer[1] = 5.0;
/// assert_eq!(*buffer.freeze(), [0.0, 5.0, 0.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub struct BufferMut<T> {
    raw: RawBufferMut,
    elements: PhantomData<T>,
}

/// A [`BufferMut`] of elements whose type is known at run time.
pub(crate) struct RawBufferMut {
    /// Aligned for values of `dtype` and valid for reads and writes of `len` of them while `owner` lives; access is
    /// exclusive.
    start: *mut u8,
    len: usize,
    dtype: Option<DType>,
    owner: UniqueOwner,
    /// Counts the memory as in use while the elements live.
    held: Option<Held>,
}

enum UniqueOwner {
    Vector(Box<dyn Any + Send + Sync>),
    Anonymous(MmapMut),
    File { map: MmapMut, origin: Origin },
}

// SAFETY: access to the elements is exclusive, as with a vector, and elements of every type with a `DType` are
// `Send + Sync`.
unsafe impl Send for RawBufferMut {}
// SAFETY: as above.
unsafe impl Sync for RawBufferMut {}

impl RawBufferMut {
    /// `len` zeros in memory, from 4 MiB on in huge pages if the system provides them. Fails if the system does not
    /// have that much memory. The caller checks the limit.
    pub(crate) fn fresh(dtype: Option<DType>, len: usize) -> Result<Self> {
        let too_much = || {
            Error::new(ErrorKind::Memory, "the system does not have enough memory")
                .found(format!("a request for {len} elements of {} bytes", width(dtype)))
        };
        let bytes = len.checked_mul(width(dtype)).ok_or_else(too_much)?;
        if bytes < HUGE {
            // Aligned for every type.
            let mut blocks = vec![0u128; bytes.div_ceil(size_of::<u128>())];
            let start = blocks.as_mut_ptr().cast();
            let owner = UniqueOwner::Vector(Box::new(blocks));
            return Ok(RawBufferMut { start, len, dtype, owner, held: None });
        }
        let mut map = MmapMut::map_anon(bytes).map_err(|_| too_much())?;
        // A hint: without huge pages the same memory is slower.
        let _ = map.advise(memmap2::Advice::HugePage);
        let start = map.as_mut_ptr();
        Ok(RawBufferMut { start, len, dtype, owner: UniqueOwner::Anonymous(map), held: None })
    }

    /// As [`fresh`](Self::fresh), within the limit of a new [`Context`].
    pub(crate) fn zeros(dtype: Option<DType>, len: usize) -> Result<Self> {
        let bytes = (len as u64).saturating_mul(width(dtype) as u64);
        if bytes >= HUGE as u64 {
            Context::new().check_memory("the elements", bytes)?;
        }
        Self::fresh(dtype, len)
    }

    /// `len` elements of a writable map, starting at byte `offset`; the same checks as [`RawBuffer::from_map`].
    pub(crate) fn from_map(
        mut map: MmapMut,
        origin: Origin,
        offset: usize,
        (dtype, len): (DType, usize),
    ) -> Result<Self> {
        check_elements(&map, &origin, offset, (dtype, len))?;
        let start = map[offset..].as_mut_ptr();
        let owner = UniqueOwner::File { map, origin };
        Ok(RawBufferMut { start, len, dtype: Some(dtype), owner, held: None })
    }

    /// Tells the system that the elements on a map are used from the first to the last: it then reads further ahead,
    /// which makes updates of a map larger than memory five times as fast.
    pub(crate) fn used_in_order(&self) {
        if let UniqueOwner::File { map, .. } = &self.owner {
            // A hint, without which nothing else changes.
            let _ = map.advise(memmap2::Advice::Sequential);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// `None` for a pattern.
    pub(crate) fn dtype(&self) -> Option<DType> {
        self.dtype
    }

    /// Bytes of the elements.
    pub(crate) fn bytes(&self) -> u64 {
        (self.len * width(self.dtype)) as u64
    }

    /// The elements, for code that only moves them.
    pub(crate) fn as_raw(&self) -> Raw<'_> {
        // SAFETY: `len` values of the type from `start` on, as the field guarantees; the borrow keeps writers out.
        unsafe {
            let bytes = std::slice::from_raw_parts(self.start, self.bytes() as usize);
            Raw::from_bytes(bytes, self.dtype, self.len)
        }
    }

    /// The elements, to be written to.
    pub(crate) fn as_mut(&mut self) -> RawMut<'_> {
        // SAFETY: as in `as_raw`; the borrow is unique, the owner offers no other access to the elements, and a file is
        // held under an exclusive lock.
        unsafe {
            let bytes = std::slice::from_raw_parts_mut(self.start, self.bytes() as usize);
            RawMut::from_bytes(bytes, self.dtype, self.len)
        }
    }

    /// As a buffer of the type with which it was made.
    pub(crate) fn into_typed<T: Entry>(self) -> BufferMut<T> {
        assert_eq!(self.dtype, T::ENTRY_DTYPE, "elements of the type with which they were made");
        BufferMut { raw: self, elements: PhantomData }
    }

    /// The same elements, counted as memory in use while they live.
    pub(crate) fn counted(mut self, meter: &Meter) -> Self {
        self.held = Some(meter.hold(self.bytes()));
        self
    }

    /// Gives up writing: the same elements, shared and immutable.
    pub(crate) fn freeze(self) -> RawBuffer {
        let owner = match self.owner {
            UniqueOwner::Vector(vector) => Owner::Memory(Arc::new((vector, self.held))),
            UniqueOwner::Anonymous(map) => Owner::Memory(Arc::new((map, self.held))),
            UniqueOwner::File { map, origin } => Owner::File { map: Map::Write(map), origin },
        };
        RawBuffer::from_frozen(self.start, (self.dtype, self.len), owner)
    }

    /// The file behind the elements and the byte offset at which they begin; `None` for memory.
    pub(crate) fn file(&self) -> Option<(&Path, u64)> {
        self.origin().map(|(origin, offset)| (origin.path.as_path(), offset))
    }

    /// The open file behind the elements and the byte offset at which they begin.
    pub(crate) fn origin(&self) -> Option<(&Origin, u64)> {
        match &self.owner {
            UniqueOwner::File { map, origin } => {
                let offset = self.start as usize - map.as_ptr() as usize;
                Some((origin, offset as u64))
            }
            _ => None,
        }
    }

    /// Writes changed pages to the device and waits; does nothing for memory.
    ///
    /// Reports device errors that a later plain write would never show.
    pub(crate) fn flush(&self) -> Result<()> {
        if let UniqueOwner::File { map, origin } = &self.owner {
            map.flush().map_err(|e| Error::io("writing back", &origin.path, e))?;
        }
        Ok(())
    }
}

impl<T: Entry> BufferMut<T> {
    /// `len` zeros in memory; from 4 MiB on in huge pages, if the system provides them.
    ///
    /// Fails if the system does not have that much memory, or if the size exceeds the limit of a new
    /// [`Context`](crate::Context).
    pub fn zeros(len: usize) -> Result<Self> {
        RawBufferMut::zeros(T::ENTRY_DTYPE, len).map(RawBufferMut::into_typed)
    }

    /// As [`zeros`](Self::zeros), for callers that have checked the limit.
    pub(crate) fn fresh(len: usize) -> Result<Self> {
        RawBufferMut::fresh(T::ENTRY_DTYPE, len).map(RawBufferMut::into_typed)
    }

    /// The elements with their type known at run time.
    pub(crate) fn raw_mut(&mut self) -> &mut RawBufferMut {
        &mut self.raw
    }

    /// The elements with their type known at run time.
    pub(crate) fn into_raw(self) -> RawBufferMut {
        self.raw
    }

    /// The same elements, counted as memory in use while they live.
    pub(crate) fn counted(self, meter: &Meter) -> Self {
        self.raw.counted(meter).into_typed()
    }

    /// The vector of which it was made; the elements again, if it was made otherwise.
    pub(crate) fn into_vec(self) -> std::result::Result<Vec<T>, Self> {
        match self.raw.owner {
            UniqueOwner::Vector(vector) => {
                let (start, len, held) = (self.raw.start, self.raw.len, self.raw.held);
                vector.downcast().map(|vector| *vector).map_err(|vector| {
                    let owner = UniqueOwner::Vector(vector);
                    RawBufferMut { start, len, dtype: T::ENTRY_DTYPE, owner, held }.into_typed()
                })
            }
            _ => Err(self),
        }
    }

    /// Gives up writing: the same elements, shared and immutable.
    pub fn freeze(self) -> Buffer<T> {
        self.raw.freeze().into_typed()
    }

    /// The file behind the elements and the byte offset at which they begin; `None` for memory.
    pub fn file(&self) -> Option<(&Path, u64)> {
        self.raw.file()
    }

    /// Writes changed pages to the device and waits; does nothing for memory.
    ///
    /// Reports device errors that a later plain write would never show.
    pub fn flush(&self) -> Result<()> {
        self.raw.flush()
    }
}

impl<T: Entry> Deref for BufferMut<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: every constructor took `start` and `len` from writable memory holding values of `T` (zeros are
        // values: `T: Zeroable`) that `owner` keeps in place; the borrow of `self` keeps writers out.
        unsafe { std::slice::from_raw_parts(self.raw.start.cast(), self.raw.len) }
    }
}

impl<T: Entry> DerefMut for BufferMut<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; the borrow is unique, the owner offers no other access to the elements, and a file is
        // held under an exclusive lock.
        unsafe { std::slice::from_raw_parts_mut(self.raw.start.cast(), self.raw.len) }
    }
}

/// Prefetches the memory of an element that is written soon, which need not exist. Scattered stores would wait for one
/// another.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(elements: &mut [T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        let address = elements.as_ptr().wrapping_add(at);
        // SAFETY: a prefetch is a hint without effect, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(address.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (elements, at);
}

/// Bytes of a cache line.
pub(crate) const CACHE_LINE: usize = 64;

/// Elements per cache line: one if an element is larger than the line, and 64 if it has no size.
pub(crate) const fn in_cache_line<T>() -> usize {
    match size_of::<T>() {
        size @ 1..=CACHE_LINE => CACHE_LINE / size,
        0 => CACHE_LINE,
        _ => 1,
    }
}

/// Prefetches the memory of `len` elements from `start` on that are read soon, which need not exist.
#[inline(always)]
pub(crate) fn prefetch_lines<T>(elements: &[T], start: usize, len: usize) {
    for at in (0..len).step_by(in_cache_line::<T>()) {
        prefetch_to_read(elements, start.wrapping_add(at));
    }
}

/// Bytes by which numbers are prefetched ahead.
const AHEAD: usize = 1024;

/// Prefetches what is `AHEAD` bytes after these numbers, which may be out of range: the hardware prefetchers stop at
/// the end of every page.
#[inline(always)]
pub(crate) fn prefetch_ahead<T>(numbers: &[T]) {
    if size_of::<T>() > 0 {
        prefetch_lines(numbers, AHEAD / size_of::<T>(), numbers.len());
    }
}

/// Prefetches the memory of an element that is read soon, which need not exist.
#[inline(always)]
pub(crate) fn prefetch_to_read<T>(elements: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = elements.as_ptr().wrapping_add(at);
        // SAFETY: a prefetch is a hint without effect, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (elements, at);
}

impl<T: Entry> From<Vec<T>> for BufferMut<T> {
    fn from(mut vector: Vec<T>) -> Self {
        let (start, len) = (vector.as_mut_ptr().cast(), vector.len());
        let owner = UniqueOwner::Vector(Box::new(vector));
        RawBufferMut { start, len, dtype: T::ENTRY_DTYPE, owner, held: None }.into_typed()
    }
}

impl<T: Entry> fmt::Debug for BufferMut<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        abridged(f, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefetch_beyond_the_end_does_nothing() {
        prefetch_to_read(&[1u8], usize::MAX);
        prefetch_to_read::<f64>(&[], 1 << 40);
    }

    #[test]
    fn large_zeros_are_zero_and_absurd_ones_an_error() {
        let buffer = BufferMut::<f64>::zeros(1 << 20).unwrap();
        assert!(buffer.iter().all(|&x| x == 0.0));
        assert_eq!(BufferMut::<f64>::zeros(1 << 50).unwrap_err().kind(), ErrorKind::Memory);
        assert_eq!(BufferMut::<f64>::zeros(usize::MAX).unwrap_err().kind(), ErrorKind::Memory);
    }
}
