//! Blocks of interleaved vectors, rows of `k` numbers as products take them: inner products of all with all, and
//! combinations by a small matrix, each in one pass over the blocks.
//!
//! Small matrices are stored row by row. The shape of a sum depends only on the extents, as in `vector.rs`: rows of a
//! part are added one after the other, parts of a task too, and tasks in pairs.

use num_traits::{Float, Zero};

use crate::linalg::algebra::magnitude::{is_safe, larger, largest_part, power_of_two};
use crate::linalg::algebra::scalar::Scalar;
use crate::linalg::algebra::sums::sum_pairs;
use crate::storage::Context;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};

/// Numbers that are added in registers.
const LANES: usize = 8;

/// Numbers of a part of both blocks, which stay in the first-level cache.
const PART: usize = 2048;

/// Numbers of a task.
const TASK: usize = 1 << 15;

/// `XᴴY`, `k × l`, of blocks with `k` and `l` vectors. Cost: one read of both.
pub(crate) fn block_dots<X: Scalar>(
    (k, x): (usize, &[X]),
    (l, y): (usize, &[X]),
    ctx: &Context,
) -> Vec<X> {
    let n = x.len().checked_div(k).unwrap_or(0);
    let part = (PART / (k + l).max(1)).max(16);
    // The sums of a task are fewer than the numbers it reads.
    let task = part * (TASK / (part * (k + l).max(1))).max((4 * k.max(l)).div_ceil(part)).max(1);
    let sums: Vec<Vec<X>> = ctx.with_threads(|| {
        let tasks = (0..n.div_ceil(task)).into_par_iter().map(|at| {
            let end = n.min((at + 1) * task);
            let mut sums = vec![X::zero(); k * l];
            for start in (at * task..end).step_by(part) {
                let rows = start..end.min(start + part);
                let (x, y) = (&x[rows.start * k..rows.end * k], &y[rows.start * l..rows.end * l]);
                add_dots((k, x), (l, y), &mut sums);
            }
            sums
        });
        tasks.collect()
    });
    (0..k * l).map(|at| sum_pairs(sums.iter().map(|sums| sums[at]))).collect()
}

/// Adds the inner products of some rows.
fn add_dots<X: Scalar>((k, x): (usize, &[X]), (l, y): (usize, &[X]), sums: &mut [X]) {
    for i in 0..k {
        for first in (0..l).step_by(LANES) {
            let to = &mut sums[i * l + first..i * l + l.min(first + LANES)];
            let rows = x.iter().skip(i).step_by(k).zip(y.chunks_exact(l));
            let mut lanes = [X::zero(); LANES];
            if to.len() == LANES {
                for (x, y) in rows {
                    let (x, y) = (x.conj(), &y[first..first + LANES]);
                    lanes.iter_mut().zip(y).for_each(|(lane, &y)| *lane += x * y);
                }
            } else {
                for (x, y) in rows {
                    let (x, y) = (x.conj(), &y[first..first + to.len()]);
                    lanes.iter_mut().zip(y).for_each(|(lane, &y)| *lane += x * y);
                }
            }
            to.iter_mut().zip(lanes).for_each(|(to, lane)| *to += lane);
        }
    }
}

/// `Y += X T` with a `k × l` matrix. Cost: one read of `X`, one read and write of `Y`.
pub(crate) fn block_add<X: Scalar>(
    (k, x): (usize, &[X]),
    t: &[X],
    (l, y): (usize, &mut [X]),
    ctx: &Context,
) {
    if k == 0 || l == 0 {
        return;
    }
    let t = Padded::new((k, l), t);
    let rows = rows_of_task(k, l);
    ctx.with_threads(|| {
        let tasks = y.par_chunks_mut(rows * l).zip(x.par_chunks(rows * k));
        tasks.for_each(|(y, x)| {
            for (y, x) in y.chunks_exact_mut(l).zip(x.chunks_exact(k)) {
                t.multiply(x, |lane, sums| {
                    y[lane..].iter_mut().zip(sums).for_each(|(y, sum)| *y += sum);
                });
            }
        });
    });
}

