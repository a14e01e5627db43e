//! Conjugate gradients for several right-hand sides at once: against one after the other, against the plain algorithm,
//! and with right-hand sides that depend on each other.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use num_complex::Complex;
use outcore::linalg::{FnOperator, LinearOperator, Operator, Scalar, norm};
use outcore::solve::{
    Chebyshev, Ic0, Jacobi, SolveOptions, SolvedBlock, Solves, StopReason, block_cg, block_cg_with,
    cg, spectral_bounds,
};
use outcore::{CancelToken, Context, Csr, ErrorKind, Place};
use tempfile::tempdir;

use crate::numbers::{noise, uneven};
use crate::solve::to_rtol;

static CTX: LazyLock<Context> = LazyLock::new(|| Context::new().threads(2).unwrap());

type Precond<'a, X> = Option<&'a (dyn LinearOperator<X> + Sync)>;

fn poisson(grid: &[usize]) -> Csr<f64> {
    Csr::poisson(grid, Place::Memory, &CTX).unwrap()
}

/// Column `j` of rows of `k` numbers.
fn column<X: Copy>(block: &[X], k: usize, j: usize) -> Vec<X> {
    block.iter().skip(j).step_by(k).copied().collect()
}

/// Columns as rows of as many numbers.
fn block<X: Copy>(columns: &[Vec<X>]) -> Vec<X> {
    (0..columns[0].len()).flat_map(|i| columns.iter().map(move |c| c[i])).collect()
}

fn noises(count: usize) -> Vec<f64> {
    (0..count).map(noise).collect()
}

/// `‖b − A x‖` of every column, computed here.
fn residuals<X: Scalar>(a: &impl LinearOperator<X>, x: &[X], b: &[X], k: usize) -> Vec<X::Real> {
    let of = |j| {
        let ax = a.matvec(&column(x, k, j)).unwrap();
        let difference = column(b, k, j).into_iter().zip(ax).map(|(b, ax)| b - ax);
        norm(&difference.collect::<Vec<X>>(), &CTX)
    };
    (0..k).map(of).collect()
}

/// Fails unless all systems are solved to `rtol`, by what is computed here, and the result says so.
fn assert_solved(
    a: &impl LinearOperator<f64>,
    solved: &SolvedBlock<f64>,
    b: &[f64],
    k: usize,
    rtol: f64,
) {
    assert!(solved.converged, "{:?} {:?}", solved.reasons, solved.residual_norms);
    assert_eq!(solved.reasons, vec![StopReason::Converged; k]);
    assert_eq!(solved.history.len(), solved.iterations + 1);
    for (j, found) in residuals(a, &solved.x, b, k).into_iter().enumerate() {
        let size = norm(&column(b, k, j), &CTX);
        assert!(found <= rtol * size * (1.0 + 1e-6), "{j}: {found:e} of {size:e}");
        assert!((found - solved.residual_norms[j]).abs() <= 1e-12 * size, "{j}");
    }
}

