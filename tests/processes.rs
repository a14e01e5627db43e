//! The child of a fork, a process that may start no thread, and one in a control group of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use outcore::linalg::{LinearOperator, Operator, dot};
use outcore::{
    ByRows, Context, Coo, CooBuilder, Csr, CsrBuilder, Dense, DenseMut, Duplicates, Order, Place,
    verify,
};
use tempfile::tempdir;

use crate::numbers::fractions;

#[repr(C)]
struct Limit {
    now: u64,
    most: u64,
}

/// Processes and threads of a user.
const RLIMIT_NPROC: i32 = 6;

const WNOHANG: i32 = 1;
const SIGKILL: i32 = 9;

// SAFETY: as the C library of Linux declares them.
unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
    fn kill(process: i32, signal: i32) -> i32;
    fn _exit(status: i32) -> !;
    fn setrlimit(resource: i32, limit: *const Limit) -> i32;
}

/// Runs `work` in a child of this process, and tells whether it came to an end without a panic. One that hangs is
/// killed.
fn in_child(work: impl FnOnce()) -> bool {
    // SAFETY: the child works on what it has a copy of, and leaves by `_exit` on every path.
    match unsafe { fork() } {
        0 => {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // SAFETY: ends the process; nothing of the parent's is run.
            unsafe { _exit(i32::from(done.is_err())) }
        }
        child if child > 0 => {
            let (start, mut status) = (Instant::now(), -1);
            loop {
                // SAFETY: `status` is a place for one.
                let ended = unsafe { waitpid(child, &raw mut status, WNOHANG) };
                if ended != 0 {
                    return ended == child && status == 0;
                }
                if start.elapsed() > Duration::from_secs(120) {
                    // SAFETY: the child was not waited for, so that the number is still its own.
                    unsafe { kill(child, SIGKILL) };
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        _ => panic!("the system makes no more processes"),
    }
}

/// Work of many kinds in a folder, and a number that stands for all its results.
fn work(folder: &Path, ctx: &Context) -> f64 {
    let (n, limited) = (40_000, ctx.clone().memory_limit(4 << 20).scratch(folder));
    let path = |name: &str| Place::Replace(folder.join(name));
    let a = Csr::<f64>::random((n, n), 4e-4, 3, path("a"), ctx).unwrap();
    assert!(a.check().unwrap());
    let x = fractions(n);
    let mut sums = Vec::new();
    let mut product = |a: &dyn LinearOperator<f64>, ctx: &Context| {
        let (mut y, mut w) = (vec![0.0; n], vec![0.0; n]);
        a.apply(&x, &mut y, ctx).unwrap();
        a.apply_adjoint(&x, &mut w, ctx).unwrap();
        sums.push(dot(&y, &y, ctx).unwrap() + dot(&w, &x, ctx).unwrap());
    };
    let resident = a.copy_to(Place::Memory, ctx).unwrap();
    product(&resident, ctx);
    product(&a, &limited);
    product(&Operator::new(&a, &limited).unwrap(), &limited);
    product(&Operator::with_adjoint(&resident, ctx).unwrap(), ctx);
    let csc = a.to_csc(path("c"), &limited).unwrap();
    product(&csc, ctx);
    verify(folder.join("c"), ctx).unwrap();
    let coo: Coo<f64> = a.to_coo(Place::Memory, ctx).unwrap();
    product(&coo.to_csr::<u32>(Duplicates::Sum, Place::Memory, ctx).unwrap(), ctx);
    let mut builder = CooBuilder::<f64, u32, ByRows>::with_types((n, n), &limited).unwrap();
    for (i, row) in resident.rows().enumerate() {
        for (j, value) in row.indices.iter().zip(row.data) {
            builder.push(i, *j as usize, *value).unwrap();
        }
    }
    let built: Csr<f64> = builder.finish(Duplicates::Sum, path("b"), &limited).unwrap();
    product(&built, &limited);
    let dense = a.row_range(0..300).unwrap().to_dense(Order::C, path("d.npy"), &limited).unwrap();
    let dense: Dense<f64> = dense.to_order(Order::Fortran, path("f.npy"), &limited).unwrap();
    sums.push(dense.sum(ctx).unwrap());
    // One matrix, whatever it went through.
    assert!(built == resident && a == resident);
    sums.iter().sum()
}

#[test]
fn a_child_leaves_the_unfinished_results_of_its_parent_alone() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ctx = Context::new();
    let mut array = DenseMut::<f64>::create((2, 2), Order::C, path("a.npy"), &ctx).unwrap();
    let mut rows = CsrBuilder::<f64>::new(3, path("m"), &ctx).unwrap();
    array.as_mut_slice().fill(1.0);
    rows.push(&[1], &[2.0]).unwrap();
    let (mut mine, mut copies) = ((array, rows), None);
    // In the child alone the copies come to their end.
    assert!(in_child(|| {
        // SAFETY: the bits of the parent's own values, in the child's memory, which are used once there.
        copies = Some(unsafe { std::ptr::read(&raw const mine) });
        drop(copies.take());
    }));
    mine.0.as_mut_slice()[3] = 4.0;
    mine.0.close().unwrap();
    mine.1.push(&[2], &[3.0]).unwrap();
    mine.1.finish().unwrap();
    assert_eq!(Dense::<f64>::open(path("a.npy")).unwrap().as_slice(), [1.0, 1.0, 1.0, 4.0]);
    assert_eq!(Csr::<f64>::open(path("m")).unwrap().nnz(), 2);
    verify(path("m"), &ctx).unwrap();
}

#[test]
fn the_child_of_a_fork_works_on() {
    let folder = tempdir().unwrap();
    let own = Context::new().threads(3).unwrap();
    let shared = Context::new();
    let kept = Csr::<f64>::poisson(&[40, 40, 40], Place::Memory, &shared).unwrap();
    let operator = Operator::with_adjoint(&kept, &own).unwrap();
    let x = fractions(64_000);
    let expected = work(folder.path(), &own);
    let (y, w) = (operator.matvec(&x).unwrap(), kept.rmatvec(&x).unwrap());
    // The threads of this process sleep now, and of the child's copies nobody ever wakes.
    let fine = in_child(|| {
        assert_eq!(own.thread_count(), 3);
        assert!(operator.matvec(&x).unwrap() == y && kept.rmatvec(&x).unwrap() == w);
        assert_eq!(work(folder.path(), &own), expected);
        assert_eq!(work(folder.path(), &shared), expected);
        // And its own child.
        assert!(in_child(|| assert!(kept.rmatvec(&x).unwrap() == w)));
        drop((operator, own));
    });
    assert!(fine, "the child hung or failed");
    assert!(kept.rmatvec(&x).unwrap() == w);
}

#[test]
fn a_child_forked_from_several_threads_works_on() {
    let kept = Csr::<f64>::poisson(&[30, 30, 30], Place::Memory, &Context::new()).unwrap();
    let x = fractions(27_000);
    let y = kept.matvec(&x).unwrap();
    let all = Arc::new((kept, x, y));
    // Nothing of the child's may lie on the stack of a thread that does not fork: the child gives that to its own
    // threads.
    let fork = |all: Arc<_>| {
        std::thread::spawn(move || {
            let (kept, x, y): &(Csr<f64>, Vec<f64>, Vec<f64>) = &all;
            in_child(|| assert!(&kept.matvec(x).unwrap() == y))
        })
    };
    let children = [(); 3].map(|()| fork(Arc::clone(&all)));
    assert!(children.into_iter().all(|child| child.join().unwrap()));
}

/// A child that is forked while another thread starts or ends inherits a lock of the standard library for ever, on which
/// every thread that it starts would wait: it works alone.
#[test]
fn a_child_forked_while_other_threads_start_and_end_works_on() {
    let test = "a_child_forked_while_other_threads_start_and_end_works_on";
    if let Some(mut command) = again(test) {
        return ended_well(&mut command);
    }
    let kept = Csr::<f64>::poisson(&[30, 30, 30], Place::Memory, &Context::new()).unwrap();
    let x = fractions(27_000);
    let y = kept.matvec(&x).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for threads in [2, 3] {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    Context::new().threads(threads).unwrap();
                }
            });
        }
        // One of about a hundred is such a child.
        let forked = (0..200).map(|_| in_child(|| assert!(kept.matvec(&x).unwrap() == y)));
        let fine = forked.filter(|fine| *fine).count();
        done.store(true, Ordering::Relaxed);
        assert_eq!(fine, 200);
    });
}

