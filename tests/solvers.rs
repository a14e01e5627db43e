//! Solvers other than conjugate gradients: what each solves, when it stops, and what it says when it does not converge.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use num_complex::Complex;
use outcore::io::matrix_market::{Field, Number, Reader};
use outcore::linalg::{FnOperator, LinearOperator, Multiplies, Operator, Scalar, norm};
use outcore::solve::{
    Inverse, Method, SolveOptions, Solved, Solves, StopReason, fgmres, gmres, lsqr, minres,
    solve_with,
};
use outcore::{Context, Csr, Dense, Duplicates, ErrorKind, Place, Result};

use crate::numbers::uneven;
use crate::shared_data::{self, Collected, collected_matrices};
use crate::solve::to_rtol;

static CTX: LazyLock<Context> = LazyLock::new(|| Context::new().threads(2).unwrap());

/// Methods for any square operator.
const GENERAL: [Method; 4] = [Method::Gmres, Method::Fgmres, Method::Bicgstab, Method::Idrs];

fn try_solve<X: Solves>(
    method: Method,
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
) -> Result<Solved<X>> {
    solve_with(method, a, b, options, &CTX, |_| ControlFlow::Continue(()))
}

fn solve<X: Solves>(
    method: Method,
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &SolveOptions<'_, X>,
) -> Solved<X> {
    try_solve(method, a, b, options).unwrap()
}

/// Convection and diffusion on a square: not symmetric.
fn convection(n: usize, speed: f64) -> Csr<f64> {
    let mut entries = Vec::new();
    for (row, (i, j)) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).enumerate() {
        let mut add = |di: isize, dj: isize, value: f64| {
            let (i, j) = (i.wrapping_add_signed(di), j.wrapping_add_signed(dj));
            if i < n && j < n {
                entries.push((row, i * n + j, value));
            }
        };
        add(0, 0, 4.0);
        add(-1, 0, -1.0 - speed);
        add(1, 0, -1.0 + speed);
        add(0, -1, -1.0 - speed / 2.0);
        add(0, 1, -1.0 + speed / 2.0);
    }
    Csr::from_triplets((n * n, n * n), entries, Duplicates::Sum).unwrap()
}

/// The largest difference of two vectors.
fn distance<X: Scalar<Real = f64>>(x: &[X], y: &[X]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| (x - y).abs()).fold(0.0, f64::max)
}

fn assert_solved(method: Method, solved: &Solved<f64>, exact: &[f64], error: f64) {
    assert!(solved.converged, "{method:?}: {:?} after {}", solved.reason, solved.iterations);
    let off = distance(&solved.x, exact);
    assert!(off < error, "{method:?}: off by {off:e} after {}", solved.iterations);
    assert_eq!(solved.history.len(), solved.iterations + 1, "{method:?}");
}

#[test]
fn every_method_solves_a_positive_definite_system() {
    let a = Csr::<f64>::poisson(&[15, 12], Place::Memory, &CTX).unwrap();
    let a = Operator::new(&a, &CTX).unwrap();
    let exact = uneven(180);
    let b = a.matvec(&exact).unwrap();
    for method in Method::ALL {
        let options = SolveOptions {
            bounds: Some((0.05, 8.0)),
            maxiter: Some(5000),
            restart: 60,
            ..to_rtol(1e-11)
        };
        let solved = solve(method, &a, &b, &options);
        assert_solved(method, &solved, &exact, 1e-6);
        // From the solution there is nothing to do.
        let again = solve(method, &a, &b, &SolveOptions { x0: Some(&exact), ..options });
        assert_eq!((again.reason, again.iterations), (StopReason::Converged, 0), "{method:?}");
        // Of zeros the solution is zero.
        let zero = solve(method, &a, &[0.0; 180], &options);
        assert!(zero.converged && zero.x == vec![0.0; 180] && zero.iterations == 0);
    }
}

#[test]
fn unsymmetric_systems_are_solved_by_the_general_methods() {
    let a = convection(20, 0.6);
    let exact = uneven(400);
    let b = a.matvec(&exact).unwrap();
    for method in GENERAL.into_iter().chain([Method::Lsqr, Method::Lsmr]) {
        let solved = solve(method, &a, &b, &to_rtol(1e-10));
        assert_solved(method, &solved, &exact, 1e-6);
    }
    // And with a preconditioner: here the inverse of the symmetric part, roughly.
    let symmetric = Csr::<f64>::poisson(&[20, 20], Place::Memory, &CTX).unwrap();
    let precond = Inverse::new(&symmetric, Method::Cg, to_rtol(1e-12));
    for method in GENERAL {
        let plain = solve(method, &a, &b, &to_rtol(1e-10));
        let options = SolveOptions { precond: Some(&precond), ..to_rtol(1e-10) };
        let solved = solve(method, &a, &b, &options);
        assert_solved(method, &solved, &exact, 1e-6);
        // BiCGSTAB does badly if eigenvalues lie along a line parallel to the imaginary axis, as here.
        let fewer = solved.products < plain.products;
        assert!(fewer || method == Method::Bicgstab, "{method:?}: {} passes", solved.products);
    }
}

