//! Tables of numbers, lists of entries and files without a header: what is found out, refused, written and read again.

use std::fs;
use std::io::Write;
use std::path::Path;

use num_complex::Complex;
use outcore::io::{
    FileFormat, Imported, RawLayout, ReadOptions, TableOptions, read_matrix, read_matrix_with,
    write_matrix, write_table,
};
use outcore::{
    AnyMatrix, ByteOrder, Context, Coo, Csc, Csr, DType, Dense, Duplicates, ErrorKind, Location,
    Order, Place, Result,
};
use tempfile::tempdir;

use crate::expected::{Case, TOLERANCE};
use crate::plans;
use crate::shared_data::{self, json};

fn read_with(path: &Path, text: &str, table: TableOptions) -> Result<Imported> {
    fs::write(path, text).unwrap();
    let options = ReadOptions { table, ..ReadOptions::default() };
    read_matrix_with(path, &options, Place::Memory, &Context::new().memory_limit(32 << 20))
}

fn read(path: &Path, text: &str) -> Result<AnyMatrix> {
    read_with(path, text, TableOptions::default()).map(|read| read.matrix)
}

fn floats(a: AnyMatrix) -> ndarray::Array2<f64> {
    Dense::<f64>::try_from(a).unwrap().as_ndarray().to_owned()
}

fn integers(a: AnyMatrix) -> ndarray::Array2<i64> {
    Dense::<i64>::try_from(a).unwrap().as_ndarray().to_owned()
}

#[test]
fn separators_headers_and_types_are_found_out() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let expected = ndarray::arr2(&[[1.0, -2.5], [3.0, 4e2]]);
    for text in [
        "1,-2.5\n3,4e2\n",
        "1;-2.5\r\n3;4e2",
        "1\t-2.5\n3\t4e2\n",
        "1|-2.5\n3|4e2\n",
        "1 -2.5\n 3   4e2 \n",
        "# a comment\n\n1, -2.5\n\n% another\n3 ,\"4e2\"\n   \n",
        "x,y\n1,-2.5\n3,4e2\n",
        "\"x\",\"y\"\n\"1\",\"-2.5\"\n3,4e2\n",
        "\u{feff}x;y\n1;-2.5\n3;4e2\n",
        "\u{feff}1,-2.5\n3,4e2\n",
        "id,2019\n1,-2.5\n3,4e2\n",
    ] {
        let a = read(&path, text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(floats(a), expected, "{text:?}");
    }
    let a = read(&path, "1,2\n3,9223372036854775807\n").unwrap();
    assert_eq!(integers(a), ndarray::arr2(&[[1, 2], [3, i64::MAX]]));
    let a = read(&path, "1\n18446744073709551615\n").unwrap();
    assert_eq!(Dense::<u64>::try_from(a).unwrap().as_slice(), [1, u64::MAX]);
    // A whole number among others must be exact.
    let error = read(&path, "1.5\n9007199254740993\n").unwrap_err();
    assert_eq!(
        (error.kind(), error.location()),
        (ErrorKind::Value, Some(&Location::Line(2))),
        "{error}"
    );
    assert_eq!(
        floats(read(&path, "1.5\n9007199254740993.\n").unwrap())[[1, 0]],
        9007199254740992.0
    );
    assert_eq!(read(&path, "5").unwrap().shape(), (1, 1));
    // A file named so may still be something else.
    let market = "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 2 7\n";
    assert_eq!(
        read_with(&path, market, TableOptions::default()).unwrap().format,
        FileFormat::MatrixMarket
    );
}

#[test]
fn names_of_columns_are_kept() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let names = |text: &str, header: Option<bool>| {
        let read =
            read_with(&path, text, TableOptions { header, ..TableOptions::default() }).unwrap();
        (read.matrix.nrows(), read.columns)
    };
    let owned =
        |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
    assert_eq!(names("a b,\"c,\"\"d\",e\n1,2,3\n", None), (1, owned(&["a b", "c,\"d", "e"])));
    assert_eq!(names("1,2\n3,4\n", None), (2, None));
    assert_eq!(names("1,2\n3,4\n", Some(true)), (1, owned(&["1", "2"])));
    assert_eq!(names("#id,x\n3,4\n", Some(true)), (1, owned(&["#id", "x"])));
    assert_eq!(names("a,b\n", None), (0, owned(&["a", "b"])));
    let error = read_with(
        &path,
        "a,b\n1,2\n",
        TableOptions { header: Some(false), ..TableOptions::default() },
    );
    assert_eq!(error.err().unwrap().kind(), ErrorKind::Value);
    let tabs = folder.path().join("a.tsv");
    let read = read_with(&tabs, "a, b\tc\n1\t2\n", TableOptions::default()).unwrap();
    assert_eq!((read.format, read.columns), (FileFormat::Tsv, owned(&["a, b", "c"])));
}

