//! Sums and norms where it is hard: of nothing, of many numbers, of integers beyond 2⁵³, of numbers whose squares
//! overflow or vanish; in memory and in files, dense and sparse.

use ndarray::Array2;
use num_complex::Complex;
use num_traits::{Float, ToPrimitive};
use outcore::linalg::{LinearOperator, Multiplies, NormOrder, Operator, Scalar, dot, norm};
use outcore::{Context, Coo, Csc, Csr, Dense, DenseMut, Duplicates, ErrorKind, Order, Place};
use tempfile::tempdir;

use crate::plans::measured;

/// 2⁵³, beyond which not every integer is an `f64`.
const BIG: i64 = 1 << 53;

fn bits<X: Scalar<Real = X> + ToPrimitive>(x: X) -> u64 {
    x.to_f64().unwrap().to_bits()
}

fn sums_of_nothing<X: Scalar<Real = X> + Multiplies<X> + ToPrimitive>() {
    let ctx = Context::new();
    assert_eq!(bits(norm::<X>(&[], &ctx)), 0);
    assert_eq!(bits(dot::<X>(&[], &[], &ctx).unwrap()), 0);
    assert_eq!(bits(norm(&[-X::zero(); 5], &ctx)), 0);
    assert_eq!(bits(dot(&[-X::zero(); 5], &[X::one(); 5], &ctx).unwrap()), 0);
    for shape in [(0, 0), (0, 3), (3, 0)] {
        let dense = Dense::from(Array2::<X>::zeros(shape));
        let csr = Csr::<X>::from_triplets(shape, [], Duplicates::Sum).unwrap();
        let coo = Coo::<X>::from_triplets(shape, []).unwrap();
        let sums = [dense.sum::<X>(&ctx), csr.sum(&ctx), coo.sum(&ctx)];
        let norms = [dense.norm_fro::<X>(&ctx), csr.norm_fro::<X>(&ctx), coo.norm_fro::<X>(&ctx)];
        for x in sums.into_iter().chain(norms) {
            assert_eq!(bits(x.unwrap()), 0);
        }
        let zeros = vec![X::one(); shape.1];
        assert!(csr.matvec(&zeros).unwrap().into_iter().all(|x| bits(x) == 0));
        assert!(dense.matvec(&zeros).unwrap().into_iter().all(|x| bits(x) == 0));
    }
}

#[test]
fn sums_of_nothing_are_positive_zeros() {
    sums_of_nothing::<f64>();
    sums_of_nothing::<f32>();
    let ctx = Context::new();
    for axis in [0, 1] {
        let empty = Csr::<f64>::from_triplets((3, 4), [], Duplicates::Sum).unwrap();
        let stats = empty.stats(axis, &ctx).unwrap();
        assert!(stats.sums().iter().chain(&stats.variances(0)).all(|x| x.to_bits() == 0));
        for order in [NormOrder::L1, NormOrder::L2, NormOrder::Max] {
            assert!(empty.norms(axis, order, &ctx).unwrap().iter().all(|x| x.to_bits() == 0));
        }
        let dense = Dense::from(Array2::<f64>::zeros((0, 4)));
        assert!(dense.stats(axis, &ctx).unwrap().sums().iter().all(|x| x.to_bits() == 0));
    }
}

