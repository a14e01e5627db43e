//! `.npz` archives: written and mapped, read from other writers, refused where they lie.

use std::path::Path;

use outcore::io::{FileFormat, Imported, ReadAs, ReadOptions, read_matrix_with, write_matrix};
use outcore::num_complex::Complex;
use outcore::{
    AnyMatrix, CancelToken, Context, Coo, Csr, DType, Dense, Duplicates, ErrorKind, Order, Place,
    Result, SparseFormat,
};
use tempfile::tempdir;

use crate::archives::{Part, bytes_of, line, npy, npy_in_order, scipy_csr, with, zip};

fn open(path: &Path) -> Result<Imported> {
    read_matrix_with(path, &ReadOptions::default(), Place::Memory, &Context::new())
}

/// Writes an archive of these members and reads it.
fn read(parts: &[Part]) -> Result<Imported> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    std::fs::write(&path, zip(parts)).unwrap();
    open(&path)
}

/// The entries of a matrix, row by row, as they are when duplicates are summed.
fn entries(a: &AnyMatrix) -> Vec<(usize, usize, f64)> {
    let ctx = Context::new();
    let a = a.to_dtype(DType::Float64, Place::Memory, &ctx).unwrap();
    let a = AnyMatrix::from(a.to_coo(Place::Memory, &ctx).unwrap());
    let a = a.to_csr(Place::Memory, &ctx).unwrap();
    let a = Csr::<f64, u64, u64>::try_from(a.clone())
        .map(|a| a.iter().collect::<Vec<_>>())
        .or_else(|_| Csr::<f64>::try_from(a).map(|a| a.iter().collect()));
    a.unwrap()
}

const SAMPLE: [(usize, usize, f64); 6] =
    [(0, 0, 1.0), (0, 3, 2.0), (2, 1, 3.0), (2, 4, 4.0), (3, 0, 5.0), (3, 2, 6.0)];

fn sample() -> Csr<f64> {
    Csr::from_triplets((4, 5), SAMPLE, Duplicates::Refuse).unwrap()
}

/// The element type of a file, by which the bytes are compared.
fn check_there_and_back(a: &AnyMatrix) {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.npz"), Context::new());
    write_matrix(&path, a, &ctx).unwrap();
    let back = open(&path).unwrap();
    assert_eq!((back.format, back.read_as), (FileFormat::Npz, ReadAs::Mapped), "{a}");
    let back = back.matrix;
    assert_eq!((back.shape(), back.format(), back.nnz()), (a.shape(), a.format(), a.nnz()));
    assert_eq!(back.dtype(), a.dtype().or(Some(DType::Int8)), "{a}");
    assert_eq!(back.index_dtype(), a.index_dtype());
    assert!(back.stored_bytes() > 0 || a.nnz() == 0, "{a}");
    assert_eq!(entries(&back), entries(a), "{a}");
}

#[test]
fn what_is_written_is_mapped_and_the_same() {
    let ctx = Context::new();
    let csr = AnyMatrix::from(sample());
    for dtype in DType::ALL {
        if matches!(dtype, DType::Float16 | DType::BFloat16) {
            continue;
        }
        if matches!(dtype, DType::Complex64 | DType::Complex128) {
            continue;
        }
        let source = if dtype == DType::Bool { csr.pattern().unwrap() } else { csr.clone() };
        let csr = source.to_dtype(dtype, Place::Memory, &ctx).unwrap();
        check_there_and_back(&csr);
        check_there_and_back(&csr.to_csc(Place::Memory, &ctx).unwrap().into());
        check_there_and_back(&csr.to_coo(Place::Memory, &ctx).unwrap().into());
        for order in [Order::C, Order::Fortran] {
            check_there_and_back(
                &AnyMatrix::try_from(csr.to_dense(order, Place::Memory, &ctx).unwrap()).unwrap(),
            );
        }
    }
    check_there_and_back(&csr.pattern().unwrap());
    check_there_and_back(&Csr::<f32, u64, u64>::eye(7).transpose().into());
    check_there_and_back(
        &Csr::<f64, u32, u64>::zeros((3, 0), Place::Memory, &Context::new()).unwrap().into(),
    );
    check_there_and_back(
        &Coo::<f64, u64>::zeros((9, 9), Place::Memory, &Context::new()).unwrap().into(),
    );
    check_there_and_back(&Dense::from(ndarray::Array2::<i16>::zeros((0, 4))).into());
    // A slice of a matrix has pointers that do not start at 0.
    check_there_and_back(&sample().row_range(2..4).unwrap().into());
}

