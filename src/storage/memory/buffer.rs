//! A shared, immutable run of elements, independent of the owner of the bytes.
//!
//! Cloning or slicing a [`Buffer`] copies a pointer and keeps the owner alive, be it a vector, a file map or a foreign
//! object. Nothing above this file depends on the owner. The one thing it can query is whether a file backs the
//! elements, and at which offset they begin, because that decides how larger-than-memory data is read.
#![allow(unsafe_code)] // a pointer and a length into memory that `owner` keeps alive

use std::any::Any;
use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::{Mmap, MmapMut};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::memory::element::{DType, Entry};
use crate::storage::memory::raw::{Raw, width};

/// A shared, immutable run of elements in memory or in a mapped file.
///
/// ```
/// use outcore::Buffer;
/// let buffer = Buffer::from(vec![1.0, 2.0, 3.0]);
/// let tail = buffer.slice(1..3);
/// assert_eq!(*tail, [2.0, 3.0]);
/// assert!(tail.file().is_none());
/// ```
pub struct Buffer<T> {
    raw: RawBuffer,
    elements: PhantomData<T>,
}

/// A [`Buffer`] of elements whose type is known at run time.
#[derive(Clone)]
pub(crate) struct RawBuffer {
    /// Aligned for values of `dtype` and valid for reads of `len` of them while `owner` lives. There are no writers
    /// during that time.
    start: *const u8,
    len: usize,
    dtype: Option<DType>,
    owner: Arc<Owner>,
}

/// Keeps the bytes of a buffer alive and in place.
pub(crate) enum Owner {
    /// Heap memory, or any other memory of this process; no file is involved.
    Memory(#[expect(dead_code, reason = "held to be dropped")] Arc<dyn Any + Send + Sync>),
    /// A map of a whole file.
    File { map: Map, origin: Origin },
}

pub(crate) enum Map {
    Read(Mmap),
    Write(MmapMut),
}

/// The file behind a buffer. The handle holds the advisory lock while the buffer lives.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
}

/// How a mapped buffer is about to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No particular order.
    Normal,
    /// From the first element to the last: read far ahead.
    Sequential,
    /// Here and there: do not read ahead.
    Random,
}

// SAFETY: a buffer gives access only to shared references to elements, which are `Send + Sync`, as all types with a
// `DType` are. The owner is only dropped, and every owner (vectors, maps, foreign ones by their bound) may be dropped
// on any thread.
unsafe impl Send for RawBuffer {}
// SAFETY: as above; a shared buffer gives shared access to its elements.
unsafe impl Sync for RawBuffer {}

impl RawBuffer {
    /// The elements of a frozen [`BufferMut`](super::BufferMut).
    pub(crate) fn from_frozen(
        start: *const u8,
        (dtype, len): (Option<DType>, usize),
        owner: Owner,
    ) -> Self {
        RawBuffer { start, len, dtype, owner: Arc::new(owner) }
    }

    /// `len` elements of type `dtype` of a map, starting at byte `offset`.
    ///
    /// Fails if they are not aligned, do not fit, or are not values of the type (only `bool` bytes are checked).
    pub(crate) fn from_map(
        map: Mmap,
        origin: Origin,
        offset: usize,
        (dtype, len): (DType, usize),
    ) -> Result<Self> {
        let start = check_elements(&map, &origin, offset, (dtype, len))?;
        let owner = Arc::new(Owner::File { map: Map::Read(map), origin });
        Ok(RawBuffer { start, len, dtype: Some(dtype), owner })
    }

    /// No elements.
    pub(crate) fn empty(dtype: Option<DType>) -> Self {
        Self::without_bytes(dtype, 0)
    }

    /// The values of a pattern, which have no bytes.
    pub(crate) fn pattern(len: usize) -> Self {
        Self::without_bytes(None, len)
    }

    fn without_bytes(dtype: Option<DType>, len: usize) -> Self {
        // An address aligned for every type; nothing is read there.
        let nothing = Arc::new(0u128);
        let start = Arc::as_ptr(&nothing).cast();
        Self::from_frozen(start, (dtype, len), Owner::Memory(nothing))
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// `None` for a pattern.
    pub(crate) fn dtype(&self) -> Option<DType> {
        self.dtype
    }

    /// The elements, for code that only moves them.
    pub(crate) fn as_raw(&self) -> Raw<'_> {
        let bytes = self.len * width(self.dtype);
        // SAFETY: `len` values of the type from `start` on, by the promise of the field.
        unsafe {
            Raw::from_bytes(std::slice::from_raw_parts(self.start, bytes), self.dtype, self.len)
        }
    }

