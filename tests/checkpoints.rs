//! Solves that are interrupted and continued: the bits, counts and history of one that never was.

use std::fs;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use outcore::linalg::Operator;
use outcore::solve::{Checkpoint, Method, SolveOptions, Solved, StopReason, cg, solve_with};
use outcore::{Context, Csr, ErrorKind, Place};
use tempfile::tempdir;

use crate::numbers::uneven;
use crate::solve::to_rtol;

static CTX: LazyLock<Context> = LazyLock::new(|| Context::new().threads(2).unwrap());

fn poisson() -> Csr<f64> {
    Csr::poisson(&[18, 15], Place::Memory, &CTX).unwrap()
}

fn assert_same(method: Method, one: &Solved<f64>, other: &Solved<f64>) {
    assert_eq!(one.reason, other.reason, "{method:?}");
    assert_eq!(one.iterations, other.iterations, "{method:?}");
    assert_eq!(one.history, other.history, "{method:?}");
    assert_eq!(one.products, other.products, "{method:?}");
    assert!(one.x == other.x, "{method:?}: other bits");
}

#[test]
fn a_solve_continues_with_the_same_bits() {
    let a = poisson();
    let a = Operator::new(&a, &CTX).unwrap();
    let b = uneven(270);
    for method in Method::ALL {
        let folder = tempdir().unwrap();
        let path = folder.path().join("state.npy");
        let options = SolveOptions {
            bounds: Some((0.05, 8.0)),
            restart: 7,
            maxiter: Some(2000),
            ..to_rtol(1e-9)
        };
        let whole =
            solve_with(method, &a, &b, &options, &CTX, |_| ControlFlow::Continue(())).unwrap();
        assert!(whole.converged && whole.iterations > 20, "{method:?}: {:?}", whole.reason);
        let checkpoint = Some(Checkpoint { path: &path, every: 3 });
        let options = SolveOptions { checkpoint, ..options };
        // Stopped twice, each time somewhat after the state was saved.
        for stop in [10, 19] {
            let stopped =
                solve_with(method, &a, &b, &options, &CTX, |state| match state.iteration >= stop {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                });
            assert_eq!(stopped.unwrap().reason, StopReason::Stopped, "{method:?}");
            assert!(path.exists(), "{method:?}");
        }
        let mut first = None;
        let continued = solve_with(method, &a, &b, &options, &CTX, |state| {
            first.get_or_insert(state.iteration);
            ControlFlow::Continue(())
        });
        assert!(first.unwrap() > 10, "{method:?} began again, at {first:?}");
        assert_same(method, &continued.unwrap(), &whole);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{method:?}");
    }
}

#[test]
fn narrow_numbers_continue_too() {
    let a = Csr::<f32>::poisson(&[12, 12], Place::Memory, &CTX).unwrap();
    let b: Vec<f32> = uneven(144).into_iter().map(|x| x as f32).collect();
    let folder = tempdir().unwrap();
    let path = folder.path().join("state.npy");
    let options = SolveOptions { rtol: 1e-5f32, ..Default::default() };
    let whole = cg(&a, &b, &options, &CTX).unwrap();
    let checkpoint = Some(Checkpoint { path: &path, every: 5 });
    let options = SolveOptions { checkpoint, ..options };
    cg(&a, &b, &SolveOptions { maxiter: Some(13), ..options }, &CTX).unwrap();
    let continued = cg(&a, &b, &options, &CTX).unwrap();
    assert!(whole.converged && continued.x == whole.x && continued.history == whole.history);
}

#[test]
fn a_checkpoint_of_another_solve_is_refused_and_a_damaged_one_too() {
    let a = poisson();
    let b = uneven(270);
    let folder = tempdir().unwrap();
    let path = folder.path().join("state.npy");
    let checkpoint = Some(Checkpoint { path: &path, every: 2 });
    let options = SolveOptions { checkpoint, maxiter: Some(9), ..to_rtol(1e-9) };
    cg(&a, &b, &options, &CTX).unwrap();
    // Another right-hand side, method, and type.
    let other = vec![1.0; 270];
    let kind = cg(&a, &other, &options, &CTX).unwrap_err().kind();
    assert_eq!(kind, ErrorKind::Format);
    let go_on = solve_with(Method::Minres, &a, &b, &options, &CTX, |_| ControlFlow::Continue(()));
    assert_eq!(go_on.unwrap_err().kind(), ErrorKind::Format);
    let b32: Vec<f32> = b.iter().map(|&b| b as f32).collect();
    let a32 = Csr::<f32>::poisson(&[18, 15], Place::Memory, &CTX).unwrap();
    let narrow = SolveOptions { checkpoint, ..Default::default() };
    assert_eq!(cg(&a32, &b32, &narrow, &CTX).unwrap_err().kind(), ErrorKind::Type);
    // A flipped bit, a shorter file, an array that is something else.
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    let at = whole.len() - 100;
    damaged[at] ^= 1;
    fs::write(&path, &damaged).unwrap();
    assert_eq!(cg(&a, &b, &options, &CTX).unwrap_err().kind(), ErrorKind::Checksum);
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(cg(&a, &b, &options, &CTX).is_err());
    fs::remove_file(&path).unwrap();
    let _ = fs::remove_file(folder.path().join("state.npy.xxh3"));
    let array = outcore::Dense::from(ndarray::arr1(&[1.5; 500]));
    array.copy_to(&path, &CTX).unwrap();
    assert_eq!(cg(&a, &b, &options, &CTX).unwrap_err().kind(), ErrorKind::Format);
    let zero = Some(Checkpoint { path: &path, every: 0 });
    let options = SolveOptions { checkpoint: zero, ..options };
    assert_eq!(cg(&a, &b, &options, &CTX).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn what_checkpoints_write_is_in_the_plan() {
    let a = poisson();
    let b = uneven(270);
    for method in Method::ALL {
        let folder = tempdir().unwrap();
        let path = folder.path().join("state.npy");
        let checkpoint = Some(Checkpoint { path: &path, every: 6 });
        let bounds = Some((0.05, 8.0));
        let maxiter = Some(22);
        let options = SolveOptions { bounds, restart: 4, maxiter, checkpoint, ..to_rtol(1e-14) };
        let (_, report) = CTX
            .measure(|ctx| solve_with(method, &a, &b, &options, ctx, |_| ControlFlow::Continue(())))
            .unwrap();
        let (planned, actual) = (report.plan.cost, report.actual);
        let written = actual.bytes_written..2 * actual.bytes_written + 1;
        assert!(actual.bytes_written > 0 && written.contains(&planned.bytes_written), "{method:?}");
        assert!(planned.bytes_read >= actual.bytes_read, "{method:?}");
        let nowhere = folder.path().join("none/state.npy");
        let checkpoint = Some(Checkpoint { path: &nowhere, every: 6 });
        let options = SolveOptions { checkpoint, ..options };
        let refused = CTX
            .plan(|ctx| solve_with(method, &a, &b, &options, ctx, |_| ControlFlow::Continue(())));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Io, "{method:?}");
    }
}