fn norms_of_size<X: Scalar + Multiplies<X>>(size: f64, off: f64)
where
    X::Real: Float + ToPrimitive,
{
    let ctx = Context::new();
    let near = |x: X::Real, expected: f64| {
        let x = x.to_f64().unwrap();
        assert!((x / expected - 1.0).abs() < off, "{x} and {expected}");
    };
    let numbers = vec![X::from_f64(size); 4];
    near(norm(&numbers, &ctx), 2.0 * size);
    let many = vec![X::from_f64(-size); 40_000];
    near(norm(&many, &ctx), 200.0 * size);
    // The largest counts, in whatever run it stands.
    let mut uneven = vec![X::from_f64(size * 1e-12); 40_000];
    uneven[39_999] = X::from_f64(size);
    near(norm(&uneven, &ctx), size);
    let dense = Dense::from(Array2::from_elem((2, 2), X::from_f64(size)));
    near(dense.norm_fro::<X>(&ctx).unwrap(), 2.0 * size);
    let csr = dense.to_csr::<u32, u32>(Place::Memory, &ctx).unwrap();
    near(csr.norm_fro::<X>(&ctx).unwrap(), 2.0 * size);
    near(csr.to_coo(Place::Memory, &ctx).unwrap().norm_fro::<X>(&ctx).unwrap(), 2.0 * size);
}

#[test]
fn norms_of_extreme_magnitudes_are_scaled() {
    for size in [1e200, 1e-200, 1e-155, 1e155, 8e305, 1e-300, 3e-320] {
        norms_of_size::<f64>(size, if size < 1e-307 { 1e-3 } else { 1e-10 });
        norms_of_size::<Complex<f64>>(size, if size < 1e-307 { 1e-3 } else { 1e-10 });
    }
    for size in [1e25, 1e-25, 1e-19, 1e19, 1e36, 1e-37, 1e-42] {
        norms_of_size::<f32>(size, if size < 1e-36 { 1e-2 } else { 1e-4 });
        norms_of_size::<Complex<f32>>(size, if size < 1e-36 { 1e-2 } else { 1e-4 });
    }
    let ctx = Context::new();
    assert_eq!(norm(&[1e200; 4], &ctx), 2e200);
    assert_eq!(norm(&[1e-200; 4], &ctx), 2e-200);
    assert_eq!(norm(&[f64::MAX, f64::MAX], &ctx), f64::INFINITY);
    assert_eq!(norm(&[5e-324], &ctx), 5e-324);
    assert_eq!(norm(&[1.0, f64::INFINITY], &ctx), f64::INFINITY);
    assert_eq!(norm(&[Complex::new(0.0, f64::NEG_INFINITY)], &ctx), f64::INFINITY);
    for numbers in [[f64::NAN, 1.0], [1e200, f64::NAN], [f64::INFINITY, f64::NAN]] {
        assert!(norm(&numbers, &ctx).is_nan());
    }
    let half = f64::MAX * 0.75;
    let corner = norm(&[Complex::new(half, half)], &ctx);
    assert!((corner / half / 2f64.sqrt() - 1.0).abs() < 1e-15 || corner.is_infinite());
    // Entries of a narrow type, computed in a wide one.
    let a = Dense::from(Array2::from_elem((2, 2), 1e-30f32));
    assert!((a.norm_fro::<f64>(&ctx).unwrap() / 2e-30 - 1.0).abs() < 1e-7);
}

