//! Matrices whose types are known at run time, beside the typed ones: every element type, index widths, format and place.

use std::path::Path;

use ndarray::Array2;
use num_complex::Complex;
use outcore::linalg::{Factor, LinearOperator, Operator, Scalar};
use outcore::{
    AnyCoo, AnyCsc, AnyCsr, AnyMatrix, Axis, Compressed, Context, Coo, Csc, Csr, Dense, Duplicates,
    Element, Entry, Index, Order, Permutation, Place, open,
};
use tempfile::tempdir;

/// Rows and columns of the matrices under test: enough entries for lines that are summed in lanes.
const SHAPE: (usize, usize) = (23, 37);

/// A type of stored elements, with elements that every working type holds.
trait Case: Entry {
    fn of(k: usize) -> Self;
}

/// Elements that are small numbers; those of types with fractions have some.
macro_rules! cases {
    ($($type:ty, |$k:ident| $value:expr;)*) => {$(
        impl Case for $type {
            fn of($k: usize) -> Self {
                $value
            }
        }
    )*};
}

cases! {
    (), |_k| ();
    bool, |k| k % 3 > 0;
    i8, |k| (k % 7) as i8 - 3;
    i16, |k| (k % 7) as i16 - 3;
    i32, |k| (k % 7) as i32 - 3;
    i64, |k| (k % 7) as i64 - 3;
    u8, |k| (k % 7) as u8;
    u16, |k| (k % 7) as u16;
    u32, |k| (k % 7) as u32;
    u64, |k| (k % 7) as u64;
    f32, |k| (k % 7) as f32 / 4.0 - 0.5;
    f64, |k| (k % 7) as f64 / 4.0 - 0.5;
    Complex<f32>, |k| Complex::new((k % 7) as f32, (k % 5) as f32 / 4.0);
    Complex<f64>, |k| Complex::new((k % 7) as f64, (k % 5) as f64 / 4.0);
}

#[cfg(feature = "half")]
cases! {
    half::f16, |k| half::f16::from_f32((k % 7) as f32 / 4.0 - 0.5);
    half::bf16, |k| half::bf16::from_f32((k % 7) as f32 / 4.0 - 0.5);
}

/// A call for each type of entries.
macro_rules! for_each_entry {
    ($call:ident $(, $argument:expr)*) => {
        for_each_element!($call $(, $argument)*);
        $call::<()>($($argument),*);
    };
}

macro_rules! for_each_element {
    ($call:ident $(, $argument:expr)*) => {
        $call::<bool>($($argument),*);
        $call::<i8>($($argument),*);
        $call::<i16>($($argument),*);
        $call::<i32>($($argument),*);
        $call::<i64>($($argument),*);
        $call::<u8>($($argument),*);
        $call::<u16>($($argument),*);
        $call::<u32>($($argument),*);
        $call::<u64>($($argument),*);
        $call::<f32>($($argument),*);
        $call::<f64>($($argument),*);
        $call::<Complex<f32>>($($argument),*);
        $call::<Complex<f64>>($($argument),*);
        #[cfg(feature = "half")]
        $call::<half::f16>($($argument),*);
        #[cfg(feature = "half")]
        $call::<half::bf16>($($argument),*);
    };
}

/// Where entries stand: some rows are empty, and one is full.
fn is_stored(i: usize, j: usize) -> bool {
    i == 5 || (i % 4 != 1 && (i * 7 + j * 5) % 3 == 0)
}

fn positions() -> impl Iterator<Item = (usize, usize)> {
    let all = (0..SHAPE.0).flat_map(|i| (0..SHAPE.1).map(move |j| (i, j)));
    all.filter(|&(i, j)| is_stored(i, j))
}

fn coo<T: Case, I: Index>() -> Coo<T, I> {
    let triplets = positions().enumerate().map(|(k, (i, j))| (i, j, T::of(k)));
    Coo::from_triplets(SHAPE, triplets).unwrap()
}

