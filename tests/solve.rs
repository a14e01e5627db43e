//! Conjugate gradients: what they solve, when they stop, and what they say when they do not.

use std::sync::LazyLock;

use num_complex::Complex;
use outcore::io::matrix_market::{Field, Number, Reader};
use outcore::linalg::{LinearOperator, Multiplies, Scalar, norm};
use outcore::solve::{SolveOptions, Solved, Solves, StopReason, cg};
use outcore::{Context, Csr, ErrorKind, Place, Result};
use serde_json::Value;
use tempfile::tempdir;

use crate::numbers::uneven;
use crate::shared_data::{self, Collected, collected_matrices};

static CTX: LazyLock<Context> = LazyLock::new(|| Context::new().threads(2).unwrap());

fn poisson(grid: &[usize]) -> Csr<f64> {
    Csr::poisson(grid, Place::Memory, &CTX).unwrap()
}

/// Options that ask for a residual relative to that of zero.
pub(crate) fn to_rtol<X: Scalar>(rtol: f64) -> SolveOptions<'static, X> {
    SolveOptions { rtol: X::from_f64(rtol).real(), ..Default::default() }
}

/// `‖b − A x‖`, computed here.
fn residual<X: Scalar>(a: &impl LinearOperator<X>, x: &[X], b: &[X]) -> X::Real {
    let ax = a.matvec(x).unwrap();
    let difference: Vec<X> = b.iter().zip(ax).map(|(&b, ax)| b - ax).collect();
    norm(&difference, &CTX)
}

fn largest_error<X: Scalar<Real = f64>>(x: &[X], y: &[X]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| (x - y).abs()).fold(0.0, f64::max)
}

/// The inverse of the diagonal, as an operator of a user's own.
struct Jacobi<X>(Vec<X>);

impl<X: Scalar> Jacobi<X> {
    fn of<T: Multiplies<X>>(a: &Csr<T>) -> Self {
        let one = X::from_f64(1.0);
        let entry = |i| a.get(i, i).unwrap().expect("a diagonal without gaps").times(one);
        Jacobi((0..a.nrows()).map(|i| one / entry(i)).collect())
    }
}

impl<X: Scalar> LinearOperator<X> for Jacobi<X> {
    fn shape(&self) -> (usize, usize) {
        (self.0.len(), self.0.len())
    }

    fn apply(&self, x: &[X], y: &mut [X], _: &Context) -> Result<()> {
        y.iter_mut().zip(x).zip(&self.0).for_each(|((y, &x), &inverse)| *y = inverse * x);
        Ok(())
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], _: &Context) -> Result<()> {
        y.iter_mut().zip(x).zip(&self.0).for_each(|((y, &x), &inverse)| *y = inverse.conj() * x);
        Ok(())
    }
}

#[test]
fn poisson_in_one_two_and_three_dimensions() {
    for grid in [&[100][..], &[30, 20], &[9, 10, 11]] {
        let a = poisson(grid);
        let exact = uneven(a.nrows());
        let b = a.matvec(&exact).unwrap();
        let solved = cg(&a, &b, &to_rtol(1e-12), &CTX).unwrap();
        assert!(solved.converged && solved.reason == StopReason::Converged);
        assert!(largest_error(&solved.x, &exact) < 1e-8, "{grid:?}");
        assert!(solved.residual_norm <= 1e-12 * norm(&b, &CTX));
        assert!((solved.residual_norm - residual(&a, &solved.x, &b)).abs() < 1e-14);
        // In exact arithmetic there are no more iterations than unknowns.
        assert!(solved.iterations <= a.nrows() && solved.products >= solved.iterations);
        assert_eq!(solved.history.len(), solved.iterations + 1);
    }
}

