//! What a text file is, and what the zeros and signs in it mean: cases that other programs write.

use std::path::Path;

use num_complex::Complex;
use outcore::io::edge_list::EdgeList;
use outcore::io::matrix_market::{
    Field, Header, Reader, Symmetry, Writer, write_dense, write_sparse,
};
use outcore::io::{FileFormat, ReadOptions, read_graph, read_graph_with};
use outcore::{Context, Coo, Csc, Csr, Dense, Duplicates, ErrorKind, Location, Place, Result};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::tempdir;

fn graph(path: &Path) -> Result<Csr<()>> {
    read_graph(path, Place::Memory, &Context::new())
}

fn graph_as(path: &Path, format: Option<FileFormat>) -> Result<Csr<()>> {
    let options = ReadOptions { format, ..ReadOptions::default() };
    read_graph_with(path, &options, Place::Memory, &Context::new()).map(|read| read.graph)
}

fn pattern(n: usize, edges: &[(usize, usize)]) -> Csr<()> {
    let edges = edges.iter().map(|&(u, v)| (u, v, ()));
    Csr::from_triplets((n, n), edges, Duplicates::Refuse).unwrap()
}

#[test]
fn a_banner_makes_a_matrix_wherever_it_can_mean_nothing_else() {
    let folder = tempdir().unwrap();
    let rest = " matrix coordinate pattern general\n3 3 2\n1 2\n2 3\n";
    for name in ["a.txt", "a", "a.csv", "a.mtx", "A.MTX"] {
        let path = folder.path().join(name);
        for banner in [
            "%%MatrixMarket",
            "  %%MatrixMarket",
            "\t%%matrixmarket",
            "%MatrixMarket",
            " %MATRIXMARKET",
            "\n\n%%MatrixMarket",
            "\n \t\n  %%MatrixMarket",
        ] {
            for text in [format!("{banner}{rest}"), format!("{banner}{rest}").replace('\n', "\r\n")]
            {
                std::fs::write(&path, &text).unwrap();
                let found = graph(&path).unwrap_or_else(|error| panic!("{text:?}: {error}"));
                assert_eq!(found, pattern(3, &[(0, 1), (1, 2)]), "{text:?}");
                assert_eq!(Reader::open(&path).unwrap().header().stored, 2);
            }
        }
    }
}

#[test]
fn a_banner_that_is_wrong_or_out_of_place_is_never_a_comment() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let rest = "matrix coordinate pattern general\n3 3 2\n1 2\n2 3\n";
    for (banner, line) in [
        ("%% MatrixMarket ", 1),
        ("% MatrixMarket ", 1),
        ("%%%MatrixMarket ", 1),
        ("%%MatrixMarket", 1),
        ("%%MatrixMarket a ", 1),
        ("# converted\n%%MatrixMarket ", 2),
        ("% a\n\n  # b\n %MatrixMarket ", 4),
    ] {
        let text = format!("{banner}{rest}");
        std::fs::write(&path, &text).unwrap();
        let error = graph(&path).expect_err(&text);
        assert_eq!(error.kind(), ErrorKind::Format, "{error}");
        assert_eq!(error.location(), Some(&Location::Line(line)), "{error}");
        assert!(error.to_string().contains("a.txt"), "{error}");
    }
}

#[test]
fn comments_about_matrix_market_leave_a_list_of_edges_a_list() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.txt");
    for comment in
        ["# %%MatrixMarket matrix coordinate", "#%%MatrixMarket", "% MatrixMarket files", "%", ""]
    {
        std::fs::write(&path, format!("{comment}\n0 1\n1 2\n")).unwrap();
        assert_eq!(graph(&path).unwrap(), pattern(3, &[(0, 1), (1, 2)]), "{comment}");
    }
}

