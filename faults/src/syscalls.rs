//! The k-th system call fails, or is the last one of the process, for every k.
//!
//! `strace` does it from outside: it is attached to a worker that waits for it, so that its counts begin with the operation
//! and not with the start of the process. It counts by thread; a number therefore means that call of every thread that gets
//! so far. First the calls are written down, then the operation runs once for each of them and each trouble.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::operations::{Folders, OPERATIONS, Operation};
use crate::report::{Form, Report};
use crate::state::Expected;
use crate::worker::{self, Ended, PATIENCE};

/// The calls that reach files.
const CALLS: &str = "openat,read,pread64,write,pwrite64,ftruncate,fallocate,fsync,fdatasync,msync,\
rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,rmdir,flock,statx,fstat,newfstatat,fstatfs,\
getdents64,mmap,linkat,fchmod";

/// Those after which a hidden sibling may stay, for they were to remove it.
const CLEARING: [&str; 3] = ["unlink", "unlinkat", "rmdir"];

/// Those that are part of removing a sibling, which may stay where the operation had succeeded already.
const ALSO_CLEARING: [&str; 5] = ["openat", "getdents64", "fstat", "newfstatat", "statx"];

/// Operations of the short form.
const SOME: [&str; 5] = ["dense-replace", "csr-replace", "csr-refill", "coo-builder", "mtx-write"];

/// Every call of every operation fails with every error; in the short form, some of some.
pub fn run(program: &Path, form: Form) -> Report {
    let mut report = Report::new("syscalls");
    if Command::new("strace").arg("--version").stdout(Stdio::null()).status().is_err() {
        return report.skip("there is no strace here");
    }
    let mut number = form.seed as usize;
    for operation in OPERATIONS.iter().filter(|o| form.long || SOME.contains(&o.name)) {
        // As small as the small limit allows, for it is run so often.
        let expected = match Expected::new(program, operation, 1_500) {
            Ok(expected) => expected,
            Err(fault) => {
                report.fault(fault);
                continue;
            }
        };
        let calls = match calls(program, &expected) {
            Ok(calls) => calls,
            Err(Trouble::NotAttached(why)) => return report.skip(why),
            Err(Trouble::Fault(fault)) => {
                report.fault(format!("{} under strace: {fault}", operation.name));
                continue;
            }
        };
        let count: usize = calls.values().map(BTreeSet::len).sum();
        report.note(format!("{}: {count} calls", operation.name));
        for (call, whens) in &calls {
            for (when, trouble) in whens.iter().flat_map(|k| troubles(call).map(move |t| (k, t))) {
                number += 1;
                if !form.long && !number.is_multiple_of(7) {
                    continue;
                }
                let outcome = disturbed(program, &expected, call, *when, trouble);
                report.case(format!("{} {call} {when} {trouble}", operation.name), outcome);
            }
        }
    }
    report
}

fn troubles(call: &str) -> [&'static str; 3] {
    match call {
        "mmap" => ["error=ENOMEM", "error=ENODEV", "signal=KILL"],
        _ => ["error=EIO", "error=ENOSPC", "signal=KILL"],
    }
}

fn disturbed(
    program: &Path,
    expected: &Expected,
    call: &str,
    when: usize,
    trouble: &str,
) -> Result<(), String> {
    let (_guard, folders) = expected.fresh()?;
    let inject = format!("inject={call}:{trouble}:when={when}");
    let trace = format!("trace={call}");
    let ended = match traced(program, expected, &folders, &["-e", &trace, "-e", &inject]) {
        Ok(ended) => ended,
        Err(Trouble::NotAttached(why) | Trouble::Fault(why)) => return Err(why),
    };
    if ended.signal() == Some(9) {
        let seen = expected.look(&folders)?;
        return expected.again(program, &folders, &seen);
    }
    // The same number may be memory in another thread, and memory that is not there ends a process: that of an allocation,
    // and the stack for signals that the standard library gives to every thread.
    let memory = ["memory allocation of", "failed to allocate an alternative stack"];
    if call == "mmap" && memory.iter().any(|words| ended.err.contains(words)) {
        return Ok(());
    }
    match expected.after(&folders, &ended) {
        Err(fault) if fault.starts_with("left hidden") => {
            let done = ended.code() == Some(0);
            match CLEARING.contains(&call) || (done && ALSO_CLEARING.contains(&call)) {
                true => Ok(()),
                false => Err(fault),
            }
        }
        outcome => outcome,
    }
}

