//! What compressed kernels want from an x86-64 processor beyond what the compiler uses by itself.
//!
//! Prefetching took Poisson products from 15 to 18 GB/s on one thread and from 0.78 to 0.93 of the read bandwidth on two:
//! three streams and short inner loops leave the hardware's own prefetchers behind, and those stop at the end of every
//! 4 KiB page. Gathering with AVX-512 (`vgatherdpd`, eight rows at a time) was measured too, at 13 GB/s on one thread, and
//! is slower than scalar loads on Zen 4; so plain products have no vector kernel. Those that have one ([`widest`]) do the same
//! additions side by side: results do not depend on the processor.

// They call instructions, or functions compiled for more of them; none touches memory through a pointer.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Asks for the cache line of `slice[position]`, which need not exist.
#[inline(always)]
pub(super) fn prefetch<T>(slice: &[T], position: usize) {
    let address = slice.as_ptr().wrapping_add(position);
    // SAFETY: every x86-64 processor has SSE, and a prefetch of any address whatever is a hint without effect.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

/// Runs `work`, compiled for the widest vector units that this processor has, as far as it is inlined.
#[inline(always)]
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
    fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
    #[target_feature(enable = "avx2")]
    fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw");
    if avx512 {
        // SAFETY: the processor has the features, as just seen.
        unsafe { with_avx512(work) }
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: as above.
        unsafe { with_avx2(work) }
    } else {
        work()
    }
}

/// The least and the largest of some `u32`; `None` if there are none, the type is another, or AVX-512 is missing.
pub(super) fn bounds<I: 'static>(indices: &[I]) -> Option<(usize, usize)> {
    let supported = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
    if TypeId::of::<I>() != TypeId::of::<u32>() || indices.is_empty() || !supported {
        return None;
    }
    // SAFETY: I is u32, as just compared, so this is the slice itself.
    let indices = unsafe { std::slice::from_raw_parts(indices.as_ptr().cast(), indices.len()) };
    // SAFETY: the processor has both features, as just seen.
    Some(unsafe { bounds_u32(indices) })
}

/// A plain loop: the features let the compiler use the unsigned minimum and maximum that SSE2 lacks, six times as fast.
#[target_feature(enable = "avx512f,avx512vl")]
fn bounds_u32(indices: &[u32]) -> (usize, usize) {
    let (mut least, mut largest) = (u32::MAX, 0);
    for index in indices {
        least = least.min(*index);
        largest = largest.max(*index);
    }
    (least as usize, largest as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_iterator() {
        let numbers: Vec<u32> = (0..1000u32).map(|i| i.wrapping_mul(2_654_435_761)).collect();
        for end in [1, 2, 15, 16, 17, 63, 64, 65, 1000] {
            if let Some((least, largest)) = bounds(&numbers[..end]) {
                assert_eq!(least, *numbers[..end].iter().min().unwrap() as usize);
                assert_eq!(largest, *numbers[..end].iter().max().unwrap() as usize);
            }
        }
        assert_eq!(bounds::<u32>(&[]), None);
        assert_eq!(bounds(&[1u64]), None);
    }

    #[test]
    fn a_prefetch_beyond_the_end_does_nothing() {
        prefetch(&[1u8], usize::MAX);
        prefetch::<f64>(&[], 1 << 40);
    }
}
