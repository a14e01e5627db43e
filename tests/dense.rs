//! Dense arrays: orders, dimensions, filling, foreign files.

use std::fs;

use ndarray::{Array2, Array3, IxDyn, arr2};
use num_complex::Complex;
use outcore::{ColumnWriter, Context, Dense, DenseMut, Element, ErrorKind, Order, Place};
use proptest::prelude::*;
use tempfile::tempdir;

fn round_trip<T: Element>(values: &[T]) {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let array = Dense::from_parts((values.len(), 1), Order::C, values.to_vec().into()).unwrap();
    let path = folder.path().join("a.npy");
    array.copy_to(&path, &ctx).unwrap();
    let mapped = Dense::<T>::open(&path).unwrap();
    assert_eq!(mapped.as_slice(), values);
    assert_eq!(mapped.buffer().file().unwrap().1, 4096);
    let copied = Dense::<T>::read(&path, Place::Memory, &ctx).unwrap();
    assert_eq!(copied.as_slice(), values);
}

#[test]
fn every_element_type_survives() {
    round_trip(&[true, false, true]);
    round_trip(&[i8::MIN, 0, i8::MAX]);
    round_trip(&[i16::MIN, 0, i16::MAX]);
    round_trip(&[i32::MIN, 0, i32::MAX]);
    round_trip(&[i64::MIN, 0, i64::MAX]);
    round_trip(&[0, u8::MAX]);
    round_trip(&[0, u16::MAX]);
    round_trip(&[0, u32::MAX]);
    round_trip(&[0, u64::MAX]);
    round_trip(&[f32::MIN_POSITIVE, -0.0, f32::INFINITY]);
    round_trip(&[f64::MIN_POSITIVE, -0.0, f64::INFINITY]);
    round_trip(&[Complex::new(1.0f32, -2.0)]);
    round_trip(&[Complex::new(1.0f64, -2.0)]);
    round_trip::<f64>(&[]);
}

#[test]
fn any_dimension_and_both_orders() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let array = Array3::from_shape_fn((2, 3, 4), |(i, j, k)| (100 * i + 10 * j + k) as i32);
    for (name, array) in [("c.npy", array.clone()), ("f.npy", array.clone().reversed_axes())] {
        let path = folder.path().join(name);
        Dense::from(array.clone()).copy_to(&path, &ctx).unwrap();
        let mapped = Dense::<i32, ndarray::Ix3>::open(&path).unwrap();
        assert_eq!(mapped.as_ndarray(), array);
        assert_eq!(mapped.order(), if name == "c.npy" { Order::C } else { Order::Fortran });
        assert_eq!(Dense::<i32, IxDyn>::open(&path).unwrap().extents(), array.shape());
        assert_eq!(Dense::<i32>::open(&path).unwrap_err().kind(), ErrorKind::Shape);
        assert_eq!(mapped.index_axis(1, 2).unwrap(), array.index_axis(ndarray::Axis(1), 2));
        assert!(mapped.index_axis(1, 3).is_err() && mapped.index_axis(5, 0).is_err());
    }
}

#[test]
fn slices_of_ndarray_become_arrays_of_their_own() {
    let array = Array2::from_shape_fn((5, 6), |(i, j)| 10 * i + j).mapv(|x| x as u64);
    let odd = array.slice(ndarray::s![1..;2, ..;-3]).to_owned();
    assert_eq!(Dense::from(odd.clone()).as_ndarray(), odd);
    let sliced = array.clone().slice_move(ndarray::s![2.., 1..3]);
    assert_eq!(Dense::from(sliced.clone()).as_ndarray(), sliced);
    let fortran = array.t().slice_move(ndarray::s![1..4, ..]).to_owned();
    assert_eq!(Dense::from(fortran.clone()).as_ndarray(), fortran);
}

#[test]
fn the_recipe() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("recipe.npy");
    let ctx = Context::new().memory_limit(1 << 20);
    let (nrows, ncols) = (10_000, 100);
    let mut a = DenseMut::<f32>::create((nrows, ncols), Order::C, &path, &ctx).unwrap();
    let column = |j: usize| (0..nrows).map(move |i| (i * ncols + j) as f32).collect::<Vec<_>>();
    let mut columns = ColumnWriter::new(&mut a).unwrap();
    for j in 0..ncols {
        columns.push(&column(j)).unwrap();
    }
    columns.finish().unwrap();
    a.close().unwrap();
    let b = Dense::<f32, _>::open(&path).unwrap();
    assert_eq!(b.col(ncols - 1).unwrap().to_vec(), column(ncols - 1));
}

