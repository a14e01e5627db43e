//! The process is killed after any time: what is there is the old state or the new one, and the next run clears up.

use std::path::Path;

use crate::operations::{Fate, OPERATIONS};
use crate::random::Random;
use crate::report::{Form, Report};
use crate::state::{Expected, Version, pause};
use crate::worker::{self, PATIENCE};

/// Kills every operation at times drawn from its whole duration.
pub fn run(program: &Path, form: Form) -> Report {
    let mut report = Report::new("kill");
    let (rounds, n) = (form.rounds(2, 60), form.pick(3_000, 20_000));
    for operation in OPERATIONS.iter().filter(|operation| operation.fate != Fate::Read) {
        let expected = match Expected::new(program, operation, n) {
            Ok(expected) => expected,
            Err(fault) => {
                report.fault(fault);
                continue;
            }
        };
        let mut random = Random::new(form.seed);
        let mut counts = [0; 4];
        for round in 0..rounds {
            // Strata, so that few rounds reach the end as well as the beginning.
            let delay = (round as f64 + random.unit()) / rounds as f64 * expected.seconds * 1.1;
            let outcome =
                killed(program, &expected, delay).map(|version| counts[version as usize] += 1);
            report.case(format!("{} killed after {delay:.4} s", operation.name), outcome);
        }
        let [absent, old, new, marked] = counts;
        report.note(format!(
            "{}: {absent} times nothing, {old} old, {new} new, {marked} marked",
            operation.name
        ));
    }
    report
}

fn killed(program: &Path, expected: &Expected, delay: f64) -> Result<Version, String> {
    let (_guard, folders) = expected.fresh()?;
    let mut child = worker::start(expected.command(program, &folders, "run"))?;
    pause(delay);
    // It may have ended by itself.
    let _ = child.kill();
    let ended = worker::finish(child, PATIENCE);
    if ended.signal().is_none() {
        expected.after(&folders, &ended)?;
    }
    let seen = expected.look(&folders)?;
    expected.again(program, &folders, &seen)?;
    Ok(seen.version)
}
