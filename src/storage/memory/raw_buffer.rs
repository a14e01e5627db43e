//! A shared, immutable run of elements whose type is known at run time, and the owner of its bytes.
#![allow(unsafe_code)] // a pointer and a length into memory that `owner` keeps alive

use std::any::Any;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::{Mmap, MmapMut};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::memory::dtype::DType;
use crate::storage::memory::raw::{Raw, width};
use crate::storage::runtime::Context;

/// A [`Buffer`](super::Buffer) of elements whose type is known at run time.
#[derive(Clone)]
pub(crate) struct RawBuffer {
    /// Aligned for values of `dtype` and valid for reads of `len` of them while `owner` lives. There are no writers
    /// during that time.
    pub(super) start: *const u8,
    pub(super) len: usize,
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

    /// The elements in memory: a copy of those in a file, counted as read and held.
    pub(crate) fn kept(&self, what: &str, ctx: &Context) -> Result<Self> {
        let stored = self.stored_bytes();
        if stored == 0 {
            return Ok(self.clone());
        }
        let mut kept = ctx.raw_work(what, (self.dtype, self.len))?.counted(ctx.meter());
        kept.as_mut().copy_from(self.as_raw());
        ctx.meter().read(stored);
        Ok(kept.freeze())
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
        return Err(wrong(ErrorKind::Type, "the data cannot be used in place")
            .expected(format!("an address divisible by {}", dtype.alignment()))
            .found(format!("byte {byte}"))
            .remedy("copy it with read, or with read_raw if it has no header"));
    }
    // For all other types every bit pattern is a value.
    if dtype == DType::Bool
        && let Some(k) = bytes.iter().position(|&byte| byte > 1)
    {
        return Err(wrong(ErrorKind::Value, "a byte is not a valid value of the element type")
            .at_byte(byte + k as u64)
            .expected("0 or 1 for bool")
            .found(bytes[k])
            .remedy("copy it with read, or open it as u8"));
    }
    Ok(bytes.as_ptr())
}
