//! Solvers compiled in the library: one copy for each type of vectors.

use num_complex::Complex;

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar};
use crate::solve::dispatch::solve;
use crate::solve::method::Method;
use crate::solve::options::SolveOptions;
use crate::solve::run::Callback;
use crate::solve::solved::Solved;
use crate::storage::Context;

mod sealed {
    pub trait Sealed {}
}

/// The numbers in which systems are solved: every [`Scalar`], `f32`, `f64` and the complex numbers of both.
pub trait Solves: Scalar + sealed::Sealed {
    /// Solves `A x = b` by a method.
    #[doc(hidden)]
    fn solve(
        method: Method,
        a: &dyn LinearOperator<Self>,
        b: &[Self],
        options: &SolveOptions<'_, Self>,
        ctx: &Context,
        callback: &mut Callback<'_, Self>,
    ) -> Result<Solved<Self>>;
}

macro_rules! numbers {
    ($($X:ty),*) => {$(
        impl sealed::Sealed for $X {}
        impl Solves for $X {
            fn solve(
                method: Method,
                a: &dyn LinearOperator<$X>,
                b: &[$X],
                options: &SolveOptions<'_, $X>,
                ctx: &Context,
                callback: &mut Callback<'_, $X>,
            ) -> Result<Solved<$X>> {
                solve(method, a, b, options, ctx, callback)
            }
        }
    )*};
}

numbers!(f32, f64, Complex<f32>, Complex<f64>);
