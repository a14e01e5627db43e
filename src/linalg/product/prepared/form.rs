//! The encoded form of the lines of a prepared matrix, if worthwhile: fewer bytes, or another order.

use std::any::Any;
use std::sync::{Arc, Weak};

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::{Decode, Factor, Scalar, Values};
use crate::linalg::kernels::{Conjugation, How, Panel, SumShape, Update, Vectors};
use crate::linalg::product::prepared::compact::{Compact, Scattered, jumps};
use crate::linalg::product::prepared::lending::Lendable;
use crate::sparse::{AnyCompressed, by_index};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{BufferMut, Context, Index, Plan, RawBuffer, RawBufferMut, Spare};

/// Entries that one task compares, and numbers of x that it multiplies.
const TASK: usize = 1 << 16;

/// The form of lines for products along them.
pub(crate) struct Form(FormKind);

enum FormKind {
    /// Their structure encoded, with their values.
    Encoded(Encoded),
    /// Their structure encoded, and the one value of all entries. Multiplying x by it beforehand gives the same terms
    /// as multiplying each entry, so that the bits are the same and no values are read.
    Iso(Box<Form>, Box<RawBufferMut>, WorkSpace),
}

/// Encoded lines.
enum Encoded {
    /// In fewer bytes.
    Compact(Box<Compact>),
    /// In an order in which no access leaves the cache, with a buffer for the terms of a product.
    Scattered(Box<Scattered>, WorkSpace),
}

/// Work space that is allocated at the first product, and kept for later products with numbers of the same type unless
/// its memory is reclaimed. A concurrent product allocates its own.
struct WorkSpace(Arc<Lendable<Box<dyn Any + Send>>>);

impl Form {
    /// The lines of a matrix in memory, encoded within `budget` bytes; `None` if that is not worthwhile.
    pub(crate) fn new(
        matrix: &AnyCompressed,
        sums: SumShape,
        budget: u64,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        by_index!(matrix.indices(), indices => {
            let structure = RawBuffer::pattern(indices.len());
            let structure = structure.as_raw().typed().unwrap_or_default();
            let lines = Panel::over(matrix.indptr(), indices, structure, matrix.minor(), 0)?;
            Self::of_lines((lines, matrix.data().as_raw()), sums, budget, ctx)
        })
        .map_err(|error| matrix.name_indices(error))
    }

    fn of_lines<I: Index>(
        (lines, data): (Panel<'_, (), I>, Raw<'_>),
        sums: SumShape,
        budget: u64,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        let found = Encoded::new((lines, data), sums, budget, ctx)?;
        // Repeated runs have no values to omit.
        let small = found.as_ref().is_some_and(|encoded| encoded.bytes() <= data.len() as u64);
        if !small && let Some(one) = one_value(data, ctx) {
            drop(found);
            let found = Encoded::new((lines, Raw::of(lines.values)), sums, budget, ctx)?;
            let mut value = RawBufferMut::fresh(data.dtype(), 1)?;
            value.as_mut().copy_from(one);
            let pattern = found.map(|encoded| Box::new(Form(FormKind::Encoded(encoded))));
            return Ok(
                pattern.map(|form| Form(FormKind::Iso(form, Box::new(value), WorkSpace::new(ctx))))
            );
        }
        Ok(found.map(FormKind::Encoded).map(Form))
    }

