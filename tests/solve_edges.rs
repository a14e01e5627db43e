//! Solvers at the edges: null spaces, preconditioners that give nothing, limits of iterations after a restore, cancelled
//! solves, right-hand sides of any size.

use std::ops::ControlFlow;

use outcore::linalg::{FnOperator, LinearOperator, Operator, Scalar, norm};
use outcore::solve::{
    Chebyshev, Checkpoint, Jacobi, Method, SolveOptions, Solves, StopReason, block_cg, cg,
    solve_with, spectral_bounds,
};
use outcore::{CancelToken, Context, Csr, Duplicates, ErrorKind, Place};
use tempfile::tempdir;

use crate::numbers::uneven;
use crate::solve::to_rtol;

fn context() -> Context {
    Context::new().threads(2).unwrap()
}

/// The Laplacian of a path, whose null space are constants.
fn neumann(n: usize) -> Csr<f64> {
    let edges =
        (1..n).flat_map(|i| [(i, i, 1.0), (i - 1, i - 1, 1.0), (i, i - 1, -1.0), (i - 1, i, -1.0)]);
    Csr::from_triplets((n, n), edges, Duplicates::Sum).unwrap()
}

fn residual(a: &Csr<f64>, x: &[f64], b: &[f64]) -> f64 {
    let ax = a.matvec(x).unwrap();
    norm(&b.iter().zip(&ax).map(|(b, ax)| b - ax).collect::<Vec<_>>(), &context())
}

#[test]
fn the_stop_test_is_that_of_the_projected_system() {
    let (n, ctx) = (60, context());
    let (a, ones) = (neumann(n), vec![1.0; n]);
    let wave: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
    let mean = wave.iter().sum::<f64>() / n as f64;
    let inside: Vec<f64> = wave.iter().map(|x| x - mean).collect();
    // Nearly all of it is in the null space.
    let b: Vec<f64> = wave.iter().map(|x| 1e6 + x).collect();
    let nullspace: &[&[f64]] = &[&ones];
    let options = SolveOptions { nullspace, ..to_rtol(1e-6) };
    let solved = cg(&a, &b, &options, &ctx).unwrap();
    assert!(solved.converged && solved.iterations > 5, "{:?}", solved.reason);
    assert!(residual(&a, &solved.x, &inside) <= 2e-6 * norm(&inside, &ctx));
    let two: Vec<f64> = b.iter().flat_map(|&b| [b, -b]).collect();
    let solved = block_cg(&a, 2, &two, &options, &ctx).unwrap();
    assert!(solved.converged && solved.iterations > 5, "{:?}", solved.reasons);
    let first: Vec<f64> = solved.x.iter().step_by(2).copied().collect();
    assert!(residual(&a, &first, &inside) <= 2e-6 * norm(&inside, &ctx));
    // Of a right-hand side in the null space nothing is left to solve.
    let solved = cg(&a, &vec![3e5; n], &options, &ctx).unwrap();
    assert!(solved.converged && norm(&solved.x, &ctx) < 1e-3, "{:?}", solved.reason);
}

#[test]
fn a_preconditioner_that_gives_nothing_is_not_positive_definite() {
    let ctx = context();
    let a = Csr::<f64>::poisson(&[8, 8], Place::Memory, &ctx).unwrap();
    let nothing = FnOperator::new((64, 64), |_: &[f64], y: &mut [f64], _| {
        y.fill(0.0);
        Ok(())
    });
    let options = SolveOptions { precond: Some(&nothing), ..to_rtol(1e-8) };
    let solved = cg(&a, &uneven(64), &options, &ctx).unwrap();
    assert_eq!(solved.reason, StopReason::NotPositiveDefinite);
    let solved = block_cg(&a, 2, &uneven(128), &options, &ctx).unwrap();
    assert_eq!(solved.reasons, [StopReason::NotPositiveDefinite; 2]);
}

#[test]
fn a_restored_solve_keeps_to_its_limits() {
    let (folder, ctx) = (tempdir().unwrap(), context());
    let path = folder.path().join("state.npy");
    let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx).unwrap();
    let a = Operator::new(&a, &ctx).unwrap();
    let b = uneven(400);
    let every = |every| Some(Checkpoint { path: &path, every });
    let options = SolveOptions { checkpoint: every(10), maxiter: Some(25), ..to_rtol(1e-10) };
    assert_eq!(cg(&a, &b, &options, &ctx).unwrap().iterations, 25);
    for most in [15, 20] {
        let options = SolveOptions { maxiter: Some(most), ..options };
        let solved = cg(&a, &b, &options, &ctx).unwrap();
        assert_eq!((solved.reason, solved.iterations), (StopReason::MaxIterations, 20));
    }
    // A polynomial gives products that the state of another solve does not have.
    let bounds = spectral_bounds::<f64>(&a, 6, &ctx).unwrap();
    let polynomial = Chebyshev::new(&a, 4, (bounds.lo, bounds.hi)).unwrap();
    let other = SolveOptions { precond: Some(&polynomial), ..options };
    assert_eq!(cg(&a, &b, &other, &ctx).unwrap_err().kind(), ErrorKind::Format);
    // Continued, and never saved again.
    let options = SolveOptions { checkpoint: every(usize::MAX), maxiter: None, ..options };
    let whole = cg(&a, &b, &to_rtol(1e-10), &ctx).unwrap();
    let solved = cg(&a, &b, &options, &ctx).unwrap();
    assert!(solved.x == whole.x && solved.history == whole.history);
}

