//! Graphs small enough to check by hand, naive twins on random ones, and the checks on R-MAT graphs.

use std::collections::VecDeque;

use outcore::graph::*;
use outcore::linalg::LinearOperator;
use outcore::{CancelToken, Context, Coo, Csr, Duplicates, ErrorKind, Place};
use tempfile::tempdir;

const NONE: u32 = Bfs::<u32>::UNREACHED;

fn graph(n: usize, edges: &[(usize, usize)]) -> Csr<()> {
    let triplets = edges.iter().map(|&(u, v)| (u, v, ()));
    Csr::from_triplets((n, n), triplets, Duplicates::Keep).unwrap()
}

fn rmat(scale: u32) -> Csr<()> {
    let edges = Coo::<()>::rmat(scale, 8, 7, Place::Memory, &Context::new()).unwrap();
    edges.to_csr(Duplicates::Sum, Place::Memory, &Context::new()).unwrap()
}

/// A random graph of `n` vertices; few enough edges that it falls apart.
fn sparse_graph(n: usize, seed: u64) -> Csr<()> {
    let a = Csr::<f64>::random((n, n), 1.3 / n as f64, seed, Place::Memory, &Context::new());
    a.unwrap().pattern()
}

fn path(n: usize) -> Csr<()> {
    graph(n, &(1..n).map(|v| (v - 1, v)).collect::<Vec<_>>())
}

#[test]
fn searches_by_hand() {
    let ctx = Context::new();
    let levels = |n, edges: &[(usize, usize)], source| {
        let graph = graph(n, edges);
        let found = bfs(&graph, source, &ctx).unwrap();
        check_bfs(&graph, source, &found).unwrap();
        let incoming = graph.to_csc(Place::Memory, &ctx).unwrap();
        assert_eq!(bfs_with_incoming(&graph, &incoming, source, &ctx).unwrap(), found);
        (found.levels.clone(), found.level_histogram())
    };
    let star = [(0, 1), (0, 2), (0, 3)];
    assert_eq!(levels(4, &star, 0), (vec![0, 1, 1, 1], vec![1, 3]));
    assert_eq!(levels(4, &star, 2), (vec![NONE, NONE, 0, NONE], vec![1]));
    let two = [(0, 1), (1, 0), (2, 3), (3, 2)];
    assert_eq!(levels(4, &two, 3), (vec![NONE, NONE, 1, 0], vec![1, 1]));
    let cycle = [(0, 1), (1, 2), (2, 3), (3, 0)];
    assert_eq!(levels(4, &cycle, 2).0, [2, 3, 0, 1]);
    assert_eq!(levels(2, &[(0, 0), (0, 1), (1, 1)], 0).0, [0, 1]);
    assert_eq!(levels(1, &[], 0).0, [0]);

    // Both 1 and 2 lead to 3, and 3 back to all.
    let diamond = graph(4, &[(0, 2), (0, 1), (2, 3), (1, 3), (3, 0), (3, 1), (3, 3)]);
    let found = bfs(&diamond, 0, &ctx).unwrap();
    assert_eq!(found.parents, [0, 0, 0, 1]);
    assert_eq!((found.parent(3), found.parent(0), found.parent(9)), (Some(1), None, None));
    assert_eq!((found.level(3), found.level(9), found.reached), (Some(2), None, 4));
}

#[test]
fn components_by_hand() {
    let ctx = Context::new();
    let both = |n, edges: &[(usize, usize)]| {
        let graph = graph(n, edges);
        let weak = connected_components(&graph, &ctx).unwrap();
        check_components(&graph, &weak).unwrap();
        let strong = strong_components(&graph, &ctx).unwrap();
        let incoming = graph.to_csc(Place::Memory, &ctx).unwrap();
        check_strong_components(&graph, &incoming, &strong).unwrap();
        (weak.labels, strong.labels)
    };
    let as_cycle = both(4, &[(3, 2), (2, 1), (1, 0), (0, 3)]);
    assert_eq!(as_cycle, (vec![0; 4], vec![0; 4]));
    assert_eq!(both(3, &[(2, 1), (1, 0)]), (vec![0; 3], vec![0, 1, 2]));
    assert_eq!(both(4, &[(0, 2), (3, 1), (1, 3)]), (vec![0, 1, 0, 1], vec![0, 1, 2, 1]));
    assert_eq!(both(3, &[(1, 1)]), (vec![0, 1, 2], vec![0, 1, 2]));
    // Two cycles with a bridge: one weak component, two strong ones.
    let bridged = both(4, &[(0, 1), (1, 0), (1, 2), (2, 3), (3, 2)]);
    assert_eq!(bridged, (vec![0; 4], vec![0, 0, 2, 2]));
    let sizes = connected_components(&graph(4, &[(0, 2), (3, 0)]), &ctx).unwrap().sizes();
    assert_eq!(sizes, [(0, 3), (1, 1)]);
}

