//! Triangular solves against substitution, in every format, for any threads.

use num_complex::Complex;
use outcore::linalg::{LinearOperator, Multiplies, Scalar};
use outcore::solve::{Triangle, Triangular, solve_triangular};
use outcore::{CancelToken, Context, Csc, Csr, Element, ErrorKind, Location, Place};

use crate::numbers::uneven;

fn two() -> Context {
    Context::new().threads(2).unwrap()
}

/// Rows of pairs of column and number, each column once.
fn rows<X: Scalar>(a: &Csr<X>) -> Vec<Vec<(usize, X)>> {
    a.rows()
        .map(|row| row.indices.iter().zip(row.data).map(|(&j, &x)| (j as usize, x)).collect())
        .collect()
}

/// Substitution row by row, each summed from its first column to its last.
fn substitute<X: Scalar>(a: &Csr<X>, triangle: Triangle, unit: bool, b: &[X]) -> Vec<X> {
    let (rows, n) = (rows(a), a.nrows());
    let mut x = b.to_vec();
    for step in 0..n {
        let i = if triangle == Triangle::Lower { step } else { n - 1 - step };
        let needed = |j: usize| if triangle == Triangle::Lower { j < i } else { j > i };
        let products = rows[i].iter().filter(|(j, _)| needed(*j)).map(|&(j, a)| a * x[j]);
        let sum = products.fold(X::zero(), |sum, product| sum + product);
        x[i] -= sum;
        if !unit {
            x[i] = x[i] / rows[i].iter().find(|(j, _)| *j == i).expect("a diagonal").1;
        }
    }
    x
}

/// A matrix of a grid with a diagonal that dominates, and no symmetry in its values.
fn grid<X: Scalar>(shape: &[usize]) -> Csr<X> {
    let a = Csr::<f64>::poisson(shape, Place::Memory, &two()).unwrap();
    let shifts = uneven(a.nnz());
    let values = a.data().iter().zip(shifts).map(|(a, shift)| X::from_f64(a * (1.0 + shift / 4.0)));
    let values: Vec<X> = values.collect();
    a.with_data(values).unwrap()
}

fn as_substitution<X: Multiplies<X> + Element + Scalar>(shape: &[usize], wide: bool) {
    let a = grid::<X>(shape);
    let n = a.nrows();
    let by_cols: Csc<X> = a.to_csc(Place::Memory, &two()).unwrap();
    let b: Vec<X> = uneven(n).into_iter().map(X::from_f64).collect();
    for triangle in [Triangle::Lower, Triangle::Upper] {
        for unit in [false, true] {
            let exact = substitute(&a, triangle, unit, &b);
            for threads in [1, 2, 3, 8] {
                let ctx = Context::new().threads(threads).unwrap();
                let rows = solve_triangular(&a, triangle, unit, &b, &ctx).unwrap();
                let cols = solve_triangular(&by_cols, triangle, unit, &b, &ctx).unwrap();
                assert!(rows == exact, "{triangle:?}, {threads} threads");
                assert!(cols == exact, "{triangle:?} of CSC, {threads} threads");
            }
            let k = 3;
            let several: Vec<X> = b.iter().flat_map(|&b| [b, -b, b * X::from_f64(0.5)]).collect();
            let found = solve_triangular(&a, triangle, unit, &several, &two()).unwrap();
            for (j, factor) in [1.0, -1.0, 0.5].into_iter().enumerate() {
                let one: Vec<X> = b.iter().map(|&b| b * X::from_f64(factor)).collect();
                let one = substitute(&a, triangle, unit, &one);
                assert!(found.iter().skip(j).step_by(k).eq(&one), "{triangle:?}, vector {j}");
            }
        }
    }
    let prepared = Triangular::<X>::new(&a, Triangle::Lower, false, &two()).unwrap();
    // A level is a diagonal of the grid.
    assert_eq!(prepared.levels(), shape.iter().sum::<usize>() - shape.len() + 1);
    assert_eq!(wide, n / prepared.levels() > 5000);
}

#[test]
fn the_bits_are_those_of_substitution() {
    as_substitution::<f32>(&[15, 20], false);
    as_substitution::<f64>(&[9, 10, 11], false);
    as_substitution::<Complex<f32>>(&[50], false);
    as_substitution::<Complex<f64>>(&[12, 9], false);
}