#[test]
fn norms_of_lines_of_extreme_magnitudes() {
    let folder = tempdir().unwrap();
    let free = Context::new();
    // Row i holds four entries of a size of its own; row 6 nothing, row 7 zeros, rows 8 and 9 numbers that are not
    // finite.
    let sizes = [1.0, 1e200, 1e-200, 3e-320, 1e155, 1e-158, 0.0, 0.0, 1.0, 1.0];
    let mut triplets = Vec::new();
    for (i, &size) in sizes.iter().enumerate().filter(|(i, _)| *i != 6) {
        triplets.extend((0..4).map(|j| (i, 3 * j + i % 3, if j == 1 { -size } else { size })));
    }
    triplets[7 * 4 + 1].2 = f64::INFINITY;
    triplets[8 * 4 - 4 + 2].2 = f64::NAN;
    let csr = Csr::<f64>::from_triplets((10, 14), triplets, Duplicates::Sum).unwrap();
    let expected = |i: usize| -> f64 {
        let line = csr.row(i).unwrap();
        let largest = line.data.iter().fold(0.0f64, |a, x| a.max(x.abs()));
        if line.data.iter().any(|x| x.is_nan()) {
            return f64::NAN;
        }
        if largest == 0.0 || largest.is_infinite() {
            return largest;
        }
        largest * line.data.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
    };
    let csc = csr.to_csc(Place::Memory, &free).unwrap();
    let stored = csr.copy_to(folder.path().join("a"), &free).unwrap();
    for ctx in [Context::new(), Context::new().threads(3).unwrap()] {
        for norms in [
            csr.norms(1, NormOrder::L2, &ctx).unwrap(),
            csc.norms(1, NormOrder::L2, &ctx).unwrap(),
            stored.norms(1, NormOrder::L2, &ctx).unwrap(),
            csr.transpose().norms(0, NormOrder::L2, &ctx).unwrap(),
        ] {
            for (i, &norm) in norms.iter().enumerate() {
                let expected = expected(i);
                let same = norm == expected || (norm / expected - 1.0).abs() < 1e-3;
                assert!(same || norm.is_nan() && expected.is_nan(), "{i}: {norm} {expected}");
            }
            assert_eq!((norms[0], norms[1], norms[2]), (2.0, 2e200, 2e-200));
        }
    }
}

#[test]
fn extreme_norms_in_files_larger_than_the_limit() {
    let folder = tempdir().unwrap();
    let free = Context::new();
    let tight = Context::new().memory_limit(3 << 20).threads(2).unwrap();
    let a = Csr::<f64>::random((20_000, 3000), 0.01, 3, Place::Memory, &free).unwrap();
    for size in [1e-200, 1e200] {
        let scaled = a.scale(size, folder.path().join(format!("{size:e}")), &free).unwrap();
        let (found, expected) =
            (scaled.norm_fro::<f64>(&tight).unwrap(), a.norm_fro::<f64>(&free).unwrap());
        assert!((found / size / expected - 1.0).abs() < 1e-14);
        assert_eq!(
            found,
            scaled.copy_to(Place::Memory, &free).unwrap().norm_fro::<f64>(&free).unwrap()
        );
        for axis in [0, 1] {
            let found = scaled.norms(axis, NormOrder::L2, &tight).unwrap();
            let expected = a.norms(axis, NormOrder::L2, &free).unwrap();
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found / size - expected).abs() <= 1e-14 * expected);
            }
        }
    }
}

