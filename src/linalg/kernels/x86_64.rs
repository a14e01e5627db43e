//! Features of x86-64 processors that the compiler does not use by itself.
//!
//! Prefetching took Poisson products from 15 to 18 GB/s on one thread and from 0.78 to 0.93 of the read bandwidth on
//! two: three streams and short inner loops outrun the hardware prefetchers, and those stop at the end of every 4 KiB
//! page. Gathering with AVX-512 (`vgatherdpd`, eight rows at a time) was measured too, at 13 GB/s on one thread, and is
//! slower than scalar loads on Zen 4; so plain products have no vector kernel. Those that have one ([`widest`]) do the
//! same additions in parallel: results do not depend on the processor.
//!
//! A tile of a product of matrices is written with intrinsics: the compiler does not keep two hundred sums in registers
//! (5 Gflop/s against 103).

// For intrinsics, functions compiled for more instructions, and loads and stores of vectors from arrays of their size.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::arch::x86_64::{
    __m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128, _mm256_fmadd_pd, _mm256_fmadd_ps,
    _mm256_loadu_pd, _mm256_loadu_ps, _mm256_set1_pd, _mm256_set1_ps, _mm256_setzero_pd,
    _mm256_setzero_ps, _mm256_storeu_pd, _mm256_storeu_ps, _mm512_fmadd_pd, _mm512_fmadd_ps,
    _mm512_loadu_pd, _mm512_loadu_ps, _mm512_set1_pd, _mm512_set1_ps, _mm512_setzero_pd,
    _mm512_setzero_ps, _mm512_storeu_pd, _mm512_storeu_ps,
};

use crate::linalg::algebra::Scalar;
use crate::storage::CACHE_LINE;

/// Runs `work`, compiled for the widest vector units that this processor has, as far as it is inlined: a closure that is
/// not marked `#[inline(always)]` is not if it is large.
#[inline(always)]
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
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
        // SAFETY: the processor has the features, as just checked.
        unsafe { with_avx512(work) }
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: as above.
        unsafe { with_avx2(work) }
    } else {
        work()
    }
}

/// `to = from`, past the caches if they are whole cache lines: memory that is not read soon is neither fetched before
/// it is written nor kept. Other threads see it after [`fence`].
#[inline(always)]
pub(crate) fn store_lines<X: Scalar, const N: usize>(to: &mut [X; N], from: [X; N]) {
    let (bytes, parts): (usize, *mut __m128i) = (size_of_val(to), std::ptr::from_mut(to).cast());
    if !bytes.is_multiple_of(CACHE_LINE) || !parts.addr().is_multiple_of(CACHE_LINE) {
        *to = from;
        return;
    }
    let from: *const __m128i = std::ptr::from_ref(&from).cast();
    for part in 0..bytes / size_of::<__m128i>() {
        // SAFETY: both are arrays of `bytes` bytes, a multiple of 16 and, for a `Scalar`, none of them padding; and
        // `to` starts at a multiple of 16, as just checked.
        unsafe { _mm_stream_si128(parts.add(part), _mm_loadu_si128(from.add(part))) };
    }
}

/// Orders what [`store_lines`] wrote before what is written afterwards.
#[inline(always)]
pub(crate) fn fence() {
    // SAFETY: every x86-64 processor has the instruction.
    unsafe { _mm_sfence() }
}

/// The least and the largest of some `u32`; `None` if there are none, for another type, or without AVX-512.
pub(crate) fn bounds<I: 'static>(indices: &[I]) -> Option<(usize, usize)> {
    let supported = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
    if TypeId::of::<I>() != TypeId::of::<u32>() || indices.is_empty() || !supported {
        return None;
    }
    // SAFETY: I is u32, as just compared, so this is the slice itself.
    let indices = unsafe { std::slice::from_raw_parts(indices.as_ptr().cast(), indices.len()) };
    // SAFETY: the processor has both features, as just checked.
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

/// The lines that a tile has on either side, on this processor: the number that are read one number at a time, and the
/// number that are read vector by vector. `None` for types that [`multiply_tile`] does not support.
///
/// With AVX-512 eight by three vectors: twenty-four sums. With AVX2 four by two: eight sums, as many as can be in
/// flight at once, and a panel of 64 bytes per step stays in the first-level cache, where one of 192 does not (45
/// Gflop/s per thread against 28). Six by two were no faster in a whole product, and six does not divide a panel.
#[inline(always)]
pub(crate) fn tile_lines<T: 'static>() -> Option<(usize, usize)> {
    let real = [TypeId::of::<f32>(), TypeId::of::<f64>()].contains(&TypeId::of::<T>());
    let supported = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let (rows, bytes) = if is_x86_feature_detected!("avx512f") { (8, 192) } else { (4, 64) };
    (real && supported).then_some((rows, bytes / size_of::<T>()))
}

/// `out = sum over k of a[k] b[k]`, fused additions in the order of `k`, of the [`tile_lines`] of two panels that are
/// consecutive for each `k`. Of each row of `out` only the vectors of 64 bytes from `from` to `to` are computed.
///
/// Does nothing without `tile_lines`. The bits are the same on all processors that have them.
#[inline(always)]
pub(crate) fn multiply_tile<T: 'static>(
    a: &[T],
    b: &[T],
    (from, to): (usize, usize),
    out: &mut [T],
) {
    if tile_lines::<T>().is_none() {
        return;
    }
    if let (Some(a), Some(b), Some(out)) = (same(a), same(b), same_mut(out)) {
        f32_tile(a, b, (from, to), out);
    } else if let (Some(a), Some(b), Some(out)) = (same(a), same(b), same_mut(out)) {
        f64_tile(a, b, (from, to), out);
    }
}

