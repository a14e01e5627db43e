//! Numbers of 16 bits: stored as NumPy has them, and products with the bits of those of the widened matrix.

use std::fs;

use half::{bf16, f16};
use num_complex::Complex;
use outcore::linalg::{LinearOperator, Multiplies, Operator, Scalar};
use outcore::{
    Context, Csr, DType, Dense, Descriptor, Element, Entry, ErrorKind, NpyHeader, Order, Place,
    StoredValues, verify,
};
use tempfile::tempdir;

/// A narrow type and the exact way to a wide one, by the crate that defines it.
trait Narrow: Element {
    const DESCR: &str;
    fn narrow(value: f32) -> Self;
    fn wide(self) -> f32;
}

impl Narrow for f16 {
    const DESCR: &str = "'<f2'";
    fn narrow(value: f32) -> Self {
        f16::from_f32(value)
    }
    fn wide(self) -> f32 {
        self.to_f32()
    }
}

impl Narrow for bf16 {
    const DESCR: &str = "'<V2'";
    fn narrow(value: f32) -> Self {
        bf16::from_f32(value)
    }
    fn wide(self) -> f32 {
        self.to_f32()
    }
}

/// Numbers of both signs and of many sizes, those without a leading one among them.
fn number(i: usize) -> f32 {
    let fraction = 1.0 / (i % 997 + 1) as f32 - 0.3;
    fraction * 2f32.powi((i % 31) as i32 - 22)
}

fn vector<X: Scalar>(len: usize) -> Vec<X> {
    (0..len).map(|i| X::from_f64(f64::from(number(i * 7 + 1)))).collect()
}

/// The structure of a random matrix, with narrow values.
fn sparse<T: Narrow>(shape: (usize, usize), density: f64) -> Csr<T> {
    let a = Csr::<f64>::random(shape, density, 5, Place::Memory, &Context::new()).unwrap();
    a.with_data((0..a.nnz()).map(|i| T::narrow(number(i))).collect::<Vec<_>>()).unwrap()
}

fn dense<T: Narrow>(shape: (usize, usize), order: Order) -> Dense<T> {
    let elements: Vec<T> = (0..shape.0 * shape.1).map(|i| T::narrow(number(i))).collect();
    Dense::from_parts(shape, order, elements.into()).unwrap()
}

fn widened<T: Narrow>(values: &[T]) -> Vec<f32> {
    values.iter().map(|value| value.wide()).collect()
}

/// All products of operators against those of a wide one, bit for bit, for any number of threads.
fn same_products<X: Scalar>(narrow: &[&dyn LinearOperator<X>], wide: &dyn LinearOperator<X>) {
    let (nrows, ncols) = wide.shape();
    for k in [1, 3, 16] {
        let (x, z) = (vector::<X>(ncols * k), vector::<X>(nrows * k));
        let nothing = X::from_f64(f64::NAN);
        let (mut y, mut w) = (vec![nothing; nrows * k], vec![nothing; ncols * k]);
        let one = Context::new().threads(1).unwrap();
        wide.apply_block(k, &x, &mut y, &one).unwrap();
        wide.apply_adjoint_block(k, &z, &mut w, &one).unwrap();
        for &threads in if k == 1 { &[1, 2, 3, 8][..] } else { &[3] } {
            let ctx = Context::new().threads(threads).unwrap();
            for (n, narrow) in narrow.iter().enumerate() {
                let (mut y2, mut w2) = (vec![nothing; nrows * k], vec![nothing; ncols * k]);
                narrow.apply_block(k, &x, &mut y2, &ctx).unwrap();
                narrow.apply_adjoint_block(k, &z, &mut w2, &ctx).unwrap();
                assert!(y == y2 && w == w2, "operator {n}, {k} vectors, {threads} threads");
            }
        }
    }
}

fn sparse_products<T, X: Scalar>()
where
    T: Narrow + Multiplies<X>,
    f32: Multiplies<X>,
{
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    for (n, (shape, density)) in
        [((900, 700), 0.03), ((30_000, 20_000), 0.001)].into_iter().enumerate()
    {
        let narrow = sparse::<T>(shape, density);
        let wide = narrow.with_data(widened(narrow.data())).unwrap();
        let stored = narrow.copy_to(folder.path().join(format!("a{n}")), &ctx).unwrap();
        let with_adjoint = Operator::with_adjoint(&narrow, &ctx).unwrap();
        // Streamed panel by panel.
        let little = Context::new().memory_limit(2 << 20);
        let streamed = Operator::with_vectors(&stored, 0, &little).unwrap();
        same_products(&[&narrow, &stored, &with_adjoint, &streamed], &wide);
        let (narrow, wide) = (
            narrow.to_csc(Place::Memory, &ctx).unwrap(),
            wide.to_csc(Place::Memory, &ctx).unwrap(),
        );
        same_products(&[&narrow], &wide);
    }
}

#[test]
fn sparse_products_have_the_bits_of_the_widened_matrix() {
    sparse_products::<f16, f32>();
    sparse_products::<f16, f64>();
    sparse_products::<bf16, f32>();
    sparse_products::<bf16, Complex<f64>>();
}

