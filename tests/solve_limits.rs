//! Conjugate gradients where it is hard: any size of numbers, tolerances beyond rounding, singular systems, callers who
//! stop.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use num_complex::Complex;
use num_traits::ToPrimitive;
use outcore::linalg::{LinearOperator, Multiplies, Operator, Scalar, norm};
use outcore::solve::{Method, SolveOptions, Solved, Solves, StopReason, cg, solve_with};
use outcore::{CancelToken, Context, Csr, ErrorKind, Place, Result};

use crate::numbers::uneven;
use crate::solve::to_rtol;

static CTX: LazyLock<Context> = LazyLock::new(|| Context::new().threads(2).unwrap());

/// A matrix times a number, as an operator of a user's own.
struct Scaled<'a, X, A: ?Sized>(X, &'a A);

impl<X: Scalar, A: LinearOperator<X> + ?Sized> LinearOperator<X> for Scaled<'_, X, A> {
    fn shape(&self) -> (usize, usize) {
        self.1.shape()
    }
    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.1.apply(x, y, ctx)?;
        y.iter_mut().for_each(|y| *y = *y * self.0);
        Ok(())
    }
    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.1.apply_adjoint(x, y, ctx)?;
        y.iter_mut().for_each(|y| *y = *y * self.0);
        Ok(())
    }
}

macro_rules! any_size_of_numbers {
    ($name:ident, $real:ty, $rtol:expr, $off:expr, $powers:expr) => {
        #[test]
        fn $name() {
            let a = Csr::<$real>::poisson(&[30], Place::Memory, &CTX).unwrap();
            let ones = a.matvec(&[1.0 as $real; 30]).unwrap();
            let plain = cg(&a, &ones, &to_rtol($rtol), &CTX).unwrap();
            assert!(plain.converged, "{plain:?}");
            for power in $powers {
                // A power of two changes no digit.
                let size = (2.0 as $real).powi(power);
                let b: Vec<$real> = ones.iter().map(|b| b * size).collect();
                let near: Vec<$real> =
                    (0..30).map(|i| size * (1.0 + 0.1 * (i % 3) as $real)).collect();
                let solved = cg(&a, &b, &to_rtol($rtol), &CTX).unwrap();
                assert_eq!(solved.reason, StopReason::Converged, "{power}");
                assert_eq!(solved.iterations, plain.iterations, "{power}");
                for (x, plain) in solved.x.iter().zip(&plain.x) {
                    assert_eq!(*x, plain * size, "{power}");
                }
                let with_start = SolveOptions { x0: Some(&near), ..to_rtol($rtol) };
                let identity = Csr::<$real>::eye(30);
                let precond = Scaled(0.5, &identity);
                let with_precond = SolveOptions { precond: Some(&precond), ..to_rtol($rtol) };
                for options in [with_start, with_precond] {
                    let solved = cg(&a, &b, &options, &CTX).unwrap();
                    assert!(
                        solved.converged && solved.residual_norm > 0.0
                            || solved.residual_norm == 0.0
                    );
                    for x in solved.x {
                        assert!((x / size - 1.0).abs() < $off, "{power}: {x}");
                    }
                }
                // The same of the operator; x stays within what can be represented.
                let operator = Scaled(size, &a);
                let solved = cg(&operator, &b, &to_rtol($rtol), &CTX).unwrap();
                assert!(solved.converged, "operator {power}: {solved:?}");
                for x in solved.x {
                    assert!((x - 1.0).abs() < $off, "operator {power}: {x}");
                }
                let tiny = Scaled(size, &a);
                let half = (2.0 as $real).powi(power / 2);
                let b: Vec<$real> = ones.iter().map(|b| b * half).collect();
                let solved = cg(&tiny, &b, &to_rtol($rtol), &CTX).unwrap();
                assert!(solved.converged, "{power}: {:?}", solved.reason);
                for x in solved.x {
                    assert!((x * (size / half) - 1.0).abs() < $off, "{power}: {x}");
                }
            }
        }
    };
}

