//! Pipes: read as if they were files, waited for visibly, and never for ever.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use outcore::io::{ReadOptions, read_graph_with, read_matrix, read_matrix_with};
use outcore::{AnyMatrix, CancelToken, Context, Csr, Dense, ErrorKind, Place, Result};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::folders::Folders;

fn pipe(folders: &Folders, name: &str) -> PathBuf {
    let path = folders.path(name);
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    path
}

/// Runs `work` and fails if it takes longer than a minute.
fn soon<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, outcome) = mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    outcome.recv_timeout(Duration::from_secs(60)).expect("it hangs")
}

/// Writes to a pipe from another thread, in pieces; a reader that leaves early is no trouble.
fn send(path: &Path, pieces: Vec<Vec<u8>>) {
    let path = path.to_owned();
    std::thread::spawn(move || {
        let mut pipe = File::options().write(true).open(path).unwrap();
        for piece in pieces {
            if pipe.write_all(&piece).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

fn read(path: &Path, ctx: &Context) -> Result<AnyMatrix> {
    let (path, ctx) = (path.to_owned(), ctx.clone());
    soon(move || read_matrix(path, Place::Memory, &ctx))
}

#[test]
fn what_comes_through_a_pipe_is_read_as_a_file() {
    let folders = Folders::new();
    let ctx = folders.context(1 << 30);
    let path = pipe(&folders, "p");
    let market = b"%%MatrixMarket matrix coordinate real general\n2 2 1\n2 1 4\n".to_vec();
    send(&path, market.chunks(9).map(<[u8]>::to_vec).collect());
    let a = Csr::<f64>::try_from(read(&path, &ctx).unwrap()).unwrap();
    assert_eq!((a.shape(), a.get(1, 0).unwrap()), ((2, 2), Some(4.0)));
    // More than a pipe holds, and names, for which a list is examined several times.
    let list: String = (0..200_000).map(|k| format!("v{} v{}\n", k % 1000, k % 777)).collect();
    send(&path, vec![list.clone().into_bytes()]);
    let (from, given) = (path.clone(), ctx.clone());
    let read_list = move |path: PathBuf, ctx: Context| {
        soon(move || {
            read_graph_with::<u32, u32>(path, &ReadOptions::default(), Place::Memory, &ctx).unwrap()
        })
    };
    let piped = read_list(from, given);
    let file = folders.path("a.txt");
    std::fs::write(&file, &list).unwrap();
    let plain = read_list(file, ctx.clone());
    assert!(piped.graph == plain.graph && piped.vertices == plain.vertices);
    // Packed text, and an array, which is mapped where it was received.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&market).unwrap();
    send(&path, vec![packed.finish().unwrap()]);
    assert_eq!(read(&path, &ctx).unwrap().nnz(), 1);
    let array = folders.path("a.npy");
    Dense::from(ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]])).copy_to(&array, &ctx).unwrap();
    send(&path, vec![std::fs::read(&array).unwrap()]);
    let dense = Dense::<f64>::try_from(read(&path, &ctx).unwrap()).unwrap();
    assert_eq!(dense.as_slice(), [1.0, 2.0, 3.0, 4.0]);
    folders.assert_no_scratch();
    // Nothing at all.
    send(&path, Vec::new());
    let error = read(&path, &ctx).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Format, Some(&*path)), "{error}");
    folders.assert_no_scratch();
}

#[test]
fn errors_name_the_pipe_and_the_line() {
    let folders = Folders::new();
    let ctx = folders.context(1 << 30);
    let path = pipe(&folders, "p");
    send(&path, vec![b"0 1\n0\n".to_vec()]);
    let error = read(&path, &ctx).unwrap_err();
    assert_eq!(error.path(), Some(&*path), "{error}");
    assert_eq!(error.location(), Some(&outcore::Location::Line(2)), "{error}");
    // A line without an end is given up, long before the folder is full.
    for front in [&b""[..], b"0 1\n1 2\n"] {
        let endless = std::iter::repeat_n(vec![b'7'; 1 << 20], 50);
        send(&path, std::iter::once(front.to_vec()).chain(endless).collect());
        let error = read(&path, &ctx).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Format, Some(&*path)), "{error}");
        assert!(error.to_string().contains("too long"), "{error}");
    }
    folders.assert_no_scratch();
}

#[test]
fn a_writer_that_never_comes_is_waited_for_until_cancelled() {
    let folders = Folders::new();
    let path = pipe(&folders, "p");
    let (token, waits) = (CancelToken::new(), Arc::new(AtomicUsize::new(0)));
    let (other, counted) = (token.clone(), Arc::clone(&waits));
    let ctx = folders.context(1 << 30).cancel(token).progress(move |progress| {
        assert_eq!(progress.phase, "waiting for a writer");
        if counted.fetch_add(1, Ordering::Relaxed) == 3 {
            other.cancel();
        }
    });
    let error = read(&path, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(waits.load(Ordering::Relaxed) >= 4);
    folders.assert_no_scratch();
}

#[test]
fn plans_leave_a_pipe_alone_and_devices_are_refused() {
    let folders = Folders::new();
    let ctx = folders.context(1 << 30);
    let path = pipe(&folders, "p");
    let (from, planned) = (path.clone(), ctx.clone());
    let plan = soon(move || {
        planned.plan(|ctx| read_matrix(&from, Place::Memory, ctx).map(|matrix| matrix.nnz()))
    });
    assert_eq!(plan.unwrap().operation, "receiving a stream");
    for device in ["/dev/zero", "/dev/urandom", "/dev/null"] {
        let ctx = ctx.clone();
        let read = soon(move || {
            read_matrix_with(device, &ReadOptions::default(), Place::Memory, &ctx).map(|_| ())
        });
        let error = read.unwrap_err();
        assert_eq!((error.kind(), error.finding()), (ErrorKind::Unsupported, Some("a device")));
    }
}