#[test]
fn integers_are_summed_as_integers() {
    let ctx = Context::new();
    let right = 9007199254740994.0;
    let numbers = [BIG, 1, 1];
    let row = Dense::from(ndarray::arr2(&[numbers]));
    let column = row.transpose();
    let csr = row.to_csr::<u32, u32>(Place::Memory, &ctx).unwrap();
    let (csc, coo) =
        (csr.to_csc(Place::Memory, &ctx).unwrap(), csr.to_coo(Place::Memory, &ctx).unwrap());
    assert_eq!(row.sum::<f64>(&ctx).unwrap(), right);
    assert_eq!(csr.sum::<f64>(&ctx).unwrap(), right);
    assert_eq!(csc.sum::<Complex<f64>>(&ctx).unwrap().re, right);
    assert_eq!(coo.sum::<f64>(&ctx).unwrap(), right);
    assert_eq!((row.exact_sum(&ctx).unwrap(), coo.exact_sum(&ctx).unwrap()), (BIG + 2, BIG + 2));
    assert_eq!(row.row_stats(&ctx).unwrap().sums(), [right]);
    assert_eq!(column.column_stats(&ctx).unwrap().sums(), [right]);
    assert_eq!(column.copy_in(Order::C).column_stats(&ctx).unwrap().sums(), [right]);
    assert_eq!(csr.row_stats(&ctx).unwrap().sums(), [right]);
    assert_eq!(csc.row_stats(&ctx).unwrap().sums(), [right]);
    assert_eq!(csr.transpose().column_stats(&ctx).unwrap().sums(), [right]);
    // Entries that are no f64 themselves.
    let odd = Dense::from(ndarray::arr2(&[[BIG + 1, 1, -BIG]]));
    assert_eq!(odd.sum::<f64>(&ctx).unwrap(), 2.0);
    assert_eq!(odd.row_stats(&ctx).unwrap().sums(), [2.0]);
    let unsigned = Dense::from(ndarray::arr2(&[[u64::MAX, u64::MAX, 1]]));
    assert_eq!(unsigned.sum::<f64>(&ctx).unwrap(), 36893488147419103232.0);
    assert_eq!(unsigned.exact_sum(&ctx).unwrap_err().kind(), ErrorKind::Value);
    let least = Dense::from(ndarray::arr2(&[[i64::MIN, i64::MIN, i64::MAX, i64::MAX, 3]]));
    assert_eq!((least.sum::<f64>(&ctx).unwrap(), least.exact_sum(&ctx).unwrap()), (1.0, 1));
    assert_eq!(least.row_stats(&ctx).unwrap().sums(), [1.0]);
    // Single precision: partial sums may be beyond 2²⁴.
    let bytes = Dense::from(Array2::from_elem((1000, 300), 101i8));
    assert_eq!(bytes.sum::<f32>(&ctx).unwrap(), 30_300_000.0);
    let yes = Dense::from(Array2::from_elem((6000, 3000), true));
    assert_eq!(yes.sum::<f32>(&ctx).unwrap(), 18_000_000.0);
    assert_eq!(Csr::<i16>::eye(70).sum::<f32>(&ctx).unwrap(), 70.0);
    assert_eq!(Csr::<f64>::eye(70).pattern().sum::<f64>(&ctx).unwrap(), 70.0);
}

trait CopyIn {
    fn copy_in(&self, order: Order) -> Self;
}

impl CopyIn for Dense<i64> {
    fn copy_in(&self, order: Order) -> Self {
        let ctx = Context::new();
        let mut copy = DenseMut::create(self.shape(), order, Place::Memory, &ctx).unwrap();
        copy.as_ndarray_mut().assign(&self.as_ndarray());
        copy.freeze().unwrap()
    }
}

#[test]
fn integers_of_long_columns_and_files_are_summed_as_integers() {
    let folder = tempdir().unwrap();
    let free = Context::new();
    let number = |i: usize, j: usize| {
        (BIG + (i * 7 + j) as i64 % 5) * if i.is_multiple_of(2) { 1 } else { -1 } + 1
    };
    let (nrows, ncols) = (300_000, 3);
    let exact = |j: usize| (0..nrows).map(|i| i128::from(number(i, j))).sum::<i128>() as f64;
    for order in [Order::C, Order::Fortran] {
        let path = folder.path().join(format!("{order:?}.npy"));
        let mut a = DenseMut::<i64>::create((nrows, ncols), order, &path, &free).unwrap();
        a.as_ndarray_mut().indexed_iter_mut().for_each(|((i, j), x)| *x = number(i, j));
        let a = a.freeze().unwrap();
        for ctx in [Context::new(), Context::new().memory_limit(4 << 20).threads(2).unwrap()] {
            let sums = a.column_stats(&ctx).unwrap().sums();
            assert_eq!(sums, (0..ncols).map(exact).collect::<Vec<_>>());
            let all = (0..nrows)
                .map(|i| (0..ncols).map(|j| i128::from(number(i, j))).sum::<i128>())
                .sum::<i128>();
            assert_eq!(a.sum::<f64>(&ctx).unwrap(), all as f64);
        }
        let csr = a.to_csr::<u32, u32>(Place::Memory, &free).unwrap();
        assert_eq!(
            csr.column_stats(&free).unwrap().sums(),
            (0..ncols).map(exact).collect::<Vec<_>>()
        );
        let csc: Csc<i64> = csr.to_csc(Place::Memory, &free).unwrap();
        assert_eq!(
            csc.column_stats(&free).unwrap().sums(),
            (0..ncols).map(exact).collect::<Vec<_>>()
        );
    }
}

