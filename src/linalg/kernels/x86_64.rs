//! What kernels want from an x86-64 processor beyond what the compiler uses by itself.
//!
//! Prefetching took Poisson products from 15 to 18 GB/s on one thread and from 0.78 to 0.93 of the read bandwidth on two:
//! three streams and short inner loops leave the hardware's own prefetchers behind, and those stop at the end of every
//! 4 KiB page. Gathering with AVX-512 (`vgatherdpd`, eight rows at a time) was measured too, at 13 GB/s on one thread, and
//! is slower than scalar loads on Zen 4; so plain products have no vector kernel. Those that have one ([`widest`]) do the same
//! additions side by side: results do not depend on the processor.
//!
//! A tile of a product of matrices is written with instructions: the compiler keeps no two hundred sums in registers by itself
//! (5 Gflop/s against 103).

// They call instructions, or functions compiled for more of them, and load and store vectors from arrays of their size.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::arch::x86_64::{
    _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_loadu_pd, _mm256_loadu_ps, _mm256_set1_pd,
    _mm256_set1_ps, _mm256_setzero_pd, _mm256_setzero_ps, _mm256_storeu_pd, _mm256_storeu_ps,
    _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_loadu_pd, _mm512_loadu_ps, _mm512_set1_pd,
    _mm512_set1_ps, _mm512_setzero_pd, _mm512_setzero_ps, _mm512_storeu_pd, _mm512_storeu_ps,
};

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

/// Whether [`multiply_tile`] works for this type on this processor.
pub(super) fn multiplies_tiles<T: 'static>() -> bool {
    let real = [TypeId::of::<f32>(), TypeId::of::<f64>()].contains(&TypeId::of::<T>());
    real && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// `out = sum over k of a[k] b[k]`, fused additions in the order of `k`: eight rows, in each 64 bytes times `vectors`, at most
/// three, and at a distance of three. A run of `a` and one of `b` for each `k` begin so far apart as is said behind them.
///
/// Does nothing unless the processor [`multiplies_tiles`] of this type. The bits are the same on all that do.
#[inline(always)]
pub(super) fn multiply_tile<T: 'static>(
    (a, a_step): (&[T], usize),
    (b, b_step): (&[T], usize),
    vectors: usize,
    out: &mut [T],
) {
    if !multiplies_tiles::<T>() {
        return;
    }
    if let (Some(a), Some(b), Some(out)) = (same(a), same(b), same_mut(out)) {
        f32_tile((a, a_step), (b, b_step), vectors, out, true);
    } else if let (Some(a), Some(b), Some(out)) = (same(a), same(b), same_mut(out)) {
        f64_tile((a, a_step), (b, b_step), vectors, out, true);
    }
}

/// The slice itself, if its type is the other.
fn same<T: 'static, U: 'static>(slice: &[T]) -> Option<&[U]> {
    // SAFETY: T is U, as is compared first.
    (TypeId::of::<T>() == TypeId::of::<U>())
        .then(|| unsafe { std::slice::from_raw_parts(slice.as_ptr().cast(), slice.len()) })
}

fn same_mut<T: 'static, U: 'static>(slice: &mut [T]) -> Option<&mut [U]> {
    // SAFETY: T is U, as is compared first; the borrow is handed on.
    (TypeId::of::<T>() == TypeId::of::<U>())
        .then(|| unsafe { std::slice::from_raw_parts_mut(slice.as_mut_ptr().cast(), slice.len()) })
}

