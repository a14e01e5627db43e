//! What conversions have in common: when a result is too large to be filled in any order, and what writing it costs.

use crate::error::Result;
use crate::sparse::{AnyWriter, Types, check_types};
use crate::storage::{Context, Place, Plan};

/// Bytes for reading input, out of a memory limit; more gains nothing.
pub(crate) fn reading_budget(ctx: &Context) -> u64 {
    (ctx.memory_left() / 8).min(96 << 20)
}

/// Whether a result of `bytes` bytes outside the heap is too large to be filled in any order.
pub(crate) fn exceeds(bytes: u64, place: &Place, ctx: &Context) -> bool {
    *place != Place::Memory && bytes > ctx.memory_left() / 2
}

/// Adds a compressed matrix of `major` lines and `nnz` entries that is written line by line.
pub(crate) fn plan_written(
    plan: Plan,
    types: Types,
    (major, nnz): (usize, usize),
    place: &Place,
    ctx: &Context,
) -> Plan {
    let (plan, bytes) = (plan.at(place, true), types.bytes_of(major, nnz));
    match place {
        Place::Memory => plan.beside(bytes),
        _ => plan.writes(bytes).beside(AnyWriter::memory_beside(ctx.memory_left())),
    }
}

/// Fails if a result of so many entries is too much for the type of its pointers, or would not fit in memory.
pub(crate) fn check_fits(
    types: Types,
    (major, nnz): (usize, usize),
    place: &Place,
    ctx: &Context,
) -> Result<()> {
    check_types((types.indices, types.pointers), 0, 0, nnz)?;
    let bytes = types.bytes_of(major, nnz);
    if *place == Place::Memory { ctx.check_memory("the result", bytes) } else { Ok(()) }
}