/// Norms of the residual after 1, 5, 10 and 20 iterations, as SciPy 1.17 computes them, and its iterations to 1e-10.
#[test]
fn residuals_are_those_of_scipy() {
    let expected = [
        (
            Method::Gmres,
            [18.4288535050185, 14.9628981739376, 11.8425357345533, 5.99817165639154],
            150,
        ),
        (
            Method::Bicgstab,
            [27.7177667401376, 20.6015484279104, 140.813419820773, 6.20792493578716],
            40,
        ),
        (
            Method::Lsqr,
            [19.46674838872108, 18.37016616746528, 17.143485883021324, 14.705621618062722],
            0,
        ),
        (
            Method::Lsmr,
            [19.597363509049504, 18.850745337672052, 17.973831250664478, 16.248032660029327],
            0,
        ),
        (
            Method::Minres,
            [18.0906806746658, 12.3080943008446, 6.19771837304064, 0.0927359947823923],
            0,
        ),
        (Method::Cg, [42.4264068711929, 28.6778335704133, 11.3686918315252, 0.113980274845993], 40),
    ];
    let symmetric = Csr::<f64>::poisson(&[20, 20], Place::Memory, &CTX).unwrap();
    let convection = convection(20, 0.6);
    for (method, norms, iterations) in expected {
        let is_hermitian = matches!(method, Method::Minres | Method::Cg);
        let a = if is_hermitian { &symmetric } else { &convection };
        let solved = solve(method, a, &[1.0; 400], &to_rtol(1e-10));
        assert!(solved.converged);
        for (at, norm) in [1, 5, 10, 20].into_iter().zip(norms) {
            let found = solved.history[at];
            assert!((found - norm).abs() < 1e-8 * norm, "{method:?}: {found} and {norm} at {at}");
        }
        // MINRES and the least-squares methods have other stop tests there.
        let near = (iterations as f64 * 0.9 - 1.0)..=(iterations as f64 * 1.1 + 1.0);
        assert!(
            iterations == 0 || near.contains(&(solved.iterations as f64)),
            "{method:?}: {}",
            solved.iterations
        );
    }
}

#[test]
fn methods_for_hermitian_operators_say_that_one_is_not() {
    let a = convection(12, 0.9);
    let b = uneven(144);
    let solved = minres(&a, &b, &to_rtol(1e-10), &CTX).unwrap();
    assert!(!solved.converged);
    assert_eq!(solved.reason, StopReason::NotHermitian);
}

#[test]
fn indefinite_systems_are_solved_by_minres() {
    // Eigenvalues of both signs: a shifted Laplacian.
    let laplacian = Csr::<f64>::poisson(&[14, 14], Place::Memory, &CTX).unwrap();
    let a = FnOperator::new((196, 196), move |x: &[f64], y: &mut [f64], ctx: &Context| {
        laplacian.apply(x, y, ctx)?;
        y.iter_mut().zip(x).for_each(|(y, x)| *y -= 1.7 * x);
        Ok(())
    });
    let exact = uneven(196);
    let b = a.matvec(&exact).unwrap();
    let solved = minres(&a, &b, &to_rtol(1e-11), &CTX).unwrap();
    assert_solved(Method::Minres, &solved, &exact, 1e-6);
    // The norm of the residual never increases.
    assert!(solved.history.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-12)));
}

