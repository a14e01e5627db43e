//! Values that are moved and not looked at.
//!
//! What only moves values does not ask what they are, but how many bytes each of them has. So it works on [`Raw`] and
//! [`RawMut`], which know the type of their values at run time, and is compiled in this library: once, or once for each
//! width, where a loop over [`Carrier`]s of that width is worth it ([`by_width`]). What must be known of a value, the sum of
//! two at one position, follows from its type ([`merge`]).
//!
//! A pattern has values of no bytes. They are counted, and moved like others.
#![allow(unsafe_code)] // bytes as carriers, and values as bytes to write to

use std::ops::Range;

use crate::storage::element::{DType, Element, Entry, by_dtype};
use crate::storage::parallel::{ChunksMut, ParallelSlice, Tasks};

/// A value of `W` bytes that is moved.
///
/// There is no way to make one: all come from arrays of values, and those of [`pair`] go only where others of their type lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Carrier<const W: usize>([u8; W]);

impl<const W: usize> Carrier<W> {
    /// The value without bits: zero, or `false`. There is one of every type.
    pub(crate) const ZERO: Self = Carrier([0; W]);

    /// The bytes of the value.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8; W] {
        &self.0
    }

    /// Makes this what `merge` makes of it and a value of its type; `None` if it makes nothing.
    #[inline(always)]
    pub(crate) fn merge(&mut self, value: Self, merge: Merge) -> Option<()> {
        merge(&mut self.0, &value.0).then_some(())
    }
}

/// Evaluates an expression with `W` being the width given, one of those that values have.
macro_rules! by_width {
    ($width:expr, $W:ident => $body:expr) => {
        match $width {
            0 => {
                const $W: usize = 0;
                $body
            }
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
pub(crate) use by_width;

/// As [`by_width`], for the elements of dense arrays, all of which have bytes.
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

/// Bytes of a value.
pub(crate) fn width(dtype: Option<DType>) -> usize {
    dtype.map_or(0, DType::size)
}

/// A run of values.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    /// As many bytes as the values have.
    bytes: &'a [u8],
    dtype: Option<DType>,
    len: usize,
}

/// A run of values that others of the same type may take the place of.
pub(crate) struct RawMut<'a> {
    bytes: &'a mut [u8],
    dtype: Option<DType>,
    len: usize,
}

impl<'a> Raw<'a> {
    pub(crate) fn of<T: Entry>(values: &'a [T]) -> Self {
        Raw { bytes: bytemuck::cast_slice(values), dtype: T::ENTRY_DTYPE, len: values.len() }
    }

    /// Values whose bytes these are.
    ///
    /// # Safety
    /// They are `len` values of the type.
    pub(super) unsafe fn from_bytes(bytes: &'a [u8], dtype: Option<DType>, len: usize) -> Self {
        assert_eq!(bytes.len(), len * width(dtype));
        Raw { bytes, dtype, len }
    }

    /// Bytes that were read, if they are so many values of the type.
    pub(crate) fn read(bytes: &'a [u8], (dtype, len): (Option<DType>, usize)) -> Option<Self> {
        are_values(bytes, (dtype, len)).then_some(Raw { bytes, dtype, len })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// `None` for a pattern.
    pub(crate) fn dtype(&self) -> Option<DType> {
        self.dtype
    }

    /// Bytes of a value.
    pub(crate) fn width(&self) -> usize {
        width(self.dtype)
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The values in a range.
    ///
    /// # Panics
    /// If it is out of bounds, as slicing does.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        self.get(range).expect("a range within the values")
    }

    /// The values in a range, if all are there.
    pub(crate) fn get(&self, range: Range<usize>) -> Option<Self> {
        let width = self.width();
        if range.start > range.end || range.end > self.len {
            return None;
        }
        let bytes = &self.bytes[range.start * width..range.end * width];
        Some(Raw { bytes, dtype: self.dtype, len: range.len() })
    }

    /// The first values and the others.
    ///
    /// # Panics
    /// If there are not so many.
    pub(crate) fn split_at(&self, at: usize) -> (Self, Self) {
        (self.slice(0..at), self.slice(at..self.len))
    }

    /// The values, `None` unless they are of type `T`.
    pub(crate) fn typed<T: Entry>(&self) -> Option<&'a [T]> {
        if T::ENTRY_DTYPE != self.dtype {
            return None;
        }
        if size_of::<T>() == 0 {
            // SAFETY: a type without bytes: nothing lies there, and T is Zeroable.
            return Some(unsafe {
                std::slice::from_raw_parts(std::ptr::NonNull::dangling().as_ptr(), self.len)
            });
        }
        if !self.bytes.as_ptr().cast::<T>().is_aligned() {
            return None;
        }
        // SAFETY: `len` values of this type, by the promise of every constructor, and aligned.
        Some(unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.len) })
    }

    /// The values, of the type with which they were made.
    pub(crate) fn as_typed<T: Entry>(&self) -> &'a [T] {
        self.typed().expect("values of the type with which they were made")
    }

    /// The values as carriers of their width.
    pub(crate) fn carriers<const W: usize>(&self) -> &'a [Carrier<W>] {
        assert_eq!(W, self.width());
        // SAFETY: `len` times W bytes, which is what a carrier is; any address will do.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.len) }
    }
}

