//! The form that the lines of a prepared matrix get if that is worth it: fewer bytes, or another order.

use std::any::Any;
use std::sync::{Arc, Weak};

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::at_hand::AtHand;
use crate::linalg::compact::{Compact, Scattered, jumps};
use crate::linalg::kernels::{Entries, Panel, Sums, Update};
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{BufferMut, Context, Entry, Index, Plan, Spare};
use bytemuck::bytes_of;

/// Entries that one task compares, and numbers of x that it multiplies.
const TASK: usize = 1 << 16;

/// How lines stand for products along them.
pub(super) enum Form<T: Entry> {
    /// Their structure encoded, with their values.
    Encoded(Encoded<T>),
    /// Their structure encoded, and the one value of all entries. Multiplied with x beforehand it makes the terms that it
    /// makes with each entry, so that the bits are the same and no values are read.
    Iso(Encoded<()>, T, Room),
}

/// Encoded lines.
pub(super) enum Encoded<T: Entry> {
    /// In fewer bytes.
    Compact(Compact<T>),
    /// In an order in which no access leaves the cache, with room for the terms of a product.
    Scattered(Scattered<T>, Room),
}

/// Numbers that are made at the first product, and kept for those with numbers of the same type unless their memory is
/// asked back. A product beside another makes its own.
pub(super) struct Room(Arc<AtHand<Box<dyn Any + Send>>>);

impl<T: Entry> Form<T> {
    /// The lines of a matrix in memory, encoded within `budget` bytes; `None` if that is not worth it.
    pub(super) fn new<I: Index, P: Index, A: Axis>(
        matrix: &Compressed<T, I, P, A>,
        sums: Sums,
        budget: u64,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        let (indptr, indices, data) = (matrix.indptr(), matrix.indices(), matrix.data());
        let lines = Panel::new(indptr, indices, data, matrix.minor(), 0)?;
        let named = |error| matrix.name_indices(error);
        let found = Encoded::new(lines, sums, budget, ctx).map_err(named)?;
        // Repeated runs have no values to leave out.
        let small = found.as_ref().is_some_and(|encoded| encoded.bytes() <= data.len() as u64);
        if !small && let Some(value) = one_value(data, ctx) {
            drop(found);
            let pattern = vec![(); data.len()];
            let lines = Panel::new(indptr, indices, &pattern, matrix.minor(), 0)?;
            let found = Encoded::new(lines, sums, budget, ctx).map_err(named)?;
            return Ok(found.map(|encoded| Form::Iso(encoded, value, Room::new(ctx))));
        }
        Ok(found.map(Form::Encoded))
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Form::Encoded(encoded) => encoded.bytes(),
            Form::Iso(encoded, ..) => encoded.bytes(),
        }
    }

    /// Bytes of work space for a product with one vector of `n` numbers in `f64`.
    pub(super) fn work_space(&self, n: usize) -> u64 {
        let numbers = match self {
            Form::Encoded(encoded) => encoded.terms(),
            Form::Iso(encoded, ..) => encoded.terms() + n,
        };
        (numbers * size_of::<f64>()) as u64
    }

    /// Whether products with so many vectors are made of it.
    pub(super) fn multiplies(&self, k: usize) -> bool {
        match self {
            Form::Encoded(encoded) => encoded.multiplies(k),
            Form::Iso(encoded, ..) => encoded.multiplies(k),
        }
    }

    /// What a product with `k` vectors of `n` numbers costs, if it [`multiplies`](Self::multiplies) so many.
    pub(super) fn plan(&self, name: &'static str, n: usize, k: usize) -> Plan {
        let plan = Plan::new(name).reads(1, 0);
        match self {
            Form::Encoded(encoded) => encoded.plan(plan, k),
            Form::Iso(encoded, ..) => {
                let scaled = (n * k * size_of::<[f64; 2]>()) as u64;
                encoded.plan(plan, k).beside(scaled)
            }
        }
    }

    /// The product with `k` vectors, if it [`multiplies`](Self::multiplies) so many.
    pub(super) fn product<X: Scalar>(
        &self,
        entries: Entries,
        k: usize,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<()>
    where
        T: Factor<X>,
    {
        ctx.meter().pass();
        match self {
            Form::Encoded(encoded) => encoded.product(entries, k, x, y, ctx),
            Form::Iso(encoded, value, room) => room.with(x.len(), ctx, |scaled| {
                let value = *value;
                ctx.with_threads(|| {
                    scaled.par_chunks_mut(TASK).zip(x.par_chunks(TASK)).for_each(|(scaled, x)| {
                        let pairs = scaled.iter_mut().zip(x);
                        pairs.for_each(|(scaled, &x)| *scaled = entries.times(value, x));
                    });
                });
                encoded.product(Entries::AsStored, k, scaled, y, ctx)
            }),
        }
    }
}

