//! Several processes write and read one name: every version is seen whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use outcore::{Context, Csr, Dense, DenseMut, Error, Place, Result, verify};

use crate::report::{Form, Report};
use crate::state::{folder, names, pause};
use crate::versions::{NCOLS, allowed, look, name_of, put, whole};
use crate::worker::{self, PATIENCE};

/// Readers beside writers, two makers of one name, arrays that are replaced while they are open for writing.
pub fn run(program: &Path, form: Form) -> Report {
    let mut report = Report::new("processes");
    for kind in ["dense", "csr"] {
        if let Err(fault) = together(program, kind, form, &mut report) {
            report.fault(format!("{kind}: {fault}"));
        }
        for round in 0..form.pick(4, 50) {
            let outcome = two_makers(program, kind);
            report.case(format!("two makers of one {kind}, round {round}"), outcome);
        }
        report.case(format!("{kind} replaced while it is open"), replaced(kind));
    }
    report
}

/// Writers and readers at the same time.
fn together(
    program: &Path,
    kind: &str,
    form: Form,
    report: &mut Report,
) -> std::result::Result<(), String> {
    let folder = folder()?;
    let path = folder.path().join(name_of(kind));
    put(kind, 0, Place::Replace(path.clone()), &Context::new()).map_err(|e| e.to_string())?;
    let (readers, opens) = (form.pick(2, 4), form.rounds(300, 12_000));
    let (target, stop, opens) =
        (path.to_string_lossy().into_owned(), folder.path().join("stop"), opens.to_string());
    let writer = |how, first| {
        worker::start(worker::command(program, &["worker", how, kind, &target, first]))
    };
    let writers = [writer("replaces", "1")?, writer("replaces", "2")?, writer("changes", "0")?];
    let readers: Vec<_> = (0..readers)
        .map(|_| {
            worker::start(worker::command(program, &["worker", "opens", kind, &target, &opens]))
        })
        .collect::<std::result::Result<_, _>>()?;
    for reader in readers {
        let ended = worker::finish(reader, PATIENCE * 20);
        if !ended.clean()? {
            return Err(ended.said());
        }
        for line in ended.out.lines() {
            match line.split_once(' ') {
                Some(("FAULT", fault)) => report.fault(format!("a reader of {kind}: {fault}")),
                Some(("TRIED", tried)) => report.tried_many(tried.parse().unwrap_or(0)),
                _ => report.note(format!("a reader of {kind}: {line}")),
            }
        }
    }
    fs::write(&stop, "").map_err(|e| e.to_string())?;
    for writer in writers {
        let ended = worker::finish(writer, PATIENCE);
        if !ended.clean()? {
            return Err(format!("a writer: {}", ended.said()));
        }
        report.note(format!("a writer of {kind}: {}", ended.out.trim()));
    }
    fs::remove_file(&stop).map_err(|e| e.to_string())?;
    whole(kind, &path).map_err(|fault| format!("in the end: {fault}"))?;
    verify(&path, &Context::new()).map_err(|e| format!("in the end: {e}"))?;
    let hidden: Vec<_> = names(folder.path())?.into_iter().filter(|n| n.starts_with('.')).collect();
    match hidden.is_empty() {
        true => Ok(()),
        false => Err(format!("in the end there is {hidden:?}")),
    }
}

/// Counts of what a worker met.
#[derive(Default)]
struct Met(Vec<(String, u64)>);

impl Met {
    fn count(&mut self, what: &str) {
        let at = self.0.iter().position(|(known, _)| known == what).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push((what.to_owned(), 0));
        }
        self.0[at].1 += 1;
    }

    fn text(&self) -> String {
        let counts: Vec<String> = self.0.iter().map(|(what, n)| format!("{n} {what}")).collect();
        counts.join(", ")
    }
}

