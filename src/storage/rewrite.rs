//! Changing a stored array where it lies: its checksums go before the first store and come back after the last.

use std::path::Path;

use crate::error::{Error, Result};
use crate::storage::buffer::Buffer;
use crate::storage::buffer_mut::BufferMut;
use crate::storage::checksum;
use crate::storage::context::Context;
use crate::storage::element::Entry;
use crate::storage::map::lock_shared;
use crate::storage::stage::{parent, remove_if_there, sync};
use crate::storage::sums::Sums;

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
    end_summed_rewrite(path, array, None, ctx)
}

/// As [`end_rewrite`], for an array whose file is summed already if there are `sums`.
pub(crate) fn end_summed_rewrite<T: Entry>(
    path: &Path,
    array: BufferMut<T>,
    sums: Option<Sums>,
    ctx: &Context,
) -> Result<Buffer<T>> {
    array.flush()?;
    match (sums, array.origin()) {
        (Some(sums), Some((origin, start))) => {
            origin.file.sync_all().map_err(|e| Error::io("writing back", path, e))?;
            checksum::write_sums(path, start + size_of_val(&*array) as u64, &sums)?;
        }
        _ => checksum::write(path, ctx)?,
    }
    sync(parent(path))?;
    let array = array.freeze();
    if let Some((origin, _)) = array.origin() {
        lock_shared(&origin.file, path)?;
    }
    Ok(array)
}
