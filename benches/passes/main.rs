//! How often a whole solve reads its matrix, and how long it takes, beside what was planned and what others do.
//!
//! The program makes its matrices, then runs itself once for every solve, in a control group with a memory limit in
//! which everything counts, the page cache too, with cold caches. Products are counted where they are made, sweeps and
//! bytes by the meter of the context.

#[path = "../../examples/support/mod.rs"]
mod support;

mod cases;
mod inputs;
mod line;
mod mapped_cg;

use std::path::{Path, PathBuf};

use support::Outcome;
use support::group::{Group, besides, parse_bytes, run_program};

use crate::cases::{CASES, Case, PEERS, Run, VECTORS, vector_bytes};
use crate::line::Line;

const HELP: &str = "\
passes [CASE…] [--limit 1GiB] [--times 4] [--vectors 6] [--rtol 1e-8] [--method WORD] [--peer WORD] [--python python3] [--folder DIR] [--json]

Solves each case (the small ones, if none is named) with every method, or with those whose names contain WORD, and
prints a line for each solve. The file of a matrix is TIMES as large as the memory that is left for it: of those with a
number in their name, and of `diffusion`, so many VECTORS come on top, 0 if the solver is to put its own into files; of
`elements` and `tall` everything is within the LIMIT of the control group. `memory…` are solved in memory.

--peer mapped, scipy, numba: also plain loops over the maps, benches/peers/cg.py with SciPy or numba, under the same limit.
Matrices lie in DIR (the system's temporary folder) and are removed at the end. Without control groups, which usually take
root, it runs without one and says so.

Cases: ";

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--child") {
        let (run, scratch) = Run::from_arguments(&arguments[1..])?;
        println!("{}", cases::run(&run, &scratch)?.to_json());
        return Ok(());
    }
    let Some(options) = Options::parse(&arguments)? else { return Ok(()) };
    if !options.json {
        Line::print_header();
    }
    let mut failed = 0;
    for case in CASES.iter().filter(|case| options.wants(case)) {
        let home = tempfile::Builder::new().prefix("outcore-").tempdir_in(&options.folder)?;
        let size = case
            .size
            .unwrap_or_else(|| case.kind.size((options.limit as f64 * options.times) as u64));
        case.kind.make(size, home.path())?;
        failed += solve(case, size, home.path(), &options)?;
    }
    if failed > 0 { Err(format!("{failed} solves failed").into()) } else { Ok(()) }
}

/// Solves one case by all methods; returns how many failed.
fn solve(case: &Case, size: usize, input: &Path, options: &Options) -> Result<usize, String> {
    let vectors = vector_bytes(case.kind, size, options.vectors);
    let (limit, of_group) = options.limits(case, size, vectors);
    let group = if case.in_memory { None } else { Group::new(of_group) };
    if group.is_none() && !case.in_memory {
        eprintln!("no control group with a memory limit can be made here: running without one");
    }
    let methods = case.methods.iter().filter(|method| method.contains(&options.method));
    // They solve square systems.
    let square = case.kind != inputs::Kind::Tall;
    let peers = PEERS
        .iter()
        .filter(|_| square)
        .filter(|peer| options.peers.iter().any(|word| peer.starts_with(word)));
    let mut failed = 0;
    for method in methods.chain(peers) {
        let Options { rtol, vectors, .. } = *options;
        let run = Run { case, method, input, limit, vectors, rtol };
        let (program, arguments) = match *method {
            "scipy" | "numba" => (options.python.clone(), options.peer_arguments(method, &run)),
            _ => (own_program()?, run.to_arguments(&options.folder)),
        };
        let (text, peak) = match &group {
            Some(group) => (group.run_program(&program, &arguments), Some(group.peak())),
            None => (run_program(&program, &arguments), None),
        };
        match text.and_then(|text| Line::parse(text.lines().last().unwrap_or_default())) {
            Ok(mut line) => {
                line.peak_memory = peak.unwrap_or(line.peak_memory);
                line.case = case.name.to_owned();
                match options.json {
                    true => println!("{}", line.to_json()),
                    false => line.print(),
                }
            }
            Err(reason) => {
                // Killed for memory, say: an answer as well.
                eprintln!("{} {method}: {reason}", case.name);
                failed += 1;
            }
        }
    }
    Ok(failed)
}

fn own_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|e| e.to_string())
}

struct Options {
    cases: Vec<String>,
    limit: u64,
    times: f64,
    vectors: u64,
    rtol: f64,
    method: String,
    peers: Vec<String>,
    python: PathBuf,
    folder: PathBuf,
    json: bool,
}

impl Options {
    /// `None` if only help was asked for.
    fn parse(arguments: &[String]) -> Result<Option<Self>, String> {
        let mut options = Options {
            cases: Vec::new(),
            limit: 1 << 30,
            times: 4.0,
            vectors: VECTORS,
            rtol: 1e-8,
            method: String::new(),
            peers: Vec::new(),
            python: "python3".into(),
            folder: std::env::temp_dir(),
            json: false,
        };
        let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        let help = format!("{HELP}{}", names.join(", "));
        let known = |name: &str| names.contains(&name);
        let cases = support::options(arguments, &help, &known, &mut |name, value| {
            match name {
                "--json" => options.json = true,
                "--limit" => options.limit = parse_bytes(&value()?)?,
                "--times" => options.times = number(&value()?)?,
                "--vectors" => options.vectors = number(&value()?)? as u64,
                "--rtol" => options.rtol = number(&value()?)?,
                "--method" => options.method = value()?,
                "--peer" => options.peers.push(value()?),
                "--python" => options.python = value()?.into(),
                "--folder" => options.folder = value()?.into(),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(cases.map(|cases| Options { cases, ..options }))
    }

    fn wants(&self, case: &Case) -> bool {
        match self.cases.is_empty() {
            true => case.name.ends_with("64"),
            false => self.cases.iter().any(|name| name == case.name),
        }
    }

    /// The limits of the context and of the control group.
    fn limits(&self, case: &Case, size: usize, vectors: u64) -> (u64, u64) {
        if case.in_memory {
            return (0, 0);
        }
        let (nrows, _) = case.kind.shape(size);
        let for_matrix = match case.size {
            // Seven entries in nearly every row.
            Some(_) => ((12 * 7 + 4) as f64 * nrows as f64 / self.times) as u64,
            None => self.limit,
        };
        match case.kind {
            inputs::Kind::Elements | inputs::Kind::Tall => {
                (self.limit.saturating_sub(besides(self.limit)), self.limit)
            }
            _ => {
                let limit = for_matrix + vectors;
                (limit, limit + besides(limit))
            }
        }
    }

    fn peer_arguments(&self, peer: &str, run: &Run<'_>) -> Vec<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/cg.py");
        let place = if run.case.in_memory { "memory" } else { "memmap" };
        let text = |path: &Path| path.to_string_lossy().into_owned();
        vec![
            text(&script),
            peer.to_owned(),
            text(run.input),
            run.rtol.to_string(),
            place.to_owned(),
        ]
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
