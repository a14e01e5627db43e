//! Pipes, devices and folders in the place of files: refused by their kind, at once.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use outcore::{
    Context, Coo, Csc, Csr, Dense, DenseMut, Descriptor, ErrorKind, NpyHeader, Order, Place, verify,
};
use tempfile::tempdir;

/// Runs `work` and fails if it takes longer than ten seconds.
fn soon<R: Send + 'static>(what: String, work: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, outcome) = mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    outcome.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| panic!("{what} hangs"))
}

fn make_pipe(path: &Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
}

/// What may stand in the place of a file.
const KINDS: [&str; 5] = ["pipe", "zeros", "random", "folder", "link"];

fn put(kind: &str, path: &Path) {
    let _ = fs::remove_file(path);
    match kind {
        "pipe" => make_pipe(path),
        "zeros" => symlink("/dev/zero", path).unwrap(),
        "random" => symlink("/dev/urandom", path).unwrap(),
        "folder" => fs::create_dir(path).unwrap(),
        _ => symlink(path, path).unwrap(),
    }
}

fn take_away(path: &Path) {
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// The errors of everything that opens a file or a folder, as text.
fn refusals(path: PathBuf) -> Vec<String> {
    let ctx = Context::new();
    let mut errors = vec![
        Dense::<f64>::open(&path).map(drop),
        Dense::<f64>::open_unfinished(&path).map(drop),
        DenseMut::<f64>::open_mut(&path, &ctx).map(drop),
        Dense::<f64>::read(&path, Place::Memory, &ctx).map(drop),
        Dense::<f64>::from_raw(&path, 0, (1, 1), Order::C).map(drop),
        NpyHeader::read(&path).map(drop),
    ];
    errors.push(Csr::<f64>::open(&path).map(drop));
    errors.push(Csc::<()>::open(&path).map(drop));
    errors.push(Coo::<f64>::open(&path).map(drop));
    errors.push(Csr::<f64>::open_mut(&path, &ctx).map(drop));
    errors.push(Descriptor::read(&path).map(drop));
    errors.push(verify(&path, &ctx).map(drop));
    errors.into_iter().map(|outcome| outcome.unwrap_err().to_string()).collect()
}

#[test]
fn what_is_no_ordinary_file_is_refused_at_once() {
    let folder = tempdir().unwrap();
    for kind in KINDS {
        let path = folder.path().join(kind);
        put(kind, &path);
        let errors = soon(format!("a {kind}"), move || refusals(path));
        assert!(errors.iter().all(|text| text.contains(kind)), "{errors:#?}");
    }
}

#[test]
fn each_file_of_a_matrix_is_refused_if_it_is_no_ordinary_one() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let ctx = Context::new();
    for kind in KINDS {
        for name in ["binsparse.json", "values.npy", "indices_1.npy", "pointers_to_1.npy"] {
            Csr::<f64>::eye(4).copy_to(&path, &ctx).unwrap();
            put(kind, &path.join(name));
            let (a, at) = (path.clone(), path.join(name));
            let errors = soon(format!("{name} as a {kind}"), move || {
                let ctx = Context::new();
                [
                    Csr::<f64>::open(&a).map(drop),
                    Csr::<f64>::open_mut(&a, &ctx).map(drop),
                    verify(&a, &ctx).map(drop),
                    Csr::<f64>::eye(2).copy_to(Place::Replace(a), &ctx).map(drop),
                ]
                .map(|outcome| outcome.unwrap_err())
            });
            let named = |error: &outcore::Error| error.to_string().contains(name);
            assert!(errors.iter().all(named), "{}: {errors:#?}", at.display());
            take_away(&at);
            fs::remove_dir_all(&path).unwrap();
        }
    }
}

#[test]
fn marks_that_are_no_ordinary_file_stop_nobody_for_ever() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let mark = folder.path().join("a.npy.changing");
    Dense::from(ndarray::arr2(&[[1.0, 2.0]])).copy_to(&path, &Context::new()).unwrap();
    for kind in KINDS {
        put(kind, &mark);
        let file = path.clone();
        let errors = soon(format!("a mark as a {kind}"), move || {
            let ctx = Context::new();
            [
                Dense::<f64>::open(&file).map(drop),
                verify(&file, &ctx).map(drop),
                DenseMut::<f64>::open_mut(&file, &ctx).map(drop),
                Dense::from(ndarray::arr2(&[[1.0]])).copy_to(Place::Replace(file), &ctx).map(drop),
            ]
            .map(|outcome| outcome.unwrap_err())
        });
        assert!(errors.iter().all(|error| error.to_string().contains("a.npy")), "{errors:?}");
        take_away(&mark);
    }
}

#[test]
fn sums_that_are_no_ordinary_file_or_too_long_are_refused() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let path = folder.path().join("a.npy");
    let side = folder.path().join("a.npy.xxh3");
    Dense::from(ndarray::arr2(&[[1.0, 2.0]])).copy_to(&path, &ctx).unwrap();
    for kind in KINDS {
        put(kind, &side);
        let file = path.clone();
        let outcome = soon(format!("sums as a {kind}"), move || verify(file, &Context::new()));
        assert!(outcome.is_err(), "{kind}");
        take_away(&side);
    }
    let file = fs::File::create(&side).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = soon("long sums".to_owned(), move || verify(path, &Context::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Format);
    assert!(error.to_string().contains("too long"), "{error}");
}
