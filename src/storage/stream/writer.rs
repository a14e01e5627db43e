//! An array written from its first element to its last, at any place.
//!
//! In memory the elements are stored where they stay. For a file they are gathered in blocks that an I/O thread writes
//! and sums behind the work; the file is neither mapped nor read again until it is finished, so that an array larger
//! than memory is one sequential write. The number of elements need not be known in advance.

use std::os::unix::fs::FileExt;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::{
    Checksums, DATA_START, NpyHeader, scratch_file, sum_block, write_header,
};
use crate::storage::memory::raw::{Raw, width};
use crate::storage::memory::{
    Broken, DType, Origin, RawBuffer, RawBufferMut, lock_shared, map_read,
};
use crate::storage::runtime::{Context, Meter};
use crate::storage::stream::device::{Appended, Appender, IoBuffer};

/// Buffers of a file: one being filled, two being written.
const BUFFERS: usize = 3;

/// Takes the elements of an array, in order, with their type known at run time.
pub(crate) struct RawWriter {
    target: WriterTarget,
    dtype: DType,
    /// Elements taken so far.
    len: usize,
}

enum WriterTarget {
    Memory { array: RawBufferMut, ctx: Context },
    File(FileTarget),
}

struct FileTarget {
    appender: Appender,
    /// What the file was started with; `None` if the header is already written.
    header: Option<NpyHeader>,
    current: IoBuffer,
    filled: usize,
    block: usize,
    made: usize,
    summed: bool,
    meter: Meter,
    /// Whether a block could not be written.
    broken: Broken,
}

/// An array that was written to a file and is on the device.
pub(crate) struct Written {
    pub(crate) array: RawBuffer,
    /// Bytes of the file.
    pub(crate) length: u64,
    pub(crate) sums: Checksums,
}

impl RawWriter {
    /// An array in memory, of `expected` elements if that is known, within the memory limit.
    pub(crate) fn memory(dtype: DType, expected: usize, ctx: &Context) -> Result<Self> {
        let array = ctx.raw_zeros("the result", (Some(dtype), expected))?;
        Ok(RawWriter { target: WriterTarget::Memory { array, ctx: ctx.clone() }, dtype, len: 0 })
    }

    /// An array in an empty file; `header` says what is expected, for which space is reserved.
    pub(crate) fn file(
        origin: Origin,
        dtype: DType,
        header: &NpyHeader,
        summed: bool,
        ctx: &Context,
    ) -> Result<Self> {
        let block = block_size(ctx.memory_left());
        let expected = DATA_START + header.checked_bytes()?;
        let appender = Appender::new(origin, expected, block, summed, ctx.meter())?;
        Self::appending(appender, dtype, header, block, summed, ctx.meter())
    }

    /// Whether the array is in a file that ends with its elements.
    pub(crate) fn can_write_over(array: &RawBufferMut) -> bool {
        array.origin().is_some_and(|(origin, start)| {
            let length = start + array.bytes();
            origin.file.metadata().is_ok_and(|metadata| metadata.len() == length)
        })
    }

    /// Rewrites the file behind `array`, from its first element to its last, computing sums on the way.
    ///
    /// The elements must not be read before [`finish_over`](Self::finish_over), or before this is dropped. Fails unless
    /// the file [can be written over](Self::can_write_over).
    pub(crate) fn over(array: &RawBufferMut, ctx: &Context) -> Result<Self> {
        let other = || Error::new(ErrorKind::Io, "the file does not hold only the array");
        let (Origin { path, file }, start) = array.origin().ok_or_else(other)?;
        if !Self::can_write_over(array) {
            return Err(other().in_file(path));
        }
        // Earlier stores to the map must not overwrite what is written now.
        array.flush()?;
        let mut head = vec![0; start as usize];
        file.read_exact_at(&mut head, 0).map_err(|e| Error::io("reading", path, e))?;
        let file = file.try_clone().map_err(|e| Error::io("opening", path, e))?;
        let origin = Origin { path: path.clone(), file };
        let block = block_size(ctx.memory_left());
        let length = start + array.bytes();
        let appender = Appender::new(origin, length, block, true, ctx.meter())?;
        let mut target = FileTarget::new(appender, block, true, ctx.meter())?;
        target.push(&head)?;
        let dtype = array.dtype().ok_or_else(other)?;
        Ok(RawWriter { target: WriterTarget::File(target), dtype, len: 0 })
    }

    /// Ends the writing over an array of `len` elements: returns the sums of its file, which may not be on the device
    /// yet.
    pub(crate) fn finish_over(self, len: usize) -> Result<Checksums> {
        self.check_len(len)?;
        match self.target {
            WriterTarget::Memory { .. } => Ok(Checksums::default()),
            WriterTarget::File(file) => file.flush().map(|appended| appended.sums),
        }
    }

    /// An array in a file without a name in the scratch folder.
    pub(crate) fn scratch(dtype: DType, header: &NpyHeader, ctx: &Context) -> Result<Self> {
        let folder = ctx.scratch_folder();
        let file = scratch_file(folder)?;
        Self::file(Origin { path: folder.to_owned(), file }, dtype, header, false, ctx)
    }

