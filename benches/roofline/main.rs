//! Kernels compared with the limits of the memory, measured in the same run: how much of what the machine can do each
//! reaches.

#[path = "../../examples/support/mod.rs"]
mod support;

mod inputs;
mod kernels;
mod limits;
mod timing;

use outcore::Context;
use support::Outcome;

use crate::inputs::Inputs;
use crate::kernels::BENCHES;
use crate::timing::Printer;

const HELP: &str = "\
roofline [CASE…] [--threads N[,N…]] [--inputs DIR] [--arrays 1024] [--json] [--svg FILE]

Measures the memory (reading, copying, triad, gathering from sets of several sizes), then kernels, and prints for each
its compulsory bytes a second, the fraction of the read bandwidth, and GFLOP/s where it computes. A CASE is a bench, an
input, or both as BENCH:INPUT; without any, a choice of a few minutes is run. Inputs are NAME.indptr.npy,
NAME.indices.npy and NAME.data.npy in DIR if they are there, else made up. The memory is measured with arrays of
--arrays mebibytes, far more than any cache; with a few, a run is only a trial. --json prints one JSON object a line.
With several numbers of threads everything is measured with each, and the chart shows them side by side.

Inputs: poissonN (a cube of N³ points), banded2m, uniform4m, rmatN (2^N vertices), and any other in DIR.
Benches: ";

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(options) = Options::parse(&arguments)? else { return Ok(()) };
    let mut printer = Printer::new(options.json);
    for &threads in &options.threads {
        let ctx = Context::new().threads(threads)?;
        printer.start(ctx.thread_count());
        measure(&options, &mut printer, &ctx)?;
    }
    if let Some(path) = &options.svg {
        std::fs::write(path, printer.svg())?;
    }
    Ok(())
}

fn measure(options: &Options, printer: &mut Printer, ctx: &Context) -> outcore::Result<()> {
    limits::measure(options.arrays << 17, printer, ctx)?;
    let mut inputs = Inputs::new(options.inputs.clone());
    for input in options.wanted_inputs() {
        for bench in BENCHES.iter().filter(|bench| options.wants(bench.name, bench.inputs, &input))
        {
            (bench.run)(&mut inputs, &input, printer, ctx)?;
        }
        inputs.forget();
    }
    Ok(())
}

struct Options {
    cases: Vec<(Option<String>, Option<String>)>,
    /// 0 for as many as there are processors.
    threads: Vec<usize>,
    inputs: Option<std::path::PathBuf>,
    /// Mebibytes, an even number.
    arrays: usize,
    json: bool,
    svg: Option<std::path::PathBuf>,
}

impl Options {
    /// `None` if only help was asked for.
    fn parse(arguments: &[String]) -> Result<Option<Self>, String> {
        let mut options = Options {
            cases: Vec::new(),
            threads: vec![0],
            inputs: None,
            arrays: 1024,
            json: false,
            svg: None,
        };
        let names: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        let help = format!("{HELP}{}", names.join(", "));
        let cases = support::options(arguments, &help, &|_| true, &mut |name, value| {
            match name {
                "--json" => options.json = true,
                "--threads" => {
                    let numbers = value()?;
                    let numbers: Result<_, _> = numbers.split(',').map(str::parse).collect();
                    options.threads = numbers.map_err(|_| "--threads needs numbers: 2 or 1,2")?;
                }
                "--arrays" => {
                    let number = value()?.parse().ok().filter(|n| (2..1 << 20).contains(n));
                    let number: usize = number.ok_or("--arrays needs a number of mebibytes")?;
                    options.arrays = number.next_multiple_of(2);
                }
                "--svg" => options.svg = Some(value()?.into()),
                "--inputs" => options.inputs = Some(value()?.into()),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let Some(cases) = cases else { return Ok(None) };
        options.cases = cases.iter().map(|case| split(case)).collect::<Result<_, _>>()?;
        Ok(Some(options))
    }

    /// The inputs that are named, or that the benches named are measured on.
    fn wanted_inputs(&self) -> Vec<String> {
        let mut wanted: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if !wanted.iter().any(|known| known == name) {
                wanted.push(name.to_owned());
            }
        };
        for (bench, input) in &self.cases {
            match (bench, input) {
                (_, Some(input)) => add(input),
                (Some(name), None) => {
                    let benches = BENCHES.iter().filter(|bench| bench.name == name);
                    benches.flat_map(|bench| bench.inputs).for_each(|name| add(name));
                }
                (None, None) => {}
            }
        }
        if self.cases.is_empty() {
            BENCHES.iter().flat_map(|bench| bench.inputs).for_each(|name| add(name));
        }
        wanted
    }

    fn wants(&self, bench: &str, usual: &[&str], input: &str) -> bool {
        if self.cases.is_empty() {
            return usual.contains(&input);
        }
        self.cases.iter().any(|case| match case {
            (Some(name), Some(named)) => name == bench && named == input,
            (Some(name), None) => name == bench && usual.contains(&input),
            (None, Some(named)) => {
                let dense = usual.first().is_some_and(|usual| inputs::is_dense(usual));
                named == input && inputs::is_dense(input) == dense
            }
            (None, None) => false,
        })
    }
}

/// `BENCH:INPUT`, the name of a bench, or that of an input.
fn split(case: &str) -> Result<(Option<String>, Option<String>), String> {
    let known = |name: &str| BENCHES.iter().any(|bench| bench.name == name);
    match case.split_once(':') {
        Some((bench, input)) if known(bench) => {
            Ok((Some(bench.to_owned()), Some(input.to_owned())))
        }
        Some((bench, _)) => Err(format!("no bench {bench}; see --help")),
        None if known(case) => Ok((Some(case.to_owned()), None)),
        None => Ok((None, Some(case.to_owned()))),
    }
}
