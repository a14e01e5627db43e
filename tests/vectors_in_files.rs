//! Conjugate gradients whose vectors do not fit in memory: the bits of a solve in memory, at the cost that was planned.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::LazyLock;

use outcore::linalg::{LinearOperator, Operator};
use outcore::solve::{
    Chebyshev, Checkpoint, Jacobi, Method, SolveOptions, Solved, StopReason, ZeroDiagonal, cg,
    solve_with, spectral_bounds,
};
use outcore::{CancelToken, Context, Csr, ErrorKind, Place, Report, Result};
use tempfile::{TempDir, tempdir};

use crate::numbers::{noise, uneven};

static CTX: LazyLock<Context> = LazyLock::new(|| Context::new().threads(2).unwrap());

const SIDE: usize = 52;
const N: usize = SIDE * SIDE * SIDE;

/// Bytes of a vector.
const VECTOR: u64 = 8 * N as u64;

/// Symmetric and positive definite, with the structure of a grid and values that repeat nowhere.
fn diffusion(folder: &TempDir) -> Csr<f64> {
    let grid = Csr::<f64>::poisson(&[SIDE; 3], Place::Memory, &CTX).unwrap();
    let mut values = vec![0.0; grid.nnz()];
    for row in 0..N {
        let entries = grid.indptr()[row] as usize..grid.indptr()[row + 1] as usize;
        let columns = &grid.indices()[entries.clone()];
        let (mut sum, mut diagonal) = (0.0, 0);
        for (at, &column) in entries.zip(columns) {
            let column = column as usize;
            if column == row {
                diagonal = at;
                continue;
            }
            let coupling = 1.2 + noise(row.min(column) * N + row.max(column));
            values[at] = -coupling;
            sum += coupling;
        }
        values[diagonal] = sum + 0.01 + noise(row).abs();
    }
    let matrix = grid.with_data(values).unwrap();
    matrix.copy_to(folder.path().join("a"), &CTX).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum With {
    Nothing,
    Jacobi,
    Polynomial,
}

const ALL: [With; 3] = [With::Nothing, With::Jacobi, With::Polynomial];

/// Solves under a context, after what is prepared; tells what the solve cost.
fn solve(
    a: &Csr<f64>,
    b: &[f64],
    with: With,
    options: SolveOptions<'_, f64>,
    ctx: &Context,
) -> Result<(Solved<f64>, Report)> {
    let operator = Operator::new(a, ctx)?;
    let jacobi = match with {
        With::Jacobi => Some(Jacobi::new(a, ZeroDiagonal::Fails, ctx)?),
        _ => None,
    };
    let polynomial = match with {
        With::Polynomial => Some(Chebyshev::new(&operator, 5, (0.1, 20.0))?),
        _ => None,
    };
    let precond = match with {
        With::Nothing => None,
        With::Jacobi => jacobi.as_ref().map(|m| m as &(dyn LinearOperator<f64> + Sync)),
        With::Polynomial => polynomial.as_ref().map(|m| m as &(dyn LinearOperator<f64> + Sync)),
    };
    let options = SolveOptions { precond, ..options };
    ctx.measure(|ctx| cg(&operator, b, &options, ctx))
}

fn iterations(most: usize) -> SolveOptions<'static, f64> {
    SolveOptions { rtol: 1e-14, maxiter: Some(most), ..Default::default() }
}

