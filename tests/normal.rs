//! `Aᴴ f(A X)` in one pass over a file: the bits of both products, what it costs, and the solvers that use it.

use std::ops::{ControlFlow, Range};

use num_complex::Complex;
use outcore::linalg::{LinearOperator, Matrix, MultipliesVectors, Operator, Scalar};
use outcore::solve::{Iterate, Method, SolveOptions, Solves, solve_with};
use outcore::{Context, Csr, DenseMut, Order, Place};
use tempfile::tempdir;

use crate::plans::compare;
use crate::powers::{matrices, number, vector};

/// Compares `AᴴA X` with both products, and its passes with those of the plan.
fn same_normal<X: Scalar, M>(a: &M, reference: &dyn LinearOperator<X>, limit: u64, passes: u64)
where
    M: Matrix + MultipliesVectors<X> + LinearOperator<X>,
{
    let (nrows, ncols) = reference.shape();
    for k in [1, 3] {
        let x: Vec<X> = vector(k * ncols).into_iter().map(X::from_f64).collect();
        let (mut y, mut z) = (vec![X::zero(); k * nrows], vec![X::zero(); k * ncols]);
        reference.apply_block(k, &x, &mut y, &Context::new()).unwrap();
        reference.apply_adjoint_block(k, &y, &mut z, &Context::new()).unwrap();
        let room = 10 * (size_of_val(&x[..]) + size_of_val(&y[..])) as u64;
        for threads in if k == 1 { &[1, 2, 3, 8][..] } else { &[2] } {
            let ctx = Context::new().memory_limit(limit + room).threads(*threads).unwrap();
            let operator = Operator::with_vectors(a, room, &ctx).unwrap();
            for _ in 0..2 {
                let mut found = vec![X::from_f64(f64::NAN); k * ncols];
                let plan = ctx.plan(|ctx| operator.apply_normal(k, &x, &mut found, ctx)).unwrap();
                let ((), report) =
                    ctx.measure(|ctx| operator.apply_normal(k, &x, &mut found, ctx)).unwrap();
                assert!(found == z, "{threads} threads, {k} vectors");
                compare(&report);
                assert_eq!(plan.cost.bytes_read, report.actual.bytes_read);
                assert_eq!(report.actual.passes, passes);
            }
            drop(operator);
            // Without a limit once.
            let free = Context::new();
            for ctx in [&ctx, &free].into_iter().take(if *threads == 2 { 2 } else { 1 }) {
                let mut found = vec![X::from_f64(f64::NAN); k * ncols];
                let plan = a.plan_normal(k, ctx).unwrap().cost;
                let ((), report) =
                    ctx.measure(|ctx| a.apply_normal(k, &x, &mut found, ctx)).unwrap();
                assert!(found == z, "without preparing");
                compare(&report);
                assert_eq!(
                    (plan.passes, plan.bytes_read),
                    (report.plan.cost.passes, report.plan.cost.bytes_read)
                );
            }
        }
    }
}

#[test]
fn normal_products_have_the_bits_of_both() {
    let folder = tempdir().unwrap();
    let free = Context::new();
    let (_, near) = &matrices()[0];
    let random = Csr::<f64>::random((6000, 4000), 0.02, 5, Place::Memory, &free).unwrap();
    for (name, a) in [("near", near.clone()), ("random", random)] {
        let stored = a.copy_to(folder.path().join(name), &free).unwrap();
        let columns = a.to_csc(folder.path().join(format!("{name} columns")), &free).unwrap();
        let little = a.bytes() / 2;
        same_normal::<f64, _>(&a, &a, 1 << 30, 2);
        same_normal::<f64, _>(&stored, &a, little, 1);
        same_normal::<Complex<f64>, _>(&stored, &a, little, 1);
        same_normal::<f64, _>(&columns, &a.to_csc(Place::Memory, &free).unwrap(), little, 2);
        let complex = a.map_values(Place::Memory, &free, |v| Complex::new(v, 1.0 - v)).unwrap();
        let stored = complex.copy_to(folder.path().join(format!("{name} complex")), &free).unwrap();
        same_normal::<Complex<f64>, _>(&stored, &complex, little, 1);
    }
    for (name, order, passes) in [("c", Order::C, 1), ("f", Order::Fortran, 2)] {
        let mut a =
            DenseMut::<f64>::create((20_001, 150), order, folder.path().join(name), &free).unwrap();
        a.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = number(i));
        let a = a.freeze().unwrap();
        let resident = a.copy_to(Place::Memory, &free).unwrap();
        same_normal::<f64, _>(&a, &resident, 18 << 20, passes);
    }
}