#[test]
fn too_many_and_too_few_columns_are_errors() {
    let mut a = DenseMut::<f32>::create((2, 2), Order::C, Place::Memory, &Context::new()).unwrap();
    let mut columns = ColumnWriter::new(&mut a).unwrap();
    assert_eq!(columns.push(&[1.0]).unwrap_err().kind(), ErrorKind::Shape);
    columns.push(&[1.0, 2.0]).unwrap();
    assert!(columns.finish().unwrap_err().to_string().contains("expected 2, found 1"));
    let mut columns = ColumnWriter::new(&mut a).unwrap();
    columns.push(&[1.0, 2.0]).unwrap();
    columns.push(&[3.0, 4.0]).unwrap();
    assert_eq!(columns.push(&[5.0, 6.0]).unwrap_err().kind(), ErrorKind::Shape);
}

proptest! {
    #[test]
    fn filling_by_lines_fills_every_element(
        nrows in 0usize..200, ncols in 0usize..40, fortran: bool, by_rows: bool, limit in 1600u64..20_000,
    ) {
        let order = if fortran { Order::Fortran } else { Order::C };
        // A small limit makes the staging area hold a few lines only.
        let ctx = Context::new().memory_limit(limit);
        let mut a = DenseMut::<u16>::create((nrows, ncols), order, Place::Scratch, &ctx).unwrap();
        if by_rows {
            a.fill_rows(|i, row| row.iter_mut().enumerate().for_each(|(j, x)| *x = (i * 64 + j) as u16)).unwrap();
        } else {
            a.fill_columns(|j, col| col.iter_mut().enumerate().for_each(|(i, x)| *x = (i * 64 + j) as u16)).unwrap();
        }
        for ((i, j), &x) in a.as_ndarray().indexed_iter() {
            prop_assert_eq!(x as usize, i * 64 + j);
        }
    }
}

#[test]
fn files_of_others() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let write = |name: &str, header: &str, data: &[u8]| {
        let path = folder.path().join(name);
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        fs::write(&path, bytes).unwrap();
        path
    };
    let swapped = write(
        "swapped.npy",
        "{'descr': '>c8', 'fortran_order': False, 'shape': (1, 1), }",
        &[1.5f32.to_be_bytes(), (-2.0f32).to_be_bytes()].concat(),
    );
    let error = Dense::<Complex<f32>>::open(&swapped).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert!(error.to_string().contains("copy"), "{error}");
    let read = Dense::<Complex<f32>>::read(&swapped, Place::Memory, &ctx).unwrap();
    assert_eq!(read.as_slice(), [Complex::new(1.5, -2.0)]);

    let unaligned = write(
        "unaligned.npy",
        "{'descr': '<i8', 'fortran_order': True, 'shape': (1, 1), }  ",
        &7i64.to_le_bytes(),
    );
    assert!(Dense::<i64>::open(&unaligned).unwrap_err().to_string().contains("divisible by 8"));
    assert_eq!(Dense::<i64>::read(&unaligned, Place::Memory, &ctx).unwrap().as_slice(), [7]);

    let booleans = write(
        "bool.npy",
        "{'descr': '|b1', 'fortran_order': False, 'shape': (1, 3), }",
        &[0, 2, 1],
    );
    assert_eq!(Dense::<bool>::open(&booleans).unwrap_err().kind(), ErrorKind::Value);
    let read = Dense::<bool>::read(&booleans, Place::Memory, &ctx).unwrap();
    assert_eq!(read.as_slice(), [false, true, true]);

    let raw = folder.path().join("raw.bin");
    fs::write(&raw, [0u8; 40]).unwrap();
    assert_eq!(Dense::<f64>::from_raw(&raw, 8, (2, 2), Order::C).unwrap().as_slice(), [0.0; 4]);
    assert!(Dense::<f64>::from_raw(&raw, 16, (2, 2), Order::C).is_err());
    assert!(Dense::<f64>::from_raw(&raw, 4, (2, 2), Order::C).is_err());
    assert!(Dense::<f64>::from_raw(&raw, 0, (usize::MAX, 2), Order::C).is_err());
    assert_eq!(Dense::<f64>::from_raw(&raw, 40, (0, 2), Order::C).unwrap().len(), 0);
}

#[test]
fn transposes_and_parts() {
    let a = Dense::from(arr2(&[[1, 2, 3], [4, 5, 6]]));
    assert_eq!(a.transpose().as_ndarray(), a.as_ndarray().t());
    assert_eq!(a.transpose().transpose().as_slice(), a.as_slice());
    assert_eq!(a.row(1).unwrap().to_vec(), [4, 5, 6]);
    assert_eq!(a.col(2).unwrap().to_vec(), [3, 6]);
    assert!(a.row(2).is_err() && a.col(3).is_err());
    assert!(Dense::<i32>::from_parts((2, 2), Order::C, vec![1].into()).is_err());
}
