//! Arrays without elements, which MATLAB leaves out of a file.

use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::io::arrays::{ArrayBytes, ForeignArray};
use crate::storage::{Context, DType, NpyHeader};

/// An array of the name and the file of another without elements. Fails if the shape has some.
pub(super) fn emptied(like: &ForeignArray, dtype: DType, shape: &[usize]) -> Result<ForeignArray> {
    let header = NpyHeader::new(dtype, shape, like.order);
    let empty = ForeignArray::new(like.file(), like.name(), header, Arc::new(Nothing))?;
    match empty.len() {
        0 => Ok(empty),
        _ => Err(like
            .error(ErrorKind::Format, "the array is declared to be empty")
            .expected("an extent of 0")
            .found(format!("{shape:?}"))),
    }
}

/// No bytes.
struct Nothing;

impl ArrayBytes for Nothing {
    fn in_place(&self) -> Option<u64> {
        None
    }

    fn stored(&self) -> u64 {
        0
    }

    fn memory(&self, _ctx: &Context) -> u64 {
        0
    }

    fn work(&self) -> f64 {
        0.0
    }

    fn read(&self, _ctx: &Context, _take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        Ok(())
    }
}