#[test]
fn the_caller_can_say_what_a_file_is() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = "%%MatrixMarket matrix coordinate real general\n3 3 2\n1 2 1\n2 3 1\n";
    for name in ["a.txt", "a.mtx", "a.graph"] {
        let path = at(name);
        std::fs::write(&path, text).unwrap();
        let edges = graph_as(&path, Some(FileFormat::EdgeList)).unwrap();
        assert_eq!(edges, pattern(4, &[(3, 3), (1, 2), (2, 3)]), "{name}");
        let matrix = graph_as(&path, Some(FileFormat::MatrixMarket)).unwrap();
        assert_eq!(matrix, pattern(3, &[(0, 1), (1, 2)]), "{name}");
    }
    // The name does not hide a banner.
    assert_eq!(graph(&at("a.graph")).unwrap(), pattern(3, &[(0, 1), (1, 2)]));
    std::fs::write(at("b.mtx"), "0 1\n").unwrap();
    assert_eq!(graph(&at("b.mtx")).unwrap_err().kind(), ErrorKind::Format);
    assert_eq!(graph_as(&at("b.mtx"), Some(FileFormat::EdgeList)).unwrap(), pattern(2, &[(0, 1)]));
    // What is said wrongly is an error.
    let error = graph_as(&at("b.mtx"), Some(FileFormat::MatrixMarket)).unwrap_err();
    assert!(error.to_string().contains("edge list"), "{error}");
    assert!(graph_as(&at("b.mtx"), Some(FileFormat::Stored)).is_err());
    assert_eq!(
        graph_as(folder.path(), Some(FileFormat::EdgeList)).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}

#[test]
fn files_that_are_no_text_are_named_for_what_they_seem_to_be() {
    let folder = tempdir().unwrap();
    let mut tar = vec![b'a'; 512];
    tar[100] = 0;
    tar[257..262].copy_from_slice(b"ustar");
    let npy: &[u8] =
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }";
    let cases: &[(&str, &[u8], &str)] = &[
        ("a.npz", b"PK\x03\x04\x14\0\0\0", "zip"),
        ("a.zip", b"PK\x05\x06\0\0\0\0", "zip"),
        ("a.h5ad", b"\x89HDF\r\n\x1a\n\0\0", "HDF5"),
        ("a.npy", npy, "NumPy"),
        ("a.bz2", b"BZh91AY", "bzip2"),
        ("a.xz", b"\xfd7zXZ\0\0", "xz"),
        ("a.zst", b"\x28\xb5\x2f\xfd\0", "Zstandard"),
        ("a.mat", b"MATLAB 5.0 MAT-file, Platform", "MATLAB"),
        ("a.parquet", b"PAR1\x15\0", "Parquet"),
        ("a.pkl", b"\x80\x04\x95\0", "pickle"),
        ("a.tar", &tar, "tar"),
        ("a.html", b"\n <!DOCTYPE html><html>", "web page"),
        ("a.graphml", b"<?xml version=\"1.0\"?>", "GraphML"),
        ("a.json", b"{\"nodes\": []}", "JSON"),
        ("a.net", b"*Vertices 3\n", "Pajek"),
        ("a.gml", b"graph [\n", "GML"),
        ("a.lfs", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("a.utf16", b"\xff\xfe0\0 \0", "UTF-16"),
        ("a.pdf", b"%PDF-1.7\n", "PDF"),
    ];
    for (name, bytes, word) in cases {
        // The content says it, under any name.
        for name in [name, &"b.mtx", &"b.txt"] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let as_graph = graph(&path).expect_err(word);
            let outcomes = [
                // Archives, HDF5 and arrays are opened: these are damaged.
                match ["zip", "HDF5", "NumPy"].contains(word) {
                    true => {
                        let kind = as_graph.kind();
                        let damaged = matches!(kind, ErrorKind::Format | ErrorKind::Unsupported);
                        assert!(damaged && as_graph.path() == Some(&*path), "{as_graph}");
                        graph_as(&path, Some(FileFormat::EdgeList)).map(drop)
                    }
                    false => Err(as_graph),
                },
                graph_as(&path, Some(FileFormat::EdgeList)).map(drop),
                EdgeList::open(&path).map(drop),
                Reader::open(&path).map(drop),
            ];
            for outcome in outcomes {
                let error = outcome.expect_err(word);
                let text = error.to_string();
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
                assert!(text.contains(word) && text.contains(*name), "{text}");
                assert!(text.ends_with(')'), "no remedy in: {text}");
            }
        }
    }
}