#[test]
fn missing_values_are_refused_or_filled() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    for (text, line) in [
        ("1,2\n3,\n", 2),
        ("1,2\n\n,4\n", 3),
        ("x,y\n1,NA\n", 2),
        ("1,nan\n", 1),
        ("1.5,2\n3,NaN\n", 2),
        ("1.5,2\n3,null\n", 2),
        ("1.5,2\n3,\"\"\n", 2),
    ] {
        let error = read(&path, text).unwrap_err();
        assert_eq!(
            (error.kind(), error.location()),
            (ErrorKind::Value, Some(&Location::Line(line))),
            "{error}"
        );
        assert!(
            error.to_string().contains("missing") && error.to_string().contains("in column"),
            "{error}"
        );
        let filled = |missing: f64| {
            let table = TableOptions { missing: Some(missing), ..TableOptions::default() };
            read_with(&path, text, table).unwrap().matrix
        };
        assert_eq!(filled(f64::NAN).dtype(), Some(DType::Float64), "{text}");
        assert_eq!(
            floats(filled(-0.5)).iter().filter(|&&value| value == -0.5).count(),
            1,
            "{text}"
        );
    }
    let table = TableOptions { missing: Some(0.0), ..TableOptions::default() };
    assert_eq!(
        integers(read_with(&path, "1,2\n3,\n", table).unwrap().matrix),
        ndarray::arr2(&[[1, 2], [3, 0]])
    );
    let text = "x\ty\n\t2\n\t\n";
    let path = folder.path().join("a.tsv");
    let table = TableOptions { missing: Some(7.0), ..TableOptions::default() };
    assert_eq!(
        integers(read_with(&path, text, table).unwrap().matrix),
        ndarray::arr2(&[[7, 2], [7, 7]])
    );
}

#[test]
fn wrong_lines_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let check = |text: &str, kind: ErrorKind, line: u64, what: &str| {
        let error = read(&path, text).err().unwrap_or_else(|| panic!("accepted: {text:?}"));
        assert_eq!(
            (error.kind(), error.location()),
            (kind, Some(&Location::Line(line))),
            "{error}"
        );
        assert_eq!(error.path(), Some(&*path), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    };
    use ErrorKind::{Format, Value};
    check("1,2\n3,4,5\n", Format, 2, "expected 2, like the first line, found 3");
    check("1,2\n3\n", Format, 2, "found 1");
    check("x,y\n1,2\n3,4\n5,a\n", Value, 4, "in column 2 (\"y\")");
    check("1.5;2\n2,5;3\n", Value, 2, "the decimal separator is a point");
    check("1,2\n1,0x10\n", Value, 2, "not a number");
    check("1,2\n1,\"2\n", Format, 2, "quoted field");
    check("1,2\n1,\"2\"3\n", Format, 2, "quoted field");
    check("1,2\n1,1e999\n", Value, 2, "not a number");
    check("1,2\n1,2\r3\n", Value, 2, "not a number");
    for empty in ["", "\n\n", "# only a comment\n"] {
        let error = read(&path, empty).unwrap_err();
        assert!(error.to_string().contains("the file is empty"), "{error}");
    }
    let error = read(&path, "PK\u{3}\u{4}xx").unwrap_err();
    assert!(error.to_string().contains("zip archive"), "{error}");
    let error = read(&path, "<!DOCTYPE html><html>\n").unwrap_err();
    assert!(error.to_string().contains("web page"), "{error}");
    // A table in a file of another name is an edge list, and read as a table on request.
    let other = folder.path().join("a.txt");
    assert_eq!(read(&other, "1,2\n3,4\n").unwrap().shape(), (5, 5));
    let options = ReadOptions { format: Some(FileFormat::Csv), ..ReadOptions::default() };
    let a = read_matrix_with(&other, &options, Place::Memory, &Context::new()).unwrap().matrix;
    assert_eq!(integers(a), ndarray::arr2(&[[1, 2], [3, 4]]));
}