/// A tall matrix of least squares in a file, twice as large as the memory left for it.
#[test]
fn least_squares_read_the_matrix_once_an_iteration() {
    let (folder, free) = (tempdir().unwrap(), Context::new());
    let shape = (9000, 700);
    let a = Csr::<f64>::random(shape, 0.05, 9, Place::Memory, &free).unwrap();
    let b = vector(shape.0);
    for (name, complex) in [("real", false), ("complex", true)] {
        let stored = a.copy_to(folder.path().join(name), &free).unwrap();
        let vectors = 40 * (shape.0 + shape.1) as u64 * if complex { 2 } else { 1 };
        let ctx = Context::new().memory_limit(a.bytes() / 2 + vectors).threads(2).unwrap();
        let operator = Operator::with_vectors(&stored, vectors, &ctx).unwrap();
        for method in [Method::Lsqr, Method::Lsmr] {
            if complex {
                let b: Vec<Complex<f64>> = b.iter().map(|&b| Complex::new(b, 1.0 - b)).collect();
                one_pass_an_iteration(method, &operator, &a, &b, &ctx);
            } else {
                one_pass_an_iteration(method, &operator, &a, &b, &ctx);
            }
        }
    }
}

fn one_pass_an_iteration<X: Solves>(
    method: Method,
    operator: &impl LinearOperator<X>,
    a: &impl LinearOperator<X>,
    b: &[X],
    ctx: &Context,
) {
    let options = SolveOptions { rtol: X::from_f64(1e-10).real(), ..Default::default() };
    let goes_on = |_: &Iterate<'_, X>| ControlFlow::Continue(());
    let (found, report) =
        ctx.measure(|ctx| solve_with(method, operator, b, &options, ctx, goes_on)).unwrap();
    assert!(found.converged && found.iterations > 10, "{method:?}: {:?}", found.reason);
    // One for Aᴴ b at the start, and one for the residual at the end.
    assert_eq!(found.products, 2 * found.iterations + 2, "{method:?}");
    assert_eq!(found.passes, found.iterations + 2, "{method:?}");
    assert_eq!(report.actual.passes, found.passes as u64);
    assert!(report.actual.bytes_read <= report.plan.cost.bytes_read);
    assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
    // In memory there are two products, with the same bits.
    let twin = solve_with(method, a, b, &options, &Context::new(), goes_on).unwrap();
    assert!(twin.x == found.x && twin.history == found.history, "{method:?}");
    assert_eq!(twin.passes, found.products);
}

#[test]
fn rows_between_both_products_can_be_changed() {
    let (folder, free) = (tempdir().unwrap(), Context::new());
    let a = Csr::<f64>::random((5000, 300), 0.1, 4, Place::Memory, &free).unwrap();
    let stored = a.copy_to(folder.path().join("a"), &free).unwrap();
    let little = Context::new().memory_limit(a.bytes() / 2 + (1 << 20)).threads(3).unwrap();
    let (weights, x) = (vector(5000), vector(300));
    for k in [1, 2] {
        let x: Vec<Complex<f64>> =
            (0..300 * k).map(|i| Complex::new(x[i % 300], i as f64)).collect();
        let mut y = vec![Complex::new(0.0, 0.0); 5000 * k];
        a.apply_block(k, &x, &mut y, &free).unwrap();
        for (row, &weight) in y.chunks_exact_mut(k).zip(&weights) {
            row.iter_mut().for_each(|y| *y *= Complex::new(0.5, weight));
        }
        let mut wanted = vec![Complex::new(0.0, 0.0); 300 * k];
        a.apply_adjoint_block(k, &y, &mut wanted, &free).unwrap();
        for ctx in [&little, &free] {
            let (mut found, mut next) = (vec![Complex::new(0.0, 0.0); 300 * k], 0);
            let mut weight = |rows: Range<usize>, ax: &mut [Complex<f64>]| {
                assert_eq!((rows.start, ax.len()), (next, rows.len() * k));
                next = rows.end;
                for (row, &weight) in ax.chunks_exact_mut(k).zip(&weights[rows]) {
                    row.iter_mut().for_each(|y| *y *= Complex::new(0.5, weight));
                }
            };
            stored.apply_normal_with(k, &x, &mut found, &mut weight, ctx).unwrap();
            assert!(next == 5000 && found == wanted, "{k} vectors");
        }
    }
}
