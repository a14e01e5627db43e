//! Matrices whose types are known at run time, beside the typed ones: every element type, index widths, format and
//! place.

use std::path::Path;

use ndarray::Array2;
use num_complex::Complex;
use outcore::linalg::{LinearOperator, Multiplies, Multiply, Operator, Scalar, Subtract};
use outcore::{
    AnyCoo, AnyCsc, AnyCsr, AnyDense, AnyMatrix, Axis, Compressed, Context, Coo, Csc, Csr, DType,
    Dense, Duplicates, Element, Entry, ErrorKind, Index, Order, Permutation, Place, open,
};
use tempfile::tempdir;

use crate::folders::Folders;

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
    bool, |k| !k.is_multiple_of(3);
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
    i == 5 || (i % 4 != 1 && (i * 7 + j * 5).is_multiple_of(3))
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
            assert!(
                found.order() == expected.order() && found.as_ndarray() == expected.as_ndarray()
            );
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
    assert!(dense.as_ndarray().indexed_iter().all(|((i, j), &is)| is == is_stored(i, j)));
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
fn products_as<T: Case + Into<W>, W: Element + Multiplies<X>, X: Scalar>() {
    let (ctx, memory) = (Context::new(), Place::Memory);
    let narrow = coo::<T, u32>();
    let wide: Vec<W> = narrow.data().iter().map(|&value| value.into()).collect();
    let wide =
        Coo::from_parts(SHAPE, narrow.row_indices().clone(), narrow.col_indices().clone(), wide)
            .unwrap();
    let typed: Csr<W> = wide.to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let a = AnyMatrix::from(narrow);
    let csr = AnyMatrix::from(a.to_csr(&memory, &ctx).unwrap());
    compare::<X>(&csr, &typed);
    assert!(csr.sum::<X>(&ctx).unwrap() == typed.sum::<X>(&ctx).unwrap());
    assert!(csr.norm_fro::<X>(&ctx).unwrap() == typed.norm_fro::<X>(&ctx).unwrap());
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

#[test]
fn products_of_two_have_the_bits_of_the_typed_ones() {
    products_of_two::<f64, u32, u32>();
    products_of_two::<Complex<f32>, u64, u32>();
}

fn products_of_two<T: Case + Scalar + Multiplies<T>, I: Index, P: Index>() {
    let (ctx, memory) = (Context::new(), Place::Memory);
    let a: Csr<T, I, P> = coo::<T, I>().to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let b = a.transpose();
    let b_csr = b.to_csr(&memory, &ctx).unwrap();
    let (dense_a, dense_b) = (
        a.to_dense(Order::C, &memory, &ctx).unwrap(),
        b.to_dense(Order::C, &memory, &ctx).unwrap(),
    );
    let [any_a, any_b, any_b_csr] =
        [AnyMatrix::from(a.clone()), b.clone().into(), b_csr.clone().into()];
    let [any_dense_a, any_dense_b] = [AnyMatrix::from(dense_a.clone()), dense_b.clone().into()];
    let expected = a.matmul(&b_csr, &memory, &ctx).unwrap();
    equals(any_a.matmul(&any_b_csr, &memory, &ctx).unwrap(), &expected);
    equals(any_a.matmul(&any_b, &memory, &ctx).unwrap(), &expected);
    let a_csc = a.to_csc(&memory, &ctx).unwrap();
    let expected = a_csc.matmul(&b, &memory, &ctx).unwrap();
    equals(AnyMatrix::from(a_csc).matmul(&any_b, &memory, &ctx).unwrap(), &expected);
    let pattern = a.pattern().matmul(&b_csr.pattern(), &memory, &ctx).unwrap();
    let patterns = (any_a.pattern().unwrap(), any_b_csr.pattern().unwrap());
    equals(patterns.0.matmul(&patterns.1, &memory, &ctx).unwrap(), &pattern);
    let same = |found: AnyMatrix, expected: Array2<T>| {
        assert_eq!(Dense::<T>::try_from(found).unwrap().as_ndarray(), expected);
    };
    let expected = dense_a.matmul(&dense_b, &memory, &ctx).unwrap().as_ndarray().to_owned();
    same(any_dense_a.matmul(&any_dense_b, &memory, &ctx).unwrap(), expected);
    let expected = a.matmat(dense_b.as_ndarray()).unwrap();
    same(any_a.matmul(&any_dense_b, &memory, &ctx).unwrap(), expected);
    let expected = b.transpose().matmat(dense_a.transpose().as_ndarray()).unwrap().reversed_axes();
    same(any_dense_a.matmul(&any_b, &memory, &ctx).unwrap(), expected);
}

#[test]
fn factors_of_two_types_meet_in_a_third() {
    let (ctx, memory) = (Context::new(), Place::Memory);
    let narrow: Csr<i32> = coo::<i32, u32>().to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let wide: Csr<f32, u64> = coo::<f32, u64>().to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let product = AnyMatrix::from(narrow.clone())
        .matmul(&AnyMatrix::from(wide.clone()).transpose(), &memory, &ctx)
        .unwrap();
    let numbers = |data: &[f32]| data.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    let a = narrow.map_values(&memory, &ctx, f64::from).unwrap();
    let (pointers, indices, _) = a.clone().into_parts();
    let pointers: Vec<u64> = pointers.iter().map(|&p| p.into()).collect();
    let indices: Vec<u64> = indices.iter().map(|&i| i.into()).collect();
    let a = Csr::<f64, u64>::from_parts(SHAPE, pointers, indices, a.data().to_vec()).unwrap();
    let b = wide.with_data(numbers(wide.data())).unwrap().transpose();
    let b = b.to_csr(&memory, &ctx).unwrap();
    equals(product, &a.matmul(&b, &memory, &ctx).unwrap());
}

/// Numbers that every type has, there and back.
fn there_and_back<T: Case + Element>() {
    let (folder, ctx, memory) = (tempdir().unwrap(), Context::new(), Place::Memory);
    let ones: Vec<T> = (0..1000).map(|k| if k % 3 > 0 { one() } else { T::default() }).collect();
    let dense = Dense::from_parts((10, 100), Order::C, ones.into()).unwrap();
    let csr = dense.to_csr::<u32, u64>(&memory, &ctx).unwrap();
    let known = |dtype: &DType| cfg!(feature = "half") || !dtype.name().contains("float16");
    for (k, dtype) in DType::ALL.into_iter().filter(known).enumerate() {
        let place = |name: &str| match k % 2 {
            0 => Place::Memory,
            _ => Place::Replace(folder.path().join(name)),
        };
        let there = AnyMatrix::from(dense.clone()).to_dtype(dtype, place("a.npy"), &ctx).unwrap();
        assert_eq!(there.dtype(), Some(dtype));
        let back = there.to_dtype(T::DTYPE, &memory, &ctx).unwrap();
        assert!(Dense::<T>::try_from(back).unwrap().as_ndarray() == dense.as_ndarray());
        let there = AnyMatrix::from(csr.clone()).to_dtype(dtype, place("a.bspnpy"), &ctx).unwrap();
        equals(there.to_dtype(T::DTYPE, &memory, &ctx).unwrap(), &csr);
        let list = AnyMatrix::from(there.to_coo(&memory, &ctx).unwrap());
        let back = list.to_dtype(T::DTYPE, place("b.bspnpy"), &ctx).unwrap();
        let pattern = back.pattern().unwrap().to_dtype(T::DTYPE, &memory, &ctx).unwrap();
        equals_values(&back, &csr);
        equals_values(&pattern, &csr);
    }
}

fn one<T: Case + Element>() -> T {
    let ctx = Context::new();
    let one = Dense::from_parts((1, 1), Order::C, vec![true].into()).unwrap();
    let one = AnyMatrix::from(one).to_dtype(T::DTYPE, Place::Memory, &ctx).unwrap();
    Dense::<T>::try_from(one).unwrap().as_slice()[0]
}

fn equals_values<T: Entry>(a: &AnyMatrix, typed: &Csr<T, u32, u64>) {
    assert!(Coo::<T>::try_from(a.clone()).unwrap().data()[..] == typed.data()[..]);
}

#[test]
fn every_type_becomes_every_other() {
    for_each_element!(there_and_back);
}

fn row<T: Element>(elements: Vec<T>) -> AnyMatrix {
    Dense::from_parts((1, elements.len()), Order::C, elements.into()).unwrap().into()
}

#[test]
fn numbers_are_rounded_or_refused() {
    let ctx = Context::new();
    let become_of = |a: AnyMatrix, dtype| a.to_dtype(dtype, Place::Memory, &ctx);
    let floats = become_of(row(vec![1e300, 0.1, i64::MAX as f64]), DType::Float32).unwrap();
    let floats = Dense::<f32>::try_from(floats).unwrap();
    assert_eq!(floats.as_slice(), [f32::INFINITY, 0.1, i64::MAX as f32]);
    let widest = become_of(row(vec![i64::MAX, i64::MIN]), DType::Float32).unwrap();
    assert_eq!(
        Dense::<f32>::try_from(widest).unwrap().as_slice(),
        [i64::MAX as f32, i64::MIN as f32]
    );
    let wide = 2f64.powi(63);
    for (a, dtype, found) in [
        (row(vec![1.0, 0.5]), DType::Int8, "0.5"),
        (row(vec![1.0, f64::NAN]), DType::Int64, "NaN"),
        (row(vec![1.0, wide]), DType::Int64, "9223372036854775808"),
        (row(vec![1.0, -1.0]), DType::UInt64, "-1"),
        (row(vec![1i64, 128]), DType::Int8, "128"),
        (row(vec![1u64, u64::MAX]), DType::Int64, "18446744073709551615"),
        (row(vec![1u8, 2]), DType::Bool, "2"),
        (row(vec![Complex::new(1.0, 0.0), Complex::new(1.0, 2.0)]), DType::Float64, "1+2i"),
    ] {
        let error = become_of(a, dtype).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        let text = error.to_string();
        assert!(
            text.starts_with("position 1: ")
                && text.ends_with(&format!("found {found} in row 0, column 1")),
            "{text}"
        );
    }
    let good = become_of(row(vec![-wide]), DType::Int64).unwrap();
    assert_eq!(Dense::<i64>::try_from(good).unwrap().as_slice(), [i64::MIN]);
}

#[cfg(feature = "half")]
#[test]
fn numbers_of_16_bits_are_rounded_once() {
    let ctx = Context::new();
    let wide =
        [1.0 + 2f64.powi(-9) + 2f64.powi(-40), 1.0 + 2f64.powi(-11) + 2f64.powi(-40), 1e9, 3e-8];
    let a = row(wide.iter().flat_map(|&x| [x, -x]).collect());
    let bf16 = a.to_dtype(DType::BFloat16, Place::Memory, &ctx).unwrap();
    let up = f64::from(half::bf16::from_bits(half::bf16::from_f64(1.0).to_bits() + 1));
    let bf16 = Dense::<half::bf16>::try_from(bf16).unwrap();
    assert_eq!(bf16.as_slice()[0].to_f64(), 1.0 + 2f64.powi(-7) * f64::from(u8::from(up < 1.003)));
    let f16 = a.to_dtype(DType::Float16, Place::Memory, &ctx).unwrap();
    let f16 = Dense::<half::f16>::try_from(f16).unwrap();
    assert_eq!(f16.as_slice()[2].to_f64(), 1.0 + 2f64.powi(-10));
    assert_eq!(f16.as_slice()[4], half::f16::INFINITY);
    assert_eq!(f16.as_slice()[5], half::f16::NEG_INFINITY);
}

#[test]
fn dense_matrices_are_added_and_multiplied_element_by_element() {
    let (folder, ctx, memory) = (tempdir().unwrap(), Context::new(), Place::Memory);
    let (a, b) = (row(vec![1i32, -2, 3]), row(vec![0.5f32, 4.0, -1.0]));
    let elements = |a: AnyMatrix| Dense::<f64>::try_from(a).unwrap().as_slice().to_vec();
    assert_eq!(elements(a.add(&b, &memory, &ctx).unwrap()), [1.5, 2.0, 2.0]);
    assert_eq!(elements(a.sub(&b, folder.path().join("a.npy"), &ctx).unwrap()), [0.5, -6.0, 4.0]);
    assert_eq!(elements(a.multiply(&b, &memory, &ctx).unwrap()), [0.5, -8.0, -3.0]);
    let (c, d) = (row(vec![1i8, 100]), row(vec![100u8, 100]));
    let sum = Dense::<i64>::try_from(c.add(&d, &memory, &ctx).unwrap()).unwrap();
    assert_eq!(sum.as_slice(), [101, 200]);
    let most = row(vec![1, i64::MAX]);
    let error = most.add(&d, folder.path().join("b.npy"), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert!(
        error.to_string().starts_with("position 1: the sum of two elements overflows"),
        "{error}"
    );
    assert_eq!(error.finding(), Some("that of 9223372036854775807 and 100"));
    assert!(!folder.path().join("b.npy").exists());
    let error = a.add(&c, &memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let square = Dense::from(ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]));
    let turned = AnyMatrix::from(square.transpose());
    let sum = AnyMatrix::from(square).add(&turned, &memory, &ctx).unwrap();
    assert_eq!(elements(sum), [2.0, 5.0, 5.0, 8.0]);
}

#[test]
fn scaling_keeps_the_structure() {
    let (folder, ctx, memory) = (tempdir().unwrap(), Context::new(), Place::Memory);
    let csr: Csr<f32> = coo::<f32, u32>().to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let expected = csr.scale(0.3, &memory, &ctx).unwrap();
    let a = AnyMatrix::from(csr);
    equals(a.scale(0.3f32, &memory, &ctx).unwrap(), &expected);
    equals(a.scale(0.3f32, folder.path().join("a.bspnpy"), &ctx).unwrap(), &expected);
    let wide = AnyMatrix::from(Csr::<f64>::eye(2));
    assert_eq!(wide.scale(0.3f32, &memory, &ctx).unwrap_err().kind(), ErrorKind::Type);
}

#[test]
fn what_is_no_matrix_is_refused_by_name() {
    let (folder, ctx) = (Folders::new(), Context::new());
    let error = |name: &str| open(folder.path(name)).unwrap_err();
    assert_eq!(error("nothing").kind(), ErrorKind::Io);
    std::fs::write(folder.path("a.txt"), "1 2 3\n").unwrap();
    let text = error("a.txt").to_string();
    assert!(text.contains("not a .npy file"), "{text}");
    std::fs::create_dir(folder.path("empty")).unwrap();
    let text = error("empty").to_string();
    assert!(text.contains("expected a .npy file, or the folder"), "{text}");
    assert!(text.contains("found a folder without binsparse.json"), "{text}");
    let cube = Dense::from(ndarray::arr3(&[[[1.0, 2.0]]]));
    cube.copy_to(folder.path("cube.npy"), &ctx).unwrap();
    assert_eq!(error("cube.npy").kind(), ErrorKind::Shape);
    let read = AnyMatrix::read(folder.path("cube.npy"), Place::Memory, &ctx).unwrap_err();
    assert_eq!((read.kind(), read.path().is_some()), (ErrorKind::Shape, true));
    let line = Dense::from(ndarray::arr1(&[1.0, 2.0]));
    line.copy_to(folder.path("line.npy"), &ctx).unwrap();
    let column = open(folder.path("line.npy")).unwrap();
    assert_eq!((column.shape(), column.rmatvec(&[1.0, 1.0]).unwrap()), ((2, 1), vec![3.0]));
    Csr::<f64>::eye(2).copy_to(folder.path("a.bspnpy"), &ctx).unwrap();
    let descriptor = folder.path("a.bspnpy").join("binsparse.json");
    let good = std::fs::read_to_string(&descriptor).unwrap();
    std::fs::write(&descriptor, good.replace("int32", "int8")).unwrap();
    let error = open(folder.path("a.bspnpy")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    std::fs::write(&descriptor, good.replace("float64", "float32")).unwrap();
    assert_eq!(open(folder.path("a.bspnpy")).unwrap_err().kind(), ErrorKind::Type);
    std::fs::write(&descriptor, good.replace("CSR", "DIA")).unwrap();
    assert_eq!(open(folder.path("a.bspnpy")).unwrap_err().kind(), ErrorKind::Format);
}

#[test]
fn constant_values_are_written_out_and_ones_are_a_pattern() {
    let (folder, ctx) = (Folders::new(), Context::new());
    let path = folder.path("a.bspnpy");
    Csr::<f64>::eye(3).pattern().copy_to(&path, &ctx).unwrap();
    assert_eq!(open(&path).unwrap().dtype(), None);
    let fives = Dense::from(ndarray::arr1(&[5i8]));
    fives.copy_to(Place::Replace(path.join("values.npy")), &ctx).unwrap();
    let constant = Csr::<i8>::try_from(open(&path).unwrap()).unwrap();
    assert_eq!(**constant.data(), [5; 3]);
}

#[test]
fn what_does_not_fit_is_an_error_that_says_what_would() {
    let (ctx, memory) = (Context::new(), Place::Memory);
    let a = AnyMatrix::from(Csr::<f64>::eye(2));
    let error = a.matvec(&[1.0f32; 2]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no product of float64 entries with vectors of this type: expected float64 or complex128, found float32"
    );
    let complex = AnyMatrix::from(coo::<Complex<f64>, u32>());
    let csr = AnyMatrix::from(complex.to_csr(&memory, &ctx).unwrap());
    assert_eq!(csr.matvec(&[1.0; SHAPE.1]).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(csr.sum::<f64>(&ctx).unwrap_err().kind(), ErrorKind::Type);
    let error = complex.matvec(&[Complex::new(1.0, 0.0); SHAPE.1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(a.matvec(&[1.0; 3]).unwrap_err().kind(), ErrorKind::Shape);
    let error = Csr::<f32>::try_from(a.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the matrix is of another type: expected a CSR matrix, float32, int32 indices, int32 pointers, \
         found CSR matrix, 2 x 2, float64, 2 entries (int32 indices)"
    );
    assert_eq!(Csr::<f64, u64>::try_from(a.clone()).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(Csc::<f64>::try_from(a.clone()).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(Coo::<f64>::try_from(a.clone()).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(Dense::<f64>::try_from(a.clone()).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(AnyDense::try_from(a.clone()).unwrap_err().kind(), ErrorKind::Type);
    let b = AnyMatrix::from(Csr::<f32>::eye(2));
    let error = AnyMatrix::vstack(&[&a, &b], &memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert_eq!(AnyMatrix::vstack(&[], &memory, &ctx).unwrap_err().kind(), ErrorKind::Shape);
    // A variant may be made of an array that is not a matrix; it is an error wherever it is used.
    let cube = AnyDense::from(Dense::from(ndarray::arr3(&[[[1.0, 2.0]], [[3.0, 4.0]]])));
    assert_eq!(AnyMatrix::try_from(cube.clone()).unwrap_err().kind(), ErrorKind::Shape);
    let cube = AnyMatrix::Dense(cube);
    assert_eq!(cube.shape(), (2, 2));
    assert_eq!(cube.matvec(&[1.0, 1.0]).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(cube.to_csr(&memory, &ctx).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(cube.stats(0, &ctx).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(cube.transpose().matvec(&[1.0, 1.0]).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn solvers_take_matrices_of_any_type() {
    use outcore::solve::{SolveOptions, cg};
    let ctx = Context::new();
    let typed = Csr::<f64>::poisson(&[12, 12], Place::Memory, &ctx).unwrap();
    let a = AnyMatrix::from(typed.map_values(Place::Memory, &ctx, |x| x as i8).unwrap());
    let b = a.matvec(&vec![1.0; 144]).unwrap();
    let operator = Operator::new(&a, &ctx).unwrap();
    let found = cg(&operator, &b, &SolveOptions::default(), &ctx).unwrap();
    let expected = cg(&typed, &b, &SolveOptions::default(), &ctx).unwrap();
    assert_eq!(found.x, expected.x);
}

#[test]
fn matrices_larger_than_the_limit_give_the_same_bits() {
    let folder = Folders::new();
    let (ctx, small) = (Context::new(), folder.context(5 << 19));
    let dense: Vec<i16> = (0..2000 * 700).map(|k| (k % 11) as i16 - 5).collect();
    for order in [Order::C, Order::Fortran] {
        let dense = Dense::from_parts((2000, 700), order, dense.clone().into()).unwrap();
        let expected = AnyMatrix::from(dense.clone());
        dense.copy_to(Place::Replace(folder.path("a.npy")), &ctx).unwrap();
        let a = open(folder.path("a.npy")).unwrap();
        let (x, y) = (vector::<f64>(700), vector::<f64>(2000));
        let mut product = vec![0.0; 2000];
        a.apply(&x, &mut product, &small).unwrap();
        assert_eq!(product, expected.matvec(&x).unwrap());
        let mut product = vec![0.0; 700];
        a.apply_adjoint(&y, &mut product, &small).unwrap();
        assert_eq!(product, expected.rmatvec(&y).unwrap());
        let complex = vector::<Complex<f32>>(700);
        let mut product = vec![Complex::default(); 2000];
        Operator::new(&a, &small).unwrap().apply(&complex, &mut product, &small).unwrap();
        assert_eq!(product, expected.matvec(&complex).unwrap());
        let wide = a.to_dtype(DType::Float32, Place::Scratch, &small).unwrap();
        assert_eq!(wide.sum::<f64>(&small).unwrap(), expected.sum::<f64>(&ctx).unwrap());
    }
}

/// Sums, differences and elementwise products, and what is known of rows and columns, beside those of the typed matrix.
fn sparse_arithmetic<T: Case + Multiply + Subtract + Multiplies<f64>, I: Index, P: Index>() {
    let (folder, ctx, memory) = (tempdir().unwrap(), Context::new(), Place::Memory);
    let a: Csr<T, I, P> = coo::<T, I>().to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let b =
        a.permute(&Permutation::new((0..SHAPE.0).rev().collect()).unwrap(), None, &memory, &ctx);
    let b = b.unwrap();
    let [of_a, of_b] = here_and_stored(&a.clone().into(), &folder.path().join("a.bspnpy"), &ctx)
        .map(|a| (a, AnyMatrix::from(b.clone())));
    for (any_a, any_b) in [of_a, of_b] {
        equals(any_a.add(&any_b, &memory, &ctx).unwrap(), &a.add(&b, &memory, &ctx).unwrap());
        equals(any_a.sub(&any_b, &memory, &ctx).unwrap(), &a.sub(&b, &memory, &ctx).unwrap());
        let product = a.multiply(&b, &memory, &ctx).unwrap();
        equals(any_a.multiply(&any_b, &memory, &ctx).unwrap(), &product);
        let turned = any_a.transpose().add(&any_b.transpose(), &memory, &ctx).unwrap();
        equals(turned.transpose(), &a.add(&b, &memory, &ctx).unwrap());
        for axis in [0, 1] {
            let (found, expected) =
                (any_a.stats(axis, &ctx).unwrap(), a.stats(axis, &ctx).unwrap());
            assert_eq!((found.sums(), found.maxs()), (expected.sums(), expected.maxs()));
            assert_eq!(found.variances(1), expected.variances(1));
            assert_eq!(any_a.nnz_per(axis, &ctx).unwrap(), a.nnz_per(axis, &ctx).unwrap());
        }
    }
}

#[test]
fn sparse_matrices_are_added_and_multiplied_element_by_element() {
    sparse_arithmetic::<i64, u32, u64>();
    sparse_arithmetic::<f32, u32, u32>();
    sparse_arithmetic::<f64, u64, u64>();
}

#[test]
fn sparse_matrices_of_two_types_meet_in_a_third() {
    let (ctx, memory) = (Context::new(), Place::Memory);
    let small: Csr<i16> = coo::<i16, u32>().to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let wide: Csr<f64, u64> = coo::<f64, u64>().to_csr(Duplicates::Sum, &memory, &ctx).unwrap();
    let (a, b) = (AnyMatrix::from(small), AnyMatrix::from(wide.clone()));
    let floats = a.to_dtype(DType::Float64, &memory, &ctx).unwrap();
    let floats = Csr::<f64>::try_from(floats).unwrap();
    let sum = Csr::<f64, u64>::try_from(a.add(&b, &memory, &ctx).unwrap()).unwrap();
    for (i, j) in positions() {
        let of = |stored: Option<f64>| stored.unwrap();
        let expected = of(floats.get(i, j).unwrap()) + of(wide.get(i, j).unwrap());
        assert_eq!(of(sum.get(i, j).unwrap()), expected);
    }
    let patterns = [a.pattern().unwrap(), b.pattern().unwrap()];
    let union = patterns[0].add(&patterns[1], &memory, &ctx).unwrap();
    equals(union, &wide.pattern());
    let error = patterns[0].sub(&patterns[1], &memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    let counted = a.pattern().unwrap().add(&b, &memory, &ctx).unwrap();
    assert_eq!(counted.sum::<f64>(&ctx).unwrap(), b.sum::<f64>(&ctx).unwrap() + b.nnz() as f64);
    let list = AnyMatrix::from(a.to_coo(&memory, &ctx).unwrap());
    assert_eq!(list.stats(0, &ctx).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_value_that_does_not_fit_is_named_with_file_row_and_column() {
    let (folder, ctx, memory) = (tempdir().unwrap(), Context::new(), Place::Memory);
    let dense = Dense::from(ndarray::arr2(&[[1i16, 2, 3], [4, 300, 6]]));
    let fortran: Dense<i16> = dense.to_order(Order::Fortran, &memory, &ctx).unwrap();
    let csr: Csr<i16> = dense.to_csr(&memory, &ctx).unwrap();
    let all = [
        AnyMatrix::from(dense),
        AnyMatrix::from(fortran),
        AnyMatrix::from(csr.to_csc(&memory, &ctx).unwrap()),
        AnyMatrix::from(csr.to_coo(&memory, &ctx).unwrap()),
        AnyMatrix::from(csr),
    ];
    for (k, a) in all.into_iter().enumerate() {
        let stored = a.copy_to(folder.path().join(format!("{k}.npy")), &ctx).unwrap();
        for a in [&a, &stored] {
            let error = a.to_dtype(DType::UInt8, &memory, &ctx).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Value);
            assert_eq!(error.finding(), Some("300 in row 1, column 1"), "{a}");
            assert_eq!(error.path().is_some(), a.path().is_some(), "{error}");
        }
    }
}

#[test]
fn a_copy_without_entries_lies_where_it_was_written() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let empty = AnyMatrix::from(Dense::<f32>::from(ndarray::Array2::zeros((0, 5))));
    let coo = AnyMatrix::from(Coo::<f32>::from_triplets((3, 3), []).unwrap());
    for (k, a) in
        [empty, coo.clone(), coo.to_csr(Place::Memory, &ctx).unwrap().into()].iter().enumerate()
    {
        let path = folder.path().join(k.to_string());
        let copy = a.copy_to(&path, &ctx).unwrap();
        assert_eq!(copy.path(), Some(path.as_path()), "{copy}");
        assert_eq!(copy.to_string(), outcore::open(&path).unwrap().to_string());
    }
}

#[test]
fn errors_of_what_is_read_name_the_file() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let (path, descriptor) = (folder.path().join("a"), folder.path().join("a/binsparse.json"));
    Coo::<f64>::from_triplets((3, 3), [(0, 0, 1.0)]).unwrap().copy_to(&path, &ctx).unwrap();
    let text = std::fs::read_to_string(&descriptor).unwrap();
    let damaged =
        text.replace("\"number_of_stored_values\": 1", "\"number_of_stored_values\": 4294967296");
    assert_ne!(text, damaged);
    std::fs::write(&descriptor, damaged).unwrap();
    let limited = ctx.memory_limit(8 << 20);
    let error = AnyMatrix::read(&path, Place::Memory, &limited).unwrap_err();
    assert!(error.path().is_some_and(|at| at.starts_with(&path)), "{error}");
    assert_eq!(outcore::open("").unwrap_err().to_string(), "no path was given");
}

#[test]
fn what_there_is_not_is_said_by_its_name() {
    let ctx = Context::new();
    let a = AnyMatrix::from(Csr::<Complex<f32>>::eye(2));
    let said = |error: outcore::Error| error.to_string();
    assert!(said(a.stats(0, &ctx).unwrap_err()).contains("expected real numbers, found complex64"));
    assert!(said(a.exact_sum(&ctx).unwrap_err()).contains("sum::<Complex<f64>>"));
}
