//! A panel of a matrix larger than memory with its encoding, and whether encodings are worthwhile.

use std::ops::Range;

use crate::error::{ErrorKind, Result};
use crate::linalg::kernels::{Panel, bounds};
use crate::linalg::product::prepared::compact::Compact;
use crate::sparse::{AnyCompressed, CompressedPanel, by_index};
use crate::storage::raw::width;
use crate::storage::{Context, RawBuffer};

/// Bytes that a panel must save in every pass, per bytes of its encoding: the first per the second.
const SAVES: (u64, u64) = (5, 4);

/// Places at which a matrix is examined before it is encoded, and the most entries and lines of each.
const SPOTS: usize = 16;
const SPOT: usize = 1 << 13;
const SPOT_LINES: usize = 1 << 9;

/// Some consecutive lines.
pub(crate) struct EncodedPanel {
    pub(crate) lines: Range<usize>,
    pub(super) entries: Range<usize>,
    /// The columns between the first and the last that its entries name.
    pub(crate) columns: Range<usize>,
    pub(super) compact: Option<Compact>,
}

impl EncodedPanel {
    /// Whether something is read in every pass.
    pub(crate) fn is_read(&self) -> bool {
        self.compact.as_ref().is_none_or(|compact| compact.streamed)
    }
}

/// A panel with its encoding, if there is one, and its columns. A panel with a bad index is not encoded, so that the
/// product finds it.
pub(super) fn encode(
    matrix: &AnyCompressed,
    panel: &CompressedPanel<'_>,
    ctx: &Context,
) -> Result<EncodedPanel> {
    let CompressedPanel { first, indptr, indices, data } = *panel;
    let lines = first..first + indptr.len() - 1;
    let minor = matrix.minor();
    let (compact, columns) = by_index!(indices, indices => {
        let columns = bounds(indices).map_or(0..0, |(least, largest)| {
            least..largest.saturating_add(1)
        });
        let structure = RawBuffer::pattern(indices.len());
        let structure = structure.as_raw().typed().unwrap_or_default();
        let made = Panel::over(indptr, indices, structure, minor, first)
            .and_then(|lines| Compact::of_panel((lines, data), ctx));
        match made {
            Err(error) if error.kind() == ErrorKind::Index => (None, 0..minor),
            made => (made?, columns),
        }
    });
    Ok(EncodedPanel { lines, entries: 0..indices.len(), columns, compact })
}

/// Whether an encoding takes less memory than the bytes that need not be read with it.
pub(super) fn saves(
    matrix: &AnyCompressed,
    compact: &Compact,
    (lines, entries): (usize, usize),
) -> bool {
    let of = |buffer: &RawBuffer, count: usize| match buffer.origin() {
        Some(_) => (width(buffer.dtype()) * count) as u64,
        None => 0,
    };
    let values = if compact.streamed { 0 } else { of(matrix.data(), entries) };
    let saved = of(matrix.indices_buffer(), entries) + of(matrix.indptr_buffer(), lines) + values;
    compact.bytes().saturating_mul(SAVES.0) <= saved.saturating_mul(SAVES.1)
}

/// What some lines suggest of a matrix.
pub(super) struct Look {
    /// Whether encodings save bytes, or several products can be made in one pass.
    pub(super) worthwhile: bool,
    /// Whether columns are near the diagonal.
    pub(super) near: bool,
    /// Bytes that were examined.
    pub(super) bytes: u64,
}

/// Looks at some lines.
pub(super) fn look(matrix: &AnyCompressed, ctx: &Context) -> Result<Look> {
    let (major, minor) = matrix.extents();
    let (mut looked, mut good, mut near, mut bytes) = (0, 0, 0, 0);
    let (value, index, pointer) = matrix.types().sizes();
    for spot in 0..SPOTS.min(major) {
        let start = spot * (major / SPOTS.min(major));
        let first = matrix.span(start).start;
        let fits = |&line: &usize| matrix.span(line).end.saturating_sub(first) <= SPOT;
        let end = (start..major.min(start + SPOT_LINES)).take_while(fits).last();
        let Some(end) = end.map(|last| last + 1) else { continue };
        let entries = first..matrix.span(end - 1).end;
        let panel = CompressedPanel {
            first: start,
            indptr: matrix.indptr().slice(start..end + 1),
            indices: matrix.indices().slice(entries.clone()),
            data: matrix.data().as_raw().slice(entries.clone()),
        };
        let EncodedPanel { columns, compact, .. } = encode(matrix, &panel, ctx)?;
        let size = (end - start, entries.len());
        looked += 1;
        bytes += (size.0 * pointer + size.1 * (value + index)) as u64;
        good += usize::from(compact.is_some_and(|it| saves(matrix, &it, size)));
        near += usize::from(major == minor && is_near(&columns, minor));
    }
    let near = looked > 0 && near * 2 >= looked;
    Ok(Look { worthwhile: near || (looked > 0 && good * 2 >= looked), near, bytes })
}

/// Several products in one pass are possible if lines touch no more than one in `NEAR` columns.
const NEAR: usize = 8;

/// Whether lines touch few enough columns.
pub(super) fn is_near(columns: &Range<usize>, minor: usize) -> bool {
    columns.len() <= minor / NEAR
}