#[test]
fn complex_systems() {
    let real = Csr::<f64>::poisson(&[10, 9], Place::Memory, &CTX).unwrap();
    let shift = |imaginary: f64| {
        let real = &real;
        FnOperator::new(
            (90, 90),
            move |x: &[Complex<f64>], y: &mut [Complex<f64>], ctx: &Context| {
                real.apply(x, y, ctx)?;
                y.iter_mut().zip(x).for_each(|(y, x)| *y += Complex::new(0.0, imaginary) * x);
                Ok(())
            },
        )
        .with_adjoint(move |x: &[Complex<f64>], y: &mut [Complex<f64>], ctx: &Context| {
            real.apply(x, y, ctx)?;
            y.iter_mut().zip(x).for_each(|(y, x)| *y -= Complex::new(0.0, imaginary) * x);
            Ok(())
        })
    };
    let exact: Vec<Complex<f64>> =
        uneven(90).into_iter().map(|x| Complex::new(x, 1.0 - x * x)).collect();
    let a = shift(0.8);
    let b = a.matvec(&exact).unwrap();
    for method in GENERAL.into_iter().chain([Method::Lsqr, Method::Lsmr]) {
        let solved = solve(method, &a, &b, &to_rtol(1e-11));
        assert!(solved.converged, "{method:?}: {:?}", solved.reason);
        assert!(distance(&solved.x, &exact) < 1e-7, "{method:?}");
    }
    // Hermitian with complex vectors.
    let a = shift(0.0);
    let b = a.matvec(&exact).unwrap();
    for method in [Method::Cg, Method::Minres] {
        let solved = solve(method, &a, &b, &to_rtol(1e-11));
        assert!(solved.converged && distance(&solved.x, &exact) < 1e-7, "{method:?}");
    }
}

