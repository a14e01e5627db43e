//! A compressed matrix prepared for many products: read panel by panel, or encoded in fewer bytes where it fits.

use std::any::Any;

use crate::convert::recompress;
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::compact::{Compact, Scattered, jumps};
use crate::linalg::compressed::{panel_product, product_plan};
use crate::linalg::kernels::{Entries, Panel, Sums, Update};
use crate::linalg::operator::product_name;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed, LinePanels};
use crate::storage::{BufferMut, Context, Entry, Index, Place, Plan, SparseFormat, Traffic};

/// Entries from which on an encoding can be worth its making.
const WORTH: usize = 1 << 14;

/// A matrix in panels, and what else was made of it.
pub struct PreparedLines<T: Entry, I: Index, P: Index, A: Axis> {
    panels: LinePanels<T, I, P, A>,
    /// For products along the lines, and for those across them.
    along: Form<T>,
    across: Form<T>,
}

/// How lines stand for products along them.
enum Form<T: Entry> {
    /// As they are stored.
    Plain,
    /// In fewer bytes.
    Compact(Compact<T>),
    /// In an order in which no access leaves the cache, with room for the terms of a product.
    Scattered(Scattered<T>, Option<Box<dyn Any + Send>>),
}

impl<T: Entry> Form<T> {
    /// The lines of a matrix in memory, encoded within `budget` bytes if that is worth it.
    fn new<I: Index, P: Index, A: Axis>(
        matrix: &Compressed<T, I, P, A>,
        sums: Sums,
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let (indptr, indices) = (matrix.indptr(), matrix.indices());
        let panel = Panel::new(indptr, indices, matrix.data(), matrix.minor(), 0)?;
        let encoded = match jumps(panel) {
            true => Scattered::encode(panel, sums, budget, ctx)
                .map(|found| found.map(|it| Form::Scattered(it, None))),
            false => {
                Compact::encode(panel, sums, budget, ctx).map(|found| found.map(Form::Compact))
            }
        };
        Ok(encoded.map_err(|e| matrix.name_indices(e))?.unwrap_or(Form::Plain))
    }

    fn bytes(&self) -> u64 {
        match self {
            Form::Plain => 0,
            Form::Compact(compact) => compact.bytes(),
            Form::Scattered(scattered, _) => scattered.bytes(),
        }
    }

    /// What a product with `k` vectors costs; `None` if it is one with the matrix as it is stored.
    fn plan(&self, name: &'static str, k: usize) -> Option<Plan> {
        let encoded = Plan::new(name).reads(1, 0);
        match self {
            Form::Compact(compact) => Some(encoded.works(compact.bytes() * k as u64, 0.05)),
            Form::Scattered(scattered, _) if k == 1 => {
                let terms = scattered.terms() * size_of::<[f64; 2]>();
                Some(encoded.holds(terms as u64).works(scattered.bytes(), 0.2))
            }
            _ => None,
        }
    }

    /// The product with `k` vectors, and whether it was made.
    fn product<X: Scalar>(
        &mut self,
        entries: Entries,
        k: usize,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<bool>
    where
        T: Factor<X>,
    {
        match self {
            Form::Compact(compact) => compact.gather(entries, Update::set(), x, y, k, ctx)?,
            Form::Scattered(scattered, room) if k == 1 => {
                let room = room_for(room, scattered.terms(), ctx)?;
                scattered.gather(entries, Update::set(), x, y, room, ctx)?;
            }
            _ => return Ok(false),
        }
        ctx.meter().pass();
        Ok(true)
    }
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
        let (mut along, mut across) = (Form::Plain, Form::Plain);
        if !panels.is_streamed() && matrix.nnz() >= WORTH {
            along = Form::new(matrix, Sums::Interleaved, budget, ctx)?;
            let other = Compressed::<T, I, P, A::Other>::bytes_of(matrix.minor(), matrix.nnz());
            let rest = budget.saturating_sub(along.bytes() + other);
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
        let plan = form.plan(product_name(adjoint), k);
        plan.unwrap_or_else(|| product_plan(&self.panels, adjoint, k, ctx))
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
        match form.product(entries, k, x, y, ctx)? {
            true => Ok(()),
            false => panel_product(&mut self.panels, along, entries, k, x, y, ctx),
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
