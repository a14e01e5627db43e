//! What must hold after a disturbance: the old state or the new one, whole, and nothing else to be seen.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use outcore::io::VertexIds;
use outcore::{
    Context, Coo, Csc, Csr, Dense, Descriptor, Error, ErrorKind, Order, SparseFormat, verify,
};
use tempfile::TempDir;

use crate::operations::{Fate, Folders, Operation, copy};
use crate::worker::{self, Ended, PATIENCE};

/// A number that stands for some content.
pub struct Digest(DefaultHasher);

impl Digest {
    /// Adds counts and indices.
    pub fn numbers<I: Copy + TryInto<u64>>(&mut self, numbers: &[I]) {
        self.0.write_usize(numbers.len());
        numbers.iter().for_each(|&x| self.0.write_u64(x.try_into().unwrap_or(u64::MAX)));
    }

    /// Adds values, bit by bit.
    pub fn floats(&mut self, values: &[f64]) {
        self.0.write_usize(values.len());
        values.iter().for_each(|x| self.0.write_u64(x.to_bits()));
    }
}

/// The number that stands for what `add` adds.
pub fn digest(add: impl FnOnce(&mut Digest)) -> String {
    let mut digest = Digest(DefaultHasher::new());
    add(&mut digest);
    format!("{:016x}", digest.0.finish())
}

/// What a stored array, matrix or text is, whatever its files look like.
pub fn content(path: &Path) -> outcore::Result<String> {
    if path.extension().is_some_and(|extension| extension == "mtx") {
        let text = fs::read(path).map_err(|e| Error::io("reading", path, e))?;
        return Ok(digest(|d| d.numbers(&text)));
    }
    if path.extension().is_some_and(|extension| extension == "npy") {
        let a = Dense::<f64>::open(path)?;
        return Ok(digest(|d| {
            d.numbers(a.extents());
            d.numbers(&[u64::from(a.order() == Order::C)]);
            d.floats(a.as_slice());
        }));
    }
    let add =
        |d: &mut Digest, (nrows, ncols): (usize, usize), numbers: [&[u32]; 2], data: &[f64]| {
            d.numbers(&[nrows, ncols]);
            numbers.iter().for_each(|numbers| d.numbers(numbers));
            d.floats(data);
        };
    match Descriptor::read(path)?.format {
        SparseFormat::Csr => {
            let a = Csr::<f64>::open(path)?;
            let ids = VertexIds::stored(path, a.nrows(), &Context::new())?;
            Ok(digest(|d| {
                add(d, a.shape(), [a.indptr(), a.indices()], a.data());
                if let Some(ids) = ids {
                    (0..ids.len()).for_each(|vertex| d.numbers(ids.id(vertex).as_bytes()));
                }
            }))
        }
        SparseFormat::Csc => {
            let a = Csc::<f64>::open(path)?;
            Ok(digest(|d| add(d, a.shape(), [a.indices(), a.indptr()], a.data())))
        }
        _ => {
            let a = Coo::<f64>::open(path)?;
            Ok(digest(|d| add(d, a.shape(), [a.row_indices(), a.col_indices()], a.data())))
        }
    }
}

/// What an operation leaves when nothing disturbs it.
pub struct Expected {
    /// The operation.
    pub operation: &'static Operation,
    /// The number that sizes follow from.
    pub n: usize,
    /// Prepared folders, to be copied.
    template: TempDir,
    old: Option<String>,
    new: Option<String>,
    /// What it prints.
    pub printed: String,
    /// How long it takes.
    pub seconds: f64,
}

/// Which state is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Nothing, where nothing was.
    Absent,
    /// What was there before.
    Old,
    /// The result.
    New,
    /// An array that was being changed where it lies, and says so.
    Marked,
}

/// What is there after a disturbance.
#[derive(Debug)]
pub struct Seen {
    /// Which state.
    pub version: Version,
    /// Whether `verify` found its sums right.
    pub verified: bool,
    /// Hidden names beside it.
    pub hidden: Vec<String>,
}

impl Expected {
    /// Prepares an operation and runs it undisturbed in a worker.
    pub fn new(program: &Path, operation: &'static Operation, n: usize) -> Result<Self, String> {
        Self::made(operation, n, |folders| {
            let ended = worker::run(command(program, operation, n, folders, "run"), PATIENCE)?;
            if ended.clean()? { Ok(ended.out) } else { Err(ended.said()) }
        })
    }

