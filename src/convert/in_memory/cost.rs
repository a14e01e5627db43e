//! Shared by conversions: when a result is too large to be filled in any order, and the cost of writing it.

use crate::error::Result;
use crate::sparse::{Types, check_types};
use crate::storage::{Context, Place};

/// Bytes for reading input, out of a memory limit; more does not help.
pub(crate) fn reading_budget(ctx: &Context) -> u64 {
    (ctx.memory_left() / 8).min(96 << 20)
}

/// Whether a result of `bytes` bytes outside the heap is too large to be filled in any order.
pub(crate) fn exceeds(bytes: u64, place: &Place, ctx: &Context) -> bool {
    *place != Place::Memory && bytes > ctx.memory_left() / 2
}

/// Fails if a result has too many entries for the type of its pointers, or would not fit in memory.
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
