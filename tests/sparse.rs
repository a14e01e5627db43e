//! Sparse matrices: construction, checks, views, storing, what an invalid file gets.

use std::fs;
use std::path::Path;

use num_complex::Complex;
use outcore::{
    Context, Coo, CooBuilder, Csc, Csr, Dense, Duplicates, Element, Entry, ErrorKind, Order, Place,
};
use tempfile::tempdir;

fn small() -> Csr<f64> {
    // [ 1 . 2 ]
    // [ . . . ]
    // [ . 3 . ]
    Csr::from_parts((3, 3), vec![0, 2, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0]).unwrap()
}

#[test]
fn bad_parts_are_named() {
    type Parts = (Vec<u32>, Vec<u32>, Vec<f64>);
    let cases: [(Parts, &str); 6] = [
        (
            (vec![0, 2, 1, 3], vec![0, 1, 2], vec![1.0; 3]),
            "row 1: the pointers decrease: expected an end of at least 2, found 1",
        ),
        ((vec![0, 1, 2, 2], vec![0, 1, 2], vec![1.0; 3]), "expected an end of 3, found 2"),
        ((vec![0, 1, 3], vec![0, 1, 2], vec![1.0; 3]), "expected 4, found 3"),
        (
            (vec![0, 1, 2, 3], vec![0, 3, 2], vec![1.0; 3]),
            "row 1, position 1: an index is out of range",
        ),
        (
            (vec![0, 1, 2, 3], vec![0, 1, 2], vec![1.0; 2]),
            "the value array has the wrong shape: expected 3, found 2",
        ),
        ((vec![0, 1, 2, 3], vec![0, 1, u32::MAX], vec![1.0; 3]), "found 4294967295"),
    ];
    for ((indptr, indices, data), message) in cases {
        let error = Csr::<f64>::from_parts((3, 3), indptr, indices, data).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    assert_eq!(
        Csr::<f64>::from_parts((1, 1 << 40), vec![0, 0], vec![], vec![]).unwrap_err().kind(),
        ErrorKind::Type
    );
    assert!(Csr::<f64, u64>::from_parts((1, 1 << 40), vec![0, 0], vec![], vec![]).is_ok());
    assert!(Csr::<f64>::from_parts((0, 0), vec![0], vec![], vec![]).is_ok());
    assert!(Csr::<f64>::from_parts((0, 0), Vec::new(), vec![], vec![]).is_err());
}

#[test]
fn looking_at_it() {
    let a = small();
    assert_eq!(a.get(0, 2).unwrap(), Some(2.0));
    assert_eq!(a.get(1, 1).unwrap(), None);
    assert!(a.get(3, 0).is_err() && a.get(0, 3).is_err() && a.row(3).is_err());
    let rows: Vec<_> = a.rows().map(|row| row.data.to_vec()).collect();
    assert_eq!(rows, [vec![1.0, 2.0], vec![], vec![3.0]]);
    let at = a.transpose();
    assert_eq!(at.get(2, 0).unwrap(), Some(2.0));
    assert_eq!(at.transpose(), a);
    assert_eq!(a.pattern().get(0, 0).unwrap(), Some(()));
    assert_eq!(a.with_data(vec![1i8; 2]).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn parts_of_a_matrix_are_matrices() {
    let a = small();
    let part = a.row_range(1..3).unwrap();
    assert_eq!((part.shape(), part.nnz()), ((2, 3), 1));
    assert_eq!(part.get(1, 1).unwrap(), Some(3.0));
    let part_of_part = part.row_range(1..2).unwrap();
    assert_eq!(part_of_part.get(0, 1).unwrap(), Some(3.0));
    assert_eq!(a.row_range(3..3).unwrap().shape(), (0, 3));
    #[expect(clippy::reversed_empty_ranges)]
    let backwards = a.row_range(2..1);
    assert!(backwards.is_err() && a.row_range(0..4).is_err());
    let copy = part.copy_to(Place::Memory, &Context::new()).unwrap();
    assert_eq!(copy, part);
    assert_eq!(**copy.indptr(), [0, 0, 1]);
    assert_eq!(a.transpose().col_range(0..1).unwrap().get(2, 0).unwrap(), Some(2.0));
}

#[test]
fn order_within_rows_is_known() {
    assert!(small().check().unwrap());
    let unsorted = Csr::<f64>::from_parts((1, 3), vec![0, 2], vec![2, 0], vec![1.0, 2.0]).unwrap();
    assert!(!unsorted.check().unwrap());
    assert_eq!(unsorted.get(0, 0).unwrap(), Some(2.0));
    assert_eq!(unsorted.as_sprs().unwrap_err().kind(), ErrorKind::Index);
    let double = Csr::<f64>::from_parts((1, 3), vec![0, 2], vec![1, 1], vec![1.0, 2.0]).unwrap();
    assert_eq!(double.get(0, 1).unwrap_err().kind(), ErrorKind::Duplicate);
    assert_eq!(double.get(0, 0).unwrap(), None);
}

#[test]
fn sprs_and_back() {
    let a = small();
    let view = a.as_sprs().unwrap();
    assert_eq!(view.data().as_ptr(), a.data().as_ptr());
    assert_eq!(Csr::try_from(view.to_owned()).unwrap(), a);
    assert_eq!(Csc::<f64>::try_from(view.to_owned()).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(Csc::try_from(view.to_csc()).unwrap().get(0, 2).unwrap(), Some(2.0));
    assert_eq!(a.row_range(1..3).unwrap().as_sprs().unwrap().nnz(), 1);
    assert_eq!(a.transpose().as_sprs().unwrap().shape(), (3, 3));
}

fn stored<T: Entry>(data: Vec<T>, folder: &Path) {
    let ctx = Context::new();
    let a = Csr::<T>::from_parts((2, 3), vec![0, 1, 3], vec![2, 0, 1], data.clone()).unwrap();
    let name = T::ENTRY_DTYPE.map_or("pattern", |dtype| dtype.name());
    let csr = folder.join(format!("{name}.csr"));
    assert_eq!(a.copy_to(&csr, &ctx).unwrap(), a);
    let mapped = Csr::<T>::open(&csr).unwrap();
    assert_eq!(mapped, a);
    assert!(mapped.indices().file().is_some());
    let csc = folder.join(format!("{name}.csc"));
    let transposed = a.transpose();
    transposed.copy_to(&csc, &ctx).unwrap();
    assert_eq!(Csc::<T>::open(&csc).unwrap(), transposed);
    assert_eq!(Csr::<T>::open(&csc).unwrap_err().kind(), ErrorKind::Type);
    let coo = folder.join(format!("{name}.coo"));
    a.to_coo(&coo, &ctx).unwrap();
    let mapped = Coo::<T>::open(&coo).unwrap();
    assert_eq!(
        (&**mapped.row_indices(), &**mapped.col_indices(), &**mapped.data()),
        (&[0, 1, 1][..], &[2, 0, 1][..], &data[..])
    );
    let wide =
        Csr::<T, u64>::from_parts((2, 3), vec![0, 1, 3], vec![2, 0, 1], data.clone()).unwrap();
    let path = folder.join(format!("{name}.wide"));
    wide.copy_to(&path, &ctx).unwrap();
    assert_eq!(Csr::<T, u64>::open(&path).unwrap(), wide);
    let error = Csr::<T>::open(&path).unwrap_err();
    assert!(error.to_string().contains("expected int32 or uint32, found int64"), "{error}");
}

#[test]
fn every_value_type_is_stored() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    stored(vec![(); 3], folder);
    stored(vec![true, false, true], folder);
    stored(vec![1i8, 2, 3], folder);
    stored(vec![1i16, 2, 3], folder);
    stored(vec![1i32, 2, 3], folder);
    stored(vec![1i64, 2, 3], folder);
    stored(vec![1u8, 2, 3], folder);
    stored(vec![1u16, 2, 3], folder);
    stored(vec![1u32, 2, 3], folder);
    stored(vec![1u64, 2, 3], folder);
    stored(vec![1f32, 2.0, 3.0], folder);
    stored(vec![1f64, 2.0, 3.0], folder);
    stored(vec![Complex::new(1f32, 2.0); 3], folder);
    stored(vec![Complex::new(1f64, 2.0); 3], folder);
}

#[test]
fn a_pattern_and_its_values() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let path = folder.path().join("a.bspnpy");
    small().copy_to(&path, &ctx).unwrap();
    assert_eq!(Csr::<()>::open(&path).unwrap(), small().pattern());
    let path = folder.path().join("p.bspnpy");
    small().pattern().copy_to(&path, &ctx).unwrap();
    let error = Csr::<f64>::open(&path).unwrap_err();
    assert!(
        error.to_string().contains("iso[int8]") && error.to_string().contains("pattern"),
        "{error}"
    );
    assert_eq!(Csr::<()>::open_mut(&path, &ctx).err().unwrap().kind(), ErrorKind::Type);
}

/// Puts one value for all entries in place of the values of a stored matrix.
fn make_iso<T: Element>(path: &Path, stored: &str, name: &str, values: Vec<T>) {
    let text = fs::read_to_string(path.join("binsparse.json")).unwrap();
    let text = text.replace(&format!("\"{stored}\""), &format!("\"iso[{name}]\""));
    fs::write(path.join("binsparse.json"), text).unwrap();
    fs::remove_file(path.join("values.npy")).unwrap();
    let shape = [values.len()];
    let value = Dense::from_parts(shape, Order::C, values.into()).unwrap();
    value.copy_to(Place::Replace(path.join("values.npy")), &Context::new()).unwrap();
}

#[test]
fn one_value_for_all_entries_is_written_out() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let path = |name: &str| folder.path().join(name);
    small().copy_to(path("csr"), &ctx).unwrap();
    small().to_coo(path("coo"), &ctx).unwrap();
    let values = vec![Complex::new(1.0f64, 2.0); small().nnz()];
    let complex = small().with_data(values).unwrap();
    complex.copy_to(path("complex"), &ctx).unwrap();
    make_iso(&path("csr"), "float64", "float64", vec![2.5]);
    make_iso(&path("coo"), "float64", "float64", vec![2.5]);
    make_iso(&path("complex"), "complex[float64]", "complex[float64]", vec![1.0, 2.0]);
    let expected = small().with_data(vec![2.5; small().nnz()]).unwrap();
    assert_eq!(Csr::<f64>::open(path("csr")).unwrap(), expected);
    assert_eq!(Csr::<()>::open(path("csr")).unwrap(), expected.pattern());
    assert_eq!(**Coo::<f64>::open(path("coo")).unwrap().data(), vec![2.5; small().nnz()]);
    assert_eq!(Csr::<Complex<f64>>::open(path("complex")).unwrap(), complex);
    // A pattern holds a 1 of 8 bits.
    small().pattern().copy_to(path("pattern"), &ctx).unwrap();
    let ones = Csr::<i8>::open(path("pattern")).unwrap();
    assert_eq!(ones, small().with_data(vec![1i8; small().nnz()]).unwrap());
    // Of another type, of several values, and of more entries than there are indices.
    assert_eq!(Csr::<f32>::open(path("csr")).unwrap_err().kind(), ErrorKind::Type);
    make_iso(&path("csr"), "float64", "float64", vec![2.5, 2.5]);
    assert_eq!(Csr::<f64>::open(path("csr")).unwrap_err().kind(), ErrorKind::Format);
    make_iso(&path("csr"), "float64", "float64", vec![2.5]);
    let text = fs::read_to_string(path("csr/binsparse.json")).unwrap();
    let count = format!("\"number_of_stored_values\": {}", small().nnz());
    assert!(text.contains(&count), "{text}");
    let huge = text.replace(&count, "\"number_of_stored_values\": 4000000000000000");
    fs::write(path("csr/binsparse.json"), huge).unwrap();
    assert_eq!(Csr::<f64>::open(path("csr")).unwrap_err().kind(), ErrorKind::Format);
}

#[test]
fn values_are_refilled_in_place() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let path = folder.path().join("a.bspnpy");
    small().copy_to(&path, &ctx).unwrap();
    let open = Csr::<f64>::open(&path).unwrap();
    assert_eq!(Csr::<f64>::open_mut(&path, &ctx).err().unwrap().kind(), ErrorKind::Locked);
    drop(open);
    for step in 1..4 {
        let mut a = Csr::<f64>::open_mut(&path, &ctx).unwrap();
        assert_eq!(a.structure().nnz(), 3);
        a.data_mut().iter_mut().for_each(|value| *value *= 2.0);
        a.flush().unwrap();
        let a = a.freeze().unwrap();
        assert_eq!(a.get(2, 1).unwrap(), Some(3.0 * f64::from(1 << step)));
        outcore::verify(&path, &ctx).unwrap();
    }
}

