//! The cost of operations, predicted and measured.
//!
//! Under [`Context::plan`] an operation stops at its start and returns its plan. Under [`Context::measure`] it runs,
//! and the report has both the plan and the counts of the context's meter. Seconds come from the speed of the device.

use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::runtime::{Context, Cost, Plan, Recording, Report};
use crate::storage::stream::device::Devices;
use crate::storage::stream::stage::check_place;

impl Context {
    /// Predicts the cost of an operation, without running it.
    ///
    /// The operation checks its arguments, works out what it would read, write and hold, and stops; nothing is created
    /// at its place. If the closure has several operations, the first is planned. Fails as the operation would if it
    /// rejects its arguments, if its place is taken or missing, or if it does not fit in the memory limit. The first
    /// plan for a device measures its speed, reading or writing 128 MiB. For an iterative solve the plan gives the cost
    /// of the maximum number of iterations, and also the cost of each.
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
        let (recorded, recording) = self.recorded(Recording::new(true, price));
        let outcome = operation(&recorded);
        match (recording.take(), outcome) {
            (Some(plan), _) => Ok(plan),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => {
                Err(Error::new(ErrorKind::Unsupported, "no operation in the closure has a plan"))
            }
        }
    }

    /// Runs an operation, and reports its predicted and its actual cost.
    ///
    /// If the closure has several operations, the report has their sums. The closure must use the context it is given.
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
        let (recorded, recording) = self.recorded(Recording::new(false, price));
        let start = Instant::now();
        let result = operation(&recorded)?;
        Ok((result, recorded.report_since(start, &recording)))
    }

    /// The costs recorded in this context since `start`.
    fn report_since(&self, start: Instant, recording: &Recording) -> Report {
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
}

/// Checks the place of a result, and adds the seconds that the device and the threads will take.
fn price(plan: &mut Plan, ctx: &Context) -> Result<()> {
    if let Some((place, is_folder)) = plan.place.take() {
        check_place(&place, is_folder, ctx)?;
    }
    let speeds = Devices::known().speeds(plan.file.as_deref(), ctx.scratch_folder())?;
    let moving = speeds.seconds(plan.cost.bytes_read, plan.cost.bytes_written);
    let threads = ctx.thread_count() as f64;
    plan.cost.seconds = moving.max(plan.work / threads);
    if let Some(each) = &mut plan.per_iteration {
        let moving = speeds.seconds(each.bytes_read, each.bytes_written);
        each.seconds = moving.max(each.seconds / threads);
    }
    Ok(())
}