any_size_of_numbers! { any_size_of_double_precision, f64, 1e-8, 1e-6, [-1000, -532, -300, 300, 532, 1000] }
any_size_of_numbers! { any_size_of_single_precision, f32, 1e-5, 1e-3, [-100, -80, -66, 66, 100, 120] }

#[test]
fn any_size_of_complex_numbers() {
    let a = Csr::<f64>::poisson(&[6, 5], Place::Memory, &CTX).unwrap();
    for size in [1e-200, 1e-160, 1e160, 1e200] {
        let exact: Vec<_> = uneven(60).chunks(2).map(|c| Complex::new(c[0], c[1]) * size).collect();
        let b = a.matvec(&exact).unwrap();
        let solved = cg(&a, &b, &to_rtol(1e-10), &CTX).unwrap();
        assert!(solved.converged);
        for (x, exact) in solved.x.iter().zip(&exact) {
            assert!(((x - exact) / size).norm() < 1e-8);
        }
    }
}

#[test]
fn an_absolute_tolerance_is_of_the_size_of_the_system() {
    let a = Csr::<f64>::poisson(&[40], Place::Memory, &CTX).unwrap();
    let b: Vec<f64> = uneven(40).iter().map(|x| x * 1e-200).collect();
    let options = SolveOptions { rtol: 0.0, atol: 1e-203, ..Default::default() };
    let solved = cg(&a, &b, &options, &CTX).unwrap();
    assert!(solved.converged && solved.residual_norm <= 1e-203 && solved.iterations > 10);
    let loose = SolveOptions { rtol: 0.0, atol: 1e-100, ..Default::default() };
    assert_eq!(cg(&a, &b, &loose, &CTX).unwrap().iterations, 0);
}

#[test]
fn a_tolerance_that_rounding_forbids_ends_with_a_reason() {
    let a = Csr::<f32>::poisson(&[300, 300], Place::Memory, &CTX).unwrap();
    let operator = Operator::new(&a, &CTX).unwrap();
    let b = operator.matvec(&vec![1.0f32; 90_000]).unwrap();
    let solved = cg(&operator, &b, &to_rtol(1e-7), &CTX).unwrap();
    eprintln!("{} iterations, {}", solved.iterations, solved.residual_norm);
    assert_eq!(solved.reason, StopReason::Stagnated);
    assert!(!solved.converged && solved.iterations < 20_000, "{}", solved.iterations);
    assert!(solved.residual_norm < 1e-4 * norm(&b, &CTX));
    let a = Csr::<f64>::poisson(&[50, 50], Place::Memory, &CTX).unwrap();
    let b = a.matvec(&uneven(2500)).unwrap();
    let solved = cg(&a, &b, &to_rtol(1e-17), &CTX).unwrap();
    assert_eq!(solved.reason, StopReason::Stagnated);
    assert!(solved.residual_norm < 1e-13 * norm(&b, &CTX) && solved.iterations < 2000);
}

/// The Laplacian of a grid with Neumann conditions, whose null space are the constants.
fn neumann<X: Scalar>(nrows: usize, ncols: usize) -> Csr<X> {
    let n = nrows * ncols;
    let mut triplets = Vec::new();
    let edge = |i: usize, j: usize| {
        let one = X::from_f64(1.0);
        [(i, i, one), (j, j, one), (i, j, -one), (j, i, -one)]
    };
    for i in 0..nrows {
        for j in 0..ncols {
            let at = i * ncols + j;
            if j + 1 < ncols {
                triplets.extend(edge(at, at + 1));
            }
            if i + 1 < nrows {
                triplets.extend(edge(at, at + ncols));
            }
        }
    }
    Csr::from_triplets((n, n), triplets, outcore::Duplicates::Sum).unwrap()
}