    /// As a buffer of type `T`; `None` if the elements are of another type.
    pub(crate) fn typed<T: Entry>(self) -> Option<Buffer<T>> {
        // The field guarantees alignment.
        (self.dtype == T::ENTRY_DTYPE).then_some(Buffer { raw: self, elements: PhantomData })
    }

    /// The elements in `range`, sharing the same owner.
    ///
    /// # Panics
    /// If the range is out of bounds, as slicing does.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let part = self.as_raw().slice(range);
        let start = if part.width() == 0 { self.start } else { part.bytes().as_ptr() };
        RawBuffer { start, len: part.len(), dtype: self.dtype, owner: Arc::clone(&self.owner) }
    }

    /// The file behind the elements and the byte offset at which they begin; `None` for memory.
    pub(crate) fn file(&self) -> Option<(&Path, u64)> {
        self.origin().map(|(origin, offset)| (origin.path.as_path(), offset))
    }

    /// The open file behind the elements and the byte offset at which they begin.
    pub(crate) fn origin(&self) -> Option<(&Origin, u64)> {
        match &*self.owner {
            Owner::Memory(_) => None,
            Owner::File { map, origin } => {
                let offset = self.start as usize - map.bytes().as_ptr() as usize;
                Some((origin, offset as u64))
            }
        }
    }

    /// Bytes of the elements if they are in a file; 0 if in memory.
    pub(crate) fn stored_bytes(&self) -> u64 {
        if self.origin().is_some() { self.bytes() } else { 0 }
    }

    /// Bytes of the elements.
    pub(crate) fn bytes(&self) -> u64 {
        (self.len * width(self.dtype)) as u64
    }

    /// Advises the system how the elements are about to be read. No effect for memory.
    pub(crate) fn advise(&self, access: Access) {
        let Owner::File { map, .. } = &*self.owner else { return };
        let advice = match access {
            Access::Normal => memmap2::Advice::Normal,
            Access::Sequential => memmap2::Advice::Sequential,
            Access::Random => memmap2::Advice::Random,
        };
        // Advice is a hint: a system that refuses it reads as before.
        let _ = match map {
            Map::Read(map) => map.advise(advice),
            Map::Write(map) => map.advise(advice),
        };
    }
}

impl<T: Entry> Buffer<T> {
    /// Shares the elements of `owner` without a copy, and keeps `owner` alive.
    ///
    /// ```
    /// use outcore::Buffer;
    /// let foreign: Box<[u32]> = vec![7, 8].into();
    /// assert_eq!(*Buffer::from_owner(foreign), [7, 8]);
    /// ```
    pub fn from_owner<O: AsRef<[T]> + Send + Sync + 'static>(owner: O) -> Self {
        // Moved behind an `Arc` first, so that elements stored inline in the owner do not move afterwards.
        let owner = Arc::new(owner);
        let elements: &[T] = (*owner).as_ref();
        let (start, len) = (elements.as_ptr().cast(), elements.len());
        let owner = Owner::Memory(owner);
        RawBuffer::from_frozen(start, (T::ENTRY_DTYPE, len), owner).into_typed()
    }

    /// The elements with their type known at run time, sharing the same owner.
    pub(crate) fn raw(&self) -> &RawBuffer {
        &self.raw
    }

    /// The elements in `range`, sharing the same owner.
    ///
    /// # Panics
    /// If the range is out of bounds, as slicing does.
    #[doc(alias("MatCreateSubMatrix", "getitem"))]
    pub fn slice(&self, range: Range<usize>) -> Self {
        self.raw.slice(range).into_typed()
    }

    /// The file behind the elements and the byte offset at which they begin; `None` for memory.
    pub fn file(&self) -> Option<(&Path, u64)> {
        self.raw.file()
    }

    /// Bytes of the elements if they are in a file; 0 if in memory.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.raw.stored_bytes()
    }

    /// Advises the system how the elements are about to be read. No effect for memory.
    pub fn advise(&self, access: Access) {
        self.raw.advise(access);
    }
}