#[test]
fn complex_values_are_written_as_numpy_has_them() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.npz"), Context::new());
    let values = [(0, 1, Complex::new(1.0, -2.0)), (1, 0, Complex::new(0.5, 3.0))];
    let a = Csr::<Complex<f64>>::from_triplets((2, 2), values, Duplicates::Refuse).unwrap();
    write_matrix(&path, &a.clone().into(), &ctx).unwrap();
    assert!(std::fs::read(&path).unwrap().windows(4).any(|bytes| bytes == b"<c16"));
    let back = open(&path).unwrap();
    assert_eq!(back.read_as, ReadAs::Mapped);
    assert!(Csr::<Complex<f64>>::try_from(back.matrix).unwrap() == a);
}

#[test]
fn members_begin_at_multiples_of_64_bytes() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.npz"), Context::new());
    write_matrix(&path, &sample().into(), &ctx).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let at: Vec<_> = (0..bytes.len()).filter(|&k| bytes[k..].starts_with(b"\x93NUMPY")).collect();
    assert_eq!(at.len(), 5);
    for at in at {
        assert_eq!(at % 64, 0);
        assert_eq!((10 + u16::from_le_bytes([bytes[at + 8], bytes[at + 9]])) % 64, 0);
    }
}

#[test]
fn a_file_of_the_name_is_replaced_when_the_new_one_is_complete() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    write_matrix(&path, &Csr::<f64>::eye(3).into(), &Context::new()).unwrap();
    let token = CancelToken::new();
    token.cancel();
    let error = write_matrix(&path, &sample().into(), &Context::new().cancel(token)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(open(&path).unwrap().matrix.shape(), (3, 3));
    write_matrix(&path, &sample().into(), &Context::new()).unwrap();
    assert_eq!(open(&path).unwrap().matrix.shape(), (4, 5));
    let names = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["a.npz"]);
    let inside = folder.path().join("none/a.npz");
    assert_eq!(
        write_matrix(&inside, &sample().into(), &Context::new()).unwrap_err().kind(),
        ErrorKind::Io
    );
}

#[cfg(feature = "half")]
#[test]
fn types_that_scipy_does_not_have_are_refused() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let path = folder.path().join("a.npz");
    for dtype in [DType::Float16, DType::BFloat16] {
        let a = AnyMatrix::from(sample()).to_dtype(dtype, Place::Memory, &ctx).unwrap();
        let error = write_matrix(&path, &a, &ctx).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*path)));
        assert!(!path.exists());
        // NumPy has arrays of them.
        check_there_and_back(
            &AnyMatrix::try_from(a.to_dense(Order::C, Place::Memory, &ctx).unwrap()).unwrap(),
        );
    }
}

#[test]
fn archives_of_scipy_are_read_wherever_their_members_lie() {
    let stored = read(&scipy_csr()).unwrap();
    assert_eq!(stored.matrix.format(), Some(SparseFormat::Csr));
    assert_eq!(entries(&stored.matrix), SAMPLE);
    // One after the other they are aligned by chance; moved by one byte they cannot be mapped.
    for padding in [5, 6, 7] {
        let moved = scipy_csr().into_iter().map(|part| Part { padding, ..part });
        let moved = read(&moved.collect::<Vec<_>>()).unwrap();
        assert_eq!(entries(&moved.matrix), SAMPLE);
    }
    let deflated = scipy_csr().into_iter().map(|part| Part { deflated: true, ..part });
    let deflated: Vec<_> = deflated.collect();
    let read_deflated = read(&deflated).unwrap();
    assert_eq!((read_deflated.read_as, read_deflated.matrix.stored_bytes()), (ReadAs::Copied, 0));
    assert_eq!(entries(&read_deflated.matrix), SAMPLE);
    // Streamed archives have their sizes after the data.
    let streamed = deflated.iter().cloned().map(|part| Part { descriptor: true, ..part });
    assert_eq!(entries(&read(&streamed.collect::<Vec<_>>()).unwrap().matrix), SAMPLE);
    // To a file, without a copy in memory.
    let folder = tempdir().unwrap();
    let (path, to) = (folder.path().join("a.npz"), folder.path().join("a.bspnpy"));
    std::fs::write(&path, zip(&deflated)).unwrap();
    let options = ReadOptions::default();
    let read = read_matrix_with(&path, &options, &to, &Context::new()).unwrap();
    assert_eq!((read.read_as, read.matrix.path()), (ReadAs::Copied, Some(&*to)));
    assert_eq!(entries(&outcore::open(&to).unwrap()), SAMPLE);
}