#[test]
fn eight_at_once_are_those_of_one_after_the_other_in_fewer_iterations() {
    let a = poisson(&[40, 40]);
    let operator = Operator::new(&a, &CTX).unwrap();
    let b = noises(8 * 1600);
    let bounds = spectral_bounds::<f64>(&operator, 10, &CTX).unwrap();
    let jacobi = Jacobi::new(&a, Default::default(), &CTX).unwrap();
    let ic0 = Ic0::new(&a, &Default::default(), &CTX).unwrap();
    let chebyshev = Chebyshev::new(&operator, 4, (bounds.lo, bounds.hi)).unwrap();
    let preconds: [Precond<'_, f64>; 4] = [None, Some(&jacobi), Some(&ic0), Some(&chebyshev)];
    let mut iterations = Vec::new();
    for precond in preconds {
        let options = SolveOptions { precond, ..to_rtol(1e-10) };
        let solved = block_cg(&operator, 8, &b, &options, &CTX).unwrap();
        assert_solved(&a, &solved, &b, 8, 1e-10);
        assert_eq!(solved.products, solved.iterations + 1);
        let mut most = 0;
        for j in 0..8 {
            let one = cg(&operator, &column(&b, 8, j), &options, &CTX).unwrap();
            let x = column(&solved.x, 8, j);
            let off = x.iter().zip(&one.x).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
            assert!(off < 1e-7, "{j}: {off:e}");
            most = most.max(one.iterations);
        }
        iterations.push((solved.iterations, most));
    }
    // A polynomial over the whole spectrum leaves it without the few small eigenvalues that a block finds at once.
    let [plain, jacobi, ic0, polynomial] = iterations[..] else { unreachable!("four were solved") };
    assert!([plain, jacobi, ic0].iter().all(|(block, one)| block * 3 < one * 2), "{iterations:?}");
    assert!(polynomial.0 <= polynomial.1 && polynomial.0 * 4 < plain.0 * 3, "{iterations:?}");
    assert!(ic0.0 * 2 < plain.0, "{iterations:?}");
}

/// Block conjugate gradients as O'Leary wrote them, on plain vectors; returns the residual norms of each iteration.
fn plain_block_cg(a: &Csr<f64>, columns: &[Vec<f64>], steps: usize) -> Vec<Vec<f64>> {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let k = columns.len();
    let gram = |x: &[Vec<f64>], y: &[Vec<f64>]| -> Vec<Vec<f64>> {
        x.iter().map(|x| y.iter().map(|y| dot(x, y)).collect()).collect()
    };
    // X += V C.
    let add = |x: &mut [Vec<f64>], v: &[Vec<f64>], c: &[Vec<f64>], sign: f64| {
        for (j, x) in x.iter_mut().enumerate() {
            for (i, v) in v.iter().enumerate() {
                x.iter_mut().zip(v).for_each(|(x, v)| *x += sign * c[i][j] * v);
            }
        }
    };
    // G⁻¹ H, by elimination.
    let solve = |mut g: Vec<Vec<f64>>, mut h: Vec<Vec<f64>>| {
        for i in 0..k {
            for row in 0..k {
                if row != i {
                    let factor = g[row][i] / g[i][i];
                    let (of_g, of_h) = (g[i].clone(), h[i].clone());
                    g[row].iter_mut().zip(of_g).for_each(|(x, y)| *x -= factor * y);
                    h[row].iter_mut().zip(of_h).for_each(|(x, y)| *x -= factor * y);
                }
            }
        }
        for i in 0..k {
            let pivot = g[i][i];
            h[i].iter_mut().for_each(|x| *x /= pivot);
        }
        h
    };
    let mut r = columns.to_vec();
    let mut p = r.clone();
    let norms = |r: &[Vec<f64>]| r.iter().map(|r| dot(r, r).sqrt()).collect::<Vec<f64>>();
    let mut history = vec![norms(&r)];
    for _ in 0..steps {
        let w: Vec<Vec<f64>> = p.iter().map(|p| a.matvec(p).unwrap()).collect();
        let before = gram(&r, &r);
        let alpha = solve(gram(&p, &w), before.clone());
        add(&mut r, &w, &alpha, -1.0);
        let beta = solve(before, gram(&r, &r));
        let mut next = r.clone();
        add(&mut next, &p, &beta, 1.0);
        p = next;
        history.push(norms(&r));
    }
    history
}

#[test]
fn residuals_are_those_of_the_plain_algorithm() {
    let a = poisson(&[12, 15]);
    for k in [1, 2, 5] {
        let columns: Vec<Vec<f64>> =
            (0..k).map(|j| noises(180 * (j + 1))[180 * j..].to_vec()).collect();
        let expected = plain_block_cg(&a, &columns, 12);
        let options = SolveOptions { maxiter: Some(12), ..to_rtol(0.0) };
        let solved = block_cg(&a, k, &block(&columns), &options, &CTX).unwrap();
        assert_eq!(solved.reasons, vec![StopReason::MaxIterations; k]);
        for (found, expected) in solved.history.iter().zip(&expected) {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found / expected - 1.0).abs() < 1e-6, "{k}: {found} and {expected}");
            }
        }
    }
    // One right-hand side is that of conjugate gradients.
    let one = cg(&a, &uneven(180), &to_rtol(1e-8), &CTX).unwrap();
    let same = block_cg(&a, 1, &uneven(180), &to_rtol(1e-8), &CTX).unwrap();
    assert_eq!(same.iterations, one.iterations);
    for (same, one) in same.history.iter().zip(&one.history) {
        assert!((same[0] / one - 1.0).abs() < 1e-6);
    }
}