#[test]
fn lists_of_entries() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let expected =
        Csr::<f64>::from_triplets((3, 5), [(2, 4, 0.5), (0, 1, 3.0)], Duplicates::Sum).unwrap();
    let triplets = TableOptions { triplets: Some(true), ..TableOptions::default() };
    let both = [
        ("row,column,value\n2,4,0.5\n0,1,1\n0,1,2\n", TableOptions::default()),
        ("i j v\n2 4 0.5\n0 1 3\n", triplets.clone()),
    ];
    for (text, table) in both {
        let a = read_with(&path, text, table).unwrap().matrix;
        assert!(Csr::<f64>::try_from(a).unwrap() == expected, "{text}");
    }
    let named = folder.path().join("a.tri");
    let a = read(&named, "2 4 0.5\n0 1 3\n").unwrap();
    assert!(Csr::<f64>::try_from(a).unwrap() == expected);
    let one_based = TableOptions { one_based: true, ..TableOptions::default() };
    let a = read_with(&named, "3 5 0.5\n1 2 3\n", one_based.clone()).unwrap();
    assert_eq!(a.format, FileFormat::Triplets);
    assert!(Csr::<f64>::try_from(a.matrix).unwrap() == expected);
    let error = read_with(&named, "1 1 2\n0 5 0.5\n", one_based).err().unwrap();
    assert_eq!(
        (error.kind(), error.location()),
        (ErrorKind::Index, Some(&Location::Line(2))),
        "{error}"
    );
    // Types: whole numbers, a pattern, complex numbers.
    assert_eq!(read(&named, "0 0 7\n1 1 -8\n").unwrap().dtype(), Some(DType::Int64));
    assert_eq!(read(&named, "0 0\n1 1\n").unwrap().dtype(), None);
    let complex = read(&named, "0 0 1 2\n1 1 -8 0.5\n").unwrap();
    assert_eq!(
        Csr::<Complex<f64>>::try_from(complex).unwrap().get(1, 1).unwrap(),
        Some(Complex::new(-8.0, 0.5))
    );
    let filled = TableOptions { missing: Some(2.0), ..TableOptions::default() };
    let a = read_with(&named, "0,0,7\n1,1,\n", filled).unwrap().matrix;
    assert_eq!(**Csr::<i64>::try_from(a).unwrap().data(), [7, 2]);
    // Extents that are given.
    let shape =
        |nrows, ncols| TableOptions { shape: Some((nrows, ncols)), ..TableOptions::default() };
    assert_eq!(read_with(&named, "0 0 7\n", shape(10, 20)).unwrap().matrix.shape(), (10, 20));
    let error = read_with(&named, "0 0 7\n3 20 1\n", shape(10, 20)).err().unwrap();
    assert_eq!(
        (error.kind(), error.location()),
        (ErrorKind::Index, Some(&Location::Line(2))),
        "{error}"
    );
    // Extents that dwarf the entries.
    let error = read(&named, "2000000000 1 1\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    let error = read(&named, "9999999999999999999 1 1\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type, "{error}");
    for (text, kind) in [
        ("0 0 1\n1 x 1\n", ErrorKind::Format),
        ("0 0 1\n-1 0 1\n", ErrorKind::Index),
        ("0 0 1\n1.0 0 1\n", ErrorKind::Format),
        ("0 0 1\n1 0\n", ErrorKind::Format),
        ("0 0 1\n1 0 1 1\n", ErrorKind::Format),
        ("0 0 1.5\n1 0 a\n", ErrorKind::Value),
    ] {
        let error = read(&named, text).unwrap_err();
        assert_eq!((error.kind(), error.location()), (kind, Some(&Location::Line(2))), "{error}");
    }
    let error = read(&named, "0 0 1 2\n1 1 3 a\n").unwrap_err();
    assert!(error.to_string().contains("in column 4"), "{error}");
    let error = read(&named, "1\n2\n").unwrap_err();
    assert_eq!(error.location(), Some(&Location::Line(1)), "{error}");
}