impl<T: Entry> Encoded<T> {
    /// The encoding that suits the lines; `None` if it is not worth it.
    fn new<I: Index, P: Index>(
        lines: Panel<'_, T, I, P>,
        sums: Sums,
        budget: u64,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        match jumps(lines) {
            true => Scattered::encode(lines, sums, budget, ctx)
                .map(|found| found.map(|it| Encoded::Scattered(it, Room::new(ctx)))),
            false => {
                Compact::encode(lines, sums, budget, ctx).map(|found| found.map(Encoded::Compact))
            }
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Encoded::Compact(compact) => compact.bytes(),
            Encoded::Scattered(scattered, _) => scattered.bytes(),
        }
    }

    /// Numbers of work space for a product.
    fn terms(&self) -> usize {
        match self {
            Encoded::Compact(_) => 0,
            Encoded::Scattered(scattered, _) => scattered.terms(),
        }
    }

    /// Whether products with so many vectors are made of the encoding.
    fn multiplies(&self, k: usize) -> bool {
        matches!(self, Encoded::Compact(_)) || k == 1
    }

    fn plan(&self, plan: Plan, k: usize) -> Plan {
        match self {
            Encoded::Compact(compact) => plan.works(compact.bytes() * k as u64, 0.05),
            Encoded::Scattered(scattered, _) => {
                let terms = scattered.terms() * size_of::<[f64; 2]>();
                plan.holds(terms as u64).works(scattered.bytes(), 0.2)
            }
        }
    }

    fn product<X: Scalar>(
        &self,
        entries: Entries,
        k: usize,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<()>
    where
        T: Factor<X>,
    {
        match self {
            Encoded::Compact(compact) => compact.gather(entries, Update::set(), x, y, k, ctx),
            Encoded::Scattered(scattered, room) => room.with(scattered.terms(), ctx, |room| {
                scattered.gather(entries, Update::set(), x, y, room, ctx)
            }),
        }
    }
}

/// The value of all entries, if there are some and all have the same bytes.
fn one_value<T: Entry>(data: &[T], ctx: &Context) -> Option<T> {
    let (&first, rest) = data.split_first()?;
    let same = |value: &T| bytes_of(value) == bytes_of(&first);
    // As a rule the second entry tells that it is not so, and nobody else is asked.
    let alike = size_of::<T>() > 0
        && rest.iter().take(TASK).all(same)
        && ctx.with_threads(|| rest.par_chunks(TASK).all(|values| values.iter().all(same)));
    alike.then_some(first)
}

impl Room {
    fn new(ctx: &Context) -> Self {
        let room = Arc::new(AtHand::new(None));
        let spare: Weak<dyn Spare> = Arc::downgrade(&room) as Weak<dyn Spare>;
        ctx.meter().ask_when_short(ctx.memory_limit_bytes(), spare);
        Room(room)
    }

    /// Calls `work` with room for `len` numbers.
    fn with<X: Scalar, R>(
        &self,
        len: usize,
        ctx: &Context,
        work: impl FnOnce(&mut [X]) -> Result<R>,
    ) -> Result<R> {
        let fits = |made: &Box<dyn Any + Send>| {
            made.downcast_ref::<BufferMut<X>>().is_some_and(|made| made.len() == len)
        };
        let mut room = self.0.lend_or_make(|before| match before.filter(fits) {
            Some(made) => Ok(made),
            // The operator has reserved it.
            None => Ok(Box::new(BufferMut::<X>::fresh(len)?.counted(ctx.meter()))),
        })?;
        match room.downcast_mut::<BufferMut<X>>() {
            Some(room) => work(room),
            None => Err(Error::new(ErrorKind::Memory, "there is no room for a product's numbers")),
        }
    }
}

impl Spare for AtHand<Box<dyn Any + Send>> {
    fn give_back(&self, _: u64) {
        let room = self.change(Option::take);
        drop(room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;
    use crate::storage::Place;

    #[test]
    fn values_are_left_out_where_runs_do_not_repeat_them_anyway() {
        let ctx = Context::new();
        let grid = Csr::<f64>::poisson(&[40; 3], Place::Memory, &ctx).unwrap().pattern();
        let graph = Csr::<f64>::random((3000, 3000), 0.01, 3, Place::Memory, &ctx).unwrap();
        let form = |pattern: &Csr<()>| {
            let a = pattern.with_data(vec![0.5; pattern.nnz()]).unwrap();
            Form::new(&a, Sums::Interleaved, u64::MAX, &ctx).unwrap()
        };
        assert!(matches!(form(&grid), Some(Form::Encoded(_))));
        assert!(matches!(form(&graph.pattern()), Some(Form::Iso(..))));
    }
}
