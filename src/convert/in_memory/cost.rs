//! Shared by conversions: when a result is too large to be filled in any order, and the cost of writing it.

use crate::error::Result;
use crate::sparse::{AnyCompressed, Types, check_types};
use crate::storage::{Context, Place};

/// The extents and types of a sparse matrix, which need not exist yet: what the plan of a conversion depends on.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) types: Types,
    pub(crate) major: usize,
    pub(crate) minor: usize,
    pub(crate) nnz: usize,
    /// Bytes in files.
    pub(crate) stored: u64,
}

impl Sizes {
    pub(crate) fn of(a: &AnyCompressed) -> Self {
        let (types, (major, minor)) = (a.types(), a.extents());
        Sizes { types, major, minor, nnz: a.nnz(), stored: a.stored_bytes() }
    }

    /// A matrix of these extents and types, to be made at `place`.
    pub(crate) fn at(
        types: Types,
        (major, minor): (usize, usize),
        nnz: usize,
        place: &Place,
    ) -> Self {
        let stored = if *place == Place::Memory { 0 } else { types.bytes_of(major, nnz) };
        Sizes { types, major, minor, nnz, stored }
    }

    /// Bytes of its arrays.
    pub(crate) fn bytes(self) -> u64 {
        self.types.bytes_of(self.major, self.nnz)
    }

    /// Bytes that it takes in memory.
    pub(crate) fn in_memory(self) -> u64 {
        self.bytes().saturating_sub(self.stored)
    }
}

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