#[test]
fn collected_lists_have_their_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    let mut compared = 0;
    for name in ["cs_fs_183_1.tri", "cs_ibm32a.tri", "cs_west0067.tri"] {
        let (path, ctx) = (shared.join("matrices").join(name), Context::new());
        let expected = json(&shared.join(format!("expected/{name}.json")));
        let case = Case {
            name: name.to_owned(),
            expected: &expected,
            tolerance: TOLERANCE,
            ctx: ctx.clone(),
        };
        let a = read_matrix(&path, Place::Memory, &ctx).unwrap();
        let a = a.to_dtype(DType::Float64, Place::Memory, &ctx).unwrap();
        case.sparse::<f64, _, _, _, _>(&Csr::<f64>::try_from(a.clone()).unwrap());
        // Through the format of this library, and back.
        let folder = tempdir().unwrap();
        let written = folder.path().join("a.csv");
        write_matrix(&written, &a, &ctx).unwrap();
        let back = read_matrix(&written, Place::Memory, &ctx).unwrap();
        assert!(Csr::<f64>::try_from(back).unwrap() == Csr::<f64>::try_from(a).unwrap(), "{name}");
        compared += 1;
    }
    assert_eq!(compared, 3);
}

fn norm(a: &AnyMatrix, ctx: &Context) -> f64 {
    match a.dtype() {
        Some(DType::Complex128) => a.norm_fro::<Complex<f64>>(ctx).unwrap(),
        _ => a.norm_fro::<f64>(ctx).unwrap(),
    }
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempdir().unwrap();
    let ctx = Context::new().threads(2).unwrap();
    let check = |a: AnyMatrix, name: &str| {
        let path = folder.path().join(name);
        write_matrix(&path, &a, &ctx).unwrap();
        let back = read_matrix(&path, Place::Memory, &ctx).unwrap();
        assert_eq!(
            (back.shape(), back.dtype(), back.nnz()),
            (a.shape(), a.dtype(), a.nnz()),
            "{name}"
        );
        let rows = |a: &AnyMatrix| match a.format() {
            None => a.clone(),
            Some(_) => AnyMatrix::from(a.to_csr(Place::Memory, &ctx).unwrap()),
        };
        let difference = rows(&back).sub(&rows(&a), Place::Memory, &ctx).unwrap();
        assert_eq!(norm(&difference, &ctx), 0.0, "{name}");
    };
    let values = ndarray::Array2::from_shape_fn((300, 70), |(i, j)| {
        (i as f64 - 150.0) / (1 + j) as f64 * 1e-5
    });
    let whole = ndarray::Array2::from_shape_fn((30, 7), |(i, j)| (i * 7 + j) as i64 - 100);
    for name in ["a.csv", "a.tsv"] {
        check(AnyMatrix::from(Dense::from(values.clone())), name);
        let dense = AnyMatrix::from(Dense::from(values.clone()));
        check(
            AnyMatrix::try_from(dense.to_dense(Order::Fortran, Place::Memory, &ctx).unwrap())
                .unwrap(),
            name,
        );
        check(AnyMatrix::from(Dense::from(whole.clone())), name);
        // Whole numbers stay what they are.
        check(AnyMatrix::from(Dense::from(ndarray::arr2(&[[1.0, 2.0]]))), name);
        let sparse = Csr::<f64>::random((300, 200), 0.05, 5, Place::Memory, &ctx).unwrap();
        let last =
            Csr::<f64>::from_triplets((300, 200), [(299, 199, 1.0)], Duplicates::Sum).unwrap();
        let sparse =
            AnyMatrix::from(sparse).add(&AnyMatrix::from(last), Place::Memory, &ctx).unwrap();
        check(sparse.clone(), name);
        check(AnyMatrix::from(sparse.to_csc(Place::Memory, &ctx).unwrap()), name);
        check(AnyMatrix::from(sparse.to_coo(Place::Memory, &ctx).unwrap()), name);
        let complex = [(0, 0, Complex::new(1.0, -2.5)), (1, 1, Complex::new(0.0, 1.0))];
        check(
            AnyMatrix::from(
                Csr::<Complex<f64>>::from_triplets((2, 2), complex, Duplicates::Sum).unwrap(),
            ),
            name,
        );
        check(
            AnyMatrix::from(
                Csr::<i64>::from_triplets((2, 1), [(1, 0, -3)], Duplicates::Sum).unwrap(),
            ),
            name,
        );
        let path = folder.path().join(name);
        let large = Csr::<u64>::from_triplets((1, 1), [(0, 0, u64::MAX)], Duplicates::Sum).unwrap();
        write_matrix(&path, &AnyMatrix::from(large.clone()), &ctx).unwrap();
        let back = read_matrix(&path, Place::Memory, &ctx).unwrap();
        assert!(Csr::<u64>::try_from(back).unwrap() == large);
        let pattern = AnyMatrix::from(
            Csr::<()>::from_triplets((2, 2), [(0, 1, ()), (1, 1, ())], Duplicates::Sum).unwrap(),
        );
        write_matrix(&path, &pattern, &ctx).unwrap();
        assert_eq!(read_matrix(&path, Place::Memory, &ctx).unwrap().dtype(), None);
    }
    let path = folder.path().join("f.csv");
    write_matrix(&path, &AnyMatrix::from(Dense::from(ndarray::arr2(&[[0.1f32, f32::MAX]]))), &ctx)
        .unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "0.1,3.4028235e38\n");
    write_matrix(&path, &AnyMatrix::from(Dense::from(ndarray::arr2(&[[true, false]]))), &ctx)
        .unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "1,0\n");
    let a = AnyMatrix::from(Dense::from(ndarray::arr2(&[[f64::NAN, f64::INFINITY]])));
    write_table(&path, &a, Some(&["na", "in\"f"]), &ctx).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "na,\"in\"\"f\"\nnan,inf\n");
    let table = TableOptions { missing: Some(f64::NAN), ..TableOptions::default() };
    let options = ReadOptions { table, ..ReadOptions::default() };
    let back = floats(read_matrix_with(&path, &options, Place::Memory, &ctx).unwrap().matrix);
    assert!(back[[0, 0]].is_nan() && back[[0, 1]] == f64::INFINITY);
}

