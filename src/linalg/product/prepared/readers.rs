//! The readers of an operator's panels: one that keeps panels between products, and one more for each product beside it.

use std::sync::{Arc, Weak};

use crate::linalg::product::prepared::lent::AtHand;
use crate::storage::{ArrayPanels, Context, Lasts, Spare, Traffic};
use crate::{dense, sparse};

/// A matrix in panels of lines.
pub(crate) trait LineReader: Send + Sync + 'static {
    fn panels(&self) -> &ArrayPanels;
    fn panels_mut(&mut self) -> &mut ArrayPanels;
    /// The same lines, of which these panels are read, or none.
    fn with(&self, panels: Option<ArrayPanels>) -> Self;
    /// Bytes of what is held beside the panels.
    fn kept(&self) -> u64;
}

/// The readers of one matrix.
pub(crate) struct Readers<L> {
    /// Never swept itself: what others are made like.
    model: L,
    /// Pins panels, if the matrix is read at all.
    pinning: Arc<AtHand<L>>,
}

impl<L: LineReader> Readers<L> {
    /// Of a matrix whose panels stay, beside `vectors` bytes, within the memory of a context.
    pub(crate) fn new(mut reader: L, vectors: u64, ctx: &Context) -> Self {
        let kept = reader.kept();
        reader.panels_mut().share(kept, vectors, ctx);
        let model = another(&reader);
        let pinning = Arc::new(AtHand::new(reader.panels().is_read().then_some(reader)));
        if model.panels().is_read() {
            let spare: Weak<dyn Spare> = Arc::downgrade(&pinning) as Weak<dyn Spare>;
            ctx.meter().ask_when_short(ctx.memory_limit_bytes(), spare);
        }
        Readers { model, pinning }
    }

    pub(crate) fn model(&self) -> &L {
        &self.model
    }

    /// Calls `work` with a reader of its own, whoever else works with another.
    ///
    /// The second of two products at a time reads with the least of buffers, and on the map if there is no memory for them.
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

    /// Asks the reader whose state tells what the next product will cost.
    pub(crate) fn ask<R>(&self, ask: &mut dyn FnMut(&L) -> R) -> R {
        self.pinning.change(|pinning| ask(pinning.as_ref().unwrap_or(&self.model)))
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.model.panels().traffic()
    }

    pub(crate) fn lasts(&self) -> Lasts {
        Lasts { always: self.model.kept(), at_work: self.model.panels().least_memory() }
    }
}

/// The same panels for somebody else, with as few buffers as can be.
fn another<L: LineReader>(reader: &L) -> L {
    reader.with(Some(reader.panels().another()))
}

impl<L: LineReader> Spare for AtHand<L> {
    fn give_back(&self, bytes: u64) {
        self.change(|reader| {
            if let Some(reader) = reader {
                reader.panels_mut().give_back(bytes);
            }
        });
    }
}

impl LineReader for sparse::AnyLinePanels {
    fn panels(&self) -> &ArrayPanels {
        self.panels()
    }
    fn panels_mut(&mut self) -> &mut ArrayPanels {
        self.panels_mut()
    }
    fn with(&self, panels: Option<ArrayPanels>) -> Self {
        self.with(panels)
    }
    fn kept(&self) -> u64 {
        self.bytes_kept()
    }
}

impl LineReader for dense::AnyLinePanels {
    fn panels(&self) -> &ArrayPanels {
        self.panels()
    }
    fn panels_mut(&mut self) -> &mut ArrayPanels {
        self.panels_mut()
    }
    fn with(&self, panels: Option<ArrayPanels>) -> Self {
        self.with(panels)
    }
    fn kept(&self) -> u64 {
        0
    }
}