/// The slice itself, if its type is the other.
fn same<T: 'static, U: 'static>(slice: &[T]) -> Option<&[U]> {
    // SAFETY: T is U, as is compared first.
    (TypeId::of::<T>() == TypeId::of::<U>())
        .then(|| unsafe { std::slice::from_raw_parts(slice.as_ptr().cast(), slice.len()) })
}

fn same_mut<T: 'static, U: 'static>(slice: &mut [T]) -> Option<&mut [U]> {
    // SAFETY: T is U, as is compared first; the borrow is passed on.
    (TypeId::of::<T>() == TypeId::of::<U>())
        .then(|| unsafe { std::slice::from_raw_parts_mut(slice.as_mut_ptr().cast(), slice.len()) })
}

/// The tiles of one type.
macro_rules! tiles {
    ($real:ty, $tile:ident, $wide:ident: $wide_lanes:literal $wide_ops:tt, $half:ident: $half_lanes:literal $half_ops:tt) => {
        tiles!(@kernel $wide, "avx512f", 8 x 3, $real, $wide_lanes, $wide_ops);
        tiles!(@kernel $half, "avx2,fma", 4 x 2, $real, $half_lanes, $half_ops);

        /// Called only if AVX2 and FMA are available.
        fn $tile(a: &[$real], b: &[$real], (from, to): (usize, usize), out: &mut [$real]) {
            if !is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has AVX2 and FMA, as the caller has checked.
                return unsafe { $half::<0, 2>(a, b, out) };
            }
            // SAFETY: the processor has AVX-512, as just checked.
            unsafe {
                match (from, to) {
                    (0, 1) => $wide::<0, 1>(a, b, out),
                    (0, 2) => $wide::<0, 2>(a, b, out),
                    (1, 2) => $wide::<1, 2>(a, b, out),
                    (1, 3) => $wide::<1, 3>(a, b, out),
                    (2, 3) => $wide::<2, 3>(a, b, out),
                    _ => $wide::<0, 3>(a, b, out),
                }
            }
        }
    };
    (@kernel $name:ident, $features:literal, $rows:literal x $vectors:literal, $real:ty, $lanes:literal,
     ($zero:ident, $set:ident, $load:ident, $fused:ident, $store:ident)) => {
        #[target_feature(enable = $features)]
        fn $name<const FROM: usize, const TO: usize>(a: &[$real], b: &[$real], out: &mut [$real]) {
            let mut sums = [[$zero(); $vectors]; $rows];
            let (a, b) = (a.as_chunks::<$rows>().0, b.as_chunks::<{ $vectors * $lanes }>().0);
            for (a, b) in a.iter().zip(b) {
                let mut row = [$zero(); $vectors];
                for v in FROM..TO {
                    let b: &[$real; $lanes] = b[v * $lanes..].first_chunk().expect("a vector");
                    // SAFETY: an array of as many numbers as the vector has.
                    row[v] = unsafe { $load(b.as_ptr()) };
                }
                for r in 0..$rows {
                    let a = $set(a[r]);
                    for v in FROM..TO {
                        sums[r][v] = $fused(a, row[v], sums[r][v]);
                    }
                }
            }
            let out = out.as_chunks_mut::<{ $vectors * $lanes }>().0;
            for (out, sums) in out.iter_mut().zip(sums) {
                for v in FROM..TO {
                    let out: &mut [$real; $lanes] =
                        out[v * $lanes..].first_chunk_mut().expect("a vector");
                    // SAFETY: as above.
                    unsafe { $store(out.as_mut_ptr(), sums[v]) };
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

    /// A fused addition rounds once, whatever the width of a vector.
    macro_rules! check_tiles {
        ($real:ty, $half:ident) => {
            let depth = 70;
            let a: Vec<$real> = (1..=8 * depth).map(|i| 1.0 / i as $real).collect();
            let b: Vec<$real> = (1..=48 * depth).map(|i| 3.0 / i as $real - 1.0).collect();
            let check = |(rows, width): (usize, usize),
                         made: std::ops::Range<usize>,
                         out: &[$real]| {
                for (at, &found) in out[..rows * width].iter().enumerate() {
                    let (i, j) = (at / width, at % width);
                    let term = |sum, k: usize| a[k * rows + i].mul_add(b[k * width + j], sum);
                    let steps = (a.len() / rows).min(b.len() / width);
                    let expected = if made.contains(&j) { (0..steps).fold(0.0, term) } else { 1.0 };
                    assert_eq!(found, expected, "row {i}, column {j} of {rows} x {width}");
                }
            };
            if let Some((rows, width)) = tile_lines::<$real>() {
                let lanes = 64 / size_of::<$real>();
                for (from, to) in
                    (0..width / lanes).flat_map(|v| (v..width / lanes).map(move |w| (v, w + 1)))
                {
                    let mut out = vec![1.0; rows * width];
                    multiply_tile(&a, &b, (from, to), &mut out);
                    check((rows, width), from * lanes..to * lanes, &out);
                }
                let (half, mut out) = ((4, lanes), vec![1.0; 4 * lanes]);
                // SAFETY: tiles exist only with AVX2 and FMA.
                unsafe { $half::<0, 2>(&a, &b, &mut out) };
                check(half, 0..lanes, &out);
            }
        };
    }

    #[test]
    fn tiles_are_fused_sums_of_products_on_every_processor() {
        check_tiles!(f32, f32_half);
        check_tiles!(f64, f64_half);
    }
}
