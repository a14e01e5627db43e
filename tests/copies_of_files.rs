//! Files that cannot be used in place, read as copies: other byte orders, odd offsets, one value for all entries;
//! and single rows of files that are not read as a whole.

use std::path::Path;

use ndarray::Ix2;
use num_complex::Complex;
use outcore::{
    ByteOrder, Context, Coo, Csc, Csr, DType, Dense, Element, Entry, ErrorKind, NpyHeader, Order,
    Place,
};

use crate::folders::Folders;

const OTHER: ByteOrder = ByteOrder::Swapped;

/// Turns a `.npy` file into one of the other byte order, its elements made of numbers of `unit` bytes.
fn swap(path: &Path, unit: usize) {
    let header = NpyHeader::read(path).unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let (head, data) = bytes.split_at_mut(header.data_start as usize);
    data.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
    let mark = head.iter_mut().find(|byte| matches!(byte, b'<' | b'>')).unwrap();
    *mark = if *mark == b'<' { b'>' } else { b'<' };
    std::fs::write(path, bytes).unwrap();
}

/// A copy of a stored matrix with arrays in the other byte order.
fn swapped(folder: &Path, units: &[(&str, usize)]) {
    for (name, unit) in units {
        swap(&folder.join(name), *unit);
    }
}

fn csr<T: Entry>(values: &[T]) -> Csr<T> {
    Csr::from_parts((3, 5), vec![0, 2, 2, 3], vec![4, 1, 0], values.to_vec()).unwrap()
}

fn sparse_in_the_other_byte_order<T: Entry>(values: &[T], unit: usize) {
    let (folders, ctx) = (Folders::new(), Context::new());
    let a = csr(values);
    a.copy_to(folders.result("a"), &ctx).unwrap();
    let arrays = [("pointers_to_1.npy", 4), ("indices_1.npy", 4), ("values.npy", unit)];
    swapped(&folders.path("a"), &arrays[..if unit > 1 { 3 } else { 2 }]);
    let error = Csr::<T>::open(folders.path("a")).unwrap_err();
    assert!(error.kind() == ErrorKind::Type && error.to_string().contains("with read"), "{error}");
    for place in [Place::Memory, Place::Scratch, folders.result("b")] {
        assert!(Csr::<T>::read(folders.path("a"), place, &ctx).unwrap() == a);
    }
    folders.verify("b");
    assert!(Csr::<T>::open(folders.path("b")).unwrap() == a);
    assert_eq!(Csr::<()>::read(folders.path("a"), Place::Memory, &ctx).unwrap().nnz(), 3);
    let coo = a.to_coo(folders.result("coo"), &ctx).unwrap();
    drop(coo);
    let arrays = [("indices_0.npy", 4), ("indices_1.npy", 4), ("values.npy", unit)];
    swapped(&folders.path("coo"), &arrays[..if unit > 1 { 3 } else { 2 }]);
    let read = Coo::<T>::read(folders.path("coo"), Place::Memory, &ctx).unwrap();
    assert_eq!((&**read.row_indices(), &**read.col_indices()), (&[0, 0, 2][..], &[4, 1, 0][..]));
    assert_eq!(**read.data(), *values);
}

#[test]
fn sparse_arrays_in_the_byte_order_of_other_machines_are_read() {
    sparse_in_the_other_byte_order(&[1.5f64, -2.0, 1e300], 8);
    sparse_in_the_other_byte_order(&[1.5f32, -2.0, 1e30], 4);
    sparse_in_the_other_byte_order(&[1i16, -2, 300], 2);
    sparse_in_the_other_byte_order(&[1u64, u64::MAX, 3], 8);
    sparse_in_the_other_byte_order(&[true, false, true], 1);
    let numbers = [Complex::new(1.0, 2.0), Complex::new(-0.5, 1e-300), Complex::new(0.0, 3.0)];
    sparse_in_the_other_byte_order(&numbers, 8);
    sparse_in_the_other_byte_order(&numbers.map(|z| Complex::new(z.re as f32, z.im as f32)), 4);
}