#[test]
fn what_a_table_cannot_hold_is_not_written() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let ctx = Context::new();
    let complex = AnyMatrix::from(Dense::from(ndarray::arr2(&[[Complex::new(1.0, 2.0)]])));
    let empty = AnyMatrix::from(Dense::from(ndarray::Array2::<f64>::zeros((3, 0))));
    for a in [complex, empty] {
        assert_eq!(write_matrix(&path, &a, &ctx).unwrap_err().kind(), ErrorKind::Unsupported);
    }
    let a = AnyMatrix::from(Dense::from(ndarray::arr2(&[[1.0, 2.0]])));
    assert_eq!(write_table(&path, &a, Some(&["x"]), &ctx).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(
        write_table(&path, &a, Some(&["x", "a\nb"]), &ctx).unwrap_err().kind(),
        ErrorKind::Value
    );
    let sparse = AnyMatrix::from(Csr::<f64>::eye(1));
    assert_eq!(
        write_table(&path, &sparse, Some(&["x"]), &ctx).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    assert!(!path.exists());
    let none: [&Path; 0] = [];
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), none.len());
}

#[test]
fn large_tables_are_read_and_written_within_the_limit() {
    let folder = tempdir().unwrap();
    let (path, packed) = (folder.path().join("a.csv"), folder.path().join("a.csv.gz"));
    let values = ndarray::Array2::from_shape_fn((20_000, 30), |(i, j)| {
        ((i * 31 + j * 17) % 1009) as f64 / 8.0
    });
    let free = Context::new().threads(2).unwrap();
    let a = AnyMatrix::from(Dense::from(values.clone()));
    let (_, report) = free.measure(|ctx| write_matrix(&path, &a, ctx)).unwrap();
    assert_eq!(report.actual.bytes_written, fs::metadata(&path).unwrap().len(), "{report}");
    assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
    let mut encoder = flate2::write::GzEncoder::new(
        fs::File::create(&packed).unwrap(),
        flate2::Compression::fast(),
    );
    encoder.write_all(&fs::read(&path).unwrap()).unwrap();
    encoder.finish().unwrap();
    for path in [&path, &packed] {
        let planned = free.plan(|ctx| read_matrix(path, Place::Memory, ctx)).unwrap();
        let (back, report) = free.measure(|ctx| read_matrix(path, Place::Memory, ctx)).unwrap();
        assert_eq!((planned.cost.passes, report.actual.passes), (2, 2), "{report}");
        assert_eq!(planned.cost.bytes_read, report.actual.bytes_read, "{report}");
        assert_eq!(floats(back), values);
        let small = Context::new().threads(1).unwrap().memory_limit(4 << 20).scratch(folder.path());
        let error = read_matrix(path, Place::Memory, &small).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
        let to = Place::Replace(folder.path().join("a.npy"));
        let (back, report) = small.measure(|ctx| read_matrix(path, to, ctx)).unwrap();
        assert!(report.actual.peak_memory <= 4 << 20, "{report}");
        assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
        assert!(back.stored_bytes() > 4 << 20);
        assert_eq!(floats(back), values);
    }
    let stored = outcore::open(folder.path().join("a.npy")).unwrap();
    let small = Context::new().threads(1).unwrap().memory_limit(8 << 20).scratch(folder.path());
    let again = folder.path().join("b.csv");
    let (_, report) = small.measure(|ctx| write_matrix(&again, &stored, ctx)).unwrap();
    assert!(report.actual.peak_memory <= 8 << 20, "{report}");
    assert!(fs::read(&again).unwrap() == fs::read(&path).unwrap());
}

