//! Pipes, devices, sockets, folders and links in place of the files of a store: every call answers with a typed error, soon,
//! and without taking memory.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use outcore::io::{edge_list::EdgeList, matrix_market::Reader, read_graph};
use outcore::{
    CancelToken, Context, Coo, Csr, Dense, DenseMut, Descriptor, NpyHeader, Order, Place, Result,
    verify,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::report::{Form, Report};
use crate::state::folder;
use crate::stores::Store;
use crate::worker;

/// An answer should take milliseconds; a machine that is busy may take longer, a pipe takes for ever.
const SOON: Duration = Duration::from_secs(3);

/// What stands in place of a file.
const SPECIALS: [&str; 9] = [
    "pipe",
    "socket",
    "folder",
    "/dev/zero",
    "/dev/urandom",
    "/dev/null",
    "dangling",
    "loop",
    "endless",
];

/// Calls on a store, and those on the files of others.
const ON_STORES: [&str; 4] = ["open", "open_mut", "copy", "verify"];
const ON_TEXTS: [&str; 3] = ["mtx", "edges", "graph"];

/// Every special file in place of every file for every call; in the short form some of them.
pub fn run(program: &Path, form: Form) -> Report {
    let mut report = Report::new("special");
    let mut number = form.seed;
    let mut due = || {
        number += 1;
        form.long || number.is_multiple_of(5)
    };
    for store in Store::ALL {
        for (index, special) in each_file(store).flat_map(|i| SPECIALS.map(|s| (i, s))) {
            for call in ON_STORES.into_iter().filter(|_| due()) {
                let outcome = in_a_store(program, store, index, special, call);
                report.case(format!("{call} {}, {special} as file {index}", store.name()), outcome);
            }
        }
    }
    for store in [Store::Dense, Store::Csr] {
        for call in ["open_mut", "replace"] {
            report.case(format!("{call} {} through a link", store.name()), linked(store, call));
        }
    }
    for (call, special) in ON_TEXTS.into_iter().flat_map(|call| SPECIALS.map(|s| (call, s))) {
        if due() {
            report.case(format!("{call} of {special}"), of_a_text(program, call, special));
        }
    }
    report
}

/// Numbers of the files of a store, in the order of [`Store::files`].
fn each_file(store: Store) -> std::ops::Range<usize> {
    0..if store == Store::Dense { 2 } else { 8 }
}

fn in_a_store(
    program: &Path,
    store: Store,
    index: usize,
    special: &str,
    call: &str,
) -> std::result::Result<(), String> {
    let folder = folder()?;
    let path = store.write(folder.path()).map_err(|e| e.to_string())?;
    let right = format!("{:?}", store.numbers(&path).map_err(|e| e.to_string())?);
    let files = store.files(&path).map_err(|e| e.to_string())?;
    let file = files.get(index).ok_or("there are fewer files")?;
    fs::remove_file(file).map_err(|e| e.to_string())?;
    let _kept = place(special, file)?;
    let sums = file.extension().is_some_and(|extension| extension == "xxh3");
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments = ["worker", "special", call, store.name(), &path.to_string_lossy()];
    match asked(program, &arguments).map_err(|fault| format!("{name}: {fault}"))? {
        Some(numbers) if sums && call != "verify" && numbers == right => Ok(()),
        // Values are opened for writing and nothing is read of them.
        Some(_) if sums && call == "open_mut" => Ok(()),
        Some(numbers) => Err(format!("{name}: the answer is {numbers}")),
        None => Ok(()),
    }
}

fn of_a_text(program: &Path, call: &str, special: &str) -> std::result::Result<(), String> {
    let folder = folder()?;
    let file = folder.path().join(if call == "mtx" { "x.mtx" } else { "x.txt" });
    let _kept = place(special, &file)?;
    match asked(program, &["worker", "special", call, "text", &file.to_string_lossy()])? {
        Some(answer) => Err(format!("the answer is {answer}")),
        None => Ok(()),
    }
}

/// A store that is changed or replaced through a link has right sums afterwards or none, by whatever name it is called.
fn linked(store: Store, call: &str) -> std::result::Result<(), String> {
    let (folder, ctx) = (folder()?, Context::new());
    let told = |e: outcore::Error| format!("{e:?}");
    let far = folder.path().join("far");
    fs::create_dir(&far).map_err(|e| e.to_string())?;
    let real = store.write(&far).map_err(told)?;
    let link = folder.path().join(real.file_name().unwrap_or_default());
    symlink(&real, &link).map_err(|e| e.to_string())?;
    let outcome = match (call, store) {
        ("replace", Store::Dense) => {
            let place = Place::Replace(link.clone());
            DenseMut::<f64>::create((2, 2), Order::C, place, &ctx).and_then(DenseMut::close)
        }
        ("replace", _) => Csr::<f64>::eye(7).copy_to(Place::Replace(link.clone()), &ctx).map(drop),
        (_, Store::Dense) => DenseMut::<f64>::open_mut(&link, &ctx).and_then(|mut a| {
            a.as_mut_slice().fill(7.0);
            a.close()
        }),
        _ => Csr::<f64>::open_mut(&link, &ctx).and_then(|mut a| {
            a.data_mut().fill(7.0);
            a.close()
        }),
    };
    for path in [&link, &real] {
        store.numbers(path).map_err(|e| format!("{} after {outcome:?}: {e:?}", path.display()))?;
        match verify(path, &ctx) {
            Err(e) if !e.to_string().contains("no checksums") => {
                return Err(format!("{} after {outcome:?}: {e}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a worker answers; `None` for a typed error.
fn asked(program: &Path, arguments: &[&str]) -> std::result::Result<Option<String>, String> {
    let ended = worker::run(worker::command(program, arguments), SOON)?;
    Ok(ended.clean()?.then(|| ended.out.trim().to_owned()))
}

/// Puts something special where a file was; a socket lives as long as its listener.
fn place(special: &str, file: &Path) -> std::result::Result<Option<UnixListener>, String> {
    let told = |e: std::io::Error| format!("{special}: {e}");
    match special {
        "pipe" => mknodat(CWD, file, FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .map_err(|e| told(e.into()))?,
        // The path of a socket may have 108 bytes; these are shorter.
        "socket" => return UnixListener::bind(file).map(Some).map_err(told),
        "folder" => fs::create_dir(file).map_err(told)?,
        "dangling" => symlink("nothing", file).map_err(told)?,
        "loop" => symlink(file.file_name().unwrap_or_default(), file).map_err(told)?,
        // A file of zeros of which nothing is on the disk.
        "endless" => OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(file)
            .and_then(|file| file.set_len(1 << 42))
            .map_err(told)?,
        device => symlink(device, file).map_err(told)?,
    }
    Ok(None)
}

/// Memory that no call on a store of a few bytes needs.
const MUCH: u64 = 128 << 20;

/// Worker: one call on what is there. Memory beyond a gigabyte ends it, and much less is told in place of an answer.
pub fn call(call: &str, what: &str, path: &Path) -> Result<String> {
    worker::bound_memory(1 << 30);
    let outcome = answer(call, what, path);
    match worker::most_memory() {
        bytes if bytes > MUCH => Ok(format!("{bytes} bytes of memory were taken for {outcome:?}")),
        _ => outcome,
    }
}

fn answer(call: &str, what: &str, path: &Path) -> Result<String> {
    let ctx = Context::new().memory_limit(64 << 20);
    match (call, Store::named(what)) {
        ("open", Some(store)) => store.numbers(path).map(|numbers| format!("{numbers:?}")),
        ("verify", Some(_)) => verify(path, &ctx).map(|verified| format!("{verified:?}")),
        ("copy", Some(Store::Dense)) => {
            NpyHeader::read(path)?;
            Dense::<f64>::read(path, Place::Memory, &ctx)?;
            Store::Dense.numbers(path).map(|numbers| format!("{numbers:?}"))
        }
        ("copy", Some(store)) => {
            Descriptor::read(path)?;
            match store {
                Store::Coo => drop(Coo::<f64>::open(path)?.copy_to(Place::Memory, &ctx)?),
                _ => drop(Csr::<f64>::open(path)?.copy_to(Place::Memory, &ctx)?),
            }
            store.numbers(path).map(|numbers| format!("{numbers:?}"))
        }
        ("open_mut", Some(Store::Dense)) => {
            let mut a = DenseMut::<f64>::open_mut(path, &ctx)?;
            a.as_mut_slice().fill(1.0);
            a.close().map(|()| "written".to_owned())
        }
        // Coordinates are not opened for writing.
        ("open_mut", Some(_)) => {
            let mut a = Csr::<f64>::open_mut(path, &ctx)?;
            a.data_mut().fill(1.0);
            a.close().map(|()| "written".to_owned())
        }
        ("mtx", None) => {
            let a: Csr<f64> = Reader::open(path)?.read_csr(Place::Memory, &ctx)?;
            Ok(format!("{:?}", a.shape()))
        }
        ("edges", None) => {
            let size = EdgeList::open(path)?.for_each(&ctx, |_, _, _| Ok(()))?;
            // A list without edges is a list; an empty device is none.
            Ok(format!("{size:?}"))
        }
        _ => {
            // A pipe is waited for until that is cancelled.
            let token = CancelToken::new();
            let ctx = ctx.cancel(token.clone());
            std::thread::spawn(move || {
                std::thread::sleep(SOON / 6);
                token.cancel();
            });
            let a: Csr<()> = read_graph(path, Place::Memory, &ctx)?;
            Ok(format!("{:?}", a.shape()))
        }
    }
}
