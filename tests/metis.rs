//! METIS graphs: every format, what is wrong with them, both ways, and real ones.

use outcore::io::{
    EdgeOptions, FileFormat, ReadOptions, Vertices, read_graph, read_graph_with, read_matrix,
    read_matrix_with, write_matrix,
};
use outcore::{AnyMatrix, Context, Csr, DType, Duplicates, ErrorKind, Location, Place, Result};
use tempfile::tempdir;

use crate::folders::Folders;
use crate::shared_data;

fn read(text: &str) -> Result<AnyMatrix> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.graph");
    std::fs::write(&path, text).unwrap();
    read_matrix(&path, Place::Memory, &Context::new().threads(2)?)
}

fn symmetric<T: outcore::Element>(n: usize, edges: &[(usize, usize, T)]) -> Csr<T> {
    let both = edges.iter().flat_map(|&(u, v, w)| [(u, v, w), (v, u, w)]);
    Csr::from_triplets((n, n), both, Duplicates::Refuse).unwrap()
}

#[test]
fn every_format_is_read() {
    // The examples of the METIS manual: 7 vertices, 11 edges.
    let plain = "% a comment\n7 11\n5 3 2\n1 3 4\n5 4 2 1\n2 3 6 7\n1 3 6\n5 4 7\n6 4\n";
    let edges = [
        (0, 1, 1),
        (0, 2, 2),
        (0, 4, 1),
        (1, 2, 2),
        (1, 3, 1),
        (2, 3, 2),
        (2, 4, 3),
        (3, 5, 2),
        (3, 6, 5),
        (4, 5, 2),
        (5, 6, 6),
    ];
    let weighted = "7 11 001\n5 1 3 2 2 1\n1 1 3 2 4 1\n5 3 4 2 2 2 1 2\n2 1 3 2 6 2 7 5\n1 1 3 3 6 2\n5 2 4 2 7 6\n6 6 4 5\n";
    let expected = symmetric::<i64>(7, &edges);
    let found = Csr::<i64>::try_from(read(weighted).unwrap()).unwrap();
    assert_eq!(found, expected);
    let pattern = Csr::<()>::try_from(read(plain).unwrap()).unwrap();
    assert_eq!(pattern, expected.pattern());
    // All digits, written in full or not, with and without the number of weights.
    let before = |sizes: bool, weights: usize, k: usize| {
        let numbers = usize::from(sizes) + weights;
        (0..numbers).map(|at| format!("{} ", 10 * k + at)).collect::<String>()
    };
    for (format, sizes, weights) in [
        ("0", false, 0),
        ("1", false, 0),
        ("10", false, 1),
        ("11", false, 1),
        ("10 1", false, 1),
        ("11 3", false, 3),
        ("100", true, 0),
        ("101", true, 0),
        ("110", true, 1),
        ("111 2", true, 2),
        ("000 0", false, 0),
        ("011", false, 1),
    ] {
        let is_weighted = format.split(' ').next().unwrap().ends_with('1');
        let body = if is_weighted { weighted } else { plain };
        let lines = body.lines().filter(|line| !line.starts_with('%')).skip(1);
        let lines: String = lines
            .enumerate()
            .map(|(k, line)| format!("{}{line}\n", before(sizes, weights, k)))
            .collect();
        let text = format!("7 11 {format}\n{lines}");
        let matrix = read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        match is_weighted {
            true => assert_eq!(Csr::<i64>::try_from(matrix).unwrap(), expected, "{format}"),
            false => assert_eq!(Csr::<()>::try_from(matrix).unwrap(), pattern, "{format}"),
        }
    }
}

#[test]
fn blank_lines_are_vertices_and_comments_are_none() {
    for text in [
        "4 1\n\n3\n2\n\n",
        "4 1\n\n3\n2\n",
        "4 1\n\n3\n2\n\n\n\n",
        "% c\n4 1 0\n  \n% c\n3\n 2 \r\n%\n\n",
    ] {
        let a = Csr::<()>::try_from(read(text).unwrap()).unwrap();
        assert_eq!(a, symmetric::<i8>(4, &[(1, 2, 1)]).pattern(), "{text:?}");
    }
    assert_eq!(read("0 0\n").unwrap().shape(), (0, 0));
    assert_eq!(read("3 0\n\n\n\n").unwrap().shape(), (3, 3));
}