    /// Prepares an operation, which `run` runs undisturbed and tells what it printed.
    pub fn made(
        operation: &'static Operation,
        n: usize,
        run: impl FnOnce(&Folders) -> Result<String, String>,
    ) -> Result<Self, String> {
        let told = |e: &dyn std::fmt::Display| format!("{} undisturbed: {e}", operation.name);
        let template = folder()?;
        let folders = Folders(template.path().to_owned());
        operation.prepare(&folders, n).map_err(|e| told(&e))?;
        let (old, new, printed) = (None, None, String::new());
        let mut expected = Expected { operation, n, template, old, new, printed, seconds: 0.0 };
        if matches!(operation.fate, Fate::Replaced | Fate::Changed) {
            expected.old = Some(content(&operation.result(&folders)).map_err(|e| told(&e))?);
        }
        let (_guard, folders) = expected.fresh()?;
        let start = Instant::now();
        expected.printed = run(&folders).map_err(|e| told(&e))?;
        expected.seconds = start.elapsed().as_secs_f64();
        if operation.fate == Fate::Read {
            return Ok(expected);
        }
        expected.new = Some(content(&operation.result(&folders)).map_err(|e| told(&e))?);
        match expected.old == expected.new {
            true => Err(told(&"the new state is the old one")),
            false => Ok(expected),
        }
    }

    /// Folders as they are before the operation.
    pub fn fresh(&self) -> Result<(TempDir, Folders), String> {
        let guard = folder()?;
        copy(self.template.path(), guard.path()).map_err(|e| e.to_string())?;
        let folders = Folders(guard.path().to_owned());
        Ok((guard, folders))
    }

    /// Copies what is read and what was there to folders that exist.
    pub fn fill(&self, folders: &Folders) -> Result<(), String> {
        copy(self.template.path(), &folders.0).map_err(|e| e.to_string())
    }

    /// A worker that runs the operation.
    pub fn command(&self, program: &Path, folders: &Folders, how: &str) -> Command {
        command(program, self.operation, self.n, folders, how)
    }

