//! Semirings: the meaning of "times" and "plus" in a product of sparse matrices.
//!
//! With other operations the loop that multiplies matrices finds shortest paths, counts triangles, or finds reachable
//! vertices: see Kepner and Gilbert, "Graph Algorithms in the Language of Linear Algebra", 2011, and the GraphBLAS,
//! whose names these are. A kernel is compiled for each semiring, so that a product of patterns moves no values, and
//! the sum of a path is one instruction.

use std::marker::PhantomData;
use std::ops::{Add, Mul};

use num_traits::{Signed, Zero};

use crate::error::Result;
use crate::linalg::algebra::scalar::Scalar;
use crate::storage::{Element, Entry};

/// An addition with a zero, and a multiplication of entries that gives its terms.
///
/// Every sum starts with [`zero`](Self::zero), the identity of [`add`](Self::add), and adds its terms in the order in
/// which entries are stored, so the addition need be neither associative nor commutative for reproducible results. An
/// entry that is not stored makes no term, so the product of `zero` with anything is never needed.
///
/// | semiring | plus | times | sums |
/// |---|---|---|---|
/// | [`PlusTimes`] | `+` | `×` | products of numbers |
/// | [`PlusFirst`], [`PlusSecond`] | `+` | the left, the right entry | sums of neighbours; the other matrix may be a pattern |
/// | [`PlusPair`] | `+` | 1 | the number of terms: paths of two steps, triangles |
/// | [`AnyPair`] | – | nothing | whether there is a term |
/// | [`OrAnd`] | or | and | reachability |
/// | [`MinPlus`], [`MaxPlus`] | min, max | `+` | shortest, longest paths |
/// | [`MinMax`], [`MaxMin`] | min, max | max, min | bottlenecks, widest paths |
/// | [`MinFirst`], [`MinSecond`] | min | the left, the right entry | least labels of neighbours |
/// | [`MaxFirst`], [`MaxSecond`] | max | the left, the right entry | largest labels of neighbours |
///
/// A user-defined semiring may have state:
///
/// ```
/// use outcore::linalg::Semiring;
/// use outcore::{Context, Csr, Place};
///
/// /// Counts terms modulo a number.
/// #[derive(Clone, Copy)]
/// struct Modulo(u64);
///
/// impl Semiring for Modulo {
///     type Left = u64;
///     type Right = u64;
///     type Sum = u64;
///     fn zero(self) -> u64 {
///         0
///     }
///     fn multiply(self, left: u64, right: u64) -> u64 {
///         left * right % self.0
///     }
///     fn add(self, sum: u64, term: u64) -> u64 {
///         (sum + term) % self.0
///     }
/// }
///
/// let a = Csr::<u64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], vec![3, 4, 5])?;
/// let c = a.matmul_with(Modulo(7), &a, Place::Memory, &Context::new())?;
/// assert_eq!(c.data()[..], [9 % 7, (3 * 4 + 4 * 5) % 7, 25 % 7]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub trait Semiring: Copy + Send + Sync {
    /// Entries of the left matrix.
    type Left: Entry;
    /// Entries of the right matrix.
    type Right: Entry;
    /// Entries of the product.
    type Sum: Entry;

    /// The initial value of every sum.
    fn zero(self) -> Self::Sum;

    /// A term.
    fn multiply(self, left: Self::Left, right: Self::Right) -> Self::Sum;

    /// The sum plus a term.
    fn add(self, sum: Self::Sum, term: Self::Sum) -> Self::Sum;

    /// Fails if a sum was not valid, for example because an integer overflowed. It is called when all sums are made,
    /// before the result is published, and does nothing by default.
    fn check(self) -> Result<()> {
        Ok(())
    }
}

/// A real number or an integer, with a least and a largest value that stand for "no path".
pub trait Ordered: Element + PartialOrd {
    /// Minus infinity, or the least integer.
    const LEAST: Self;

    /// Infinity, or the largest integer.
    const LARGEST: Self;

    /// The sum; saturating for integers, and `LARGEST` if either is that.
    fn plus_or_largest(self, other: Self) -> Self;

