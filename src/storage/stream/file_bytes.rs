//! A range of a file in order, read ahead of the work on it: for bytes that are not yet elements.

use std::ops::Range;

use crate::error::Result;
use crate::storage::memory::Origin;
use crate::storage::runtime::Context;
use crate::storage::stream::device::{Devices, ReadMode, Source};
use crate::storage::stream::panel_files::Extent;
use crate::storage::stream::panel_reader::PanelReader;

/// Passes the bytes of `range` to `take`, `step` at a time, within `budget` bytes of memory, or two steps if that is
/// more.
pub(crate) fn sweep_bytes(
    origin: &Origin,
    range: Range<u64>,
    (step, budget): (u64, u64),
    ctx: &Context,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let source = Source::open(origin)?;
    // A file that fits in memory is usually cached.
    let mode = match range.end <= ctx.memory_left() {
        true => ReadMode::Buffered,
        false => Devices::known().read_mode(&source)?,
    };
    let panels: Vec<_> = range
        .clone()
        .step_by(step as usize)
        .map(|offset| {
            vec![Extent { source: 0, offset, bytes: step.min(range.end - offset) as usize }]
        })
        .collect();
    let budget = budget.max(2 * PanelReader::panel_memory(&panels) as u64);
    let mut reader = PanelReader::new(vec![source], panels, budget, mode)?;
    reader.pin_nothing();
    reader.sweep(ctx, &mut |_, bytes| bytes.iter().try_for_each(|bytes| take(bytes)))
}