/// A matrix as it is, and opened from where it was copied to.
fn here_and_stored(a: &AnyMatrix, path: &Path, ctx: &Context) -> [AnyMatrix; 2] {
    a.copy_to(Place::Replace(path.to_owned()), ctx).unwrap();
    let stored = open(path).unwrap();
    assert_eq!(stored.path(), Some(path));
    let said = stored.to_string().replace(&format!("in {}", path.display()), "in memory");
    assert_eq!(said, a.to_string());
    assert_eq!(AnyMatrix::read(path, Place::Memory, ctx).unwrap().to_string(), a.to_string());
    [a.clone(), stored]
}

fn equals<T: Entry, I: Index, P: Index, A: Axis>(
    found: impl Into<AnyMatrix>,
    expected: &Compressed<T, I, P, A>,
) {
    assert!(Compressed::<T, I, P, A>::try_from(found.into()).unwrap() == *expected);
}

fn equals_coo<T: Entry, I: Index>(found: impl Into<AnyMatrix>, expected: &Coo<T, I>) {
    let found = Coo::<T, I>::try_from(found.into()).unwrap();
    let (a, b) = (found.into_parts(), expected.clone().into_parts());
    assert!(found_shape(expected) == SHAPE && a == b);
}

fn found_shape<T: Entry, I: Index>(a: &Coo<T, I>) -> (usize, usize) {
    a.shape()
}

fn sparse_of_every_width<T: Case>() {
    sparse::<T, u32, u32>();
    sparse::<T, u32, u64>();
    sparse::<T, u64, u64>();
    sparse::<T, u64, u32>();
}

fn sparse<T: Case, I: Index, P: Index>() {
    let (folder, ctx, memory) = (tempdir().unwrap(), Context::new(), Place::Memory);
    let path = folder.path().join("a.bspnpy");
    let coordinates = coo::<T, I>();
    let csr: Csr<T, I, P> = coordinates.to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let csc: Csc<T, I, P> = csr.to_csc(&memory, &ctx).unwrap();
    let orders = (
        Permutation::new((0..SHAPE.0).rev().collect()).unwrap(),
        Permutation::new((0..SHAPE.1).map(|j| (j + 5) % SHAPE.1).collect()).unwrap(),
    );
    for a in here_and_stored(&csr.clone().into(), &path, &ctx) {
        assert_eq!((a.shape(), a.nnz(), a.dtype()), (SHAPE, csr.nnz(), T::ENTRY_DTYPE));
        assert_eq!((a.index_dtype(), a.pointer_dtype()), (Some(I::DISK), Some(P::DISK)));
        assert!(a.check().unwrap());
        equals(a.clone(), &csr);
        equals(AnyCsr::try_from(a.clone()).unwrap(), &csr);
        equals(a.to_csr(&memory, &ctx).unwrap(), &csr);
        equals(a.to_csc(&memory, &ctx).unwrap(), &csc);
        equals_coo(a.to_coo(&memory, &ctx).unwrap(), &csr.to_coo(&memory, &ctx).unwrap());
        equals(a.transpose(), &csr.transpose());
        equals(a.pattern().unwrap(), &csr.pattern());
        let part = csr.slice(3..9, 1..20, &memory, &ctx).unwrap();
        equals(a.slice(3..9, 1..20, &memory, &ctx).unwrap(), &part);
        let permuted = csr.permute(&orders.0, &orders.1, &memory, &ctx).unwrap();
        equals(a.permute(&orders.0, &orders.1, &memory, &ctx).unwrap(), &permuted);
        let below = Csr::vstack(&[&csr, &csr], &memory, &ctx).unwrap();
        equals(AnyMatrix::vstack(&[&a, &a], &memory, &ctx).unwrap(), &below);
    }
    for a in here_and_stored(&csc.clone().into(), &path, &ctx) {
        equals(a.clone(), &csc);
        equals(AnyCsc::try_from(a.clone()).unwrap(), &csc);
        equals(a.to_csr(&memory, &ctx).unwrap(), &csr);
        let beside = Csc::hstack(&[&csc, &csc], &memory, &ctx).unwrap();
        equals(AnyMatrix::hstack(&[&a, &a], &memory, &ctx).unwrap(), &beside);
    }
    for a in here_and_stored(&coordinates.clone().into(), &path, &ctx) {
        assert!(!a.check().unwrap());
        equals_coo(a.clone(), &coordinates);
        equals_coo(AnyCoo::try_from(a.clone()).unwrap(), &coordinates);
        let narrow: Csr<T, I, I> = coordinates.to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
        equals(a.to_csr(&memory, &ctx).unwrap(), &narrow);
        equals(a.to_csc(&memory, &ctx).unwrap(), &narrow.to_csc(&memory, &ctx).unwrap());
        equals_coo(a.transpose().transpose(), &coordinates);
    }
}

