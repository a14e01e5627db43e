//! The vectors of solvers: bases in scratch files, with the bits of those in memory, and systems divided among ranks.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Barrier, LazyLock, Mutex};

use outcore::linalg::{FnOperator, LinearOperator};
use outcore::solve::{
    Checkpoint, Iterate, Jacobi, Method, Ranks, SolveOptions, Solved, StopReason, block_cg, cg,
    solve_with,
};
use outcore::{CancelToken, Context, Csr, ErrorKind, Place, Result};
use tempfile::tempdir;

use crate::numbers::{noise, uneven};
use crate::solve::to_rtol;

static CTX: LazyLock<Context> = LazyLock::new(|| Context::new().threads(2).unwrap());

const N: usize = 20_000;

/// Convection and diffusion on a line, without a matrix: not symmetric, and hard enough for restarts.
fn operator() -> impl LinearOperator<f64> + Sync {
    FnOperator::new((N, N), |x: &[f64], y: &mut [f64], _: &Context| {
        for i in 0..N {
            let at = |j: usize| x.get(j).copied().unwrap_or(0.0);
            y[i] = 2.4 * x[i] - 1.3 * at(i.wrapping_sub(1)) - 0.7 * at(i + 1) + 0.2 * at(i + 97);
        }
        Ok(())
    })
}

fn solve(
    method: Method,
    precond: Option<&(dyn LinearOperator<f64> + Sync)>,
    ctx: &Context,
) -> Result<Solved<f64>> {
    let options = SolveOptions { restart: 50, shadow: 20, precond, ..to_rtol(1e-9) };
    solve_with(method, &operator(), &uneven(N), &options, ctx, |_| ControlFlow::Continue(()))
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

/// A limit that holds the vectors beside a basis of 50, and not half of the basis.
fn small(folder: &Path) -> Context {
    CTX.clone().memory_limit(20 * 8 * N as u64).scratch(folder)
}

#[test]
fn a_basis_larger_than_the_limit_gives_the_same_bits() {
    let folder = tempdir().unwrap();
    let jacobi = Jacobi::from_diagonal(vec![2.4; N], Default::default(), &CTX).unwrap();
    for method in [Method::Gmres, Method::Fgmres, Method::Idrs] {
        for precond in [None, Some(&jacobi as &(dyn LinearOperator<f64> + Sync))] {
            let expected = solve(method, precond, &CTX).unwrap();
            assert!(expected.converged, "{method:?}: {:?}", expected.reason);
            let ctx = small(folder.path());
            let (solved, report) = ctx.measure(|ctx| solve(method, precond, ctx)).unwrap();
            assert!(solved.x == expected.x, "{method:?}: other bits");
            assert_eq!(solved.history, expected.history, "{method:?}");
            assert!(is_empty(folder.path()), "{method:?}");
            let (planned, actual) = (report.plan.cost, report.actual);
            assert!(actual.scratch >= 50 * 8 * N as u64, "{report}");
            assert!(actual.scratch <= planned.scratch, "{report}");
            assert!(actual.peak_memory <= ctx.memory_limit_bytes(), "{report}");
            assert!(actual.peak_memory <= planned.peak_memory, "{report}");
            // What the basis costs in an iteration, on average over cycles.
            let each = report.plan.per_iteration.unwrap();
            let predicted = each.bytes_read * solved.iterations as u64;
            assert!(actual.bytes_read.abs_diff(predicted) * 4 <= predicted * 3, "{report}");
            // With room for all, there is none.
            let (_, report) = CTX.measure(|ctx| solve(method, precond, ctx)).unwrap();
            assert_eq!((report.plan.cost.scratch, report.actual.scratch), (0, 0));
            assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
        }
    }
}

#[test]
fn no_scratch_file_outlives_a_failure_or_a_cancelled_solve() {
    let folder = tempdir().unwrap();
    for method in [Method::Gmres, Method::Fgmres, Method::Idrs] {
        let calls = Mutex::new(0);
        let token = CancelToken::new();
        let ctx = small(folder.path()).cancel(token.clone());
        let broken = FnOperator::new((N, N), |x: &[f64], y: &mut [f64], ctx: &Context| {
            let mut calls = calls.lock().unwrap();
            *calls += 1;
            if *calls == 12 {
                return ctx.plan(|_| Ok(())).map(|_| ());
            }
            operator().apply(x, y, ctx)
        });
        let options = SolveOptions { restart: 50, shadow: 20, ..to_rtol(1e-9) };
        let b = uneven(N);
        let failed = solve_with(method, &broken, &b, &options, &ctx, |_| ControlFlow::Continue(()));
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(is_empty(folder.path()), "{method:?}");
        let cancelled = solve_with(method, &operator(), &b, &options, &ctx, |state| {
            if state.iteration == 9 {
                token.cancel();
            }
            ControlFlow::Continue(())
        });
        assert_eq!(cancelled.unwrap().reason, StopReason::Cancelled);
        assert!(is_empty(folder.path()), "{method:?}");
        // A folder that is not there is an error that names it.
        let nowhere = small(&folder.path().join("none"));
        let error = solve(method, None, &nowhere).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        // Vectors that must be in memory are refused as before.
        let none = CTX.clone().memory_limit(2 * 8 * N as u64).scratch(folder.path());
        assert_eq!(solve(method, None, &none).unwrap_err().kind(), ErrorKind::Memory);
    }
}

/// Ranks that are threads: what each says is put on a board, which all read.
struct Board {
    barrier: Barrier,
    numbers: Mutex<Vec<Vec<f64>>>,
}

struct Rank<'b> {
    rank: usize,
    board: &'b Board,
}

