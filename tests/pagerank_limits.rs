//! PageRank where it is hard: very many dangling vertices or edges into one, and operators that are no graphs.

use outcore::graph::{PageRankOptions, check_pagerank, pagerank, pagerank_over};
use outcore::{Context, Csr, ErrorKind};

#[test]
fn right_ranks_of_many_dangling_vertices_are_found_right() {
    let ctx = Context::new().threads(2).unwrap();
    let n = 3_000_000;
    // 0 -> 1 and n − 1 -> 2
    let mut indptr = vec![1u32; n + 1];
    (indptr[0], indptr[n]) = (0, 2);
    let a = Csr::<()>::from_parts((n, n), indptr, vec![1u32, 2], vec![(); 2]).unwrap();
    let options = PageRankOptions::default();
    let found = pagerank(&a, &options, &ctx).unwrap();
    let off = check_pagerank(&a, &found.ranks, options.damping).unwrap();
    assert!(found.converged && off <= options.tol + 1e-12, "{off:e}");
    let mut wrong = found.ranks.clone();
    wrong[1] += 1e-6;
    assert!(check_pagerank(&a, &wrong, options.damping).unwrap() > 1e-7);
}

#[test]
fn right_ranks_of_a_vertex_with_many_edges_are_found_right() {
    let ctx = Context::new().threads(2).unwrap();
    let n = 1_000_000;
    // All lead to 0, and 0 to 1.
    let indptr: Vec<u32> = (0..=n as u32).collect();
    let mut indices = vec![0u32; n];
    indices[0] = 1;
    let a = Csr::<()>::from_parts((n, n), indptr, indices, vec![(); n]).unwrap();
    let options = PageRankOptions::default();
    let found = pagerank(&a, &options, &ctx).unwrap();
    let off = check_pagerank(&a, &found.ranks, options.damping).unwrap();
    // The sum over this many edges is sequential.
    assert!(found.converged && off <= options.tol + n as f64 * f64::EPSILON / 2.0, "{off:e}");
}

#[test]
fn row_sums_and_weights_that_make_no_walk_are_refused() {
    let ctx = Context::new();
    let options = PageRankOptions::default();
    let weights = |data: Vec<f64>| {
        Csr::<f64>::from_parts((3, 3), vec![0, 2, 3, 4], vec![1, 2, 0, 0], data).unwrap()
    };
    let refused = |a: &Csr<f64>, sums: &[f64]| {
        let error = pagerank_over(a, sums, &options, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value, "{error}");
        error.to_string()
    };
    let right = weights(vec![3.0, 1.0, 1.0, 1.0]);
    assert!(pagerank_over(&right, &[4.0, 1.0, 1.0], &options, &ctx).unwrap().converged);
    for sums in
        [[2.0, 1.0, 1.0], [1.0, 1.0, 1.0], [8.0, 1.0, 1.0], [4.0, 0.0, 1.0], [4.0, 1.0, 1.1]]
    {
        assert!(refused(&right, &sums).contains("row sum"));
    }
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        refused(&right, &[4.0, bad, 1.0]);
    }
    assert!(refused(&weights(vec![3.0, -1.0, 1.0, 1.0]), &[2.0, 1.0, 1.0]).contains("negative"));
    refused(&weights(vec![3.0, f64::NAN, 1.0, 1.0]), &[4.0, 1.0, 1.0]);
    refused(&weights(vec![3.0, f64::INFINITY, 1.0, 1.0]), &[4.0, 1.0, 1.0]);
    // Large weights of either sign that cancel.
    refused(&weights(vec![1e45, -1e45 + 1e30, 1.0, 1.0]), &[1e30, 1.0, 1.0]);
    // Sums in single precision are near enough.
    let uneven = weights(vec![0.1, 0.2, 0.7, 0.3]);
    let rounded = [f64::from(0.3f32), f64::from(0.7f32), f64::from(0.3f32)];
    assert!(pagerank_over(&uneven, &rounded, &options, &ctx).unwrap().converged);
}