#[test]
fn singular_systems_with_a_solution_are_solved() {
    for shape in [(1, 50), (20, 20), (7, 60)] {
        let a = neumann::<f64>(shape.0, shape.1);
        let exact = uneven(a.nrows());
        let b = a.matvec(&exact).unwrap();
        let solved = cg(&a, &b, &to_rtol(1e-9), &CTX).unwrap();
        assert!(solved.converged, "{shape:?}: {:?}", solved.reason);
        // Beyond rounding there is a reason, and the iterate stays what it was.
        let solved = cg(&a, &b, &to_rtol(1e-17), &CTX).unwrap();
        eprintln!(
            "{shape:?}: {:?} {} {:e}",
            solved.reason, solved.iterations, solved.residual_norm
        );
        assert!(matches!(solved.reason, StopReason::Stagnated | StopReason::Singular));
        assert!(solved.residual_norm < 1e-11 * norm(&b, &CTX), "{}", solved.residual_norm);
        assert!(solved.x.iter().all(|x| x.abs() < 1e4));
    }
}

fn inconsistent<X: Solves + Scalar<Real = X> + Multiplies<X> + ToPrimitive>(rtol: f64, most: f64) {
    for (shape, at) in [((1, 50), 0), ((20, 20), 3), ((7, 60), 200), ((1, 2), 0), ((60, 60), 1)] {
        let a = neumann::<X>(shape.0, shape.1);
        let n = a.nrows();
        for kind in 0..2 {
            let b: Vec<X> = (0..n)
                .map(|i| if kind == 1 { uneven(n)[i] } else { f64::from(u8::from(i == at)) })
                .map(X::from_f64)
                .collect();
            let solved = cg(&a, &b, &to_rtol(rtol), &CTX).unwrap();
            let mean = b.iter().copied().sum::<X>() / X::from_f64(n as f64);
            let least = norm(&vec![mean; n], &CTX);
            let double = |x: X| x.to_f64().unwrap();
            let largest = solved.x.iter().map(|&x| double(x).abs()).fold(0.0, f64::max);
            eprintln!(
                "{shape:?} {kind}: {:?} {} residual {:e} of {:e}, x {largest:e}",
                solved.reason,
                solved.iterations,
                double(solved.residual_norm),
                double(least)
            );
            assert!(!solved.converged);
            assert!(
                matches!(solved.reason, StopReason::Stagnated | StopReason::Singular),
                "{:?}",
                solved.reason
            );
            assert!(double(solved.residual_norm) <= most * double(norm(&b, &CTX)));
            assert!(largest < 1e6);
            // With the null space it is solved, and the answer has no part in it.
            let ones = vec![X::from_f64(3.0); n];
            let null: [&[X]; 1] = [&ones];
            let options = SolveOptions { nullspace: &null, ..to_rtol(rtol) };
            let solved = cg(&a, &b, &options, &CTX).unwrap();
            assert!(solved.converged, "{shape:?}: {:?}", solved.reason);
            let ax = a.matvec(&solved.x).unwrap();
            let off: Vec<X> = b.iter().zip(ax).map(|(&b, ax)| b - mean - ax).collect();
            assert!(double(norm(&off, &CTX)) <= 2.0 * rtol * double(norm(&b, &CTX)));
            let part = double(solved.x.iter().copied().sum::<X>());
            assert!(part.abs() < 1e-3 * (1.0 + largest), "{part}");
        }
    }
}

#[test]
fn singular_systems_without_a_solution_end_near_the_best() {
    inconsistent::<f64>(1e-8, 1.0);
    inconsistent::<f32>(1e-4, 1.0);
}