#[test]
fn wide_levels_are_shared_by_threads() {
    // Rows that need one other each: two levels of 60000.
    let n = 60_000;
    let entries = (0..2 * n).flat_map(|i| {
        let needed = (i >= n).then(|| (i, (i * 7) % n, 0.3));
        needed.into_iter().chain([(i, i, 2.0 + (i % 5) as f64)])
    });
    let a = Csr::<f64>::from_triplets((2 * n, 2 * n), entries, Default::default()).unwrap();
    let b = uneven(2 * n);
    let exact = substitute(&a, Triangle::Lower, false, &b);
    for threads in [1, 2, 3, 8] {
        let ctx = Context::new().threads(threads).unwrap();
        let l = Triangular::<f64>::new(&a, Triangle::Lower, false, &ctx).unwrap();
        assert_eq!(l.levels(), 2);
        let mut x = vec![0.0; 2 * n];
        l.apply(&b, &mut x, &ctx).unwrap();
        assert!(x == exact, "{threads} threads");
        // The transpose of the rows, in another format.
        let upper = a.transpose();
        let x = solve_triangular(&upper, Triangle::Upper, false, &b, &ctx).unwrap();
        let mut y = vec![0.0; 2 * n];
        l.apply_adjoint(&b, &mut y, &ctx).unwrap();
        let close = x.iter().zip(&y).all(|(x, y)| (x - y).abs() <= 1e-12 * x.abs().max(1.0));
        assert!(close, "adjoint, {threads} threads");
    }
}

#[test]
fn the_adjoint_solves_with_the_conjugate_transpose() {
    let a = grid::<Complex<f64>>(&[8, 9]);
    let turned: Vec<_> =
        a.data().iter().enumerate().map(|(k, a)| a * Complex::new(1.0, 0.1 * k as f64)).collect();
    let a = a.with_data(turned).unwrap();
    let b: Vec<_> = uneven(2 * 72).chunks(2).map(|c| Complex::new(c[0], c[1])).collect();
    for triangle in [Triangle::Lower, Triangle::Upper] {
        for unit in [false, true] {
            let t = Triangular::<Complex<f64>>::new(&a, triangle, unit, &two()).unwrap();
            let x = t.rmatvec(&b).unwrap();
            let conjugate: Vec<_> = a.data().iter().map(|a| a.conj()).collect();
            let adjoint = a.with_data(conjugate).unwrap().transpose();
            let other = if triangle == Triangle::Lower { Triangle::Upper } else { Triangle::Lower };
            let exact = solve_triangular(&adjoint, other, unit, &b, &two()).unwrap();
            let largest = exact.iter().map(|x| x.norm()).fold(0.0, f64::max);
            let error = x.iter().zip(&exact).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max);
            assert!(error < 1e-13 * largest, "{triangle:?} {unit}: {error} of {largest}");
        }
    }
}

#[test]
fn what_cannot_be_solved_is_an_error_that_names_its_place() {
    let ctx = two();
    let kind = |found: outcore::Result<Vec<f64>>| found.unwrap_err().kind();
    let wide = Csr::<f64>::zeros((2, 3), Place::Memory, &ctx).unwrap();
    assert_eq!(
        kind(solve_triangular(&wide, Triangle::Lower, false, &[1.0; 2], &ctx)),
        ErrorKind::Shape
    );
    let eye = Csr::<f64>::eye(4);
    for len in [0, 3, 5, 7] {
        let b = vec![1.0; len];
        assert_eq!(
            kind(solve_triangular(&eye, Triangle::Lower, false, &b, &ctx)),
            ErrorKind::Shape
        );
    }
    assert!(
        solve_triangular::<f64, _, _, _, _>(&Csr::<f64>::eye(0), Triangle::Upper, false, &[], &ctx)
            .unwrap()
            .is_empty()
    );
    // A zero, and nothing, on the diagonal; with a unit diagonal neither matters.
    for value in [0.0, f64::NAN] {
        let a = Csr::<f64>::from_parts(
            (3, 3),
            vec![0, 1, 3, 4],
            vec![0, 0, 1, 0],
            vec![1.0, 2.0, value, 4.0],
        )
        .unwrap();
        for triangle in [Triangle::Lower, Triangle::Upper] {
            let error = solve_triangular(&a, triangle, false, &[1.0; 3], &ctx).unwrap_err();
            assert_eq!(
                (error.kind(), error.location()),
                (ErrorKind::Value, Some(&Location::Row(1)))
            );
        }
        if value == 0.0 {
            let x = solve_triangular(&a, Triangle::Lower, true, &[1.0; 3], &ctx).unwrap();
            assert_eq!(x, [1.0, -1.0, -3.0]);
        }
    }
    let tight = Context::new().memory_limit(1 << 10);
    let large = Csr::<f64>::eye(1000);
    assert_eq!(
        kind(solve_triangular(&large, Triangle::Lower, false, &[1.0; 1000], &tight)),
        ErrorKind::Memory
    );
    let token = CancelToken::new();
    token.cancel();
    let cancelled = two().cancel(token);
    assert_eq!(
        kind(solve_triangular(&eye, Triangle::Lower, false, &[1.0; 4], &cancelled)),
        ErrorKind::Cancelled
    );
}
