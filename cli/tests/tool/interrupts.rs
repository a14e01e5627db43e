//! A user who interrupts long work finds nothing of it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::shell::Shell;

/// Starts a command, interrupts it once a hidden folder shows that it is at work, and returns its exit code and what it
/// wrote to standard error; `None` if it was done before.
fn interrupted(shell: &Shell, line: &str, signal: &str) -> Option<(Option<i32>, String)> {
    let mut child =
        shell.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while !shell.names().iter().any(|name| name.contains(".tmp-")) {
        if child.try_wait().unwrap().is_some() || start.elapsed() > Duration::from_secs(60) {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    let out = child.wait_with_output().unwrap();
    if !sent.success() || out.status.success() {
        return None;
    }
    Some((out.status.code(), String::from_utf8(out.stderr).unwrap()))
}

#[test]
fn an_interrupted_conversion_leaves_nothing_behind() {
    let shell = Shell::new();
    shell.run("create rmat a.bspnpy 17 --edges 8");
    let before = shell.names();
    let lines = [
        ("convert a.bspnpy b.mtx", "-INT"),
        ("convert a.bspnpy b.bspnpy --dtype complex128", "-TERM"),
        ("convert a.bspnpy b.csv", "-HUP"),
        ("create rmat b.bspnpy 20", "-INT"),
    ];
    let mut caught = 0;
    for (line, signal) in lines {
        if let Some((code, said)) = interrupted(&shell, line, signal) {
            assert_eq!(code, Some(130), "{line}: {said}");
            assert!(said.contains("interrupted"), "{line}: {said}");
            caught += 1;
        } else {
            // It was done before it could be interrupted.
            let path = shell.path().join(line.split(' ').nth(2).unwrap());
            if path.is_dir() {
                std::fs::remove_dir_all(path).unwrap();
            } else if path.exists() {
                std::fs::remove_file(path).unwrap();
            }
        }
        assert_eq!(shell.names(), before, "{line}");
    }
    assert!(caught > 0, "none of the commands took long enough to be interrupted");
}

#[test]
fn a_solve_that_is_killed_continues_with_the_same_bits() {
    let shell = Shell::new();
    shell.run("create poisson p.bspnpy 150 150");
    let whole = shell.json("solve p.bspnpy ones x.npy --rtol 1e-10");
    let solve = "solve p.bspnpy ones y.npy --rtol 1e-10 --checkpoint state.npy";
    let mut child =
        shell.command(solve).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !shell.path().join("state.npy").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "it ended before it could be killed");
    assert!(!shell.path().join("y.npy").exists());
    let rest = shell.json(solve);
    assert_eq!(rest["iterations"], whole["iterations"]);
    assert_eq!(rest["history"], whole["history"]);
    let numbers = |name: &str| std::fs::read(shell.path().join(name)).unwrap();
    assert!(numbers("x.npy") == numbers("y.npy"), "other bits");
    assert!(!shell.path().join("state.npy").exists(), "a solve that is done needs no state");
}

#[test]
fn an_interrupted_solve_says_that_its_state_stays() {
    let shell = Shell::new();
    shell.run("create poisson p.bspnpy 300 300");
    let solve = "solve p.bspnpy ones y.npy --rtol 1e-10 --checkpoint state.npy";
    let mut child =
        shell.command(solve).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while !shell.path().join("state.npy").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap();
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted; no partial result is left"), "{said}");
    assert!(shell.path().join("state.npy").exists() && !shell.path().join("y.npy").exists());
    assert!(!shell.names().iter().any(|name| name.contains(".tmp-")), "{:?}", shell.names());
}
