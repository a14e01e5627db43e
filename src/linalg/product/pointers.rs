//! Pointers to operators are operators.

use std::sync::Arc;

use crate::error::Result;
use crate::linalg::algebra::Scalar;
use crate::linalg::product::operator::LinearOperator;
use crate::linalg::product::powers::{Between, Level};
use crate::storage::{Context, Plan};

/// Hands every method on.
macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<X: Scalar, A: LinearOperator<X> + ?Sized> LinearOperator<X> for $pointer {
            fn shape(&self) -> (usize, usize) {
                (**self).shape()
            }
            fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
                (**self).apply(x, y, ctx)
            }
            fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
                (**self).apply_adjoint(x, y, ctx)
            }
            fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
                (**self).apply_block(k, x, y, ctx)
            }
            fn apply_adjoint_block(
                &self,
                k: usize,
                x: &[X],
                y: &mut [X],
                ctx: &Context,
            ) -> Result<()> {
                (**self).apply_adjoint_block(k, x, y, ctx)
            }
            fn apply_normal_with(
                &self,
                k: usize,
                x: &[X],
                y: &mut [X],
                between: &mut Between<'_, X>,
                ctx: &Context,
            ) -> Result<()> {
                (**self).apply_normal_with(k, x, y, between, ctx)
            }
            fn apply_powers(
                &self,
                k: usize,
                levels: usize,
                vectors: &mut [&mut [X]],
                combine: &(dyn Fn(Level<'_, X>) + Sync),
                ctx: &Context,
            ) -> Result<()> {
                (**self).apply_powers(k, levels, vectors, combine, ctx)
            }
            fn apply_with_product(
                &self,
                a: &dyn LinearOperator<X>,
                k: usize,
                x: &[X],
                both: (&mut [X], &mut [X]),
                ctx: &Context,
            ) -> Result<()> {
                (**self).apply_with_product(a, k, x, both, ctx)
            }
            fn gives_product(&self) -> bool {
                (**self).gives_product()
            }
            fn id(&self) -> Option<u64> {
                (**self).id()
            }
            fn plan_with_product(
                &self,
                a: &dyn LinearOperator<X>,
                k: usize,
                ctx: &Context,
            ) -> Result<Plan> {
                (**self).plan_with_product(a, k, ctx)
            }
            fn plan_normal(&self, k: usize, ctx: &Context) -> Result<Plan> {
                (**self).plan_normal(k, ctx)
            }
            fn plan_powers(&self, k: usize, levels: usize, ctx: &Context) -> Result<Plan> {
                (**self).plan_powers(k, levels, ctx)
            }
            fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
                (**self).plan_block(adjoint, k, ctx)
            }
            fn context(&self) -> Context {
                (**self).context()
            }
        }
    )*};
}

forward!(&A, Box<A>, Arc<A>);