#[test]
fn a_cancelled_solve_says_the_residual_of_its_iterate() {
    let free = context();
    let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &free).unwrap();
    let b = uneven(400);
    let jacobi = Jacobi::<f64>::new(&a, Default::default(), &free).unwrap();
    let precond: [Option<&(dyn LinearOperator<f64> + Sync)>; 2] = [None, Some(&jacobi)];
    for (method, precond) in [Method::Gmres, Method::Fgmres, Method::Cg, Method::Bicgstab]
        .into_iter()
        .flat_map(|method| precond.map(|precond| (method, precond)))
    {
        let token = CancelToken::new();
        let ctx = context().cancel(token.clone());
        let options = SolveOptions { restart: 50, precond, ..to_rtol(1e-12) };
        let solved = solve_with(method, &a, &b, &options, &ctx, |state| {
            if state.iteration == 17 {
                token.cancel();
            }
            ControlFlow::Continue(())
        });
        let solved = solved.unwrap();
        assert_eq!(solved.reason, StopReason::Cancelled, "{method:?}");
        let own = residual(&a, &solved.x, &b);
        let off = (solved.residual_norm - own).abs();
        assert!(off <= 1e-8 * norm(&b, &free), "{method:?}: {own:e}, {:e}", solved.residual_norm);
    }
    // Stopped by the callback, and cancelled before the last residual.
    let token = CancelToken::new();
    let ctx = context().cancel(token.clone());
    let stopped = solve_with(Method::Cg, &a, &b, &to_rtol(1e-12), &ctx, |_| {
        token.cancel();
        ControlFlow::Break(())
    });
    assert_eq!(stopped.unwrap().reason, StopReason::Cancelled);
}

fn of_any_size<X: Solves + Scalar>(sizes: &[f64]) {
    let ctx = context();
    let a = Csr::<f32>::poisson(&[12, 12], Place::Memory, &ctx).unwrap();
    let a = FnOperator::new((144, 144), |x: &[X], y: &mut [X], _| {
        y.fill(X::zero());
        for (row, column, value) in a.iter() {
            y[row] += X::from_f64(f64::from(value)) * x[column];
        }
        Ok(())
    });
    for method in [Method::Minres, Method::Bicgstab, Method::Idrs, Method::Cg, Method::Gmres] {
        for &size in sizes {
            let b: Vec<X> = uneven(144).into_iter().map(|b| X::from_f64(b * size)).collect();
            let options = SolveOptions { rtol: X::from_f64(1e-3).real(), ..Default::default() };
            let go_on = |_: &outcore::solve::Iterate<'_, X>| ControlFlow::Continue(());
            let solved = solve_with(method, &a, &b, &options, &ctx, go_on).unwrap();
            assert!(solved.converged, "{method:?} {size:e}: {:?}", solved.reason);
        }
    }
}

#[test]
fn right_hand_sides_of_any_size_are_solved() {
    of_any_size::<f64>(&[1e-170, 1e-250, 1.0, 1e160]);
    of_any_size::<f32>(&[1e-23, 1e-30, 1.0, 1e20, 1e25]);
}

#[test]
fn degrees_without_sense_are_refused() {
    let a = Csr::<f64>::eye(3);
    for degree in [usize::MAX, 1 << 40] {
        let error = Chebyshev::<f64, _>::new(&a, degree, (1.0, 2.0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
    }
}

#[test]
fn no_iterations_take_no_product_but_that_of_the_guess() {
    let ctx = context();
    let a = Csr::<f64>::poisson(&[12, 12], Place::Memory, &ctx).unwrap();
    let (b, guess) = (uneven(144), vec![1.0; 144]);
    let chebyshev = Chebyshev::new(&a, 3, (0.1, 8.0)).unwrap();
    for method in Method::ALL {
        for x0 in [None, Some(&guess[..])] {
            let options = SolveOptions {
                bounds: Some((0.1, 8.0)),
                precond: (method == Method::Cg).then_some(&chebyshev as _),
                maxiter: Some(0),
                x0,
                ..to_rtol(1e-9)
            };
            let solve = |ctx: &Context| {
                solve_with(method, &a, &b, &options, ctx, |_| ControlFlow::Continue(()))
            };
            let products = usize::from(x0.is_some());
            let solved = solve(&ctx).unwrap();
            assert_eq!((solved.iterations, solved.products), (0, products), "{method:?}");
            assert_eq!(solved.reason, StopReason::MaxIterations, "{method:?}");
            let off = solved.residual_norm - residual(&a, &solved.x, &b);
            assert!(off.abs() < 1e-12, "{method:?}");
            let plan = ctx.plan(solve).unwrap();
            assert_eq!(plan.cost.passes, products as u64, "{method:?}");
        }
    }
}
