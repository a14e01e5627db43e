//! A run of values that can be replaced.
#![allow(unsafe_code)] // values as bytes to write to

use std::ops::Range;

use crate::storage::memory::dtype::DType;
use crate::storage::memory::element::Entry;
use crate::storage::memory::raw::carrier::{Carrier, by_width};
use crate::storage::memory::raw::merge::Merge;
use crate::storage::memory::raw::view::{Raw, are_values, width};

/// A run of values that can be replaced by others of the same type.
pub(crate) struct RawMut<'a> {
    pub(crate) bytes: &'a mut [u8],
    pub(crate) dtype: Option<DType>,
    pub(crate) len: usize,
}

impl<'a> RawMut<'a> {
    pub(crate) fn of<T: Entry>(values: &'a mut [T]) -> Self {
        let (len, bytes) = (values.len(), size_of_val(values));
        // SAFETY: values without padding (`NoUninit`). Only bytes of values of their type are written to them:
        // every method that writes ensures this.
        let bytes = unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), bytes) };
        RawMut { bytes, dtype: T::ENTRY_DTYPE, len }
    }

    /// Values with these bytes.
    ///
    /// # Safety
    /// The bytes are `len` values of the type.
    pub(in crate::storage) unsafe fn from_bytes(
        bytes: &'a mut [u8],
        dtype: Option<DType>,
        len: usize,
    ) -> Self {
        assert_eq!(bytes.len(), len * width(dtype));
        RawMut { bytes, dtype, len }
    }

    /// Other bytes as `len` values of the type, if they happen to be valid.
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

    /// The values, to read.
    pub(crate) fn as_raw(&self) -> Raw<'_> {
        Raw { bytes: self.bytes, dtype: self.dtype, len: self.len }
    }

    /// Borrows the values again, for a shorter time.
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

    /// Splits off the first `count` values; `None` if there are fewer.
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
    /// If there are fewer.
    pub(crate) fn take_front(&mut self, count: usize) -> RawMut<'a> {
        self.split_off_front(count).expect("count is within the length")
    }

    /// Copies all values of a run of the same length and type.
    pub(crate) fn copy_from(&mut self, from: Raw<'_>) {
        self.check(from);
        self.bytes.copy_from_slice(from.bytes);
    }

    /// Copies values from these bytes, in native byte order. A nonzero byte that is read as `bool` counts as
    /// true.
    ///
    /// # Panics
    /// If the number of bytes is wrong.
    pub(crate) fn copy_from_bytes(&mut self, bytes: &[u8]) {
        self.bytes.copy_from_slice(bytes);
        // For all other types every bit pattern is a value.
        if self.dtype == Some(DType::Bool) {
            self.bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
        }
    }

    /// Reverses the bytes of every unit of 2, 4 or 8 bytes, of which the values consist: brings them to the other byte
    /// order. A unit of one byte stays as it is.
    pub(crate) fn reverse_bytes(&mut self, unit: usize) {
        fn go<const N: usize>(bytes: &mut [u8]) {
            bytes.as_chunks_mut::<N>().0.iter_mut().for_each(|unit| unit.reverse());
        }
        // For all types of several bytes every bit pattern is a value.
        match unit {
            2 => go::<2>(self.bytes),
            4 => go::<4>(self.bytes),
            8 => go::<8>(self.bytes),
            _ => {}
        }
    }

    /// Copies a range of values to position `to`.
    pub(crate) fn copy_within(&mut self, range: Range<usize>, to: usize) {
        let width = self.width();
        assert!(range.start <= range.end && range.end <= self.len, "a range within the values");
        self.bytes.copy_within(range.start * width..range.end * width, to * width);
    }

    /// Puts value `k` of `from` at `slots[k]`; `None` if that is out of range.
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

    /// Puts the leading value of record `k` of `size` bytes at `slots[k]`; `None` if that is out of range, or the bytes
    /// are not a value.
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
        // For all other types every bit pattern is a value.
        let most = if self.dtype == Some(DType::Bool) { 1 } else { u8::MAX };
        by_width!(self.width(), W => go::<W>(self.bytes, slots, (records, size, most)))
    }

    /// Puts value `order[k]` of `from` at position `k`; `None` if there is no such value.
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

    /// Sets all values to the single value of `one`.
    pub(crate) fn fill(&mut self, one: Raw<'_>) {
        assert_eq!(one.len, 1, "one value");
        by_width!(self.width(), W => {
            let (to, one) = pair::<W>(self.reborrow(), one);
            to.fill(one[0]);
        });
    }

    /// Sets all values to zero, or `false`.
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
        // SAFETY: `len` values of this type, as every constructor guarantees, aligned, and borrowed for 'a; a type
        // without bytes reads nothing.
        Some(unsafe { std::slice::from_raw_parts_mut(start, self.len) })
    }

    fn check(&self, from: Raw<'_>) {
        assert_eq!((self.dtype, self.len), (from.dtype, from.len), "values of one type, as many");
    }

    /// Adds value `k` of `from` to value `at`, by the `merge` of their type; `None` if their sum does not fit.
    ///
    /// # Panics
    /// If there are no such values, or `from` has another type.
    pub(crate) fn merge(&mut self, at: usize, from: Raw<'_>, k: usize, merge: Merge) -> Option<()> {
        assert_eq!(self.dtype, from.dtype, "values of one type");
        let width = self.width();
        let (sum, value) =
            (&mut self.bytes[at * width..][..width], &from.bytes[k * width..][..width]);
        merge(sum, value).then_some(())
    }
}

/// Two runs of values of one type, as carriers of their width.
///
/// # Panics
/// If their types differ, or `W` is not their width.
pub(crate) fn pair<'a, 'b, const W: usize>(
    to: RawMut<'a>,
    from: Raw<'b>,
) -> (&'a mut [Carrier<W>], &'b [Carrier<W>]) {
    assert_eq!(to.dtype, from.dtype, "values of one type");
    (carriers_mut(to), from.carriers())
}

/// Values as carriers of their width, which may be exchanged with one another.
///
/// # Panics
/// If `W` is not their width.
pub(crate) fn carriers_mut<const W: usize>(values: RawMut<'_>) -> &mut [Carrier<W>] {
    assert_eq!(W, values.width());
    // SAFETY: `len` times W bytes, which is what a carrier is; any address will do. Carriers come from values alone.
    unsafe { std::slice::from_raw_parts_mut(values.bytes.as_mut_ptr().cast(), values.len) }
}