#[test]
fn large_lists_are_read_within_the_limit() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let free = Context::new().threads(2).unwrap();
    let a = Csr::<f64>::random((40_000, 40_000), 10.0 / 40_000.0, 3, Place::Memory, &free).unwrap();
    let coo: Coo<f64> = a.to_coo(Place::Memory, &free).unwrap();
    let csc: Csc<f64> = a.to_csc(Place::Memory, &free).unwrap();
    let shape = Some(a.shape());
    let options = ReadOptions {
        table: TableOptions { shape, ..TableOptions::default() },
        ..ReadOptions::default()
    };
    let rising = [AnyMatrix::from(a.clone()), AnyMatrix::from(coo)].map(|matrix| (matrix, true));
    for (matrix, rises) in rising.into_iter().chain([(AnyMatrix::from(csc), false)]) {
        let (_, report) = free.measure(|ctx| write_matrix(&path, &matrix, ctx)).unwrap();
        assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
        let read = |place: Place, ctx: &Context| {
            read_matrix_with(&path, &options, place, ctx).map(|read| read.matrix)
        };
        let back = read(Place::Memory, &free).unwrap();
        assert!(Csr::<f64>::try_from(back).unwrap() == a);
        let small = Context::new().threads(1).unwrap().memory_limit(8 << 20).scratch(folder.path());
        let to = Place::Replace(folder.path().join("a.bspnpy"));
        let (back, report) = small.measure(|ctx| read(to.clone(), ctx)).unwrap();
        assert!(report.actual.peak_memory <= 8 << 20, "{report}");
        // Entries in the order of the rows need no sort.
        assert_eq!(report.actual.scratch == 0, rises, "{report}");
        assert!(Csr::<f64>::try_from(back).unwrap() == a);
    }
    let (_, report) =
        plans::measured(&free, |ctx| read_matrix_with(&path, &options, Place::Memory, ctx));
    assert_eq!(report.plan.operation, "reading entries");
}

