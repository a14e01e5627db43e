//! Text whose numbers dwarf its entries: refused at once, or taken as asked.

use std::time::{Duration, Instant};

use outcore::io::matrix_market::Reader;
use outcore::io::{
    EdgeOptions, FileFormat, Graph, ReadOptions, Vertices, read_graph, read_graph_with, read_matrix,
};
use outcore::{Context, Coo, Csc, Csr, DType, Error, ErrorKind, Index, Place};
use tempfile::tempdir;

use crate::folders::Folders;

const MARKET: &str = "%%MatrixMarket matrix coordinate real general\n";

/// Options with these vertices, all of them if `hypersparse`.
fn options(vertices: Vertices, hypersparse: bool) -> ReadOptions {
    let edges = EdgeOptions { vertices, ..EdgeOptions::default() };
    ReadOptions { hypersparse, edges, ..ReadOptions::default() }
}

fn hypersparse() -> ReadOptions {
    options(Vertices::Auto, true)
}

fn compact(path: &std::path::Path, ctx: &Context) -> Graph {
    read_graph_with(path, &options(Vertices::Compact, false), Place::Memory, ctx).unwrap()
}

/// The numbers of the vertices.
fn ids<I: Index, P: Index>(graph: &Graph<I, P>) -> &[u64] {
    graph.vertices.as_ref().unwrap().numbers().unwrap()
}

/// Runs something that must be over at once.
fn at_once<R>(what: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = what();
    assert!(start.elapsed() < Duration::from_millis(500), "took {:?}", start.elapsed());
    result
}

fn check_refusal(error: &Error, bytes: u64, limit: u64) {
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    let text = error.to_string();
    for wanted in [format!("{bytes} bytes"), format!("{limit} bytes"), "ompact vertices".into()] {
        assert!(text.contains(&wanted), "no {wanted} in: {text}");
    }
    assert!(error.path().is_some(), "{text}");
}

#[test]
fn vertices_that_dwarf_the_edges_are_renumbered_or_refused_at_once() {
    fn check<I: Index, P: Index>(last: u64) {
        let folders = Folders::new();
        let path = folders.path("a.txt");
        std::fs::write(&path, format!("0 1\n{last} 2\n")).unwrap();
        let limit = 1 << 40;
        let ctx = folders.context(limit);
        let bytes = (last + 1) * size_of::<P>() as u64 + size_of::<P>() as u64;
        for place in [Place::Memory, Place::Scratch, folders.result("g"), folders.replaced("g")] {
            let all = options(Vertices::AsInFile, false);
            let error = at_once(|| read_graph_with::<I, P>(&path, &all, &place, &ctx)).unwrap_err();
            check_refusal(&error, bytes, limit);
        }
        folders.assert_only(&["a.txt"]);
        let read: Graph<I, P> = at_once(|| {
            read_graph_with(&path, &ReadOptions::default(), Place::Memory, &ctx).unwrap()
        });
        assert_eq!((ids(&read), read.graph.shape()), (&[0, 1, 2, last][..], (4, 4)));
        assert_eq!(read.graph.row(3).unwrap().indices[0].to_usize(), 2);
    }
    check::<u32, u32>(2_000_000_000);
    check::<u32, u32>(50_000_000);
    check::<u32, u64>(2_000_000_000);
    check::<u64, u64>(1 << 40);
    check::<u64, u32>((1 << 60) + 1);
}

