//! `faults short|long [SUITE…]`, one case again, and the workers that the suites start.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use outcore::{Error, ErrorKind};
use outcore_faults::operations::{Folders, Operation, context};
use outcore_faults::{
    Form, Report, bits, kill, mutations, panics, processes, space, special, syscalls, worker,
};

const USAGE: &str = "\
Makes trouble for outcore and looks what becomes of it.

    faults short [SUITE...]    some of every kind, as `cargo test -p outcore-faults` does
    faults long [SUITE...]     every case; hours for all suites
    faults syscall OPERATION CALL NUMBER TROUBLE
                               one case of `syscalls` again, as its report names it

Suites: kill syscalls processes bits special space panics mutations
Options: --rounds N, for kill, processes, mutations; --seed N, for what is drawn";

type Suite = (&'static str, fn(&Path, Form) -> Report);

const SUITES: [Suite; 8] = [
    ("kill", kill::run),
    ("syscalls", syscalls::run),
    ("processes", processes::run),
    ("bits", |_, form| bits::run(form)),
    ("special", special::run),
    ("space", space::run),
    ("panics", |_, form| panics::run(form)),
    ("mutations", mutations::run),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    match words.split_first() {
        Some((word, rest)) if word == "worker" => worker::end(work(rest)),
        Some((word, rest)) if word == "syscall" => {
            let report = syscalls::one(&program, rest);
            report.print();
            told(&[report])
        }
        Some((word, rest)) if word == "short" || word == "long" => {
            match chosen(word == "long", rest) {
                Some((form, suites)) => {
                    let reports: Vec<Report> = suites
                        .iter()
                        .map(|(_, run)| run(&program, form))
                        .inspect(Report::print)
                        .collect();
                    told(&reports)
                }
                None => usage(),
            }
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(64)
}

fn told(reports: &[Report]) -> ExitCode {
    let faults: usize = reports.iter().map(|report| report.faults().len()).sum();
    eprintln!("{faults} faults");
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn chosen(long: bool, words: &[String]) -> Option<(Form, Vec<Suite>)> {
    let (mut form, mut suites) = (Form { long, ..Form::SHORT }, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => form.rounds = Some(words.next()?.parse().ok()?),
            "--seed" => form.seed = words.next()?.parse().ok()?,
            name => suites.push(*SUITES.iter().find(|(known, _)| *known == name)?),
        }
    }
    Some((form, if suites.is_empty() { SUITES.to_vec() } else { suites }))
}

/// What a worker is told to do.
fn work(words: &[String]) -> outcore::Result<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse::<usize>().map_err(|_| unknown());
    match words[..] {
        ["run", name, root, n] => operate(name, root, number(n)?),
        ["run-when-told", name, root, n] => {
            let _ = rustix::process::set_ptracer(rustix::process::PTracer::Any);
            // Whatever becomes of it, the operation begins now.
            let _ = std::io::stdin().read_line(&mut String::new());
            operate(name, root, number(n)?)
        }
        ["opens", kind, path, opens] => processes::opens(kind, Path::new(path), number(opens)?),
        ["replaces", kind, path, first] => {
            processes::replaces(kind, Path::new(path), number(first)?)
        }
        ["changes", kind, path, _] => processes::changes(kind, Path::new(path)),
        ["makes", kind, path, v] => processes::makes(kind, Path::new(path), number(v)?),
        ["special", call, what, path] => special::call(call, what, Path::new(path)),
        ["pushes", root] => space::pushes(Path::new(root)),
        ["mutates", reader, folder, seed, rounds] => {
            mutations::mutates(reader, Path::new(folder), number(seed)? as u64, number(rounds)?)
        }
        _ => Err(unknown()),
    }
}

fn operate(name: &str, root: &str, n: usize) -> outcore::Result<String> {
    let operation = Operation::named(name).ok_or_else(unknown)?;
    let folders = Folders(root.into());
    operation.run(&folders, n, &context(&folders, n))
}

fn unknown() -> Error {
    Error::new(ErrorKind::Unsupported, "no such work")
}
