//! Real graphs against tables of trusted results, and graphs from every kind of file.

use std::path::PathBuf;

use outcore::graph::*;
use outcore::io::read_graph;
use outcore::{Context, Csr, Duplicates, ErrorKind, Place};
use serde_json::Value;
use tempfile::tempdir;

use crate::shared_data::{self, json};

/// The files of a folder of graphs for which there is a table, with the table.
fn tables() -> Vec<(PathBuf, Value)> {
    let Some(shared) = shared_data::folder() else { return Vec::new() };
    let mut found = Vec::new();
    for folder in ["matrices", "graphs"] {
        for entry in std::fs::read_dir(shared.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let table = shared.join(format!("expected/{name}.json"));
            let known = name.ends_with(".mtx") || name == "snap_as20graph.txt";
            if known && table.is_file() && json(&table)["graph"].is_object() {
                found.push((path, json(&table)["graph"].clone()));
            }
        }
    }
    assert!(found.len() > 40, "only {} tables found", found.len());
    found
}

#[test]
fn real_graphs_give_the_numbers_of_the_tables() {
    let ctx = Context::new();
    for (path, table) in tables() {
        let name = path.display();
        let graph: Csr<()> = read_graph(&path, Place::Memory, &ctx).unwrap();
        let count =
            |key: &str| table[key].as_u64().unwrap_or_else(|| panic!("{name}: {key}")) as usize;
        assert_eq!((graph.nrows(), graph.nnz()), (count("n"), count("nnz")), "{name}");

        let search = bfs(&graph, 0, &ctx).unwrap();
        check_bfs(&graph, 0, &search).unwrap();
        let histogram = serde_json::json!(search.level_histogram());
        assert_eq!(histogram, table["bfs_level_histogram"], "{name}");
        assert_eq!(search.reached, count("bfs_reached"), "{name}");
        let weighted = search.levels.iter().zip(1..).map(|(&level, weight)| match level {
            Bfs::<u32>::UNREACHED => -weight,
            level => i64::from(level) * weight,
        });
        assert_eq!(Some(weighted.sum::<i64>()), table["bfs_weighted_level_sum"].as_i64(), "{name}");

        let weak = connected_components(&graph, &ctx).unwrap();
        check_components(&graph, &weak).unwrap();
        let expected = (count("weak_components"), count("largest_weak"));
        assert_eq!((weak.count, weak.largest), expected, "{name}");
        let incoming = graph.to_csc(Place::Memory, &ctx).unwrap();
        assert_eq!(bfs_with_incoming(&graph, &incoming, 0, &ctx).unwrap(), search, "{name}");
        let strong = strong_components(&graph, &ctx).unwrap();
        check_strong_components(&graph, &incoming, &strong).unwrap();
        let expected = (count("strong_components"), count("largest_strong"));
        assert_eq!((strong.count, strong.largest), expected, "{name}");

        let options = PageRankOptions { tol: 1e-13, maxiter: 1000, ..Default::default() };
        let found = pagerank(&graph, &options, &ctx).unwrap();
        let residual = check_pagerank(&graph, &found.ranks, options.damping).unwrap();
        assert!(residual < 1e-12, "{name}: {residual}");
        compare_ranks(&found, &table["pagerank"], &name.to_string());
    }
}

fn compare_ranks(found: &PageRank, table: &Value, name: &str) {
    assert!(found.converged, "{name}");
    let near = |expected: &Value, found: f64, relative_to: f64| {
        let expected = expected.as_f64().unwrap();
        assert!((expected - found).abs() <= 1e-9 * relative_to, "{name}: {expected}, {found}");
    };
    let ranks = &found.ranks;
    let top = found.top(10);
    let listed = table["top10"].as_array().unwrap();
    assert_eq!(top.len(), listed.len(), "{name}");
    for ((_, rank), expected) in top.iter().zip(listed) {
        near(&expected[1], *rank, 1.0);
        // Equal ranks may come in either order, so each is looked up where the table has it.
        near(&expected[1], ranks[expected[0].as_u64().unwrap() as usize], 1.0);
    }
    for (expected, rank) in table["first5"].as_array().unwrap().iter().zip(ranks) {
        near(expected, *rank, 1.0);
    }
    near(&table["sum"], ranks.iter().sum(), 1.0);
    near(&table["sum_sq"], ranks.iter().map(|rank| rank * rank).sum(), 1.0);
    let weighted: f64 = ranks.iter().zip(1..).map(|(rank, weight)| rank * f64::from(weight)).sum();
    near(&table["weighted"], weighted, weighted);
}

#[test]
fn graphs_are_read_from_any_file() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let at = |name: &str| folder.path().join(name);
    let read = |name: &str| read_graph::<u32, u32>(at(name), Place::Memory, &ctx);
    let edges = [(0, 1), (1, 0), (1, 2)];
    let triplets = edges.iter().map(|&(u, v)| (u, v, 1.5));
    let graph = Csr::<f64>::from_triplets((3, 3), triplets, Duplicates::Sum).unwrap();
    graph.copy_to(at("csr"), &ctx).unwrap();
    graph.to_csc(at("csc"), &ctx).unwrap();
    graph.to_coo(at("coo"), &ctx).unwrap();
    let market = "%%MatrixMarket matrix coordinate pattern general\n3 3 3\n1 2\n2 1\n2 3\n";
    std::fs::write(at("a.mtx"), market).unwrap();
    std::fs::write(at("banner.txt"), market.to_uppercase()).unwrap();
    std::fs::write(at("a.txt"), "# twice the same\n1 2 0.5\n0 1\n1 0\n0 1\n").unwrap();
    for name in ["csr", "csc", "coo", "a.mtx", "banner.txt", "a.txt"] {
        assert_eq!(read(name).unwrap(), graph.pattern(), "{name}");
    }
    assert!(read("csr").unwrap().indices().file().is_some());

    std::fs::write(at("a.graph"), "2 1\n2\n2\n").unwrap();
    std::fs::write(at("bare.mtx"), "1 2\n").unwrap();
    for (name, kind) in [
        ("a.graph", ErrorKind::Format),
        ("bare.mtx", ErrorKind::Format),
        ("missing", ErrorKind::Io),
    ] {
        let error = read(name).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let little = Context::new().memory_limit(20);
    let error = read_graph::<u32, u32>(at("a.txt"), Place::Memory, &little).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
}
