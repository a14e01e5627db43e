//! Operations under way.
//!
//! Every operation marks its start with [`Context::begin`] and hands in its plan there, as a closure that is called only
//! if somebody wants to know. An operation that is made of others plans for all of them; the marks of the inner ones are
//! passed over.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::runtime::context::{Context, Recording};
use crate::storage::runtime::meter::{Held, Meter};
use crate::storage::runtime::plan::Plan;
use crate::storage::runtime::progress as under_way;

/// An operation under way, from its mark on.
#[derive(Debug)]
pub(crate) struct Running {
    recording: Option<Arc<Recording>>,
    /// The callback that is told of it.
    told: Option<usize>,
    /// It ends on the thread on which it began, which knows what is under way there.
    here: PhantomData<*const ()>,
}

impl Context {
    /// Marks the start of an operation, whose arguments were checked; it lasts until the mark is dropped.
    ///
    /// `plan` is called at most once. That it need not be `FnMut` costs its caller one move; what follows is compiled once.
    pub(crate) fn begin(&self, plan: impl FnOnce() -> Result<Plan>) -> Result<Running> {
        let mut plan = Some(plan);
        self.begin_planned(&mut || plan.take().map_or_else(|| Ok(Plan::default()), |plan| plan()))
    }

    fn begin_planned(&self, plan: &mut dyn FnMut() -> Result<Plan>) -> Result<Running> {
        self.check_cancelled()?;
        let recording = self.recording.as_ref();
        if let Some(recording) = recording
            && recording.depth.load(Ordering::Relaxed) == 0
        {
            let mut plan = plan()?;
            (recording.price)(&mut plan, self)?;
            recording.add(plan);
            if recording.only_plan {
                return Err(Error::new(ErrorKind::Planned, "planned, and not run"));
            }
        }
        if let Some(recording) = recording {
            recording.depth.fetch_add(1, Ordering::Relaxed);
        }
        let told = under_way::enter(self.progress.as_ref());
        Ok(Running { recording: recording.cloned(), told, here: PhantomData })
    }

    /// The counts of what work under this context costs.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Counts memory as in use for as long as the answer lives.
    pub(crate) fn hold(&self, bytes: u64) -> Held {
        self.meter.hold(bytes)
    }

    /// The same context for what outlives the operation that is recorded now.
    pub(crate) fn unrecorded(&self) -> Context {
        let mut context = self.clone();
        context.meter = self.meter.outermost().clone();
        context.recording = None;
        context
    }

    /// Whether somebody wants to know what the operation costs: it takes the way that tells.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// The same context with somebody who wants to know what operations cost.
    pub(crate) fn recorded(&self, recording: Recording) -> (Context, Arc<Recording>) {
        let recording = Arc::new(recording);
        let mut recorded = self.clone();
        recorded.recording = Some(Arc::clone(&recording));
        recorded.meter = self.meter.child();
        (recorded, recording)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(recording) = &self.recording {
            recording.depth.fetch_sub(1, Ordering::Relaxed);
        }
        under_way::leave(self.told);
    }
}