#[test]
fn least_squares_of_any_shape() {
    // Tall and without a solution: the normal equations are solved exactly by hand.
    let a = Dense::from(ndarray::arr2(&[[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 4.0]]));
    let b = [1.0, 2.0, 2.0, 5.0];
    // Sums: n = 4, Σt = 7, Σt² = 21, Σb = 10, Σtb = 26.
    let determinant = 4.0 * 21.0 - 7.0 * 7.0;
    let exact = [(21.0 * 10.0 - 7.0 * 26.0) / determinant, (4.0 * 26.0 - 7.0 * 10.0) / determinant];
    for method in [Method::Lsqr, Method::Lsmr] {
        let solved = solve(method, &a, &b, &to_rtol(1e-12));
        assert_eq!(solved.reason, StopReason::LeastSquares, "{method:?}");
        assert!(solved.converged && distance(&solved.x, &exact) < 1e-10, "{method:?}");
        let residual: f64 = (0..4)
            .map(|i| b[i] - exact[0] - exact[1] * [0.0, 1.0, 2.0, 4.0][i])
            .map(|r| r * r)
            .sum::<f64>()
            .sqrt();
        assert!((solved.residual_norm - residual).abs() < 1e-10, "{method:?}");
        // Damping by λ adds λ² to the diagonal of the normal equations.
        let damped = solve(method, &a, &b, &SolveOptions { damp: 2.0, ..to_rtol(1e-12) });
        let determinant = 8.0 * 25.0 - 49.0;
        let exact = [(25.0 * 10.0 - 7.0 * 26.0) / determinant, (8.0 * 26.0 - 70.0) / determinant];
        assert!(damped.converged && distance(&damped.x, &exact) < 1e-9, "{method:?}: {damped:?}");
    }
    // Wide: the solution of least norm, which is orthogonal to (1, −1, 0).
    let a = Dense::from(ndarray::arr2(&[[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]));
    for method in [Method::Lsqr, Method::Lsmr] {
        let solved = solve(method, &a, &[2.0, 6.0], &to_rtol(1e-12));
        assert!(solved.converged && distance(&solved.x, &[1.0, 1.0, 3.0]) < 1e-12, "{method:?}");
    }
    // A right-hand side that is orthogonal to all columns: zero is the answer.
    let a = Dense::from(ndarray::arr2(&[[1.0], [0.0]]));
    let solved = lsqr(&a, &[0.0, 3.0], &to_rtol(1e-12), &CTX).unwrap();
    assert_eq!((solved.reason, solved.x[0]), (StopReason::LeastSquares, 0.0));
}

#[test]
fn the_callback_sees_the_iterate_and_stops() {
    let a = convection(10, 0.5);
    let b = uneven(100);
    for method in GENERAL.into_iter().chain([Method::Minres, Method::Lsqr, Method::Lsmr]) {
        let mut seen = Vec::new();
        let solved = solve_with(method, &a, &b, &to_rtol(1e-12), &CTX, |state| {
            let x = state.x().into_owned();
            let r: Vec<f64> = a.matvec(&x).unwrap().iter().zip(&b).map(|(ax, b)| b - ax).collect();
            seen.push((state.residual_norm, norm(&r, &CTX)));
            if state.iteration == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        assert_eq!((solved.reason, solved.iterations), (StopReason::Stopped, 5), "{method:?}");
        // MINRES assumes symmetry for its recursive residual, which is not that of this operator.
        for (recursive, found) in seen.into_iter().filter(|_| method != Method::Minres) {
            let size = norm(&b, &CTX);
            assert!((recursive - found).abs() < 1e-10 * size, "{method:?}: {recursive} {found}");
        }
    }
}

#[test]
fn singular_and_broken_systems_end_with_a_reason() {
    // Inconsistent: the last equation is 0 = 1.
    let a = Dense::from(ndarray::arr2(&[[1.0, 0.0], [0.0, 0.0]]));
    for method in GENERAL.into_iter().chain([Method::Minres]) {
        let options = SolveOptions { maxiter: Some(50), ..to_rtol(1e-10) };
        let solved = solve(method, &a, &[1.0, 1.0], &options);
        assert!(!solved.converged, "{method:?}");
        assert!(solved.x.iter().all(|x: &f64| x.is_finite()), "{method:?}: {:?}", solved.x);
        assert!(solved.residual_norm <= 2.0, "{method:?}: {}", solved.residual_norm);
    }
    // A zero operator.
    let zero = Dense::from(ndarray::arr2(&[[0.0, 0.0], [0.0, 0.0]]));
    for method in GENERAL.into_iter().chain([Method::Minres, Method::Lsqr, Method::Lsmr]) {
        let solved = solve(method, &zero, &[1.0, 1.0], &to_rtol(1e-10));
        assert!(solved.x.iter().all(|x: &f64| x.is_finite()), "{method:?}");
        let least = matches!(method, Method::Lsqr | Method::Lsmr);
        assert_eq!(solved.converged, least, "{method:?}: {:?}", solved.reason);
    }
    // A rotation: r̂ᴴ A r is zero, so BiCGSTAB breaks down at once; GMRES needs two iterations.
    let turn = Dense::from(ndarray::arr2(&[[0.0, 1.0], [-1.0, 0.0]]));
    let solved = solve(Method::Bicgstab, &turn, &[1.0, 0.0], &to_rtol(1e-10));
    assert_eq!((solved.converged, solved.reason), (false, StopReason::Breakdown));
    let solved = gmres(&turn, &[1.0, 0.0], &to_rtol(1e-10), &CTX).unwrap();
    assert!(solved.converged && solved.iterations == 2 && distance(&solved.x, &[0.0, 1.0]) < 1e-14);
}

#[test]
fn numbers_that_are_not_finite_are_a_reason() {
    let a = Dense::from(ndarray::arr2(&[[1.0, f64::NAN], [0.0, 1.0]]));
    for method in Method::ALL {
        let options = SolveOptions { bounds: Some((1.0, 1.0)), ..to_rtol(1e-10) };
        let solved = solve(method, &a, &[1.0, 1.0], &options);
        assert!(!solved.converged, "{method:?}");
        assert_eq!(solved.reason, StopReason::NotFinite, "{method:?}");
    }
}

#[test]
fn tolerances_that_cannot_be_reached_end() {
    let a = convection(9, 0.4);
    let b = uneven(81);
    for method in GENERAL.into_iter().chain([Method::Lsqr, Method::Lsmr]) {
        let solved = solve(method, &a, &b, &SolveOptions { maxiter: Some(3000), ..to_rtol(1e-30) });
        // LSQR finds a least-squares solution first.
        if !matches!(method, Method::Lsqr | Method::Lsmr) {
            assert!(!solved.converged, "{method:?}: {:?}", solved.reason);
        }
        assert!(solved.residual_norm < 1e-10, "{method:?}: {}", solved.residual_norm);
    }
}

#[test]
fn wrong_arguments_are_errors() {
    let (tall, square) = (
        Dense::from(ndarray::arr2(&[[1.0], [2.0]])),
        Dense::from(ndarray::arr2(&[[1.0, 0.0], [0.0, 2.0]])),
    );
    for method in GENERAL.into_iter().chain([Method::Cg, Method::Minres]) {
        let error = try_solve(method, &tall, &[1.0, 1.0], &to_rtol(1e-5)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape, "{method:?}");
    }
    let error = try_solve(Method::Lsqr, &square, &[1.0, 1.0, 1.0], &to_rtol(1e-5)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let options = |change: fn(&mut SolveOptions<'static, f64>)| {
        let mut options = to_rtol(1e-5);
        change(&mut options);
        options
    };
    for (method, options) in [
        (Method::Gmres, options(|o| o.restart = 0)),
        (Method::Idrs, options(|o| o.shadow = 0)),
        (Method::Chebyshev, options(|_| {})),
        (Method::Chebyshev, options(|o| o.bounds = Some((2.0, 1.0)))),
        (Method::Lsqr, options(|o| o.damp = f64::NAN)),
    ] {
        assert!(try_solve(method, &square, &[1.0, 1.0], &options).is_err(), "{method:?}");
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let a = convection(60, 0.3);
    let b = uneven(3600);
    for method in GENERAL.into_iter().chain([Method::Minres, Method::Lsqr, Method::Lsmr]) {
        let with = |threads: usize| {
            let ctx = Context::new().threads(threads).unwrap();
            let options = SolveOptions { maxiter: Some(40), ..to_rtol(1e-12) };
            let a = Operator::new(&a, &ctx).unwrap();
            solve_with(method, &a, &b, &options, &ctx, |_| ControlFlow::Continue(())).unwrap().x
        };
        let one = with(1);
        for threads in [2, 3, 8] {
            assert!(one == with(threads), "{method:?} with {threads} threads");
        }
    }
}

#[test]
fn a_solver_is_the_preconditioner_of_another() {
    let a = convection(16, 0.5);
    let b = uneven(256);
    let inner =
        Inverse::new(&a, Method::Bicgstab, SolveOptions { maxiter: Some(4), ..to_rtol(0.01) })
            .inexact();
    let options = SolveOptions { precond: Some(&inner), ..to_rtol(1e-10) };
    let solved = fgmres(&a, &b, &options, &CTX).unwrap();
    let plain = gmres(&a, &b, &to_rtol(1e-10), &CTX).unwrap();
    assert!(solved.converged && solved.iterations * 3 < plain.iterations);
    // An exact inverse that does not get there is an error.
    let exact =
        Inverse::new(&a, Method::Gmres, SolveOptions { maxiter: Some(2), ..to_rtol(1e-12) });
    let error = exact.matvec(&b).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
}

/// `b = A·1` for the collected matrices: whatever a method says of them is true.
fn check_collected<T: Number + Multiplies<f64>>(reader: &Reader, name: &str, most: usize) -> usize {
    // Infinities in a file of integers, and the like.
    let Ok(a) = reader.read_csr::<T, u32, u32>(Place::Memory, &CTX) else { return 0 };
    let (nrows, ncols) = (a.nrows(), a.ncols());
    let square = nrows == ncols;
    let general = GENERAL.into_iter().chain([Method::Minres]).filter(|_| square);
    let methods: Vec<Method> = general.chain([Method::Lsqr, Method::Lsmr]).collect();
    let b = a.matvec(&vec![1.0f64; ncols]).unwrap();
    if b.iter().any(|b| !b.is_finite()) {
        let error = try_solve(Method::Lsqr, &a, &b, &to_rtol(1e-8)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value, "{name}: {error}");
        return 0;
    }
    let mut converged = 0;
    for method in methods {
        let options = SolveOptions { maxiter: Some(most), ..to_rtol(1e-8) };
        let solved = solve(method, &a, &b, &options);
        let r: Vec<f64> =
            a.matvec(&solved.x).unwrap().iter().zip(&b).map(|(ax, b)| b - ax).collect();
        let (found, size) = (norm(&r, &CTX), norm(&b, &CTX));
        let what = format!("{name}, {method:?}: {:?} after {}", solved.reason, solved.iterations);
        assert!(solved.x.iter().all(|x: &f64| x.is_finite()), "{what}");
        assert!((solved.residual_norm - found).abs() <= 1e-7 * size, "{what}: {found:e}");
        if solved.converged && solved.reason == StopReason::Converged {
            assert!(found <= 1e-8 * size * (1.0 + 1e-9), "{what}: {found:e} of {size:e}");
            converged += 1;
        }
        assert!(found <= size * (1.0 + 1e-9), "{what}: worse than zero, {found:e} of {size:e}");
    }
    converged
}

#[test]
fn what_is_said_of_collected_matrices_is_true() {
    let Some(shared) = shared_data::folder() else { return };
    let (mut checked, mut converged) = (0, 0);
    for Collected { name, path, .. } in collected_matrices(&shared) {
        // Those that are refused are other tests'.
        let Ok(reader) = Reader::open(&path) else { continue };
        let header = reader.header();
        if header.nrows.max(header.ncols) > 3000 || header.field == Field::Complex {
            continue;
        }
        converged += match header.field {
            Field::Integer => check_collected::<i64>(&reader, &name, 300),
            _ => check_collected::<f64>(&reader, &name, 300),
        };
        checked += 1;
    }
    assert!(checked > 30 && converged > checked, "{checked} matrices, {converged} converged");
}
