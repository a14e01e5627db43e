//! Operators made of others, against the same made of numbers.

use ndarray::{Array2, arr2};
use num_complex::Complex;
use outcore::linalg::{Compose, FnOperator, LinearOperator};
use outcore::{Context, Csr, Dense, ErrorKind, Place};

use crate::numbers::uneven;

type C = Complex<f64>;

fn matrix(nrows: usize, ncols: usize, seed: usize) -> Array2<C> {
    let numbers = uneven(nrows * ncols + seed);
    Array2::from_shape_fn((nrows, ncols), |(i, j)| {
        C::new(numbers[i * ncols + j + seed], numbers[(j * nrows + i + seed) / 2] - 0.5)
    })
}

fn adjoint(a: &Array2<C>) -> Array2<C> {
    a.t().map(C::conj)
}

/// Fails unless all products of an operator are those of a matrix.
fn assert_is(operator: &impl LinearOperator<C>, matrix: &Array2<C>) {
    assert_eq!(operator.shape(), matrix.dim());
    let close = |found: Array2<C>, expected: Array2<C>| {
        let off = (&found - &expected).iter().map(|x| x.norm()).fold(0.0, f64::max);
        assert!(off < 1e-12, "off by {off:e}");
    };
    let (nrows, ncols) = matrix.dim();
    for k in [1, 3] {
        let (x, y) = (self::matrix(ncols, k, 5), self::matrix(nrows, k, 7));
        close(operator.matmat(x.view()).unwrap(), matrix.dot(&x));
        close(operator.rmatmat(y.view()).unwrap(), adjoint(matrix).dot(&y));
    }
    let x = self::matrix(ncols, 1, 3);
    let found = operator.matvec(x.as_slice().unwrap()).unwrap();
    close(Array2::from_shape_vec((nrows, 1), found).unwrap(), matrix.dot(&x));
}

#[test]
fn compositions_are_what_they_say() {
    let (a, b) = (matrix(4, 4, 0), matrix(4, 4, 2));
    let (dense_a, dense_b) = (Dense::from(a.clone()), Dense::from(b.clone()));
    let c = C::new(0.5, -2.0);
    assert_is(&(&dense_a).scaled(c), &a.map(|x| x * c));
    let identity = Array2::from_diag_elem(4, C::new(1.0, 0.0));
    assert_is(&(&dense_a).shifted(c), &(&a + identity.map(|x| x * c)));
    assert_is(&(&dense_a).plus(&dense_b), &(&a + &b));
    assert_is(&(&dense_a).times(&dense_b), &a.dot(&b));
    assert_is(&(&dense_a).adjoint(), &adjoint(&a));
    let means: Vec<C> = (0..4).map(|j| C::new(j as f64, 1.0)).collect();
    let centered = Array2::from_shape_fn((4, 4), |(i, j)| a[[i, j]] - means[j]);
    assert_is(&(&dense_a).centered(means.clone()), &centered);
    // All of them at once, and of shapes that are not square.
    let (tall, wide) = (matrix(6, 4, 1), matrix(4, 5, 3));
    let (dense_tall, dense_wide) = (Dense::from(tall.clone()), Dense::from(wide.clone()));
    let all =
        (&dense_tall).times((&dense_a).plus((&dense_b).adjoint()).scaled(c)).times(&dense_wide);
    let expected = tall.dot(&(&a + adjoint(&b)).map(|x| x * c)).dot(&wide);
    assert_is(&all, &expected);
    let boxed: Box<dyn LinearOperator<C>> = Box::new(all);
    assert_is(&boxed.scaled(C::new(1.0, 0.0)), &expected);
}

#[test]
fn shapes_that_do_not_match_are_errors() {
    let tall = Dense::from(arr2(&[[1.0], [2.0]]));
    let fails = |operator: &dyn LinearOperator<f64>| {
        let (nrows, ncols) = operator.shape();
        assert_eq!(operator.matvec(&vec![1.0; ncols]).unwrap_err().kind(), ErrorKind::Shape);
        assert_eq!(operator.rmatvec(&vec![1.0; nrows]).unwrap_err().kind(), ErrorKind::Shape);
    };
    fails(&(&tall).shifted(1.0));
    fails(&(&tall).times(&tall));
    fails(&(&tall).plus((&tall).adjoint()));
    fails(&(&tall).centered(vec![1.0, 2.0]));
}

#[test]
fn plans_add_up_and_what_has_no_adjoint_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = Context::new();
    let path = folder.path().join("a.bspnpy");
    let a = Csr::<f64>::poisson(&[40, 40], &path, &ctx).unwrap();
    let bytes = |operator: &dyn LinearOperator<f64>| {
        operator.plan_block(false, 1, &ctx).unwrap().cost.bytes_read
    };
    let once = bytes(&a);
    assert!(once > 0);
    assert_eq!(bytes(&(&a).plus(&a)), 2 * once);
    let gram = (&a).adjoint().times(&a);
    assert_eq!(bytes(&gram), once + bytes(&(&a).adjoint()));
    assert_eq!(bytes(&(&a).scaled(2.0).shifted(1.0)), once);
    let forward = FnOperator::new((3, 3), |x: &[f64], y: &mut [f64], _: &Context| {
        y.copy_from_slice(x);
        Ok(())
    });
    let doubled = (&forward).scaled(2.0);
    assert_eq!(doubled.matvec(&[1.0, 2.0, 3.0]).unwrap(), [2.0, 4.0, 6.0]);
    assert_eq!(doubled.rmatvec(&[1.0; 3]).unwrap_err().kind(), ErrorKind::Unsupported);
    let eye = Csr::<f64>::eye(3).copy_to(Place::Memory, &ctx).unwrap();
    assert_eq!((&eye).plus(forward).matvec(&[1.0; 3]).unwrap(), [2.0; 3]);
}