    /// The encoding by blocks of lines, if it is one.
    pub(crate) fn compact(&self) -> Option<&Compact> {
        match &self.0 {
            FormKind::Encoded(Encoded::Compact(compact)) => Some(compact),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        match &self.0 {
            FormKind::Encoded(encoded) => encoded.bytes(),
            FormKind::Iso(pattern, ..) => pattern.bytes(),
        }
    }

    /// Bytes of work space for a product with one vector of `n` numbers in `f64`.
    pub(crate) fn work_space(&self, n: usize) -> u64 {
        let bytes = |numbers: usize| (numbers * size_of::<f64>()) as u64;
        match &self.0 {
            FormKind::Encoded(encoded) => bytes(encoded.terms()),
            FormKind::Iso(pattern, ..) => pattern.work_space(n) + bytes(n),
        }
    }

    /// Whether it is used for products with `k` vectors.
    pub(crate) fn multiplies(&self, k: usize) -> bool {
        match &self.0 {
            FormKind::Encoded(encoded) => encoded.multiplies(k),
            FormKind::Iso(pattern, ..) => pattern.multiplies(k),
        }
    }

    /// The plan of a product with `k` vectors of `n` numbers, if it [`multiplies`](Self::multiplies) that many.
    pub(crate) fn plan(&self, name: &'static str, n: usize, k: usize) -> Plan {
        match &self.0 {
            FormKind::Encoded(encoded) => encoded.plan(Plan::new(name).reads(1, 0), k),
            FormKind::Iso(pattern, ..) => {
                let scaled = (n * k * size_of::<[f64; 2]>()) as u64;
                pattern.plan(name, n, k).throughout(scaled)
            }
        }
    }

    /// The product with `k` vectors, if it [`multiplies`](Self::multiplies) that many.
    ///
    /// Values of another type than `V` are first decoded by `decode`.
    pub(crate) fn product<V: Factor<X>, X: Scalar>(
        &self,
        decode: Option<Decode<V>>,
        how: How,
        Vectors { k, x, y }: Vectors<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        let entries = how.entries;
        match &self.0 {
            FormKind::Encoded(encoded) => encoded.product(decode, entries, (k, x, y), ctx),
            FormKind::Iso(pattern, value, buffer) => buffer.with(x.len(), ctx, |scaled| {
                let mut buffer = Vec::new();
                let value = Values::new(value.as_raw(), decode).of(0..1, &mut buffer)[0];
                ctx.with_threads(|| {
                    scaled.par_chunks_mut(TASK).zip(x.par_chunks(TASK)).for_each(|(scaled, x)| {
                        let pairs = scaled.iter_mut().zip(x);
                        pairs.for_each(|(scaled, &x)| *scaled = entries.times(value, x));
                    });
                });
                let how = How { entries: Conjugation::AsStored, ..how };
                pattern.product::<(), X>(None, how, Vectors { k, x: scaled, y }, ctx)
            }),
        }
    }
}

impl Encoded {
    /// The encoding that suits the lines; `None` if it is not worthwhile.
    fn new<I: Index>(
        (lines, values): (Panel<'_, (), I>, Raw<'_>),
        sums: SumShape,
        budget: u64,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        match jumps(lines) {
            true => Scattered::encode((lines, values), sums, budget, ctx)
                .map(|found| found.map(|it| Encoded::Scattered(Box::new(it), WorkSpace::new(ctx)))),
            false => {
                let found = Compact::encode((lines, values), sums, budget, ctx)?;
                Ok(found.map(|it| Encoded::Compact(Box::new(it))))
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

    /// Whether the encoding is used for products with `k` vectors.
    fn multiplies(&self, k: usize) -> bool {
        matches!(self, Encoded::Compact(_)) || k == 1
    }

    fn plan(&self, plan: Plan, k: usize) -> Plan {
        match self {
            Encoded::Compact(compact) => plan.works(compact.bytes() * k as u64, work::ENCODED),
            Encoded::Scattered(scattered, _) => {
                let terms = scattered.terms() * size_of::<[f64; 2]>();
                plan.holds(terms as u64).works(scattered.bytes(), work::ENCODED_FAR)
            }
        }
    }

    pub(crate) fn product<V: Factor<X>, X: Scalar>(
        &self,
        decode: Option<Decode<V>>,
        entries: Conjugation,
        (k, x, y): (usize, &[X], &mut [X]),
        ctx: &Context,
    ) -> Result<()> {
        match self {
            Encoded::Compact(compact) => compact.gather(decode, entries, Update::Set, x, y, k, ctx),
            Encoded::Scattered(scattered, buffer) => {
                buffer.with(scattered.terms(), ctx, |buffer| {
                    scattered.gather(decode, entries, Update::Set, x, y, buffer, ctx)
                })
            }
        }
    }
}

/// The value of all entries, if there are entries and all have the same bytes.
fn one_value<'a>(data: Raw<'a>, ctx: &Context) -> Option<Raw<'a>> {
    let (first, width) = (data.get(0..1)?, data.width());
    if width == 0 {
        return None;
    }
    // Every byte equals the one a value before it.
    let same = |bytes: &[u8]| bytes[width..] == bytes[..bytes.len() - width];
    let few = (TASK * width).min(data.bytes().len());
    // Usually the second entry already differs, and no others are compared.
    let alike = same(&data.bytes()[..few])
        && ctx.with_threads(|| {
            let tasks = data.bytes().par_chunks(TASK * width);
            tasks.all(|bytes| same(bytes) && bytes[..width] == *first.bytes())
        });
    alike.then_some(first)
}

impl WorkSpace {
    fn new(ctx: &Context) -> Self {
        let buffer = Arc::new(Lendable::new(None));
        let spare: Weak<dyn Spare> = Arc::downgrade(&buffer) as Weak<dyn Spare>;
        ctx.meter().ask_when_short(ctx.memory_limit_bytes(), spare);
        WorkSpace(buffer)
    }

    /// Calls `work` with a buffer of `len` numbers.
    fn with<X: Scalar, R>(
        &self,
        len: usize,
        ctx: &Context,
        work: impl FnOnce(&mut [X]) -> Result<R>,
    ) -> Result<R> {
        let fits = |made: &Box<dyn Any + Send>| {
            made.downcast_ref::<BufferMut<X>>().is_some_and(|made| made.len() == len)
        };
        let mut buffer = self.0.lend_or_make(|before| match before.filter(fits) {
            Some(made) => Ok(made),
            // The operator has reserved it.
            None => Ok(Box::new(BufferMut::<X>::fresh(len)?.counted(ctx.meter()))),
        })?;
        match buffer.downcast_mut::<BufferMut<X>>() {
            Some(buffer) => work(buffer),
            None => Err(Error::new(
                ErrorKind::Memory,
                "there is no memory for the vectors of a product",
            )),
        }
    }
}

impl Spare for Lendable<Box<dyn Any + Send>> {
    fn give_back(&self, _: u64) {
        let buffer = self.change(Option::take);
        drop(buffer);
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
            Form::new(&a.to_any(), SumShape::Interleaved, u64::MAX, &ctx).unwrap()
        };
        assert!(matches!(form(&grid), Some(Form(FormKind::Encoded(_)))));
        assert!(matches!(form(&graph.pattern()), Some(Form(FormKind::Iso(..)))));
    }
}