#[test]
fn other_text_is_named_where_its_first_line_is_wrong() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.csv");
    for (text, line, word) in [
        ("0 1\n1,2\n", 2, "missing"),
        ("0 1\n1, 2\n", 2, "separators"),
        ("0.5,1.5\n1.5,2.5\n", 1, "table of numbers"),
        ("0,1,2,3\n", 1, "extra fields"),
        ("a,b\nc\n", 2, "missing"),
        ("a \"b\n", 1, "quote"),
        ("a b\nc ä\n", 2, "UTF-8"),
        ("0 1\n\0\0\0\0\n", 2, "binary"),
    ] {
        let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
        std::fs::write(&path, latin).unwrap();
        let error = graph(&path).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Format, "{error}");
        assert_eq!(error.location(), Some(&Location::Line(line)), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    std::fs::write(&path, "0,1\n1,2\n").unwrap();
    let error = Reader::open(&path).unwrap_err();
    assert!(error.to_string().contains("CSV"), "{error}");
}

#[test]
fn special_files_are_refused_without_being_opened() {
    let folder = tempdir().unwrap();
    let socket = folder.path().join("socket.txt");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let link = folder.path().join("link.txt");
    std::os::unix::fs::symlink(&socket, &link).unwrap();
    for path in [&*socket, &link, Path::new("/dev/zero"), Path::new("/dev/null")] {
        for outcome in [
            graph(path).map(drop),
            graph_as(path, Some(FileFormat::EdgeList)).map(drop),
            graph_as(path, Some(FileFormat::MatrixMarket)).map(drop),
            Reader::open(path).map(drop),
            EdgeList::open(path).map(drop),
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.path() == Some(path) && error.finding().is_some(), "{error}");
        }
    }
    // A pipe has no offsets: only those who receive it first read it.
    let pipe = folder.path().join("pipe.mtx");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    for outcome in [Reader::open(&pipe).map(drop), EdgeList::open(&pipe).map(drop)] {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert_eq!(error.finding(), Some("a pipe"));
    }
    // A file that says to be empty and is not would pass for a graph without edges.
    let proc = Path::new("/proc/self/status");
    if proc.exists() {
        assert_eq!(graph(proc).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn many_empty_lines_at_the_front_are_passed_quickly() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let start = std::time::Instant::now();
    for (front, rest, vertices) in [
        ("\n", "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 2\n", 2),
        ("#\n", "0 2\n", 3),
        (" \r\n", "0 2\n", 3),
    ] {
        std::fs::write(&path, front.repeat(2_000_000) + rest).unwrap();
        assert_eq!(graph(&path).unwrap().nrows(), vertices);
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    let error = {
        std::fs::write(&path, " ".repeat(5 << 20) + "0 1\n").unwrap();
        graph(&path).unwrap_err()
    };
    assert_eq!((error.kind(), error.location()), (ErrorKind::Format, Some(&Location::Line(1))));
}

#[test]
fn zeros_of_an_array_file_are_no_entries() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.mtx"), Context::new());
    for (field, zero, one) in [
        ("real", "0.0", "1.0"),
        ("real", "-0.0", "-1e-300"),
        ("integer", "0", "-3"),
        ("unsigned-integer", "0", "18446744073709551615"),
        ("complex", "0 0", "0 1"),
        ("complex", "-0 0", "nan 0"),
    ] {
        let values = [zero, one, zero, zero, zero, zero, zero, one, zero];
        let text =
            format!("%%MatrixMarket matrix array {field} general\n3 3\n{}\n", values.join("\n"));
        std::fs::write(&path, text).unwrap();
        let reader = Reader::open(&path).unwrap();
        let expected = pattern(3, &[(1, 0), (1, 2)]);
        assert_eq!(graph(&path).unwrap(), expected, "{field} {zero}");
        assert_eq!(reader.read_csr::<(), u32, u32>(Place::Memory, &ctx).unwrap(), expected);
        let wide: Csr<Complex<f64>> = match field {
            "unsigned-integer" => {
                let found: Csr<u64> = reader.read_csr(Place::Memory, &ctx).unwrap();
                assert_eq!(found.get(1, 2).unwrap(), Some(u64::MAX));
                found.pattern().with_data(vec![Complex::new(1.0, 0.0); found.nnz()]).unwrap()
            }
            _ => reader.read_csr(Place::Memory, &ctx).unwrap(),
        };
        assert_eq!(wide.pattern(), expected, "{field} {zero}");
        let columns: Csc<()> = reader.read_csc(Place::Memory, &ctx).unwrap();
        assert_eq!(columns.to_csr(Place::Memory, &ctx).unwrap(), expected);
        let coo: Coo<()> = reader.read_coo(&ctx).unwrap();
        assert_eq!((&**coo.row_indices(), &**coo.col_indices()), (&[1, 1][..], &[0, 2][..]));
        let mut positions = 0;
        reader
            .for_each::<()>(&ctx, |_, _, ()| {
                positions += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(positions, 9);
    }
    // Of one triangle both images.
    std::fs::write(&path, "%%MatrixMarket matrix array real symmetric\n3 3\n0\n2\n0\n0\n0\n5\n")
        .unwrap();
    assert_eq!(graph(&path).unwrap(), pattern(3, &[(1, 0), (0, 1), (2, 2)]));
    // Many zeros need no memory: entries are counted, not positions.
    let zeros = "0\n".repeat(250_000);
    std::fs::write(&path, format!("%%MatrixMarket matrix array real general\n500 500\n{zeros}"))
        .unwrap();
    let little = Context::new().memory_limit(1 << 16);
    assert_eq!(Reader::open(&path).unwrap().read_coo::<f64, u32>(&little).unwrap().nnz(), 0);
}

#[test]
fn zeros_that_a_coordinate_file_names_stay_entries_and_edges() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.mtx"), Context::new());
    for field in ["real", "integer"] {
        let text =
            format!("%%MatrixMarket matrix coordinate {field} symmetric\n3 3 2\n1 1 0\n3 1 0\n");
        std::fs::write(&path, text).unwrap();
        let edges = [(0, 0), (0, 2), (2, 0)];
        assert_eq!(graph(&path).unwrap(), pattern(3, &edges));
        let reader = Reader::open(&path).unwrap();
        let csr: Csr<f64> = reader.read_csr(Place::Memory, &ctx).unwrap();
        assert_eq!((csr.pattern(), csr.get(2, 0).unwrap()), (pattern(3, &edges), Some(0.0)));
        assert_eq!(reader.read_coo::<f64, u32>(&ctx).unwrap().nnz(), 3);
    }
}

#[test]
fn negative_zeros_keep_their_sign_in_dense_matrices() {
    fn bits(dense: &Dense<f64>) -> Vec<u64> {
        dense.as_ndarray().t().iter().map(|value| value.to_bits()).collect()
    }
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.mtx"), Context::new());
    let (minus, plus) = ((-0.0f64).to_bits(), 0.0f64.to_bits());
    let read = |text: &str| -> Vec<u64> {
        std::fs::write(&path, text).unwrap();
        bits(&Reader::open(&path).unwrap().read_dense(Place::Memory, &ctx).unwrap())
    };
    let array = "%%MatrixMarket matrix array real general\n2 2\n-0.0\n0\n-0\n1\n";
    assert_eq!(read(array), [minus, plus, minus, 1f64.to_bits()]);
    let skew = "%%MatrixMarket matrix array real skew-symmetric\n2 2\n0\n";
    assert_eq!(read(skew), [plus, plus, minus, plus]);
    let market = "%%MatrixMarket matrix coordinate real general\n";
    assert_eq!(read(&format!("{market}2 2 1\n2 1 -0.0\n")), [plus, minus, plus, plus]);
    // A sum is −0.0 only where every term is, in whatever order they come.
    for (terms, expected) in [
        (["-0.0", "-0.0", "-0"], minus),
        (["-0.0", "0", "-0"], plus),
        (["0", "-0.0", "-0.0"], plus),
        (["-0.0", "-0.0", "0.0"], plus),
        (["1", "-1", "-0.0"], plus),
        (["-0.0", "2", "-2"], plus),
        (["-0.0", "2", "-0"], 2f64.to_bits()),
    ] {
        let lines = terms.map(|term| format!("1 1 {term}\n")).concat();
        let text = format!("{market}1 1 3\n{lines}");
        assert_eq!(read(&text), [expected], "{terms:?}");
        let csr: Csr<f64> = Reader::open(&path).unwrap().read_csr(Place::Memory, &ctx).unwrap();
        assert_eq!(csr.get(0, 0).unwrap().map(f64::to_bits), Some(expected), "{terms:?}");
    }
    // Part by part in complex numbers, and in single precision.
    std::fs::write(
        &path,
        "%%MatrixMarket matrix coordinate complex general\n2 1 2\n1 1 -0.0 3\n2 1 0 -0.0\n",
    )
    .unwrap();
    let dense: Dense<Complex<f32>> =
        Reader::open(&path).unwrap().read_dense(Place::Memory, &ctx).unwrap();
    let signs: Vec<_> = dense
        .as_ndarray()
        .iter()
        .map(|c| (c.re.is_sign_negative(), c.im.is_sign_negative()))
        .collect();
    assert_eq!(signs, [(true, false), (false, true)]);
    // There and back.
    let dense =
        Dense::from_parts((2, 2), outcore::Order::Fortran, vec![-0.0, 0.0, 1.5, -0.0].into())
            .unwrap();
    write_dense(&path, &dense, "", &ctx).unwrap();
    let back: Dense<f64> =
        Reader::open(&path).unwrap().read_dense(folder.path().join("a.npy"), &ctx).unwrap();
    assert_eq!(bits(&back), bits(&dense));
}

#[test]
fn integers_of_every_width_are_written_into_a_field_that_holds_them() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.mtx"), Context::new());
    let first_line = || std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    macro_rules! check {
        ($($integer:ty => $field:literal),*) => {$({
            let ends = [<$integer>::MIN, <$integer>::MAX];
            let triplets = [(0, 1, ends[0]), (1, 0, ends[1])];
            let csr = Csr::<$integer>::from_triplets((2, 2), triplets, Duplicates::Refuse).unwrap();
            write_sparse(&path, &csr, "", &ctx).unwrap();
            assert_eq!(first_line(), concat!("%%MatrixMarket matrix coordinate ", $field, " general"));
            let back = Reader::open(&path).unwrap().read_csr(Place::Memory, &ctx).unwrap();
            assert_eq!(csr, back);
            let dense = Dense::from_parts((2, 1), outcore::Order::C, ends.to_vec().into()).unwrap();
            write_dense(&path, &dense, "", &ctx).unwrap();
            assert_eq!(first_line(), concat!("%%MatrixMarket matrix array ", $field, " general"));
            let back: Dense<$integer> =
                Reader::open(&path).unwrap().read_dense(Place::Memory, &ctx).unwrap();
            assert_eq!(back.as_ndarray(), dense.as_ndarray());
        })*};
    }
    // Other programs read `integer` into 64 bits with a sign.
    check!(
        i8 => "integer", i16 => "integer", i32 => "integer", i64 => "integer",
        u8 => "integer", u16 => "integer", u32 => "integer", u64 => "unsigned-integer"
    );
}

#[test]
fn unsigned_files_take_no_negative_value() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.mtx");
    let header =
        Header { unsigned: true, ..Header::coordinate(Field::Integer, Symmetry::General, 1, 1, 1) };
    let mut writer = Writer::create(&path, header.clone(), "").unwrap();
    assert_eq!(writer.push(0, 0, -1i8).unwrap_err().kind(), ErrorKind::Value);
    writer.push(0, 0, 200u8).unwrap();
    writer.finish().unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(*reader.header(), header);
    let real = Header { field: Field::Real, ..header };
    assert_eq!(Writer::create(&path, real, "").unwrap_err().kind(), ErrorKind::Format);
}