#[test]
fn every_spelling_of_the_format_and_every_type_of_indices_is_read() {
    let wide = |text: &str| text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect::<Vec<_>>();
    let unicode = with(scipy_csr(), "format.npy", npy("<U3", "()", &wide("csr")));
    assert_eq!(entries(&read(&unicode).unwrap().matrix), SAMPLE);
    let indices = [0u8, 3, 1, 4, 0, 2];
    let all: [(&str, Vec<u8>); 6] = [
        ("<i8", bytes_of(&indices.map(i64::from))),
        ("<u8", bytes_of(&indices.map(u64::from))),
        ("<u4", bytes_of(&indices.map(u32::from))),
        ("<i2", bytes_of(&indices.map(i16::from))),
        ("|u1", bytes_of(&indices)),
        (">i4", indices.iter().flat_map(|&i| i32::from(i).to_be_bytes()).collect()),
    ];
    for (descr, data) in all {
        let other = with(scipy_csr(), "indices.npy", npy(descr, "(6,)", &data));
        let a = read(&other).unwrap().matrix;
        assert_eq!(entries(&a), SAMPLE, "{descr}");
        let width = if descr.ends_with('8') { DType::Int64 } else { DType::Int32 };
        assert_eq!(a.index_dtype(), Some(width), "{descr}");
    }
    // More columns than the indices of the file can count.
    let huge = with(scipy_csr(), "shape.npy", line("<i8", &[4i64, 1 << 60]));
    let a = read(&huge).unwrap().matrix;
    assert_eq!((a.shape(), a.index_dtype()), ((4, 1 << 60), Some(DType::Int64)));
    assert!(a.check().unwrap());
}

