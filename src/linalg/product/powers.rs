//! Several products in a row: the levels of [`LinearOperator::apply_powers`](crate::linalg::LinearOperator::apply_powers).

use std::ops::Range;

use crate::error::{Error, Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{Context, Plan, bytes_of};

/// Some rows of a level, which a recurrence turns from `A v_j` into `v_(j+1)`.
///
/// A function of the rows alone: which rows come together, in which order and on which thread, is unspecified.
#[derive(Debug)]
pub struct Level<'a, X> {
    /// `j`, from 0.
    pub level: usize,
    /// The rows. Each has `k` numbers, next to each other.
    pub rows: Range<usize>,
    /// `(A v_j)[rows]`, to be replaced by `v_(j+1)[rows]`.
    pub next: &'a mut [X],
    /// `v_j[rows]`.
    pub current: &'a [X],
    /// `v_(j-1)[rows]`; empty at level 0.
    pub previous: &'a [X],
}

impl<X: Scalar> Level<'_, X> {
    /// The three-term recurrence `v_(j+1) = a (A v_j) + b v_j + c v_(j-1)`, where `v_(-1)` is zero.
    ///
    /// A vector whose coefficient is zero is left out, so that its infinities are too.
    pub fn recur(self, a: X, b: X, c: X) {
        let Level { next, current, previous, .. } = self;
        next.iter_mut().zip(current).for_each(|(next, &current)| {
            let product = if a == X::one() { *next } else { a * *next };
            *next = if b.is_zero() { product } else { product + b * current };
        });
        if !c.is_zero() {
            next.iter_mut().zip(previous).for_each(|(next, &previous)| *next += c * previous);
        }
    }
}

/// The function of a recurrence.
pub(crate) type Recurrence<'a, X> = dyn Fn(Level<'_, X>) + Sync + 'a;

/// What is asked of an operator: `levels` products with `k` vectors at a time, where `v_j` is kept in buffer
/// `j % vectors.len()`.
pub(crate) struct Powers<'a, 'v, X> {
    pub(crate) k: usize,
    pub(crate) levels: usize,
    pub(crate) vectors: &'a mut [&'v mut [X]],
    pub(crate) combine: &'a Recurrence<'a, X>,
}

/// Rows that are combined by one task.
const ROWS: usize = 1 << 13;

impl<X: Scalar> Powers<'_, '_, X> {
    /// Fails unless the operator is square and the buffers suffice and fit.
    pub(crate) fn check(&self, shape: (usize, usize)) -> Result<()> {
        check_square(shape)?;
        let least = self.levels.min(1) + 1;
        if self.vectors.len() < least {
            return Err(Error::shape(
                "the vectors",
                format!("at least {least}"),
                self.vectors.len(),
            ));
        }
        for (j, vector) in self.vectors.iter().enumerate() {
            check_shape(&format!("vector {j}"), shape.0.saturating_mul(self.k), vector.len())?;
        }
        Ok(())
    }

    /// Makes rows `rows` of `v_(j+1)` of their product with `v_j`, which `product` writes to `buffer`.
    pub(crate) fn step(
        &mut self,
        j: usize,
        rows: Range<usize>,
        buffer: &mut [X],
        ctx: &Context,
        product: &mut dyn FnMut(&[X], &mut [X]) -> Result<()>,
    ) -> Result<()> {
        let (count, k, combine) = (self.vectors.len(), self.k, self.combine);
        let (now, to) = (j % count, (j + 1) % count);
        let before = j.checked_sub(1).map(|before| before % count);
        let all = std::mem::take(&mut self.vectors[to]);
        let done = product(self.vectors[now], buffer);
        if done.is_ok() {
            let here = rows.start * k..rows.end * k;
            let current = &self.vectors[now][here.clone()];
            // With two buffers the vector before lies where the next one goes.
            let previous = before.filter(|&at| at != to).map(|at| &self.vectors[at][here.clone()]);
            let size = ROWS * k.max(1);
            let (mut tasks, mut rest, mut start) = (Vec::new(), &mut all[here], 0);
            for buffer in buffer.chunks_mut(size) {
                let to;
                (to, rest) = rest.split_at_mut(buffer.len());
                let here = start..start + buffer.len();
                let current = &current[here.clone()];
                let previous = previous.map(|previous| &previous[here.clone()]);
                tasks.push((rows.start + start / k.max(1), buffer, current, previous, to));
                start = here.end;
            }
            ctx.with_threads(|| {
                tasks.into_par_iter().for_each(|(first, next, current, previous, to)| {
                    let rows = first..first + next.len() / k.max(1);
                    let previous = match before {
                        None => &[][..],
                        Some(_) => previous.unwrap_or(to),
                    };
                    combine(Level { level: j, rows, next, current, previous });
                    to.copy_from_slice(next);
                });
            });
        }
        self.vectors[to] = all;
        done
    }
}

