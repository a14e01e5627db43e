//! A shared, immutable run of elements, independent of the owner of the bytes.
//!
//! Cloning or slicing a [`Buffer`] copies a pointer and keeps the owner alive, be it a vector, a file map or a foreign
//! object. Nothing above this file depends on the owner. The one thing it can query is whether a file backs the
//! elements, and at which offset they begin, because that decides how larger-than-memory data is read.
#![allow(unsafe_code)] // a pointer and a length into memory that `owner` keeps alive

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use crate::storage::memory::element::Entry;
use crate::storage::memory::raw_buffer::{Access, Owner, RawBuffer};

/// A shared, immutable run of elements in memory or in a mapped file.
///
/// ```
/// use outcore::Buffer;
/// let buffer = Buffer::from(vec![1.0, 2.0, 3.0]);
/// let tail = buffer.slice(1..3);
/// assert_eq!(*tail, [2.0, 3.0]);
/// assert!(tail.file().is_none());
/// ```
#[repr(transparent)]
pub struct Buffer<T> {
    raw: RawBuffer,
    elements: PhantomData<T>,
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

    /// As [`raw`](Self::raw), without the type.
    pub(crate) fn into_raw(self) -> RawBuffer {
        self.raw
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
    /// As a buffer of type `T`; `None` if the elements are of another type.
    pub(crate) fn typed<T: Entry>(self) -> Option<Buffer<T>> {
        // The field guarantees alignment.
        (self.dtype() == T::ENTRY_DTYPE).then_some(Buffer { raw: self, elements: PhantomData })
    }

    /// As a buffer of the type with which it was made.
    pub(crate) fn into_typed<T: Entry>(self) -> Buffer<T> {
        self.typed().expect("the elements are of the type with which they were made")
    }

    /// As [`into_typed`](Self::into_typed), in place.
    pub(crate) fn as_typed<T: Entry>(&self) -> &Buffer<T> {
        assert!(self.dtype() == T::ENTRY_DTYPE, "the type with which the elements were made");
        // SAFETY: a `Buffer` is only a `RawBuffer`, here with elements of its type, as was just checked.
        unsafe { &*std::ptr::from_ref(self).cast() }
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
