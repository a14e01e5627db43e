//! Principal components and randomized singular values: against matrices whose answers are known, and larger than
//! memory.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use num_complex::Complex;
use outcore::linalg::{LinearOperator, Operator};
use outcore::spectral::{SvdOptions, pca, randomized_svd};
use outcore::{Context, Csr, Dense, DenseMut, ErrorKind, Order, Place};
use tempfile::tempdir;

use crate::numbers::noise;
use crate::plans::measured;

/// A matrix of rank 4 with singular values 1, 1/10, 1/100, 1/1000 times something, and a little noise.
fn low_rank(shape: (usize, usize), noise_size: f64) -> Array2<f64> {
    let left = Array2::from_shape_fn((shape.0, 4), |(i, r)| noise(i * 4 + r));
    let right = Array2::from_shape_fn((4, shape.1), |(r, j)| noise(900_000 + r * shape.1 + j));
    let scale = Array1::from_vec(vec![1.0, 0.1, 0.01, 0.001]).insert_axis(Axis(1));
    let little = Array2::from_shape_fn(shape, |(i, j)| noise_size * noise(i * shape.1 + j));
    left.dot(&(right * scale)) + little
}

fn orthonormal(vectors: &ArrayView2<'_, f64>) {
    let off = vectors.t().dot(vectors) - Array2::<f64>::eye(vectors.ncols());
    assert!(off.iter().all(|x| x.abs() < 1e-12));
}

#[test]
fn a_matrix_of_low_rank_comes_back() {
    let a = low_rank((3000, 200), 0.0);
    for order in [Order::C, Order::Fortran] {
        let dense = match order {
            Order::C => Dense::from(a.clone()),
            Order::Fortran => Dense::from(a.t().to_owned()).transpose(),
        };
        let ctx = Context::new();
        let svd =
            randomized_svd::<f64>(&dense, 10, &SvdOptions::default(), Place::Memory, &ctx).unwrap();
        // Rounding leaves a fifth value at most; what counts is that the product is the matrix.
        assert!((4..=10).contains(&svd.s.len()) && svd.s.iter().skip(4).all(|&s| s < 1e-12));
        orthonormal(&svd.u.as_ndarray());
        orthonormal(&svd.v.as_ndarray());
        let back =
            (&svd.u.as_ndarray() * &Array1::from_vec(svd.s.clone())).dot(&svd.v.as_ndarray().t());
        assert!((back - &a).iter().all(|x| x.abs() < 1e-12));
        assert_eq!(svd.passes, 6);
    }
}

#[test]
fn larger_than_memory_and_sparse_give_the_bits_of_memory() {
    let folder = tempdir().unwrap();
    let free = Context::new();
    let a = low_rank((60_000, 64), 1e-3);
    let dense = Dense::from(a);
    let stored = dense.copy_to(folder.path().join("a.npy"), &free).unwrap();
    let options = SvdOptions { power_iterations: 1, oversampling: 4, seed: 7 };
    let expected = randomized_svd::<f64>(&dense, 3, &options, Place::Memory, &free).unwrap();
    for threads in [1, 3] {
        let ctx = Context::new().memory_limit(16 << 20).threads(threads).unwrap();
        let operator = Operator::with_vectors(&stored, 2 << 20, &ctx).unwrap();
        let found = randomized_svd::<f64>(&operator, 3, &options, Place::Memory, &ctx).unwrap();
        assert!(
            found.s == expected.s
                && found.u.as_slice() == expected.u.as_slice()
                && found.v.as_slice() == expected.v.as_slice()
        );
        assert_eq!((operator.traffic().sweeps, found.passes), (4, 4));
    }
    // Most of the matrix stays in memory after the first product, and the plan knows.
    let ctx = Context::new().memory_limit(28 << 20);
    let operator = Operator::with_vectors(&stored, 8 << 20, &ctx).unwrap();
    let (_, report) =
        measured(&ctx, |ctx| randomized_svd::<f64>(&operator, 3, &options, Place::Memory, ctx));
    assert!(report.actual.bytes_read < 7 * 64 * 60_000 * 8 / 2, "{report}");
    let tight = Context::new().memory_limit(5 << 20);
    let error = randomized_svd::<f64>(&stored, 3, &options, Place::Memory, &tight).unwrap_err();
    assert!(error.kind() == ErrorKind::Memory && error.to_string().contains("6727168"), "{error}");
    let sparse = Csr::<f64>::random((2000, 300), 0.05, 3, Place::Memory, &free).unwrap();
    let same = sparse.to_dense(Order::C, Place::Memory, &free).unwrap();
    let found =
        randomized_svd::<f64>(&sparse, 5, &SvdOptions::default(), Place::Memory, &free).unwrap();
    let expected =
        randomized_svd::<f64>(&same, 5, &SvdOptions::default(), Place::Memory, &free).unwrap();
    for (found, expected) in found.s.iter().zip(&expected.s) {
        assert!((found - expected).abs() < 1e-10 * expected);
    }
}