/// Fails unless an operator is square.
pub(crate) fn check_square((nrows, ncols): (usize, usize)) -> Result<()> {
    match nrows == ncols {
        true => Ok(()),
        false => Err(Error::shape(
            "the operator",
            "as many rows as columns",
            format!("{nrows} x {ncols}"),
        )),
    }
}

/// Product by product, each by `product`.
pub(crate) fn level_by_level<X: Scalar>(
    (n, mut powers): (usize, Powers<'_, '_, X>),
    ctx: &Context,
    product: &mut dyn FnMut(&[X], &mut [X]) -> Result<()>,
) -> Result<()> {
    let _held = ctx.hold(bytes_of::<X>(n.saturating_mul(powers.k)));
    let mut buffer = ctx.work::<X>("a product", n.saturating_mul(powers.k))?;
    (0..powers.levels).try_for_each(|j| {
        ctx.report("powers", j as u64, powers.levels as u64)?;
        powers.step(j, 0..n, &mut buffer, ctx, product)
    })
}

/// The plan of `levels` products, one after the other, and of a buffer for one.
pub(crate) fn plan_level_by_level<X: Scalar>(each: Plan, levels: usize, numbers: usize) -> Plan {
    let again = each.clone().again();
    let plan = match levels {
        0 => Plan::new("powers"),
        _ => Plan::new("powers").then(each).repeated(&again, levels as u64 - 1),
    };
    let plan = plan.throughout(bytes_of::<X>(numbers));
    Plan { per_iteration: None, ..plan }
}

/// What is done between both products of `Aᴴ f(A X)` with consecutive rows of `A X`.
pub type Between<'a, X> = dyn FnMut(Range<usize>, &mut [X]) + 'a;

/// `Aᴴ f(A X)` of `k` vectors, by a product and one with the adjoint: `product` makes the one that is asked for, to or
/// from the vectors in between.
pub(crate) fn in_two<X: Scalar>(
    (nrows, k): (usize, usize),
    between: &mut Between<'_, X>,
    ctx: &Context,
    product: &mut dyn FnMut(bool, &mut [X]) -> Result<()>,
) -> Result<()> {
    let numbers = nrows.saturating_mul(k);
    let _held = ctx.hold(bytes_of::<X>(numbers));
    let mut middle = ctx.work::<X>("the product in between", numbers)?;
    product(false, &mut middle)?;
    between(0..nrows, &mut middle);
    product(true, &mut middle)
}

/// The plan of `in_two`.
pub(crate) fn plan_in_two<X: Scalar>(product: Plan, adjoint: Plan, numbers: usize) -> Plan {
    let again = |plan: &Plan| plan.reads_again.unwrap_or(plan.cost.bytes_read);
    let repeated = again(&product).saturating_add(again(&adjoint));
    // Where both read, the second finds what the first has pinned.
    let adjoint = if product.cost.bytes_read > 0 { adjoint.again() } else { adjoint };
    let plan = Plan::new("normal product").then(product).then(adjoint);
    plan.reads_again(repeated).throughout(bytes_of::<X>(numbers))
}