#[test]
fn compact_graphs_are_renumbered_with_the_map_back() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "# c\n18446744073709551614 7\n0 1 0.5\n2000000000 7\n0 1\n7 7\n")
        .unwrap();
    let expected_ids = [0, 1, 7, 2_000_000_000, u64::MAX - 1];
    let read = at_once(|| compact(&path, &ctx));
    assert_eq!(ids(&read), expected_ids);
    let expected = [(0, 1), (2, 2), (3, 2), (4, 2)];
    let expected = expected.map(|(u, v)| (u, v, ()));
    let expected = Csr::<()>::from_triplets((5, 5), expected, outcore::Duplicates::Refuse).unwrap();
    assert_eq!(read.graph, expected);
    let vertices = read.vertices.unwrap();
    assert_eq!(
        (vertices.vertex("7"), vertices.vertex("8"), vertices.vertex("x")),
        (Some(2), None, None)
    );
    // The same for any number of threads, index types and places.
    let one = Context::new().threads(1).unwrap();
    let renumbering = options(Vertices::Compact, false);
    let other: Graph<u64, u64> =
        read_graph_with(&path, &renumbering, folder.path().join("g"), &one).unwrap();
    assert_eq!((ids(&other), other.graph.nnz()), (&expected_ids[..], 4));
    assert!(other.graph.indices().file().is_some());
    // Without an edge there is no vertex.
    std::fs::write(&path, "# nothing\n").unwrap();
    let none = compact(&path, &ctx);
    assert_eq!((none.graph.shape(), ids(&none).len()), ((0, 0), 0));
}

#[test]
fn compact_graphs_of_many_edges_are_those_of_a_plain_loop() {
    let folder = tempdir().unwrap();
    let ctx = Context::new().scratch(folder.path());
    let path = folder.path().join("a.txt");
    // Numbers close to each other, which have a bit each, and far from each other.
    for shift in [0, 40] {
        let edges: Vec<(u64, u64)> = (0..30_000u64)
            .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50 << shift, i % 777))
            .collect();
        std::fs::write(&path, edges.iter().map(|(u, v)| format!("{u} {v}\n")).collect::<String>())
            .unwrap();
        let mut expected = edges.clone();
        expected.sort_unstable();
        expected.dedup();
        // With little memory the text is read again, and the edges are sorted in scratch files.
        for limit in [1 << 30, 1_900_000] {
            let read = compact(&path, &ctx.clone().memory_limit(limit));
            let mut found: Vec<_> = (0..read.graph.nrows())
                .flat_map(|u| {
                    let (ids, line) = (ids(&read), read.graph.row(u).unwrap());
                    line.indices.iter().map(|&v| (ids[u], ids[v as usize])).collect::<Vec<_>>()
                })
                .collect();
            found.sort_unstable();
            assert!(found == expected, "shift {shift}, limit {limit}");
        }
        let little = ctx.clone().memory_limit(100_000);
        let renumbering = options(Vertices::Compact, false);
        let error = read_graph_with::<u32, u32>(&path, &renumbering, Place::Memory, &little);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Memory);
    }
}

#[test]
fn matrices_that_dwarf_their_entries_are_refused_as_compressed_and_read_as_coordinates() {
    let folders = Folders::new();
    let path = folders.path("a.mtx");
    let n = 1_000_000_000usize;
    std::fs::write(&path, format!("{MARKET}{n} {n} 1\n{n} 7 2.5\n")).unwrap();
    let ctx = folders.context(1 << 40);
    let reader = Reader::open(&path).unwrap();
    let coo: Coo<f64> = at_once(|| reader.read_coo(&ctx)).unwrap();
    assert_eq!((coo.shape(), coo.nnz(), coo.row_indices()[0]), ((n, n), 1, n as u32 - 1));
    for place in [Place::Memory, Place::Scratch, folders.result("g")] {
        let error = at_once(|| reader.read_csr::<f64, u32, u32>(&place, &ctx)).unwrap_err();
        check_refusal(&error, 4 * (n as u64 + 1), 1 << 40);
        let error = at_once(|| reader.read_csc::<f64, u32, u64>(&place, &ctx)).unwrap_err();
        check_refusal(&error, 8 * (n as u64 + 1), 1 << 40);
        let error = at_once(|| read_graph::<u64, u64>(&path, &place, &ctx)).unwrap_err();
        check_refusal(&error, 8 * (n as u64 + 1), 1 << 40);
    }
    // A plan fails where the run would.
    let plan = ctx.plan(|ctx| reader.read_csr::<f64, u32, u32>(Place::Memory, ctx).map(drop));
    assert_eq!(plan.unwrap_err().kind(), ErrorKind::Memory);
    // Few rows and many columns are no matter for rows, and the other way round.
    std::fs::write(&path, format!("{MARKET}3 {n} 1\n2 {n} 2.5\n")).unwrap();
    let reader = Reader::open(&path).unwrap();
    let csr: Csr<f64> = at_once(|| reader.read_csr(Place::Memory, &ctx)).unwrap();
    assert_eq!(csr.get(1, n - 1).unwrap(), Some(2.5));
    assert_eq!(
        reader.read_csc::<f64, u32, u32>(Place::Memory, &ctx).unwrap_err().kind(),
        ErrorKind::Memory
    );
    // As a graph the one edge is left, its ends counted from 0.
    std::fs::write(
        &path,
        format!("%%MatrixMarket matrix coordinate pattern symmetric\n{n} {n} 1\n{n} 7\n"),
    )
    .unwrap();
    let read = at_once(|| compact(&path, &ctx));
    assert_eq!((ids(&read), read.graph.nnz()), (&[6, n as u64 - 1][..], 2));
    // An array file of rows without columns holds no entry either.
    std::fs::write(&path, format!("%%MatrixMarket matrix array real general\n{n} 0\n")).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.read_coo::<f64, u32>(&ctx).unwrap().shape(), (n, 0));
    let error = at_once(|| reader.read_csr::<f64, u32, u32>(Place::Memory, &ctx)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
}