#[test]
fn complex_and_odd_operators() {
    let ctx = Context::new();
    let a = Array2::from_shape_fn((40, 30), |(i, j)| {
        Complex::new(noise(i * 30 + j), noise(5000 + i * 30 + j))
    });
    let svd =
        randomized_svd(&Dense::from(a.clone()), 30, &SvdOptions::default(), Place::Memory, &ctx)
            .unwrap();
    let scaled =
        &svd.u.as_ndarray() * &Array1::from_iter(svd.s.iter().map(|&s| Complex::new(s, 0.0)));
    let back = scaled.dot(&svd.v.as_ndarray().t().mapv(|x| x.conj()));
    assert!((back - &a).iter().all(|x| x.norm() < 1e-12));
    for shape in [(0, 0), (0, 3), (3, 0), (1, 1), (3, 2)] {
        let zeros = Dense::from(Array2::<f64>::zeros(shape));
        let svd =
            randomized_svd::<f64>(&zeros, 0, &SvdOptions::default(), Place::Memory, &ctx).unwrap();
        assert!(svd.s.is_empty() && svd.u.shape() == (shape.0, 0) && svd.v.shape() == (shape.1, 0));
        let all = shape.0.min(shape.1);
        assert!(
            randomized_svd::<f64>(&zeros, all, &SvdOptions::default(), Place::Memory, &ctx)
                .unwrap()
                .s
                .is_empty()
        );
        let error =
            randomized_svd::<f64>(&zeros, all + 1, &SvdOptions::default(), Place::Memory, &ctx)
                .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
    }
}

#[test]
fn principal_components_of_rows_far_from_zero() {
    let folder = tempdir().unwrap();
    let free = Context::new();
    let (nrows, ncols) = (60_000, 70);
    // Two known directions with standard deviations near 2 and 1 about a mean of a million, and little else.
    let row = |i: usize, j: usize| {
        let (a, b) = (noise(2 * i), noise(2 * i + 1));
        let first = if j.is_multiple_of(2) { 1.0 } else { 0.0 };
        1e6 + 2.0 * a * first + b * (1.0 - first) + 1e-3 * noise(200_000 + i * ncols + j)
    };
    for order in [Order::C, Order::Fortran] {
        let path = folder.path().join(format!("{order:?}.npy"));
        let mut a = DenseMut::<f64>::create((nrows, ncols), order, &path, &free).unwrap();
        a.as_ndarray_mut().indexed_iter_mut().for_each(|((i, j), x)| *x = row(i, j));
        let a = a.freeze().unwrap();
        let expected =
            pca(&a.copy_to(Place::Memory, &free).unwrap(), 3, Place::Memory, &free).unwrap();
        let found = pca(&a, 3, Place::Memory, &Context::new().memory_limit(16 << 20)).unwrap();
        assert!(
            found.components.as_slice() == expected.components.as_slice()
                && found.variances == expected.variances
        );
        assert_eq!(found.passes, 2);
        orthonormal(&found.components.as_ndarray().t());
        // 35 columns each: a uniform number in [-1, 1] has a variance of a third.
        assert!((found.variances[0] / (35.0 * 4.0 / 3.0) - 1.0).abs() < 0.05);
        assert!((found.variances[1] / (35.0 / 3.0) - 1.0).abs() < 0.05);
        assert!(found.variances[2] < 1e-5);
        for (j, &x) in found.components.row(0).unwrap().iter().enumerate() {
            let expected = if j.is_multiple_of(2) { 1.0 / 35f64.sqrt() } else { 0.0 };
            assert!((x.abs() - expected).abs() < 0.02);
        }
        let explained: f64 = found.variances.iter().sum();
        assert!(explained <= found.total_variance && explained > 0.9999 * found.total_variance);
    }
    let one = Dense::from(Array2::<f32>::zeros((1, 3)));
    assert_eq!(pca(&one, 1, Place::Memory, &free).unwrap_err().kind(), ErrorKind::Shape);
    let narrow = Dense::from(Array2::<f32>::zeros((5, 0)));
    assert_eq!(pca(&narrow, 0, Place::Memory, &free).unwrap().components.shape(), (0, 0));
}

#[test]
fn adjoint_blocks_are_the_adjoint_of_each_vector() {
    let ctx = Context::new();
    let a = Csr::<f64>::random((400, 300), 0.05, 3, Place::Memory, &ctx).unwrap();
    let csc = a.to_csc(Place::Memory, &ctx).unwrap();
    let dense = a.to_dense(Order::C, Place::Memory, &ctx).unwrap();
    let fortran = a.to_dense(Order::Fortran, Place::Memory, &ctx).unwrap();
    let x: Vec<f64> = (0..1200).map(noise).collect();
    let operators: [&dyn LinearOperator<f64>; 6] = [
        &a,
        &csc,
        &dense,
        &fortran,
        &Operator::new(&csc, &ctx).unwrap(),
        &Operator::new(&dense, &ctx).unwrap(),
    ];
    for operator in operators {
        let mut block = vec![f64::NAN; 900];
        operator.apply_adjoint_block(3, &x, &mut block, &ctx).unwrap();
        for r in 0..3 {
            let one: Vec<f64> = x.iter().skip(r).step_by(3).copied().collect();
            let product = operator.rmatvec(&one).unwrap();
            for (found, expected) in block.iter().skip(r).step_by(3).zip(product) {
                assert!((found - expected).abs() < 1e-12);
            }
        }
    }
}
