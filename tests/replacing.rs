//! Names that are taken, replaced and shared: what is replaced, what is not, and what others see meanwhile.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use outcore::linalg::LinearOperator;
use outcore::{Context, Csc, Csr, Dense, DenseMut, ErrorKind, Order, Place, Result, verify};
use tempfile::tempdir;

use crate::folders::names;

/// A matrix all of whose arrays tell its version.
fn version(v: usize) -> Csr<f64> {
    let n = 1 + v % 7;
    let indptr: Vec<u32> = (0..=n as u32).collect();
    let indices = vec![(v % 5) as u32; n];
    Csr::from_parts((n, 5), indptr, indices, vec![v as f64; n]).unwrap()
}

/// Fails unless a matrix is one version, whole.
fn assert_whole(a: &Csr<f64>) {
    let v = a.data()[0] as usize;
    assert_eq!(a.nrows(), 1 + v % 7, "pointers of another version");
    assert!(a.indices().iter().all(|&j| j as usize == v % 5), "indices of another version");
    assert!(a.data().iter().all(|&x| x as usize == v), "values of another version");
    assert_eq!(a.matvec(&[1.0; 5]).unwrap(), vec![v as f64; a.nrows()]);
}

fn array(v: f64, place: Place) -> Result<()> {
    let mut a = DenseMut::<f64>::create((2, 3), Order::C, place, &Context::new())?;
    a.as_mut_slice().fill(v);
    a.close()
}

#[test]
fn what_this_library_did_not_write_is_not_replaced() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ctx = Context::new();
    fs::create_dir_all(path("results/texts")).unwrap();
    fs::write(path("results/texts/a.txt"), "mine").unwrap();
    fs::create_dir(path("empty")).unwrap();
    fs::write(path("notes.txt"), "mine").unwrap();
    symlink(path("nowhere"), path("dangling")).unwrap();
    // A stored matrix with something else in it is the user's as well.
    Csr::<f64>::eye(3).copy_to(path("mixed"), &ctx).unwrap();
    fs::write(path("mixed/README"), "mine").unwrap();
    Csr::<f64>::eye(3).copy_to(path("broken"), &ctx).unwrap();
    fs::write(path("broken/binsparse.json"), "{}").unwrap();
    array(1.0, Place::from(path("a.npy"))).unwrap();
    let before = listing(folder.path());

    for name in ["results", "empty", "notes.txt", "dangling", "mixed", "broken", "a.npy"] {
        let place = Place::Replace(path(name));
        let error = Csr::<f64>::eye(3).copy_to(&place, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists, "{name}: {error}");
        let error = Csr::<f64>::eye(3).pattern().transpose().copy_to(&place, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists, "{name}: {error}");
        let error = Csr::<f64>::eye(3).to_coo(&place, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists, "{name}: {error}");
        if name != "a.npy" {
            let error = array(2.0, place).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exists, "{name}: {error}");
        }
    }
    assert_eq!(listing(folder.path()), before);
    array(3.0, Place::Replace(path("a.npy"))).unwrap();
    assert_eq!(Dense::<f64>::open(path("a.npy")).unwrap().as_slice(), [3.0; 6]);
}

/// Every path below a folder, with its text.
fn listing(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        let text = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        found.push((path.display().to_string(), text));
        if path.is_dir() && !path.is_symlink() {
            found.extend(listing(&path));
        }
    }
    found
}