#[test]
fn right_hand_sides_that_depend_on_each_other() {
    let a = poisson(&[14, 13]);
    let (one, other, zero) = (uneven(182), noises(182), vec![0.0; 182]);
    let near: Vec<f64> = one.iter().zip(&other).map(|(x, y)| x + 1e-9 * y).collect();
    let nearer: Vec<f64> = one.iter().zip(&other).map(|(x, y)| x + 1e-14 * y).collect();
    let sum: Vec<f64> = one.iter().zip(&other).map(|(x, y)| x - 3.0 * y).collect();
    let tiny: Vec<f64> = other.iter().map(|x| x * 1e-200).collect();
    let huge: Vec<f64> = one.iter().map(|x| x * 1e200).collect();
    let unit = (0..182).map(|i| f64::from(i == 7)).collect::<Vec<f64>>();
    for columns in [
        vec![one.clone(), one.clone()],
        vec![one.clone(), zero.clone(), other.clone()],
        vec![zero.clone(), zero.clone()],
        vec![one.clone(), other.clone(), sum.clone()],
        vec![one.clone(), near.clone()],
        vec![nearer, one.clone(), near, sum],
        vec![tiny, huge, one.clone(), unit.clone()],
        vec![unit.clone(), unit],
    ] {
        let (k, b) = (columns.len(), block(&columns));
        let ic0 = Ic0::new(&a, &Default::default(), &CTX).unwrap();
        for precond in [None, Some(&ic0 as &(dyn LinearOperator<f64> + Sync))] {
            let options = SolveOptions { precond, ..to_rtol(1e-11) };
            let solved = block_cg(&a, k, &b, &options, &CTX).unwrap();
            assert_solved(&a, &solved, &b, k, 1e-11);
            let zeros = columns.iter().position(|c| c.iter().all(|x| *x == 0.0));
            let of_zeros = zeros.map(|j| column(&solved.x, k, j));
            assert!(of_zeros.is_none_or(|x| x == zero));
        }
    }
}

#[test]
fn more_right_hand_sides_than_unknowns_and_none() {
    let a = poisson(&[3, 2]);
    let b = noises(6 * 20);
    let solved = block_cg(&a, 20, &b, &to_rtol(1e-12), &CTX).unwrap();
    assert_solved(&a, &solved, &b, 20, 1e-12);
    // A block that spans everything is solved in one step.
    assert!(solved.iterations <= 2, "{}", solved.iterations);
    let none = block_cg::<f64>(&a, 0, &[], &to_rtol(1e-12), &CTX).unwrap();
    assert!(none.converged && none.x.is_empty() && none.reasons.is_empty());
    let empty = Csr::<f64>::eye(0);
    assert!(block_cg::<f64>(&empty, 3, &[], &to_rtol(1e-12), &CTX).unwrap().converged);
}

#[test]
fn right_hand_sides_whose_norms_overflow() {
    let a = poisson(&[30]);
    let b = block(&[vec![f64::MAX / 4.0; 30], noises(30), vec![1e-320; 30]]);
    let mut seen = Vec::new();
    let solved = block_cg_with(&a, 3, &b, &to_rtol(1e-10), &CTX, |state| {
        seen = state.x().into_owned();
        ControlFlow::Continue(())
    });
    // The first solution overflows; the others are there.
    let solved = solved.unwrap();
    assert!(!solved.converged && solved.reasons[0] == StopReason::NotFinite, "{solved:?}");
    assert_eq!(solved.reasons[1], StopReason::Converged);
    assert_eq!((seen.len(), column(&seen, 3, 1)), (90, column(&solved.x, 3, 1)));
    let eye = Csr::<f64>::eye(30);
    let solved = block_cg(&eye, 3, &b, &to_rtol(1e-10), &CTX).unwrap();
    assert!(solved.converged, "{solved:?}");
    assert!(solved.x.iter().zip(&b).all(|(x, b)| (x / b - 1.0).abs() < 1e-3));
}