#[test]
fn what_is_wrong_is_named() {
    use ErrorKind::{Format, Index};
    for (text, kind, line, word) in [
        ("", Format, None, "line of counts"),
        ("% c\n", Format, None, "line of counts"),
        ("x 1\n", Format, Some(1), "\"x\""),
        ("2\n", Format, Some(1), "the end of the line"),
        ("2 1 2\n2\n1\n", Format, Some(1), "\"2\""),
        ("2 1 0 2\n2\n1\n", Format, Some(1), "\"2\""),
        ("2 1 0 0 0\n2\n1\n", Format, Some(1), "extra fields"),
        ("2 1\n2\n3\n", Index, Some(3), "\"3\""),
        ("2 1\n2\n0\n", Index, Some(3), "\"0\""),
        ("2 1\n% c\n2\nb\n", Format, Some(4), "\"b\""),
        ("2 1\n2\n1\n1\n", Format, Some(4), "extra line"),
        ("2 1\n1\n2\n", Format, Some(2), "self loop"),
        ("2 2\n2\n1\n", Format, None, "4 neighbours"),
        ("3 2\n2\n3\n1 2\n", Format, None, "both its endpoints"),
        ("3 2 1\n2 5\n1 5 3 4\n2 6\n", Format, None, "both its endpoints"),
        ("2 1 1\n2\n1 1\n", Format, Some(2), "weight"),
        ("2 1 10\n4 2\n\n", Format, Some(3), "blank"),
        ("5 1\n2\n1\n", Format, None, "missing"),
        ("1000000000000 1\n2\n1\n", Format, None, "too short"),
        ("5 78\n0 1\n", Index, Some(2), "\"0\""),
    ] {
        let error = read(text).map(|_| ()).expect_err(text);
        let location = line.map(Location::Line);
        assert_eq!(
            (error.kind(), error.location()),
            (kind, location.as_ref()),
            "{text:?}: {error}"
        );
        let shown = error.to_string();
        assert!(shown.contains(word) && shown.contains("a.graph"), "{word}: {shown}");
    }
    // An edge that is listed twice on both lines.
    assert_eq!(read("2 2\n2 2\n1 1\n").map(|_| ()).unwrap_err().kind(), ErrorKind::Duplicate);
    // The other way: an edge list named so, and a graph that could pass for a list.
    let error = read("0 1\n1 2\n").map(|_| ()).unwrap_err();
    assert!(error.hint().unwrap().contains("edge list"), "{error}");
    let folder = tempdir().unwrap();
    let path = folder.path().join("ring.txt");
    for ring in
        ["4 4\n2 4\n1 3\n2 4\n3 1\n", "4 4 0\n2 4\n1 3\n2 4\n3 1\n", "5 5\n2 4\n1 3 4\n2\n1 2\n\n"]
    {
        std::fs::write(&path, ring).unwrap();
        let error = read_graph::<u32, u32>(&path, Place::Memory, &Context::new()).unwrap_err();
        assert_eq!(error.kind(), Format, "{error}");
        assert!(error.to_string().to_lowercase().contains("metis"), "{error}");
    }
    std::fs::write(&path, "4 4\n2 4\n1 3\n2 4\n3 1\n").unwrap();
    for (format, nnz) in [(FileFormat::EdgeList, 4), (FileFormat::Metis, 8)] {
        let options = ReadOptions { format: Some(format), ..ReadOptions::default() };
        let read = read_matrix_with(&path, &options, Place::Memory, &Context::new()).unwrap();
        assert_eq!((read.matrix.nnz(), read.format), (nnz, format));
    }
}

