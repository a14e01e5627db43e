//! Dense operations under a limit far below the size of the file: the bits of the same operation in memory.

use ndarray::{Array2, Axis};
use num_complex::Complex;
use outcore::{CancelToken, Context, Dense, DenseMut, Element, ErrorKind, Order, Place};
use tempfile::{TempDir, tempdir};

use crate::numbers::close;
use crate::plans::measured;

/// Numbers that make every rounding visible, with a large mean.
fn number(i: usize) -> f64 {
    1.0 / (i % 997 + 1) as f64 - (i / 7 % 13) as f64 + 100.0
}

/// A stored matrix and its copy in memory.
struct Stored<T: Element> {
    _folder: TempDir,
    file: Dense<T>,
    memory: Dense<T>,
}

fn stored<T: Element>(
    shape: (usize, usize),
    order: Order,
    number: impl Fn(usize) -> T,
) -> Stored<T> {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let mut a = DenseMut::<T>::create(shape, order, folder.path().join("a.npy"), &ctx).unwrap();
    a.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = number(i));
    let file = a.freeze().unwrap();
    let memory = file.copy_to(Place::Memory, &ctx).unwrap();
    Stored { _folder: folder, file, memory }
}

fn limited(mib: u64, threads: usize) -> Context {
    Context::new().memory_limit(mib << 20).threads(threads).unwrap()
}

/// The bits of statistics, NaNs included.
pub(crate) fn bits(stats: &outcore::linalg::Stats) -> Vec<u64> {
    let all = [stats.sums(), stats.means(), stats.variances(0), stats.mins(), stats.maxs()];
    all.iter().flatten().map(|x| x.to_bits()).chain(stats.nans()).collect()
}

#[test]
fn statistics_are_those_of_the_matrix_in_memory() {
    let shapes = [(20_000, 110), (600_000, 3), (60, 35_000)];
    for order in [Order::C, Order::Fortran] {
        for shape in shapes {
            let Stored { file, memory, _folder } = stored(shape, order, number);
            for axis in [0, 1] {
                let free = memory.stats(axis, &limited(1000, 1)).unwrap();
                let limit = 5 + ((free.sums().len() as u64 * 40) >> 20);
                let streamed = file.stats(axis, &limited(limit, 3)).unwrap();
                assert_eq!(bits(&free), bits(&streamed), "{shape:?} {order:?} axis {axis}");
                let view = memory.as_ndarray();
                close(&free.sums(), &view.sum_axis(Axis(axis)).to_vec(), 1e-11);
                close(&free.variances(0), &view.var_axis(Axis(axis), 0.0).to_vec(), 1e-9);
                let least = view.fold_axis(Axis(axis), f64::INFINITY, |a, b| a.min(*b));
                assert_eq!(free.mins(), least.to_vec());
                let most = view.fold_axis(Axis(axis), f64::NEG_INFINITY, |a, b| a.max(*b));
                assert_eq!(free.maxs(), most.to_vec());
            }
        }
    }
}