#[test]
fn products_of_integers_with_integers_are_exact() {
    let ctx = Context::new().threads(2).unwrap();
    let right = 9007199254740994.0;
    let rows = [[BIG, 1, 1], [BIG + 1, 1, 0], [-BIG, 1, BIG], [1, 1, 1]];
    let expected = [right, right, 1.0, 3.0];
    let dense = Dense::from(ndarray::arr2(&rows));
    let fortran = Dense::from(dense.as_ndarray().t().to_owned()).transpose();
    let csr = dense.to_csr::<u32, u32>(Place::Memory, &ctx).unwrap();
    let csc = csr.to_csc(Place::Memory, &ctx).unwrap();
    let operators: [&dyn LinearOperator<f64>; 7] = [
        &dense,
        &fortran,
        &csr,
        &csc,
        &Operator::new(&csr, &ctx).unwrap(),
        &Operator::with_adjoint(&csc, &ctx).unwrap(),
        &Operator::new(&dense, &ctx).unwrap(),
    ];
    for (k, a) in operators.into_iter().enumerate() {
        assert_eq!(a.matvec(&[1.0; 3]).unwrap(), expected, "{k}");
        let block = a.matmat(Array2::from_elem((3, 2), 1.0).view()).unwrap();
        assert_eq!(block.column(1).to_vec(), expected, "{k}");
        let sums: Vec<f64> = (0..3)
            .map(|j| rows.iter().map(|row| i128::from(row[j])).sum::<i128>() as f64)
            .collect();
        assert_eq!(a.rmatvec(&[1.0; 4]).unwrap(), sums, "{k}");
        // Other numbers are multiplied as numbers.
        assert_eq!(a.matvec(&[0.5; 3]).unwrap()[3], 1.5);
    }
    let a = Csr::<u64>::from_triplets(
        (1, 3),
        [(0, 0, u64::MAX), (0, 1, 1), (0, 2, 1 << 63)],
        Duplicates::Sum,
    )
    .unwrap();
    assert_eq!(a.matvec(&[1.0, 1.0, -2.0]).unwrap(), [0.0]);
    let z = Complex::new(1.0, -1.0);
    assert_eq!(csr.matvec(&[z; 3]).unwrap()[0], Complex::new(right, -right));
}

#[test]
fn many_numbers_are_summed_in_pairs() {
    let ctx = Context::new().threads(2).unwrap();
    let n = 10_000_000;
    let tenths = vec![0.1f32; n];
    let exact = n as f64 * f64::from(0.1f32);
    let off = |sum: f64, exact: f64| (sum / exact - 1.0).abs();
    let dense = Dense::from(Array2::from_shape_vec((n, 1), tenths).unwrap());
    assert!(off(dense.sum::<f32>(&ctx).unwrap().into(), exact) < 2e-7);
    let squares = f64::from(0.1f32) * f64::from(0.1f32) * n as f64;
    assert!(off(norm(dense.as_slice(), &ctx).into(), squares.sqrt()) < 3e-7);
    assert!(off(dot(dense.as_slice(), dense.as_slice(), &ctx).unwrap().into(), squares) < 6e-7);
    assert!(off(dense.norm_fro::<f32>(&ctx).unwrap().into(), squares.sqrt()) < 3e-7);
    let column = dense.column_stats(&ctx).unwrap();
    assert!(off(column.sums()[0], exact) < 1e-15);
    let wide = Dense::from(Array2::from_elem((n, 1), 0.1f64));
    let csr = wide.to_csr::<u32, u32>(Place::Memory, &ctx).unwrap();
    for sum in [
        wide.sum::<f64>(&ctx).unwrap(),
        wide.column_stats(&ctx).unwrap().sums()[0],
        wide.transpose().row_stats(&ctx).unwrap().sums()[0],
        csr.sum::<f64>(&ctx).unwrap(),
        csr.column_stats(&ctx).unwrap().sums()[0],
        csr.to_csc(Place::Memory, &ctx).unwrap().column_stats(&ctx).unwrap().sums()[0],
    ] {
        assert!(off(sum, 1e6) < 3e-15, "{sum}");
    }
}