#[test]
fn extents_of_any_size_are_taken_when_asked_for() {
    let folders = Folders::new();
    let (list, market) = (folders.path("a.txt"), folders.path("a.mtx"));
    // Pointers of 128 MiB and some.
    let n = (16usize << 20) + 10;
    std::fs::write(&list, format!("0 1\n{} 2\n", n - 1)).unwrap();
    std::fs::write(&market, format!("{MARKET}{n} {n} 1\n{n} 2 1\n")).unwrap();
    let ctx = folders.context(1 << 30);
    let as_in_file = options(Vertices::AsInFile, false);
    for path in [&list, &market] {
        let error = read_graph_with::<u32, u64>(path, &as_in_file, Place::Memory, &ctx);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Memory);
    }
    let read: Graph<u32, u64> =
        read_graph_with(&list, &hypersparse(), Place::Memory, &ctx).unwrap();
    assert_eq!((read.graph.nrows(), read.graph.nnz()), (n, 2));
    assert!(read.vertices.is_none());
    drop(read);
    let counted = options(Vertices::Count(n as u64), false);
    let given: Graph<u32, u64> =
        read_graph_with(&list, &counted, folders.result("g"), &ctx).unwrap();
    assert_eq!((given.graph.nrows(), given.graph.nnz()), (n, 2));
    drop(given);
    let too_few = options(Vertices::Count(n as u64 - 1), false);
    let error = read_graph_with::<u32, u64>(&list, &too_few, Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Index);
    let matrix: Csc<f64, u32, u64> =
        Reader::open(&market).unwrap().hypersparse().read_csc(Place::Memory, &ctx).unwrap();
    assert_eq!((matrix.shape(), matrix.get(n - 1, 1).unwrap()), ((n, n), Some(1.0)));
    // What was asked for still keeps to the memory limit, and says so at once.
    let little = folders.context(64 << 20);
    let error = at_once(|| {
        read_graph_with::<u32, u64>(&list, &hypersparse(), Place::Memory, &little).unwrap_err()
    });
    check_refusal(&error, 8 * (n as u64 + 1), 64 << 20);
}

