//! A compressed matrix prepared for many products: read panel by panel, or encoded in fewer bytes where it fits.

use crate::convert::recompress;
use crate::error::Result;
use crate::linalg::compressed::{panel_product, product_plan};
use crate::linalg::kernels::{Entries, How, Sums, Update, Vectors};
use crate::linalg::operator::product_name;
use crate::linalg::prepared_form::Form;
use crate::linalg::readers::Readers;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed, LinePanels};
use crate::storage::{Context, Entry, Index, Lasts, Place, Plan, SparseFormat, Traffic};

/// Entries from which on an encoding can be worth its making.
const WORTH: usize = 1 << 14;

/// A matrix in panels, and what else was made of it.
pub struct PreparedLines<T: Entry, I: Index, P: Index, A: Axis> {
    readers: Readers<LinePanels<T, I, P, A>>,
    /// For products along the lines, and for those across them.
    along: Option<Form>,
    across: Option<Form>,
}

impl<T: Entry, I: Index, P: Index, A: Axis> PreparedLines<T, I, P, A> {
    /// For products along the lines, and if `both` for those across them as well, within `budget` bytes beside those of the
    /// vectors. An encoding takes half of what there is, so that vectors are not what does not fit in the end.
    pub(crate) fn new(
        matrix: &Compressed<T, I, P, A>,
        both: bool,
        (budget, vectors): (u64, u64),
        ctx: &Context,
    ) -> Result<Self> {
        let panels = LinePanels::new(matrix, budget, ctx)?;
        let (mut along, mut across) = (None, None);
        if !panels.is_streamed() && matrix.nnz() >= WORTH {
            let fits = |form: &Form, n: usize, room: u64| {
                form.bytes().saturating_add(form.work_space(n)) <= room
            };
            along = Form::new(&matrix.to_any(), Sums::Interleaved, budget / 2, ctx)?
                .filter(|form| fits(form, matrix.minor(), budget / 2));
            let other = Compressed::<T, I, P, A::Other>::bytes_of(matrix.minor(), matrix.nnz());
            let rest = budget.saturating_sub(along.as_ref().map_or(0, Form::bytes) + other);
            if both && rest >= other {
                let other = recompress(matrix, "preparing", &Place::Memory, ctx)?;
                across = Form::new(&other.to_any(), Sums::InOrder, rest / 2, ctx)?
                    .filter(|form| fits(form, matrix.major(), rest / 2));
            }
        }
        Ok(PreparedLines { readers: Readers::new(panels, vectors, ctx), along, across })
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.readers.traffic()
    }

    /// The memory that all this holds.
    pub(crate) fn lasts(&self) -> Lasts {
        let (major, minor) = (self.matrix().major(), self.matrix().minor());
        let Lasts { mut always, mut at_work } = self.readers.lasts();
        for (form, n) in [(&self.along, minor), (&self.across, major)] {
            always += form.as_ref().map_or(0, Form::bytes);
            at_work = at_work.max(form.as_ref().map_or(0, |form| form.work_space(n)));
        }
        Lasts { always, at_work }
    }

    fn matrix(&self) -> &Compressed<T, I, P, A> {
        self.readers.model().matrix()
    }

    /// What products of this kind are made of, if it is not the matrix.
    fn form(&self, adjoint: bool, k: usize) -> Option<&Form> {
        let form = if is_along::<A>(adjoint) { &self.along } else { &self.across };
        form.as_ref().filter(|form| form.multiplies(k))
    }

    pub(crate) fn plan(&self, adjoint: bool, k: usize, ctx: &Context) -> Plan {
        let (nrows, ncols) = self.matrix().shape();
        let n = if adjoint { nrows } else { ncols };
        match self.form(adjoint, k) {
            Some(form) => form.plan(product_name(adjoint), n, k),
            None => self.readers.ask(|panels| product_plan(panels, adjoint, k, ctx)),
        }
    }

    /// The product, or that with the adjoint.
    pub(crate) fn product<X: Scalar>(
        &self,
        adjoint: bool,
        k: usize,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<()>
    where
        T: Factor<X>,
    {
        if T::exact_sparse(self.matrix(), adjoint, (k, x, y), ctx)? {
            return Ok(());
        }
        let along = is_along::<A>(adjoint);
        let entries = if adjoint { Entries::Conjugated } else { Entries::AsStored };
        match self.form(adjoint, k) {
            Some(form) => {
                ctx.meter().pass();
                let how = How { along: true, entries, update: Update::Set };
                T::multiply_form(form, how, Vectors { k, x, y }, ctx)
            }
            None => {
                self.readers.with(ctx, |panels| panel_product(panels, along, entries, k, x, y, ctx))
            }
        }
    }
}

/// Whether a product, or that with the adjoint, sums along the stored lines.
fn is_along<A: Axis>(adjoint: bool) -> bool {
    (A::FORMAT == SparseFormat::Csr) != adjoint
}