fn dense_of_both_orders<T: Case + Element>() {
    let (folder, ctx, memory) = (tempdir().unwrap(), Context::new(), Place::Memory);
    let csr: Csr<T> = coo::<T, u32>().to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    for order in [Order::C, Order::Fortran] {
        let other = if order == Order::C { Order::Fortran } else { Order::C };
        let dense = csr.to_dense(order, &memory, &ctx).unwrap();
        let same = |found: AnyMatrix, expected: &Dense<T>| {
            let found = Dense::<T>::try_from(found).unwrap();
            assert!(found.order() == expected.order() && found.view() == expected.view());
        };
        for a in here_and_stored(&dense.clone().into(), &folder.path().join("a.npy"), &ctx) {
            assert_eq!((a.shape(), a.dtype()), (SHAPE, Some(T::DTYPE)));
            assert_eq!((a.nnz(), a.format(), a.index_dtype()), (dense.len(), None, None));
            same(a.clone(), &dense);
            same(a.transpose(), &dense.transpose());
            let turned = a.to_dense(other, &memory, &ctx).unwrap().try_into().unwrap();
            same(turned, &dense.to_order(other, &memory, &ctx).unwrap());
            equals(
                a.to_csr(&memory, &ctx).unwrap(),
                &dense.to_csr::<u32, u32>(&memory, &ctx).unwrap(),
            );
            equals(
                a.to_csc(&memory, &ctx).unwrap(),
                &dense.to_csc::<u32, u32>(&memory, &ctx).unwrap(),
            );
            let list = dense.to_coo::<u32>(&memory, &ctx).unwrap();
            equals_coo(a.to_coo(&memory, &ctx).unwrap(), &list);
            let below = Dense::vstack(&[&dense, &dense], &memory, &ctx).unwrap();
            same(AnyMatrix::vstack(&[&a, &a], &memory, &ctx).unwrap(), &below);
        }
        let back = AnyMatrix::from(csr.clone()).to_dense(order, &memory, &ctx).unwrap();
        same(back.try_into().unwrap(), &dense);
    }
}

#[test]
fn sparse_matrices_are_what_their_typed_twins_are() {
    for_each_entry!(sparse_of_every_width);
}

#[test]
fn dense_matrices_are_what_their_typed_twins_are() {
    for_each_element!(dense_of_both_orders);
}

#[test]
fn a_pattern_becomes_dense_as_truths() {
    let (ctx, memory) = (Context::new(), Place::Memory);
    let a = AnyMatrix::from(coo::<(), u32>());
    let dense = Dense::<bool>::try_from(a.to_dense(Order::C, &memory, &ctx).unwrap()).unwrap();
    assert!(dense.view().indexed_iter().all(|((i, j), &is)| is == is_stored(i, j)));
}

