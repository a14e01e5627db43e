//! What two values of a type make, told by the type alone.

use crate::storage::memory::element::{DType, Element, Entry, by_dtype};

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