    /// What is there now, `Err` if it is none of the states that are right.
    pub fn look(&self, folders: &Folders) -> Result<Seen, String> {
        let names = names(&folders.out())?;
        let (hidden, visible): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| name.starts_with('.'));
        let sums = format!("{}.xxh3", self.operation.target);
        let changed = self.operation.fate == Fate::Changed;
        for name in &visible {
            // What marks an array that is being changed is the library's to name.
            let mark = changed && name.starts_with(self.operation.target);
            if *name != self.operation.target && *name != sums && !mark {
                return Err(format!("{name} is to be seen among the results"));
            }
        }
        let there = visible.iter().any(|name| name == self.operation.target);
        if !there {
            return match (&self.old, visible.first()) {
                (Some(_), _) => Err("what was there before is gone".into()),
                (None, Some(name)) if !self.operation.beside_sums() => {
                    Err(format!("{name} stands there alone"))
                }
                (None, _) => Ok(Seen { version: Version::Absent, verified: true, hidden }),
            };
        }
        let path = self.operation.result(folders);
        let found = match content(&path) {
            Ok(found) => found,
            Err(_) if changed => {
                return Ok(Seen { version: Version::Marked, verified: false, hidden });
            }
            Err(error) => return Err(format!("the result cannot be opened: {error:?}")),
        };
        let version = match Some(found) {
            found if found == self.old => Version::Old,
            found if found == self.new => Version::New,
            _ => return Err("the result is neither the old state nor the new one".into()),
        };
        if self.operation.target.ends_with(".mtx") {
            return Ok(Seen { version, verified: true, hidden });
        }
        let verified = match verify(&path, &Context::new()) {
            Ok(_) => true,
            // One array file has its sums published after it, and one that is changed has none until it is closed.
            Err(error) if self.operation.target.ends_with(".npy") || changed => {
                match error.kind() == ErrorKind::Checksum
                    && !error.to_string().contains("no checksums")
                {
                    true => return Err(format!("sums that are not those of the array: {error}")),
                    false => false,
                }
            }
            Err(error) => return Err(format!("the result is there and fails to verify: {error}")),
        };
        Ok(Seen { version, verified, hidden })
    }

    /// After an operation that said how it went: success means the new state, and neither leaves anything hidden.
    pub fn after(&self, folders: &Folders, ended: &Ended) -> Result<(), String> {
        let good = ended.clean()?;
        let scratch = names(&folders.scratch())?;
        if !scratch.is_empty() {
            return Err(format!("left in the scratch folder: {scratch:?}"));
        }
        let seen = self.look(folders).map_err(|e| format!("{e} (after {:?})", ended.said()))?;
        if self.operation.fate == Fate::Read {
            return match good && ended.out != self.printed {
                true => Err(format!("another answer: {} for {}", ended.out, self.printed)),
                false => Ok(()),
            };
        }
        let fault = match (good, seen.version) {
            (true, Version::New) if !seen.verified => "success without right sums".to_owned(),
            (true, Version::New) => String::new(),
            (true, version) => format!("success, and {version:?} is there"),
            (false, Version::Old) if !seen.verified && self.operation.fate == Fate::Replaced => {
                "the old state has lost its sums".to_owned()
            }
            (false, _) => String::new(),
        };
        match (fault.is_empty(), seen.hidden.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => {
                Err(format!("left hidden: {:?} (after {:?})", seen.hidden, ended.said()))
            }
            (false, _) => Err(format!("{fault} (after {:?})", ended.said())),
        }
    }

    /// After a kill the operation runs again: it succeeds, and what was left goes.
    pub fn again(&self, program: &Path, folders: &Folders, seen: &Seen) -> Result<(), String> {
        if self.operation.fate == Fate::New && seen.version == Version::New {
            let path = self.operation.result(folders);
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|e| e.to_string())?;
            let _ = fs::remove_file(format!("{}.xxh3", path.display()));
        }
        age_empty(&folders.out(), &seen.hidden).map_err(|e| e.to_string())?;
        let ended = worker::run(self.command(program, folders, "run"), PATIENCE)?;
        if !ended.clean()? {
            return match seen.version {
                // To refuse an array that is half changed is the library's right.
                Version::Marked => Ok(()),
                _ => Err(format!("the next run fails: {}", ended.said())),
            };
        }
        self.after(folders, &ended).map_err(|e| format!("after the next run: {e}"))
    }
}

fn command(
    program: &Path,
    operation: &Operation,
    n: usize,
    folders: &Folders,
    how: &str,
) -> Command {
    let (root, n) = (folders.0.to_string_lossy(), n.to_string());
    worker::command(program, &["worker", how, operation.name, &root, &n])
}

/// Makes folders old that hold not one byte. One that its maker had no time to mark as its own goes only when it is old: until
/// then its maker may be alive.
fn age_empty(folder: &Path, names: &[String]) -> std::io::Result<()> {
    for path in names.iter().map(|name| folder.join(name)).filter(|path| path.is_dir()) {
        let mut bytes = 0;
        for entry in fs::read_dir(&path)? {
            let metadata = entry?.metadata()?;
            bytes += if metadata.is_dir() { 1 } else { metadata.len() };
        }
        if bytes == 0 {
            let long_ago = SystemTime::now() - Duration::from_secs(3600);
            fs::File::open(&path)?.set_modified(long_ago)?;
        }
    }
    Ok(())
}

/// A new folder, on a disk only if that is asked for: many cases are tried, and most of them wait for the device.
///
/// `OUTCORE_FAULTS_FOLDER` says where; otherwise it lies in memory, where the system has such a place.
pub fn folder() -> Result<TempDir, String> {
    let told = |e: std::io::Error| format!("no folder for the test: {e}");
    if let Some(place) = std::env::var_os("OUTCORE_FAULTS_FOLDER") {
        return tempfile::tempdir_in(place).map_err(told);
    }
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).map_err(told)
}

/// The names in a folder, in order.
pub fn names(folder: &Path) -> Result<Vec<String>, String> {
    let told = |e: std::io::Error| format!("{}: {e}", folder.display());
    let entries = fs::read_dir(folder).map_err(told)?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(told)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Waits a little.
pub fn pause(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds.max(0.0)));
}