/// This test once more, in a process of its own that was prepared for it; `None` if it is that process.
fn again(test: &str) -> Option<Command> {
    if std::env::var_os("OUTCORE_TEST_AGAIN").is_some() {
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = format!("{}::{test}", module_path!().split_once("::").map_or("", |(_, rest)| rest));
    command.args([&name, "--exact", "--nocapture", "--test-threads=1"]);
    command.env("OUTCORE_TEST_AGAIN", "1");
    Some(command)
}

fn ended_well(command: &mut Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

#[test]
fn where_no_thread_can_be_started_the_calling_one_works() {
    let Some(mut command) = again("where_no_thread_can_be_started_the_calling_one_works") else {
        if std::thread::Builder::new().spawn(|| {}).is_ok() {
            eprintln!("skipped: the limit does not hold here");
            return;
        }
        let folder = tempdir().unwrap();
        let here = work(folder.path(), &Context::new());
        assert_eq!(Context::new().thread_count(), 1);
        assert!(Context::new().threads(2).is_err());
        fs::write(std::env::var_os("OUTCORE_TEST_RESULT").unwrap(), here.to_le_bytes()).unwrap();
        return;
    };
    let (folder, mine) = (tempdir().unwrap(), tempdir().unwrap());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let result = folder.path().join("result");
    command.env("TMPDIR", folder.path()).env("OUTCORE_TEST_RESULT", &result);
    if is_root() {
        // The limit does not hold for root.
        command.uid(65534).gid(65534);
    }
    // SAFETY: one system call between fork and exec.
    unsafe {
        command.pre_exec(|| {
            let limit = Limit { now: 1, most: 1 };
            match setrlimit(RLIMIT_NPROC, &raw const limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    match command.output() {
        Ok(output) if output.status.success() && !result.exists() => {}
        Err(error) => eprintln!("skipped: {error}"),
        Ok(_) => {
            ended_well(&mut command);
            let expected = work(mine.path(), &Context::new());
            assert_eq!(fs::read(result).unwrap(), expected.to_le_bytes());
        }
    }
}

#[test]
fn a_nested_control_group_sets_the_default_limit() {
    let test = "a_nested_control_group_sets_the_default_limit";
    let Some(mut command) = again(test) else {
        let limit = Context::new().memory_limit_bytes();
        assert_eq!(limit, (256 << 20) / 4 * 3);
        return;
    };
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let of_memory = groups.lines().find_map(|line| line.split_once(":memory:"));
    let Some((_, own)) = of_memory.filter(|_| is_root()) else {
        eprintln!("skipped: no control groups of version 1, or no right to make one");
        return;
    };
    let top = Path::new("/sys/fs/cgroup/memory").join(own.trim_start_matches('/'));
    let outer = top.join(format!("outcore-{}", std::process::id()));
    let inner = outer.join("inner");
    if fs::create_dir_all(&inner).is_err() {
        eprintln!("skipped: no right to make a control group");
        return;
    }
    let limited = fs::write(outer.join("memory.limit_in_bytes"), (256 << 20).to_string());
    let script = format!("echo $$ > {}/cgroup.procs && exec \"$0\" \"$@\"", inner.display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
    shell.env("OUTCORE_TEST_AGAIN", "1");
    let ended = limited.is_ok().then(|| shell.output().unwrap());
    for group in [&inner, &outer] {
        let _ = fs::remove_dir(group);
    }
    match ended {
        None => eprintln!("skipped: no limit can be set"),
        Some(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
        }
    }
    let _ = &mut command;
}
