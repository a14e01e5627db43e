//! Lines of a compressed matrix panel by panel, plain or encoded: what products work on.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::product::prepared::{Compact, Expanded};
use crate::sparse::{AnyCompressed, CompressedPanel, CompressedPanels};
use crate::storage::Context;
use crate::storage::raw::Raw;

/// Some consecutive lines.
pub(crate) enum LinesPart<'a> {
    Plain(CompressedPanel<'a>),
    Encoded(EncodedPart<'a>),
}

/// Some blocks of encoded lines.
pub(crate) struct EncodedPart<'a> {
    /// The number of the first line in the matrix.
    pub(crate) first: usize,
    pub(crate) compact: &'a Compact,
    pub(crate) blocks: Range<usize>,
    /// The values of all blocks of the encoding, if it has none.
    pub(crate) values: Option<Raw<'a>>,
}

/// Yields the lines of a matrix in order.
pub(crate) trait LineSource {
    fn matrix(&self) -> &AnyCompressed;

    /// Bytes for the plain lines of an encoded panel.
    fn decoding_bytes(&self) -> u64 {
        0
    }

    /// Calls `work` with every panel: one pass over what is read.
    fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(LinesPart<'_>) -> Result<()>,
    ) -> Result<()>;
}

impl LineSource for CompressedPanels {
    fn matrix(&self) -> &AnyCompressed {
        self.matrix()
    }

    fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(LinesPart<'_>) -> Result<()>,
    ) -> Result<()> {
        self.sweep(ctx, &mut |panel| work(LinesPart::Plain(panel)))
    }
}

/// A matrix in memory or on its map: all lines at once.
impl LineSource for &AnyCompressed {
    fn matrix(&self) -> &AnyCompressed {
        self
    }

    fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(LinesPart<'_>) -> Result<()>,
    ) -> Result<()> {
        ctx.meter().pass_over(self.stored_bytes());
        ctx.report("sweeping", 0, 1)?;
        let (indptr, indices, data) = (self.indptr(), self.indices(), self.data().as_raw());
        work(LinesPart::Plain(CompressedPanel { first: 0, indptr, indices, data }))?;
        ctx.report("sweeping", 1, 1)
    }
}

impl LinesPart<'_> {
    /// The numbers of the lines in the matrix.
    pub(crate) fn lines(&self) -> Range<usize> {
        match self {
            LinesPart::Plain(panel) => panel.first..panel.first + panel.indptr.len() - 1,
            LinesPart::Encoded(part) => part.first..part.first + part.count(),
        }
    }

    /// The lines as they are stored, of an encoding all blocks; `buffer`, made when it is first needed, is for those that
    /// are encoded.
    pub(crate) fn plain<'r>(
        &'r self,
        buffer: &'r mut Option<Expanded>,
        ctx: &Context,
    ) -> Result<CompressedPanel<'r>> {
        match self {
            LinesPart::Plain(CompressedPanel { first, indptr, indices, data }) => {
                let (first, indptr, indices) = (*first, *indptr, *indices);
                Ok(CompressedPanel { first, indptr, indices, data: *data })
            }
            LinesPart::Encoded(EncodedPart { first, compact, values, .. }) => {
                let buffer = match buffer {
                    Some(buffer) => buffer,
                    None => buffer.insert(Expanded::new()?),
                };
                let (indptr, indices, data) = compact.expand(*values, buffer, ctx)?;
                Ok(CompressedPanel { first: *first, indptr, indices, data })
            }
        }
    }
}

impl EncodedPart<'_> {
    /// Number of lines.
    fn count(&self) -> usize {
        self.compact.blocks[self.blocks.clone()].iter().map(|block| block.lines.len()).sum()
    }
}
