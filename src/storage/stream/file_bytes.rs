//! A range of a file in order, read ahead of the work on it: for bytes that are not yet elements.

use std::ops::Range;

use crate::error::Result;
use crate::storage::memory::{DType, Origin};
use crate::storage::runtime::Context;
use crate::storage::stream::array_panels::{ArrayPanels, Reading};
use crate::storage::stream::arrays::Arrays;
use crate::storage::stream::panel_cut::EvenCut;

/// Passes the bytes of `range` to `take`, `step` at a time, within `budget` bytes of memory, or two steps if that is
/// more.
pub(crate) fn sweep_bytes(
    origin: &Origin,
    range: Range<u64>,
    (step, budget): (usize, u64),
    ctx: &Context,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let len = range.end.saturating_sub(range.start) as usize;
    // A file that fits in memory is usually cached.
    let how = Reading::once(budget).at_least(2).buffered_if(range.end <= ctx.memory_left());
    let bytes = Arrays::of_file(origin, range.start, DType::UInt8)?;
    let mut panels = ArrayPanels::new(bytes, EvenCut { len, step, arrays: 1 }, how)?;
    panels.sweep_part(ctx, &mut |_, parts| take(parts[0].bytes()))
}