/// The tiles of one type: with AVX-512 in one go, with AVX2 four rows and 64 bytes at a time, for which there are registers.
macro_rules! tiles {
    ($real:ty, $tile:ident, $wide:ident: $wide_lanes:literal $wide_ops:tt, $half:ident: $half_lanes:literal $half_ops:tt) => {
        tiles!(@kernel $wide, "avx512f", $real, $wide_lanes, $wide_ops);
        tiles!(@kernel $half, "avx2,fma", $real, $half_lanes, $half_ops);

        /// Called where AVX2 and FMA are there.
        fn $tile(
            (a, a_step): (&[$real], usize),
            (b, b_step): (&[$real], usize),
            vectors: usize,
            out: &mut [$real],
            widest: bool,
        ) {
            if widest && is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has AVX-512, as just seen.
                return unsafe {
                    match vectors {
                        1 => $wide::<8, 1>((a, a_step), (b, b_step), out),
                        2 => $wide::<8, 2>((a, a_step), (b, b_step), out),
                        _ => $wide::<8, 3>((a, a_step), (b, b_step), out),
                    }
                };
            }
            for row in [0, 4] {
                for start in (0..vectors).map(|vector| vector * $wide_lanes) {
                    let out = &mut out[row * 3 * $wide_lanes + start..];
                    // SAFETY: the processor has AVX2 and FMA, as the caller saw.
                    unsafe { $half::<4, 2>((&a[row..], a_step), (&b[start..], b_step), out) };
                }
            }
        }
    };
    (@kernel $name:ident, $features:literal, $real:ty, $lanes:literal,
     ($zero:ident, $set:ident, $load:ident, $fused:ident, $store:ident)) => {
        #[target_feature(enable = $features)]
        fn $name<const ROWS: usize, const VECTORS: usize>(
            (a, a_step): (&[$real], usize),
            (b, b_step): (&[$real], usize),
            out: &mut [$real],
        ) {
            let mut sums = [[$zero(); VECTORS]; ROWS];
            for (a, b) in a.chunks(a_step).zip(b.chunks(b_step)) {
                let b = b.as_chunks::<$lanes>().0.first_chunk::<VECTORS>();
                let (Some(a), Some(b)) = (a.first_chunk::<ROWS>(), b) else { break };
                let mut row = [$zero(); VECTORS];
                for (row, b) in row.iter_mut().zip(b) {
                    // SAFETY: an array of as many numbers as the vector has.
                    *row = unsafe { $load(b.as_ptr()) };
                }
                for r in 0..ROWS {
                    let a = $set(a[r]);
                    for v in 0..VECTORS {
                        sums[r][v] = $fused(a, row[v], sums[r][v]);
                    }
                }
            }
            // Rows of the result lie three times 64 bytes apart.
            for (out, sums) in out.chunks_mut(192 / size_of::<$real>()).zip(sums) {
                for (out, sum) in out.as_chunks_mut::<$lanes>().0.iter_mut().zip(sums) {
                    // SAFETY: as above.
                    unsafe { $store(out.as_mut_ptr(), sum) };
                }
            }
        }
    };
}

tiles!(
    f32, f32_tile,
    f32_wide: 16 (_mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_fmadd_ps, _mm512_storeu_ps),
    f32_half: 8 (_mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_fmadd_ps, _mm256_storeu_ps)
);
tiles!(
    f64, f64_tile,
    f64_wide: 8 (_mm512_setzero_pd, _mm512_set1_pd, _mm512_loadu_pd, _mm512_fmadd_pd, _mm512_storeu_pd),
    f64_half: 4 (_mm256_setzero_pd, _mm256_set1_pd, _mm256_loadu_pd, _mm256_fmadd_pd, _mm256_storeu_pd)
);

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

    /// Of whole numbers so small that every sum is exact.
    fn check_tiles<T: Copy + From<u8> + Into<f64> + 'static>() {
        let (width, depth, a_step) = (192 / size_of::<T>(), 5, 9);
        let number = |i: usize| (i * 7 % 10) as u8;
        let a: Vec<T> = (0..depth * a_step).map(|i| number(i).into()).collect();
        let b: Vec<T> = (0..depth * width).map(|i| number(i + 3).into()).collect();
        for vectors in if multiplies_tiles::<T>() { 1..4 } else { 0..0 } {
            let mut out = vec![T::from(1); 8 * width];
            multiply_tile((&a[1..], a_step), (&b, width), vectors, &mut out);
            for (at, &found) in out.iter().enumerate() {
                let (i, j) = (at / width, at % width);
                let term = |k: usize| {
                    let (a, b) = (number(k * a_step + 1 + i), number(k * width + j + 3));
                    f64::from(a) * f64::from(b)
                };
                let inside = j < vectors * 64 / size_of::<T>();
                let expected = if inside { (0..depth).map(term).sum() } else { 1.0 };
                assert_eq!(found.into(), expected, "{vectors} vectors, row {i}, column {j}");
            }
        }
    }

    #[test]
    fn tiles_are_sums_of_products() {
        check_tiles::<f32>();
        check_tiles::<f64>();
    }

    #[test]
    fn both_widths_give_the_same_bits() {
        if !multiplies_tiles::<f64>() {
            return;
        }
        let a: Vec<f64> = (1..=8 * 70).map(|i| 1.0 / f64::from(i)).collect();
        let b: Vec<f64> = (1..=24 * 70).map(|i| 3.0 / f64::from(i) - 1.0).collect();
        let (a32, b32): (Vec<f32>, Vec<f32>) =
            (a.iter().map(|&x| x as f32).collect(), b.iter().map(|&x| x as f32).collect());
        for vectors in 1..4 {
            let [wide, half] = [true, false].map(|widest| {
                let (mut out, mut out32) = ([0.0; 192], [0.0; 384]);
                f64_tile((&a, 8), (&b, 24), vectors, &mut out, widest);
                f32_tile((&a32, 8), (&b32, 48), vectors, &mut out32, widest);
                (out, out32)
            });
            assert_eq!(wide, half, "{vectors} vectors");
        }
    }
}