#[test]
fn statistics_of_odd_matrices() {
    let ctx = Context::new();
    for shape in [(0, 0), (0, 3), (3, 0), (1, 1)] {
        let a = Dense::from(Array2::<f32>::from_elem(shape, 7.0));
        let stats = a.column_stats(&ctx).unwrap();
        assert_eq!((stats.count(), stats.sums()), (shape.0, vec![7.0 * shape.0 as f64; shape.1]));
        assert!(stats.mins().iter().all(|x| x.is_nan() == (shape.0 == 0)));
        assert_eq!(a.row_stats(&ctx).unwrap().sums(), vec![7.0 * shape.1 as f64; shape.0]);
    }
    let mut a = Array2::<f32>::from_shape_fn((5000, 20), |(i, j)| (i * 20 + j) as f32);
    (a[[17, 3]], a[[4999, 3]], a[[2, 5]], a[[9, 5]]) =
        (f32::NAN, f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
    let stats = Dense::from(a).column_stats(&ctx).unwrap();
    assert_eq!((stats.nans()[3], stats.nans()[5]), (2, 0));
    assert!(stats.sums()[3].is_nan() && stats.sums()[5].is_nan() && stats.mins()[3].is_nan());
    assert_eq!((stats.mins()[5], stats.maxs()[5]), (f64::NEG_INFINITY, f64::INFINITY));
    let flags = Dense::from(ndarray::arr2(&[[true, false], [true, true]]));
    assert_eq!(flags.column_stats(&ctx).unwrap().sums(), [2.0, 1.0]);
    assert_eq!(flags.stats(2, &ctx).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn limits_and_cancelling_are_obeyed() {
    let Stored { file, _folder, .. } = stored((40_000, 110), Order::C, number);
    let error = file.row_stats(&limited(1, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    assert!(error.to_string().contains("1600000 bytes"), "{error}");
    let token = CancelToken::new();
    token.cancel();
    let error = file.column_stats(&limited(8, 1).cancel(token)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

/// Compares the Gram matrix of a stored matrix with that of its copy in memory, and with ndarray's product.
fn same_gram<T: outcore::linalg::Scalar>(
    shape: (usize, usize),
    tolerance: f64,
    number: impl Fn(usize) -> T + Copy,
) {
    use num_traits::ToPrimitive;
    let mut both = Vec::new();
    for order in [Order::C, Order::Fortran] {
        // The same matrix in both orders.
        let place = |i: usize| match order {
            Order::C => i,
            Order::Fortran => i % shape.0 * shape.1 + i / shape.0,
        };
        let Stored { file, memory, _folder } = stored(shape, order, |i| number(place(i)));
        let free = memory.gram(&limited(1000, 1)).unwrap();
        for threads in [1, 3] {
            assert_eq!(file.gram(&limited(16, threads)).unwrap(), free, "{order:?}");
        }
        let plain = memory.as_ndarray().mapv(T::conj).t().dot(&memory.as_ndarray());
        for (found, expected) in free.iter().zip(&plain) {
            let error = (*found - *expected).abs().to_f64().unwrap();
            assert!(error <= tolerance * expected.abs().to_f64().unwrap() + tolerance);
        }
        both.push(free);
    }
    assert_eq!(both[0], both[1], "the order of the elements shows");
}

#[test]
fn gram_matrices_are_those_of_the_matrix_in_memory() {
    same_gram((60_001, 70), 1e-12, number);
    same_gram((100_000, 100), 1e-3, |i| number(i) as f32);
    same_gram((20_000, 101), 1e-12, |i| Complex::new(number(i), number(i / 3) - 99.0));
}

#[test]
fn gram_matrices_of_odd_matrices() {
    let ctx = Context::new();
    for shape in [(0, 0), (0, 3), (3, 0), (1, 1), (5, 200)] {
        let a = Dense::from(Array2::<f64>::from_elem(shape, 2.0));
        let expected = Array2::from_elem((shape.1, shape.1), 4.0 * shape.0 as f64);
        assert_eq!(a.gram(&ctx).unwrap(), expected);
    }
    let wide = Dense::from(Array2::<f32>::zeros((2, 1000)));
    let error = wide.gram(&limited(10, 1)).unwrap_err();
    assert!(error.to_string().contains("the Gram matrix would not fit"), "{error}");
}

#[test]
fn maps_in_place_and_into_files() {
    let Stored { file, memory, _folder } = stored((40_001, 110), Order::Fortran, number);
    let ctx = limited(8, 2);
    let folder = tempdir().unwrap();
    let path = folder.path().join("b.npy");
    let half = |x: f64| (x / 2.0) as f32;
    let mapped = file.map(&path, &ctx, half).unwrap();
    assert_eq!(mapped.as_ndarray(), memory.as_ndarray().mapv(half));
    let sum = file.zip_map(&mapped, folder.path().join("c.npy"), &ctx, |x, y| x - f64::from(y));
    let expected = memory.as_ndarray().mapv(|x| x - f64::from(half(x)));
    assert_eq!(sum.unwrap().as_ndarray(), expected);
    // One array in memory, the other read.
    let sum = memory.zip_map(&mapped, Place::Scratch, &ctx, |x, y| x - f64::from(y)).unwrap();
    assert_eq!(sum.as_ndarray(), expected);
    drop(mapped);
    let mut again = DenseMut::<f32>::open_mut(&path, &ctx).unwrap();
    again.map_inplace(|x| -x).unwrap();
    again.close().unwrap();
    assert_eq!(
        Dense::<f32>::open(&path).unwrap().as_ndarray(),
        memory.as_ndarray().mapv(|x| -half(x))
    );

    let error = file.map(Place::Memory, &ctx, half).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    let error = file.zip_map(&memory.transpose(), Place::Scratch, &ctx, |x, _| x).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let token = CancelToken::new();
    let late = token.clone();
    let ctx = limited(8, 1).cancel(token).progress(move |p| {
        if p.done > 3 {
            late.cancel();
        }
    });
    let left = folder.path().join("d.npy");
    assert_eq!(file.map(&left, &ctx, half).unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(
        std::fs::read_dir(&folder)
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().contains("d.npy") })
    );
    let none = Dense::from(Array2::<f64>::zeros((0, 3)));
    assert_eq!(none.map(Place::Memory, &Context::new(), |x| x as i64).unwrap().shape(), (0, 3));
}

/// Multiplies matrices in all orders, from memory and from files, under limits, and compares the bits with the product
/// in memory, and its numbers with ndarray's. The passes over files, by order and limit.
fn products<T: outcore::linalg::Scalar>(
    (m, k, n): (usize, usize, usize),
    orders: &[(Order, Order)],
    limits: &[u64],
    tolerance: f64,
    number: impl Fn(usize) -> T,
) -> Vec<u64> {
    use num_traits::ToPrimitive;
    let mut passes = Vec::new();
    let (folder, free) = (tempdir().unwrap(), Context::new());
    let place = |name: &str| Place::Replace(folder.path().join(name));
    let a = Dense::from(Array2::from_shape_fn((m, k), |(i, j)| number(i * k + j)));
    let b = Dense::from(Array2::from_shape_fn((k, n), |(i, j)| number(i * n + j + 17)));
    let expected = a.matmul(&b, Place::Memory, &free).unwrap();
    for (found, plain) in expected.as_ndarray().iter().zip(&a.as_ndarray().dot(&b.as_ndarray())) {
        let size = plain.abs().to_f64().unwrap();
        assert!((*found - *plain).abs().to_f64().unwrap() <= tolerance * (1.0 + size));
    }
    for &(left, right) in orders {
        let a_file = a.to_order(left, place("a.npy"), &free).unwrap();
        let b_file = b.to_order(right, place("b.npy"), &free).unwrap();
        let b_heap = b.to_order(right, Place::Memory, &free).unwrap();
        for &limit in limits {
            let ctx = limited(limit, 3).scratch(folder.path());
            let case = format!("{m} x {k} x {n}, {left:?} {right:?}, {limit} MiB");
            let (found, report) = measured(&ctx, |ctx| a_file.matmul(&b_file, place("c.npy"), ctx));
            assert!(found.as_slice() == expected.as_slice(), "{case}");
            assert!(report.actual.peak_memory <= limit << 20, "{case}\n{report}");
            passes.push(report.actual.passes);
            drop(found);
            outcore::verify(folder.path().join("c.npy"), &free).unwrap();
            let (found, _) = measured(&ctx, |ctx| a_file.matmul(&b_heap, Place::Scratch, ctx));
            assert!(found.as_slice() == expected.as_slice(), "{case} right in memory");
            // In memory it is in C order.
            if left == Order::C {
                let (found, _) = measured(&ctx, |ctx| a.matmul(&b_file, Place::Scratch, ctx));
                assert!(found.as_slice() == expected.as_slice(), "{case} left in memory");
            }
            let room = limited(limit + ((m * n * size_of::<T>()) as u64 >> 20) * 8 / 7 + 1, 1);
            let (found, _) = measured(&room, |ctx| a_file.matmul(&b_file, Place::Memory, ctx));
            assert!(found.as_slice() == expected.as_slice(), "{case} to memory");
        }
    }
    passes
}

const ORDERS: [(Order, Order); 4] = [
    (Order::C, Order::C),
    (Order::C, Order::Fortran),
    (Order::Fortran, Order::C),
    (Order::Fortran, Order::Fortran),
];

#[test]
fn products_of_matrices_larger_than_memory() {
    let passes = products((500, 640, 560), &ORDERS, &[4, 1000], 1e-12, number);
    assert_eq!(passes, [4, 1, 2, 1, 4, 1, 2, 1]);
    let passes = products((60, 10_000, 50), &ORDERS, &[2], 1e-11, number);
    assert_eq!(passes, [4, 4, 1, 2]);
    products((1500, 30, 1700), &ORDERS, &[3], 1e-12, number);
    products((900, 700, 600), &ORDERS, &[4], 1e-3, |i| number(i) as f32);
    products((300, 500, 400), &ORDERS, &[6], 1e-12, |i| {
        Complex::new(number(i), number(i / 3) - 99.0)
    });
    products((1, 300_000, 1), &ORDERS, &[2], 1e-10, number);
    // Rows of the result too long for a strip of them: tiles, written in pieces of rows.
    products((700, 520, 9000), &ORDERS[2..3], &[24], 1e-12, number);
    for shape in [(0, 3, 2), (3, 0, 2), (3, 2, 0), (0, 0, 0), (1, 1, 1)] {
        products(shape, &ORDERS, &[2], 1e-12, number);
    }
}

#[test]
fn products_are_refused_or_cancelled_and_leave_nothing() {
    let Stored { file, _folder, .. } = stored((1000, 1000), Order::C, number);
    let folder = tempdir().unwrap();
    let wide = Dense::from(Array2::<f64>::zeros((3, 2)));
    let error = file.matmul(&wide, Place::Memory, &Context::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let error = file.matmul(&file, Place::Memory, &limited(7, 1)).unwrap_err();
    assert!(error.to_string().contains("the product would not fit"), "{error}");
    let error = file.matmul(&file, Place::Scratch, &Context::new().memory_limit(100_000));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Memory);
    for after in [3, 12] {
        let token = CancelToken::new();
        let late = token.clone();
        let count = std::sync::atomic::AtomicU64::new(0);
        let ctx = limited(8, 1).cancel(token).progress(move |_| {
            if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == after {
                late.cancel();
            }
        });
        let error = file.matmul(&file, folder.path().join("c.npy"), &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}

#[test]
fn what_sweeps_cost_is_said_beforehand() {
    use outcore::spectral::{SvdOptions, pca, randomized_svd};
    for order in [Order::C, Order::Fortran] {
        let Stored { file, memory, _folder } = stored((40_000, 60), order, number);
        for (a, ctx) in [(&file, limited(9, 2)), (&file, Context::new()), (&memory, limited(9, 2))]
        {
            for axis in [0, 1] {
                let (_, report) = measured(&ctx, |ctx| a.stats(axis, ctx));
                assert_eq!(report.actual.passes, 1);
            }
            measured(&ctx, |ctx| a.gram(ctx));
            let (found, report) = measured(&ctx, |ctx| pca(a, 3, Place::Memory, ctx));
            assert_eq!((report.actual.passes, found.passes), (2, 2), "{report}");
            let place = || Place::Replace(_folder.path().join("b.npy"));
            measured(&ctx, |ctx| a.map(place(), ctx, |x| x as f32));
            measured(&ctx, |ctx| a.zip_map(&file, place(), ctx, |x, y| x + y));
            measured(&Context::new(), |ctx| a.map(Place::Memory, ctx, |x| x > 0.0));
        }
    }
    let folder = tempdir().unwrap();
    let a: outcore::Csr<f64> =
        outcore::Csr::random((40_000, 30_000), 0.0005, 7, folder.path().join("a"), &Context::new())
            .unwrap();
    let options = SvdOptions::default();
    for limit in [20, 1000] {
        let ctx = limited(limit, 2);
        let (svd, report) =
            measured(&ctx, |ctx| randomized_svd::<f64>(&a, 3, &options, Place::Memory, ctx));
        assert_eq!(report.actual.passes as usize, svd.passes, "{report}");
    }
    // An operator of the user's, which says nothing.
    struct Twice(usize);
    impl outcore::linalg::LinearOperator<f64> for Twice {
        fn shape(&self) -> (usize, usize) {
            (self.0, self.0)
        }
        fn apply(&self, x: &[f64], y: &mut [f64], _: &Context) -> outcore::Result<()> {
            y.iter_mut().zip(x).for_each(|(y, x)| *y = 2.0 * x);
            Ok(())
        }
        fn apply_adjoint(&self, x: &[f64], y: &mut [f64], ctx: &Context) -> outcore::Result<()> {
            outcore::linalg::LinearOperator::<f64>::apply(self, x, y, ctx)
        }
    }
    measured(&Context::new(), |ctx| {
        randomized_svd::<f64>(&Twice(50), 2, &options, Place::Memory, ctx)
    });
}

#[test]
fn elements_are_replaced_in_files_larger_than_memory() {
    use crate::plans::compare;
    let Stored { file, memory, _folder } = stored((40_001, 50), Order::C, number);
    drop(file);
    let path = _folder.path().join("a.npy");
    for limit in [2, 8, 1000] {
        let ctx = limited(limit, 2);
        let ((), report) = ctx
            .measure(|ctx| {
                let mut a = DenseMut::<f64>::open_mut(&path, ctx)?;
                a.map_inplace(|x| x + 1.0)?;
                a.map_inplace(|x| x - 3.0)?;
                a.close()
            })
            .unwrap();
        compare(&report);
        if limit == 2 {
            assert!(report.actual.peak_memory <= 2 << 20, "{report}");
            assert_eq!(report.actual.bytes_written, 2 * (40_001 * 50 * 8 + 4096));
        }
        outcore::verify(&path, &ctx).unwrap();
        let mut a = DenseMut::<f64>::open_mut(&path, &ctx).unwrap();
        a.map_inplace(|x| x + 2.0).unwrap();
        a.close().unwrap();
    }
    let same = |x: f64| x + 1.0 - 3.0 + 2.0;
    let expected = memory.as_ndarray().mapv(|x| same(same(same(x))));
    assert_eq!(Dense::<f64>::open(&path).unwrap().as_ndarray(), expected);
    // A new array is zeros until then; cancelled, it leaves nothing.
    let token = CancelToken::new();
    let late = token.clone();
    let ctx = limited(2, 1).cancel(token);
    let made = _folder.path().join("b.npy");
    let mut b = DenseMut::<f64>::create((1000, 1000), Order::Fortran, &made, &ctx).unwrap();
    b.map_inplace(|x| x + 5.0).unwrap();
    assert!(b.as_slice().iter().all(|&x| x == 5.0));
    let outcome = b.map_inplace(|x| {
        late.cancel();
        x
    });
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Cancelled);
    drop(b);
    assert!(!made.exists());
}