/// `X = X T`, or `X T + Z`, with a `k × l` matrix that does not widen the block: the first `n l` numbers of `X` are then
/// the rows. Cost: one read of `Z`, one read and write of `X`.
pub(crate) fn block_times<X: Scalar>(
    (k, x): (usize, &mut [X]),
    (l, t): (usize, &[X]),
    z: Option<&[X]>,
    ctx: &Context,
) {
    if k == 0 || l == 0 {
        return;
    }
    let t = Padded::new((k, l), t);
    let mut row = vec![X::zero(); k];
    if l < k {
        // Rows move towards the front, so one after the other.
        for at in 0..x.len() / k {
            row.copy_from_slice(&x[at * k..][..k]);
            t.write(&row, z.map(|z| &z[at * l..][..l]), &mut x[at * l..][..l]);
        }
        return;
    }
    let rows = rows_of_task(k, l);
    ctx.with_threads(|| {
        x.par_chunks_mut(rows * k).enumerate().for_each(|(task, x)| {
            let mut row = vec![X::zero(); k];
            for (at, x) in x.chunks_exact_mut(k).enumerate() {
                let at = (task * rows + at) * l;
                row.copy_from_slice(x);
                t.write(&row, z.map(|z| &z[at..at + l]), x);
            }
        });
    });
}

/// The Euclidean norm of each of `k` vectors, also if squares overflow or underflow. Cost: one read; three for a vector
/// with such numbers. `sum` and `max` complete the sums and the maximum of what is not here.
pub(crate) fn block_norms<X: Scalar, E>(
    (k, x): (usize, &[X]),
    ctx: &Context,
    sum: impl Fn(&mut [X]) -> Result<(), E>,
    max: impl Fn(X::Real) -> Result<X::Real, E>,
) -> Result<Vec<X::Real>, E> {
    let zero = X::Real::zero();
    let mut squares = sums_of_squares((k, x), &vec![X::one().real(); k], ctx);
    sum(&mut squares)?;
    let mut norms = Vec::with_capacity(k);
    for (j, square) in squares.into_iter().map(Scalar::real).enumerate() {
        if is_safe(square) || square.is_nan() {
            norms.push(square.sqrt());
            continue;
        }
        let column = x.iter().skip(j).step_by(k);
        let largest = max(column.map(|&x| largest_part(x)).fold(zero, larger))?;
        if largest.is_zero() || !largest.is_finite() {
            norms.push(largest);
            continue;
        }
        let (scale, back) = power_of_two(largest);
        let mut scales = vec![zero; k];
        scales[j] = scale;
        let mut again = sums_of_squares((k, x), &scales, ctx);
        sum(&mut again)?;
        norms.push(again[j].real().sqrt() * back);
    }
    Ok(norms)
}

/// For each of `k` vectors the sum of the squares of its numbers times a scale.
fn sums_of_squares<X: Scalar>((k, x): (usize, &[X]), scales: &[X::Real], ctx: &Context) -> Vec<X> {
    if k == 0 {
        return Vec::new();
    }
    let rows = (PART / k).max(16);
    let sums: Vec<Vec<X::Real>> = ctx.with_threads(|| {
        let tasks = x.par_chunks(rows * k).with_min_len(LEAST).map(|x| {
            let mut sums = vec![X::Real::zero(); k];
            for x in x.chunks_exact(k) {
                for ((sum, &x), &scale) in sums.iter_mut().zip(x).zip(scales) {
                    // A scale of zero leaves a vector out, also one that overflows.
                    if !scale.is_zero() {
                        *sum += (x * X::from_real(scale)).abs_squared();
                    }
                }
            }
            sums
        });
        tasks.collect()
    });
    (0..k).map(|j| X::from_real(sum_pairs(sums.iter().map(|sums| sums[j])))).collect()
}

/// Minimum parts that a thread takes at a time.
const LEAST: usize = TASK / PART;