impl<'a> RawMut<'a> {
    pub(crate) fn of<T: Entry>(values: &'a mut [T]) -> Self {
        let (len, bytes) = (values.len(), size_of_val(values));
        // SAFETY: values without padding (`NoUninit`). What is written to them are the bytes of values of their type:
        // every method that writes sees to that.
        let bytes = unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), bytes) };
        RawMut { bytes, dtype: T::ENTRY_DTYPE, len }
    }

    /// Values whose bytes these are.
    ///
    /// # Safety
    /// They are `len` values of the type.
    pub(super) unsafe fn from_bytes(bytes: &'a mut [u8], dtype: Option<DType>, len: usize) -> Self {
        assert_eq!(bytes.len(), len * width(dtype));
        RawMut { bytes, dtype, len }
    }

    /// Bytes of something else as so many values of the type, if they happen to be such.
    pub(crate) fn over(bytes: &'a mut [u8], (dtype, len): (Option<DType>, usize)) -> Option<Self> {
        are_values(bytes, (dtype, len)).then_some(RawMut { bytes, dtype, len })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// `None` for a pattern.
    pub(crate) fn dtype(&self) -> Option<DType> {
        self.dtype
    }

    /// Bytes of a value.
    pub(crate) fn width(&self) -> usize {
        width(self.dtype)
    }

    /// The values, to look at.
    pub(crate) fn as_raw(&self) -> Raw<'_> {
        Raw { bytes: self.bytes, dtype: self.dtype, len: self.len }
    }

    /// The values, for a while.
    pub(crate) fn reborrow(&mut self) -> RawMut<'_> {
        RawMut { bytes: self.bytes, dtype: self.dtype, len: self.len }
    }

    /// The values in a range.
    ///
    /// # Panics
    /// If it is out of bounds, as slicing does.
    pub(crate) fn slice_mut(&mut self, range: Range<usize>) -> RawMut<'_> {
        let width = self.width();
        assert!(range.start <= range.end && range.end <= self.len, "a range within the values");
        let bytes = &mut self.bytes[range.start * width..range.end * width];
        RawMut { bytes, dtype: self.dtype, len: range.len() }
    }

    /// Takes the first values away; `None` if there are not so many.
    pub(crate) fn split_off_front(&mut self, count: usize) -> Option<RawMut<'a>> {
        if count > self.len {
            return None;
        }
        let (front, rest) = std::mem::take(&mut self.bytes).split_at_mut(count * self.width());
        self.bytes = rest;
        self.len -= count;
        Some(RawMut { bytes: front, dtype: self.dtype, len: count })
    }

    /// As [`split_off_front`](Self::split_off_front).
    ///
    /// # Panics
    /// If there are not so many.
    pub(crate) fn take_front(&mut self, count: usize) -> RawMut<'a> {
        self.split_off_front(count).expect("so many values")
    }

    /// Tasks of runs of `size` values, the last of which may have less.
    pub(crate) fn par_chunks_mut(self, size: usize) -> RawChunks<'a> {
        let RawMut { bytes, dtype, len } = self;
        RawChunks { bytes: bytes.par_chunks_mut((size * width(dtype)).max(1)), dtype, len, size }
    }

    /// Copies all values of a run of the same length and type.
    pub(crate) fn copy_from(&mut self, from: Raw<'_>) {
        self.check(from);
        self.bytes.copy_from_slice(from.bytes);
    }

    /// Takes the values whose bytes these are, in this machine's order. A byte that is read as `bool` and is not 0 counts as
    /// true.
    ///
    /// # Panics
    /// If there are not as many bytes as the values have.
    pub(crate) fn copy_from_bytes(&mut self, bytes: &[u8]) {
        self.bytes.copy_from_slice(bytes);
        // Of all other types every bit pattern is a value.
        if self.dtype == Some(DType::Bool) {
            self.bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
        }
    }

    /// Copies a range of values to where they start at `to`.
    pub(crate) fn copy_within(&mut self, range: Range<usize>, to: usize) {
        let width = self.width();
        assert!(range.start <= range.end && range.end <= self.len, "a range within the values");
        self.bytes.copy_within(range.start * width..range.end * width, to * width);
    }

    /// Puts value `k` of `from` to `slots[k]`; `None` if that is none of these.
    pub(crate) fn scatter(&mut self, slots: &[usize], from: Raw<'_>) -> Option<()> {
        fn go<const W: usize>(
            to: &mut [Carrier<W>],
            slots: &[usize],
            from: &[Carrier<W>],
        ) -> Option<()> {
            for (&slot, &value) in slots.iter().zip(from) {
                *to.get_mut(slot)? = value;
            }
            Some(())
        }
        by_width!(self.width(), W => {
            let (to, from) = pair::<W>(self.reborrow(), from);
            go(to, slots, from)
        })
    }

    /// Puts what record `k` of `size` bytes starts with to `slots[k]`; `None` if that is none of these, or what stands there
    /// is no value.
    pub(crate) fn read_records(
        &mut self,
        slots: &[usize],
        records: &[u8],
        size: usize,
    ) -> Option<()> {
        fn go<const W: usize>(
            to: &mut [u8],
            slots: &[usize],
            (records, size, most): (&[u8], usize, u8),
        ) -> Option<()> {
            for (&slot, record) in slots.iter().zip(records.chunks_exact(size)) {
                let value = record.first_chunk::<W>()?;
                if W == 1 && value[0] > most {
                    return None;
                }
                to.get_mut(slot * W..slot * W + W)?.copy_from_slice(value);
            }
            Some(())
        }
        // Of all other types every bit pattern is a value.
        let most = if self.dtype == Some(DType::Bool) { 1 } else { u8::MAX };
        by_width!(self.width(), W => go::<W>(self.bytes, slots, (records, size, most)))
    }

    /// Puts value `order[k]` of `from` to place `k`; `None` if there is no such value.
    pub(crate) fn gather(&mut self, order: &[usize], from: Raw<'_>) -> Option<()> {
        fn go<const W: usize>(
            to: &mut [Carrier<W>],
            order: &[usize],
            from: &[Carrier<W>],
        ) -> Option<()> {
            for (to, &at) in to.iter_mut().zip(order) {
                *to = *from.get(at)?;
            }
            Some(())
        }
        by_width!(self.width(), W => {
            let (to, from) = pair::<W>(self.reborrow(), from);
            go(to, order, from)
        })
    }

    /// Makes all of them the one value of a run of one.
    pub(crate) fn fill(&mut self, one: Raw<'_>) {
        assert_eq!(one.len, 1, "one value");
        by_width!(self.width(), W => {
            let (to, one) = pair::<W>(self.reborrow(), one);
            to.fill(one[0]);
        });
    }

    /// Makes all of them the value that has no bits: zero, or `false`.
    pub(crate) fn clear(&mut self) {
        self.bytes.fill(0);
    }

    /// The values, `None` unless they are of type `T`.
    pub(crate) fn typed<T: Entry>(self) -> Option<&'a mut [T]> {
        if T::ENTRY_DTYPE != self.dtype {
            return None;
        }
        let start = match size_of::<T>() {
            0 => std::ptr::NonNull::dangling().as_ptr(),
            _ => self.bytes.as_mut_ptr().cast::<T>(),
        };
        if !start.is_aligned() {
            return None;
        }
        // SAFETY: `len` values of this type, by the promise of every constructor, aligned, and borrowed for 'a; of a type
        // without bytes nothing lies there.
        Some(unsafe { std::slice::from_raw_parts_mut(start, self.len) })
    }

    fn check(&self, from: Raw<'_>) {
        assert_eq!((self.dtype, self.len), (from.dtype, from.len), "values of one type, as many");
    }
}