/// Bits of all products of a matrix with vectors of `X`, made by itself and by an operator.
fn products<X: Scalar>(a: &AnyMatrix, made: &mut impl FnMut(Vec<X>)) {
    let ctx = Context::new();
    let operators = [Operator::new(a, &ctx).unwrap(), Operator::with_adjoint(a, &ctx).unwrap()];
    let all: [&dyn LinearOperator<X>; 3] = [a, &operators[0], &operators[1]];
    for a in all {
        each_product(a, made);
    }
}

fn each_product<X: Scalar>(a: &dyn LinearOperator<X>, made: &mut impl FnMut(Vec<X>)) {
    let (x, y) = (vector::<X>(SHAPE.1), vector::<X>(SHAPE.0));
    made(a.matvec(&x).unwrap());
    made(a.rmatvec(&y).unwrap());
    let block = |n: usize| Array2::from_shape_vec((n, 3), vector::<X>(3 * n)).unwrap();
    made(a.matmat(block(SHAPE.1).view()).unwrap().into_raw_vec_and_offset().0);
    made(a.rmatmat(block(SHAPE.0).view()).unwrap().into_raw_vec_and_offset().0);
}

fn vector<X: Scalar>(len: usize) -> Vec<X> {
    let i = X::from_f64(-1.0);
    (0..len).map(|k| (X::one() + i * X::from_f64(k as f64 * 0.37)) / X::from_f64(3.0)).collect()
}

/// Compares products of the elements `T` with those of a typed matrix of the elements `W` that they are.
fn products_as<T: Case + Into<W>, W: Element + Factor<X>, X: Scalar>() {
    let (ctx, memory) = (Context::new(), Place::Memory);
    let narrow = coo::<T, u32>();
    let wide: Vec<W> = narrow.data().iter().map(|&value| value.into()).collect();
    let wide = Coo::from_parts(SHAPE, narrow.rows().clone(), narrow.cols().clone(), wide).unwrap();
    let typed: Csr<W> = wide.to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let a = AnyMatrix::from(narrow);
    let csr = AnyMatrix::from(a.to_csr(&memory, &ctx).unwrap());
    compare::<X>(&csr, &typed);
    compare::<X>(&a.to_csc(&memory, &ctx).unwrap().into(), &typed.to_csc(&memory, &ctx).unwrap());
    if T::ENTRY_DTYPE.is_some() {
        for order in [Order::C, Order::Fortran] {
            let dense = csr.to_dense(order, &memory, &ctx).unwrap();
            compare::<X>(
                &dense.try_into().unwrap(),
                &typed.to_dense(order, &memory, &ctx).unwrap(),
            );
        }
    }
}

fn compare<X: Scalar>(a: &AnyMatrix, typed: &dyn LinearOperator<X>) {
    let mut expected: Vec<Vec<X>> = Vec::new();
    each_product(typed, &mut |product| expected.push(product));
    let mut k = 0;
    products::<X>(a, &mut |product| {
        assert!(product == expected[k % expected.len()], "{a}: product {k}");
        k += 1;
    });
}

#[test]
fn products_have_the_bits_of_the_typed_ones() {
    macro_rules! with_vectors {
        ($x:ty as $wide:ty: $($entry:ty),*) => { $(products_as::<$entry, $wide, $x>();)* };
    }
    with_vectors!(f32 as f32: i8, i16, u8, u16, f32);
    with_vectors!(f64 as f64: i8, i16, i32, u8, u16, u32, f32, f64);
    with_vectors!(Complex<f32> as f32: i8, f32);
    with_vectors!(Complex<f64> as f64: i32, f32, f64);
    with_vectors!(Complex<f32> as Complex<f32>: Complex<f32>);
    with_vectors!(Complex<f64> as Complex<f64>: Complex<f64>);
    with_vectors!(f64 as bool: bool);
    with_vectors!(f64 as i64: i64);
    #[cfg(feature = "half")]
    with_vectors!(f32 as f32: half::f16, half::bf16);
    #[cfg(feature = "half")]
    with_vectors!(f64 as f64: half::f16, half::bf16);
}