#[test]
fn a_null_space_of_several_vectors_that_depend_on_each_other() {
    // Two chains side by side.
    let chain = neumann::<f64>(1, 20);
    let triplets: Vec<_> = chain
        .rows()
        .enumerate()
        .flat_map(|(i, row)| {
            row.indices.iter().zip(row.data).map(move |(&j, &a)| (i, j as usize, a))
        })
        .flat_map(|(i, j, a)| [(i, j, a), (i + 20, j + 20, a)])
        .collect();
    let a = Csr::<f64>::from_triplets((40, 40), triplets, outcore::Duplicates::Sum).unwrap();
    let first: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i < 20))).collect();
    let null: [&[f64]; 4] = [&[1.0; 40], &first, &[0.0; 40], &[2.0; 40]];
    let b = uneven(40);
    for precond in
        [None, Some(&Scaled(0.25, &Csr::<f64>::eye(40)) as &(dyn LinearOperator<f64> + Sync))]
    {
        let options = SolveOptions { nullspace: &null, precond, ..to_rtol(1e-10) };
        let solved = cg(&a, &b, &options, &CTX).unwrap();
        assert!(solved.converged);
        assert!(solved.x[..20].iter().sum::<f64>().abs() < 1e-9);
        assert!(solved.x[20..].iter().sum::<f64>().abs() < 1e-9);
    }
    let short: [&[f64]; 1] = [&[1.0; 39]];
    let options = SolveOptions { nullspace: &short, ..to_rtol(1e-10) };
    assert_eq!(cg(&a, &b, &options, &CTX).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn arguments_that_mean_nothing_are_named() {
    let a = Csr::<f64>::poisson(&[10], Place::Memory, &CTX).unwrap();
    let (b, plain) = ([1.0; 10], SolveOptions::default());
    let refused = |b: &[f64], options: SolveOptions<'_, f64>, name: &str, kind| {
        let error = cg(&a, b, &options, &CTX).unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains(name), "{error}");
    };
    for bad in [f64::NAN, -1e-3, f64::INFINITY, f64::NEG_INFINITY] {
        refused(&b, SolveOptions { rtol: bad, ..plain }, "rtol", ErrorKind::Value);
        refused(&b, SolveOptions { atol: bad, ..plain }, "atol", ErrorKind::Value);
    }
    for bad in [f64::NAN, f64::INFINITY] {
        let mut numbers = [1.0; 10];
        numbers[7] = bad;
        refused(&numbers, plain, "position 7: b ", ErrorKind::Value);
        refused(
            &b,
            SolveOptions { x0: Some(&numbers), ..plain },
            "position 7: x0 ",
            ErrorKind::Value,
        );
    }
    for order in [9, 11] {
        let identity = Csr::<f64>::eye(order);
        let options = SolveOptions { precond: Some(&identity), ..plain };
        refused(&b, options, "the preconditioner", ErrorKind::Shape);
    }
}