#[test]
fn threads_and_panels_do_not_change_a_sum() {
    let folder = tempdir().unwrap();
    let free = Context::new();
    let numbers = Array2::from_shape_fn((200_003, 7), |(i, j)| ((i * 7 + j) as f64 * 0.37).sin());
    let a = Dense::from(numbers).copy_to(folder.path().join("a.npy"), &free).unwrap();
    let all = |ctx: &Context| {
        let mut found = vec![a.sum::<f64>(ctx).unwrap(), a.norm_fro::<f64>(ctx).unwrap()];
        found.extend([norm(a.as_slice(), ctx), dot(a.as_slice(), a.as_slice(), ctx).unwrap()]);
        found.extend(a.column_stats(ctx).unwrap().sums());
        found.extend(a.column_stats(ctx).unwrap().variances(1));
        found.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    let expected = all(&free);
    for threads in [1, 2, 3, 8] {
        assert_eq!(all(&Context::new().threads(threads).unwrap()), expected);
        let tight = Context::new().memory_limit(4 << 20).threads(threads).unwrap();
        assert_eq!(all(&tight), expected);
    }
}

#[test]
fn blocks_of_vectors_without_numbers_are_multiplied_with_integers() {
    for (rows, cols) in [(0, 3), (3, 0), (0, 0)] {
        let sparse =
            Csr::<i64>::from_parts((rows, cols), vec![0; rows + 1], vec![], vec![]).unwrap();
        let dense = sparse.to_dense(Order::C, Place::Memory, &Context::new()).unwrap();
        let (x, y) = (vec![2.0f64; cols * 3], vec![2.0f64; rows * 3]);
        let operators: [&dyn LinearOperator<f64>; 2] = [&sparse, &dense];
        for a in operators {
            let (mut ax, mut ay) = (vec![f64::NAN; rows * 3], vec![f64::NAN; cols * 3]);
            a.apply_block(3, &x, &mut ax, &Context::new()).unwrap();
            a.apply_adjoint_block(3, &y, &mut ay, &Context::new()).unwrap();
            assert!(ax.iter().chain(&ay).all(|&x| x == 0.0));
        }
    }
}

/// Sums of rows and columns: those of small integers exactly, and with the same bits for any threads, place and limit.
fn sums_of_an_axis<T>(shape: (usize, usize))
where
    T: outcore::Element + num_traits::FromPrimitive + outcore::linalg::Factor<f64>,
{
    let folder = tempdir().unwrap();
    let number = |i: usize, j: usize| (i * 31 + j * 17) % 101;
    let exact = Array2::from_shape_fn(shape, |(i, j)| number(i, j) as f64);
    let whole = exact.mapv(|x| T::from_f64(x).unwrap());
    let free = Context::new();
    for (n, order) in [Order::C, Order::Fortran].into_iter().enumerate() {
        let a = Dense::from(whole.clone()).to_order(order, Place::Memory, &free).unwrap();
        let stored = a.copy_to(folder.path().join(format!("{n}.npy")), &free).unwrap();
        let little = Context::new().memory_limit((3 << 20) + 48 * (shape.0 + shape.1) as u64);
        for axis in [0, 1] {
            let expected = exact.sum_axis(ndarray::Axis(axis)).to_vec();
            for threads in [1, 2] {
                let ctx = free.clone().threads(threads).unwrap();
                assert_eq!(a.sum_axis(axis, &ctx).unwrap(), expected, "{shape:?} {order:?}");
            }
            assert_eq!(stored.sum_axis(axis, &little).unwrap(), expected, "{shape:?} {order:?}");
        }
        assert_eq!(a.sum_axis(2, &free).unwrap_err().kind(), ErrorKind::Shape);
    }
}

#[test]
fn sums_of_rows_and_columns() {
    for shape in [(0, 3), (3, 0), (1, 1), (3, 200), (70_001, 7), (130, 20_000), (2, 400_000)] {
        sums_of_an_axis::<f64>(shape);
        sums_of_an_axis::<f32>(shape);
        sums_of_an_axis::<u8>(shape);
        sums_of_an_axis::<i64>(shape);
    }
}

#[test]
fn sums_of_rows_and_columns_have_the_same_bits_everywhere() {
    let folder = tempdir().unwrap();
    let whole = Array2::from_shape_fn((40_000, 33), |(i, j)| 1.0 / (1 + i * 33 + j) as f64);
    let a = Dense::from(whole.clone());
    let stored = a.copy_to(folder.path().join("a.npy"), &Context::new()).unwrap();
    for axis in [0, 1] {
        let one = a.sum_axis(axis, &Context::new().threads(1).unwrap()).unwrap();
        let two = a.sum_axis(axis, &Context::new().threads(2).unwrap()).unwrap();
        let read = stored.sum_axis(axis, &Context::new().memory_limit(2 << 20)).unwrap();
        assert_eq!(one, two);
        assert_eq!(one, read);
        for (sum, near) in one.iter().zip(whole.sum_axis(ndarray::Axis(axis))) {
            assert!((sum / near - 1.0).abs() < 1e-13, "{sum} {near}");
        }
    }
    // What is not a number, or infinite, comes through.
    let odd = Dense::from(ndarray::arr2(&[[f64::NAN, f64::INFINITY], [1.0, 2.0]]));
    let sums = odd.sum_axis(0, &Context::new()).unwrap();
    assert!(sums[0].is_nan() && sums[1] == f64::INFINITY, "{sums:?}");
}

/// Long lines are summed in bands of the whole matrix in memory, in bands that are read or in panels of lines.
#[test]
fn sums_across_long_lines_have_the_same_bits_everywhere() {
    let folder = tempdir().unwrap();
    for (name, shape, limit) in [("bands", (5, 300_000), 6 << 20), ("panels", (300, 9000), 3 << 20)]
    {
        let whole = Array2::from_shape_fn(shape, |(i, j)| 1.0 / (1 + i * shape.1 + j) as f64);
        let a = Dense::from(whole.clone());
        let stored = a.copy_to(folder.path().join(name), &Context::new()).unwrap();
        let one = a.sum_axis(0, &Context::new().threads(1).unwrap()).unwrap();
        let three = a.sum_axis(0, &Context::new().threads(3).unwrap()).unwrap();
        let ctx = Context::new().memory_limit(limit);
        let (read, report) = measured(&ctx, |ctx| stored.sum_axis(0, ctx));
        assert_eq!(one, three, "{name}");
        assert_eq!(one, read, "{name}");
        assert!(report.actual.peak_memory <= limit, "{name}: {report:?}");
        for (sum, near) in one.iter().zip(whole.sum_axis(ndarray::Axis(0))) {
            assert!((sum / near - 1.0).abs() < 1e-13, "{name}: {sum} {near}");
        }
    }
}

#[test]
fn the_largest_and_the_smallest_element_are_found() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    for order in [Order::C, Order::Fortran] {
        let mut whole = Array2::from_shape_fn((700, 900), |(i, j)| ((i * 7 + j * 3) % 50) as i32);
        whole[[13, 899]] = 99;
        whole[[500, 2]] = 99;
        whole[[699, 0]] = -1;
        let a = Dense::from(whole).to_order(order, Place::Memory, &ctx).unwrap();
        let stored = a.copy_to(folder.path().join(format!("{order:?}.npy")), &ctx).unwrap();
        let little = Context::new().memory_limit(1 << 20);
        for (a, ctx) in [(&a, &ctx), (&stored, &little)] {
            assert_eq!(a.argmax(ctx).unwrap(), (13, 899));
            assert_eq!(a.argmin(ctx).unwrap(), (699, 0));
        }
    }
    let nan = Dense::from(ndarray::arr2(&[[1.0, f64::NAN], [f64::NAN, 9.0]]));
    assert_eq!((nan.argmax(&ctx).unwrap(), nan.argmin(&ctx).unwrap()), ((0, 1), (0, 1)));
    let none = Dense::from(Array2::<f64>::zeros((0, 4)));
    assert_eq!(none.argmax(&ctx).unwrap_err().kind(), ErrorKind::Shape);
}