/// The type is guessed from the first lines; what comes later decides.
#[test]
fn late_values_decide_the_type() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let text = |last: &str| {
        let rows: String = (0..20_000).map(|i| format!("{i},{}\n", -i)).collect();
        format!("{rows}{last}\n")
    };
    let dtype = |last: &str| read(&path, &text(last)).map(|a| a.dtype());
    assert_eq!(dtype("1,2").unwrap(), Some(DType::Int64));
    assert_eq!(dtype("1,2.5").unwrap(), Some(DType::Float64));
    assert_eq!(dtype("1, +2 ").unwrap(), Some(DType::Int64));
    assert_eq!(dtype("1,18446744073709551615").unwrap_err().kind(), ErrorKind::Value);
    let late = floats(read(&path, &text("1.5,7")).unwrap());
    assert_eq!((late[(19_999, 1)], late[(20_000, 0)]), (-19_999.0, 1.5));
    let error = dtype("1,2,3").unwrap_err();
    assert_eq!(
        (error.kind(), error.location()),
        (ErrorKind::Format, Some(&Location::Line(20_001)))
    );
    let whole: String = (0..20_000).map(|i| format!("{i}\n")).collect();
    let large = read(&path, &format!("{whole}18446744073709551615\n")).unwrap();
    assert_eq!((large.dtype(), large.nrows()), (Some(DType::UInt64), 20_001));
    // A value to put in that is not whole makes floats of all.
    let table = TableOptions { missing: Some(0.5), ..TableOptions::default() };
    let filled = floats(read_with(&path, &text("1,NA"), table).unwrap().matrix);
    assert_eq!((filled[(20_000, 0)], filled[(20_000, 1)]), (1.0, 0.5));
}

/// The way of plain lines and that of all others agree.
#[test]
fn plain_and_other_lines_hold_the_same_numbers() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let numbers = [
        "0",
        "-0",
        "7",
        "-7",
        "+7",
        "0.5",
        ".5",
        "5.",
        "-1e3",
        "1E-7",
        "12345678.125",
        "1e400",
        "1e-400",
        "123456789012345678",
        "1234567890123456789012",
        "0.1234567890123456789",
        "9007199254740993",
        "9007199254740993.0",
        "1.5.2",
        "1e",
        "--1",
        "0x10",
        "1_0",
        "inf",
        "-",
        "1 2",
    ];
    for number in numbers {
        for (separator, end) in
            [(",", "\n"), (" ; ", "\r\n"), ("\t", "\n"), ("  ", " \n"), (",", "")]
        {
            let line = |field: &str| format!("0.25{separator}{field}{separator}3{end}");
            let options = || TableOptions { header: Some(false), ..TableOptions::default() };
            let plain = read_with(&path, &line(number), options());
            let quoted = read_with(&path, &line(&format!("\"{number}\"")), options());
            match (plain, quoted) {
                (Ok(a), Ok(b)) => {
                    assert_eq!(floats(a.matrix), floats(b.matrix), "{number} {separator:?}")
                }
                (Err(a), Err(b)) => {
                    assert_eq!(a.kind(), b.kind(), "{number} {separator:?}: {a} {b}")
                }
                // Where blanks separate, only quotes keep a field with one together.
                _ if number == "1 2" => {}
                (a, b) => panic!("{number} {separator:?}: {:?} {:?}", a.is_ok(), b.is_ok()),
            }
        }
    }
}

#[test]
fn a_table_of_a_few_wide_lines() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let values =
        ndarray::Array2::from_shape_fn((3, 400_000), |(i, j)| (i * 400_000 + j) as f64 / 2.0);
    let ctx = Context::new().threads(2).unwrap();
    write_matrix(&path, &AnyMatrix::from(Dense::from(values.clone())), &ctx).unwrap();
    assert!(fs::metadata(&path).unwrap().len() > 3 << 20);
    assert!(floats(read_matrix(&path, Place::Memory, &ctx).unwrap()) == values);
    let error =
        read_matrix(&path, Place::Memory, &Context::new().memory_limit(1 << 20)).err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Format | ErrorKind::Memory), "{error}");
}

