//! One pass over the input that makes a result, from its first element to its last.
//!
//! ```text
//! check: the types, and that a result in memory fits
//! plan:  the cost of the input and of the work, and that of the result
//! pass:  begin, count the pass, make the arrays, fill them, finish, publish
//! ```
//!
//! The result is made by a [`Maker`], one for each kind of matrix. What an operation adds is its plan and what it fills
//! the result with; panels of the input are swept as a part of the pass.

use crate::error::{Error, Result};
use crate::storage::runtime::{Context, Place, Plan};
use crate::storage::stream::stage::Stage;

/// Takes the elements of a result in order.
pub(crate) trait Maker: Sized {
    /// Types and sizes of the result.
    type What<'w>: Copy;

    /// What is known about the result once it is filled.
    type Filled;

    /// The result.
    type Made;

    /// Bytes of each array of the result. Fails if its types are too narrow.
    fn arrays(what: Self::What<'_>, place: &Place) -> Result<Vec<u64>>;

    /// An empty result.
    fn start(what: Self::What<'_>, place: &Place, ctx: &Context) -> Result<Self>;

    /// The result, published. Fails if elements are missing.
    fn end(self, filled: Self::Filled) -> Result<Self::Made>;
}

/// A pass that is about to begin.
pub(crate) struct Pass<'a> {
    /// What reading and computing cost.
    plan: Plan,
    /// Memory for the work.
    work: u64,
    blame: &'a dyn Fn(Error) -> Error,
}

impl Pass<'_> {
    /// A pass with this plan, in which the result is missing.
    pub(crate) fn new(plan: Plan) -> Self {
        Pass { plan, work: 0, blame: &|error| error }
    }

    /// With this much memory for the work, in addition to that of the plan.
    pub(crate) fn holding(self, bytes: u64) -> Self {
        Pass { work: self.work.saturating_add(bytes), ..self }
    }
}

impl<'a> Pass<'a> {
    /// Where errors about the result as a whole name a file of the input.
    pub(crate) fn blaming(self, blame: &'a dyn Fn(Error) -> Error) -> Self {
        Pass { blame, ..self }
    }

    /// Makes the result, filled by `fill`, at `place`.
    pub(crate) fn make<M: Maker>(
        self,
        what: M::What<'_>,
        place: &Place,
        ctx: &Context,
        fill: &mut dyn FnMut(&mut M) -> Result<M::Filled>,
    ) -> Result<M::Made> {
        let Pass { plan, work, blame } = self;
        let arrays = M::arrays(what, place).map_err(blame)?;
        Stage::memory_left(&arrays, place, ctx).map_err(blame)?;
        let plan = || Ok(Stage::plan(plan.throughout(work), &arrays, place, ctx));
        let _running = ctx.begin_pass(0, plan)?;
        let _held = ctx.hold(work);
        let mut maker = M::start(what, place, ctx).map_err(blame)?;
        let filled = fill(&mut maker)?;
        maker.end(filled).map_err(blame)
    }
}