#[test]
fn coordinates_are_read_in_both_spellings() {
    let (rows, cols) = ([0i32, 2, 3, 0, 2, 3], [0i32, 1, 2, 3, 4, 0]);
    let mut parts: Vec<_> = scipy_csr().split_off(3);
    parts[1] = Part::stored("data.npy", line("<f8", &[1.0f64, 3.0, 6.0, 2.0, 4.0, 5.0]));
    parts.push(Part::stored("format.npy", npy("|S3", "()", b"coo")));
    let mut both = parts.clone();
    both.push(Part::stored("row.npy", line("<i4", &rows)));
    both.push(Part::stored("col.npy", line("<i4", &cols)));
    let a = read(&both).unwrap().matrix;
    assert_eq!(a.format(), Some(SparseFormat::Coo));
    assert_eq!(entries(&a), SAMPLE);
    for deflated in [false, true] {
        let coords = npy("<i4", "(2, 6)", &bytes_of(&[rows, cols].concat()));
        let coords = Part { deflated, ..Part::stored("coords.npy", coords) };
        let one = [parts.clone(), vec![coords]].concat();
        assert_eq!(entries(&read(&one).unwrap().matrix), SAMPLE);
    }
    let three = Part::stored("coords.npy", npy("<i4", "(3, 4)", &[0; 48]));
    let error = read(&[parts, vec![three]].concat()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn blocks_become_rows_with_all_their_elements() {
    let parts = |data: Vec<u8>| {
        vec![
            Part::stored("indices.npy", line("<i4", &[1i32, 0, 2])),
            Part::stored("indptr.npy", line("<i4", &[0i32, 1, 1, 3])),
            Part::stored("format.npy", npy("|S3", "()", b"bsr")),
            Part::stored("shape.npy", line("<i8", &[6i64, 9])),
            Part::stored("data.npy", data),
        ]
    };
    let values: Vec<f32> = (0..18).map(|k| k as f32).collect();
    let expected: Vec<(usize, usize, f64)> = {
        let mut all = Vec::new();
        for (block, (top, left)) in [(0, 3), (4, 0), (4, 6)].into_iter().enumerate() {
            for k in 0..6 {
                all.push((top + k / 3, left + k % 3, (6 * block + k) as f64));
            }
        }
        all.sort_by_key(|&(i, j, _)| (i, j));
        all
    };
    for deflated in [false, true] {
        let data = npy("<f4", "(3, 2, 3)", &bytes_of(&values));
        let archive = parts(data).into_iter().map(|part| Part { deflated, ..part });
        let a = read(&archive.collect::<Vec<_>>()).unwrap();
        assert_eq!((a.read_as, a.matrix.format()), (ReadAs::Copied, Some(SparseFormat::Csr)));
        assert_eq!((a.matrix.shape(), a.matrix.nnz()), ((6, 9), 18));
        assert_eq!(entries(&a.matrix), expected);
    }
    for (shape, what) in
        [("(18,)", "three dimensions"), ("(3, 3, 2)", "divide"), ("(9, 1, 2)", "divide")]
    {
        let error = read(&parts(npy("<f4", shape, &bytes_of(&values)))).err().unwrap();
        assert!(error.to_string().contains(what), "{shape}: {error}");
    }
    let fortran = npy_in_order("<f4", "True", "(3, 2, 3)", &bytes_of(&values));
    assert!(read(&parts(fortran)).is_err());
    // Rows that only a shape promises.
    let promised = with(
        parts(npy("<f4", "(0, 1099511627776, 3)", b"")),
        "indices.npy",
        line::<i32>("<i4", &[]),
    );
    let promised = with(promised, "shape.npy", line("<i8", &[3i64 << 40, 9]));
    let promised = with(promised, "indptr.npy", line("<i4", &[0i32, 0, 0, 0]));
    assert_eq!(read(&promised).err().unwrap().kind(), ErrorKind::Memory);
}

#[test]
fn diagonals_become_rows_without_their_zeros() {
    let parts = |order: &str, data: &[f64]| {
        vec![
            Part::stored("offsets.npy", line("<i4", &[1i32, -2])),
            Part::stored("format.npy", npy("|S3", "()", b"dia")),
            Part::stored("shape.npy", line("<i8", &[4i64, 5])),
            Part::deflated("data.npy", npy_in_order("<f8", order, "(2, 4)", &bytes_of(data))),
        ]
    };
    let expected = [(0, 1, 2.0), (2, 0, 5.0), (2, 3, 4.0), (3, 1, 6.0)];
    let a = read(&parts("False", &[1.0, 2.0, -0.0, 4.0, 5.0, 6.0, 7.0, 8.0])).unwrap();
    assert_eq!((a.matrix.shape(), a.matrix.nnz()), ((4, 5), 4));
    assert_eq!(entries(&a.matrix), expected);
    let turned = parts("True", &[1.0, 5.0, 2.0, 6.0, 0.0, 7.0, 4.0, 8.0]);
    assert_eq!(entries(&read(&turned).unwrap().matrix), expected);
    let twice = with(turned.clone(), "offsets.npy", line("<i4", &[1i32, 1]));
    assert_eq!(read(&twice).err().unwrap().kind(), ErrorKind::Duplicate);
    let many = with(turned.clone(), "shape.npy", line("<i8", &[1i64 << 50, 5]));
    assert_eq!(read(&many).err().unwrap().kind(), ErrorKind::Memory);
    let far = with(turned, "offsets.npy", line("<i8", &[i64::MAX, i64::MIN]));
    assert_eq!(read(&far).unwrap().matrix.nnz(), 0);
}

#[test]
fn one_of_several_arrays_is_chosen_by_its_name() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let b = npy_in_order("<i2", "True", "(2, 3)", &bytes_of(&[1i16, 4, 2, 5, 3, 6]));
    let parts = [
        Part::stored("a.npy", line("<f8", &[1.0f64, 2.0])),
        Part::deflated("b.npy", b),
        Part::stored("c.npy", npy("<f8", "(2, 2, 2)", &[0; 64])),
        Part::stored("note.txt", b"hello".to_vec()),
    ];
    std::fs::write(&path, zip(&parts)).unwrap();
    let error = open(&path).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let found = error.finding().unwrap();
    assert_eq!(found, "a (2 float64), b (2 x 3 int16), c (2 x 2 x 2 float64)");
    let named = |name: &str| {
        let options = ReadOptions { member: Some(name.to_owned()), ..ReadOptions::default() };
        read_matrix_with(&path, &options, Place::Memory, &Context::new())
    };
    for name in ["b", "b.npy"] {
        let b = Dense::<i16>::try_from(named(name).unwrap().matrix).unwrap();
        assert_eq!(b.as_ndarray(), ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]));
    }
    assert_eq!(named("a").unwrap().matrix.shape(), (2, 1));
    assert_eq!(named("c").err().unwrap().kind(), ErrorKind::Shape);
    assert!(named("d").err().unwrap().to_string().contains("no such array"));
    // One array needs no name.
    let one = read(&parts[1..2]).unwrap();
    assert_eq!((one.matrix.shape(), one.read_as), ((2, 3), ReadAs::Copied));
    // And of a sparse matrix, an array by its name.
    std::fs::write(&path, zip(&scipy_csr())).unwrap();
    assert_eq!(named("indptr").unwrap().matrix.shape(), (5, 1));
}