#[test]
fn hermitian_without_imaginary_parts_is_symmetric() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.mtx"), Context::new());
    for field in ["real", "integer", "double", "unsigned-integer"] {
        for (format, body) in [("coordinate", "2 2 2\n1 1 4\n2 1 3\n"), ("array", "2 2\n4\n3\n0\n")]
        {
            std::fs::write(
                &path,
                format!("%%MatrixMarket matrix {format} {field} hermitian\n{body}"),
            )
            .unwrap();
            let reader = Reader::open(&path).unwrap();
            assert_eq!(reader.header().symmetry, Symmetry::Symmetric);
            let csr: Csr<f64> = reader.read_csr(Place::Memory, &ctx).unwrap();
            let expected = [(0, 0, 4.0), (0, 1, 3.0), (1, 0, 3.0)];
            assert_eq!(csr, Csr::from_triplets((2, 2), expected, Duplicates::Refuse).unwrap());
        }
    }
    std::fs::write(&path, "%%MatrixMarket matrix coordinate pattern hermitian\n1 1 0\n").unwrap();
    assert_eq!(Reader::open(&path).unwrap_err().kind(), ErrorKind::Format);
}

#[test]
fn skew_symmetric_arrays_may_write_their_zero_diagonal() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.mtx"), Context::new());
    let read = |n: usize, values: &[&str]| {
        let text = values.iter().map(|value| format!("{value}\n")).collect::<String>();
        std::fs::write(
            &path,
            format!("%%MatrixMarket matrix array real skew-symmetric\n{n} {n}\n%c\n{text}"),
        )
        .unwrap();
        let mut entries = Vec::new();
        Reader::open(&path)?.for_each::<f64>(&ctx, |i, j, value| {
            entries.push((i, j, value));
            Ok(())
        })?;
        let dense: Dense<f64> = Reader::open(&path)?.read_dense(Place::Memory, &ctx)?;
        for (i, j, value) in &entries {
            assert_eq!(dense.as_ndarray()[[*i, *j]], *value);
        }
        Result::Ok(entries)
    };
    let expected =
        [(1, 0, 1.0), (0, 1, -1.0), (2, 0, 2.0), (0, 2, -2.0), (2, 1, 3.0), (1, 2, -3.0)];
    assert_eq!(read(3, &["1", "2", "3"]).unwrap(), expected);
    assert_eq!(read(3, &["0", "1", "2", "0", "3", "0"]).unwrap(), expected);
    assert_eq!(read(3, &["-0.0", "1", "2", "0", "3", "0e5"]).unwrap(), expected);
    assert_eq!(read(1, &["0"]).unwrap(), []);
    assert_eq!(read(1, &[]).unwrap(), []);
    assert_eq!(read(0, &[]).unwrap(), []);
    for (n, values, line) in [
        (3, &["0", "1", "2", "5", "3", "0"][..], 7),
        (3, &["0", "1", "2", "nan", "3", "0"], 7),
        (3, &["1", "2", "3", "4"], 7),
        (3, &["1", "2", "3", "4", "5"], 7),
        (3, &["1", "2"], 6),
        (1, &["7"], 4),
        (0, &["0"], 4),
    ] {
        let error = read(n, values).unwrap_err();
        assert_eq!(
            (error.kind(), error.location()),
            (ErrorKind::Format, Some(&Location::Line(line))),
            "{values:?}: {error}"
        );
    }
}

