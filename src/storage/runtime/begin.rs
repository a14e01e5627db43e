//! Operations in progress.
//!
//! Every operation marks its start with [`Context::begin`] and passes its plan as a closure, which is called only if
//! the plan is wanted. An operation composed of others plans for all of them; the marks of the inner ones are ignored.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::runtime::context::{Context, Recording};
use crate::storage::runtime::meter::{Held, Meter};
use crate::storage::runtime::plan::Plan;
use crate::storage::runtime::progress as under_way;

/// An operation in progress, from [`Context::begin`] on.
#[derive(Debug)]
pub(crate) struct Running {
    recording: Option<Arc<Recording>>,
    /// The callback that receives its progress.
    callback_name: Option<usize>,
    /// It ends on the thread on which it began, because that thread keeps the list of operations in progress.
    here: PhantomData<*const ()>,
}

impl Context {
    /// Marks the start of an operation, whose arguments are already checked; it lasts until the value is dropped.
    ///
    /// `plan` is called at most once. Taking `FnOnce` costs the caller one move; the code behind it is compiled once.
    pub(crate) fn begin(&self, plan: impl FnOnce() -> Result<Plan>) -> Result<Running> {
        let mut plan = Some(plan);
        self.begin_planned(&mut || plan.take().map_or_else(|| Ok(Plan::default()), |plan| plan()))
    }

    /// As [`begin`](Self::begin), for an operation that makes one pass over its input, of which `mapped` bytes are used
    /// on their maps; those that are read are counted where they are read.
    pub(crate) fn begin_pass(
        &self,
        mapped: u64,
        plan: impl FnOnce() -> Result<Plan>,
    ) -> Result<Running> {
        let running = self.begin(plan)?;
        self.meter.pass_over(mapped);
        Ok(running)
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
        let callback_name = under_way::enter(self.progress.as_ref());
        Ok(Running { recording: recording.cloned(), callback_name, here: PhantomData })
    }

    /// Counts the cost of work under this context.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Counts memory as in use while the returned value lives.
    pub(crate) fn hold(&self, bytes: u64) -> Held {
        self.meter.hold(bytes)
    }

    /// The same context with counts of its own, for a cost that other work under this context is no part of.
    pub(crate) fn counted(&self) -> Context {
        let mut counted = self.clone();
        counted.meter = self.meter.child();
        counted
    }

    /// The same context for objects that outlive the operation being recorded.
    pub(crate) fn unrecorded(&self) -> Context {
        let mut context = self.clone();
        context.meter = self.meter.outermost().clone();
        context.recording = None;
        context
    }

    /// Whether the cost of operations is recorded. If so, they use the code path that predicts it.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// Whether the next operation is planned and not run.
    pub(crate) fn only_plans(&self) -> bool {
        self.recording.as_ref().is_some_and(|recording| {
            recording.only_plan && recording.depth.load(Ordering::Relaxed) == 0
        })
    }

    /// The same context with `recording` to collect the costs of operations.
    pub(crate) fn recorded(&self, recording: Recording) -> (Context, Arc<Recording>) {
        let recording = Arc::new(recording);
        let mut recorded = self.clone();
        recorded.meter = self.meter.apart();
        recorded.recording = Some(Arc::clone(&recording));
        (recorded, recording)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(recording) = &self.recording {
            recording.depth.fetch_sub(1, Ordering::Relaxed);
        }
        under_way::leave(self.callback_name);
    }
}