fn solves_in<X: Solves>(rtol: f64, number: impl Fn(usize) -> X) {
    let a = poisson(&[9, 8]);
    let apply = |x: &[X], y: &mut [X], _: &Context| {
        // The stencil itself: real entries times numbers of any type.
        for (i, y) in y.iter_mut().enumerate() {
            let row = a.row(i).unwrap();
            let one = |(&j, &e): (&u32, &f64)| X::from_f64(e) * x[j as usize];
            *y = row.indices.iter().zip(row.data).map(one).sum();
        }
        Ok(())
    };
    let a = FnOperator::new((72, 72), apply);
    let exact: Vec<X> = (0..72 * 4).map(number).collect();
    let mut b = vec![X::from_f64(0.0); 72 * 4];
    a.apply_block(4, &exact, &mut b, &CTX).unwrap();
    let solved = block_cg(&a, 4, &b, &to_rtol(rtol), &CTX).unwrap();
    assert!(solved.converged, "{:?} {:?}", solved.reasons, solved.residual_norms);
    let limit = X::from_f64(rtol * 1e3).real();
    assert!(solved.x.iter().zip(&exact).all(|(&x, &y)| (x - y).abs() < limit));
}

#[test]
fn real_and_complex_numbers_of_both_precisions() {
    solves_in(1e-5, |i| noise(i) as f32);
    solves_in(1e-11, noise);
    solves_in(1e-5, |i| Complex::new(noise(i) as f32, noise(i + 999) as f32));
    solves_in(1e-11, |i| Complex::new(noise(i), noise(i + 999)));
}

#[test]
fn a_hermitian_matrix_with_phases() {
    let a = poisson(&[9, 11]);
    let phase = |i: usize| Complex::from_polar(1.0, i as f64);
    let values = a.rows().enumerate().flat_map(|(i, row)| {
        let turn = move |(&j, &a): (&u32, &f64)| phase(i) * a * phase(j as usize).conj();
        row.indices.iter().zip(row.data).map(turn)
    });
    let a = a.with_data(values.collect::<Vec<_>>()).unwrap();
    let b: Vec<_> = noises(99 * 6).chunks(2).map(|c| Complex::new(c[0], c[1])).collect();
    let ic0 = Ic0::new(&a, &Default::default(), &CTX).unwrap();
    for precond in [None, Some(&ic0 as &(dyn LinearOperator<Complex<f64>> + Sync))] {
        let options = SolveOptions { precond, ..to_rtol(1e-11) };
        let solved = block_cg(&a, 3, &b, &options, &CTX).unwrap();
        assert!(solved.converged, "{:?}", solved.reasons);
        let found = residuals(&a, &solved.x, &b, 3);
        assert!((0..3).all(|j| found[j] <= 1.1e-11 * norm(&column(&b, 3, j), &CTX)));
    }
}

#[test]
fn bits_depend_neither_on_threads_nor_on_where_the_matrix_lies() {
    let folder = tempdir().unwrap();
    let memory = poisson(&[60, 70]);
    let path = folder.path().join("a");
    memory.copy_to(&path, &CTX).unwrap();
    let mapped = Csr::<f64>::open(&path).unwrap();
    let b = noises(3 * 4200);
    let options = to_rtol(1e-8);
    let expected = block_cg(&memory, 3, &b, &options, &CTX).unwrap();
    assert!(expected.converged);
    for threads in [1, 2, 3, 8] {
        let ctx = Context::new().threads(threads).unwrap();
        let blocks = 6 * 3 * 4200 * 8;
        let panels = ctx.clone().memory_limit(blocks + memory.bytes() / 2);
        for (a, ctx) in [(&memory, &ctx), (&mapped, &ctx), (&mapped, &panels)] {
            let solved = block_cg(a, 3, &b, &options, ctx).unwrap();
            assert!(solved.x == expected.x && solved.history == expected.history, "{threads}");
        }
    }
}

