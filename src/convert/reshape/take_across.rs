//! Rows or columns of a sparse matrix across its lines.
//!
//! A list that rises takes one pass, and each index is looked up in a table. For any other, such a pass takes what is
//! listed, in order and once; this is then permuted, or, if there are repeats, taken as lines of the transpose.

use crate::convert::formats::{plan_recompress, recompress};
use crate::convert::in_memory::{GrainSizes, Sizes};
use crate::convert::reshape::filter::marked;
use crate::convert::reshape::permute::{permute, plan_permute};
use crate::convert::reshape::take_lines::{plan_lines, take_lines};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{
    AnyCompressed, Indices, IndicesMut, Permutation, SelectionLines, by_index, largest,
};
use crate::storage::{Context, Cost, Held, Index, Place, Plan, SparseFormat};

/// The entries whose index is in a rising list, renumbered by its position in it; `held` bytes are used by the list.
pub(super) fn take_rising(
    operation: &'static str,
    from: &AnyCompressed,
    (list, held): (&[usize], u64),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (index, minor) = (from.types().indices, from.minor());
    let (bytes, limit) = (index.bytes_of(minor), ctx.memory_left().saturating_sub(held));
    if bytes > limit / 2 {
        return Err(Error::new(ErrorKind::Memory, "the table of indices does not fit")
            .expected(format!("a memory limit of at least {} bytes", 2 * bytes))
            .found(limit));
    }
    // Larger than any index.
    let none = largest(index);
    let mut table = ctx.raw_filled("the table of indices", (Some(index), minor))?;
    {
        let mut table = IndicesMut::of(&mut table);
        (0..minor).for_each(|k| table.set(k, none));
        list.iter().enumerate().for_each(|(k, &number)| table.set(number, k));
    }
    let table = Indices::of_mut(&table);
    let mark = |lines: &SelectionLines<'_>, marks: &mut [u8]| {
        by_index!(lines.indices, indices => mark(indices, table.typed(), marks));
    };
    marked(operation, from, &mark, (Some(table), held, list.len()), place, ctx)
}

fn mark<I: Index>(indices: &[I], table: &[I], marks: &mut [u8]) {
    for (mark, index) in marks.iter_mut().zip(indices) {
        *mark = u8::from(table[index.to_usize()].to_usize() != I::LARGEST);
    }
}

/// The entries whose index is in a list, once for each of its positions in it.
pub(super) fn take_across(
    operation: &'static str,
    from: &AnyCompressed,
    list: &[usize],
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let bytes = 2 * size_of_val(list) as u64;
    ctx.check_memory("the list", bytes)?;
    let _running = ctx.begin(|| {
        Ok(plan_across(operation, from, list, place, &ctx.less(bytes))?.throughout(bytes))
    })?;
    let once = distinct(list, ctx)?;
    let place_of = |number: &usize| once.binary_search(number).unwrap_or_default();
    let order = ctx.collected("the list", list.iter().map(place_of))?;
    let _held = ctx.hold(bytes);
    let ctx = &ctx.less(bytes);
    let between = if *place == Place::Memory { Place::Memory } else { Place::Scratch };
    let (some, made) = match once.len() == from.minor() {
        true => (from.clone(), 0),
        false => {
            let some = take_rising(operation, from, (&once, 0), &between, ctx)?;
            let made = Sizes::of(&some).in_memory();
            (some, made)
        }
    };
    let (_some, ctx) = kept(made, ctx);
    let ctx = &ctx;
    let orders = |order| match from.format() {
        SparseFormat::Csc => (Some(order), None),
        _ => (None, Some(order)),
    };
    if once.len() == list.len() {
        let order = Permutation::new(order)?;
        let (rows, cols) = orders(&order);
        return permute(&some, (rows, cols), place, ctx);
    }
    let across = recompress(&some, operation, &between, ctx)?;
    let (_across, ctx) = kept(Sizes::of(&across).in_memory(), ctx);
    let taken = take_lines(operation, &across, (&order, 0), &between, &ctx)?;
    let (_taken, ctx) = kept(Sizes::of(&taken).in_memory(), &ctx);
    recompress(&taken, operation, place, &ctx)
}

/// The numbers of a list in order, each once.
fn distinct(list: &[usize], ctx: &Context) -> Result<Vec<usize>> {
    let mut once = ctx.with_capacity("the list", list.len())?;
    once.extend_from_slice(list);
    once.sort_unstable();
    once.dedup();
    Ok(once)
}

/// The plan for a list: that of each step. The number of entries is an estimate, unless every number is listed
/// once.
fn plan_across(
    operation: &'static str,
    from: &AnyCompressed,
    list: &[usize],
    place: &Place,
    ctx: &Context,
) -> Result<Plan> {
    let once = distinct(list, ctx)?;
    let between = if *place == Place::Memory { Place::Memory } else { Place::Scratch };
    let (types, major, limit) = (from.types(), from.major(), ctx.memory_left());
    let plan = Plan::new(operation).on_device_of(from.indices_buffer().file());
    let (plan, some, mut held) = match once.len() == from.minor() {
        true => (plan, Sizes::of(from), 0),
        false => {
            let rising = ctx.plan(|ctx| take_rising(operation, from, (&once, 0), &between, ctx))?;
            let nnz = rising.entries.map_or(from.nnz(), |entries| entries as usize);
            let some = Sizes::at(types, (major, once.len()), nnz, &between);
            (plan.then(rising), some, some.in_memory())
        }
    };
    // What a step leaves in memory is held from then on.
    let step = Plan::new(operation);
    let left = |held: u64| ctx.less(held);
    let plan = if once.len() == list.len() {
        let step = plan_permute(step, some, (false, true), place, &left(held));
        plan.then(step.throughout(held))
    } else {
        let across = Sizes::at(types, (some.minor, major), some.nnz, &between);
        let step = plan_recompress(step, some, &between, GrainSizes::USUAL, &left(held));
        let plan = plan.then(step.throughout(held));
        held += across.in_memory();
        let all = some.nnz as f64 * list.len() as f64 / once.len().max(1) as f64;
        let taken = Sizes::at(types, (list.len(), major), all as usize, &between);
        let step = plan_lines(Plan::new(operation), taken, taken.stored, &between, &left(held));
        let plan = plan.then(step.throughout(held));
        held += taken.in_memory();
        let step =
            plan_recompress(Plan::new(operation), taken, place, GrainSizes::USUAL, &left(held));
        plan.then(step.throughout(held))
    };
    // There may be more entries than estimated; the steps keep to the limit.
    let is_exact = once.len() == from.minor() && list.len() == from.minor();
    let most = plan.cost.peak_memory;
    let most = if is_exact { most } else { most + most / 8 }.min(limit);
    let plan = Plan { cost: Cost { peak_memory: most, ..plan.cost }, ..plan };
    Ok(plan.at(place, true))
}

/// Holds the memory of a temporary matrix, and returns the context for the work meanwhile.
fn kept(bytes: u64, ctx: &Context) -> (Held, Context) {
    (ctx.hold(bytes), ctx.less(bytes))
}