#[test]
fn a_good_start_saves_iterations_and_an_exact_one_all() {
    let a = poisson(&[30, 20]);
    let exact = uneven(a.nrows());
    let b = a.matvec(&exact).unwrap();
    let near: Vec<f64> = exact.iter().map(|x| x + 1e-7 * x * x).collect();
    let from = |x0| {
        let options = SolveOptions { x0, ..to_rtol(1e-10) };
        let solved = cg(&a, &b, &options, &CTX).unwrap();
        assert!(solved.converged && largest_error(&solved.x, &exact) < 1e-7);
        solved.iterations
    };
    assert!(from(Some(&near)) < from(None));
    assert_eq!(from(Some(&exact)), 0);
    let short = SolveOptions { x0: Some(&near[1..]), ..Default::default() };
    assert_eq!(cg(&a, &b, &short, &CTX).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(cg(&a, &b[1..], &to_rtol(0.1), &CTX).unwrap_err().kind(), ErrorKind::Shape);
    let part = a.row_range(0..5).unwrap();
    assert_eq!(cg(&part, &b[..5], &to_rtol(0.1), &CTX).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn a_preconditioner_undoes_a_bad_scaling() {
    let plain = poisson(&[12, 15]);
    let scale = |i: usize| 10f64.powi((i % 7) as i32 - 3);
    let triplets: Vec<_> = plain
        .rows()
        .enumerate()
        .flat_map(|(i, row)| {
            row.indices.iter().zip(row.data).map(move |(&j, &a)| (i, j as usize, a))
        })
        .map(|(i, j, a)| (i, j, scale(i) * a * scale(j)))
        .collect();
    let a = Csr::<f64>::from_triplets(plain.shape(), triplets, Default::default()).unwrap();
    let b = a.matvec(&uneven(180)).unwrap();
    let jacobi = Jacobi::of(&a);
    let without = cg(&a, &b, &to_rtol(1e-8), &CTX).unwrap();
    let options = SolveOptions { precond: Some(&jacobi), ..to_rtol(1e-8) };
    let with = cg(&a, &b, &options, &CTX).unwrap();
    assert!(with.converged && residual(&a, &with.x, &b) <= 1e-8 * norm(&b, &CTX));
    assert!(with.iterations * 2 < without.iterations, "{} {}", with.iterations, without.iterations);
}

/// The Laplacian with every unknown turned by a phase: Hermitian, with the eigenvalues of the Laplacian.
fn turned(grid: &[usize]) -> Csr<Complex<f64>> {
    let a = poisson(grid);
    let phase = |i: usize| Complex::from_polar(1.0, i as f64);
    let values = a.rows().enumerate().flat_map(|(i, row)| {
        let turn = move |(&j, &a): (&u32, &f64)| phase(i) * a * phase(j as usize).conj();
        row.indices.iter().zip(row.data).map(turn)
    });
    let values: Vec<_> = values.collect();
    a.with_data(values).unwrap()
}

#[test]
fn hermitian_systems() {
    let a = turned(&[14, 17]);
    let exact: Vec<_> = uneven(2 * a.nrows()).chunks(2).map(|c| Complex::new(c[0], c[1])).collect();
    let b = a.matvec(&exact).unwrap();
    let jacobi = Jacobi::of(&a);
    for precond in [None, Some(&jacobi as &(dyn LinearOperator<Complex<f64>> + Sync))] {
        let options = SolveOptions { precond, ..to_rtol(1e-12) };
        let solved = cg(&a, &b, &options, &CTX).unwrap();
        assert!(solved.converged && largest_error(&solved.x, &exact) < 1e-9);
    }
}

#[test]
fn single_precision_stops_at_its_own_tolerance() {
    let a = Csr::<f32>::poisson(&[8, 8], Place::Memory, &CTX).unwrap();
    let b = a.matvec(&[1.0f32; 64]).unwrap();
    let solved: Solved<f32> = cg(&a, &b, &SolveOptions::default(), &CTX).unwrap();
    assert!(solved.converged && solved.x.iter().all(|x| (x - 1.0).abs() < 1e-3));
    // A tolerance that cannot be reached is not said to be reached, and not an error.
    let never = cg(&a, &b, &SolveOptions { maxiter: Some(200), ..to_rtol(1e-20) }, &CTX).unwrap();
    assert!(!never.converged || residual(&a, &never.x, &b) <= 1e-20 * norm(&b, &CTX));
}

#[test]
fn the_looser_tolerance_counts() {
    let a = poisson(&[40, 10]);
    let b = uneven(400);
    let size = norm(&b, &CTX);
    for (rtol, atol) in [(1e-3, 0.0), (0.0, 1e-3), (1e-3, 1e-8), (1e-8, 1e-3), (0.0, 1e3)] {
        let options = SolveOptions { rtol, atol, ..Default::default() };
        let solved = cg(&a, &b, &options, &CTX).unwrap();
        let tolerance = atol.max(rtol * size);
        let found = residual(&a, &solved.x, &b);
        assert!(solved.converged && found <= tolerance * (1.0 + 1e-12), "{rtol} {atol}: {found}");
        assert_eq!(solved.iterations == 0, size <= tolerance);
        // It stopped as soon as it could.
        let before = solved.history.iter().rev().skip(1);
        assert!(before.into_iter().all(|&residual| residual > tolerance));
    }
}

#[test]
fn nothing_to_do() {
    let (a, zeros, ones) = (poisson(&[20]), [0.0; 20], [1.0; 20]);
    for x0 in [None, Some(&zeros[..]), Some(&ones[..])] {
        let solved = cg(&a, &zeros, &SolveOptions { x0, ..Default::default() }, &CTX).unwrap();
        assert!(solved.converged && solved.x == zeros, "{x0:?}: {solved:?}");
        assert_eq!((solved.iterations, solved.residual_norm), (0, 0.0));
    }
    let empty = poisson(&[0]);
    let solved = cg(&empty, &[], &SolveOptions::<f64>::default(), &CTX).unwrap();
    assert!(solved.converged && solved.x.is_empty());
}

#[test]
fn running_out_of_iterations_is_an_answer() {
    let a = poisson(&[1000]);
    let b = uneven(1000);
    for maxiter in [0, 1, 10] {
        let options = SolveOptions { maxiter: Some(maxiter), ..to_rtol(1e-10) };
        let solved = cg(&a, &b, &options, &CTX).unwrap();
        assert!(!solved.converged && solved.reason == StopReason::MaxIterations);
        assert_eq!((solved.iterations, solved.history.len()), (maxiter, maxiter + 1));
        assert!((solved.residual_norm - residual(&a, &solved.x, &b)).abs() < 1e-12);
    }
}

#[test]
fn an_indefinite_matrix_is_found_out() {
    for (diagonal, b) in
        [([1.0, -1.0, 2.0], [1.0f64, 2.0, 3.0]), ([-1.0; 3], [1.0; 3]), ([0.0; 3], [1.0; 3])]
    {
        let a = Csr::<f64>::eye(3).with_data(diagonal.to_vec()).unwrap();
        let solved = cg(&a, &b, &to_rtol(1e-10), &CTX).unwrap();
        assert_eq!(solved.reason, StopReason::NotPositiveDefinite, "{solved:?}");
        assert!(!solved.converged && solved.x.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn numbers_that_are_not_finite_end_it() {
    let a = poisson(&[10, 10]);
    let mut values = a.data().to_vec();
    values[7] = f64::NAN;
    let broken = a.with_data(values).unwrap();
    for bad in [f64::NAN, f64::INFINITY] {
        let mut b = uneven(100);
        b[3] = bad;
        let error = cg(&a, &b, &SolveOptions::default(), &CTX).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value, "{error}");
    }
    let solved = cg(&broken, &uneven(100), &SolveOptions::default(), &CTX).unwrap();
    assert_eq!((solved.converged, solved.reason), (false, StopReason::NotFinite));
}

#[test]
fn threads_and_storage_do_not_change_a_bit() {
    let folder = tempdir().unwrap();
    let a = poisson(&[32, 32, 32]);
    let path = folder.path().join("a.bspnpy");
    a.copy_to(&path, &CTX).unwrap();
    let mapped = Csr::<f64>::open(&path).unwrap();
    let b = uneven(a.nrows());
    let bits = |a: &Csr<f64>, threads| {
        let ctx = Context::new().threads(threads).unwrap();
        let solved = cg(a, &b, &to_rtol(1e-6), &ctx).unwrap();
        assert!(solved.converged);
        let numbers = solved.x.iter().chain(&solved.history).map(|x| x.to_bits());
        numbers.collect::<Vec<_>>()
    };
    let expected = bits(&a, 1);
    for threads in [1, 2, 3, 8] {
        assert!(bits(&a, threads) == expected && bits(&mapped, threads) == expected, "{threads}");
    }
}

/// One run that SciPy made as well, with or without Jacobi's preconditioner: `b = A·1`, so that the answer is known.
fn compare_run<X: Solves + Scalar<Real = f64>, T: Multiplies<X>>(
    a: &Csr<T>,
    name: &str,
    run: &str,
    scipy: &Value,
) {
    let ones = vec![X::from_f64(1.0); a.nrows()];
    let b = a.matvec(&ones).unwrap();
    let iterations = scipy["iterations"].as_f64().unwrap();
    let failed = scipy["info"] != 0;
    let most = if failed { iterations } else { iterations * 1.5 + 20.0 };
    let jacobi = (run == "jacobi").then(|| Jacobi::of(a));
    let precond = jacobi.as_ref().map(|jacobi| jacobi as &(dyn LinearOperator<X> + Sync));
    let options = SolveOptions { maxiter: Some(most as usize), precond, ..to_rtol(1e-10) };
    let solved = cg(a, &b, &options, &CTX).unwrap();
    let within = residual(a, &solved.x, &b) <= 1e-10 * (1.0 + 1e-9) * norm(&b, &CTX);
    assert_eq!(solved.converged, within, "{name}, {run}: {:?}", solved.reason);
    let error = largest_error(&solved.x, &ones);
    eprintln!(
        "{name}, {run}: {} iterations (SciPy {iterations}), error {error:e}",
        solved.iterations
    );
    if !failed {
        assert!(solved.converged, "{name}, {run}: {:?}", solved.reason);
        let scipy = scipy["max_err_vs_ones"].as_f64().unwrap();
        assert!(error <= 10.0 * scipy + 1e-9, "{name}, {run}: {error:e}, SciPy {scipy:e}");
    }
}

fn compare_with_scipy<X: Solves + Scalar<Real = f64>, T: Number + Multiplies<X>>(
    reader: &Reader,
    name: &str,
    scipy: &Value,
) {
    let a: Csr<T> = reader.read_csr(Place::Memory, &CTX).unwrap();
    for run in ["plain", "jacobi"] {
        if scipy[run].is_object() {
            compare_run::<X, T>(&a, name, run, &scipy[run]);
        }
    }
}

#[test]
fn collected_systems_are_solved_as_by_scipy() {
    let Some(shared) = shared_data::folder() else { return };
    let mut compared = 0;
    for Collected { name, path, expected } in collected_matrices(&shared) {
        let scipy = &expected["cg_b_eq_A_ones"];
        if expected["spd"] != true || !scipy.is_object() {
            continue;
        }
        let reader = Reader::open(&path).unwrap();
        match reader.header().field {
            Field::Real => compare_with_scipy::<f64, f64>(&reader, &name, scipy),
            Field::Integer => compare_with_scipy::<f64, i64>(&reader, &name, scipy),
            Field::Pattern => compare_with_scipy::<f64, ()>(&reader, &name, scipy),
            Field::Complex => {
                compare_with_scipy::<Complex<f64>, Complex<f64>>(&reader, &name, scipy)
            }
        }
        compared += 1;
    }
    assert!(compared >= 5, "only {compared} systems were solved");
}
