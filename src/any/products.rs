//! Products with vectors, once and prepared for many.

use crate::any::matrix::{AnyMatrix, Body};
use crate::any::reshape::missing;
use crate::error::Result;
use crate::linalg::{
    Between, LinearOperator, Matrix, Multiplier, MultipliesVectors, Products, Scalar, planned,
    planned_normal, products, sealed,
};
use crate::storage::{Context, DType, Plan};

/// As for a typed matrix, with the same bits; coordinates have no products. Elements of a dense matrix for which no
/// kernel is compiled are decoded some lines at a time, into 1 MiB or, if that is more, the least that keeps the bits
/// of the whole: a line, or a block of lines that is summed across. A single complex vector is copied if the entries
/// are real, as is its product.
impl<X: Scalar> LinearOperator<X> for AnyMatrix {
    fn shape(&self) -> (usize, usize) {
        self.shape()
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_block(1, x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_adjoint_block(1, x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.product(false, (k, x, y), ctx)
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.product(true, (k, x, y), ctx)
    }

    fn apply_normal_with(
        &self,
        k: usize,
        x: &[X],
        y: &mut [X],
        between: &mut Between<'_, X>,
        ctx: &Context,
    ) -> Result<()> {
        let multiplier = self.multiplier()?;
        let by = products(multiplier.entry())?;
        multiplier.normal(by, (k, x, y), between, ctx)
    }

    fn plan_normal(&self, k: usize, ctx: &Context) -> Result<Plan> {
        planned_normal::<X>(self, k, ctx)
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        let plan = planned::<X>(self, adjoint, k, ctx)?;
        // The plan for lines already includes this.
        Ok(if let Body::Dense(_) = self.body() { plan.every_time() } else { plan })
    }
}

impl AnyMatrix {
    fn product<X: Scalar>(
        &self,
        adjoint: bool,
        vectors: (usize, &[X], &mut [X]),
        ctx: &Context,
    ) -> Result<()> {
        let multiplier = self.multiplier()?;
        let by = products(multiplier.entry())?;
        multiplier.product(by, adjoint, vectors, ctx)
    }
}

impl<X: Scalar> MultipliesVectors<X> for AnyMatrix {
    fn products(entry: Option<DType>) -> Result<&'static Products<X>> {
        products(entry)
    }
}

impl sealed::Sealed for AnyMatrix {}

impl Matrix for AnyMatrix {
    fn multiplier(&self) -> Result<Multiplier> {
        match self.body() {
            Body::Dense(a) => a.as_matrix().map(Multiplier::Dense),
            Body::Lines(a) => Ok(Multiplier::Lines(a.clone())),
            Body::Coo(_) => Err(missing("products", self, "convert it with to_csr first")),
        }
    }
}