impl Board {
    fn new(ranks: usize) -> Self {
        Board { barrier: Barrier::new(ranks), numbers: Mutex::new(vec![Vec::new(); ranks]) }
    }
}

impl Rank<'_> {
    /// What all ranks say, by rank.
    fn exchange(&self, mine: Vec<f64>) -> Vec<Vec<f64>> {
        self.board.numbers.lock().unwrap()[self.rank] = mine;
        self.board.barrier.wait();
        let all = self.board.numbers.lock().unwrap().clone();
        self.board.barrier.wait();
        all
    }
}

impl Ranks<f64> for Rank<'_> {
    fn sum(&self, numbers: &mut [f64]) -> Result<()> {
        let all = self.exchange(numbers.to_vec());
        for (at, number) in numbers.iter_mut().enumerate() {
            *number = all.iter().map(|of| of[at]).sum();
        }
        Ok(())
    }

    fn max(&self, number: f64) -> Result<f64> {
        let all = self.exchange(vec![number]);
        let larger = |a: f64, b: f64| if b > a || b.is_nan() { b } else { a };
        Ok(all.iter().map(|of| of[0]).fold(f64::NEG_INFINITY, larger))
    }
}

/// The rows of a rank: an uneven part.
fn rows(rank: usize, n: usize) -> std::ops::Range<usize> {
    if rank == 0 { 0..n / 3 } else { n / 3..n }
}

/// Solves on two ranks, each with its rows of a matrix, and puts the parts together.
fn on_two_ranks(
    a: &Csr<f64>,
    k: usize,
    b: &[f64],
    solve: &(dyn Fn(&dyn LinearOperator<f64>, &[f64], &dyn Ranks<f64>) -> (Vec<f64>, usize) + Sync),
) -> (Vec<f64>, usize) {
    let (board, n) = (Board::new(2), a.nrows());
    let parts = std::thread::scope(|scope| {
        let one = |rank: usize| {
            let (board, rows) = (&board, rows(rank, n));
            scope.spawn(move || {
                let here = a.row_range(rows.clone()).unwrap();
                let ranks = Rank { rank, board };
                let (len, single) = (rows.len(), Context::new().threads(1).unwrap());
                let multiply = |k: usize, x: &[f64], y: &mut [f64]| {
                    let whole = ranks.exchange(x.to_vec()).concat();
                    here.apply_block(k, &whole, y, &single)
                };
                struct Part<F>(usize, F);
                impl<F: Fn(usize, &[f64], &mut [f64]) -> Result<()>> LinearOperator<f64> for Part<F> {
                    fn shape(&self) -> (usize, usize) {
                        (self.0, self.0)
                    }
                    fn apply(&self, x: &[f64], y: &mut [f64], _: &Context) -> Result<()> {
                        self.1(1, x, y)
                    }
                    fn apply_block(
                        &self,
                        k: usize,
                        x: &[f64],
                        y: &mut [f64],
                        _: &Context,
                    ) -> Result<()> {
                        self.1(k, x, y)
                    }
                }
                let part = Part(len, multiply);
                solve(&part, &b[rows.start * k..rows.end * k], &ranks)
            })
        };
        [one(0), one(1)].map(|part| part.join().unwrap())
    });
    assert_eq!(parts[0].1, parts[1].1, "ranks did not go together");
    let [(mut x, iterations), (rest, _)] = parts;
    x.extend(rest);
    (x, iterations)
}

fn assert_close(x: &[f64], y: &[f64], limit: f64, what: &str) {
    assert_eq!(x.len(), y.len());
    let off = x.iter().zip(y).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(off < limit, "{what}: off by {off:e}");
}

/// Options for every method, on these ranks.
fn divided<'r>(ranks: Option<&'r dyn Ranks<f64>>) -> SolveOptions<'r, f64> {
    SolveOptions { bounds: Some((0.03, 8.0)), restart: 40, ranks, ..to_rtol(1e-10) }
}