#[test]
fn archives_of_binsparse_are_read() {
    let descriptor = |values: &str, format: &str, more: &str| {
        let text = format!(
            "{{\"binsparse\": {{\"version\": \"0.1\", \"format\": \"{format}\", {more}\"shape\": [4, 5], \
             \"number_of_stored_values\": 6, \"data_types\": {{\"pointers_to_1\": \"int32\", \
             \"indices_0\": \"int32\", \"indices_1\": \"int32\", \"values\": \"{values}\"}}}}}}"
        );
        let wide: Vec<u8> = text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        Part::stored("binsparse.npy", npy(&format!("<U{}", text.len()), "()", &wide))
    };
    let csr = scipy_csr();
    let values = Part { name: "values.npy".to_owned(), ..csr[4].clone() };
    let indices = Part { name: "indices_1.npy".to_owned(), ..csr[0].clone() };
    let pointers = Part { name: "pointers_to_1.npy".to_owned(), ..csr[1].clone() };
    let rows = Part::stored("indices_0.npy", line("<i4", &[0i32, 0, 2, 2, 3, 3]));
    let read_as = |first: Part, values: Part| {
        read(&[first, values, indices.clone(), pointers.clone(), rows.clone()])
    };
    let a = read_as(descriptor("float64", "CSR", ""), values.clone()).unwrap().matrix;
    assert_eq!((a.format(), entries(&a)), (Some(SparseFormat::Csr), SAMPLE.to_vec()));
    let a = read_as(descriptor("float64", "COOR", ""), values.clone()).unwrap().matrix;
    assert_eq!((a.format(), entries(&a)), (Some(SparseFormat::Coo), SAMPLE.to_vec()));
    let pairs: Vec<f64> = (0..12).map(f64::from).collect();
    let pairs = Part::stored("values.npy", line("<f8", &pairs));
    let a = read_as(descriptor("complex[float64]", "CSR", ""), pairs).unwrap().matrix;
    let a = Csr::<Complex<f64>>::try_from(a).unwrap();
    assert_eq!(a.get(2, 1).unwrap(), Some(Complex::new(4.0, 5.0)));
    let bytes = Part::stored("values.npy", line("|u1", &[1u8, 0, 1, 1, 0, 1]));
    let a = read_as(descriptor("bint8", "CSR", ""), bytes).unwrap().matrix;
    assert_eq!(a.dtype(), Some(DType::Bool));
    for (one, dtype) in [(1i8, None), (-2, Some(DType::Int8))] {
        let one = Part::stored("values.npy", line("|i1", &[one]));
        let a = read_as(descriptor("iso[int8]", "CSR", ""), one).unwrap().matrix;
        assert_eq!((a.nnz(), a.dtype()), (6, dtype));
    }
    for (wrong, what) in [
        (descriptor("float32", "CSR", ""), "float32"),
        (descriptor("float64", "CSX", ""), "format"),
        (descriptor("float64", "CSR", "\"structure\": \"symmetric_lower\", "), "structure"),
        (descriptor("float64", "CSR", "\"fill\": true, "), "fill"),
    ] {
        let error = read_as(wrong, values.clone()).err().unwrap();
        assert!(error.path().is_some() && error.to_string().contains(what), "{error}");
    }
}

