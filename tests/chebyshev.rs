//! The Chebyshev polynomial against its formula, and bounds of spectra that are known.

use num_complex::Complex;
use outcore::linalg::{LinearOperator, Operator};
use outcore::solve::{Chebyshev, Checkpoint, SolveOptions, StopReason, cg, spectral_bounds};
use outcore::{Context, Csr, ErrorKind, Place};
use tempfile::tempdir;

use crate::numbers::uneven;
use crate::precond::{check_operator, ctx, matrix, own, poisson};

#[test]
fn the_polynomial_is_that_of_its_formula() {
    let a = matrix::<Complex<f64>>(20, true);
    let ctx = ctx(2);
    let bounds = spectral_bounds::<Complex<f64>>(&a, 20, &ctx).unwrap();
    let (lo, hi) = (bounds.lo, bounds.hi);
    // 1 − λ p(λ) = T((θ−λ)/δ) / T(θ/δ), of a degree one higher.
    let chebyshev = |degree: usize, x: f64| {
        let (mut before, mut here) = (1.0, x);
        for _ in 1..degree {
            (before, here) = (here, 2.0 * x * here - before);
        }
        here
    };
    for degree in [0, 1, 2, 5, 9] {
        let one =
            |value: f64| Csr::<f64>::from_parts((1, 1), vec![0, 1], vec![0], vec![value]).unwrap();
        for value in [lo, 0.5 * (lo + hi), hi, 0.9 * hi + 0.1 * lo] {
            let a = one(value);
            let m = Chebyshev::<f64, _>::new(&a, degree, (lo, hi)).unwrap();
            let found = 1.0 - value * m.matvec(&[1.0]).unwrap()[0];
            let (center, radius) = ((hi + lo) / 2.0, (hi - lo) / 2.0);
            let exact = chebyshev(degree + 1, (center - value) / radius)
                / chebyshev(degree + 1, center / radius);
            assert!((found - exact).abs() < 1e-12, "{degree} {value}: {found} {exact}");
        }
        check_operator(|_| Chebyshev::new(a.clone(), degree, (lo, hi)).unwrap(), "Chebyshev");
    }
}

#[test]
fn bounds_hold_the_spectrum() {
    let ctx = ctx(2);
    for (grid, least, most) in [
        (&[50][..], 2.0 - 2.0 * angle(50).cos(), 2.0 + 2.0 * angle(50).cos()),
        (&[20, 20], 4.0 - 4.0 * angle(20).cos(), 4.0 + 4.0 * angle(20).cos()),
        (&[12, 12, 12], 6.0 - 6.0 * angle(12).cos(), 6.0 + 6.0 * angle(12).cos()),
    ] {
        let a = poisson(grid);
        for steps in [1, 2, 5, 10, 20] {
            let found = spectral_bounds::<f64>(&a, steps, &ctx).unwrap();
            assert!(found.ritz.0 >= least - 1e-12 && found.ritz.1 <= most + 1e-12, "{found:?}");
            assert!(found.lo > 0.0 && found.lo <= found.ritz.0 && found.hi >= found.ritz.1);
            if steps >= 5 {
                assert!(found.hi >= most && found.hi < 1.3 * most, "{grid:?}, {steps}: {found:?}");
            }
        }
        let two = spectral_bounds::<f64>(&a, 10, &crate::precond::ctx(3)).unwrap();
        assert_eq!(two, spectral_bounds::<f64>(&a, 10, &ctx).unwrap());
    }
    let identity = spectral_bounds::<f64>(&Csr::<f64>::eye(9), 10, &ctx).unwrap();
    assert_eq!(identity.steps, 1);
    assert!((identity.ritz.0 - 1.0).abs() < 1e-14 && identity.hi >= 1.0);
    let zeros = Csr::<f64>::zeros((3, 3), Place::Memory, &ctx).unwrap();
    let zeros = spectral_bounds::<f64>(&zeros, 10, &ctx).unwrap();
    assert_eq!((zeros.lo, zeros.hi), (0.0, 0.0));

    let kind = |found: outcore::Result<_>| {
        found.map(|_: outcore::solve::SpectralBounds| ()).unwrap_err().kind()
    };
    assert_eq!(kind(spectral_bounds::<f64>(&poisson(&[0]), 10, &ctx)), ErrorKind::Format);
    assert_eq!(kind(spectral_bounds::<f64>(&poisson(&[4]), 0, &ctx)), ErrorKind::Format);
    assert_eq!(kind(spectral_bounds::<f64>(&matrix::<f64>(30, false), 10, &ctx)), ErrorKind::Value);
    let nan = Csr::<f64>::eye(3).with_data(vec![1.0, f64::NAN, 1.0]).unwrap();
    assert_eq!(kind(spectral_bounds::<f64>(&nan, 10, &ctx)), ErrorKind::Value);
}

