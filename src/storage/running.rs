//! Operations that say beforehand what they will cost, and afterwards what they did cost.
//!
//! Every operation marks its start with [`Context::begin`] and hands in its plan there, as a closure that is called only
//! if somebody wants to know. Under [`Context::plan`] the operation ends at that point; under [`Context::measure`] it
//! goes on, and the counts of the context's meter stand beside the plan in the end. An operation that is made of others
//! plans for all of them; the marks of the inner ones are passed over.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::context::{Callback, Context};
use crate::storage::cost::{Cost, Plan, Report};
use crate::storage::meter::{Held, Meter};
use crate::storage::recording::Recording;
use crate::storage::stage::check_place;

/// An operation under way, from its mark on.
#[derive(Debug)]
pub(crate) struct Running {
    recording: Option<Arc<Recording>>,
    /// The callback that is told of it.
    told: Option<usize>,
    /// It ends on the thread on which it began, which knows what is under way there.
    here: PhantomData<*const ()>,
}

thread_local! {
    /// The callbacks of the operations under way on this thread, the outermost first.
    static UNDER_WAY: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Whether what is under way on this thread is part of an operation that the callback is told of already.
pub(super) fn is_innermost_of_several(callback: &Callback) -> bool {
    let callback = name_of(callback);
    UNDER_WAY.with_borrow(|told| told.iter().filter(|&&told| told == callback).count() > 1)
}

/// What tells callbacks apart.
fn name_of(callback: &Callback) -> usize {
    Arc::as_ptr(callback).cast::<()>() as usize
}

impl Context {
    /// What an operation will cost, without running it.
    ///
    /// The operation checks its arguments, works out what it would read, write and hold, and stops: nothing is made at
    /// its place. Of several operations in the closure the first is planned. Fails as the operation would if it refuses
    /// its arguments, if its place is taken or not there, or if it does not fit in the memory limit. The first plan for a device measures its speed, with 128 MiB
    /// read or written. Of a solve, which goes on until it is good enough, the most that it may cost is told, and beside it
    /// what each iteration costs.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let ctx = Context::new();
    /// let a = Csr::<f64>::poisson(&[30, 30], Place::Memory, &ctx)?;
    /// let plan = ctx.plan(|ctx| a.to_csc("never_made.bspnpy", ctx))?;
    /// assert_eq!(plan.cost.passes, 1);
    /// println!("{plan}");
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn plan<R>(&self, operation: impl FnOnce(&Context) -> Result<R>) -> Result<Plan> {
        let (recorded, recording) = self.recorded(true);
        let outcome = operation(&recorded);
        match (recording.take(), outcome) {
            (Some(plan), _) => Ok(plan),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => {
                Err(Error::new(ErrorKind::Unsupported, "nothing in it is an operation with a plan"))
            }
        }
    }

    /// Runs an operation, and tells what it was to cost and what it did cost.
    ///
    /// Of several operations in the closure the sums are told. The closure must use the context it is given.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let ctx = Context::new();
    /// let a = Csr::<f64>::poisson(&[30, 30], Place::Memory, &ctx)?;
    /// let (csc, report) = ctx.measure(|ctx| a.to_csc(Place::Memory, ctx))?;
    /// assert_eq!(report.plan.cost.passes, report.actual.passes);
    /// println!("{report}");
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn measure<R>(&self, operation: impl FnOnce(&Context) -> Result<R>) -> Result<(R, Report)> {
        let (recorded, recording) = self.recorded(false);
        let start = Instant::now();
        let result = operation(&recorded)?;
        Ok((result, recorded.counted(start, &recording)))
    }

    /// What was recorded in this context since `start`.
    fn counted(&self, start: Instant, recording: &Recording) -> Report {
        let meter = self.meter();
        let actual = Cost {
            passes: meter.passes(),
            bytes_read: meter.bytes_read(),
            bytes_written: meter.bytes_written(),
            scratch: meter.most_scratch(),
            peak_memory: meter.most_memory(),
            seconds: start.elapsed().as_secs_f64(),
        };
        Report { plan: recording.take().unwrap_or_default(), actual }
    }

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
            if let Some((place, is_folder)) = plan.place.take() {
                check_place(&place, is_folder, self)?;
            }
            let speeds = self.devices().speeds(plan.file.as_deref(), self.scratch_folder())?;
            let moving = speeds.seconds(plan.cost.bytes_read, plan.cost.bytes_written);
            let threads = self.thread_count() as f64;
            plan.cost.seconds = moving.max(plan.work / threads);
            if let Some(each) = &mut plan.per_iteration {
                let moving = speeds.seconds(each.bytes_read, each.bytes_written);
                each.seconds = moving.max(each.seconds / threads);
            }
            recording.add(plan);
            if recording.only_plan {
                return Err(Error::new(ErrorKind::Planned, "planned, and not run"));
            }
        }
        if let Some(recording) = recording {
            recording.depth.fetch_add(1, Ordering::Relaxed);
        }
        let told = self.progress.as_ref().map(name_of);
        UNDER_WAY.with_borrow_mut(|under_way| under_way.extend(told));
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

    fn recorded(&self, only_plan: bool) -> (Context, Arc<Recording>) {
        let recording = Recording { only_plan, depth: AtomicUsize::new(0), plan: Mutex::default() };
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
        if let Some(told) = self.told {
            UNDER_WAY.with_borrow_mut(|under_way| {
                if let Some(last) = under_way.iter().rposition(|&one| one == told) {
                    under_way.remove(last);
                }
            });
        }
    }
}