#[test]
fn the_triangle_that_is_not_stored_is_added() {
    let descriptor = |structure: &str, format: &str, values: &str| {
        let text = format!(
            "{{\"binsparse\": {{\"version\": \"0.1\", \"format\": \"{format}\", \"structure\": \"{structure}\", \
             \"shape\": [3, 3], \"number_of_stored_values\": 3, \"data_types\": {{\"pointers_to_1\": \"int32\", \
             \"indices_0\": \"int32\", \"indices_1\": \"int32\", \"values\": \"{values}\"}}}}}}"
        );
        Part::stored("binsparse.npy", npy(&format!("|S{}", text.len()), "()", text.as_bytes()))
    };
    // Entries (1, 0), (2, 0) and (2, 1) by rows; by columns (0, 1), (0, 2), (1, 2).
    let parts = |descriptor: Part, values: Vec<u8>| {
        vec![
            descriptor,
            Part::stored("pointers_to_1.npy", line("<i4", &[0i32, 0, 1, 3])),
            Part::stored("indices_0.npy", line("<i4", &[1i32, 2, 2])),
            Part::stored("indices_1.npy", line("<i4", &[0i32, 0, 1])),
            Part::stored("values.npy", values),
        ]
    };
    let floats = line("<f8", &[5.0f64, 6.0, 7.0]);
    let both = |sign: f64| {
        vec![
            (0, 1, sign * 5.0),
            (0, 2, sign * 6.0),
            (1, 0, 5.0),
            (1, 2, sign * 7.0),
            (2, 0, 6.0),
            (2, 1, 7.0),
        ]
    };
    for (structure, format, kind, expected) in [
        ("symmetric_lower", "CSR", SparseFormat::Csr, both(1.0)),
        ("symmetric_upper", "CSC", SparseFormat::Csc, both(1.0)),
        ("symmetric_lower", "COO", SparseFormat::Coo, both(1.0)),
        ("skew_symmetric_lower", "CSR", SparseFormat::Csr, both(-1.0)),
        ("hermitian_lower", "CSR", SparseFormat::Csr, both(1.0)),
    ] {
        let a = read(&parts(descriptor(structure, format, "float64"), floats.clone())).unwrap();
        assert_eq!((a.read_as, a.matrix.format()), (ReadAs::Copied, Some(kind)), "{structure}");
        assert_eq!(entries(&a.matrix), expected, "{structure} {format}");
    }
    let bytes = descriptor("skew_symmetric_lower", "CSR", "int16");
    let a = read(&parts(bytes.clone(), line("<i2", &[5i16, 6, 7]))).unwrap();
    assert_eq!(entries(&a.matrix), both(-1.0));
    let one = descriptor("symmetric_lower", "CSR", "iso[int8]");
    let a = read(&parts(one, line("|i1", &[1i8]))).unwrap().matrix;
    assert_eq!((a.nnz(), a.dtype()), (6, None));
    let pairs = line("<f8", &[5.0f64, 1.0, 6.0, 2.0, 7.0, 3.0]);
    let a = read(&parts(descriptor("hermitian_lower", "CSR", "complex[float64]"), pairs)).unwrap();
    let a = Csr::<Complex<f64>>::try_from(a.matrix).unwrap();
    assert_eq!(a.get(2, 1).unwrap(), Some(Complex::new(7.0, 3.0)));
    assert_eq!(a.get(1, 2).unwrap(), Some(Complex::new(7.0, -3.0)));
    for (structure, values, what) in [
        ("symmetric_upper", &floats, "triangle"),
        ("triangular", &floats, "structure"),
        ("skew_symmetric_lower", &line("<i2", &[5i16, i16::MIN, 7]), "mirror"),
    ] {
        let dtype = if values.len() == floats.len() { "float64" } else { "int16" };
        let error =
            read(&parts(descriptor(structure, "CSR", dtype), values.clone())).err().unwrap();
        assert!(error.path().is_some() && error.to_string().contains(what), "{error}");
    }
}

#[test]
fn what_reading_costs_is_what_was_planned() {
    let folder = tempdir().unwrap();
    let (path, to) = (folder.path().join("a.npz"), folder.path().join("b.bspnpy"));
    let parts = scipy_csr().into_iter().map(|part| Part { deflated: true, ..part });
    std::fs::write(&path, zip(&parts.collect::<Vec<_>>())).unwrap();
    let ctx = Context::new();
    let options = ReadOptions::default();
    let plan = ctx.plan(|ctx| read_matrix_with(&path, &options, &to, ctx).map(drop)).unwrap();
    assert_eq!(plan.operation, "reading an .npz file");
    assert!(plan.cost.bytes_read > 0 && plan.cost.bytes_written > 0 && !to.exists());
    let (_, report) =
        ctx.measure(|ctx| read_matrix_with(&path, &options, &to, ctx).map(drop)).unwrap();
    assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
    let out = folder.path().join("c.npz");
    let a = outcore::open(&to).unwrap();
    let plan = ctx.plan(|ctx| write_matrix(&out, &a, ctx)).unwrap();
    assert!(plan.cost.bytes_written > 0 && !out.exists());
}
