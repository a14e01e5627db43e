//! Edge lists written for one rule each.

use outcore::io::edge_list::{EdgeList, GraphSize};
use outcore::io::{EdgeOptions, Vertices};
use outcore::{Context, ErrorKind, Location, Result};

type Edge = (u64, u64, Option<f64>);

fn read(text: &str, vertices: Option<u64>) -> Result<(Vec<Edge>, GraphSize)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.txt");
    std::fs::write(&path, text).unwrap();
    let mut list = EdgeList::open(&path)?;
    if let Some(vertices) = vertices {
        let vertices = Vertices::Count(vertices);
        list = list.with(EdgeOptions { vertices, ..EdgeOptions::default() });
    }
    let mut edges = Vec::new();
    let size = list.for_each(&Context::new().threads(2)?, |u, v, weight| {
        edges.push((u, v, weight));
        Ok(())
    })?;
    Ok((edges, size))
}

#[test]
fn layout_is_free() {
    let (edges, size) = read("# SNAP\n% KONECT\n0\t5\n\n  5 0 2.5 \r\n7 7 -1e3", None).unwrap();
    assert_eq!(edges, [(0, 5, None), (5, 0, Some(2.5)), (7, 7, Some(-1000.0))]);
    assert_eq!(size, GraphSize { vertices: 8, edges: 3, weighted: 2 });
}

#[test]
fn empty_graphs_have_the_vertices_given() {
    assert_eq!(read("", None).unwrap().1, GraphSize::default());
    assert_eq!(read("# nothing\n", Some(9)).unwrap().1.vertices, 9);
    assert_eq!(read("0 1\n", Some(9)).unwrap().1.vertices, 9);
}

#[test]
fn wrong_lines_are_named() {
    use ErrorKind::{Format, Index, Value};
    let cases = [
        ("0 1\n2\n", None, Format, 2, "the end of the line"),
        ("# c\n-1 2\n", None, Format, 2, "\"-1\""),
        ("0 1\n\n0,1\n", None, Format, 3, "\"0,1\""),
        ("0 1 x\n", None, Value, 1, "\"x\""),
        ("0 1 2 3\n", None, Format, 1, "\"3\""),
        ("0 1\n3 0\n", Some(3), Index, 2, "\"3\""),
        ("18446744073709551615 0\n", None, Index, 1, "\"18446744073709551615\""),
    ];
    for (text, vertices, kind, line, found) in cases {
        let error = read(text, vertices).unwrap_err();
        assert_eq!(
            (error.kind(), error.location()),
            (kind, Some(&Location::Line(line))),
            "{error}"
        );
        assert_eq!(error.finding(), Some(found), "{error}");
        assert!(error.to_string().contains("case.txt") && error.expectation().is_some(), "{error}");
    }
}

#[test]
fn long_lists_keep_their_order() {
    let edges: Vec<Edge> = (0..300_000).map(|i| (i * 7919 % 300_007, i, None)).collect();
    let text: String = edges.iter().map(|(u, v, _)| format!("{u}\t{v}\n")).collect();
    assert!(read(&text, None).unwrap().0 == edges);
}

#[test]
fn lines_that_end_with_a_block_are_read_once() {
    let size = read(&"0 1\n".repeat(1 << 18), None).unwrap().1;
    assert_eq!((size.edges, size.vertices), (1 << 18, 2));
}