#[test]
fn readers_of_a_matrix_that_is_replaced_see_one_version() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let ctx = Context::new();
    version(0).copy_to(&path, &ctx).unwrap();
    let done = AtomicBool::new(false);
    let rounds = rounds(60);
    std::thread::scope(|scope| {
        let write = |from: usize| {
            let (path, done) = (&path, &done);
            move || {
                for v in (from..).step_by(2).take_while(|_| !done.load(Ordering::Relaxed)) {
                    version(v).copy_to(Place::Replace(path.clone()), &Context::new()).unwrap();
                }
            }
        };
        let writers = [scope.spawn(write(1)), scope.spawn(write(2))];
        for _ in 0..rounds {
            assert_whole(&Csr::open(&path).unwrap());
            verify(&path, &ctx).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    });
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn sums_of_an_array_that_is_replaced_are_its_own() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let ctx = Context::new();
    array(0.0, Place::from(&path)).unwrap();
    let done = AtomicBool::new(false);
    let rounds = rounds(60);
    std::thread::scope(|scope| {
        let write = |from: usize| {
            let (path, done) = (&path, &done);
            move || {
                for v in (from..).step_by(2).take_while(|_| !done.load(Ordering::Relaxed)) {
                    array(v as f64, Place::Replace(path.clone())).unwrap();
                }
            }
        };
        let writers = [scope.spawn(write(1)), scope.spawn(write(2))];
        for _ in 0..rounds {
            let a = Dense::<f64>::open(&path).unwrap();
            assert!(a.as_slice().iter().all(|x| *x == a.as_slice()[0]));
            verify(&path, &ctx).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    });
    verify(&path, &ctx).unwrap();
    assert_eq!(names(folder.path()), ["a.npy", "a.npy.xxh3"]);
}

/// Rounds of a test of concurrency: `few`, or as the environment says.
fn rounds(few: usize) -> usize {
    std::env::var("OUTCORE_ROUNDS").map_or(few, |rounds| rounds.parse().unwrap())
}

#[test]
fn whoever_changes_what_was_replaced_is_told_and_the_new_is_left_alone() {
    let folder = tempdir().unwrap();
    let (a, m) = (folder.path().join("a.npy"), folder.path().join("m"));
    let ctx = Context::new();
    for fill in [false, true] {
        array(1.0, Place::Replace(a.clone())).unwrap();
        let mut old = DenseMut::<f64>::open_mut(&a, &ctx).unwrap();
        match fill {
            true => old.fill_columns(|_, column| column.fill(9.0)).unwrap(),
            false => old.as_mut_slice().fill(9.0),
        }
        array(2.0, Place::Replace(a.clone())).unwrap();
        let error = old.close().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Replaced, "{error}");
        assert_eq!(Dense::<f64>::open(&a).unwrap().as_slice(), [2.0; 6]);
        verify(&a, &ctx).unwrap();
    }
    version(3).copy_to(&m, &ctx).unwrap();
    let mut old = Csr::<f64>::open_mut(&m, &ctx).unwrap();
    old.data_mut().fill(9.0);
    version(4).copy_to(Place::Replace(m.clone()), &ctx).unwrap();
    assert_eq!(old.close().unwrap_err().kind(), ErrorKind::Replaced);
    assert_whole(&Csr::open(&m).unwrap());
    verify(&m, &ctx).unwrap();
    // Taken away, and put elsewhere.
    let old = DenseMut::<f64>::open_mut(&a, &ctx).unwrap();
    fs::rename(&a, folder.path().join("b.npy")).unwrap();
    assert_eq!(old.close().unwrap_err().kind(), ErrorKind::Replaced);
    let old = Csr::<f64>::open_mut(&m, &ctx).unwrap();
    fs::rename(&m, folder.path().join("n")).unwrap();
    assert_eq!(old.close().unwrap_err().kind(), ErrorKind::Replaced);
}