/// Whether bytes are so many values of a type. Of all types but `bool` every bit pattern is a value.
fn are_values(bytes: &[u8], (dtype, len): (Option<DType>, usize)) -> bool {
    len.checked_mul(width(dtype)) == Some(bytes.len())
        && (dtype != Some(DType::Bool) || bytes.iter().all(|&byte| byte < 2))
}

/// Runs of values to change.
pub(crate) struct RawChunks<'a> {
    bytes: ChunksMut<'a, u8>,
    dtype: Option<DType>,
    /// Values in all, and of a run.
    len: usize,
    size: usize,
}

impl<'a> Tasks for RawChunks<'a> {
    type Item = RawMut<'a>;
    fn count(&self) -> usize {
        self.len.div_ceil(self.size)
    }
    unsafe fn take(&self, at: usize) -> RawMut<'a> {
        let len = self.size.min(self.len - at * self.size);
        // SAFETY: as the caller promises; of values with bytes there are as many runs of bytes.
        let bytes = if width(self.dtype) == 0 { &mut [] } else { unsafe { self.bytes.take(at) } };
        RawMut { bytes, dtype: self.dtype, len }
    }
}

/// Two runs of values of one type, as carriers of their width.
///
/// # Panics
/// If their types differ, or it is not their width.
pub(crate) fn pair<'a, 'b, const W: usize>(
    to: RawMut<'a>,
    from: Raw<'b>,
) -> (&'a mut [Carrier<W>], &'b [Carrier<W>]) {
    assert_eq!(to.dtype, from.dtype, "values of one type");
    (carriers_mut(to), from.carriers())
}