fn angle(n: usize) -> f64 {
    std::f64::consts::PI / (n + 1) as f64
}

#[test]
fn a_polynomial_reads_the_matrix_once_for_each_degree() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bspnpy");
    Csr::<f64>::poisson(&[60, 60, 30], &path, &ctx(2)).unwrap();
    let a = Csr::<f64>::open(&path).unwrap();
    let ctx = own(2, 9 << 20);
    let m = Chebyshev::<f64, _>::new(&a, 4, (0.1, 12.0)).unwrap();
    let (x, mut y) = (uneven(a.nrows()), vec![0.0; a.nrows()]);
    let ((), report) = ctx.measure(|ctx| m.apply(&x, &mut y, ctx)).unwrap();
    assert_eq!((report.plan.cost.passes, report.actual.passes), (4, 4), "{report}");
    let (planned, actual) = (report.plan.cost.bytes_read, report.actual.bytes_read);
    assert!((planned as f64 / actual as f64 - 1.0).abs() < 0.05, "{report}");
    let plan = ctx.plan(|ctx| spectral_bounds::<f64>(&a, 6, ctx)).unwrap();
    assert_eq!(plan.cost.passes, 6);
}

#[test]
fn a_polynomial_of_an_operator_reads_the_file_a_few_times() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bspnpy");
    // Values that differ, so that they must be read.
    let grid = Csr::<f64>::poisson(&[60, 60, 60], Place::Memory, &ctx(2)).unwrap();
    let scale: Vec<f64> = uneven(grid.nrows()).into_iter().map(|x| 1.0 + x.abs()).collect();
    let a = grid.scale_rows(&scale, Place::Memory, &ctx(2)).unwrap();
    let a = a.scale_cols(&scale, &path, &ctx(2)).unwrap();
    let limit = 14 << 20; // of 19 MB
    let small = own(2, limit);
    let operator = Operator::new(&a, &small).unwrap();
    let x = uneven(a.nrows());
    let mut y = vec![0.0; a.nrows()];
    let m = Chebyshev::<f64, _>::new(&operator, 7, (0.1, 30.0)).unwrap();
    let ((), report) = small.measure(|ctx| m.apply(&x, &mut y, ctx)).unwrap();
    assert!(report.actual.passes < 7, "{report}");
    // With the bits of the matrix in memory.
    let inside = Chebyshev::<f64, _>::new(&a, 7, (0.1, 30.0)).unwrap();
    assert!(inside.matvec(&x).unwrap() == y);
}

/// A diffusion matrix on a grid whose values all differ, in a file, and a right-hand side.
fn rough(grid: &[usize], path: &std::path::Path) -> (Csr<f64>, Vec<f64>) {
    let grid = Csr::<f64>::poisson(grid, Place::Memory, &ctx(2)).unwrap();
    let scale: Vec<f64> = uneven(grid.nrows()).into_iter().map(|x| 1.0 + x.abs()).collect();
    let rows = grid.scale_rows(&scale, Place::Memory, &ctx(2)).unwrap();
    (rows.scale_cols(&scale, path, &ctx(2)).unwrap(), uneven(grid.nrows()))
}

/// Solves with a polynomial of degree 15 of the operator.
fn solve(
    a: &(impl LinearOperator<f64> + Sync),
    b: &[f64],
    options: SolveOptions<'_, f64>,
    ctx: &Context,
) -> outcore::Result<outcore::solve::Solved<f64>> {
    let m = Chebyshev::<f64, _>::new(a, 15, (0.05, 60.0)).unwrap();
    cg(a, b, &SolveOptions { precond: Some(&m), rtol: 1e-5, ..options }, ctx)
}