/// Worker: opens, multiplies and verifies until `opens` opens have succeeded; prints faults and counts.
pub fn opens(kind: &str, path: &Path, opens: usize) -> Result<String> {
    let (met, said, seen, held) = (Met::default(), Vec::new(), BTreeSet::new(), None);
    let mut reader = Reader { kind, path, ctx: Context::new(), met, said, seen, held };
    let (mut whole, mut tried) = (0, 0);
    // Whoever is locked out most of the time comes to an end as well.
    while whole < opens && tried < 10 * opens {
        whole += usize::from(reader.open(tried));
        if tried % 4 == 0 {
            reader.verify(tried);
        }
        if kind == "dense" && tried % 25 == 0 {
            reader.hold(tried);
        }
        tried += 1;
        // Long enough for a writer to come between, on few processors.
        pause(0.000_05);
    }
    let Reader { met, mut said, seen, .. } = reader;
    said.push(format!("TRIED {tried}"));
    said.push(format!("{} versions; {}", seen.len(), met.text()));
    Ok(said.join("\n"))
}

struct Reader<'a> {
    kind: &'a str,
    path: &'a Path,
    ctx: Context,
    met: Met,
    /// Faults to print.
    said: Vec<String>,
    /// Versions that were read.
    seen: BTreeSet<usize>,
    /// An array that is open stays what it is, whatever becomes of its name.
    held: Option<(f64, Dense<f64>)>,
}

impl Reader<'_> {
    /// Whether a version could be opened.
    fn open(&mut self, round: usize) -> bool {
        match look(self.kind, self.path) {
            Ok(Ok(v)) => {
                self.seen.insert(v);
                self.met.count("whole");
                return true;
            }
            Ok(Err(mixed)) => self.fault(format!("open {round}: {mixed}")),
            Err(error) => match allowed(&error) {
                Some(why) => self.met.count(why),
                None => self.fault(format!("open {round}: {error:?}")),
            },
        }
        false
    }

    fn verify(&mut self, round: usize) {
        let error = match verify(self.path, &self.ctx) {
            Ok(_) => return self.met.count("verified"),
            Err(error) => error,
        };
        match allowed(&error) {
            Some(why) => self.met.count(&format!("not verified, {why}")),
            // One array file has its sums published beside it, and what is changed in place has none.
            None if error.to_string().contains("no checksums") => self.met.count("without sums"),
            None => self.fault(format!("verify {round}: {error:?}")),
        }
    }

    /// Opens an array and looks at it again some rounds later; in between, who wants to change it gets a chance.
    fn hold(&mut self, round: usize) {
        match self.held.take() {
            Some((v, array)) if array.as_slice().iter().any(|&x| x != v) => {
                self.fault(format!("open {round}: version {v} changed while it was held"));
            }
            Some(_) => {}
            None => {
                let opened = Dense::<f64>::open(self.path).ok();
                self.held = opened.and_then(|a| Some((*a.as_slice().first()?, a)));
            }
        }
    }

    fn fault(&mut self, fault: String) {
        self.met.count("faults");
        if self.said.len() < 5 {
            self.said.push(format!("FAULT {fault}"));
        }
    }
}

fn stopped(path: &Path) -> bool {
    path.with_file_name("stop").exists()
}

/// Worker: replaces the matrix by one version after the other until it is told to stop.
pub fn replaces(kind: &str, path: &Path, first: usize) -> Result<String> {
    let (mut met, ctx, mut v) = (Met::default(), Context::new(), first);
    while !stopped(path) {
        match put(kind, v, Place::Replace(path.to_owned()), &ctx) {
            Ok(()) => {
                met.count("replaced");
            }
            Err(error) => match allowed(&error) {
                Some(why) => {
                    met.count(why);
                }
                None => return Err(error),
            },
        }
        v += 2;
    }
    Ok(met.text())
}

/// Worker: opens the matrix for writing and makes another version of the same shape and indices of it, now and then.
pub fn changes(kind: &str, path: &Path) -> Result<String> {
    let (mut met, ctx) = (Met::default(), Context::new());
    while !stopped(path) {
        match change(kind, path, &ctx) {
            Ok(()) => {
                met.count("changed");
            }
            Err(error) => match allowed(&error) {
                Some(why) => {
                    met.count(why);
                }
                None => return Err(error),
            },
        }
        pause(0.005);
    }
    Ok(met.text())
}