fn rows_of_task(k: usize, l: usize) -> usize {
    (TASK / (k + l)).max(1)
}

/// A small matrix whose rows are padded with zeros to whole lanes.
struct Padded<X> {
    lanes: Vec<[X; LANES]>,
    /// Lanes of a row.
    width: usize,
}

impl<X: Scalar> Padded<X> {
    fn new((k, l): (usize, usize), t: &[X]) -> Self {
        let width = l.div_ceil(LANES);
        let mut lanes = vec![[X::zero(); LANES]; k * width];
        for (row, t) in lanes.chunks_exact_mut(width).zip(t.chunks_exact(l)) {
            row.as_flattened_mut().iter_mut().zip(t).for_each(|(to, &t)| *to = t);
        }
        Padded { lanes, width }
    }

    /// Passes the lanes of `x T` on, each with the position of its first number.
    #[inline(always)]
    fn multiply(&self, x: &[X], mut take: impl FnMut(usize, [X; LANES])) {
        for lane in 0..self.width {
            let mut sums = [X::zero(); LANES];
            for (&x, t) in x.iter().zip(self.lanes[lane..].iter().step_by(self.width)) {
                sums.iter_mut().zip(t).for_each(|(sum, &t)| *sum += x * t);
            }
            take(lane * LANES, sums);
        }
    }

    /// Writes `x T`, or `x T + z`.
    #[inline(always)]
    fn write(&self, x: &[X], z: Option<&[X]>, y: &mut [X]) {
        self.multiply(x, |lane, sums| {
            y[lane..].iter_mut().zip(sums).for_each(|(y, sum)| *y = sum);
        });
        if let Some(z) = z {
            y.iter_mut().zip(z).for_each(|(y, &z)| *y += z);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 7 + seed) % 23) as f64 / 8.0 - 1.0).collect()
    }

    #[test]
    fn blocks_are_multiplied_as_vectors_are() {
        for (n, k, l) in [(1, 1, 1), (5, 3, 2), (700, 8, 8), (9000, 5, 9), (3000, 17, 16)] {
            let (x, y) = (numbers(n * k, 1), numbers(n * l, 5));
            let one = |threads| Context::new().threads(threads).unwrap();
            let found = block_dots((k, &x), (l, &y), &one(1));
            assert_eq!(found, block_dots((k, &x), (l, &y), &one(3)));
            for (at, &found) in found.iter().enumerate() {
                let exact: f64 = (0..n).map(|r| x[r * k + at / l] * y[r * l + at % l]).sum();
                assert!((found - exact).abs() <= 1e-9 * n as f64, "{n} {k} {l}");
            }
            // Numbers of few digits are added without rounding.
            let t = numbers(k * l, 3);
            let exact =
                |r: usize, c: usize| (0..k).map(|i| x[r * k + i] * t[i * l + c]).sum::<f64>();
            let mut sum = y.clone();
            block_add((k, &x), &t, (l, &mut sum), &one(3));
            assert!((0..n * l).all(|at| sum[at] == y[at] + exact(at / l, at % l)));
            if l <= k {
                let (mut narrow, mut both) = (x.clone(), x.clone());
                block_times((k, &mut narrow), (l, &t), None, &one(3));
                block_times((k, &mut both), (l, &t), Some(&y), &one(3));
                assert!((0..n * l).all(|at| narrow[at] == exact(at / l, at % l)));
                assert!((0..n * l).all(|at| both[at] == exact(at / l, at % l) + y[at]));
            }
        }
    }

    #[test]
    fn norms_of_vectors_of_any_size() {
        let x = [3.0f64, 3e-200, 3e200, 0.0, 4.0, 4e-200, 4e200, 0.0];
        let norms = block_norms((4, &x), &Context::new(), |_| Ok::<_, ()>(()), Ok).unwrap();
        let exact = [5.0, 5e-200, 5e200, 0.0];
        assert!(norms.iter().zip(exact).all(|(norm, exact)| (norm - exact).abs() <= 1e-15 * exact));
    }
}