#[test]
fn a_preconditioner_that_is_not_positive_is_found_out() {
    let a = Csr::<f64>::poisson(&[10], Place::Memory, &CTX).unwrap();
    for size in [-1.0, 0.0] {
        let identity = Csr::<f64>::eye(10);
        let precond = Scaled(size, &identity);
        let options = SolveOptions { precond: Some(&precond), ..Default::default() };
        let solved = cg(&a, &uneven(10), &options, &CTX).unwrap();
        assert_eq!(solved.reason, StopReason::NotPositiveDefinite, "{size}");
        assert!(solved.x.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn a_cancelled_solve_gives_what_it_has() {
    let a = Csr::<f64>::poisson(&[40, 40], Place::Memory, &CTX).unwrap();
    let b = a.matvec(&uneven(1600)).unwrap();
    for after in [1, 7, 20] {
        let token = CancelToken::new();
        let ctx = Context::new().threads(2).unwrap().cancel(token.clone());
        let mut last = Vec::new();
        let cancelled: Solved<f64> =
            solve_with(Method::Cg, &a, &b, &to_rtol(1e-12), &ctx, |state| {
                last = state.x().to_vec();
                if state.iteration == after {
                    token.cancel();
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!((cancelled.reason, cancelled.converged), (StopReason::Cancelled, false));
        assert_eq!((cancelled.iterations, cancelled.history.len()), (after, after + 1));
        assert_eq!(cancelled.x, last);
        // It goes on from there.
        let options = SolveOptions { x0: Some(&cancelled.x), ..to_rtol(1e-12) };
        assert!(cg(&a, &b, &options, &CTX).unwrap().converged);
    }
    // The token is set while a product runs.
    struct Cancelling<'a>(&'a Csr<f64>, CancelToken, Cell<usize>);
    impl LinearOperator<f64> for Cancelling<'_> {
        fn shape(&self) -> (usize, usize) {
            self.0.shape()
        }
        fn apply(&self, x: &[f64], y: &mut [f64], ctx: &Context) -> Result<()> {
            self.2.set(self.2.get() + 1);
            if self.2.get() == 5 {
                self.1.cancel();
            }
            self.0.apply(x, y, ctx)
        }
        fn apply_adjoint(&self, x: &[f64], y: &mut [f64], ctx: &Context) -> Result<()> {
            self.0.apply_adjoint(x, y, ctx)
        }
    }
    let token = CancelToken::new();
    let ctx = Context::new().threads(2).unwrap().cancel(token.clone());
    let operator = Cancelling(&a, token, Cell::new(0));
    let solved = cg(&operator, &b, &to_rtol(1e-12), &ctx).unwrap();
    let same = cg(&a, &b, &SolveOptions { maxiter: Some(4), ..to_rtol(1e-12) }, &CTX).unwrap();
    assert_eq!((solved.reason, solved.iterations), (StopReason::Cancelled, 4));
    assert_eq!(solved.x, same.x);
}

#[test]
fn options_are_copied_and_a_callback_may_keep_what_it_sees() {
    let a = Csr::<f64>::poisson(&[12, 12], Place::Memory, &CTX).unwrap();
    let b = uneven(144);
    let options = to_rtol(1e-9);
    let other = SolveOptions { maxiter: Some(3), ..options };
    let mut seen = Vec::new();
    let solved = solve_with(Method::Cg, &a, &b, &options, &CTX, |state| {
        seen.push((state.iteration, state.residual_norm, state.x()[0]));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(solved.converged && seen.len() == solved.iterations);
    assert_eq!(seen.last().unwrap().2, solved.x[0]);
    assert_eq!(cg(&a, &b, &other, &CTX).unwrap().x[0], seen[2].2);
}

#[test]
fn a_right_hand_side_without_a_finite_norm_is_solved_all_the_same() {
    let twice = Csr::<f64>::diags((4, 4), &[(0, &[2.0; 4])], Place::Memory, &CTX).unwrap();
    let mut seen = 0.0;
    let solved = solve_with(Method::Cg, &twice, &[1e308; 4], &to_rtol(1e-10), &CTX, |state| {
        seen = state.x()[0];
        ControlFlow::Continue(())
    });
    let solved = solved.unwrap();
    assert!(solved.converged && solved.reason == StopReason::Converged, "{solved:?}");
    assert_eq!((solved.x, seen), (vec![5e307; 4], 5e307));
    // An answer that no number is large enough for.
    let half = Csr::<f64>::diags((4, 4), &[(0, &[0.25; 4])], Place::Memory, &CTX).unwrap();
    let solved = cg(&half, &[1e308; 4], &to_rtol(1e-10), &CTX).unwrap();
    assert!(!solved.converged && solved.reason == StopReason::NotFinite, "{solved:?}");
    // A direction that the operator takes to zero, and one that takes all of them there.
    let ends: Vec<f64> = (0..9).map(|i| if i % 8 == 0 { 1.0 } else { 2.0 }).collect();
    let beside = [-1.0; 8];
    let diagonals: [(isize, &[f64]); 3] = [(-1, &beside), (0, &ends), (1, &beside)];
    let neumann = Csr::<f64>::diags((9, 9), &diagonals, Place::Memory, &CTX).unwrap();
    let zero = Csr::<f64>::from_parts((9, 9), vec![0; 10], vec![], vec![]).unwrap();
    for (a, reason) in [(neumann, StopReason::Singular), (zero, StopReason::NotPositiveDefinite)] {
        let solved = cg(&a, &[1.0; 9], &to_rtol(1e-10), &CTX).unwrap();
        assert_eq!((solved.converged, solved.reason), (false, reason));
    }
}
