//! What the examples share: arguments, clocks, memory, progress on a terminal.
#![allow(dead_code)] // each example uses a part of it

pub(crate) mod chart;
pub(crate) mod comparison;
pub(crate) mod disk;
pub(crate) mod graphs;
pub(crate) mod group;

use std::io::{IsTerminal, Write};
use std::time::Instant;

use outcore::{Context, Progress};

/// What an example's `main` returns: any error ends it with a message and a failing exit code.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The arguments, split into `--flags` and the rest. `--help` prints `help` and ends the program; a flag that is not
/// among `flags` is an error.
pub(crate) fn arguments(help: &str, flags: &[&str]) -> Result<(Vec<String>, Vec<String>), String> {
    let (given, rest): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    if given.iter().any(|flag| flag == "--help") {
        println!("{help}");
        std::process::exit(0);
    }
    match given.iter().find(|flag| !flags.contains(&flag.as_str())) {
        Some(unknown) => Err(format!("unknown option {unknown}\n\n{help}")),
        None => Ok((given, rest)),
    }
}

/// Gives the value that comes after an option.
pub(crate) type NextValue<'a> = dyn FnMut() -> Result<String, String> + 'a;

/// Goes through arguments: `option` takes each `--name`, with its value if it asks for it, and returns whether there is
/// such an option. Returns the other arguments, of which `known` must hold; nothing after `--help`, which prints `help`.
pub(crate) fn options(
    arguments: &[String],
    help: &str,
    known: &dyn Fn(&str) -> bool,
    option: &mut dyn FnMut(&str, &mut NextValue<'_>) -> Result<bool, String>,
) -> Result<Option<Vec<String>>, String> {
    let (mut rest, mut others) = (arguments.iter(), Vec::new());
    while let Some(argument) = rest.next() {
        if argument == "--help" {
            println!("{help}");
            return Ok(None);
        }
        let mut value = || rest.next().cloned().ok_or(format!("{argument} needs a value"));
        let is_option = argument.starts_with("--");
        match if is_option { option(argument, &mut value)? } else { known(argument) } {
            true if is_option => {}
            true => others.push(argument.clone()),
            false => return Err(format!("unknown argument {argument}; see --help")),
        }
    }
    Ok(Some(others))
}

/// A context that shows progress when standard error is a terminal.
pub(crate) fn context() -> Context {
    let ctx = Context::new();
    if !std::io::stderr().is_terminal() {
        return ctx;
    }
    ctx.progress(|Progress { phase, done, total, .. }| {
        let percent = 100 * done / total.max(1);
        eprint!("\r\x1b[K{phase} {percent} %{}", if done == total { "\r\x1b[K" } else { "" });
        let _ = std::io::stderr().flush();
    })
}

/// Runs `work` once and gives its result and its seconds.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (R, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}

/// The least seconds of `runs` runs, after one that warms up.
pub(crate) fn best_of<E>(runs: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    work()?;
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let (result, seconds) = timed(&mut work);
        result?;
        best = best.min(seconds);
    }
    Ok(best)
}

/// Resets [`peak_memory`], where the system allows it.
pub(crate) fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory this process held since the last reset, mapped pages that it touched included, in MiB.
pub(crate) fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}

/// `x_i = 1 / (i + 1)`, the vector of the checks.
pub(crate) fn harmonic(n: usize) -> Vec<f64> {
    (0..n).map(|i| 1.0 / (i + 1) as f64).collect()
}
