//! Sums of many numbers: blocks in lanes, and everything above a block in pairs.
//!
//! ```text
//! block, 256 numbers:  lane l takes the numbers l, l + 16, …, sequentially
//! run, 64 blocks:      the lanes of blocks are added in pairs, pairs of pairs, …;  then the lanes, as a tree
//! all:                 the sums of runs in pairs
//! ```
//!
//! 1. The shape depends only on the length: the same bits for any number of threads, panels and places.
//! 2. Additions in pairs let the error grow with the logarithm of the length (Higham, "The accuracy of floating point
//!    summation", 1993); only the 16 additions of a lane within a block are sequential.
//! 3. Up to a block is summed directly: lanes in order, then the tail.
//! 4. Sums start from +0, so an empty sum is +0 and not −0.

use std::ops::Add;

use num_traits::Zero;

use crate::linalg::algebra::scalar::Scalar;
use crate::storage::prefetch_ahead;

/// Numbers summed by one task; a longer sum is cut only at multiples of it.
pub(crate) const RUN: usize = 1 << 14;

/// Independent sums, so that additions do not wait for each other.
const LANES: usize = 16;

/// Numbers whose lanes are summed sequentially.
const BLOCK: usize = 16 * LANES;

/// Levels of pairs needed for a run, and for any length.
const OF_RUN: usize = (RUN / BLOCK).ilog2() as usize + 1;
const OF_ALL: usize = 64;

/// Adds sums in pairs, in order; at most `2^LEVELS − 1` of them.
pub(crate) struct Pairs<S, const LEVELS: usize = OF_ALL> {
    /// For every bit set in `taken` the sum of that many terms; the largest is the earliest.
    parts: [S; LEVELS],
    taken: u64,
}

impl<S: Copy, const LEVELS: usize> Pairs<S, LEVELS> {
    /// No sums yet; `zero` is the empty sum.
    pub(crate) fn new(zero: S) -> Self {
        Pairs { parts: [zero; LEVELS], taken: 0 }
    }

    /// Takes the next sum.
    #[inline(always)]
    pub(crate) fn take(&mut self, mut sum: S, add: impl Fn(S, S) -> S) {
        let level = self.taken.trailing_ones() as usize;
        for part in &self.parts[..level] {
            sum = add(*part, sum);
        }
        self.parts[level] = sum;
        self.taken += 1;
    }

    /// The sum of all that was taken.
    pub(crate) fn total(&self, add: impl Fn(S, S) -> S) -> Option<S> {
        let set = (0..LEVELS).filter(|level| self.taken >> level & 1 == 1);
        set.map(|level| self.parts[level]).reduce(|later, earlier| add(earlier, later))
    }
}

/// Adds sums in pairs, in order.
pub(crate) fn sum_pairs<S: Copy + Zero + Add<Output = S>>(sums: impl IntoIterator<Item = S>) -> S {
    let mut pairs = Pairs::<S>::new(S::zero());
    sums.into_iter().for_each(|sum| pairs.take(sum, S::add));
    pairs.total(S::add).unwrap_or_else(S::zero)
}

/// The sum of `term` over the numbers of one run, at most [`RUN`]; compiled for the vectors of its caller.
#[inline(always)]
pub(crate) fn sum_run<T: Copy, X: Scalar>(run: &[T], term: impl Fn(T) -> X) -> X {
    // Slices of units have no bytes: the compiler removes them.
    sum_run_of_two(run, &[(); RUN][..run.len()], |entry, ()| term(entry))
}

/// The sum of `term` over pairs of numbers of one run, at most [`RUN`]; compiled for the vectors of its caller.
#[inline(always)]
pub(crate) fn sum_run_of_two<A: Copy, B: Copy, X: Scalar>(
    a: &[A],
    b: &[B],
    term: impl Fn(A, B) -> X,
) -> X {
    if a.len() <= BLOCK {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks(), b.as_chunks());
        let lanes = lanes_of(a, b, &term);
        let tail = a_tail.iter().zip(b_tail).map(|(&a, &b)| term(a, b));
        return lanes.into_iter().fold(X::zero(), X::add) + tail.fold(X::zero(), X::add);
    }
    let add = |mut lanes: [X; LANES], more: [X; LANES]| {
        lanes.iter_mut().zip(more).for_each(|(lane, more)| *lane += more);
        lanes
    };
    let mut pairs = Pairs::<_, OF_RUN>::new([X::zero(); LANES]);
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let ((a, a_tail), (b, b_tail)) = (a.as_chunks(), b.as_chunks());
        let mut lanes = lanes_of(a, b, &term);
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a_tail.iter().zip(b_tail)) {
            *lane += term(a, b);
        }
        pairs.take(lanes, add);
    }
    let mut lanes = pairs.total(add).unwrap_or([X::zero(); LANES]);
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let upper = lanes[lane + width];
            lanes[lane] += upper;
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn lanes_of<A: Copy, B: Copy, X: Scalar>(
    a: &[[A; LANES]],
    b: &[[B; LANES]],
    term: &impl Fn(A, B) -> X,
) -> [X; LANES] {
    let mut lanes = [X::zero(); LANES];
    for (a, b) in a.iter().zip(b) {
        prefetch_ahead(a);
        prefetch_ahead(b);
        for lane in 0..LANES {
            lanes[lane] += term(a[lane], b[lane]);
        }
    }
    lanes
}

/// `a + b` as a rounded number and its exact rounding error: Knuth's two-sum. On overflow the error is 0.
#[inline(always)]
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    let lost = (a - (sum - of_b)) + (b - of_b);
    (sum, if sum.is_finite() { lost } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_of_a_tree() {
        let show = |n: u32| {
            let mut pairs = Pairs::<(u32, u32), 8>::new((0, 0));
            // The sum and the depth of its additions.
            let add = |a: (u32, u32), b: (u32, u32)| (a.0 + b.0, a.1.max(b.1) + 1);
            (1..=n).for_each(|i| pairs.take((i, 0), add));
            pairs.total(add)
        };
        assert_eq!((show(0), show(1)), (None, Some((1, 0))));
        assert_eq!((show(4), show(5)), (Some((10, 2)), Some((15, 3))));
        assert_eq!(show(100), Some((5050, 7)));
        assert_eq!(show(255), Some((255 * 128, 8)));
    }

    #[test]
    fn every_length_is_summed_whole() {
        for n in (0..600).chain([RUN - 1, RUN]) {
            let numbers: Vec<f64> = (0..n).map(|i| i as f64).collect();
            assert_eq!(sum_run(&numbers, |x| x), (n * n.saturating_sub(1) / 2) as f64);
            assert!(sum_run(&numbers, |_| -0.0f64).is_sign_positive());
        }
    }

    #[test]
    fn constants_are_summed_to_the_last_place() {
        let run = [0.1f32; RUN];
        let sum = sum_pairs((0..611).map(|_| sum_run(&run, |x| x)));
        let exact = 611.0 * RUN as f64 * f64::from(0.1f32);
        assert!((f64::from(sum) / exact - 1.0).abs() < 3e-7, "{sum} {exact}");
    }

    #[test]
    fn what_a_sum_loses_is_told() {
        assert_eq!(two_sum(9007199254740992.0, 1.0), (9007199254740992.0, 1.0));
        assert_eq!(two_sum(1.0, 9007199254740992.0), (9007199254740992.0, 1.0));
        assert_eq!(two_sum(f64::MAX, f64::MAX), (f64::INFINITY, 0.0));
    }
}
