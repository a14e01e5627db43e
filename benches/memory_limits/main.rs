//! Every operation on inputs several times larger than the memory it is given, held to it by a control group.
//!
//! Each operation runs once without a limit and once more, as a process of its own, in a control group whose limit
//! counts everything, the page cache too. Both must give the same bits. The second must also keep to what it said
//! beforehand: passes, bytes read and written, and memory, which is counted by the library and looked at from outside.
//! A process that needs more than the limit is killed by the system and counts as failed here.

#[path = "../../examples/support/mod.rs"]
mod support;

mod cases;
mod inputs;
mod watch;

use outcore::{Context, Report};
use support::group::{Group, besides, parse_bytes};
use support::{Outcome, timed};

use crate::cases::{CASES, Found};
use crate::inputs::Inputs;

const HELP: &str = "\
memory_limits [CASE…] [--limit 256MiB] [--times 4] [--folder DIR]

Runs every operation whose name contains one of the CASEs (all, if none is given) on inputs TIMES as large as a memory
LIMIT, in a control group with that limit, and compares result, cost and memory with the run without a limit and with
what was predicted. Says so and ends if control groups cannot be made here, which usually takes root. Inputs lie in DIR
(the system's temporary folder) and are removed at the end.";

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, case, folder, scratch, limit] = arguments.as_slice()
        && flag == "--child"
    {
        return child(case, folder.as_ref(), scratch.as_ref(), limit.parse()?);
    }
    let Some(Options { names, limit, times, folder }) = Options::parse(&arguments)? else {
        return Ok(());
    };
    let Some(group) = Group::new(limit) else {
        println!(
            "SKIPPED: no control group with a memory limit can be made here, so nothing was tested"
        );
        return Ok(());
    };
    let home = tempfile::Builder::new().prefix("outcore-").tempdir_in(&folder)?;
    let bytes = (limit as f64 * times) as u64;
    let inputs = Inputs::new(home.path(), bytes);
    let ctx = Context::new().scratch(&folder);
    println!("limit {} MiB, inputs of {} MiB", limit >> 20, bytes >> 20);
    println!(
        "    {:34} {:>7} {:>6} {:>9} {:>9} {:>9} {:>9} {:>8}",
        "operation", "seconds", "passes", "bytes GB", "planned", "memory", "planned", "of group"
    );
    let mut failed = 0;
    let wanted = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(part));
    for case in CASES.iter().filter(|case| wanted(case.name)) {
        let expected = (case.run)(&inputs, &ctx)?.digest;
        let arguments = [
            "--child",
            case.name,
            &home.path().to_string_lossy(),
            &folder.to_string_lossy(),
            &(limit - besides(limit)).to_string(),
        ];
        let (found, seconds) = timed(|| group.run(&arguments.map(str::to_owned)));
        let verdict = match found.map(|text| Answer::parse(&text)) {
            Ok(Ok(answer)) => {
                answer.print(case.name, group.peak());
                answer.verdict(expected, limit)
            }
            Ok(Err(reason)) | Err(reason) => Err(format!("after {seconds:.1} s: {reason}")),
        };
        if let Err(reason) = verdict {
            println!("    {:34} FAILED: {reason}", case.name);
            failed += 1;
        }
        inputs.keep_only(case.keeps);
    }
    if failed > 0 { Err(format!("{failed} operations failed").into()) } else { Ok(()) }
}

/// Runs one case and prints what was found: what the process in the control group does.
fn child(name: &str, folder: &std::path::Path, scratch: &std::path::Path, limit: u64) -> Outcome {
    let case = CASES.iter().find(|case| case.name == name).ok_or("no such case")?;
    let ctx = Context::new().memory_limit(limit).scratch(scratch);
    let watch = watch::Watch::start();
    let Found { digest, report, outside_plan } = (case.run)(&Inputs::there(folder), &ctx)?;
    let seen = watch.most().saturating_sub(outside_plan);
    println!("{}", Answer::new(digest, &report, seen).to_json());
    Ok(())
}