#[test]
fn what_a_writer_did_not_close_is_marked_until_somebody_does() {
    let folder = tempdir().unwrap();
    let (a, m) = (folder.path().join("a.npy"), folder.path().join("m"));
    let ctx = Context::new();
    array(1.0, Place::from(&a)).unwrap();
    Csr::<f32>::eye(3).transpose().copy_to(&m, &ctx).unwrap();
    let mut writer = DenseMut::<f64>::open_mut(&a, &ctx).unwrap();
    assert_eq!(verify(&a, &ctx).unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(Dense::<f64>::open(&a).unwrap_err().kind(), ErrorKind::Locked);
    writer.as_mut_slice()[1] = 7.0;
    drop(writer);
    drop(Csc::<f32>::open_mut(&m, &ctx).unwrap());
    assert_eq!(Dense::<f64>::open(&a).unwrap_err().kind(), ErrorKind::Unfinished);
    assert_eq!(Csc::<f32>::open(&m).unwrap_err().kind(), ErrorKind::Unfinished);
    assert_eq!(verify(&a, &ctx).unwrap_err().kind(), ErrorKind::Unfinished);
    assert_eq!(verify(&m, &ctx).unwrap_err().kind(), ErrorKind::Unfinished);
    let read = Dense::<f64>::read(&a, Place::Memory, &ctx).unwrap_err();
    assert_eq!(read.kind(), ErrorKind::Unfinished);
    let read = Csc::<f32>::read(&m, Place::Memory, &ctx).unwrap_err();
    assert_eq!(read.kind(), ErrorKind::Unfinished);
    // By choice, and its structure, which did not change.
    assert_eq!(Dense::<f64>::open_unfinished(&a).unwrap().as_slice()[1], 7.0);
    assert_eq!(Csc::<f32>::open_unfinished(&m).unwrap().nnz(), 3);
    assert_eq!(Csc::<()>::open(&m).unwrap().nnz(), 3);
    // Written again, or replaced.
    DenseMut::<f64>::open_mut(&a, &ctx).unwrap().close().unwrap();
    Csc::<f32>::open_mut(&m, &ctx).unwrap().close().unwrap();
    assert_eq!(Dense::<f64>::open(&a).unwrap().as_slice()[1], 7.0);
    verify(&a, &ctx).unwrap();
    verify(&m, &ctx).unwrap();
    drop(DenseMut::<f64>::open_mut(&a, &ctx).unwrap());
    array(2.0, Place::Replace(a.clone())).unwrap();
    assert_eq!(Dense::<f64>::open(&a).unwrap().as_slice()[1], 2.0);
    assert_eq!(names(folder.path()), ["a.npy", "a.npy.xxh3", "m"]);
}

#[test]
fn only_what_carries_the_mark_is_abandoned_work() {
    let folder = tempdir().unwrap();
    let mine = folder.path().join(".out.npy.tmp-important-results");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("array.npy"), "mine").unwrap();
    let six = folder.path().join(".out.npy.tmp-abc123");
    fs::create_dir(&six).unwrap();
    fs::write(six.join("array.npy"), "mine").unwrap();
    let linked = tempdir().unwrap();
    fs::write(linked.path().join("outcore-stage"), "").unwrap();
    symlink(linked.path(), folder.path().join(".out.npy.tmp-linked")).unwrap();
    // What a process left that died a moment ago.
    let left = folder.path().join(".out.npy.tmp-Xy12ab");
    fs::create_dir_all(left.join("result")).unwrap();
    fs::write(left.join("outcore-stage"), "").unwrap();
    fs::write(left.join("result/values.npy"), "half").unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::open(&mine).unwrap().set_modified(old).unwrap();
    array(1.0, Place::from(folder.path().join("out.npy"))).unwrap();
    assert_eq!(
        names(folder.path()),
        [
            ".out.npy.tmp-abc123",
            ".out.npy.tmp-important-results",
            ".out.npy.tmp-linked",
            "out.npy",
            "out.npy.xxh3"
        ]
    );
    assert_eq!(fs::read(mine.join("array.npy")).unwrap(), b"mine");
    assert!(linked.path().join("outcore-stage").exists());
}

#[test]
fn work_that_is_going_on_is_left_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let ctx = Context::new();
    let first = DenseMut::<f64>::create((1, 1), Order::C, &path, &ctx).unwrap();
    let second = DenseMut::<f64>::create((1, 1), Order::C, &path, &ctx).unwrap();
    first.close().unwrap();
    assert_eq!(second.close().unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(names(folder.path()), ["a.npy", "a.npy.xxh3"]);
}

