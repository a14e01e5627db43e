//! Solvers compiled in the library: one copy for each type of vectors.

use num_complex::Complex;

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar};
use crate::solve::bicgstab::bicgstab;
use crate::solve::block_cg::BlockCallback;
use crate::solve::cg_iteration::Iteration;
use crate::solve::chebyshev::chebyshev;
use crate::solve::dispatch::{solve, solve_block};
use crate::solve::gmres::gmres;
use crate::solve::idrs::idrs;
use crate::solve::lsmr::lsmr;
use crate::solve::lsqr::lsqr;
use crate::solve::method::Method;
use crate::solve::minres::minres;
use crate::solve::options::SolveOptions;
use crate::solve::solved::Solved;
use crate::solve::solved_block::SolvedBlock;
use crate::solve::solver::Callback;
use crate::storage::Context;

mod sealed {
    pub trait Sealed {}
}

/// The arguments of a solver, and its result.
macro_rules! solvers {
    ($($name:ident: $Method:ident, $iterate:expr;)*) => {
        /// The numbers in which systems are solved: every [`Scalar`], `f32`, `f64` and the complex numbers of both.
        pub trait Solves: Scalar + sealed::Sealed {
            $(
                #[doc(hidden)]
                fn $name(
                    a: &dyn LinearOperator<Self>,
                    b: &[Self],
                    options: &SolveOptions<'_, Self>,
                    ctx: &Context,
                    callback: &mut Callback<'_, Self>,
                ) -> Result<Solved<Self>>;
            )*

            /// Solves `A X = B` by conjugate gradients, for `k` right-hand sides at once.
            #[doc(hidden)]
            fn block_cg(
                system: (&dyn LinearOperator<Self>, usize, &[Self]),
                options: &SolveOptions<'_, Self>,
                ctx: &Context,
                callback: &mut BlockCallback<'_, Self>,
            ) -> Result<SolvedBlock<Self>>;

            /// Solves `A x = b` by a method.
            #[doc(hidden)]
            fn solve(
                method: Method,
                a: &dyn LinearOperator<Self>,
                b: &[Self],
                options: &SolveOptions<'_, Self>,
                ctx: &Context,
                callback: &mut Callback<'_, Self>,
            ) -> Result<Solved<Self>> {
                match method {
                    $(Method::$Method => Self::$name(a, b, options, ctx, callback),)*
                }
            }
        }

        macro_rules! numbers {
            ($X:ty) => {
                impl sealed::Sealed for $X {}
                impl Solves for $X {
                    fn block_cg(
                        system: (&dyn LinearOperator<$X>, usize, &[$X]),
                        options: &SolveOptions<'_, $X>,
                        ctx: &Context,
                        callback: &mut BlockCallback<'_, $X>,
                    ) -> Result<SolvedBlock<$X>> {
                        solve_block(system, options, ctx, callback)
                    }
                    $(
                        fn $name(
                            a: &dyn LinearOperator<$X>,
                            b: &[$X],
                            options: &SolveOptions<'_, $X>,
                            ctx: &Context,
                            callback: &mut Callback<'_, $X>,
                        ) -> Result<Solved<$X>> {
                            solve((Method::$Method, $iterate), a, b, options, ctx, callback)
                        }
                    )*
                }
            };
        }
    };
}

solvers! {
    cg: Cg, |solver, callback| Iteration::new(solver)?.run(callback);
    minres: Minres, minres;
    gmres: Gmres, |solver, callback| gmres(solver, false, callback);
    fgmres: Fgmres, |solver, callback| gmres(solver, true, callback);
    bicgstab: Bicgstab, bicgstab;
    idrs: Idrs, idrs;
    lsqr: Lsqr, lsqr;
    lsmr: Lsmr, lsmr;
    chebyshev: Chebyshev, chebyshev;
}

numbers!(f32);
numbers!(f64);
numbers!(Complex<f32>);
numbers!(Complex<f64>);
