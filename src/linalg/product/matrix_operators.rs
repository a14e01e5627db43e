//! Typed matrices as operators. The product is found by the type of their entries ([`by_type`](super::by_type)), so
//! that no product is compiled in the calling crate.

use crate::dense::Dense;
use crate::error::Result;
use crate::linalg::algebra::Scalar;
use crate::linalg::kernels::Vectors;
use crate::linalg::product::by_type::{Multiplies, Operands, Products};
use crate::linalg::product::dense_product::{line_plan, panels_beside};
use crate::linalg::product::lines_product::product;
use crate::linalg::product::multiplier::Multiplier;
use crate::linalg::product::normal::planned_normal;
use crate::linalg::product::operator::{LinearOperator, planned, product_name};
use crate::linalg::product::powers::Between;
use crate::sparse::{Axis, Compressed};
use crate::storage::{Context, Element, Index, Plan};

/// The methods of an operator that is a matrix, with the function for its products.
macro_rules! products_of_a_matrix {
    ($product:ident) => {
        fn shape(&self) -> (usize, usize) {
            (self.nrows(), self.ncols())
        }

        fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
            self.apply_block(1, x, y, ctx)
        }

        fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
            self.apply_adjoint_block(1, x, y, ctx)
        }

        fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
            $product(self, T::products(), false, (k, x, y), ctx)
        }

        fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
            $product(self, T::products(), true, (k, x, y), ctx)
        }

        fn apply_normal_with(
            &self,
            k: usize,
            x: &[X],
            y: &mut [X],
            between: &mut Between<'_, X>,
            ctx: &Context,
        ) -> Result<()> {
            Multiplier::from(self.to_any()).normal(T::products(), (k, x, y), between, ctx)
        }

        fn plan_normal(&self, k: usize, ctx: &Context) -> Result<Plan> {
            planned_normal::<X>(self, k, ctx)
        }
    };
}

/// Without a clone of the matrix, which a product of a small one would notice.
fn product_of_lines<X: Scalar, T: Multiplies<X>, I: Index, P: Index, A: Axis>(
    a: &Compressed<T, I, P, A>,
    by: &Products<X>,
    adjoint: bool,
    (k, x, y): Operands<'_, '_, X>,
    ctx: &Context,
) -> Result<()> {
    product(a.as_any(), adjoint, Vectors { k, x, y }, by.methods, ctx)
}

fn product_of_dense<X: Scalar, T: Element>(
    a: &Dense<T>,
    by: &Products<X>,
    adjoint: bool,
    vectors: Operands<'_, '_, X>,
    ctx: &Context,
) -> Result<()> {
    Multiplier::from(a.to_any()).product(by, adjoint, vectors, ctx)
}

/// Products along the stored axis take one pass over the matrix; across it, with more than one thread, one more over
/// its indices. A stored matrix larger than the memory limit is read panel by panel, once. The result does not depend
/// on the number of threads. A bad index is an error that gives its position.
impl<X: Scalar, T: Multiplies<X>, I: Index, P: Index, A: Axis> LinearOperator<X>
    for Compressed<T, I, P, A>
{
    products_of_a_matrix!(product_of_lines);

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        planned::<X>(self, adjoint, k, ctx)
    }
}

/// One pass over the matrix for every product, whatever its order; panel by panel if it is in a file and does not fit
/// in the memory limit next to the vectors.
impl<X: Scalar, T: Element + Multiplies<X>> LinearOperator<X> for Dense<T> {
    products_of_a_matrix!(product_of_dense);

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        let numbers = (self.nrows() as u64 + self.ncols() as u64).saturating_mul(k as u64);
        let panels =
            panels_beside(&self.to_any(), numbers.saturating_mul(size_of::<X>() as u64), ctx)?;
        Ok(line_plan(&panels, product_name(adjoint), k, ctx).every_time())
    }
}
