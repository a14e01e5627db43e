//! What conversions have in common: when a result is too large to be filled in any order, and what writing it costs.

use crate::error::Result;
use crate::sparse::{Axis, Compressed, CompressedWriter, check_widths};
use crate::storage::{Context, Entry, Index, Place, Plan};

/// Bytes for reading input, out of a memory limit; more gains nothing.
pub(super) fn reading_budget(ctx: &Context) -> u64 {
    (ctx.memory_left() / 8).min(96 << 20)
}

/// Whether a result of `bytes` bytes outside the heap is too large to be filled in any order.
pub(super) fn exceeds(bytes: u64, place: &Place, ctx: &Context) -> bool {
    *place != Place::Memory && bytes > ctx.memory_left() / 2
}

/// Adds a compressed matrix with `nnz` entries that is written line by line.
pub(super) fn written<T: Entry, I: Index, P: Index, A: Axis>(
    plan: Plan,
    (major, nnz): (usize, usize),
    place: &Place,
    ctx: &Context,
) -> Plan {
    let (plan, bytes) = (plan.at(place, true), Compressed::<T, I, P, A>::bytes_of(major, nnz));
    match place {
        Place::Memory => plan.beside(bytes),
        _ => {
            let memory = CompressedWriter::<T, I, P, A>::memory_beside(ctx.memory_left());
            plan.writes(bytes).beside(memory)
        }
    }
}

/// Fails if a result of so many entries is too much for the type of its pointers, or would not fit in memory.
pub(super) fn check_size<T: Entry, I: Index, P: Index, A: Axis>(
    (major, nnz): (usize, usize),
    place: &Place,
    ctx: &Context,
) -> Result<()> {
    check_widths::<I, P>(0, 0, nnz)?;
    let bytes = Compressed::<T, I, P, A>::bytes_of(major, nnz);
    if *place == Place::Memory { ctx.check_memory("the result", bytes) } else { Ok(()) }
}