#[test]
fn extents_that_the_entries_justify_are_taken() {
    let folders = Folders::new();
    let path = folders.path("a.txt");
    // Pointers of more than 128 MiB need an edge for sixteen vertices; fewer need none.
    let ctx = folders.context(1 << 30);
    for (stride, taken) in [(16usize, true), (17, false)] {
        let edges: String = (1..=1_060_000).map(|i| format!("{} 0\n", i * stride - 1)).collect();
        std::fs::write(&path, edges).unwrap();
        let all = options(Vertices::AsInFile, false);
        let outcome = read_graph_with::<u32, u64>(&path, &all, Place::Scratch, &ctx);
        let expected = if taken { Ok(()) } else { Err(ErrorKind::Memory) };
        assert_eq!(outcome.map(drop).map_err(|e| e.kind()), expected);
        // Left to the reader, the gaps are kept in the same case.
        let read: Graph<u32, u64> =
            read_graph_with(&path, &ReadOptions::default(), Place::Scratch, &ctx).unwrap();
        let vertices = if taken { stride * 1_060_000 } else { 1_060_001 };
        assert_eq!((read.graph.nrows(), read.vertices.is_none()), (vertices, taken));
    }
    // A million vertices need no reason, and more of them are made if they are asked for.
    std::fs::write(&path, "0 1\n999999 2\n").unwrap();
    assert_eq!(read_graph::<u32, u32>(&path, Place::Memory, &ctx).unwrap().nrows(), 1_000_000);
    std::fs::write(&path, "0 1\n9999999 2\n").unwrap();
    let all = options(Vertices::AsInFile, false);
    let read: Graph = read_graph_with(&path, &all, Place::Memory, &ctx).unwrap();
    assert_eq!((read.graph.nrows(), read.graph.nnz()), (10_000_000, 2));
    assert_eq!(read_graph::<u32, u32>(&path, Place::Memory, &ctx).unwrap().nrows(), 4);
}

#[test]
fn stored_matrices_that_dwarf_their_entries_are_refused_or_compact() {
    let folders = Folders::new();
    let ctx = folders.context(1 << 40);
    let n = 1_000_000_000;
    let coo = Coo::<f64>::from_triplets((n, n), [(5, n - 1, 1.0), (5, 5, 0.0)]).unwrap();
    coo.copy_to(folders.result("coo"), &ctx).unwrap();
    let path = folders.path("coo");
    let error = at_once(|| read_graph::<u32, u32>(&path, Place::Memory, &ctx)).unwrap_err();
    check_refusal(&error, 4 * (n as u64 + 1), 1 << 40);
    let read = at_once(|| compact(&path, &ctx));
    assert_eq!((ids(&read), read.graph.nnz()), (&[5, n as u64 - 1][..], 2));
    // Stored rows and columns as well; a matrix that is not square is no graph.
    let triplets = [(0, 2, 1.0), (4, 2, 1.0)];
    let csr = Csr::<f64>::from_triplets((6, 6), triplets, outcore::Duplicates::Refuse).unwrap();
    csr.copy_to(folders.result("csr"), &ctx).unwrap();
    csr.to_csc(folders.result("csc"), &ctx).unwrap();
    for name in ["csr", "csc"] {
        let stored = Some(FileFormat::Stored);
        let options = ReadOptions { format: stored, ..options(Vertices::Compact, false) };
        let read: Graph =
            read_graph_with(folders.path(name), &options, Place::Memory, &ctx).unwrap();
        assert_eq!((ids(&read), read.graph.nnz()), (&[0, 2, 4][..], 2));
    }
    let market = folders.path("a.mtx");
    std::fs::write(&market, format!("{MARKET}2 3 0\n")).unwrap();
    let renumbering = options(Vertices::Compact, true);
    let error = read_graph_with::<u32, u32>(&market, &renumbering, Place::Memory, &ctx);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn indices_are_as_wide_as_the_extent_needs() {
    let folders = Folders::new();
    let path = folders.path("a.mtx");
    let limit = i32::MAX as u64;
    for (n, wide) in
        [(limit, DType::Int32), (limit + 1, DType::Int64), (3_000_000_000, DType::Int64)]
    {
        std::fs::write(&path, format!("{MARKET}3 {n} 1\n2 {n} 2.5\n")).unwrap();
        let a = at_once(|| read_matrix(&path, Place::Memory, &Context::new())).unwrap();
        assert_eq!((a.shape(), a.nnz()), ((3, n as usize), 1));
        assert_eq!(a.index_dtype(), Some(wide), "{n}");
    }
}