    /// The sum; saturating for integers, and `LEAST` if either is that.
    fn plus_or_least(self, other: Self) -> Self;

    /// The smaller one; this one if they are equal or `other` is NaN.
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    /// The larger one; this one if they are equal or `other` is NaN.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
}

macro_rules! ordered {
    (floats $($float:ty),*; integers $($integer:ty),*) => {
        $(impl Ordered for $float {
            const LEAST: Self = <$float>::NEG_INFINITY;
            const LARGEST: Self = <$float>::INFINITY;
            #[inline(always)]
            fn plus_or_largest(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn plus_or_least(self, other: Self) -> Self { self + other }
        })*
        $(impl Ordered for $integer {
            const LEAST: Self = <$integer>::MIN;
            const LARGEST: Self = <$integer>::MAX;
            #[inline(always)]
            fn plus_or_largest(self, other: Self) -> Self {
                let is_largest = self == Self::LARGEST || other == Self::LARGEST;
                if is_largest { Self::LARGEST } else { self.saturating_add(other) }
            }
            #[inline(always)]
            fn plus_or_least(self, other: Self) -> Self {
                let is_least = self == Self::LEAST || other == Self::LEAST;
                if is_least { Self::LEAST } else { self.saturating_add(other) }
            }
        })*
    };
}

ordered! { floats f32, f64; integers i8, i16, i32, i64, u8, u16, u32, u64 }

macro_rules! semirings {
    ($(
        $(#[$doc:meta])*
        $name:ident<$($param:ident: $($bound:ident)&+ $(= $default:ty)?),+>,
        ($left:ty, $right:ty) -> $sum:ty, $zero:expr, $multiply:expr, $add:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<$($param $(= $default)?),+>(PhantomData<($($param,)+)>);

        impl<$($param),+> $name<$($param),+> {
            /// The semiring. The types of its entries usually follow from the matrices.
            pub const fn new() -> Self {
                $name(PhantomData)
            }
        }

        impl<$($param),+> Default for $name<$($param),+> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl<$($param: $($bound +)+),+> Semiring for $name<$($param),+> {
            type Left = $left;
            type Right = $right;
            type Sum = $sum;

            #[inline(always)]
            fn zero(self) -> $sum {
                $zero
            }

            #[inline(always)]
            fn multiply(self, left: $left, right: $right) -> $sum {
                $multiply(left, right)
            }

            #[inline(always)]
            fn add(self, sum: $sum, term: $sum) -> $sum {
                $add(sum, term)
            }
        }
    )*};
}

semirings! {
    /// The ordinary product of numbers.
    PlusTimes<T: Scalar>, (T, T) -> T, T::zero(), Mul::mul, Add::add;

    /// Sums of entries of the left matrix, wherever the right one has an entry.
    PlusFirst<T: Scalar, R: Entry = T>, (T, R) -> T, T::zero(), first, Add::add;

    /// Sums of entries of the right matrix, wherever the left one has an entry.
    PlusSecond<T: Scalar, L: Entry = T>, (L, T) -> T, T::zero(), second, Add::add;

    /// Counts terms, whatever the entries are.
    PlusPair<L: Entry = (), R: Entry = L>, (L, R) -> u64, u64::zero(), one, Add::add;

    /// An entry wherever there is a term, whatever the entries are.
    AnyPair<L: Entry = (), R: Entry = L>, (L, R) -> (), (), nothing, nothing;

    /// Shortest paths, the tropical semiring: zero is [`Ordered::LARGEST`], which no sum changes to a smaller value.
    /// Integers do not wrap.
    MinPlus<T: Ordered>, (T, T) -> T, T::LARGEST, T::plus_or_largest, T::smaller;

    /// Longest paths: zero is [`Ordered::LEAST`], which nothing makes larger. Integers, which have a sign, do not wrap.
    MaxPlus<T: Ordered & Signed>, (T, T) -> T, T::LEAST, T::plus_or_least, T::larger;

    /// The least of the larger ones: paths that minimise the largest step.
    MinMax<T: Ordered>, (T, T) -> T, T::LARGEST, T::larger, T::smaller;

    /// The largest of the smaller ones: paths that maximise the smallest step.
    MaxMin<T: Ordered>, (T, T) -> T, T::LEAST, T::smaller, T::larger;

    /// The least entry of the left matrix.
    MinFirst<T: Ordered, R: Entry = T>, (T, R) -> T, T::LARGEST, first, T::smaller;

    /// The least entry of the right matrix.
    MinSecond<T: Ordered, L: Entry = T>, (L, T) -> T, T::LARGEST, second, T::smaller;

    /// The largest entry of the left matrix.
    MaxFirst<T: Ordered, R: Entry = T>, (T, R) -> T, T::LEAST, first, T::larger;

    /// The largest entry of the right matrix.
    MaxSecond<T: Ordered, L: Entry = T>, (L, T) -> T, T::LEAST, second, T::larger;
}

/// Whether there is a term whose entries are both true.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrAnd;

impl Semiring for OrAnd {
    type Left = bool;
    type Right = bool;
    type Sum = bool;

    #[inline(always)]
    fn zero(self) -> bool {
        false
    }

    #[inline(always)]
    fn multiply(self, left: bool, right: bool) -> bool {
        left & right
    }

    #[inline(always)]
    fn add(self, sum: bool, term: bool) -> bool {
        sum | term
    }
}

/// The semiring for products of the transposes, which are multiplied in the other order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flipped<S>(pub(crate) S);

impl<S: Semiring> Semiring for Flipped<S> {
    type Left = S::Right;
    type Right = S::Left;
    type Sum = S::Sum;

    #[inline(always)]
    fn zero(self) -> S::Sum {
        self.0.zero()
    }

    #[inline(always)]
    fn multiply(self, left: S::Right, right: S::Left) -> S::Sum {
        self.0.multiply(right, left)
    }

    #[inline(always)]
    fn add(self, sum: S::Sum, term: S::Sum) -> S::Sum {
        self.0.add(sum, term)
    }

    fn check(self) -> Result<()> {
        self.0.check()
    }
}

#[inline(always)]
fn first<L, R>(left: L, _: R) -> L {
    left
}

#[inline(always)]
fn second<L, R>(_: L, right: R) -> R {
    right
}

#[inline(always)]
fn one<L, R>(_: L, _: R) -> u64 {
    1
}

#[inline(always)]
fn nothing<L, R>(_: L, _: R) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_the_identity_of_every_sum() {
        fn holds<S: Semiring>(semiring: S, terms: &[S::Sum]) {
            for &term in terms {
                assert_eq!(semiring.add(semiring.zero(), term), term);
                assert_eq!(semiring.add(term, semiring.zero()), term);
            }
        }
        let numbers = [-2.5, 0.0, 7.0, f64::INFINITY, f64::NEG_INFINITY];
        holds(PlusTimes::<f64>::new(), &numbers);
        holds(MinPlus::<f64>::new(), &numbers);
        holds(MaxPlus::<f64>::new(), &numbers);
        holds(MinMax::<i32>::new(), &[i32::MIN, 0, i32::MAX]);
        holds(MaxMin::<u64>::new(), &[u64::MIN, 5, u64::MAX]);
        holds(MinFirst::<u32, ()>::new(), &[0, 5, u32::MAX]);
        holds(MaxSecond::<i64, ()>::new(), &[i64::MIN, 5, i64::MAX]);
        holds(PlusPair::<()>::new(), &[0, 3]);
        holds(OrAnd, &[false, true]);
    }

    #[test]
    fn no_path_goes_on_and_no_length_wraps() {
        let min = MinPlus::<i32>::new();
        assert_eq!(min.multiply(i32::MAX, -5), i32::MAX);
        assert_eq!(min.multiply(i32::MAX - 1, 5), i32::MAX);
        assert_eq!(min.multiply(i32::MIN, -5), i32::MIN);
        let max = MaxPlus::<i32>::new();
        assert_eq!((max.multiply(i32::MIN, 5), max.multiply(i32::MAX, 5)), (i32::MIN, i32::MAX));
        assert_eq!(MinPlus::<f64>::new().add(3.0, f64::NAN), 3.0);
    }
}