    fn appending(
        appender: Appender,
        dtype: DType,
        header: &NpyHeader,
        block: usize,
        summed: bool,
        meter: &Meter,
    ) -> Result<Self> {
        let mut target = FileTarget::new(appender, block, summed, meter)?;
        target.push(&header.to_bytes()?)?;
        target.header = Some(header.clone());
        Ok(RawWriter { target: WriterTarget::File(target), dtype, len: 0 })
    }

    /// Memory needed to write an array to a file.
    pub(crate) fn extra_memory(limit: u64) -> u64 {
        (BUFFERS * IoBuffer::rounded(block_size(limit))) as u64
    }

    /// Elements taken so far.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends the next elements.
    pub(crate) fn push(&mut self, elements: Raw<'_>) -> Result<()> {
        assert_eq!(elements.dtype(), Some(self.dtype), "elements of one type");
        match &mut self.target {
            WriterTarget::Memory { array, ctx } => {
                let end = self.len.saturating_add(elements.len());
                if end > array.len() {
                    grow(array, end, ctx)?;
                }
                array.as_mut().slice_mut(self.len..end).copy_from(elements);
            }
            WriterTarget::File(file) => file.push(elements.bytes())?,
        }
        self.len += elements.len();
        Ok(())
    }

    /// Ends the writing of an array whose elements are all appended; `header` has their number and layout. Afterwards a
    /// file is on the device.
    pub(crate) fn finish(self, header: &NpyHeader) -> Result<Written> {
        self.check_len(header.data_bytes() as usize / self.dtype.size())?;
        match self.target {
            WriterTarget::Memory { array, .. } => Ok(Written {
                array: array.freeze().slice(0..self.len),
                length: header.data_bytes(),
                sums: Checksums::default(),
            }),
            WriterTarget::File(file) => file.finish((self.dtype, self.len), header),
        }
    }

    fn check_len(&self, expected: usize) -> Result<()> {
        if self.len != expected {
            return Err(Error::new(ErrorKind::Shape, "there are too few or too many elements")
                .expected(format!("{expected} elements"))
                .found(self.len));
        }
        Ok(())
    }
}

impl FileTarget {
    fn new(appender: Appender, block: usize, summed: bool, meter: &Meter) -> Result<Self> {
        let current = IoBuffer::new(block, meter)?;
        let (header, meter) = (None, meter.clone());
        let broken = Broken::default();
        Ok(FileTarget {
            appender,
            header,
            current,
            filled: 0,
            block,
            made: 1,
            summed,
            meter,
            broken,
        })
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.broken.check()?;
        let taken = self.take(bytes);
        self.broken.note(taken)
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let now;
            (now, bytes) = bytes.split_at(bytes.len().min(self.block - self.filled));
            self.current.bytes_mut()[self.filled..][..now.len()].copy_from_slice(now);
            self.filled += now.len();
            if self.filled == self.block {
                let next = match self.made < BUFFERS {
                    true => IoBuffer::new(self.block, &self.meter)?,
                    false => self.appender.spare()?,
                };
                self.made = BUFFERS.min(self.made + 1);
                let full = std::mem::replace(&mut self.current, next);
                self.appender.append(full, self.block)?;
                self.filled = 0;
            }
        }
        Ok(())
    }

    /// Waits until everything is written.
    fn flush(mut self) -> Result<Appended> {
        self.broken.check()?;
        if self.filled > 0 {
            self.appender.append(self.current, self.filled)?;
        }
        self.appender.finish()
    }

    fn finish(mut self, (dtype, len): (DType, usize), header: &NpyHeader) -> Result<Written> {
        let (started, summed) = (self.header.take(), self.summed);
        let Appended { origin, length, mut sums, .. } = self.flush()?;
        let Origin { path, file } = &origin;
        if started.as_ref() != Some(header) {
            write_header(file, path, header)?;
            if summed {
                (sums.0[0], _) = sum_block(file, path, 0, length)?;
            }
        }
        file.sync_all().map_err(|e| Error::io("writing back", path, e))?;
        lock_shared(file, path)?;
        let map = map_read(file, path)?;
        let array = RawBuffer::from_map(map, origin, DATA_START as usize, (dtype, len))?;
        Ok(Written { array, length, sums })
    }
}

/// Bytes of a block: a small part of the limit, because a matrix has several arrays, each with three blocks.
fn block_size(limit: u64) -> usize {
    let most = (limit / 128).clamp(16 << 10, 4 << 20) as usize;
    1 << most.ilog2()
}

/// Grows the array to `least` elements and half as many more.
fn grow(array: &mut RawBufferMut, least: usize, ctx: &Context) -> Result<()> {
    let len = least.max((array.len() / 2).saturating_mul(3));
    // Both are in memory while one is copied.
    let bytes =
        (len.saturating_add(array.len()) as u64).saturating_mul(width(array.dtype()) as u64);
    ctx.check_memory("the result", bytes)?;
    let mut larger = ctx.raw_zeros("the result", (array.dtype(), len))?;
    larger.as_mut().slice_mut(0..array.len()).copy_from(array.as_raw());
    *array = larger;
    Ok(())
}
