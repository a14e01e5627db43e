//! `Aᴴ f(A X)` of a matrix that is not prepared: in one pass where it is read by rows, otherwise in two products.

use crate::error::{Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::kernels::Vectors;
use crate::linalg::product::by_type::{Operands, Products};
use crate::linalg::product::dense_product::{line_plan, panels_beside};
use crate::linalg::product::lines_product::product_plan;
use crate::linalg::product::multiplier::{Multiplier, decoding};
use crate::linalg::product::operator::LinearOperator;
use crate::linalg::product::powers::{Between, in_two, plan_in_two};
use crate::sparse::CompressedPanels;
use crate::storage::{Context, Order, Plan, SparseFormat, bytes_of, work};

impl Multiplier {
    /// `Aᴴ f(A X)` for `k` vectors at once.
    pub(crate) fn normal<X: Scalar>(
        self,
        by: &Products<X>,
        (k, x, y): Operands<'_, '_, X>,
        between: &mut Between<'_, X>,
        ctx: &Context,
    ) -> Result<()> {
        let (nrows, ncols) = self.shape();
        check_shape("x", ncols.saturating_mul(k), x.len())?;
        check_shape("y", ncols.saturating_mul(k), y.len())?;
        let vectors = (size_of_val(x) + size_of_val(y)) as u64;
        // The parts of complex vectors that meet real entries.
        let copies = if by.methods.copies_one && k == 1 { vectors } else { 0 };
        let left = ctx.memory_left().saturating_sub(vectors + copies);
        let numbers = |lines: usize| bytes_of::<X>(lines.saturating_mul(k));
        match &self {
            Multiplier::Lines(a)
                if a.format() == SparseFormat::Csr
                    && a.stored_bytes() > left
                    && by.methods.exact.is_none() =>
            {
                let mut panels = CompressedPanels::for_one_sweep(a.clone(), left, ctx)?;
                let _running = ctx.begin(|| {
                    let plan = product_plan(&panels, true, k, ctx).every_time();
                    let extra = copies + numbers(panels.largest().0);
                    let plan = plan.reads(1, panels.kept).throughout(extra);
                    let terms = a.nnz() as u64 * k as u64;
                    Ok(Plan { operation: NAME, ..plan }.works(terms, work::PRODUCT))
                })?;
                let _held = ctx.hold(numbers(panels.largest().0));
                (by.methods.normal)(&mut panels, Vectors { k, x, y }, between, ctx)
            }
            Multiplier::Dense(a)
                if a.order() == Order::C
                    && a.stored_bytes() > left
                    && let Some(methods) = by.dense.as_ref().filter(|it| it.exact.is_none()) =>
            {
                let taken = vectors + copies + decoding(a);
                let mut panels = panels_beside(a, taken, ctx)?;
                let _running = ctx.begin(|| {
                    let plan = line_plan(&panels, NAME, k, ctx).every_time();
                    let extra = numbers(panels.most_lines());
                    let terms = a.len() as u64 * k as u64;
                    let plan = plan.throughout(copies + decoding(a) + extra);
                    Ok(plan.works(terms, work::DENSE_PRODUCT))
                })?;
                let _held = ctx.hold(numbers(panels.most_lines()));
                (methods.normal)(&mut panels, Vectors { k, x, y }, between, ctx)
            }
            _ => {
                let numbers = nrows.saturating_mul(k);
                let _running = ctx.begin(|| {
                    let mut middle = ctx.filled("the product in between", numbers, X::zero())?;
                    let mut made = ctx.filled("the vectors", y.len(), X::zero())?;
                    let first =
                        ctx.plan(|ctx| self.clone().product(by, false, (k, x, &mut middle), ctx))?;
                    let second = ctx
                        .plan(|ctx| self.clone().product(by, true, (k, &middle, &mut made), ctx))?;
                    Ok(plan_in_two::<X>(first, second, numbers).every_time())
                })?;
                in_two((nrows, k), between, ctx, &mut |adjoint, middle| match adjoint {
                    false => self.clone().product(by, false, (k, x, middle), ctx),
                    true => self.clone().product(by, true, (k, middle, y), ctx),
                })
            }
        }
    }
}

/// The name of the product in plans.
const NAME: &str = "normal product";

/// The plan of `AᴴA X` of an operator whose products have plans of their own.
pub(crate) fn planned_normal<X: Scalar>(
    a: &impl LinearOperator<X>,
    k: usize,
    ctx: &Context,
) -> Result<Plan> {
    let numbers = a.shape().1.saturating_mul(k);
    let x = ctx.filled("the vectors", numbers, X::zero())?;
    let mut y = ctx.filled("the vectors", numbers, X::zero())?;
    ctx.plan(|ctx| a.apply_normal(k, &x, &mut y, ctx))
}
