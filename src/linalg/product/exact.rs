//! Products of 64-bit integers with vectors of integers, summed as integers.
//!
//! An `f64` holds integers up to 2⁵³, so the sum `2⁵³ + 1 + 1` in it loses two. If matrix and vector are integers, sums
//! are kept in two `f64`, the second holding the rounding error of the first, and rounded once at the end. Vectors of
//! other numbers are multiplied as usual; the first number that is not an integer decides it.
//!
//! Source: Dekker, "A floating-point technique for extending the available precision" (1971).

use std::marker::PhantomData;

use crate::dense::{AnyDense, DensePanel, DensePanels};
use crate::error::Result;
use crate::linalg::algebra::{Semiring, integer, split, two_sum};
use crate::linalg::product::matvec_with::multiply;
use crate::sparse::AnyCompressed;
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{Context, Element, Entry, Order};
use num_complex::Complex;

/// The largest integer of a vector: `f64` represents all smaller ones.
const LARGEST: f64 = (1u64 << 53) as f64;

/// A sum, and its rounding error.
type Both = Complex<f64>;

/// A number as one or two real parts, for which real products are computed separately.
pub trait RealParts: Copy + Send + Sync {
    const COUNT: usize;
    fn part(self, part: usize) -> f64;
    fn set(&mut self, part: usize, number: f64);
}

impl RealParts for f64 {
    const COUNT: usize = 1;
    fn part(self, _: usize) -> f64 {
        self
    }
    fn set(&mut self, _: usize, number: f64) {
        *self = number;
    }
}

impl RealParts for Complex<f64> {
    const COUNT: usize = 2;
    fn part(self, part: usize) -> f64 {
        if part == 0 { self.re } else { self.im }
    }
    fn set(&mut self, part: usize, number: f64) {
        *(if part == 0 { &mut self.re } else { &mut self.im }) = number;
    }
}

/// Whether all numbers are integers, and not all are zeros.
fn are_integers<X: RealParts>(x: &[X]) -> bool {
    let is_integer = |x: f64| x.fract() == 0.0 && x.abs() <= LARGEST;
    let parts = |x: X| (0..X::COUNT).map(move |part| x.part(part));
    x.iter().all(|&x| parts(x).all(is_integer)) && x.iter().any(|&x| parts(x).any(|x| x != 0.0))
}

/// Addition and multiplication of integers in two `f64`.
#[derive(Clone, Copy)]
struct InTwo<T>(PhantomData<fn() -> T>);

impl<T: Entry> Semiring for InTwo<T> {
    type Left = T;
    type Right = f64;
    type Sum = Both;

    #[inline(always)]
    fn zero(self) -> Both {
        Both::new(0.0, 0.0)
    }

    #[inline(always)]
    fn multiply(self, left: T, right: f64) -> Both {
        let (nearest, more) = split(integer(left));
        let (product, lost) = two_product(nearest, right);
        Both::new(product, lost + more * right)
    }

    #[inline(always)]
    fn add(self, sum: Both, term: Both) -> Both {
        let (re, lost) = two_sum(sum.re, term.re);
        Both::new(re, sum.im + term.im + lost)
    }
}

/// `a b` as a rounded number and its exact rounding error.
#[inline(always)]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let halves = |x: f64| {
        let shifted = x * ((1u32 << 27) + 1) as f64;
        let upper = shifted - (shifted - x);
        (upper, x - upper)
    };
    let (product, (a, a_low), (b, b_low)) = (a * b, halves(a), halves(b));
    (product, ((a * b - product) + a * b_low + a_low * b) + a_low * b_low)
}

/// Computes the product of a sparse matrix, or of its transpose, if `x` has only integers; returns whether it does.
pub(crate) fn sparse<X: RealParts, T: Entry>(
    a: &AnyCompressed,
    adjoint: bool,
    (k, x, y): (usize, &[X], &mut [X]),
    ctx: &Context,
) -> Result<bool> {
    let (nrows, ncols) = a.shape();
    let lengths = if adjoint { (nrows, ncols) } else { (ncols, nrows) };
    each_vector(lengths, (k, x, y), ctx, |one, sums| {
        // The adjoint of a CSC is a CSR, and vice versa.
        let a = if adjoint { a.transpose() } else { a.clone() };
        multiply(InTwo::<T>(PhantomData), &a, one, sums, ctx)
    })
}

/// Computes the product of a dense matrix, or of its transpose, if `x` has only integers; returns whether it does.
pub(crate) fn dense<X: RealParts, T: Element>(
    a: &AnyDense,
    adjoint: bool,
    (k, x, y): (usize, &[X], &mut [X]),
    ctx: &Context,
) -> Result<bool> {
    let (nrows, ncols) = a.dim();
    let lengths = if adjoint { (nrows, ncols) } else { (ncols, nrows) };
    let along = (a.order() == Order::C) != adjoint;
    each_vector(lengths, (k, x, y), ctx, |one, sums| {
        let vectors = (size_of_val(one) + size_of_val(sums)) as u64;
        let budget = ctx.memory_left().saturating_sub(vectors);
        let mut panels = DensePanels::for_one_sweep(a, 1, budget)?;
        sums.fill(Both::default());
        panels.sweep(ctx, &mut |DensePanel { first, lines, elements, .. }| {
            let elements = elements.as_typed::<T>();
            let here = first..first + lines;
            ctx.with_threads(|| match along {
                true => add_along(elements, one, &mut sums[here]),
                false => add_across(elements, &one[here], sums),
            });
            Ok(())
        })
    })
}

/// Every sum takes one line.
fn add_along<T: Element>(elements: &[T], x: &[f64], sums: &mut [Both]) {
    let semiring = InTwo(PhantomData);
    if x.is_empty() {
        return;
    }
    sums.par_iter_mut().zip(elements.par_chunks(x.len())).for_each(|(sum, line)| {
        let terms = line.iter().zip(x).map(|(&a, &x)| semiring.multiply(a, x));
        *sum = terms.fold(*sum, |sum, term| semiring.add(sum, term));
    });
}

/// Every line adds to all sums.
fn add_across<T: Element>(elements: &[T], x: &[f64], sums: &mut [Both]) {
    let (semiring, length) = (InTwo(PhantomData), sums.len());
    sums.par_iter_mut().enumerate().with_min_len(64).for_each(|(j, sum)| {
        for (line, &x) in elements.chunks_exact(length).zip(x) {
            *sum = semiring.add(*sum, semiring.multiply(line[j], x));
        }
    });
}

/// Multiplies with every part of each of `k` interleaved vectors separately; returns whether they are integers.
fn each_vector<X: RealParts>(
    (from, to): (usize, usize),
    (k, x, y): (usize, &[X], &mut [X]),
    ctx: &Context,
    mut product: impl FnMut(&[f64], &mut [Both]) -> Result<()>,
) -> Result<bool> {
    if !are_integers(x) {
        return Ok(false);
    }
    let mut one = ctx.filled("the vectors", from, 0.0)?;
    let mut sums = ctx.filled("the vectors", to, Both::default())?;
    for j in 0..k {
        for part in 0..X::COUNT {
            let numbers = x.iter().skip(j).step_by(k);
            one.iter_mut().zip(numbers).for_each(|(to, x)| *to = x.part(part));
            product(&one, &mut sums)?;
            let results = y.iter_mut().skip(j).step_by(k);
            results.zip(&sums).for_each(|(y, sum)| y.set(part, sum.re + sum.im));
        }
    }
    Ok(true)
}