impl RawBuffer {
    /// As a buffer of the type with which it was made.
    pub(crate) fn into_typed<T: Entry>(self) -> Buffer<T> {
        self.typed().expect("the elements are of the type with which they were made")
    }
}

impl<T: Entry> Deref for Buffer<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: every constructor took `start` and `len` from a slice of values of `T` that `owner` keeps alive, and
        // no code in this process writes to it: vectors and foreign owners are only kept to be dropped, a map is
        // read-only or was given up by `BufferMut::freeze`, and our advisory lock on its file keeps out writers that
        // honour locks. A process that ignores locks can change the bytes. Every bit pattern stays a value of `T`
        // (except for `bool`), and the kernels check every index at every use.
        unsafe { std::slice::from_raw_parts(self.raw.start.cast(), self.raw.len) }
    }
}

impl<T: Entry> AsRef<[T]> for Buffer<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Buffer { raw: self.raw.clone(), elements: PhantomData }
    }
}

impl<T: Entry> From<Vec<T>> for Buffer<T> {
    fn from(vector: Vec<T>) -> Self {
        Buffer::from_owner(vector)
    }
}

impl<T: Entry> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Entry> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        abridged(f, self)
    }
}

impl Map {
    fn bytes(&self) -> &[u8] {
        match self {
            Map::Read(map) => map,
            Map::Write(map) => map,
        }
    }
}

/// The address of `len` elements at `offset` of a map, if all of them are in bounds, aligned, and values of the type.
pub(crate) fn check_elements(
    map: &[u8],
    origin: &Origin,
    offset: usize,
    (dtype, len): (DType, usize),
) -> Result<*const u8> {
    let byte = offset as u64;
    let wrong = |kind, what: &str| Error::new(kind, what).in_file(&origin.path).at_byte(byte);
    let bytes = len
        .checked_mul(dtype.size())
        .and_then(|size| map.get(offset..offset.checked_add(size)?))
        .ok_or_else(|| wrong(ErrorKind::Format, "the elements do not fit in the file"))?;
    if !(bytes.as_ptr() as usize).is_multiple_of(dtype.alignment()) {
        return Err(wrong(ErrorKind::Type, "the data cannot be used where it lies")
            .expected(format!("an address divisible by {}", dtype.alignment()))
            .found(format!("byte {byte}"))
            .remedy("read it as a copy, with read, or with read_raw if it has no header"));
    }
    // For all other types every bit pattern is a value.
    if dtype == DType::Bool
        && let Some(k) = bytes.iter().position(|&byte| byte > 1)
    {
        return Err(wrong(ErrorKind::Value, "a byte is no value of the element type")
            .at_byte(byte + k as u64)
            .expected("0 or 1 for bool")
            .found(bytes[k])
            .remedy("read it as a copy, with read, or as u8"));
    }
    Ok(bytes.as_ptr())
}

/// The first few elements and the length: a buffer may hold billions.
pub(crate) fn abridged<T: fmt::Debug>(f: &mut fmt::Formatter<'_>, elements: &[T]) -> fmt::Result {
    let mut list = f.debug_list();
    list.entries(&elements[..elements.len().min(8)]);
    if elements.len() > 8 {
        list.entry(&format_args!("… {} in all", elements.len()));
    }
    list.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_live_as_long_as_their_slices() {
        struct Noisy(Vec<u64>, #[expect(dead_code, reason = "held to be counted")] Arc<()>);
        impl AsRef<[u64]> for Noisy {
            fn as_ref(&self) -> &[u64] {
                &self.0
            }
        }
        let alive = Arc::new(());
        let buffer = Buffer::from_owner(Noisy(vec![1, 2, 3], Arc::clone(&alive)));
        let tail = buffer.slice(2..3);
        drop(buffer);
        assert_eq!(*tail, [3]);
        assert_eq!(Arc::strong_count(&alive), 2);
        drop(tail);
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn inline_owners_do_not_move() {
        let buffer = Buffer::from_owner([1.5f64, 2.5]);
        let moved = buffer.clone();
        drop(buffer);
        assert_eq!(*moved, [1.5, 2.5]);
    }

    #[test]
    fn pattern_values_have_no_bytes() {
        let buffer = Buffer::<()>::from(vec![(); 5]);
        assert_eq!((buffer.len(), size_of_val(&*buffer)), (5, 0));
    }
}