/// Values as carriers of their width, which may be exchanged among themselves.
///
/// # Panics
/// If it is not their width.
pub(crate) fn carriers_mut<const W: usize>(values: RawMut<'_>) -> &mut [Carrier<W>] {
    assert_eq!(W, values.width());
    // SAFETY: `len` times W bytes, which is what a carrier is; any address will do. Carriers come from values alone.
    unsafe { std::slice::from_raw_parts_mut(values.bytes.as_mut_ptr().cast(), values.len) }
}

/// Values of one type that are kept aside.
#[derive(Default)]
pub(crate) struct RawVec {
    bytes: Vec<u8>,
    dtype: Option<DType>,
    len: usize,
}

impl RawVec {
    pub(crate) fn new(dtype: Option<DType>) -> Self {
        RawVec { bytes: Vec::new(), dtype, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.len = 0;
    }

    /// Room for so many values more, if the system has it.
    pub(crate) fn try_reserve_exact(
        &mut self,
        more: usize,
    ) -> Result<(), std::collections::TryReserveError> {
        self.bytes.try_reserve_exact(more.saturating_mul(width(self.dtype)))
    }

    /// Takes values of its type.
    pub(crate) fn extend(&mut self, values: Raw<'_>) {
        assert_eq!(self.dtype, values.dtype, "values of one type");
        self.bytes.extend_from_slice(values.bytes);
        self.len += values.len;
    }

    /// So many values; those that are new are the one without bits.
    pub(crate) fn resize(&mut self, len: usize) {
        self.bytes.resize(len * width(self.dtype), 0);
        self.len = len;
    }

    pub(crate) fn as_raw(&self) -> Raw<'_> {
        Raw { bytes: &self.bytes, dtype: self.dtype, len: self.len }
    }

    pub(crate) fn as_mut(&mut self) -> RawMut<'_> {
        RawMut { bytes: &mut self.bytes, dtype: self.dtype, len: self.len }
    }
}

/// Puts the sum of two values where the first is, as [`Entry::merge`] makes it; whether there is one.
pub(crate) type Merge = fn(&mut [u8], &[u8]) -> bool;

/// How two values of a type are added.
pub(crate) fn merge(dtype: Option<DType>) -> Merge {
    match dtype {
        None => |_, _| true,
        Some(dtype) => by_dtype!(dtype, T => sum::<T>, _ => |_, _| false),
    }
}

/// What becomes of an element of a dense array of zeros when an entry is put there: the entry, or the sum if something was
/// put there before; whether there is one. So a negative zero stays one, which added to zero it would not.
pub(crate) fn put(dtype: DType) -> Merge {
    fn put<T: Element>(element: &mut [u8], entry: &[u8]) -> bool {
        if bytemuck::checked::pod_read_unaligned::<T>(element) != T::default() {
            return sum::<T>(element, entry);
        }
        element.copy_from_slice(entry);
        true
    }
    by_dtype!(dtype, T => put::<T>, _ => |_, _| false)
}