#[test]
fn ranks_by_hand() {
    let (ctx, options) = (Context::new(), PageRankOptions::default());
    let cycle = pagerank(&graph(4, &[(0, 1), (1, 2), (2, 3), (3, 0)]), &options, &ctx).unwrap();
    assert_eq!((cycle.ranks, cycle.iterations, cycle.dangling), (vec![0.25; 4], 1, 0));
    // 1 and 2 lead to 0, which leads nowhere: with a = r0 and b = r1 = r2,
    // b = 0.85 a / 3 + 0.05 and a = b + 0.85 * 2 b.
    let star = pagerank(&graph(3, &[(1, 0), (2, 0)]), &options, &ctx).unwrap();
    let b = 0.05 / (1.0 - 0.85 * 2.7 / 3.0);
    assert!((star.ranks[1] - b).abs() < 1e-10 && (star.ranks[0] - 2.7 * b).abs() < 1e-10);
    assert_eq!((star.dangling, star.converged), (1, true));
    assert_eq!(star.top(2).iter().map(|top| top.0).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((star.top(0).len(), star.top(9).len()), (0, 3));

    let few = PageRankOptions { maxiter: 2, ..options };
    let few = pagerank(&graph(3, &[(1, 0), (2, 0)]), &few, &ctx).unwrap();
    assert!(!few.converged && few.iterations == 2 && few.change > 1e-3);
    for wrong in [
        PageRankOptions { damping: 1.5, ..options },
        PageRankOptions { damping: f64::NAN, ..options },
        PageRankOptions { tol: -1.0, ..options },
        PageRankOptions { tol: f64::NAN, ..options },
    ] {
        let error = pagerank(&graph(1, &[]), &wrong, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
    }
}

#[test]
fn ranks_over_any_operator() {
    let (ctx, options) = (Context::new(), PageRankOptions::default());
    let graph = rmat(9);
    let degrees = graph.rows().map(|row| row.indices.len() as f64).collect::<Vec<_>>();
    let stored = pagerank(&graph, &options, &ctx).unwrap();
    let columns = graph.to_csc(Place::Memory, &ctx).unwrap();
    let operator: &dyn LinearOperator<f64> = &columns;
    let over = pagerank_over(operator, &degrees, &options, &ctx).unwrap();
    let apart: f64 = stored.ranks.iter().zip(&over.ranks).map(|(a, b)| (a - b).abs()).sum();
    assert!(apart < 1e-12 && stored.iterations == over.iterations);
    let kind = |sums: &[f64]| pagerank_over(&columns, sums, &options, &ctx).unwrap_err().kind();
    assert_eq!(kind(&degrees[1..]), ErrorKind::Shape);
    assert_eq!(kind(&vec![-1.0; 512]), ErrorKind::Value);
    assert_eq!(kind(&vec![f64::INFINITY; 512]), ErrorKind::Value);
    let broken = columns.with_data(vec![f64::NAN; columns.nnz()]).unwrap();
    let error = pagerank_over(&broken, &degrees, &options, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
}

#[test]
fn graphs_without_vertices_and_matrices_that_are_none() {
    let ctx = Context::new();
    let options = PageRankOptions::default();
    let empty = graph(0, &[]);
    assert_eq!(bfs(&empty, 0, &ctx).unwrap_err().kind(), ErrorKind::Index);
    for none in [connected_components(&empty, &ctx), strong_components(&empty, &ctx)] {
        assert_eq!(none.unwrap(), Components { labels: vec![], count: 0, largest: 0 });
    }
    let ranks = pagerank(&empty, &options, &ctx).unwrap();
    assert!(ranks.converged && ranks.ranks.is_empty() && ranks.iterations == 0);

    let wide = Csr::<()>::from_parts((1, 2), vec![0, 1], vec![1], vec![()]).unwrap();
    let kinds = [
        bfs(&wide, 0, &ctx).unwrap_err().kind(),
        connected_components(&wide, &ctx).unwrap_err().kind(),
        strong_components(&wide, &ctx).unwrap_err().kind(),
        pagerank(&wide, &options, &ctx).unwrap_err().kind(),
        check_pagerank(&wide, &[1.0], 0.85).unwrap_err().kind(),
        bfs_with_incoming(&graph(3, &[]), &graph(2, &[]).transpose(), 0, &ctx).unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Shape; 6]);
    assert_eq!(bfs(&path(3), 3, &ctx).unwrap_err().kind(), ErrorKind::Index);
}

#[test]
fn values_order_and_repeats_do_not_matter() {
    let ctx = Context::new();
    let plain = graph(4, &[(0, 1), (0, 2), (1, 3), (2, 0), (3, 1)]);
    // Row 0 stores 2, 1, 2; zeros are edges as well.
    let messy = Csr::<f64, u64>::from_parts(
        (4, 4),
        vec![0, 3, 4, 5, 6],
        vec![2, 1, 2, 3, 0, 1],
        vec![0.0, f64::NAN, -1.0, 0.0, 7.0, 1.0],
    )
    .unwrap();
    let (a, b) = (bfs(&plain, 2, &ctx).unwrap(), bfs(&messy, 2, &ctx).unwrap());
    assert_eq!(a.levels, b.levels);
    assert!(a.parents.iter().map(|&p| u64::from(p)).eq(b.parents.iter().copied()));
    let incoming = messy.to_csc(Place::Memory, &ctx).unwrap();
    assert_eq!(bfs_with_incoming(&messy, &incoming, 2, &ctx).unwrap(), b);
    let options = PageRankOptions::default();
    let ranks = pagerank(&messy, &options, &ctx).unwrap();
    assert_eq!(ranks, pagerank(&plain, &options, &ctx).unwrap());
    assert!(check_pagerank(&messy, &ranks.ranks, 0.85).unwrap() < 1e-10);
    assert_eq!(strong_components(&messy, &ctx).unwrap().labels, [0, 1, 0, 1]);
}

#[test]
fn random_graphs_agree_with_naive_twins() {
    let ctx = Context::new().threads(2).unwrap();
    for seed in 0..40 {
        let graph = sparse_graph(30 + seed as usize, seed);
        let n = graph.nrows();
        let distances = (0..n).map(|source| distances(&graph, source)).collect::<Vec<_>>();
        let found = bfs(&graph, 1, &ctx).unwrap();
        assert_eq!(found.levels, distances[1]);
        check_bfs(&graph, 1, &found).unwrap();
        let incoming = graph.to_csc(Place::Memory, &ctx).unwrap();
        assert_eq!(bfs_with_incoming(&graph, &incoming, 1, &ctx).unwrap(), found);

        let strong = strong_components(&graph, &ctx).unwrap();
        let joined = |u: usize, v: usize| distances[u][v] != NONE && distances[v][u] != NONE;
        let smallest = |v| (0..n).find(|&u| joined(u, v)).unwrap() as u32;
        assert_eq!(strong.labels, (0..n).map(smallest).collect::<Vec<_>>());
        check_strong_components(&graph, &incoming, &strong).unwrap();
        check_components(&graph, &connected_components(&graph, &ctx).unwrap()).unwrap();
    }
}

fn distances(graph: &Csr<()>, source: usize) -> Vec<u32> {
    let mut distances = vec![NONE; graph.nrows()];
    distances[source] = 0;
    let mut waiting = VecDeque::from([source]);
    while let Some(u) = waiting.pop_front() {
        for &v in graph.row(u).unwrap().indices {
            if distances[v as usize] == NONE {
                distances[v as usize] = distances[u] + 1;
                waiting.push_back(v as usize);
            }
        }
    }
    distances
}

#[test]
fn any_number_of_threads_gives_the_same_bits_and_the_checks_agree() {
    let graph = rmat(13);
    let incoming = graph.to_csc(Place::Memory, &Context::new()).unwrap();
    let answers = [1, 2, 3, 8].map(|threads| {
        let ctx = Context::new().threads(threads).unwrap();
        let search = bfs(&graph, 5, &ctx).unwrap();
        assert_eq!(bfs_with_incoming(&graph, &incoming, 5, &ctx).unwrap(), search);
        let weak = connected_components(&graph, &ctx).unwrap();
        let strong = strong_components(&graph, &ctx).unwrap();
        let ranks = pagerank(&graph, &PageRankOptions::default(), &ctx).unwrap();
        (search, weak, strong, ranks)
    });
    answers.windows(2).for_each(|pair| assert!(pair[0] == pair[1]));
    let (search, weak, strong, ranks) = &answers[0];
    assert!(
        search.reached > 1000 && search.level_histogram().iter().sum::<usize>() == search.reached
    );
    check_bfs(&graph, 5, search).unwrap();
    check_components(&graph, weak).unwrap();
    check_strong_components(&graph, &incoming, strong).unwrap();
    assert!(ranks.converged && check_pagerank(&graph, &ranks.ranks, 0.85).unwrap() < 1e-10);
    assert!((ranks.ranks.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn long_paths_need_no_deep_stack() {
    let (ctx, n) = (Context::new().threads(2).unwrap(), 50_000);
    let there = path(n);
    let found = bfs(&there, 0, &ctx).unwrap();
    assert!(found.levels.iter().copied().eq(0..n as u32));
    assert_eq!(connected_components(&there, &ctx).unwrap().count, 1);
    assert_eq!(strong_components(&there, &ctx).unwrap().count, n);
    let ring = graph(n, &(0..n).map(|v| (v, (v + 1) % n)).collect::<Vec<_>>());
    assert_eq!(strong_components(&ring, &ctx).unwrap().largest, n);
}

#[test]
fn checks_refuse_wrong_answers() {
    let ctx = Context::new();
    let graph = graph(5, &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 0)]);
    let right = bfs(&graph, 0, &ctx).unwrap();
    let breaks = |change: fn(&mut Bfs)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        assert_eq!(check_bfs(&graph, 0, &wrong).unwrap_err().kind(), ErrorKind::Value);
    };
    breaks(|wrong| wrong.levels[3] = 1);
    breaks(|wrong| wrong.levels[3] = 3);
    breaks(|wrong| wrong.levels[3] = NONE);
    breaks(|wrong| wrong.levels[4] = 7);
    breaks(|wrong| wrong.levels[4] = 0);
    breaks(|wrong| wrong.parents[3] = 2);
    breaks(|wrong| wrong.parents[3] = 0);
    breaks(|wrong| wrong.parents[4] = 0);
    breaks(|wrong| wrong.reached = 5);
    assert!(check_bfs(&graph, 1, &right).is_err());

    let incoming = graph.to_csc(Place::Memory, &ctx).unwrap();
    let made =
        |labels: [u32; 5], count, largest| Components { labels: labels.into(), count, largest };
    assert!(check_components(&graph, &made([0, 0, 0, 0, 4], 2, 4)).is_ok());
    assert!(check_strong_components(&graph, &incoming, &made([0, 0, 0, 0, 4], 2, 4)).is_ok());
    for wrong in [
        made([0, 0, 0, 0, 0], 1, 5),
        made([0, 0, 0, 3, 4], 3, 3),
        made([1, 1, 1, 1, 4], 2, 4),
        made([0, 0, 0, 0, 4], 3, 4),
        made([0, 0, 0, 0, 4], 2, 5),
        made([9, 9, 9, 9, 4], 2, 4),
    ] {
        assert!(check_components(&graph, &wrong).is_err());
        assert!(check_strong_components(&graph, &incoming, &wrong).is_err());
    }
}

#[test]
fn mapped_graphs_give_the_same_and_bad_ones_an_error() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let (graph, path) = (rmat(8), folder.path().join("a.bspnpy"));
    graph.copy_to(&path, &ctx).unwrap();
    let mapped = Csr::<()>::open(&path).unwrap();
    assert_eq!(bfs(&mapped, 0, &ctx).unwrap(), bfs(&graph, 0, &ctx).unwrap());
    drop(mapped);
    let file = path.join("indices_1.npy");
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&256i32.to_le_bytes());
    std::fs::write(&file, bytes).unwrap();
    let bad = || Csr::<()>::open(&path).unwrap();
    for error in [
        bfs(&bad(), 0, &ctx).unwrap_err(),
        bfs_with_incoming(&graph, &bad().transpose(), 0, &ctx).unwrap_err(),
        connected_components(&bad(), &ctx).unwrap_err(),
        strong_components(&bad(), &ctx).unwrap_err(),
        pagerank(&bad(), &PageRankOptions::default(), &ctx).unwrap_err(),
        check_components(&bad(), &connected_components(&graph, &ctx).unwrap()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Index, "{error}");
        assert!(error.to_string().contains("indices_1.npy"), "{error}");
    }
}

#[test]
fn work_stops_when_told_to_and_keeps_to_the_memory_limit() {
    let (graph, token) = (rmat(8), CancelToken::new());
    token.cancel();
    for (ctx, kind) in [
        (Context::new().cancel(token), ErrorKind::Cancelled),
        (Context::new().memory_limit(500), ErrorKind::Memory),
    ] {
        assert_eq!(bfs(&graph, 0, &ctx).unwrap_err().kind(), kind);
        assert_eq!(connected_components(&graph, &ctx).unwrap_err().kind(), kind);
        let ranks = pagerank(&graph, &PageRankOptions::default(), &ctx);
        assert_eq!(ranks.unwrap_err().kind(), kind);
        assert_eq!(strong_components(&graph, &ctx).unwrap_err().kind(), kind);
    }
}
