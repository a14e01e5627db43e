//! Gather for `f64` entries, `f64` vectors and `u32` indices on processors with AVX-512.
//!
//! ```text
//! for each 8 rows:
//!     for each of them, 8 entries at a time, the last ones under a mask:
//!         sums[row] += a[8 entries] * x[j[8 entries]]
//!     add up the 8 lanes of the 8 sums by a transposition: one vector, a lane for each row
//!     y[8 rows] = alpha * that + beta * y[8 rows]
//! ```
//!
//! 1. A short row is one masked step: no loop over entries, no tail.
//! 2. Rows go by eights for the sake of the additions across lanes: 14 shuffles and 7 additions for all eight.
//!    Missing rows at the end count as empty, so a row's sum does not depend on its neighbours.
//! 3. An index is clamped in its register before it becomes an address, and the largest one seen is kept, as in the portable
//!    kernel. A comparison followed by a masked load would do as well, unless the compiler read the index twice from a
//!    file that changes; a clamped register cannot be read twice.
//! 4. Entries are prefetched `AHEAD` positions early: the hardware stops at the end of every 4 KiB page.

// Vector loads take pointers; every one of them is bounded by the lengths checked beside it.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::arch::x86_64::*;
use std::ops::Range;

use super::panel::{Fault, Panel};
use super::update::Update;
use crate::linalg::Scalar;
use crate::storage::{Entry, Index};

/// Rows in a group, and lanes in a vector.
const LANES: usize = 8;

/// Positions by which prefetching runs ahead.
const AHEAD: usize = 512;

/// The product if types and processor allow it, else `None` with nothing done.
#[inline]
pub(super) fn gather<T: Entry, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
) -> Option<Result<(), Fault>> {
    let supported = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("bmi2");
    if !supported || a.ncols() == 0 {
        return None;
    }
    let rows = Rows {
        indices: same_type(a.indices)?,
        values: same_type(a.values)?,
        x: same_type(&x[..=a.last_column()?])?,
    };
    let [alpha, beta] = *same_type(&[update.alpha, update.beta])? else { return None };
    let y = same_type_mut(y)?;
    // SAFETY: the processor has the three features, as seen above.
    Some(unsafe { gather_f64(a, &rows, Update { alpha, beta }, y) })
}

/// The slices of a panel and its vector once their types are known; `x` is not empty.
struct Rows<'a> {
    indices: &'a [u32],
    values: &'a [f64],
    x: &'a [f64],
}

fn same_type<A: 'static, B: 'static>(slice: &[A]) -> Option<&[B]> {
    let same = TypeId::of::<A>() == TypeId::of::<B>();
    // SAFETY: A and B are the same type, as just compared, so this is the slice itself.
    same.then(|| unsafe { std::slice::from_raw_parts(slice.as_ptr().cast(), slice.len()) })
}

fn same_type_mut<A: 'static, B: 'static>(slice: &mut [A]) -> Option<&mut [B]> {
    let same = TypeId::of::<A>() == TypeId::of::<B>();
    // SAFETY: A and B are the same type, as just compared, so this is the slice itself.
    same.then(|| unsafe { std::slice::from_raw_parts_mut(slice.as_mut_ptr().cast(), slice.len()) })
}

#[target_feature(enable = "avx512f,avx512vl,bmi2")]
fn gather_f64<T, I: Index, P: Index>(
    a: Panel<'_, T, I, P>,
    rows: &Rows<'_>,
    update: Update<f64>,
    y: &mut [f64],
) -> Result<(), Fault> {
    let mut largest = _mm256_setzero_si256();
    let (groups, rest) = y.as_chunks_mut::<LANES>();
    let grouped = groups.len() * LANES;
    for (group, y) in groups.iter_mut().enumerate() {
        let mut sums = [_mm512_setzero_pd(); LANES];
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum = row_sum(rows, a.row(group * LANES + lane)?, &mut largest);
        }
        store(add_lanes(sums), update, y);
    }
    let mut sums = [_mm512_setzero_pd(); LANES];
    for (lane, sum) in sums.iter_mut().enumerate().take(rest.len()) {
        *sum = row_sum(rows, a.row(grouped + lane)?, &mut largest);
    }
    let mut last = [0.0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    store(add_lanes(sums), update, &mut last);
    rest.copy_from_slice(&last[..rest.len()]);
    let largest = _mm512_reduce_max_epu32(_mm512_zextsi256_si512(largest)) as usize;
    if largest < rows.x.len() { Ok(()) } else { Err(Fault) }
}

/// Eight partial sums of the row whose entries stand at `range`.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,bmi2")]
fn row_sum(rows: &Rows<'_>, range: Range<usize>, largest: &mut __m256i) -> __m512d {
    assert!(range.end <= rows.indices.len() && range.end <= rows.values.len());
    let last = _mm256_set1_epi32((rows.x.len() - 1) as i32);
    let (indices, values) = (rows.indices.as_ptr(), rows.values.as_ptr());
    _mm_prefetch::<_MM_HINT_T0>(indices.wrapping_add(range.start + AHEAD).cast());
    _mm_prefetch::<_MM_HINT_T0>(values.wrapping_add(range.start + AHEAD).cast());
    let mut sum = _mm512_setzero_pd();
    let mut n = range.start;
    while n < range.end {
        let mask = _bzhi_u32(0xff, (range.end - n).min(LANES) as u32) as __mmask8;
        // SAFETY: the mask leaves positions n..range.end, below the lengths of both slices as asserted above; a load
        // does not touch lanes outside its mask.
        let (j, value) = unsafe {
            (
                _mm256_maskz_loadu_epi32(mask, indices.add(n).cast()),
                _mm512_maskz_loadu_pd(mask, values.add(n)),
            )
        };
        *largest = _mm256_max_epu32(*largest, j);
        let j = _mm256_min_epu32(j, last);
        // SAFETY: every lane of j was just clamped to the last position of x, which is at most i32::MAX (a column's
        // largest index) and so not negative where the gather reads it as signed.
        let x = unsafe {
            _mm512_mask_i32gather_pd::<8>(_mm512_setzero_pd(), mask, j, rows.x.as_ptr())
        };
        sum = _mm512_fmadd_pd(value, x, sum);
        n += LANES;
    }
    sum
}

/// Lane r is the sum of the lanes of `sums[r]`, in the order ((0+1)+(2+3))+((4+5)+(6+7)).
#[inline]
#[target_feature(enable = "avx512f")]
fn add_lanes(sums: [__m512d; LANES]) -> __m512d {
    let pairs = |a, b| _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
    // Adds neighbouring 128-bit quarters of a, then of b.
    let quarters = |a, b| {
        let even = _mm512_shuffle_f64x2::<0b10_00_10_00>(a, b);
        let odd = _mm512_shuffle_f64x2::<0b11_01_11_01>(a, b);
        _mm512_add_pd(even, odd)
    };
    let [a, b, c, d, e, f, g, h] = sums;
    let low = quarters(pairs(a, b), pairs(c, d));
    let high = quarters(pairs(e, f), pairs(g, h));
    quarters(low, high)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(sums: __m512d, update: Update<f64>, y: &mut [f64; LANES]) {
    let mut sums = _mm512_mul_pd(sums, _mm512_set1_pd(update.alpha));
    if update.beta != 0.0 {
        // SAFETY: y is eight numbers.
        let old = unsafe { _mm512_loadu_pd(y.as_ptr()) };
        sums = _mm512_fmadd_pd(old, _mm512_set1_pd(update.beta), sums);
    }
    // SAFETY: y is eight numbers.
    unsafe { _mm512_storeu_pd(y.as_mut_ptr(), sums) }
}
