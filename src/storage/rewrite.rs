//! Changing a stored array where it lies: its checksums go before the first store and come back after the last.

use std::path::Path;

use crate::error::Result;
use crate::storage::buffer::Buffer;
use crate::storage::buffer_mut::BufferMut;
use crate::storage::checksum;
use crate::storage::context::Context;
use crate::storage::element::Entry;
use crate::storage::map::lock_shared;
use crate::storage::stage::{parent, remove_if_there, sync};

/// Removes the checksums of an array that is about to change, so that they are never stale.
pub(crate) fn start_rewrite(path: &Path) -> Result<()> {
    remove_if_there(&checksum::side_file(path))?;
    sync(parent(path))
}

/// Writes a changed array to the device, sums it, and gives up the right to write.
pub(crate) fn end_rewrite<T: Entry>(
    path: &Path,
    array: BufferMut<T>,
    ctx: &Context,
) -> Result<Buffer<T>> {
    array.flush()?;
    checksum::write(path, ctx)?;
    sync(parent(path))?;
    let array = array.freeze();
    if let Some((origin, _)) = array.origin() {
        lock_shared(&origin.file, path)?;
    }
    Ok(array)
}