/// Puts other bytes into an array file of a stored matrix, behind its header.
fn corrupt(file: &Path, at: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;
    fs::OpenOptions::new().write(true).open(file).unwrap().write_all_at(bytes, 4096 + at).unwrap();
}

#[test]
fn hostile_files_are_errors() {
    let ctx = Context::new();
    let with = |damage: &dyn Fn(&Path)| {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.bspnpy");
        small().copy_to(&path, &ctx).unwrap();
        damage(&path);
        let opened = Csr::<f64>::open(&path);
        (folder, opened)
    };
    let refused = |damage: &dyn Fn(&Path), message: &str| {
        let error = with(damage).1.unwrap_err();
        assert!(error.path().is_some() && error.to_string().contains(message), "{error}");
    };
    let pointers = |path: &Path| path.join("pointers_to_1.npy");
    refused(&|path| corrupt(&pointers(path), 4, &9i32.to_le_bytes()), "the pointers decrease");
    refused(
        &|path| corrupt(&pointers(path), 12, &4i32.to_le_bytes()),
        "expected an end of 3, found 4",
    );
    refused(&|path| corrupt(&pointers(path), 0, &(-1i32).to_le_bytes()), "the pointers decrease");
    refused(&|path| fs::write(path.join("values.npy"), b"").unwrap(), "not a .npy file");
    refused(&|path| fs::remove_file(path.join("values.npy")).unwrap(), "opening");
    let edit = |path: &Path, from: &str, to: &str| {
        let file = path.join("binsparse.json");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from));
        fs::write(file, text.replace(from, to)).unwrap();
    };
    refused(&|path| edit(path, "values\": 3", "values\": 4"), "expected 4, found 3");
    refused(&|path| edit(path, "    3,", "    30000000000,"), "");
    refused(&|path| edit(path, "CSR", "CSC"), "expected CSR, found CSC");

    let (_folder, opened) =
        with(&|path| corrupt(&path.join("indices_1.npy"), 4, &3i32.to_le_bytes()));
    let a = opened.expect("indices are checked at first use");
    for error in [
        a.check().err().unwrap(),
        a.get(0, 0).unwrap_err(),
        a.as_sprs().unwrap_err(),
        a.to_csc(Place::Memory, &ctx).unwrap_err(),
        a.to_coo(Place::Memory, &ctx).unwrap_err(),
        a.to_dense(outcore::Order::C, Place::Memory, &ctx).unwrap_err(),
        a.copy_to(Place::Memory, &ctx).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Index, "{error}");
    }
    let (_folder, opened) =
        with(&|path| corrupt(&path.join("indices_1.npy"), 0, &(-1i32).to_le_bytes()));
    let error = opened.unwrap().check().unwrap_err().to_string();
    assert!(error.contains("indices_1.npy, row 0, position 0"), "{error}");
}