#[test]
fn elements_without_a_header_are_read_where_options_say_what_they_are() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bin");
    let values: Vec<f32> = (0..6).map(|k| k as f32 * 1.5).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    let swapped: Vec<u8> =
        bytes.chunks(4).flat_map(|element| element.iter().rev().copied()).collect();
    let read = |raw: RawLayout| {
        let options = ReadOptions { raw: Some(raw), ..ReadOptions::default() };
        read_matrix_with(&path, &options, Place::Memory, &Context::new()).map(|read| read.matrix)
    };
    let layout = RawLayout::new(DType::Float32, (2, 3));
    fs::write(&path, &bytes).unwrap();
    let a = read(layout).unwrap();
    // It is mapped, not copied.
    assert_eq!(a.stored_bytes(), 24);
    assert_eq!(Dense::<f32>::try_from(a).unwrap().as_ndarray()[[1, 0]], 4.5);
    let a = read(RawLayout { order: Order::Fortran, ..layout }).unwrap();
    assert_eq!(Dense::<f32>::try_from(a).unwrap().as_ndarray()[[1, 0]], 1.5);
    fs::write(&path, [&b"odd"[..], &swapped].concat()).unwrap();
    let a = read(RawLayout { offset: 3, byte_order: ByteOrder::Swapped, ..layout }).unwrap();
    assert_eq!(a.stored_bytes(), 0);
    assert_eq!(Dense::<f32>::try_from(a).unwrap().as_slice(), values);
    fs::write(&path, [&b"odd"[..], &bytes].concat()).unwrap();
    let a = read(RawLayout { offset: 3, ..layout }).unwrap();
    assert_eq!(Dense::<f32>::try_from(a).unwrap().as_slice(), values);
    for wrong in [
        RawLayout { offset: 4, ..layout },
        RawLayout { shape: (7, 3), ..layout },
        RawLayout { shape: (usize::MAX, 2), ..layout },
        RawLayout { offset: u64::MAX, ..layout },
    ] {
        let error = read(wrong).err().unwrap();
        assert_eq!(error.path(), Some(&*path), "{error}");
        assert!(matches!(error.kind(), ErrorKind::Format | ErrorKind::Shape), "{error:?}");
    }
    let options = ReadOptions { format: Some(FileFormat::Raw), ..ReadOptions::default() };
    let error = read_matrix_with(&path, &options, Place::Memory, &Context::new()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn mutated_text_gives_an_answer_or_a_typed_error() {
    let folder = tempdir().unwrap();
    let seeds = [
        ("a.csv", "x,y\n1,2.5\n-3,4e1\n"),
        ("a.csv", "1;2\n3;4\n\n5;6"),
        ("a.tsv", "1\t2\n\"3\"\t4\r\n"),
        ("a.csv", "row,column,value\n0,1,2\n5,3,-1\n"),
        ("a.tri", "0 0 1.5\n3 1 2\n"),
        ("a.tri", "0,0\n3,1\n"),
    ];
    let pieces: [&[u8]; 16] = [
        b",",
        b";",
        b"\t",
        b"\"",
        b"\n",
        b"\r",
        b"NA",
        b"nan",
        b"#",
        b"9999999999999999999",
        b"1e999",
        b"-",
        b".",
        b" ",
        b"\xff",
        b"\0",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % end.max(1)
    };
    let (mut fine, mut refused) = (0, 0);
    for round in 0..4000 {
        let (name, seed) = seeds[round % seeds.len()];
        let path = folder.path().join(name);
        let mut text = seed.as_bytes().to_vec();
        for _ in 0..below(4) {
            let at = below(text.len() + 1);
            match below(4) {
                0 => drop(text.splice(at..at, pieces[below(pieces.len())].iter().copied())),
                1 => text.truncate(at),
                2 if at < text.len() => text[at] ^= 1 << below(8),
                _ if at < text.len() => drop(text.remove(at)),
                _ => {}
            }
        }
        fs::write(&path, &text).unwrap();
        let table = TableOptions {
            missing: (round % 3 == 0).then_some(f64::NAN),
            one_based: round % 5 == 0,
            header: [None, Some(true), Some(false)][below(3)],
            separator: [None, Some(b','), Some(b' ')][below(3)],
            ..TableOptions::default()
        };
        let options = ReadOptions { table, ..ReadOptions::default() };
        let ctx = Context::new().threads(1).unwrap().memory_limit(8 << 20);
        match read_matrix_with(&path, &options, Place::Memory, &ctx) {
            Ok(read) => {
                assert!(read.matrix.nnz() <= text.len(), "{}", read.matrix);
                read.matrix.check().unwrap();
                fine += 1;
            }
            Err(error) => {
                use ErrorKind::{Format, Index, Memory, Type, Unsupported, Value};
                let known =
                    [Format, Index, Memory, Type, Unsupported, Value].contains(&error.kind());
                assert!(known, "{error:?} of {:?}", text.escape_ascii().to_string());
                assert!(error.path().is_some() && error.to_string().len() < 800, "{error}");
                refused += 1;
            }
        }
    }
    assert!(fine > 300 && refused > 300, "{fine} {refused}");
}