fn change(kind: &str, path: &Path, ctx: &Context) -> Result<()> {
    // Versions that differ by this have one shape and the same indices.
    let next = |v: f64| v + (6 * NCOLS) as f64;
    if kind == "dense" {
        let mut a = DenseMut::<f64>::open_mut(path, ctx)?;
        a.as_mut_slice().iter_mut().for_each(|x| *x = next(*x));
        return a.close();
    }
    let mut a = Csr::<f64>::open_mut(path, ctx)?;
    a.data_mut().iter_mut().for_each(|x| *x = next(*x));
    a.close()
}

/// Worker: makes a new matrix once.
pub fn makes(kind: &str, path: &Path, v: usize) -> Result<String> {
    put(kind, v, Place::from(path), &Context::new()).map(|()| String::new())
}

/// Two processes make one name at the same time: one of them does, the other is told.
fn two_makers(program: &Path, kind: &str) -> std::result::Result<(), String> {
    let folder = folder()?;
    let path = folder.path().join(name_of(kind));
    let target = path.to_string_lossy().into_owned();
    let makers = [1, 2].map(|v: usize| {
        let v = v.to_string();
        worker::start(worker::command(program, &["worker", "makes", kind, &target, &v]))
    });
    let mut made = Vec::new();
    for (maker, v) in makers.into_iter().zip(1..) {
        let ended = worker::finish(maker?, PATIENCE);
        match ended.clean()? {
            true => made.push(v),
            false if ended.err.contains("Exists") || ended.err.contains("Locked") => {}
            false => return Err(ended.said()),
        }
    }
    let there = whole(kind, &path)?;
    verify(&path, &Context::new()).map_err(|e| e.to_string())?;
    match made == [there] {
        true => Ok(()),
        false => Err(format!("{made:?} were made, and {there} is there")),
    }
}

/// What is open for writing is replaced by somebody else: closing it is an error, and what is there stays whole.
fn replaced(kind: &str) -> std::result::Result<(), String> {
    let folder = folder()?;
    let told = |e: Error| format!("{e:?}");
    // On the map, and past it under a limit of less than the array.
    for (how, limit) in [("on the map", 1 << 30), ("past the map", 1 << 10)] {
        let (path, ctx): (PathBuf, _) =
            (folder.path().join(name_of(kind)), Context::new().memory_limit(limit));
        put(kind, 1, Place::Replace(path.clone()), &Context::new()).map_err(told)?;
        let other = || put(kind, 8, Place::Replace(path.clone()), &Context::new());
        let (closed, refused) = match kind {
            "dense" => {
                let mut a = DenseMut::<f64>::open_mut(&path, &ctx).map_err(told)?;
                // Lines that do not fit the limit are refused, and then the map is as good.
                if a.fill_rows(|_, row| row.fill(5.0)).is_err() {
                    a.as_mut_slice().fill(5.0);
                }
                let refused = other();
                (a.close(), refused)
            }
            _ => {
                let mut a = Csr::<f64>::open_mut(&path, &ctx).map_err(told)?;
                a.data_mut().fill(5.0);
                let refused = other();
                (a.close(), refused)
            }
        };
        match (closed, refused) {
            (Ok(()), Ok(())) => {
                return Err(format!("{how}: closed without an error, the values are lost"));
            }
            // To refuse to replace what is being changed is as good.
            (closed, Err(error)) if closed.is_ok() && allowed(&error).is_some() => continue,
            (_, Err(error)) => return Err(format!("{how}: replacing fails: {error:?}")),
            (Err(_), Ok(())) => {}
        }
        match whole(kind, &path)? {
            8 => {}
            v => return Err(format!("{how}: version {v} is there instead of 8")),
        }
        verify(&path, &Context::new()).map_err(|e| format!("{how}: {e}"))?;
    }
    Ok(())
}
