//! A compressed matrix prepared for many products: read panel by panel, or encoded in fewer bytes where it fits.

use crate::error::Result;
use crate::linalg::compact::Compact;
use crate::linalg::compressed::{panel_product, product_plan};
use crate::linalg::kernels::{Entries, Panel, Update};
use crate::linalg::operator::product_name;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed, LinePanels};
use crate::storage::{Context, Entry, Index, Plan, SparseFormat, Traffic};

/// Entries from which on an encoding can be worth its making.
const WORTH: usize = 1 << 14;

/// A matrix in panels, and what else was made of it.
pub struct PreparedLines<T: Entry, I: Index, P: Index, A: Axis> {
    panels: LinePanels<T, I, P, A>,
    /// The lines in fewer bytes, if the matrix fits and they can be had.
    compact: Option<Compact<T>>,
}

impl<T: Entry, I: Index, P: Index, A: Axis> PreparedLines<T, I, P, A> {
    pub(crate) fn new(matrix: &Compressed<T, I, P, A>, budget: u64, ctx: &Context) -> Result<Self> {
        let panels = LinePanels::new(matrix, budget, ctx)?;
        if panels.is_streamed() || matrix.nnz() < WORTH {
            return Ok(PreparedLines { panels, compact: None });
        }
        let (indptr, indices) = (matrix.indptr(), matrix.indices());
        let panel = Panel::new(indptr, indices, matrix.data(), matrix.minor(), 0)?;
        let compact = Compact::encode(panel, budget, ctx).map_err(|e| matrix.name_indices(e))?;
        Ok(PreparedLines { panels, compact })
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.panels.traffic()
    }

    pub(crate) fn plan(&self, adjoint: bool, k: usize, ctx: &Context) -> Plan {
        match &self.compact {
            Some(compact) if is_along::<A>(adjoint) => {
                Plan::new(product_name(adjoint)).reads(1, 0).works(compact.bytes() * k as u64, 0.05)
            }
            _ => product_plan(&self.panels, adjoint, k, ctx),
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
        match &self.compact {
            Some(compact) if along => {
                ctx.meter().pass();
                compact.gather(entries, Update::set(), x, y, k, ctx)
            }
            _ => panel_product(&mut self.panels, along, entries, k, x, y, ctx),
        }
    }
}

/// Whether a product, or that with the adjoint, sums along the stored lines.
fn is_along<A: Axis>(adjoint: bool) -> bool {
    (A::FORMAT == SparseFormat::Csr) != adjoint
}