/// Rows and columns with duplicates in any order, whatever the threads, the limit and the place.
#[test]
fn sums_of_sparse_rows_and_columns_in_any_order() {
    let (shape, nnz) = ((3_000, 700), 400_000usize);
    // The first line is long.
    let row = |k: usize| if k < 150_000 { 0 } else { k * 13 % shape.0 };
    let mut entries: Vec<_> =
        (0..nnz).map(|k| (row(k), k * 7919 % shape.1, 0.1 + k as f64)).collect();
    entries.sort_by_key(|entry| entry.0);
    let mut indptr = vec![0u64; shape.0 + 1];
    entries.iter().for_each(|entry| indptr[entry.0 + 1] += 1);
    (0..shape.0).for_each(|i| indptr[i + 1] += indptr[i]);
    let (indices, data): (Vec<u32>, Vec<f64>) =
        entries.iter().map(|&(_, j, x)| (j as u32, x)).unzip();
    let a = Csr::<f64, u32, u64>::from_parts(shape, indptr, indices, data).unwrap();
    let mut expected = [vec![0.0; shape.1], vec![0.0; shape.0]];
    for &(i, j, x) in &entries {
        expected[0][j] += x;
        expected[1][i] += x;
    }
    let folder = tempdir().unwrap();
    let free = Context::new();
    let stored = a.copy_to(folder.path().join("a"), &free).unwrap();
    let csc = a.to_csc(Place::Memory, &free).unwrap();
    for axis in [0, 1] {
        let sums = a.sum_axis(axis, &free.clone().threads(1).unwrap()).unwrap();
        for ((sum, near), other) in
            sums.iter().zip(&expected[axis]).zip(csc.sum_axis(axis, &free).unwrap())
        {
            assert!((sum - near).abs() <= 1e-10 * near && (sum - other).abs() <= 1e-14 * near);
        }
        for (threads, limit) in [(1, 1 << 20), (3, 1 << 20), (2, 1 << 30)] {
            let ctx = Context::new().threads(threads).unwrap().memory_limit(limit);
            let (read, report) = measured(&ctx, |ctx| stored.sum_axis(axis, ctx));
            assert_eq!((read, report.plan.operation), (sums.clone(), "sums"));
            assert!(report.plan.cost.peak_memory <= limit, "{report}");
            assert_eq!(a.sum_axis(axis, &ctx).unwrap(), sums);
        }
        let error = a.sum_axis(axis, &Context::new().memory_limit(1 << 10)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Memory);
        let error = a.stats(axis, &free).unwrap_err();
        assert!(error.to_string().contains("canonicalize"), "{error}");
    }
    assert_eq!(a.sum_axis(2, &free).unwrap_err().kind(), ErrorKind::Shape);
    let whole =
        Csr::<i64>::from_parts((1, 1), vec![0, 3], vec![0; 3], vec![1 << 53, 1, 1]).unwrap();
    for axis in [0, 1] {
        assert_eq!(whole.sum_axis(axis, &free).unwrap(), [(BIG + 2) as f64]);
    }
}