#[test]
fn one_pass_over_the_file_for_each_iteration_as_planned() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    // Entries that no encoding makes smaller, at four times the limit with the vectors.
    let grid = poisson(&[200, 50]);
    let values: Vec<f64> = (0..grid.nnz()).map(|k| 1.0 + 1e-3 * noise(k)).collect();
    let noisy = grid.with_data(values).unwrap();
    let symmetric: Vec<_> = noisy
        .rows()
        .enumerate()
        .flat_map(|(i, row)| {
            let of = move |(&j, &v): (&u32, &f64)| (i, j as usize, v);
            row.indices.iter().zip(row.data).map(of).collect::<Vec<_>>()
        })
        .flat_map(|(i, j, v)| match i == j {
            true => vec![(i, j, 5.0 + v)],
            false => vec![(i, j, -v / 2.0), (j, i, -v / 2.0)],
        })
        .collect();
    let a = Csr::<f64>::from_triplets(grid.shape(), symmetric, outcore::Duplicates::Sum).unwrap();
    a.copy_to(&path, &CTX).unwrap();
    let a = Csr::<f64>::open(&path).unwrap();
    let b = noises(4 * 10_000);
    let blocks = 6 * 4 * 10_000 * 8;
    let ctx = CTX.clone().memory_limit(blocks + a.bytes() / 4).scratch(folder.path());
    let (solved, report) = ctx.measure(|ctx| block_cg(&a, 4, &b, &to_rtol(1e-8), ctx)).unwrap();
    assert_solved(&a, &solved, &b, 4, 1e-8);
    assert_eq!(report.actual.passes as usize, solved.iterations + 1);
    assert_eq!(report.actual.bytes_read, solved.bytes_read);
    let each = report.plan.per_iteration.unwrap();
    assert_eq!(each.passes, 1);
    let planned = each.bytes_read * report.actual.passes;
    assert!(report.actual.bytes_read.abs_diff(planned) * 20 <= planned, "{report}");
    assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
    assert!(report.actual.peak_memory <= ctx.memory_limit_bytes(), "{report}");
    // What does not fit is refused before anything is done.
    let small = CTX.clone().memory_limit(blocks / 2);
    let error = block_cg(&a, 4, &b, &to_rtol(1e-8), &small).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
}