fn dense_products<T, X: Scalar>()
where
    T: Narrow + Multiplies<X>,
    f32: Multiplies<X>,
{
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    for (n, shape) in [(37, 61), (300, 5000)].into_iter().enumerate() {
        for order in [Order::C, Order::Fortran] {
            let narrow = dense::<T>(shape, order);
            let wide = Dense::from_parts(shape, order, widened(narrow.as_slice()).into()).unwrap();
            let path = folder.path().join(format!("{n}{order:?}.npy"));
            let stored = narrow.copy_to(path, &ctx).unwrap();
            // Less than the matrix; a block of lines is decoded beside the panels.
            let little = Context::new().memory_limit(9 << 19);
            let streamed = Operator::with_vectors(&stored, 0, &little).unwrap();
            same_products(&[&narrow, &stored, &streamed], &wide);
        }
    }
}

#[test]
fn dense_products_have_the_bits_of_the_widened_matrix() {
    dense_products::<f16, f32>();
    dense_products::<f16, Complex<f32>>();
    dense_products::<bf16, f32>();
    dense_products::<bf16, f64>();
}

fn files<T: Narrow>() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let (array, matrix) = (folder.path().join("a.npy"), folder.path().join("a.bspnpy"));

    let a = dense::<T>((5, 7), Order::Fortran);
    a.copy_to(&array, &ctx).unwrap();
    let text = String::from_utf8_lossy(&fs::read(&array).unwrap()[..128]).into_owned();
    assert!(text.contains(&format!("'descr': {}", T::DESCR)), "{text}");
    assert_eq!(NpyHeader::read(&array).unwrap().dtype, T::DTYPE);
    assert_eq!(Dense::<T>::open(&array).unwrap().as_slice(), a.as_slice());
    assert_eq!(Dense::<T>::read(&array, Place::Memory, &ctx).unwrap().as_slice(), a.as_slice());
    verify(&array, &ctx).unwrap();
    let error = Dense::<f32>::open(&array).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert!(error.to_string().contains(T::DTYPE.name()), "{error}");

    let a = sparse::<T>((50, 40), 0.1);
    a.copy_to(&matrix, &ctx).unwrap();
    assert_eq!(Descriptor::read(&matrix).unwrap().values, StoredValues::Each(T::DTYPE));
    let stored = Csr::<T>::open(&matrix).unwrap();
    assert_eq!(
        (stored.indptr(), stored.indices(), stored.data()),
        (a.indptr(), a.indices(), a.data())
    );
    verify(&matrix, &ctx).unwrap();
    let error = Csr::<f64>::open(&matrix).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert!(error.to_string().contains(T::DTYPE.name()), "{error}");
}

#[test]
fn files_are_those_of_numpy() {
    files::<f16>();
    files::<bf16>();
}

/// A file as NumPy writes it, of one half and minus two.
fn of_numpy(descr: &str, bytes: [u8; 4]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2,), }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend_from_slice(format!("{text:<117}\n").as_bytes());
    file.extend_from_slice(&bytes);
    file
}

#[test]
fn files_of_others_are_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    type Line<T> = Dense<T, ndarray::Ix1>;
    fs::write(&path, of_numpy("<f2", [0, 0x38, 0, 0xc0])).unwrap();
    assert_eq!(
        Line::<f16>::open(&path).unwrap().as_slice(),
        [f16::from_f32(0.5), f16::from_f32(-2.0)]
    );
    let error = Line::<bf16>::open(&path).unwrap_err().to_string();
    assert!(error.contains("bfloat16") && error.contains("float16"), "{error}");
    for mark in ["<", "|"] {
        fs::write(&path, of_numpy(&format!("{mark}V2"), [0, 0x3f, 0, 0xc0])).unwrap();
        let a = Line::<bf16>::open(&path).unwrap();
        assert_eq!(a.as_slice(), [bf16::from_f32(0.5), bf16::from_f32(-2.0)]);
    }
    fs::write(&path, of_numpy(">f2", [0x38, 0, 0xc0, 0])).unwrap();
    assert_eq!(Line::<f16>::open(&path).unwrap_err().kind(), ErrorKind::Type);
    let swapped = Line::<f16>::read(&path, Place::Memory, &Context::new()).unwrap();
    assert_eq!(swapped.as_slice(), [f16::from_f32(0.5), f16::from_f32(-2.0)]);
    fs::write(&path, of_numpy("<V4", [0; 4])).unwrap();
    assert_eq!(Line::<bf16>::open(&path).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn sums_are_rounded_once_and_conversions_keep_values() {
    let ctx = Context::new();
    assert_eq!(<f16 as Entry>::ENTRY_DTYPE, Some(DType::Float16));
    let (a, b) = (f16::from_f32(2048.0), f16::from_f32(3.0));
    assert_eq!(a.merge(b), Some(f16::from_f32(2052.0)));
    let (a, b) = (bf16::from_f32(256.0), bf16::from_f32(1.0));
    assert_eq!(a.merge(b), Some(bf16::from_f32(256.0)));
    let a = sparse::<f16>((60, 50), 0.2);
    let dense = a.to_dense(Order::C, Place::Memory, &ctx).unwrap();
    let again = dense.to_csr::<u32, u32>(Place::Memory, &ctx).unwrap();
    let kept: Vec<f16> = a.data().iter().copied().filter(|&value| value != f16::ZERO).collect();
    assert_eq!(again.data()[..], kept);
    assert!(again.nnz() > 500);
}