/// A limit of so many tenths of a vector, under which nothing is held yet.
fn limited(tenths: u64, scratch: &Path) -> Context {
    let limit = VECTOR * tenths / 10;
    Context::new().threads(2).unwrap().memory_limit(limit).scratch(scratch)
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

fn assert_same(solved: &Solved<f64>, expected: &Solved<f64>, what: &str) {
    assert_eq!(solved.reason, expected.reason, "{what}");
    assert_eq!(solved.history, expected.history, "{what}");
    assert_eq!(solved.residual_norm, expected.residual_norm, "{what}");
    assert!(solved.x == expected.x, "{what}: other bits");
}

#[test]
fn vectors_that_do_not_fit_give_the_same_bits_at_the_planned_cost() {
    let (folder, scratch) = (tempdir().unwrap(), tempdir().unwrap());
    let (a, b) = (diffusion(&folder), uneven(N));
    assert!(a.bytes() > 9 * VECTOR);
    for with in ALL {
        let (expected, report) = solve(&a, &b, with, iterations(7), &CTX).unwrap();
        assert_eq!(report.actual.scratch, 0);
        let mut most = 0;
        // The least holds one vector beside the panels; the file is four times as large.
        let least = if with == With::Jacobi { 32 } else { 22 };
        for (tenths, all) in [(120, &[2][..]), (50, &[2]), (least, &[1, 2, 3])] {
            for &threads in all {
                let what = format!("{with:?}, {tenths} tenths of a vector, {threads} threads");
                let ctx = limited(tenths, scratch.path()).threads(threads).unwrap();
                let (solved, report) = solve(&a, &b, with, iterations(7), &ctx).unwrap();
                assert_same(&solved, &expected, &what);
                assert!(is_empty(scratch.path()), "{what}");
                let (planned, actual) = (report.plan.cost, report.actual);
                assert!(actual.peak_memory <= planned.peak_memory, "{what}: {report}");
                assert!(actual.peak_memory <= ctx.memory_limit_bytes(), "{what}: {report}");
                assert_eq!(actual.scratch, planned.scratch, "{what}: {report}");
                assert_eq!(actual.passes, planned.passes, "{what}: {report}");
                assert!(actual.bytes_read * 20 <= planned.bytes_read * 21, "{what}: {report}");
                assert!(actual.bytes_read * 20 >= planned.bytes_read * 18, "{what}: {report}");
                // The iterate is not kept in every iteration.
                let kept = 8 * VECTOR;
                assert!(actual.bytes_written <= planned.bytes_written, "{what}: {report}");
                let least = actual.bytes_written + kept + 2 * VECTOR;
                assert!(least >= planned.bytes_written, "{what}: {report}");
                most = actual.scratch;
            }
        }
        // All but one.
        let vectors =
            if with == With::Nothing { 5 } else { 6 } + u64::from(with == With::Polynomial);
        assert_eq!(most, (vectors - 1) * VECTOR, "{with:?}");
    }
}

#[test]
fn a_limit_of_less_than_a_vector_is_refused() {
    let (folder, scratch) = (tempdir().unwrap(), tempdir().unwrap());
    let (a, b) = (diffusion(&folder), uneven(N));
    let ctx = limited(9, scratch.path());
    let error = cg(&a, &b, &iterations(5), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    assert!(is_empty(scratch.path()));
    // Nor is there a folder for the others.
    let nowhere = limited(26, &scratch.path().join("none"));
    let error = solve(&a, &b, With::Nothing, iterations(5), &nowhere).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
}

#[test]
fn a_start_and_tiny_numbers_give_the_same_bits_too() {
    let (folder, scratch) = (tempdir().unwrap(), tempdir().unwrap());
    let a = diffusion(&folder);
    let x0: Vec<f64> = (0..N).map(|i| 1e-160 * noise(i)).collect();
    let ones = vec![1.0; N];
    let nullspace: &[&[f64]] = &[&ones];
    for size in [1.0, 1e-160] {
        let b: Vec<f64> = uneven(N).iter().map(|b| b * size).collect();
        let with_start = SolveOptions { x0: Some(&x0), ..iterations(6) };
        let projected = SolveOptions { nullspace, ..iterations(6) };
        for (with, options, tenths) in [
            (With::Nothing, with_start, 26),
            (With::Polynomial, with_start, 26),
            (With::Polynomial, projected, 36),
        ] {
            let what = format!("{with:?}, {size:e}");
            let (expected, _) = solve(&a, &b, with, options, &CTX).unwrap();
            let ctx = limited(tenths, scratch.path());
            let (solved, report) = solve(&a, &b, with, options, &ctx).unwrap();
            assert_same(&solved, &expected, &what);
            let (planned, actual) = (report.plan.cost, report.actual);
            assert!(actual.scratch >= 3 * VECTOR, "{what}: {report}");
            assert!(actual.peak_memory <= ctx.memory_limit_bytes(), "{what}: {report}");
            assert!(size < 1.0 || actual.bytes_read <= planned.bytes_read, "{what}: {report}");
        }
    }
}

#[test]
fn a_cancelled_solve_leaves_the_iterate_and_no_scratch_file() {
    let (folder, scratch) = (tempdir().unwrap(), tempdir().unwrap());
    let (a, b) = (diffusion(&folder), uneven(N));
    let token = CancelToken::new();
    let ctx = limited(26, scratch.path()).cancel(token.clone());
    let operator = Operator::new(&a, &ctx).unwrap();
    let options = iterations(50);
    let cancelled = solve_with(Method::Cg, &operator, &b, &options, &ctx, |state| {
        assert_eq!(state.x().len(), N);
        if state.iteration == 5 {
            token.cancel();
        }
        ControlFlow::Continue(())
    });
    let cancelled = cancelled.unwrap();
    assert_eq!((cancelled.reason, cancelled.iterations), (StopReason::Cancelled, 5));
    assert!(is_empty(scratch.path()));
    let expected = cg(&Operator::new(&a, &CTX).unwrap(), &b, &iterations(5), &CTX).unwrap();
    assert!(cancelled.x == expected.x);
}

#[test]
fn a_solve_continues_under_another_limit() {
    let (folder, scratch) = (tempdir().unwrap(), tempdir().unwrap());
    let (a, b) = (diffusion(&folder), uneven(N));
    let path = folder.path().join("state.npy");
    for with in ALL {
        let (expected, _) = solve(&a, &b, with, iterations(20), &CTX).unwrap();
        let checkpoint = Some(Checkpoint { path: &path, every: 4 });
        let options = |most| SolveOptions { checkpoint, ..iterations(most) };
        let least = if with == With::Jacobi { 36 } else { 26 };
        for (most, tenths) in [(7, least), (14, 1000), (20, least)] {
            let ctx = limited(tenths, scratch.path());
            let (solved, report) = solve(&a, &b, with, options(most), &ctx).unwrap();
            assert_eq!(solved.iterations, most);
            assert!(report.actual.bytes_read <= report.plan.cost.bytes_read, "{report}");
            if most == 20 {
                assert_same(&solved, &expected, &format!("{with:?}"));
            }
        }
        assert!(is_empty(scratch.path()));
        fs::remove_file(&path).unwrap();
        fs::remove_file(path.with_extension("npy.xxh3")).unwrap();
    }
}

#[test]
fn bounds_of_the_spectrum_take_one_vector_where_memory_is_short() {
    let (folder, scratch) = (tempdir().unwrap(), tempdir().unwrap());
    let a = diffusion(&folder);
    let expected = spectral_bounds::<f64>(&a, 8, &CTX).unwrap();
    let ctx = limited(26, scratch.path());
    let operator = Operator::new(&a, &ctx).unwrap();
    let (bounds, report) = ctx.measure(|ctx| spectral_bounds::<f64>(&operator, 8, ctx)).unwrap();
    assert_eq!((bounds.lo, bounds.hi), (expected.lo, expected.hi));
    let (planned, actual) = (report.plan.cost, report.actual);
    assert_eq!((actual.scratch, planned.scratch), (2 * VECTOR, 2 * VECTOR));
    assert!(actual.peak_memory <= ctx.memory_limit_bytes(), "{report}");
    assert!(actual.bytes_read <= planned.bytes_read, "{report}");
    assert!(is_empty(scratch.path()));
}
