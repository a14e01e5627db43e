//! A compressed matrix prepared for many products: read panel by panel, or encoded in fewer bytes where it fits.

use std::any::Any;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::compact::{Compact, Scattered, jumps};
use crate::linalg::compressed::{panel_product, product_plan};
use crate::linalg::kernels::{Entries, Panel, Update};
use crate::linalg::operator::product_name;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed, LinePanels};
use crate::storage::{BufferMut, Context, Entry, Index, Plan, SparseFormat, Traffic};

/// Entries from which on an encoding can be worth its making.
const WORTH: usize = 1 << 14;

/// A matrix in panels, and what else was made of it.
pub struct PreparedLines<T: Entry, I: Index, P: Index, A: Axis> {
    panels: LinePanels<T, I, P, A>,
    form: Form<T>,
}

/// How the lines stand for products along them.
enum Form<T: Entry> {
    /// As they are stored.
    Plain,
    /// In fewer bytes.
    Compact(Compact<T>),
    /// In an order in which no access leaves the cache, with room for the terms of a product.
    Scattered(Scattered<T>, Option<Box<dyn Any + Send>>),
}

impl<T: Entry, I: Index, P: Index, A: Axis> PreparedLines<T, I, P, A> {
    pub(crate) fn new(matrix: &Compressed<T, I, P, A>, budget: u64, ctx: &Context) -> Result<Self> {
        let panels = LinePanels::new(matrix, budget, ctx)?;
        if panels.is_streamed() || matrix.nnz() < WORTH {
            return Ok(PreparedLines { panels, form: Form::Plain });
        }
        let (indptr, indices) = (matrix.indptr(), matrix.indices());
        let panel = Panel::new(indptr, indices, matrix.data(), matrix.minor(), 0)?;
        let encoded = match jumps(panel) {
            true => Scattered::encode(panel, budget, ctx)
                .map(|found| found.map(|it| Form::Scattered(it, None))),
            false => Compact::encode(panel, budget, ctx).map(|found| found.map(Form::Compact)),
        };
        let form = encoded.map_err(|e| matrix.name_indices(e))?.unwrap_or(Form::Plain);
        Ok(PreparedLines { panels, form })
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.panels.traffic()
    }

    pub(crate) fn plan(&self, adjoint: bool, k: usize, ctx: &Context) -> Plan {
        let along = is_along::<A>(adjoint);
        let encoded = Plan::new(product_name(adjoint)).reads(1, 0);
        match &self.form {
            Form::Compact(compact) if along => encoded.works(compact.bytes() * k as u64, 0.05),
            Form::Scattered(scattered, _) if along && k == 1 => {
                let terms = scattered.terms() * size_of::<[f64; 2]>();
                encoded.holds(terms as u64).works(scattered.bytes(), 0.2)
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
        match &mut self.form {
            Form::Compact(compact) if along => {
                ctx.meter().pass();
                compact.gather(entries, Update::set(), x, y, k, ctx)
            }
            Form::Scattered(scattered, room) if along && k == 1 => {
                ctx.meter().pass();
                let room = room_for(room, scattered.terms(), ctx)?;
                scattered.gather(entries, Update::set(), x, y, room, ctx)
            }
            _ => panel_product(&mut self.panels, along, entries, k, x, y, ctx),
        }
    }
}

/// Room for `len` numbers, made at the first product and kept for those with numbers of the same type.
fn room_for<'a, X: Scalar>(
    room: &'a mut Option<Box<dyn Any + Send>>,
    len: usize,
    ctx: &Context,
) -> Result<&'a mut [X]> {
    if room.as_ref().is_none_or(|room| !room.is::<BufferMut<X>>()) {
        *room = Some(Box::new(BufferMut::<X>::zeros(len)?.counted(ctx.meter())));
    }
    let made = room.as_mut().and_then(|room| room.downcast_mut::<BufferMut<X>>());
    made.map(|room| &mut room[..])
        .ok_or_else(|| Error::new(ErrorKind::Memory, "there is no room for the terms"))
}

/// Whether a product, or that with the adjoint, sums along the stored lines.
fn is_along<A: Axis>(adjoint: bool) -> bool {
    (A::FORMAT == SparseFormat::Csr) != adjoint
}