/// Why a run under strace has no outcome.
enum Trouble {
    /// strace may not do that here.
    NotAttached(String),
    Fault(String),
}

/// Runs the operation in a worker to which strace is attached before it begins.
fn traced(
    program: &Path,
    expected: &Expected,
    folders: &Folders,
    options: &[&str],
) -> Result<Ended, Trouble> {
    let mut command = expected.command(program, folders, "run-when-told");
    command.stdin(Stdio::piped());
    let mut child = worker::start(command).map_err(Trouble::Fault)?;
    let mut strace = match attach(&child, options) {
        Ok(strace) => strace,
        Err(why) => {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Trouble::NotAttached(why));
        }
    };
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(b"\n");
    }
    let ended = worker::finish(child, PATIENCE);
    let _ = strace.wait();
    Ok(ended)
}

fn attach(child: &Child, options: &[&str]) -> Result<Child, String> {
    let pid = child.id().to_string();
    let told = |e: &dyn std::fmt::Display| format!("strace cannot be attached: {e}");
    let mut command = Command::new("strace");
    command.args(["-f", "-p", &pid]);
    if !options.contains(&"-o") {
        command.args(["-o", "/dev/null"]);
    }
    command.args(options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut strace = command.spawn().map_err(|e| told(&e))?;
    let mut said = BufReader::new(strace.stderr.take().ok_or_else(|| told(&"no pipe"))?);
    let mut line = String::new();
    while said.read_line(&mut line).map_err(|e| told(&e))? > 0 {
        if line.contains("attached") {
            // What it says of further threads must not fill the pipe.
            std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
            return Ok(strace);
        }
    }
    let _ = strace.wait();
    Err(told(&line.trim()))
}

/// For each call, its numbers in the threads of the operation, where it is about a file.
fn calls(
    program: &Path,
    expected: &Expected,
) -> Result<BTreeMap<String, BTreeSet<usize>>, Trouble> {
    let (_guard, folders) = expected.fresh().map_err(Trouble::Fault)?;
    let log = folders.0.join("log");
    let (path, trace) = (log.to_string_lossy().into_owned(), format!("trace={CALLS}"));
    let ended = traced(program, expected, &folders, &["-o", &path, "-e", &trace])?;
    expected.after(&folders, &ended).map_err(Trouble::Fault)?;
    let log = std::fs::read_to_string(&log).map_err(|e| Trouble::Fault(e.to_string()))?;
    let mut counts = BTreeMap::<(&str, &str), usize>::new();
    let mut calls = BTreeMap::<String, BTreeSet<usize>>::new();
    for line in log.lines() {
        let (thread, rest) = line.split_once(' ').unwrap_or(("", line));
        let Some((call, arguments)) = rest.trim_start().split_once('(') else { continue };
        if !CALLS.split(',').any(|known| known == call) {
            continue;
        }
        let count = counts.entry((thread, call)).or_default();
        *count += 1;
        if about_a_file(call, arguments) {
            calls.entry(call.to_owned()).or_default().insert(*count);
        }
    }
    Ok(calls)
}

/// Whether a call is not about memory or the standard streams.
fn about_a_file(call: &str, arguments: &str) -> bool {
    let first = arguments.split([',', ')']).next().unwrap_or_default().trim();
    match call {
        "mmap" => !arguments.contains("MAP_ANONYMOUS"),
        "read" | "write" => !["0", "1", "2"].contains(&first),
        _ => true,
    }
}

/// One case again, by itself: what the report names.
pub fn one(program: &Path, words: &[String]) -> Report {
    let mut report = Report::new("syscalls");
    let [name, call, when, trouble] = words else {
        report.fault("wanted: OPERATION CALL NUMBER TROUBLE");
        return report;
    };
    let (Some(operation), Ok(when)) = (Operation::named(name), when.parse()) else {
        report.fault("no such operation or no such number");
        return report;
    };
    let outcome = Expected::new(program, operation, 1_500)
        .and_then(|expected| disturbed(program, &expected, call, when, trouble));
    report.case(words.join(" "), outcome);
    report
}
