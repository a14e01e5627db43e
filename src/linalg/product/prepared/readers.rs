//! The readers of an operator's panels: one that keeps panels between products, and one more for each product beside it.

use std::sync::{Arc, Weak};

use crate::linalg::product::prepared::lent::AtHand;
use crate::storage::{Context, Lasts, Spare, Traffic};
use crate::{dense, sparse};

/// A matrix in panels of lines.
pub(crate) trait LineReader: Send + Sync + 'static {
    fn is_streamed(&self) -> bool;
    fn another(&self) -> Self;
    fn on_the_map(&self) -> Self;
    fn share(&mut self, vectors: u64, ctx: &Context);
    fn give_back(&mut self, bytes: u64);
    fn kept(&self) -> u64;
    fn least_memory(&self) -> u64;
    fn traffic(&self) -> Traffic;
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
        reader.share(vectors, ctx);
        let model = reader.another();
        let pinning = Arc::new(AtHand::new(reader.is_streamed().then_some(reader)));
        if model.is_streamed() {
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
        if !self.model.is_streamed() {
            return work(&mut self.model.another());
        }
        if let Some(mut pinning) = self.pinning.lend() {
            return work(&mut pinning);
        }
        let taken = ctx.meter().outermost().memory_held() + self.model.least_memory();
        let mut other = match taken <= ctx.memory_limit_bytes() {
            true => self.model.another(),
            false => self.model.on_the_map(),
        };
        work(&mut other)
    }

    /// Asks the reader whose state tells what the next product will cost.
    pub(crate) fn ask<R>(&self, ask: &mut dyn FnMut(&L) -> R) -> R {
        self.pinning.change(|pinning| ask(pinning.as_ref().unwrap_or(&self.model)))
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.model.traffic()
    }

    pub(crate) fn lasts(&self) -> Lasts {
        Lasts { always: self.model.kept(), at_work: self.model.least_memory() }
    }
}

impl<L: LineReader> Spare for AtHand<L> {
    fn give_back(&self, bytes: u64) {
        self.change(|reader| {
            if let Some(reader) = reader {
                reader.give_back(bytes);
            }
        });
    }
}

impl LineReader for sparse::AnyLinePanels {
    fn is_streamed(&self) -> bool {
        self.is_streamed()
    }
    fn another(&self) -> Self {
        self.another()
    }
    fn on_the_map(&self) -> Self {
        self.on_the_map()
    }
    fn share(&mut self, vectors: u64, ctx: &Context) {
        self.share(vectors, ctx);
    }
    fn give_back(&mut self, bytes: u64) {
        self.give_back(bytes);
    }
    fn kept(&self) -> u64 {
        self.bytes_kept()
    }
    fn least_memory(&self) -> u64 {
        self.least_memory()
    }
    fn traffic(&self) -> Traffic {
        self.traffic()
    }
}

impl LineReader for dense::AnyLinePanels {
    fn is_streamed(&self) -> bool {
        self.is_streamed()
    }
    fn another(&self) -> Self {
        self.another()
    }
    fn on_the_map(&self) -> Self {
        self.on_the_map()
    }
    fn share(&mut self, vectors: u64, ctx: &Context) {
        self.share(vectors, ctx);
    }
    fn give_back(&mut self, bytes: u64) {
        self.give_back(bytes);
    }
    fn kept(&self) -> u64 {
        0
    }
    fn least_memory(&self) -> u64 {
        self.least_memory()
    }
    fn traffic(&self) -> Traffic {
        self.traffic()
    }
}
