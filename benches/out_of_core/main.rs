//! Matrices several times larger than memory: each operation compared with a plain mapped loop and the disk's own
//! speed.
//!
//! The program makes its input, then runs itself once for every measurement, in a control group with the memory limit
//! in which everything counts, the page cache too, with cold caches. A run prints lines of JSON; the first process
//! collects them. The programs compared alternate, so that fluctuations of the disk affect all of them.

#[path = "../../examples/support/mod.rs"]
mod support;

mod cases;
mod inputs;
mod line;
mod report;

use std::path::PathBuf;

use support::Outcome;
use support::group::{Group, parse_bytes};

use crate::cases::{CASES, Case, Run};
use crate::line::Line;

const HELP: &str = "\
out_of_core [CASE…] [--limit 1GiB] [--times 2] [--rounds 2] [--folder DIR] [--json] [--svg FILE]

Runs each case (all, if none is named) on inputs TIMES as large as the memory LIMIT, in a control group with that limit,
and prints for every contestant the seconds, the bytes that the work asked for, the bytes that moved between disk and
memory, and the most memory used. With --json one JSON object a line, else a table and a chart. Inputs lie in DIR (the
system's temporary folder) and are removed at the end. Without control groups, which usually take root, it runs without
a limit and says so.

Cases: ";

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--child") {
        return child(&arguments[1..]);
    }
    let Some(options) = Options::parse(&arguments)? else { return Ok(()) };
    let group = Group::new(options.limit);
    if group.is_none() {
        eprintln!("no control group with a memory limit can be made here: running without one");
    }
    let folder = tempfile::Builder::new().prefix("outcore-").tempdir_in(&options.folder)?;
    let mut lines = Vec::new();
    for case in CASES.iter().filter(|case| options.wants(case)) {
        let input = (case.make)(folder.path(), (options.limit as f64 * options.times) as u64)?;
        let mut found = Vec::new();
        for _ in 0..options.rounds {
            for contestant in case.contestants {
                let run = Run { case: case.name, contestant, input: &input, limit: options.limit };
                found.extend(measure(&run, group.as_ref(), &options)?);
            }
        }
        for line in line::merged(found) {
            if options.json {
                println!("{}", line.to_json());
            }
            lines.push(line);
        }
        inputs::remove(&input);
    }
    if !options.json {
        report::print(&lines, options.limit);
    }
    if let Some(path) = &options.svg {
        std::fs::write(path, report::svg(&lines))?;
    }
    Ok(())
}

/// Runs one contestant in a process of its own and reads its lines.
fn measure(run: &Run<'_>, group: Option<&Group>, options: &Options) -> Result<Vec<Line>, String> {
    let arguments = run.to_arguments(&options.folder);
    let (text, peak) = match group {
        Some(group) => (group.run(&arguments), Some(group.peak())),
        None => (support::group::run_again(&arguments), None),
    };
    let text = match text {
        Ok(text) => text,
        Err(reason) => {
            // Killed for memory, say: an answer as well.
            eprintln!("{} {}: {reason}", run.case, run.contestant);
            return Ok(Vec::new());
        }
    };
    text.lines().map(|line| Line::parse(line, peak)).collect()
}

fn child(arguments: &[String]) -> Outcome {
    let (run, scratch) = Run::from_arguments(arguments)?;
    for line in cases::run(&run, &scratch)? {
        println!("{}", line.to_json());
    }
    Ok(())
}

struct Options {
    cases: Vec<String>,
    limit: u64,
    times: f64,
    rounds: usize,
    folder: PathBuf,
    json: bool,
    svg: Option<PathBuf>,
}

impl Options {
    /// `None` if only help was asked for.
    fn parse(arguments: &[String]) -> Result<Option<Self>, String> {
        let mut options = Options {
            cases: Vec::new(),
            limit: 1 << 30,
            times: 2.0,
            rounds: 2,
            folder: std::env::temp_dir(),
            json: false,
            svg: None,
        };
        let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        let help = format!("{HELP}{}", names.join(", "));
        let known = |name: &str| names.contains(&name);
        let cases = support::options(arguments, &help, &known, &mut |name, value| {
            match name {
                "--json" => options.json = true,
                "--limit" => options.limit = parse_bytes(&value()?)?,
                "--times" => options.times = number(&value()?)?,
                "--rounds" => options.rounds = number::<usize>(&value()?)?.max(1),
                "--folder" => options.folder = value()?.into(),
                "--svg" => options.svg = Some(value()?.into()),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(cases.map(|cases| Options { cases, ..options }))
    }

    fn wants(&self, case: &Case) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| name == case.name)
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