#[test]
fn generators() {
    let ctx = Context::new();
    let folder = tempdir().unwrap();
    let poisson = Csr::<f64>::poisson(&[3, 4], Place::Memory, &ctx).unwrap();
    assert_eq!(poisson.get(5, 5).unwrap(), Some(4.0));
    assert_eq!(poisson.get(5, 1).unwrap(), Some(-1.0));
    assert_eq!(poisson.get(4, 3).unwrap(), None);
    assert!(poisson.check().unwrap());
    let stored = Csr::<f64>::poisson(&[3, 4], folder.path().join("p"), &ctx).unwrap();
    assert_eq!(stored, poisson);
    assert!(Csr::<f64>::poisson(&[2, 2, 2, 2], Place::Memory, &ctx).is_err());
    assert!(Csr::<f64>::poisson(&[1 << 30, 1 << 30, 1 << 30], Place::Memory, &ctx).is_err());

    let one = Csr::<f64>::random((50, 1000), 0.05, 7, Place::Memory, &ctx).unwrap();
    let two = Csr::<f64>::random((50, 1000), 0.05, 7, folder.path().join("r"), &ctx).unwrap();
    assert_eq!(one, two);
    assert!((2200..2800).contains(&one.nnz()), "{}", one.nnz());
    assert_eq!(Csr::<f32>::random((5, 6), 1.0, 7, Place::Memory, &ctx).unwrap().nnz(), 30);
    assert_eq!(Csr::<f32>::random((5, 6), 0.0, 7, Place::Memory, &ctx).unwrap().nnz(), 0);
    assert!(Csr::<f32>::random((5, 6), 1.5, 7, Place::Memory, &ctx).is_err());

    let bands = [(1, &[4.0, 5.0][..]), (-1, &[1.0, 2.0]), (0, &[7.0, 8.0, 9.0])];
    let diags = Csr::<f64>::diags((3, 3), &bands, Place::Memory, &ctx).unwrap();
    let dense = diags.to_dense(outcore::Order::C, Place::Memory, &ctx).unwrap();
    assert_eq!(dense.as_slice(), [7.0, 4.0, 0.0, 1.0, 8.0, 5.0, 0.0, 2.0, 9.0]);
    assert!(Csr::<f64>::diags((3, 3), &[(3, &[])], Place::Memory, &ctx).is_err());
    assert!(Csr::<f64>::diags((3, 3), &[(0, &[1.0])], Place::Memory, &ctx).is_err());
    assert!(Csr::<f64>::diags((3, 3), &[(2, &[1.0]), (2, &[1.0])], Place::Memory, &ctx).is_err());
    let wide = Csr::<f64>::diags((2, 4), &[(2, &[1.0, 2.0])], Place::Memory, &ctx).unwrap();
    assert_eq!(wide.get(1, 3).unwrap(), Some(2.0));
    let tall = Csr::<f64>::diags((4, 2), &[(-2, &[1.0, 2.0])], Place::Memory, &ctx).unwrap();
    assert_eq!(tall.get(3, 1).unwrap(), Some(2.0));

    let edges = Coo::<()>::rmat(8, 4, 3, Place::Memory, &Context::new()).unwrap();
    assert_eq!((edges.shape(), edges.nnz()), ((256, 256), 1024));
    assert!(Coo::<()>::rmat(60, 4, 3, Place::Memory, &Context::new()).is_err());
}

#[test]
fn entries_outside_are_refused_at_once() {
    let mut builder = CooBuilder::<f64>::new((2, 3), &Context::new()).unwrap();
    assert_eq!(builder.push(2, 0, 1.0).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(builder.push(0, 3, 1.0).unwrap_err().kind(), ErrorKind::Index);
    builder.push(1, 2, 1.0).unwrap();
    let a: Csr<f64> = builder.finish(Duplicates::Sum, Place::Memory, &Context::new()).unwrap();
    assert_eq!(a.nnz(), 1);
    assert!(CooBuilder::<f64>::new((1 << 40, 1), &Context::new()).is_err());
    let error = Coo::<f64>::from_parts((2, 2), vec![0, 1], vec![0, 2], vec![1.0; 2]).unwrap_err();
    assert!(error.to_string().contains("position 1: a column index"), "{error}");
    assert!(Coo::<f64>::from_parts((2, 2), vec![0, 1], vec![0], vec![1.0; 2]).is_err());
    assert!(
        Csr::<f64>::from_triplets((1, 1), [(0, 0, 1.0), (0, 0, 1.0)], Duplicates::Refuse).is_err()
    );
}
