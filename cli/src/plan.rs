//! What a command would cost: all its steps, one after the other.
//!
//! The library plans one operation at a time, and the next one needs what that would make. So a step on the way that
//! takes less than a second is carried out, in memory or in scratch files, once its cost is known. For a longer one the
//! matrix that it starts from stands in; if the next step cannot be planned for that, the list ends there, and says so.

use std::cell::{Cell, RefCell};

use outcore::{AnyMatrix, Context, Cost, Error, ErrorKind, Plan, Result};
use serde_json::json;

use crate::report::Report;
use crate::size::bytes;

/// Seconds up to which a step on the way is carried out.
const SHORT: f64 = 1.0;

/// The steps of a command of which only the cost is asked for.
pub(crate) struct Steps {
    /// The context of work that is carried out.
    ctx: Context,
    planned: RefCell<Vec<Plan>>,
    /// Whether something stood in for the result of a step.
    is_estimate: Cell<bool>,
}

impl Steps {
    pub(crate) fn new(ctx: &Context) -> Self {
        let (planned, is_estimate) = (RefCell::default(), Cell::new(false));
        Steps { ctx: ctx.clone(), planned, is_estimate }
    }

    /// Notes the cost of the last step of a result. `None`, unless it costs nothing and is done.
    pub(crate) fn last<R>(&self, make: impl FnOnce(&Context) -> Result<R>) -> Result<Option<R>> {
        let mut made = None;
        let planned = self.ctx.plan(|ctx| {
            made = Some(make(ctx)?);
            Ok(())
        });
        if made.is_none() {
            self.planned.borrow_mut().push(planned?);
        }
        Ok(made)
    }

    /// Notes the cost of a step, and carries it out if it is a short one.
    pub(crate) fn on_the_way<R>(&self, make: impl Fn(&Context) -> Result<R>) -> Result<Option<R>> {
        match self.last(&make)? {
            None if self.planned.borrow().last().is_some_and(|plan| plan.cost.seconds <= SHORT) => {
                make(&self.ctx).map(Some)
            }
            made => {
                self.is_estimate.set(self.is_estimate.get() || made.is_none());
                Ok(made)
            }
        }
    }

    /// As [`on_the_way`](Self::on_the_way); `like` stands in for the result of a long step.
    pub(crate) fn matrix(
        &self,
        like: &AnyMatrix,
        make: impl Fn(&Context) -> Result<AnyMatrix>,
    ) -> Result<AnyMatrix> {
        Ok(self.on_the_way(make)?.unwrap_or_else(|| like.clone()))
    }

    /// What the steps cost, after a command ended so: `rest` is the plan of what it did by itself.
    pub(crate) fn report(self, rest: Option<Plan>, outcome: Result<()>) -> Result<Report> {
        let mut steps = self.planned.into_inner();
        let has_rest = rest.is_some();
        steps.extend(rest);
        let is_whole = match outcome {
            Ok(()) => true,
            // Its own last operation was planned, or it could not go on.
            Err(error) if error.kind() == ErrorKind::Planned => has_rest,
            // What stood in is not what the next step would have got.
            Err(_) if self.is_estimate.get() && !steps.is_empty() => false,
            Err(error) => return Err(error),
        };
        let mut report = Report::new();
        let mut all = steps.first().cloned().unwrap_or_else(|| Plan::new("nothing long"));
        for step in steps.iter().skip(1) {
            all.cost = all.cost.then(step.cost);
        }
        let names: Vec<_> = steps.iter().map(|step| step.operation).collect();
        match names.as_slice() {
            [] | [_] => report.fact("operation", all.operation),
            several => report.fact("operation", several.join(", then ")),
        }
        rows(&mut report, &all.cost);
        report.value("steps", steps.iter().map(as_json).collect::<Vec<_>>());
        report.value("complete", is_whole);
        if !is_whole {
            report.shown("and", "more, which depends on the result of the last step");
        }
        Ok(report)
    }
}

/// The error of a command that cannot go on without the result of a long step.
pub(crate) fn unknown_rest() -> Error {
    Error::new(ErrorKind::Planned, "what follows is not known")
}

fn rows(report: &mut Report, cost: &Cost) {
    report.fact("passes", cost.passes);
    report.row("bytes read", bytes(cost.bytes_read), cost.bytes_read);
    report.row("bytes written", bytes(cost.bytes_written), cost.bytes_written);
    report.row("scratch", bytes(cost.scratch), cost.scratch);
    report.row("memory", bytes(cost.peak_memory), cost.peak_memory);
    report.row("seconds", format!("{:.2}", cost.seconds), cost.seconds);
}

fn as_json(step: &Plan) -> serde_json::Value {
    let cost = step.cost;
    json!({
        "operation": step.operation, "passes": cost.passes, "bytes_read": cost.bytes_read,
        "bytes_written": cost.bytes_written, "scratch": cost.scratch,
        "memory": cost.peak_memory, "seconds": cost.seconds,
    })
}