#[test]
fn compressed_columns_and_patterns_are_read() {
    let (folders, ctx) = (Folders::new(), Context::new());
    let a: Csc<f64> = csr(&[1.0, 2.0, 3.0]).transpose();
    a.copy_to(folders.result("a"), &ctx).unwrap();
    swapped(&folders.path("a"), &[("pointers_to_1.npy", 4)]);
    assert!(Csc::<f64>::read(folders.path("a"), Place::Memory, &ctx).unwrap() == a);
    let error = Csr::<f64>::read(folders.path("a"), Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    // A pattern has one value for all entries, which is written out for those who ask for values.
    let pattern = a.pattern();
    pattern.copy_to(folders.result("p"), &ctx).unwrap();
    assert!(Csc::<()>::read(folders.path("p"), Place::Memory, &ctx).unwrap() == pattern);
    let ones = Csc::<i8>::read(folders.path("p"), folders.result("ones"), &ctx).unwrap();
    assert_eq!(**ones.data(), [1, 1, 1]);
    let error = Csc::<f64>::read(folders.path("p"), Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
}

#[test]
fn a_copy_of_a_bad_matrix_is_refused_and_leaves_nothing() {
    let (folders, ctx) = (Folders::new(), Context::new());
    csr(&[1.0f64, 2.0, 3.0]).copy_to(folders.result("a"), &ctx).unwrap();
    let store = |name: &str, at: usize, value: u32| {
        let path = folders.path("a").join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        let start = NpyHeader::read(&path).unwrap().data_start as usize + 4 * at;
        let before = u32::from_le_bytes(bytes[start..start + 4].try_into().unwrap());
        bytes[start..start + 4].copy_from_slice(&value.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        before
    };
    for (name, at, value) in [
        ("indices_1.npy", 2, 5),
        ("indices_1.npy", 0, u32::MAX),
        ("pointers_to_1.npy", 0, 1),
        ("pointers_to_1.npy", 1, 4),
        ("pointers_to_1.npy", 3, 2),
    ] {
        let before = store(name, at, value);
        let error = Csr::<f64>::read(folders.path("a"), folders.result("b"), &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index, "{error}");
        assert!(error.to_string().contains(name), "{error}");
        store(name, at, before);
    }
    assert!(Csr::<f64>::read(folders.path("a"), Place::Memory, &ctx).is_ok());
    folders.assert_only(&["a"]);
    let small = Context::new().memory_limit(40);
    let error = Csr::<f64>::read(folders.path("a"), Place::Memory, &small).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
}

fn raw<T: Element>(values: &[T], bytes: &[u8], unit: usize) {
    let (folders, ctx) = (Folders::new(), Context::new());
    let path = folders.path("raw");
    for offset in [0, 1, 3, 8, 4097] {
        for order in [ByteOrder::Native, OTHER] {
            let mut stored = bytes.to_vec();
            if order == OTHER {
                stored.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
            }
            std::fs::write(&path, [vec![0xAB; offset], stored].concat()).unwrap();
            let shape = (1, values.len());
            let read = |place| {
                let offset = offset as u64;
                Dense::<T, Ix2>::read_raw(&path, offset, shape, Order::C, order, place, &ctx)
            };
            assert_eq!(read(Place::Memory).unwrap().as_slice(), values);
            let name = format!("{offset}-{order:?}.npy");
            assert_eq!(read(folders.result(&name)).unwrap().as_slice(), values);
            folders.verify(&name);
            let longer = (1, values.len() + 1);
            let (offset, place) = (offset as u64, Place::Memory);
            let short =
                Dense::<T, Ix2>::read_raw(&path, offset, longer, Order::C, order, place, &ctx);
            assert_eq!(short.unwrap_err().kind(), ErrorKind::Format);
        }
    }
}

#[test]
fn raw_elements_at_any_offset_and_in_any_byte_order_are_read() {
    raw(&[1.5f64, -2.0, 1e300], &[1.5f64, -2.0, 1e300].map(f64::to_ne_bytes).concat(), 8);
    raw(&[7u16, 300], &[7u16, 300].map(u16::to_ne_bytes).concat(), 2);
    raw(&[-7i64], &(-7i64).to_ne_bytes(), 8);
    raw(&[true, false, true], &[1, 0, 255], 1);
    let z = Complex::new(1.0f32, -2.0);
    raw(&[z], &[z.re.to_ne_bytes(), z.im.to_ne_bytes()].concat(), 4);
}

#[test]
fn an_odd_offset_names_the_call_that_copies() {
    let folders = Folders::new();
    std::fs::write(folders.path("raw"), [0; 64]).unwrap();
    let error = Dense::<f64>::from_raw(folders.path("raw"), 3, (1, 2), Order::C).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    assert!(error.to_string().contains("read_raw"), "{error}");
    assert_eq!(<f64 as Element>::DTYPE, DType::Float64);
}

#[test]
fn a_row_is_had_from_a_file_whose_other_rows_are_bad() {
    let (folders, ctx) = (Folders::new(), Context::new());
    let n = 1000;
    let a = Csr::<f64>::poisson(&[n], Place::Memory, &ctx).unwrap();
    a.copy_to(folders.result("a"), &ctx).unwrap();
    let path = folders.path("a").join("indices_1.npy");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&5000u32.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let stored = Csr::<f64>::open(folders.path("a")).unwrap();
    let bad = |error: outcore::Error| {
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert!(text.contains("indices_1.npy") && text.contains("row 999"), "{text}");
    };
    // Often enough for all to be examined once, and again.
    for i in (0..n - 1).cycle().take(5 * n) {
        assert_eq!(stored.get(i, i).unwrap(), Some(2.0));
        assert_eq!(stored.row(i).unwrap(), a.row(i).unwrap());
        if i % 100 == 0 {
            bad(stored.get(n - 1, 0).unwrap_err());
            bad(stored.row(n - 1).unwrap_err());
            bad(stored.transpose().col(n - 1).unwrap_err());
        }
    }
    bad(stored.check().unwrap_err());
    // Lines that do not rise are searched, whatever is known of the whole.
    let ragged = csr(&[1.0, 2.0, 3.0]);
    ragged.copy_to(folders.result("ragged"), &ctx).unwrap();
    let ragged = Csr::<f64>::open(folders.path("ragged")).unwrap();
    for _ in 0..10 {
        assert_eq!(ragged.get(0, 4).unwrap(), Some(1.0));
        assert_eq!((ragged.get(0, 1).unwrap(), ragged.get(1, 1).unwrap()), (Some(2.0), None));
    }
}

#[test]
fn a_place_is_made_of_any_kind_of_text() {
    let (text, place) = (String::from("a.npy"), Place::File("a.npy".into()));
    assert_eq!((Place::from(&text), Place::from(text.clone())), (place.clone(), place.clone()));
    assert_eq!(Place::from(&*text), place);
}