#[test]
fn every_stop_has_its_reason() {
    let a = poisson(&[20, 20]);
    let b = noises(3 * 400);
    let solve = |a: &dyn LinearOperator<f64>, options: &SolveOptions<'_, f64>| {
        block_cg(&a, 3, &b, options, &CTX).unwrap()
    };
    let few = SolveOptions { maxiter: Some(5), ..to_rtol(1e-10) };
    let solved = solve(&a, &few);
    assert_eq!((solved.iterations, &solved.reasons[..]), (5, &[StopReason::MaxIterations; 3][..]));
    let found = residuals(&a, &solved.x, &b, 3);
    assert!(found.iter().zip(&solved.residual_norms).all(|(x, y)| (x - y).abs() < 1e-12));
    assert_eq!(solve(&a, &SolveOptions { maxiter: Some(0), ..few }).iterations, 0);
    // A tolerance beyond rounding.
    let solved = solve(&a, &to_rtol(1e-30));
    assert_eq!(solved.reasons, [StopReason::Stagnated; 3]);
    assert!(solved.residual_norms.iter().all(|&norm| norm < 1e-10));
    // One that some systems reach.
    let mut mixed = vec![noises(400), vec![0.0; 400], noises(800)[400..].to_vec()];
    mixed[2].iter_mut().for_each(|x| *x *= 1e-9);
    let options = SolveOptions { atol: 1e-6, rtol: 0.0, maxiter: Some(3), ..Default::default() };
    let solved = block_cg(&a, 3, &block(&mixed), &options, &CTX).unwrap();
    let reasons = [StopReason::MaxIterations, StopReason::Converged, StopReason::Converged];
    assert!(solved.reasons == reasons && !solved.converged);

    let shifted = |by: f64| {
        let diagonal = (0..400).map(|i| 1.0 + i as f64 + by).collect::<Vec<f64>>();
        Csr::<f64>::eye(400).with_data(diagonal).unwrap()
    };
    assert_eq!(
        solve(&shifted(-7.5), &to_rtol(1e-10)).reasons,
        [StopReason::NotPositiveDefinite; 3]
    );
    assert_eq!(
        solve(&shifted(-900.0), &to_rtol(1e-10)).reasons,
        [StopReason::NotPositiveDefinite; 3]
    );
    let negative = shifted(-900.0);
    let options = SolveOptions { precond: Some(&negative), ..to_rtol(1e-10) };
    assert_eq!(solve(&a, &options).reasons, [StopReason::NotPositiveDefinite; 3]);
    // The zero matrix, and one that is singular, where there is no solution.
    let zero = Csr::<f64>::eye(400).with_data(vec![0.0; 400]).unwrap();
    assert_eq!(solve(&zero, &to_rtol(1e-10)).reasons, [StopReason::Singular; 3]);
    let solved = solve(&shifted(-5.0), &to_rtol(1e-10));
    assert!(!solved.converged && solved.x.iter().all(|x| x.is_finite()), "{:?}", solved.reasons);
    let nan = shifted(f64::NAN);
    let solved = solve(&nan, &to_rtol(1e-10));
    assert_eq!(solved.reasons, [StopReason::NotFinite; 3]);
    assert!(solved.x.iter().all(|x| *x == 0.0));

    let calls = Cell::new(0);
    let solved = block_cg_with(&a, 3, &b, &to_rtol(1e-10), &CTX, |state| {
        calls.set(calls.get() + 1);
        assert_eq!(state.iteration, calls.get());
        if state.iteration == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let solved = solved.unwrap();
    assert_eq!((solved.iterations, &solved.reasons[..]), (4, &[StopReason::Stopped; 3][..]));
    let token = CancelToken::new();
    let ctx = CTX.clone().cancel(token.clone());
    let solved = block_cg_with(&a, 3, &b, &to_rtol(1e-10), &ctx, |state| {
        if state.iteration == 4 {
            token.cancel();
        }
        ControlFlow::Continue(())
    });
    let solved = solved.unwrap();
    assert_eq!(solved.reasons, [StopReason::Cancelled; 3]);
    assert!(solved.iterations >= 4 && !solved.converged);
    let error = block_cg(&a, 3, &b, &to_rtol(1e-10), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn wrong_arguments_are_errors() {
    let a = poisson(&[10]);
    let kind = |k: usize, b: &[f64], options: &SolveOptions<'_, f64>| {
        block_cg(&a, k, b, options, &CTX).unwrap_err().kind()
    };
    let b = noises(20);
    assert_eq!(kind(3, &b, &to_rtol(0.1)), ErrorKind::Shape);
    assert_eq!(kind(2, &b, &to_rtol(-0.1)), ErrorKind::Value);
    assert_eq!(kind(usize::MAX, &b, &to_rtol(0.1)), ErrorKind::Shape);
    let options = SolveOptions { x0: Some(&b[..10]), ..to_rtol(0.1) };
    assert_eq!(kind(2, &b, &options), ErrorKind::Shape);
    let mut bad = b.clone();
    bad[13] = f64::NAN;
    assert_eq!(kind(2, &bad, &to_rtol(0.1)), ErrorKind::Value);
    let wide = a.row_range(0..5).unwrap();
    let error = block_cg(&wide, 2, &b[..10], &to_rtol(0.1), &CTX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}

#[test]
fn a_start_and_a_null_space() {
    let a = poisson(&[15, 15]);
    let exact = noises(2 * 225);
    let mut b = vec![0.0; 450];
    a.apply_block(2, &exact, &mut b, &CTX).unwrap();
    let options = SolveOptions { x0: Some(&exact), ..to_rtol(1e-10) };
    let solved = block_cg(&a, 2, &b, &options, &CTX).unwrap();
    assert!(solved.converged && solved.iterations == 0 && solved.x == exact);
    // A rod whose ends are free: constants are its null space.
    let n = 50;
    let rod = |x: &[f64], y: &mut [f64], _: &Context| {
        for i in 0..n {
            let at = |j: usize| x[i] - x[j];
            y[i] = if i > 0 { at(i - 1) } else { 0.0 } + if i + 1 < n { at(i + 1) } else { 0.0 };
        }
        Ok(())
    };
    let rod = FnOperator::new((n, n), rod);
    let ones = vec![1.0; n];
    let options = SolveOptions { nullspace: &[&ones], ..to_rtol(1e-10) };
    let b = noises(3 * n);
    let solved = block_cg(&rod, 3, &b, &options, &CTX).unwrap();
    assert!(solved.converged, "{:?}", solved.reasons);
    for j in 0..3 {
        let one = cg(&rod, &column(&b, 3, j), &options, &CTX).unwrap();
        let x = column(&solved.x, 3, j);
        assert!(one.converged && x.iter().sum::<f64>().abs() < 1e-8);
        assert!(x.iter().zip(&one.x).all(|(x, y)| (x - y).abs() < 1e-5));
    }
}