#[test]
fn symmetric_matrices_are_written_and_read_back() {
    let folders = Folders::new();
    let ctx = folders.context(1 << 30);
    let path = folders.path("a.graph");
    let edges: Vec<_> =
        (0..30_000usize).flat_map(|k| [(k, k + 1, 1 + k as i64), (k, k + 7 + k % 5, 3)]).collect();
    let a = symmetric::<i64>(31_000, &edges);
    let again = |matrix: &AnyMatrix| {
        write_matrix(&path, matrix, &ctx).unwrap();
        read_matrix(&path, Place::Memory, &ctx).unwrap()
    };
    let any = AnyMatrix::from(a.clone());
    assert_eq!(Csr::<i64>::try_from(again(&any)).unwrap(), a);
    assert_eq!(Csr::<()>::try_from(again(&AnyMatrix::from(a.pattern()))).unwrap(), a.pattern());
    // Other types of whole numbers, other formats, and from files with little memory.
    let float = any.to_dtype(DType::Float64, Place::Memory, &ctx).unwrap();
    assert_eq!(Csr::<i64>::try_from(again(&float)).unwrap(), a);
    let coo = AnyMatrix::from(any.to_coo(Place::Memory, &ctx).unwrap());
    assert_eq!(Csr::<i64>::try_from(again(&coo)).unwrap(), a);
    let csc = AnyMatrix::from(any.to_csc(folders.result("csc"), &ctx).unwrap());
    write_matrix(&path, &csc, &folders.context(2 << 20)).unwrap();
    let little = folders.context(3 << 20);
    let read = read_matrix(&path, folders.result("back"), &little).unwrap();
    assert_eq!(Csr::<i64>::try_from(read).unwrap(), a);
    let text = "4 2 001\n2 5\n1 5 4 6\n\n2 6\n";
    let small = symmetric::<i64>(4, &[(0, 1, 5), (1, 3, 6)]);
    write_matrix(&path, &AnyMatrix::from(small), &ctx).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // What a graph cannot hold leaves the file as it was.
    let general = |triplets: &[(usize, usize, f64)]| {
        let triplets = triplets.iter().copied();
        AnyMatrix::from(Csr::<f64>::from_triplets((3, 3), triplets, Duplicates::Refuse).unwrap())
    };
    for (matrix, word) in [
        (general(&[(0, 1, 1.0)]), "symmetric"),
        (general(&[(0, 1, 1.0), (1, 0, 2.0)]), "symmetric"),
        (general(&[(0, 1, 1.5), (1, 0, 1.5)]), "integers"),
        (general(&[(0, 1, -1.0), (1, 0, -1.0)]), "positive integer"),
        (general(&[(1, 1, 1.0)]), "self loops"),
        (AnyMatrix::from(Csr::<f64>::zeros((2, 3), Place::Memory, &ctx).unwrap()), "shape"),
        (AnyMatrix::from(outcore::Dense::from(ndarray::arr2(&[[0.0, 1.0], [1.0, 0.0]]))), "graph"),
    ] {
        let error = write_matrix(&path, &matrix, &ctx).expect_err(word);
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn vertices_without_edges_are_left_out_if_asked_for() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.graph");
    std::fs::write(&path, "4 1\n\n3\n2\n\n").unwrap();
    let edges = EdgeOptions { vertices: Vertices::Compact, ..EdgeOptions::default() };
    let options = ReadOptions { edges, ..ReadOptions::default() };
    let read =
        read_graph_with::<u32, u32>(&path, &options, Place::Memory, &Context::new()).unwrap();
    assert_eq!(read.graph.shape(), (2, 2));
    assert_eq!(read.vertices.unwrap().numbers(), Some(&[1, 2][..]));
}

#[test]
fn collected_graphs_have_their_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    let ctx = Context::new();
    let mut seen = 0;
    for file in std::fs::read_dir(shared.join("graphs")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "graph") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let expected = shared_data::json(&shared.join(format!("expected/{name}.json")));
        let graph: Csr<()> = read_graph(&path, Place::Memory, &ctx).unwrap();
        assert_eq!(expected["shape"], serde_json::json!([graph.nrows(), graph.ncols()]), "{name}");
        assert_eq!(expected["nnz_expanded"], graph.nnz(), "{name}");
        let entries = (0..graph.nrows()).flat_map(|u| {
            graph.row(u).unwrap().indices.iter().map(move |&v| (u, v as usize)).collect::<Vec<_>>()
        });
        shared_data::check_structure(&name, entries, graph.ncols(), &expected);
        let folder = tempdir().unwrap();
        let copy = folder.path().join("copy.graph");
        write_matrix(&copy, &AnyMatrix::from(graph.clone()), &ctx).unwrap();
        assert_eq!(read_graph::<u32, u32>(&copy, Place::Memory, &ctx).unwrap(), graph, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 6);
}