#[test]
fn a_solve_with_a_polynomial_reads_the_file_once_an_iteration() {
    let folder = tempdir().unwrap();
    let (a, b) = rough(&[300, 18, 18], &folder.path().join("a.bspnpy"));
    let n = a.nrows();
    // Of 8.4 MB of the file a half, beside the vectors: panels are no smaller than 256 KiB.
    let vectors = 8 * 8 * n as u64;
    let limited = |threads| own(threads, vectors + a.bytes() / 2);
    let small = limited(2);
    let operator = Operator::with_vectors(&a, vectors, &small).unwrap();
    let before = operator.traffic();
    let (solved, report) =
        small.measure(|ctx| solve(&operator, &b, SolveOptions::default(), ctx)).unwrap();
    assert_eq!(solved.reason, StopReason::Converged);
    let read = operator.traffic().bytes_read - before.bytes_read;
    assert!(read > 2 * a.bytes() && report.actual.bytes_read == read, "{report}");
    // One sweep for sixteen products, and one for the residual of the result.
    let (products, sweeps) = (16 * solved.iterations as u64 + 1, report.actual.passes);
    assert!(7 * sweeps <= products, "{sweeps} sweeps for {products} products");
    assert!(7 * read <= products * a.bytes(), "{read} bytes for {products} products");
    // As planned for as many iterations.
    let maxiter = Some(solved.iterations);
    let again = Operator::with_vectors(&a, vectors, &limited(2)).unwrap();
    let options = SolveOptions { maxiter, ..Default::default() };
    let planned = again.context().plan(|ctx| solve(&again, &b, options, ctx)).unwrap().cost;
    assert_eq!(planned.passes, sweeps);
    assert!((planned.bytes_read as f64 / read as f64 - 1.0).abs() < 0.05, "{planned:?}, {read}");
    assert!(report.actual.peak_memory <= planned.peak_memory, "{planned:?}, {report}");

    // The same bits for any number of threads, in memory, prepared or not.
    let expected = solve(&a, &b, SolveOptions::default(), &ctx(2)).unwrap();
    assert!(expected.x == solved.x && expected.history == solved.history);
    let inside = Operator::new(&a, &ctx(3)).unwrap();
    assert!(solve(&inside, &b, SolveOptions::default(), &ctx(3)).unwrap().x == solved.x);
    for threads in [1, 3, 8] {
        let ctx = limited(threads);
        let operator = Operator::with_vectors(&a, vectors, &ctx).unwrap();
        assert!(solve(&operator, &b, SolveOptions::default(), &ctx).unwrap().x == solved.x);
    }
}

#[test]
fn a_solve_with_a_polynomial_continues_with_the_same_bits() {
    let folder = tempdir().unwrap();
    let (a, b) = rough(&[12; 3], &folder.path().join("a.bspnpy"));
    let ctx = ctx(2);
    let a = Operator::new(&a, &ctx).unwrap();
    let whole = solve(&a, &b, SolveOptions::default(), &ctx).unwrap();
    assert!(whole.converged && whole.iterations > 4);
    let path = folder.path().join("state.npy");
    let checkpoint = Some(Checkpoint { path: &path, every: 2 });
    let options = SolveOptions { checkpoint, ..Default::default() };
    let part = solve(&a, &b, SolveOptions { maxiter: Some(3), ..options }, &ctx).unwrap();
    assert_eq!((part.reason, part.iterations), (StopReason::MaxIterations, 3));
    let rest = solve(&a, &b, options, &ctx).unwrap();
    assert!(rest.x == whole.x && rest.history == whole.history);
}

#[test]
fn a_polynomial_of_another_operator_is_not_mistaken_for_one_of_this() {
    let (a, ctx) = (poisson(&[15, 15]), ctx(2));
    let twice = a.map_values(Place::Memory, &ctx, |x| 2.0 * x).unwrap();
    let (one, other) = (Operator::new(&a, &ctx).unwrap(), Operator::new(&twice, &ctx).unwrap());
    let m = Chebyshev::<f64, _>::new(&other, 4, (0.1, 16.0)).unwrap();
    let x = uneven(225);
    let (mut y, mut product) = (vec![0.0; 225], vec![0.0; 225]);
    for operator in [&one, &other] {
        m.apply_with_product(operator, 1, &x, (&mut y, &mut product), &ctx).unwrap();
        assert!(y == m.matvec(&x).unwrap() && product == operator.matvec(&y).unwrap());
    }
    let b = one.matvec(&x).unwrap();
    let options = SolveOptions { precond: Some(&m), rtol: 1e-10, ..Default::default() };
    let solved = cg(&one, &b, &options, &ctx).unwrap();
    assert!(solved.converged && solved.x.iter().zip(&x).all(|(x, y)| (x - y).abs() < 1e-7));
    // Vectors of the wrong length.
    let wrong = m.apply_with_product(&one, 1, &x, (&mut y[1..], &mut product), &ctx);
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Shape);
}