/// What the limited process says.
struct Answer {
    digest: u64,
    /// Passes, bytes read, bytes written, memory: predicted and counted.
    planned: [u64; 4],
    actual: [u64; 4],
    /// The most memory that is no file's, seen from outside, beyond what was there at the start and what the case
    /// holds.
    seen: u64,
    seconds: f64,
}

impl Answer {
    fn new(digest: u64, report: &Report, seen: u64) -> Self {
        let numbers = |cost: &outcore::Cost| {
            [cost.passes, cost.bytes_read, cost.bytes_written, cost.peak_memory]
        };
        let (planned, actual) = (numbers(&report.plan.cost), numbers(&report.actual));
        Answer { digest, planned, actual, seen, seconds: report.actual.seconds }
    }

    fn to_json(&self) -> serde_json::Value {
        let Answer { digest, planned, actual, seen, seconds } = self;
        serde_json::json!({
            "digest": digest, "planned": planned, "actual": actual, "seen": seen, "seconds": seconds,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("not an answer: {text}");
        let value: serde_json::Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let number = |value: &serde_json::Value| value.as_u64().ok_or_else(wrong);
        let four = |field: &str| -> Result<[u64; 4], String> {
            let list = value[field].as_array().ok_or_else(wrong)?;
            let numbers = list.iter().map(number).collect::<Result<Vec<_>, _>>()?;
            numbers.try_into().map_err(|_| wrong())
        };
        Ok(Answer {
            digest: number(&value["digest"])?,
            planned: four("planned")?,
            actual: four("actual")?,
            seen: number(&value["seen"])?,
            seconds: value["seconds"].as_f64().ok_or_else(wrong)?,
        })
    }

    fn print(&self, name: &str, peak: u64) {
        let gigabytes = |[_, read, written, _]: [u64; 4]| (read + written) as f64 / 1e9;
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!(
            "    {name:34} {:7.2} {:6} {:9.3} {:9.3} {:9.1} {:9.1} {:8.1}",
            self.seconds,
            self.actual[0],
            gigabytes(self.actual),
            gigabytes(self.planned),
            mebibytes(self.actual[3].max(self.seen)),
            mebibytes(self.planned[3]),
            mebibytes(peak),
        );
    }

    fn verdict(&self, expected: u64, limit: u64) -> Result<(), String> {
        let [passes, read, written, memory] = self.actual;
        let planned = self.planned;
        // Headers, descriptors and sums are not planned for.
        let near = |a: u64, b: u64| a.abs_diff(b) as f64 <= 0.05 * a.max(b) as f64 + 1e6;
        let checks = [
            (self.digest == expected, "other bits than without a limit"),
            (passes == planned[0], "other passes than planned"),
            (near(read, planned[1]), "bytes read are not what was planned"),
            (near(written, planned[2]), "bytes written are not what was planned"),
            (memory <= planned[3], "more memory counted than planned"),
            // Stacks and what the allocator keeps are not the operation's.
            (self.seen <= planned[3] + besides(limit) / 2, "more memory seen than planned"),
        ];
        let wrong: Vec<_> =
            checks.iter().filter(|(held, _)| !held).map(|(_, what)| *what).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{}; [passes, read, written, memory] planned {planned:?}, counted {:?}, seen {}",
            wrong.join(", "),
            self.actual,
            self.seen
        ))
    }
}

struct Options {
    names: Vec<String>,
    limit: u64,
    times: f64,
    folder: std::path::PathBuf,
}

impl Options {
    /// `None` if only help was asked for.
    fn parse(arguments: &[String]) -> Result<Option<Self>, String> {
        let (mut limit, mut times, mut folder) = (256 << 20, 4.0, std::env::temp_dir());
        let names = support::options(arguments, HELP, &|_| true, &mut |name, value| {
            match name {
                "--limit" => limit = parse_bytes(&value()?)?,
                "--times" => times = value()?.parse().map_err(|_| "--times needs a number")?,
                "--folder" => folder = value()?.into(),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(names.map(|names| Options { names, limit, times, folder }))
    }
}