#[test]
fn array_files_of_any_shape_are_too_short_and_not_contradictory() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.mtx");
    for (n, symmetry, positions) in [
        ("4294967296 4294967296", "general", "18446744073709551616"),
        ("4294967296 4294967297", "general", "18446744078004518912"),
        ("8589934592 8589934592", "symmetric", "36893488151714070528"),
        (
            "9223372036854775807 9223372036854775807",
            "skew-symmetric",
            "42535295865117307919086767873688862721",
        ),
    ] {
        std::fs::write(&path, format!("%%MatrixMarket matrix array real {symmetry}\n{n}\n1\n"))
            .unwrap();
        let error = Reader::open(&path).unwrap_err();
        assert_eq!(
            (error.kind(), error.location()),
            (ErrorKind::Format, Some(&Location::Line(2))),
            "{error}"
        );
        assert_eq!(error.expectation(), Some(&*format!("{positions} entries")), "{error}");
        assert!(error.to_string().contains("too short"), "{error}");
    }
    let header = Header::array(Field::Real, Symmetry::General, 1 << 32, 1 << 32);
    assert_eq!(Writer::create(&path, header, "").unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn writing_text_replaces_files_alone() {
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe.mtx");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let inner = folder.path().join("folder.mtx");
    std::fs::create_dir(&inner).unwrap();
    let csr = Csr::<f64>::eye(2);
    for path in [&*pipe, &inner] {
        let before = std::fs::metadata(path).unwrap().file_type();
        let error = write_sparse(path, &csr, "", &Context::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists, "{error}");
        assert!(error.path() == Some(path) && error.finding().is_some(), "{error}");
        assert_eq!(std::fs::metadata(path).unwrap().file_type(), before);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
