//! Dense products and transposed copies of every edge shape against plain loops, and the same bits for any number of
//! threads, in memory and in files.

use std::sync::LazyLock;

use ndarray::Array2;
use outcore::linalg::{LinearOperator, Multiplies, Scalar};
use outcore::{Context, Dense, Order, Place};
use proptest::prelude::*;
use tempfile::tempdir;

static CONTEXTS: LazyLock<Vec<Context>> =
    LazyLock::new(|| [1, 2, 3, 8].map(|n| Context::new().threads(n).unwrap()).into());

/// Extents around the widths of vectors, tiles, panels and blocks.
fn extents() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![
        0, 1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 47, 48, 49, 65, 97, 256, 257,
    ])
}

fn orders() -> impl Strategy<Value = Order> {
    prop::sample::select(vec![Order::C, Order::Fortran])
}

/// Small whole numbers, of which every sum is exact; with `parts` numbers of which sums are rounded.
fn number<T: Scalar>(i: usize, parts: bool) -> T {
    let whole = (i.wrapping_mul(2_654_435_761) >> 7 & 15) as f64 - 7.0;
    T::from_f64(if parts { whole + (i % 97) as f64 / 97.0 } else { whole })
}

fn matrix<T: Scalar>(shape: (usize, usize), order: Order, parts: bool) -> Dense<T> {
    let elements: Vec<T> = (0..shape.0 * shape.1).map(|i| number(i, parts)).collect();
    Dense::from_parts(shape, order, elements.into()).unwrap()
}

/// The product by another library; exact, since the numbers are small and whole.
fn twin<T: Scalar>(a: &Dense<T>, b: &Dense<T>) -> Array2<T> {
    a.as_ndarray().dot(&b.as_ndarray())
}

fn products<T: Scalar>((m, k, n): (usize, usize, usize), left: Order, right: Order) {
    let [one, ..] = &CONTEXTS[..] else { unreachable!() };
    let (a, b) = (matrix::<T>((m, k), left, false), matrix::<T>((k, n), right, false));
    assert_eq!(a.matmul(&b, Place::Memory, one).unwrap().as_ndarray(), twin(&a, &b));
    assert_eq!(a.gram(one).unwrap(), twin(&a.transpose(), &a));
    let (a, b) = (matrix::<T>((m, k), left, true), matrix::<T>((k, n), right, true));
    let folder = tempdir().unwrap();
    let stored = a.copy_to(folder.path().join("a.npy"), one).unwrap();
    let (product, gram) = (a.matmul(&b, Place::Memory, one).unwrap(), a.gram(one).unwrap());
    for ctx in &CONTEXTS[..] {
        for a in [&a, &stored] {
            assert_eq!(
                a.matmul(&b, Place::Memory, ctx).unwrap().as_ndarray(),
                product.as_ndarray()
            );
            assert_eq!(a.gram(ctx).unwrap(), gram);
        }
    }
}

fn with_vectors<T: Scalar + Multiplies<T>>(shape: (usize, usize), order: Order) {
    for parts in [false, true] {
        let a = matrix::<T>(shape, order, parts);
        let (x, z): (Vec<T>, Vec<T>) = (
            (0..shape.1).map(|i| number(i + 5, parts)).collect(),
            (0..shape.0).map(|i| number(i + 9, parts)).collect(),
        );
        let results: Vec<_> = CONTEXTS
            .iter()
            .map(|ctx| {
                let (mut ax, mut az) = (vec![T::zero(); shape.0], vec![T::zero(); shape.1]);
                a.apply(&x, &mut ax, ctx).unwrap();
                a.apply_adjoint(&z, &mut az, ctx).unwrap();
                (ax, az)
            })
            .collect();
        assert!(results.iter().all(|result| *result == results[0]), "{shape:?} {order:?}");
        if !parts {
            let column = |numbers: Vec<T>| {
                Dense::from_parts((numbers.len(), 1), Order::C, numbers.into()).unwrap()
            };
            assert_eq!(results[0].0, twin(&a, &column(x)).into_raw_vec_and_offset().0);
            assert_eq!(results[0].1, twin(&a.transpose(), &column(z)).into_raw_vec_and_offset().0);
        }
    }
}

fn transposed<T: Scalar>(shape: (usize, usize), order: Order) {
    let a = matrix::<T>(shape, order, true);
    let other = if order == Order::C { Order::Fortran } else { Order::C };
    for ctx in &CONTEXTS[..] {
        for place in [Place::Memory, Place::Scratch] {
            let b = a.to_order(other, place, ctx).unwrap();
            assert_eq!((b.order(), b.as_ndarray()), (other, a.as_ndarray()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn products_of_matrices(
        m in extents(), k in extents(), n in extents(), left in orders(), right in orders(),
    ) {
        products::<f64>((m, k, n), left, right);
        products::<f32>((m, k, n), left, right);
        products::<num_complex::Complex<f64>>((m.min(30), k.min(30), n.min(30)), left, right);
    }

    #[test]
    fn products_with_vectors(m in extents(), n in extents(), order in orders()) {
        with_vectors::<f64>((m, n), order);
        with_vectors::<f32>((m, n), order);
    }

    #[test]
    fn transposed_copies(m in extents(), n in extents(), order in orders()) {
        transposed::<f64>((m, n), order);
        transposed::<f32>((m, n), order);
        transposed::<num_complex::Complex<f64>>((m, n), order);
    }
}

#[test]
fn long_rows() {
    // Rows so long that a block of a scatter has 8, 4, 2 or 1 of them.
    for (nrows, ncols) in [(19, 70_003), (13, 140_001), (9, 300_000), (17, 600_007)] {
        with_vectors::<f32>((nrows, ncols), Order::C);
        with_vectors::<f64>((ncols, nrows), Order::Fortran);
    }
    for (nrows, ncols) in [(3, 40_000), (513, 4099), (40_000, 5)] {
        transposed::<f32>((nrows, ncols), Order::C);
        transposed::<f64>((nrows, ncols), Order::Fortran);
    }
}

#[test]
fn products_of_several_tasks() {
    products::<f64>((300, 300, 2100), Order::C, Order::C);
    products::<f32>((1100, 300, 530), Order::Fortran, Order::Fortran);
}
