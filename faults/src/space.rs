//! Results on one small file system and scratch files on another, with too little space on either.
//!
//! Needs a right to mount; the file systems are in memory and go away with the test.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use outcore::{Context, CooBuilder, Csr, Duplicates, Place, Result};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use tempfile::TempDir;

use crate::operations::{Fate, Folders, OPERATIONS, Operation};
use crate::report::{Form, Report};
use crate::state::{Expected, folder};
use crate::worker::{self, PATIENCE};

/// Bytes of a file system.
const SIZE: u64 = 8 << 20;

/// Space that is left on one of the two, in KiB.
const FREE: [u64; 9] = [0, 4, 16, 40, 130, 400, 800, 1_200, 2_500];

/// A small file system in memory.
struct Device(TempDir);

impl Device {
    fn mount() -> std::result::Result<Self, String> {
        let folder = folder()?;
        let size = format!("size={SIZE}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        match mounted {
            Ok(status) if status.success() => Ok(Device(folder)),
            _ => Err("a file system in memory cannot be mounted here".into()),
        }
    }

    fn free(&self) -> u64 {
        statvfs(self.0.path()).map_or(0, |device| device.f_bavail * device.f_frsize)
    }

    /// Takes all space but so much.
    fn leave(&self, free: u64) -> std::result::Result<(), String> {
        let filler = self.0.path().join("filler");
        let _ = fs::remove_file(&filler);
        let taken = self.free().saturating_sub(free);
        let file = fs::File::create(&filler).map_err(|e| e.to_string())?;
        match taken {
            0 => Ok(()),
            _ => fallocate(&file, FallocateFlags::empty(), 0, taken).map_err(|e| e.to_string()),
        }
    }

