//! Numbers: those of vectors, their multiplication by stored entries, and their summation.
//!
//! - [`scalar`] – the numbers of vectors, and entries that multiply them; [`semiring`] – other additions and
//!   multiplications
//! - [`decode`] – entries decoded into such numbers a block at a time; [`widen`] – for every type of entries
//! - [`sums`] – many numbers added in pairs; [`magnitude`] – scaled where squares would overflow; [`vector`] – sums and
//!   updates of vectors, of [`multi_dot`] at once, of interleaved ones in a [`block`]; [`reduce`] – sums and norms over all
//!   entries of a matrix
//! - [`arithmetic`] – arithmetic of two entries, and integer overflow

mod arithmetic;
mod block;
mod decode;
mod magnitude;
mod multi_dot;
mod reduce;
mod scalar;
mod semiring;
mod sums;
mod vector;
mod widen;

pub use arithmetic::{Multiply, Subtract};
pub(crate) use arithmetic::{check_alike, no_arithmetic, overflow};
pub(crate) use block::{block_add, block_dots, block_norms, block_times};
#[cfg(test)]
pub(crate) use decode::decode;
pub(crate) use decode::{Decode, Values};
pub(crate) use magnitude::{exponent, integer, is_finite, is_safe, is_wide, power_of_two, split};
pub(crate) use multi_dot::orthogonalize;
pub use multi_dot::{combine, dots};
pub(crate) use reduce::{Stored, norm_of, sum_of};
pub use scalar::{Factor, Scalar};
pub(crate) use semiring::Flipped;
pub use semiring::{
    AnyPair, MaxFirst, MaxMin, MaxPlus, MaxSecond, MinFirst, MinMax, MinPlus, MinSecond, OrAnd,
    Ordered, PlusFirst, PlusPair, PlusSecond, PlusTimes, Semiring,
};
pub(crate) use sums::{Pairs, RUN as SUM_RUN, sum_run, two_sum};
pub use vector::{axpby, dot, norm};
pub(crate) use vector::{axpby_squares, divide, largest};
pub(crate) use widen::{Coding, Widen, by_scalar, f32s, f64s, magnitudes};