fn sum<T: Entry>(sum: &mut [u8], value: &[u8]) -> bool {
    use bytemuck::checked::pod_read_unaligned;
    let merged = pod_read_unaligned::<T>(sum).merge(pod_read_unaligned(value));
    merged.map(|merged| sum.copy_from_slice(bytemuck::bytes_of(&merged))).is_some()
}

impl RawMut<'_> {
    /// Adds value `k` of `from` to value `at`, as `merge` of their type does; `None` if their sum does not fit.
    ///
    /// # Panics
    /// If there are no such values, or `from` has others.
    pub(crate) fn merge(&mut self, at: usize, from: Raw<'_>, k: usize, merge: Merge) -> Option<()> {
        assert_eq!(self.dtype, from.dtype, "values of one type");
        let width = self.width();
        let (sum, value) =
            (&mut self.bytes[at * width..][..width], &from.bytes[k * width..][..width]);
        merge(sum, value).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_width_are_moved() {
        fn moved<T: Entry>(values: [T; 3]) {
            let mut to = [values[0]; 4];
            let mut raw = RawMut::of(&mut to);
            assert_eq!(raw.scatter(&[3, 1, 2], Raw::of(&values)), Some(()));
            assert_eq!(raw.scatter(&[4], Raw::of(&values[..1])), None);
            assert_eq!(to, [values[0], values[1], values[2], values[0]]);
            let mut raw = RawMut::of(&mut to);
            assert_eq!(raw.slice_mut(0..3).gather(&[2, 0, 1], Raw::of(&values)), Some(()));
            assert_eq!(raw.slice_mut(0..1).gather(&[3], Raw::of(&values)), None);
            raw.copy_within(0..1, 3);
            assert_eq!(to, [values[2], values[0], values[1], values[2]]);
            assert_eq!(Raw::of(&to).slice(1..3).typed::<T>().unwrap(), &values[..2]);
            let (size, mut back) = (size_of::<T>() + 3, [values[2]; 2]);
            let record = |value: &T| [bytemuck::bytes_of(value), &[7; 3]].concat();
            let records: Vec<u8> = values[..2].iter().flat_map(record).collect();
            assert_eq!(RawMut::of(&mut back).read_records(&[1, 0], &records, size), Some(()));
            assert_eq!(back, [values[1], values[0]]);
            let mut aside = RawVec::new(T::ENTRY_DTYPE);
            aside.extend(Raw::of(&values));
            assert_eq!((aside.len(), aside.as_raw().bytes()), (3, Raw::of(&values).bytes()));
        }
        moved([(); 3]);
        moved([true, false, true]);
        moved([1i16, 2, 3]);
        moved([1.5f32, 2.5, 3.5]);
        moved([1.5f64, 2.5, 3.5]);
        moved([num_complex::Complex::new(1.0f64, 2.0); 3]);
    }

    #[test]
    fn sums_are_those_of_the_type() {
        fn sum<T: Entry>(a: T, b: T) -> Option<T> {
            let mut to = [a];
            let merge = merge(T::ENTRY_DTYPE);
            RawMut::of(&mut to).merge(0, Raw::of(&[b]), 0, merge)?;
            Some(to[0])
        }
        assert_eq!(sum((), ()), Some(()));
        assert_eq!(sum(true, false), Some(true));
        assert_eq!(sum(100i8, 27), Some(127));
        assert_eq!(sum(100i8, 28), None);
        assert_eq!(sum(0.1, 0.2), Some(0.1 + 0.2));
    }

    #[test]
    fn a_record_that_does_not_start_with_a_value_is_none() {
        let mut to = [false; 2];
        assert_eq!(RawMut::of(&mut to).read_records(&[0, 1], &[1, 9, 2, 9], 2), None);
        assert_eq!(RawMut::of(&mut to).read_records(&[0, 1], &[0, 9, 1, 9], 2), Some(()));
        assert_eq!(to, [false, true]);
        assert_eq!(RawMut::of(&mut [0u8]).read_records(&[1], &[1, 9], 2), None);
    }

    #[test]
    #[should_panic(expected = "values of one type")]
    fn values_of_another_type_are_not_taken() {
        RawMut::of(&mut [0f64]).copy_from(Raw::of(&[1u64]));
    }
}