    /// A folder on it that is empty.
    fn folder(&self, name: &str) -> std::result::Result<PathBuf, String> {
        let _ = fs::remove_file(self.0.path().join("filler"));
        let folder = self.0.path().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).map(|()| folder).map_err(|e| e.to_string())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Every operation with every amount of space on either device; in the short form some of them.
pub fn run(program: &Path, form: Form) -> Report {
    let mut report = Report::new("space");
    sizes(program, form, &mut report);
    let (results, scratch) = match (Device::mount(), Device::mount()) {
        (Ok(results), Ok(scratch)) => (results, scratch),
        (Err(why), _) | (_, Err(why)) => return report.skip(why),
    };
    let mut number = form.seed;
    for operation in OPERATIONS.iter().filter(|operation| operation.fate != Fate::Read) {
        let n = 3_000;
        let mut expected = None;
        for (free, full) in FREE.into_iter().flat_map(|free| [(free, "results"), (free, "scratch")])
        {
            number += 1;
            if !form.long && !number.is_multiple_of(5) {
                continue;
            }
            let made = expected.get_or_insert_with(|| Expected::new(program, operation, n));
            let outcome = match made {
                Ok(expected) => {
                    crowded(program, expected, (&results, &scratch), (free << 10, full))
                }
                Err(fault) => Err(fault.clone()),
            };
            report.case(format!("{} with {free} KiB for {full}", operation.name), outcome);
        }
    }
    for name in ["dense-change", "dense-change-rows"] {
        for free in [0, 16, 400] {
            let outcome = holes(program, name, &results, free << 10);
            report.case(format!("{name} of a file with holes, {free} KiB free"), outcome);
        }
    }
    report.case("a builder whose scratch folder is full", pushed_on(program, &scratch));
    report
}

/// No file may grow beyond a size: the write that reaches it is a short one, and the next fails.
fn sizes(program: &Path, form: Form, report: &mut Report) {
    let mut number = form.seed;
    for operation in OPERATIONS.iter().filter(|operation| operation.fate != Fate::Read) {
        let mut expected = None;
        for blocks in [1, 7, 9, 33, 100, 300, 700, 1_500, 2_100] {
            number += 1;
            if !form.long && !number.is_multiple_of(5) {
                continue;
            }
            let made = expected.get_or_insert_with(|| Expected::new(program, operation, 3_000));
            let outcome = match made {
                Ok(expected) => bounded(program, expected, blocks),
                Err(fault) => Err(fault.clone()),
            };
            report.case(format!("{} in files of {blocks} KiB", operation.name), outcome);
        }
    }
}

fn bounded(program: &Path, expected: &Expected, kib: u64) -> std::result::Result<(), String> {
    let (_guard, folders) = expected.fresh()?;
    let worker = expected.command(program, &folders, "run");
    // Without the trap the first write too far would be a signal. POSIX counts blocks of 512 bytes.
    let script = format!("trap '' XFSZ; ulimit -f {} && exec \"$0\" \"$@\"", 2 * kib);
    let mut command = worker::command(Path::new("sh"), &["-c", &script]);
    command.arg(program).args(worker.get_args());
    let ended = worker::run(command, PATIENCE)?;
    expected.after(&folders, &ended)
}

/// Folders whose results and scratch files lie elsewhere.
fn elsewhere(results: &Path, scratch: &Path) -> std::result::Result<(TempDir, Folders), String> {
    let guard = folder()?;
    let folders = Folders(guard.path().to_owned());
    for (link, to) in [(folders.out(), results), (folders.scratch(), scratch)] {
        std::os::unix::fs::symlink(to, link).map_err(|e| e.to_string())?;
    }
    Ok((guard, folders))
}

fn crowded(
    program: &Path,
    expected: &Expected,
    (results, scratch): (&Device, &Device),
    (free, full): (u64, &str),
) -> std::result::Result<(), String> {
    let (_guard, folders) = elsewhere(&results.folder("out")?, &scratch.folder("scratch")?)?;
    expected.fill(&folders)?;
    let device = if full == "results" { results } else { scratch };
    device.leave(free)?;
    let before = (results.free(), scratch.free());
    let ended = worker::run(expected.command(program, &folders, "run"), PATIENCE)?;
    expected.after(&folders, &ended)?;
    if ended.code() == Some(0) {
        return Ok(());
    }
    if !["Space(", "Io(", "Memory("].iter().any(|kind| ended.err.starts_with(kind)) {
        return Err(format!("an error of another kind: {}", ended.said()));
    }
    let after = (results.free(), scratch.free());
    // Sums that were removed before an array is changed may have gone; nothing may have come.
    match after.0 >= before.0 && after.1 >= before.1 {
        true => Ok(()),
        false => Err(format!("{before:?} bytes were free, and {after:?} after the error")),
    }
}

/// An array whose elements are holes, as `numpy.lib.format.open_memmap` makes them, is changed on a device that is full.
fn holes(
    program: &Path,
    name: &str,
    device: &Device,
    free: u64,
) -> std::result::Result<(), String> {
    let operation = Operation::named(name).ok_or("no such operation")?;
    let expected = Expected::new(program, operation, 3_000)?;
    let elsewhere_too = folder()?;
    let (_guard, folders) = elsewhere(&device.folder("out")?, elsewhere_too.path())?;
    expected.fill(&folders)?;
    let path = operation.result(&folders);
    let told = |e: std::io::Error| e.to_string();
    let file = OpenOptions::new().write(true).open(&path).map_err(told)?;
    let length = file.metadata().map_err(told)?.len();
    file.set_len(4096).and_then(|()| file.set_len(length)).map_err(told)?;
    let _ = fs::remove_file(path.with_file_name("x.npy.xxh3"));
    device.leave(free)?;
    let ended = worker::run(expected.command(program, &folders, "run"), PATIENCE)?;
    match ended.clean()? {
        true if free < length => Err("success, though there is not the space".into()),
        _ => Ok(()),
    }
}

fn pushed_on(program: &Path, device: &Device) -> std::result::Result<(), String> {
    let elsewhere_too = folder()?;
    let (_guard, folders) = elsewhere(elsewhere_too.path(), &device.folder("scratch")?)?;
    let root = folders.0.to_string_lossy().into_owned();
    let ended = worker::run(worker::command(program, &["worker", "pushes", &root]), PATIENCE)?;
    match ended.clean()? && ended.out.trim() == "right" {
        true => Ok(()),
        false => Err(format!("{} {}", ended.out.trim(), ended.said())),
    }
}

/// Worker: pushes entries until the scratch folder is full, and on; a refused entry is not taken, and the error stays.
pub fn pushes(root: &Path) -> Result<String> {
    worker::bound_memory(1 << 30);
    let folders = Folders(root.to_owned());
    let ctx = Context::new().memory_limit(16 << 20).scratch(folders.scratch());
    let n = 1 << 20;
    let mut entries = CooBuilder::<f64>::new((n, n), &ctx)?;
    let mut i = 0;
    let (refused, first) = loop {
        let before = entries.nnz();
        match entries.push(i * 7919 % n, i % n, 1.0) {
            Ok(()) if i > 1 << 22 => return Ok("there was space for everything".into()),
            Ok(()) => i += 1,
            Err(error) => break (before, error),
        }
    };
    for again in 0..1000 {
        match entries.push(again, again, 1.0) {
            Err(error) if error.kind() == first.kind() => {}
            Err(error) => return Ok(format!("first {first:?}, then {error:?}")),
            Ok(()) => return Ok(format!("first {first:?}, then push {again} is taken")),
        }
        if entries.nnz() != refused {
            return Ok(format!("{refused} entries were taken, {} are counted", entries.nnz()));
        }
    }
    let finished: Result<Csr<f64>> =
        entries.finish(Duplicates::Sum, Place::File(folders.out().join("x.bspnpy")), &ctx);
    // What was taken before may be lost or whole.
    match finished {
        Ok(matrix) if matrix.nnz() > refused => Ok(format!("{} entries", matrix.nnz())),
        _ => Ok("right".into()),
    }
}
