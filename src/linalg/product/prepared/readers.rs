//! The readers of an operator's panels: one that keeps panels between products, and one more for each concurrent
//! product.

use std::sync::{Arc, Weak};

use crate::dense;
use crate::error::Result;
use crate::linalg::product::line_source::{LineSource, LinesPart};
use crate::linalg::product::prepared::encoded_lines::EncodedLines;
use crate::linalg::product::prepared::lending::Lendable;
use crate::sparse::{AnyCompressed, CompressedPanels};
use crate::storage::{ArrayPanels, Context, Lasts, Spare, Traffic};

/// A matrix in panels of lines.
pub(crate) trait ProductReader: Send + Sync + 'static {
    fn panels(&self) -> &ArrayPanels;
    fn panels_mut(&mut self) -> &mut ArrayPanels;
    /// The same lines with another reader, or none.
    fn with(&self, panels: Option<ArrayPanels>) -> Self;
    /// Bytes held in addition to the panels.
    fn kept(&self) -> u64;
    /// More bytes during a product.
    fn decoding_bytes(&self) -> u64 {
        0
    }
}

/// The readers of one matrix.
pub(crate) struct Readers<L> {
    /// The model from which others are made; never swept itself.
    model: L,
    /// Pins panels, if the matrix is read at all.
    pinning: Arc<Lendable<L>>,
}

impl<L: ProductReader> Readers<L> {
    /// Readers of a matrix whose panels, together with `vectors` bytes, stay within the memory of a context.
    pub(crate) fn new(mut reader: L, vectors: u64, ctx: &Context) -> Self {
        let kept = reader.kept();
        if let Some(ring) = reader.panels_mut().ring() {
            ring.share(kept, vectors, ctx);
        }
        let model = another(&reader);
        let pinning = Arc::new(Lendable::new(reader.panels().is_read().then_some(reader)));
        if model.panels().is_read() {
            let spare: Weak<dyn Spare> = Arc::downgrade(&pinning) as Weak<dyn Spare>;
            ctx.meter().ask_when_short(ctx.memory_limit_bytes(), spare);
        }
        Readers { model, pinning }
    }

    pub(crate) fn model(&self) -> &L {
        &self.model
    }

    /// Calls `work` with an exclusive reader; concurrent calls get others.
    ///
    /// A concurrent second product reads with as few buffers as possible, and through the map if there is no memory for
    /// them.
    pub(crate) fn with<R>(&self, ctx: &Context, work: &mut dyn FnMut(&mut L) -> R) -> R {
        if !self.model.panels().is_read() {
            return work(&mut another(&self.model));
        }
        if let Some(mut pinning) = self.pinning.lend() {
            return work(&mut pinning);
        }
        let taken = ctx.meter().outermost().memory_held() + self.model.panels().least_memory();
        let mut other = match taken <= ctx.memory_limit_bytes() {
            true => another(&self.model),
            false => {
                self.model.panels().count_mapped();
                self.model.with(None)
            }
        };
        work(&mut other)
    }

    /// Queries the reader whose state determines the cost of the next product.
    pub(crate) fn ask<R>(&self, ask: &mut dyn FnMut(&L) -> R) -> R {
        self.pinning.change(|pinning| ask(pinning.as_ref().unwrap_or(&self.model)))
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.model.panels().traffic()
    }

    pub(crate) fn lasts(&self) -> Lasts {
        let at_work = self.model.panels().least_memory() + self.model.decoding_bytes();
        Lasts { always: self.model.kept(), at_work }
    }
}

/// The same panels for another user, with as few buffers as possible.
fn another<L: ProductReader>(reader: &L) -> L {
    reader.with(Some(reader.panels().another()))
}

impl<L: ProductReader> Spare for Lendable<L> {
    fn give_back(&self, bytes: u64) {
        self.change(|reader| {
            if let Some(ring) = reader.as_mut().and_then(|reader| reader.panels_mut().ring()) {
                ring.give_back(bytes);
            }
        });
    }
}

/// A compressed matrix in panels.
pub(crate) enum PreparedPanels {
    Plain(CompressedPanels),
    Encoded(EncodedLines),
}

impl PreparedPanels {
    /// The most lines of a panel.
    pub(crate) fn most_lines(&self) -> usize {
        match self {
            PreparedPanels::Plain(panels) => panels.largest().0,
            PreparedPanels::Encoded(lines) => lines.most_lines(),
        }
    }

    pub(crate) fn matrix(&self) -> &AnyCompressed {
        match self {
            PreparedPanels::Plain(panels) => panels.matrix(),
            PreparedPanels::Encoded(lines) => lines.matrix(),
        }
    }
}

impl ProductReader for PreparedPanels {
    fn panels(&self) -> &ArrayPanels {
        match self {
            PreparedPanels::Plain(panels) => &panels.reading,
            PreparedPanels::Encoded(lines) => &lines.reading,
        }
    }
    fn panels_mut(&mut self) -> &mut ArrayPanels {
        match self {
            PreparedPanels::Plain(panels) => &mut panels.reading,
            PreparedPanels::Encoded(lines) => &mut lines.reading,
        }
    }
    fn with(&self, panels: Option<ArrayPanels>) -> Self {
        match (self, panels) {
            (PreparedPanels::Encoded(lines), Some(panels)) => {
                PreparedPanels::Encoded(lines.with(panels))
            }
            (PreparedPanels::Encoded(lines), None) => {
                PreparedPanels::Plain(CompressedPanels::in_place(lines.matrix().clone()))
            }
            (PreparedPanels::Plain(lines), panels) => PreparedPanels::Plain(lines.with(panels)),
        }
    }
    fn kept(&self) -> u64 {
        match self {
            PreparedPanels::Plain(panels) => panels.kept,
            PreparedPanels::Encoded(lines) => lines.bytes_kept(),
        }
    }
    fn decoding_bytes(&self) -> u64 {
        match self {
            PreparedPanels::Plain(_) => 0,
            PreparedPanels::Encoded(lines) => lines.decoding_bytes(),
        }
    }
}

impl LineSource for PreparedPanels {
    fn matrix(&self) -> &AnyCompressed {
        self.matrix()
    }

    fn decoding_bytes(&self) -> u64 {
        ProductReader::decoding_bytes(self)
    }

    fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(LinesPart<'_>) -> Result<()>,
    ) -> Result<()> {
        match self {
            PreparedPanels::Plain(panels) => LineSource::sweep(panels, ctx, work),
            PreparedPanels::Encoded(lines) => LineSource::sweep(lines, ctx, work),
        }
    }
}

impl ProductReader for dense::DensePanels {
    fn panels(&self) -> &ArrayPanels {
        &self.reading
    }
    fn panels_mut(&mut self) -> &mut ArrayPanels {
        &mut self.reading
    }
    fn with(&self, panels: Option<ArrayPanels>) -> Self {
        self.with(panels)
    }
    fn kept(&self) -> u64 {
        0
    }
}
