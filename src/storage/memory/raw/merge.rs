//! How two values are merged, by their type.

use crate::storage::memory::dtype::DType;
use crate::storage::memory::element::{Element, Entry, by_dtype};

/// Replaces the first value by the sum of both, as [`Entry::merge`] does; returns whether the sum exists.
pub(crate) type Merge = fn(&mut [u8], &[u8]) -> bool;

/// Adds two values of a type.
pub(crate) fn merge(dtype: Option<DType>) -> Merge {
    match dtype {
        None => |_, _| true,
        Some(dtype) => by_dtype!(dtype, T => sum::<T>, _ => |_, _| false),
    }
}

/// Puts an entry into an element of a dense array of zeros: the result is the entry, or the sum if the element was
/// already set; returns whether it exists. So a negative zero is kept; adding it to zero would lose it.
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
