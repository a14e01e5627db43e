//! Edge lists as they are found: separators, headers, names, weights, directions, gaps.

use std::fs;
use std::path::Path;

use outcore::io::{
    EdgeOptions, FileFormat, Graph, Imported, ReadOptions, Separator, VertexIds, Vertices, Weights,
    read_graph, read_graph_with, read_matrix_with,
};
use outcore::{Context, Csr, DType, Duplicates, ErrorKind, Location, Place, Result};
use tempfile::{TempDir, tempdir};

use crate::folders::Folders;

type Triplets = Vec<(String, String, f64)>;

fn file(text: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn read_with(text: &str, edges: EdgeOptions) -> Result<Imported> {
    let (_folder, path) = file(text);
    let options = ReadOptions { edges, ..ReadOptions::default() };
    read_matrix_with(&path, &options, Place::Memory, &Context::new().threads(2)?)
}

fn name(ids: Option<&VertexIds>, vertex: usize) -> String {
    ids.map_or(vertex.to_string(), |ids| ids.id(vertex).into_owned())
}

/// The entries by the ids of their vertices, in the order of the rows; a pattern counts as ones.
fn triplets(read: &Imported) -> Triplets {
    let ctx = Context::new();
    let wide = read.matrix.to_dtype(DType::Float64, Place::Memory, &ctx).unwrap();
    let a = Csr::<f64>::try_from(wide).unwrap();
    let ids = read.vertices.as_ref();
    let mut all = Vec::new();
    for u in 0..a.nrows() {
        let row = a.row(u).unwrap();
        for (&v, &weight) in row.indices.iter().zip(row.data) {
            all.push((name(ids, u), name(ids, v as usize), weight));
        }
    }
    all
}

fn expect(found: &Triplets, expected: &[(&str, &str, f64)]) {
    let expected: Triplets =
        expected.iter().map(|&(u, v, w)| (u.to_owned(), v.to_owned(), w)).collect();
    assert_eq!(found, &expected);
}

#[test]
fn fields_are_separated_by_what_the_first_line_has() {
    for text in [
        "0 1 2.5\n1 2 -1\n",
        "0\t1\t2.5\n1\t2\t-1\n",
        "0,1,2.5\n1,2,-1\n",
        "0, 1, 2.5\r\n1 , 2 , -1\r\n",
        "0;1;2.5\n1;2;-1",
        "# a\n% b\n// c\n\n  0 1 2.5\n//d\n 1 2 -1\n",
        "\"0\",\"1\",2.5\n\"1\",\"2\",\"-1\"\n",
        "source,target,weight\n0,1,2.5\n1,2,-1\n",
        "source target weight\n0 1 2.5\n1 2 -1\n",
        "x;y;z\n0;1;2.5\n1;2;-1\n",
        "0 1 {'weight': 2.5}\n1 2 {'weight': -1}\n",
    ] {
        let read =
            read_with(text, EdgeOptions::default()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(read.format, FileFormat::EdgeList);
        assert!(read.vertices.is_none(), "{text:?}");
        expect(&triplets(&read), &[("0", "1", 2.5), ("1", "2", -1.0)]);
    }
    let read = read_with("0 1 {}\n1 2 {}\n", EdgeOptions::default()).unwrap();
    assert_eq!((read.matrix.dtype(), read.matrix.nnz()), (None, 2));
}

#[test]
fn names_are_numbered_in_the_order_in_which_they_occur() {
    for text in [
        "bob ann 2\nann cem 3\n",
        "bob\tann\t2\nann\tcem\t3\n",
        "bob,ann,2\nann,cem,3\n",
        "from,to,w\nbob,ann,2\nann,cem,3\n",
        "\"bob\";\"ann\";2\n ann ; cem ;3\n",
    ] {
        let read =
            read_with(text, EdgeOptions::default()).unwrap_or_else(|e| panic!("{text}: {e}"));
        let ids = read.vertices.clone().unwrap();
        let names: Vec<_> = (0..ids.len()).map(|vertex| ids.id(vertex).into_owned()).collect();
        assert_eq!(names, ["bob", "ann", "cem"], "{text:?}");
        assert_eq!((ids.vertex("cem"), ids.vertex("dan"), ids.numbers()), (Some(2), None, None));
        expect(&triplets(&read), &[("bob", "ann", 2.0), ("ann", "cem", 3.0)]);
    }
    // Numbers among names are names, signs belong to them, and blanks may be in those between tabs or commas.
    let read = read_with("0 1\n1 -7\nx 0\n", EdgeOptions::default()).unwrap();
    expect(&triplets(&read), &[("0", "1", 1.0), ("1", "-7", 1.0), ("x", "0", 1.0)]);
    for text in
        ["New York,Köln\n", "New York\tKöln\n", "\"New York\" Köln\n", "\"New York\",\"Köln\"\n"]
    {
        let read = read_with(text, EdgeOptions::default()).unwrap();
        expect(&triplets(&read), &[("New York", "Köln", 1.0)]);
    }
    let read = read_with("\"a, b\",c\n", EdgeOptions::default()).unwrap();
    expect(&triplets(&read), &[("a, b", "c", 1.0)]);
}

#[test]
fn headers_are_told_from_edges() {
    let with = |header| EdgeOptions { header, ..EdgeOptions::default() };
    // The usual names of columns, even above names, and alone; words above numbers; other words are edges.
    for (text, edges) in [
        ("Source,Target\na,b\n", 1),
        ("source\ttarget\n", 0),
        ("left,right\n1,2\n", 1),
        ("left,right\na,b\n", 2),
        ("left,right,strength\na,b,1\n", 1),
        ("# c\nu v\n0 1\n", 1),
    ] {
        let read = read_with(text, with(None)).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(read.matrix.nnz(), edges, "{text:?}");
    }
    assert_eq!(read_with("source,target\na,b\n", with(Some(false))).unwrap().matrix.nnz(), 2);
    assert_eq!(read_with("left,right\na,b\n", with(Some(true))).unwrap().matrix.nnz(), 1);
    assert_eq!(read_with("0 1\n1 2\n", with(Some(true))).unwrap().matrix.nnz(), 1);
    // A header does not shift the lines of errors.
    let error = read_with("source,target\n0,1\n1,\n", with(None)).unwrap_err();
    assert_eq!(error.location(), Some(&Location::Line(3)), "{error}");
}

#[test]
fn edges_are_what_the_options_make_of_the_lines() {
    let text = "0 1 2\n1 0 3\n2 2 5\n0 1 4\n";
    let plain = EdgeOptions::default;
    let read = |edges| read_with(text, edges).map(|read| triplets(&read));
    expect(&read(plain()).unwrap(), &[("0", "1", 6.0), ("1", "0", 3.0), ("2", "2", 5.0)]);
    let all = read(EdgeOptions { symmetrize: true, ..plain() }).unwrap();
    expect(&all, &[("0", "1", 9.0), ("1", "0", 9.0), ("2", "2", 5.0)]);
    let some = read(EdgeOptions { drop_self_loops: true, ..plain() }).unwrap();
    expect(&some, &[("0", "1", 6.0), ("1", "0", 3.0)]);
    let kept = read(EdgeOptions { duplicates: Duplicates::Keep, ..plain() }).unwrap();
    assert_eq!(kept.len(), 4);
    let refused = read(EdgeOptions { duplicates: Duplicates::Refuse, ..plain() }).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Duplicate);
    let counted = read(EdgeOptions { weights: Weights::Count, ..plain() }).unwrap();
    expect(&counted, &[("0", "1", 2.0), ("1", "0", 1.0), ("2", "2", 1.0)]);
    // What is ignored may be anything, KONECT's fourth column for example.
    let ignored = EdgeOptions { weights: Weights::Ignore, ..plain() };
    let matrix = read_with("0 1 1 1082040961\n1 2 x\n2 0\n", ignored).unwrap().matrix;
    assert_eq!((matrix.dtype(), matrix.nnz()), (None, 3));
    // A dropped loop leaves its vertex.
    let edges = EdgeOptions { drop_self_loops: true, ..plain() };
    let read = read_with("a a\na b\n", edges.clone()).unwrap();
    assert_eq!((read.matrix.shape(), read.matrix.nnz()), ((2, 2), 1));
    let compact = EdgeOptions { vertices: Vertices::Compact, ..edges };
    assert_eq!(read_with("7 7\n9 8\n", compact).unwrap().matrix.shape(), (3, 3));
}

#[test]
fn gaps_are_kept_if_they_are_few_or_asked_for() {
    let auto = |last: u64, edges: u64| {
        let text: String = (0..edges).map(|k| format!("{k} {last}\n")).collect();
        let read = read_with(&text, EdgeOptions::default()).unwrap();
        (read.matrix.nrows() as u64, read.vertices.is_some())
    };
    assert_eq!(auto((1 << 20) - 1, 1), (1 << 20, false));
    assert_eq!(auto(1 << 20, 1), (2, true));
    // 70,000 different numbers justify 1,120,000 of them.
    assert_eq!(auto(70_000 * 16 - 1, 69_999), (70_000 * 16, false));
    assert_eq!(auto(70_000 * 16, 69_999), (70_000, true));
    let edges = EdgeOptions { vertices: Vertices::AsInFile, ..EdgeOptions::default() };
    let error = read_with("a b\n", edges).unwrap_err();
    assert_eq!((error.kind(), error.finding()), (ErrorKind::Format, Some("\"a\"")), "{error}");
    let edges = EdgeOptions { vertices: Vertices::Count(9), ..EdgeOptions::default() };
    assert_eq!(read_with("0 1\n", edges).unwrap().matrix.shape(), (9, 9));
}

#[test]
fn what_is_no_list_is_refused_where_it_shows() {
    for (text, kind, line, word) in [
        ("1.5 2.5\n", ErrorKind::Format, 1, "table of numbers"),
        ("1.5,2.5,3.5\n4.5,5.5,6.5\n", ErrorKind::Format, 1, "table of numbers"),
        ("a b c d\n", ErrorKind::Value, 1, "\"c\""),
        ("a b\n\nc\n", ErrorKind::Format, 3, "missing"),
        ("a b\nc d\n1e3 a\n", ErrorKind::Format, 3, "table of numbers"),
        ("a b\nc \u{1}d\n", ErrorKind::Format, 2, "binary"),
        ("a b\n\"c d\n", ErrorKind::Format, 2, "quote"),
        ("\"a\"b c\n", ErrorKind::Format, 1, "closing quote"),
        ("a b 1\nb c\n", ErrorKind::Format, 2, "weight"),
        ("a b\nb c 1\n", ErrorKind::Format, 2, "weight"),
        ("0 1 {'color': 3}\n", ErrorKind::Format, 1, "attributes"),
        ("0,1,x\n", ErrorKind::Value, 1, "\"x\""),
    ] {
        let error = read_with(text, EdgeOptions::default()).map(|_| ()).expect_err(text);
        assert_eq!(
            (error.kind(), error.location()),
            (kind, Some(&Location::Line(line))),
            "{error}"
        );
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    // Names that are asked for may look like numbers with fractions.
    let edges = EdgeOptions { vertices: Vertices::Compact, ..EdgeOptions::default() };
    expect(&triplets(&read_with("1.5 2\n", edges).unwrap()), &[("1.5", "2", 1.0)]);
    let edges = EdgeOptions { separator: Separator::Blank, ..EdgeOptions::default() };
    expect(&triplets(&read_with("a,b c\n", edges).unwrap()), &[("a,b", "c", 1.0)]);
    // First words of other formats are names as well.
    for text in ["graph theory\n", "c d\n", "creator world\n", "p spam\n", "digraph a\n"] {
        assert_eq!(read_with(text, EdgeOptions::default()).unwrap().matrix.nnz(), 1, "{text}");
    }
    for text in
        ["graph G {\n a -- b\n}\n", "c a DIMACS file\np sp 2 1\n", "c x\np sp 2 1\na 1 2 3\n"]
    {
        let error = read_with(text, EdgeOptions::default()).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}

/// Edges between names, many of them repeated: names and text.
fn long_list(edges: usize) -> (Vec<(String, String)>, String) {
    let name = |k: usize| format!("user/{:x}", k * k % 99_991);
    let edges: Vec<_> = (0..edges).map(|k| (name(k), name(3 * k + 7))).collect();
    let text = edges.iter().map(|(u, v)| format!("{u}\t{v}\n")).collect();
    (edges, text)
}

#[test]
fn long_lists_of_names_are_the_same_for_any_threads_memory_and_place() {
    let folders = Folders::new();
    let path = folders.path("a.txt");
    let (edges, text) = long_list(120_000);
    std::fs::write(&path, text).unwrap();
    // The obvious loop.
    let mut numbers = std::collections::HashMap::new();
    let mut names = Vec::new();
    let mut number = |id: &String| {
        *numbers.entry(id.clone()).or_insert_with(|| {
            names.push(id.clone());
            names.len() - 1
        })
    };
    let pairs: Vec<_> = edges.iter().map(|(u, v)| (number(u), number(v), ())).collect();
    let n = names.len();
    let expected = Csr::<()>::from_triplets((n, n), pairs, Duplicates::Sum).unwrap();
    // Edges are kept, or read again and sorted in scratch files.
    for (threads, limit) in [(1, 1 << 30), (2, 1 << 30), (3, 15 << 20)] {
        let ctx = folders.context(limit).threads(threads).unwrap();
        for place in [Place::Memory, Place::Scratch, folders.replaced("g.bspnpy")] {
            let read: Graph = read_graph_with(&path, &ReadOptions::default(), place, &ctx).unwrap();
            assert!(read.graph == expected, "{threads} threads, {limit} bytes");
            let ids = read.vertices.unwrap();
            assert!((0..n).all(|vertex| ids.id(vertex) == names[vertex]));
            assert_eq!(ids.vertex(&names[n / 2]), Some(n / 2));
        }
        folders.verify("g.bspnpy");
    }
    folders.assert_only(&["a.txt", "g.bspnpy"]);
    let little = folders.context(1 << 20);
    let error = read_graph_with::<u32, u32>(&path, &ReadOptions::default(), Place::Memory, &little);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Memory);
}

/// Ids and matrix are published together, or not at all.
#[test]
fn ids_that_cannot_be_stored_publish_nothing() {
    let folders = Folders::new();
    let list = folders.path("a.txt");
    fs::write(&list, "ann bob\nbob cem\n").unwrap();
    let (ctx, small) = (Context::new(), Context::new().memory_limit(4));
    let ids = read_graph_with::<u32, u32>(&list, &ReadOptions::default(), Place::Memory, &ctx)
        .unwrap()
        .vertices
        .unwrap();
    let target = folders.path("g.bspnpy");
    let entries = || fs::read_dir(target.parent().unwrap()).unwrap().count();
    let before = entries();
    for place in [Place::File(target.clone()), Place::Replace(target.clone())] {
        let make = |place: Place| Csr::<f64>::eye(3).copy_to(place, &ctx).map(drop);
        let error = ids.store_with(place.clone(), &small, make).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
        assert!(!target.exists());
        assert_eq!(entries(), before);
    }
    // What is replaced stays until the new one is complete.
    Csr::<f64>::eye(2).copy_to(target.as_path(), &ctx).unwrap();
    let replace = || Place::Replace(target.clone());
    let make = |place: Place| Csr::<f64>::eye(3).copy_to(place, &ctx).map(drop);
    ids.store_with(replace(), &small, make).unwrap_err();
    assert_eq!((Csr::<f64>::open(&target).unwrap().nrows(), entries()), (2, before + 1));
    let taken = ids.store_with(target.as_path(), &ctx, make).unwrap_err();
    assert_eq!((taken.kind(), taken.path()), (ErrorKind::Exists, Some(target.as_path())));
    ids.store_with(replace(), &ctx, make).unwrap();
    assert_eq!((Csr::<f64>::open(&target).unwrap().nrows(), entries()), (3, before + 1));
    assert_eq!(stored(&target, 3), Some(ids));
    // At another place only the matrix is made.
    let stored = stored(&target, 3).unwrap();
    stored
        .store_with(Place::Memory, &small, |place| {
            Csr::<f64>::eye(1).copy_to(place, &ctx).map(drop)
        })
        .unwrap();
    assert!(outcore::verify(&target, &ctx).is_ok());
    assert_eq!(entries(), before + 1);
}

fn stored(path: &Path, nrows: usize) -> Option<VertexIds> {
    VertexIds::stored(path, nrows, &Context::new()).unwrap()
}

#[test]
fn ids_are_stored_beside_the_matrix_and_replaced_with_it() {
    let folders = Folders::new();
    let (list, graph) = (folders.path("a.txt"), folders.path("g.bspnpy"));
    let ctx = folders.context(1 << 30);
    let read = |text: &str| {
        std::fs::write(&list, text).unwrap();
        let options = ReadOptions::default();
        let place = folders.replaced("g.bspnpy");
        let made = read_matrix_with(&list, &options, place, &ctx).unwrap();
        folders.verify("g.bspnpy");
        let again = read_matrix_with(&graph, &options, Place::Memory, &ctx).unwrap();
        assert_eq!(made.vertices, again.vertices);
        let as_graph: Graph = read_graph_with(&graph, &options, Place::Memory, &ctx).unwrap();
        assert_eq!(made.vertices, as_graph.vertices);
        again
    };
    let names = read("ann bob 1\nbob cem 2\n");
    expect(&triplets(&names), &[("ann", "bob", 1.0), ("bob", "cem", 2.0)]);
    let numbers = read("5000000000 7\n7 9\n");
    assert_eq!(numbers.vertices.unwrap().numbers(), Some(&[7, 9, 5_000_000_000][..]));
    assert_eq!(stored(&graph, 3).unwrap().id(2), "5000000000");
    assert!(read("0 1\n").vertices.is_none());
    // Compact again: those that are left keep their names.
    let held = read("ann bob\ncem cem\n");
    drop(held);
    let a = Csr::<()>::open(&graph).unwrap();
    let part = a.filter(Place::Memory, &ctx, |row, col, ()| row != col).unwrap();
    part.copy_to(folders.replaced("h.bspnpy"), &ctx).unwrap();
    stored(&graph, 3).unwrap().store(folders.path("h.bspnpy"), &ctx).unwrap();
    let edges = EdgeOptions { vertices: Vertices::Compact, ..EdgeOptions::default() };
    let options = ReadOptions { edges, ..ReadOptions::default() };
    let read: Graph =
        read_graph_with(folders.path("h.bspnpy"), &options, Place::Memory, &ctx).unwrap();
    assert_eq!((read.graph.nrows(), read.vertices.unwrap().id(1).as_ref()), (2, "bob"));
    // Ids that are not those of the matrix are refused.
    let error = VertexIds::stored(&graph, 4, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Format, "{error}");
    std::fs::write(graph.join("vertex_names.npy"), "no array").unwrap();
    let error = read_matrix_with(&graph, &ReadOptions::default(), Place::Memory, &ctx);
    assert!(error.map(|_| ()).unwrap_err().to_string().contains("vertex_names.npy"));
}

#[test]
fn plans_of_lists_say_what_they_cost_and_do_nothing() {
    let folders = Folders::new();
    let path = folders.path("a.txt");
    std::fs::write(&path, long_list(10_000).1).unwrap();
    let ctx = folders.context(1 << 30);
    let options = ReadOptions::default();
    let plan = ctx
        .plan(|ctx| {
            read_matrix_with(&path, &options, folders.result("g"), ctx)
                .map(|read| read.matrix.nnz())
        })
        .unwrap();
    assert_eq!(plan.operation, "reading edges");
    assert!(plan.cost.bytes_read > 0 && plan.cost.bytes_written > 0);
    folders.assert_only(&["a.txt"]);
}

#[test]
fn cancelling_stops_a_list() {
    let (_folder, path) = file(&long_list(50_000).1);
    let token = outcore::CancelToken::new();
    let (other, ctx) = (token.clone(), Context::new().threads(1).unwrap().cancel(token));
    let ctx = ctx.progress(move |_| other.cancel());
    let error = read_matrix_with(&path, &ReadOptions::default(), Place::Memory, &ctx);
    assert_eq!(error.map(|_| ()).unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn sums_of_weights_are_added_in_the_order_of_the_file() {
    let text: String = (0..200_000).map(|k| format!("{} 1 0.1\n", k % 3)).collect();
    let one = |threads: usize| {
        let (_folder, path) = file(&text);
        let ctx = Context::new().threads(threads).unwrap();
        let read = read_matrix_with(&path, &ReadOptions::default(), Place::Memory, &ctx).unwrap();
        Csr::<f64>::try_from(read.matrix).unwrap()
    };
    let expected = (0..66_667).fold(0.0, |sum, _| sum + 0.1);
    for threads in [1, 3] {
        let a = one(threads);
        assert_eq!(a.get(0, 1).unwrap(), Some(expected));
    }
}

#[test]
fn a_first_edge_may_have_ids_of_any_size() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.txt");
    // It is compared with the counts of a METIS graph.
    for (text, edges) in [
        ("% words\n10 18446704073709551614\n20 10\n\n5 5 1e9\n", 3),
        ("18446744073709551613 3\n1 2\n", 2),
        ("9223372036854775808 9223372036854775808\n1 2\n", 2),
    ] {
        std::fs::write(&path, text).unwrap();
        let graph: Csr<()> = read_graph(&path, Place::Memory, &Context::new()).unwrap();
        assert_eq!(graph.nnz(), edges, "{text}");
    }
}
