//! A compressed matrix prepared for many products: read panel by panel, or encoded in fewer bytes where it fits.

use crate::convert::recompress;
use crate::error::Result;
use crate::linalg::compressed::{panel_product, product_plan};
use crate::linalg::kernels::{Entries, Sums};
use crate::linalg::operator::product_name;
use crate::linalg::prepared_form::Form;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed, LinePanels};
use crate::storage::{Context, Entry, Index, Place, Plan, SparseFormat, Traffic};

/// Entries from which on an encoding can be worth its making.
const WORTH: usize = 1 << 14;

/// A matrix in panels, and what else was made of it.
pub struct PreparedLines<T: Entry, I: Index, P: Index, A: Axis> {
    panels: LinePanels<T, I, P, A>,
    /// For products along the lines, and for those across them.
    along: Option<Form<T>>,
    across: Option<Form<T>>,
}

impl<T: Entry, I: Index, P: Index, A: Axis> PreparedLines<T, I, P, A> {
    /// For products along the lines, and if `both` for those across them as well.
    pub(crate) fn new(
        matrix: &Compressed<T, I, P, A>,
        both: bool,
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let panels = LinePanels::new(matrix, budget, ctx)?;
        let (mut along, mut across) = (None, None);
        if !panels.is_streamed() && matrix.nnz() >= WORTH {
            along = Form::new(matrix, Sums::Interleaved, budget, ctx)?;
            let other = Compressed::<T, I, P, A::Other>::bytes_of(matrix.minor(), matrix.nnz());
            let rest = budget.saturating_sub(along.as_ref().map_or(0, Form::bytes) + other);
            if both && rest >= other {
                let other = recompress(matrix, "preparing", &Place::Memory, ctx)?;
                across = Form::new(&other, Sums::InOrder, rest, ctx)?;
            }
        }
        Ok(PreparedLines { panels, along, across })
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.panels.traffic()
    }

    pub(crate) fn plan(&self, adjoint: bool, k: usize, ctx: &Context) -> Plan {
        let form = if is_along::<A>(adjoint) { &self.along } else { &self.across };
        let (nrows, ncols) = self.panels.matrix().shape();
        let n = if adjoint { nrows } else { ncols };
        match form.as_ref().filter(|form| form.multiplies(k)) {
            Some(form) => form.plan(product_name(adjoint), n, k),
            None => product_plan(&self.panels, adjoint, k, ctx),
        }
    }

    /// The product, or that with the adjoint.
    pub(crate) fn product<X: Scalar>(
        &mut self,
        adjoint: bool,
        k: usize,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<()>
    where
        T: Factor<X>,
    {
        let along = is_along::<A>(adjoint);
        let entries = if adjoint { Entries::Conjugated } else { Entries::AsStored };
        let form = if along { &mut self.along } else { &mut self.across };
        match form.as_mut().filter(|form| form.multiplies(k)) {
            Some(form) => form.product(entries, k, x, y, ctx),
            None => panel_product(&mut self.panels, along, entries, k, x, y, ctx),
        }
    }
}

/// Whether a product, or that with the adjoint, sums along the stored lines.
fn is_along<A: Axis>(adjoint: bool) -> bool {
    (A::FORMAT == SparseFormat::Csr) != adjoint
}