#[test]
fn an_array_that_is_being_made_cannot_be_opened() {
    let folder = tempdir().unwrap();
    let a = DenseMut::<f64>::create((4, 4), Order::C, folder.path().join("a.npy"), &Context::new());
    let hidden = folder.path().join(&names(folder.path())[0]);
    let file = hidden.join("array.npy");
    assert_eq!(Dense::<f64>::open(&file).unwrap_err().kind(), ErrorKind::Locked);
    a.unwrap().close().unwrap();
    assert_eq!(names(folder.path()), ["a.npy", "a.npy.xxh3"]);
}

#[test]
fn sums_that_are_left_over_never_stand_beside_another_array() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let ctx = Context::new();
    array(1.0, Place::from(&path)).unwrap();
    let old = fs::read(folder.path().join("a.npy.xxh3")).unwrap();
    fs::remove_file(&path).unwrap();
    array(2.0, Place::from(&path)).unwrap();
    assert_ne!(fs::read(folder.path().join("a.npy.xxh3")).unwrap(), old);
    verify(&path, &ctx).unwrap();
}

#[test]
fn what_stands_where_sums_and_marks_belong_is_kept() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let path = folder.path().join("a.npy");
    for ending in [".xxh3", ".changing"] {
        let other = folder.path().join(format!("a.npy{ending}"));
        fs::create_dir_all(other.join("texts")).unwrap();
        for place in [Place::from(&path), Place::Replace(path.clone())] {
            assert_eq!(array(1.0, place).unwrap_err().kind(), ErrorKind::Exists);
        }
        assert_eq!(names(&other), ["texts"]);
        fs::remove_dir_all(&other).unwrap();
        fs::write(&other, "XXH3 (a.npy) = 12").unwrap();
        assert_eq!(array(1.0, Place::from(&path)).unwrap_err().kind(), ErrorKind::Exists);
        fs::remove_file(&other).unwrap();
        array(1.0, Place::from(&path)).unwrap();
        fs::write(&other, "mine").unwrap();
        let error = DenseMut::<f64>::open_mut(&path, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists, "{error}");
        assert_eq!(array(2.0, Place::Replace(path.clone())).unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(fs::read(&other).unwrap(), b"mine");
        fs::remove_file(&other).unwrap();
        let _ = fs::remove_file(folder.path().join("a.npy.xxh3"));
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn links_are_followed_to_where_the_data_lies() {
    let (folder, far) = (tempdir().unwrap(), tempdir().unwrap());
    let ctx = Context::new();
    let (link, real) = (folder.path().join("link.npy"), far.path().join("real.npy"));
    array(1.0, Place::from(&real)).unwrap();
    symlink(&real, &link).unwrap();
    let mut writer = DenseMut::<f64>::open_mut(&link, &ctx).unwrap();
    writer.as_mut_slice().fill(5.0);
    assert_eq!(names(far.path()), ["real.npy", "real.npy.changing"]);
    writer.close().unwrap();
    verify(&real, &ctx).unwrap();
    verify(&link, &ctx).unwrap();
    array(6.0, Place::Replace(link.clone())).unwrap();
    assert!(link.is_symlink());
    assert_eq!(Dense::<f64>::open(&real).unwrap().as_slice(), [6.0; 6]);
    verify(&link, &ctx).unwrap();
    // A taken name is taken, wherever it leads.
    assert_eq!(array(7.0, Place::from(&link)).unwrap_err().kind(), ErrorKind::Exists);
    let (link, real) = (folder.path().join("m"), far.path().join("n"));
    version(1).copy_to(&real, &ctx).unwrap();
    symlink(&real, &link).unwrap();
    version(1).copy_to(Place::Replace(link.join("")), &ctx).unwrap();
    version(2).copy_to(Place::Replace(link.clone()), &ctx).unwrap();
    assert!(link.is_symlink());
    assert_whole(&Csr::open(&link).unwrap());
    assert_eq!(Csr::<f64>::open(&real).unwrap().data()[0], 2.0);
    assert_eq!(names(folder.path()), ["link.npy", "m"]);
}

#[test]
fn long_names_and_missing_folders_are_named_as_the_caller_knows_them() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    for len in [245, 249, 250, 251, 255] {
        let path = folder.path().join("x".repeat(len));
        array(1.0, Place::from(&path)).unwrap();
        array(2.0, Place::Replace(path.clone())).unwrap();
        verify(&path, &ctx).unwrap();
        drop(DenseMut::<f64>::open_mut(&path, &ctx).unwrap());
        assert_eq!(Dense::<f64>::open(&path).unwrap_err().kind(), ErrorKind::Unfinished);
        let path = folder.path().join("y".repeat(len));
        version(1).copy_to(&path, &ctx).unwrap();
        version(2).copy_to(Place::Replace(path.clone()), &ctx).unwrap();
        verify(&path, &ctx).unwrap();
    }
    let missing = folder.path().join("no/such/a.npy");
    let text = array(1.0, Place::from(missing)).unwrap_err().to_string();
    assert!(text.contains("no/such") && !text.contains("tmp-"), "{text}");
    let text = Dense::<f64>::open(folder.path()).unwrap_err().to_string();
    assert!(text.contains("a folder") && text.contains("Csr"), "{text}");
}

#[test]
fn files_that_do_not_belong_together_are_not_verified() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let (a, b, empty) =
        (folder.path().join("a"), folder.path().join("b"), folder.path().join("empty"));
    fs::create_dir(&empty).unwrap();
    assert_eq!(verify(&empty, &ctx).unwrap_err().kind(), ErrorKind::Format);
    assert!(Csr::<f64>::open(&empty).is_err());
    version(1).copy_to(&a, &ctx).unwrap();
    version(2).copy_to(&b, &ctx).unwrap();
    for name in ["pointers_to_1.npy", "indices_1.npy", "values.npy", "binsparse.json"] {
        for ending in ["", ".xxh3"] {
            let (from, to) = (b.join(format!("{name}{ending}")), a.join(format!("{name}{ending}")));
            fs::rename(&to, folder.path().join(format!("kept{ending}"))).unwrap();
            fs::copy(from, to).unwrap();
        }
        let error = verify(&a, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format, "{name}: {error}");
        for ending in ["", ".xxh3"] {
            let kept = folder.path().join(format!("kept{ending}"));
            fs::rename(kept, a.join(format!("{name}{ending}"))).unwrap();
        }
        verify(&a, &ctx).unwrap();
        // An array that is gone with its sums.
        for ending in ["", ".xxh3"] {
            let kept = folder.path().join(format!("kept{ending}"));
            fs::rename(a.join(format!("{name}{ending}")), kept).unwrap();
        }
        assert!(verify(&a, &ctx).is_err(), "{name} is gone");
        for ending in ["", ".xxh3"] {
            let kept = folder.path().join(format!("kept{ending}"));
            fs::rename(kept, a.join(format!("{name}{ending}"))).unwrap();
        }
    }
}

/// Checksums never stay next to a file that they do not belong to.
#[test]
fn an_array_with_checksums_is_not_written_as_a_file_without() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.mtx"), Context::new());
    array(7.0, Place::File(path.clone())).unwrap();
    let raw = DenseMut::<f64>::create_raw((1, 2), Order::C, Place::Replace(path.clone()), &ctx);
    assert_eq!(raw.err().unwrap().kind(), ErrorKind::Exists);
    let text = outcore::io::write_matrix(&path, &version(3).into(), &ctx);
    assert_eq!(text.unwrap_err().kind(), ErrorKind::Exists);
    let changed = DenseMut::<f64>::open_raw_mut(&path, 128, (2, 3), Order::C, &ctx);
    assert_eq!(changed.err().unwrap().kind(), ErrorKind::Type);
    verify(&path, &ctx).unwrap();
    assert_eq!(Dense::<f64>::open(&path).unwrap().as_slice(), [7.0; 6]);
    assert_eq!(names(folder.path()), ["a.mtx", "a.mtx.xxh3"]);
}