#[test]
fn two_ranks_solve_what_one_does() {
    let a = Csr::<f64>::poisson(&[20, 17], Place::Memory, &CTX).unwrap();
    let exact = uneven(340);
    let b = a.matvec(&exact).unwrap();
    for method in Method::ALL.into_iter().filter(|m| !matches!(m, Method::Lsqr | Method::Lsmr)) {
        let go_on = |_: &Iterate<'_, f64>| ControlFlow::Continue(());
        let one = solve_with(method, &a, &b, &divided(None), &CTX, go_on).unwrap();
        assert!(one.converged, "{method:?}");
        let (x, iterations) = on_two_ranks(&a, 1, &b, &|a, b, ranks| {
            let ctx = Context::new().threads(1).unwrap();
            let solved = solve_with(method, &a, b, &divided(Some(ranks)), &ctx, go_on).unwrap();
            assert!(solved.converged, "{method:?}: {:?}", solved.reason);
            (solved.x, solved.iterations)
        });
        assert_close(&x, &exact, 1e-6, method.name());
        if matches!(method, Method::Cg | Method::Minres | Method::Gmres) {
            assert!(iterations.abs_diff(one.iterations) <= 1, "{method:?}: {iterations}");
        }
    }
}

#[test]
fn sums_over_ranks_do_not_overflow_and_ends_are_those_of_all() {
    let a = Csr::<f64>::poisson(&[60], Place::Memory, &CTX).unwrap();
    let exact = uneven(60);
    let b = a.matvec(&exact).unwrap();
    // Numbers whose squares overflow, or underflow; zeros on one rank; and zeros on both.
    for (size, from) in [(1e200, 0), (1e-200, 0), (1.0, 20), (1.0, 60)] {
        let b: Vec<f64> =
            b.iter().enumerate().map(|(i, b)| if i < from { 0.0 } else { b * size }).collect();
        let one = cg(&a, &b, &to_rtol(1e-9), &CTX).unwrap();
        let (x, _) = on_two_ranks(&a, 1, &b, &|a, b, ranks| {
            let solved =
                cg(&a, b, &divided(Some(ranks)), &Context::new().threads(1).unwrap()).unwrap();
            assert!(solved.converged, "{size} {from}: {:?}", solved.reason);
            (solved.x, solved.iterations)
        });
        let scaled = |x: &[f64]| x.iter().map(|x| x / size).collect::<Vec<f64>>();
        assert_close(&scaled(&x), &scaled(&one.x), 1e-6, "cg");
    }
}

#[test]
fn several_right_hand_sides_on_two_ranks() {
    let a = Csr::<f64>::poisson(&[20, 17], Place::Memory, &CTX).unwrap();
    let b: Vec<f64> = (0..340 * 4).map(noise).collect();
    let one = block_cg(&a, 4, &b, &to_rtol(1e-10), &CTX).unwrap();
    let (x, iterations) = on_two_ranks(&a, 4, &b, &|a, b, ranks| {
        let solved =
            block_cg(&a, 4, b, &divided(Some(ranks)), &Context::new().threads(1).unwrap()).unwrap();
        assert!(solved.converged, "{:?}", solved.reasons);
        (solved.x, solved.iterations)
    });
    assert_close(&x, &one.x, 1e-7, "block");
    assert!(iterations.abs_diff(one.iterations) <= 1);
    // Least squares are not for several ranks, and say so.
    let board = Board::new(1);
    let alone = Rank { rank: 0, board: &board };
    let options = SolveOptions { ranks: Some(&alone), ..to_rtol(1e-10) };
    let error =
        solve_with(Method::Lsqr, &a, &b[..340], &options, &CTX, |_| ControlFlow::Continue(()));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn ranks_continue_from_the_same_iteration_or_fail_alike() {
    let a = Csr::<f64>::poisson(&[20, 17], Place::Memory, &CTX).unwrap();
    let b = a.matvec(&uneven(340)).unwrap();
    let folder = tempdir().unwrap();
    let file = |rows: usize| folder.path().join(format!("{rows}.npy"));
    let solve = |maxiter: usize| {
        let (_, iterations) = on_two_ranks(&a, 1, &b, &|a, b, ranks| {
            let (path, ctx) = (file(b.len()), Context::new().threads(1).unwrap());
            let checkpoint = Some(Checkpoint { path: &path, every: 5 });
            let maxiter = Some(maxiter);
            let options = SolveOptions { checkpoint, maxiter, ..divided(Some(ranks)) };
            match cg(&a, b, &options, &ctx) {
                Ok(solved) => (solved.x, solved.iterations),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Format, "{error}");
                    (Vec::new(), usize::MAX)
                }
            }
        });
        iterations
    };
    let sums = |path: &Path| path.with_extension("npy.xxh3");
    assert_eq!(solve(12), 12);
    let (first, second, older) = (file(340 / 3), file(340 - 340 / 3), folder.path().join("older"));
    fs::copy(&first, &older).unwrap();
    fs::copy(sums(&first), sums(&older)).unwrap();
    assert_eq!(solve(17), 17);
    // One rank has the state of an earlier iteration, or none.
    fs::copy(&older, &first).unwrap();
    fs::copy(sums(&older), sums(&first)).unwrap();
    assert_eq!(solve(30), usize::MAX);
    fs::remove_file(&first).unwrap();
    assert_eq!(solve(30), usize::MAX);
    fs::remove_file(&second).unwrap();
    assert!(solve(500) < 100);
    assert!(!first.exists() && !second.exists());
}
