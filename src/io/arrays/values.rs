//! The values of a sparse matrix, as other formats store them.

use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::array::ForeignArray;
use crate::sparse::repeat_value;
use crate::storage::raw::Raw;
use crate::storage::{Context, DType, Plan, RawBuffer};

/// The values of a sparse matrix.
pub(in crate::io) enum ForeignValues {
    /// One for each entry.
    Each(ForeignArray),
    /// One for all entries.
    One(ForeignArray),
    /// None: only the structure is known.
    Pattern,
}

impl ForeignValues {
    /// The type of the values; `None` for a pattern.
    pub(super) fn dtype(&self) -> Option<DType> {
        match self {
            ForeignValues::Each(array) | ForeignValues::One(array) => Some(array.dtype),
            ForeignValues::Pattern => None,
        }
    }

    /// Fails unless there is a value for each of `nnz` entries, or one for all.
    pub(super) fn check(&self, nnz: usize) -> Result<()> {
        match self {
            ForeignValues::Each(array) => array.check_line(Some(nnz)),
            ForeignValues::One(array) if array.len() != 1 => Err(array
                .error(ErrorKind::Format, "the array has the wrong shape")
                .expected("one value for all entries")
                .found(format!("{:?}", array.shape))),
            ForeignValues::One(_) | ForeignValues::Pattern => Ok(()),
        }
    }

    /// The values in place, if they can be used there.
    pub(super) fn map(&self, nnz: usize) -> Result<Option<RawBuffer>> {
        match self {
            ForeignValues::Each(array) => array.map_as(array.dtype),
            ForeignValues::One(_) => Ok(None),
            ForeignValues::Pattern => Ok(Some(RawBuffer::pattern(nnz))),
        }
    }

    /// Hands on a value for each of `nnz` entries.
    pub(super) fn for_each(
        &self,
        nnz: usize,
        ctx: &Context,
        take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        match self {
            ForeignValues::Each(array) => array.for_each(ctx, take),
            ForeignValues::Pattern => take(RawBuffer::pattern(nnz).as_raw()),
            ForeignValues::One(array) => {
                array.for_each(ctx, &mut |value| repeat_value(value, nnz, take))
            }
        }
    }

    /// Names the array of the values, if there is one, in an error.
    pub(super) fn blame(&self, error: Error) -> Error {
        match self {
            ForeignValues::Each(array) | ForeignValues::One(array) => array.blame(error),
            ForeignValues::Pattern => error,
        }
    }

    pub(super) fn plan(&self, plan: Plan, ctx: &Context) -> Plan {
        match self {
            ForeignValues::Each(array) | ForeignValues::One(array) => array.plan(plan, ctx),
            ForeignValues::Pattern => plan,
        }
    }
}
