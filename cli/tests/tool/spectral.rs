//! Decompositions and orders.

use crate::shell::Shell;

#[test]
fn principal_components_are_the_same_by_both_methods_and_for_sparse_matrices() {
    let shell = Shell::new();
    // Few directions hold most of the variance.
    shell.run("create random b.bspnpy 300 6 --density 1 --seed 3");
    shell.run("create random c.bspnpy 6 40 --density 0.5 --seed 4");
    shell.run("matmul b.bspnpy c.bspnpy a.bspnpy");
    shell.run("convert a.bspnpy a.npy");
    let exact = shell.json("pca a.npy exact.npy -k 4 --save-components ec.npy");
    assert_eq!(exact["method"], "exact");
    let mut explained = vec![exact["explained"].as_f64().unwrap()];
    for input in ["a.npy", "a.bspnpy"] {
        let line = format!(
            "pca {input} r.npy -k 4 --method randomized --save-components rc.npy --overwrite"
        );
        let found = shell.json(&line);
        assert_eq!(found["scores"], serde_json::json!([300, 4]));
        explained.push(found["explained"].as_f64().unwrap());
        for pair in ["exact.npy r.npy", "ec.npy rc.npy"] {
            assert_eq!(
                shell.json(&format!("diff {pair} --rtol 1e-9"))["same"],
                true,
                "{input} {pair}"
            );
        }
    }
    assert!(explained.iter().all(|part| (part - explained[0]).abs() < 1e-9 && *part > 0.5));
    // The variance along a component is that of its scores.
    let stats = shell.json("stats exact.npy");
    let variances = exact["variances"].as_array().unwrap();
    for (row, variance) in stats["rows"].as_array().unwrap().iter().zip(variances) {
        let (found, mean) = (row[3].as_f64().unwrap(), row[2].as_f64().unwrap());
        let expected = variance.as_f64().unwrap() * 299.0 / 300.0;
        assert!((found / expected - 1.0).abs() < 1e-9 && mean.abs() < 1e-10, "{row}");
    }
    shell.fails(2, "pca a.npy exact.npy");
}

#[test]
fn components_of_cells_are_those_of_scanpy() {
    let shell = Shell::new();
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in ["cells.h5ad", "cells.scanpy.npy"] {
        std::fs::copy(data.join(name), shell.path().join(name)).unwrap();
    }
    let exact = shell.json("pca cells.h5ad a.npy -k 5");
    assert_eq!(
        (&exact["method"], &exact["scores"]),
        (&"exact".into(), &serde_json::json!([200, 5]))
    );
    // scanpy computes with 32 bits.
    assert_eq!(shell.json("diff a.npy cells.scanpy.npy --rtol 1e-5")["same"], true);
    // As often as it takes: until the variances are right, and with them half the digits of the scores.
    let products = shell.json("pca cells.h5ad b.npy -k 5 --method randomized");
    assert_eq!(products["converged"], true);
    assert_eq!(shell.json("diff a.npy b.npy --rtol 1e-3")["same"], true);
    let variances = |report: &serde_json::Value| -> Vec<f64> {
        report["variances"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    for (a, b) in variances(&exact).into_iter().zip(variances(&products)) {
        assert!((a - b).abs() < 1e-7 * a, "{a} {b}");
    }
    shell.run("pca cells.h5ad c.npy -k 5 --method randomized --power 60");
    assert_eq!(shell.json("diff a.npy c.npy --rtol 1e-9")["same"], true);
    let stopped = shell.outcome("pca cells.h5ad d.npy -k 5 --method randomized --power 2");
    assert_eq!(stopped.status.code(), Some(1));
}

#[test]
fn singular_values_are_those_of_a_known_matrix() {
    let shell = Shell::new();
    shell.write(
        "d.mtx",
        "%%MatrixMarket matrix coordinate real general\n4 3 3\n1 1 3\n2 2 -5\n4 3 1\n",
    );
    let found = shell.json("svd d.mtx d.npy -k 3");
    let s: Vec<f64> = found["s"].as_array().unwrap().iter().map(|s| s.as_f64().unwrap()).collect();
    for (s, expected) in s.iter().zip([5.0, 3.0, 1.0]) {
        assert!((s - expected).abs() < 1e-10, "{s}");
    }
    assert_eq!(shell.json("info d.u.npy")["shape"], serde_json::json!([4, 3]));
    assert_eq!(shell.json("info d.v.npy")["shape"], serde_json::json!([3, 3]));
    assert_eq!(shell.json("info d.s.npy")["shape"], serde_json::json!([3, 1]));
    shell.fails(2, "svd d.mtx d.npy");
    shell.fails(2, "svd d.mtx d.bspnpy");
}

#[test]
fn rows_are_brought_into_another_order_and_back() {
    let shell = Shell::new();
    shell.run("create poisson a.bspnpy 9 9");
    shell.run("permute a.bspnpy b.bspnpy --by rcm --save-order o.npy");
    assert_eq!(shell.json("info b.bspnpy")["entries"], 369);
    shell.fails(1, "diff a.bspnpy b.bspnpy");
    shell.run("permute a.bspnpy c.bspnpy --order o.npy");
    assert_eq!(shell.json("diff b.bspnpy c.bspnpy")["same"], true);
    shell.run("permute a.bspnpy r.bspnpy --order o.npy --axes rows");
    shell.run("permute r.bspnpy rc.bspnpy --order o.npy --axes columns");
    assert_eq!(shell.json("diff b.bspnpy rc.bspnpy")["same"], true);
    shell.run("convert a.bspnpy t.bspnpy --to csc --index int64");
    shell.run("permute t.bspnpy d.bspnpy --by degree");
    shell.write("twice.mtx", "%%MatrixMarket matrix array integer general\n3 1\n0\n0\n1\n");
    let error = shell.fails(2, "permute a.bspnpy e.bspnpy --order twice.mtx");
    assert!(error.contains("twice"), "{error}");
    shell.fails(2, "permute a.bspnpy e.bspnpy");
}

#[test]
fn square_matrices_become_symmetric() {
    let shell = Shell::new();
    shell.write(
        "a.mtx",
        "%%MatrixMarket matrix coordinate real general\n3 3 3\n1 2 4\n2 2 5\n3 1 6\n",
    );
    let text = |how: &str| {
        shell.run(&format!("symmetrize a.mtx {how}.mtx --how {how}"));
        shell.run(&format!("transpose {how}.mtx {how}-t.mtx"));
        assert_eq!(shell.json(&format!("diff {how}.mtx {how}-t.mtx"))["same"], true);
        shell.run(&format!("head {how}.mtx")).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(text("mean"), ["0:  1=2.0  2=3.0", "1:  0=2.0  1=5.0", "2:  0=3.0"]);
    assert_eq!(text("sum"), ["0:  1=4.0  2=6.0", "1:  0=4.0  1=10.0", "2:  0=6.0"]);
    assert_eq!(text("lower"), ["0:  2=6.0", "1:  1=5.0", "2:  0=6.0"]);
    assert_eq!(text("upper"), ["0:  1=4.0", "1:  0=4.0  1=5.0", "2:"]);
    shell.write("g.txt", "0 1\n1 2\n");
    shell.run("symmetrize g.txt g.bspnpy");
    let found = shell.json("info g.bspnpy");
    assert_eq!((&found["entries"], &found["type"]), (&4.into(), &"pattern".into()));
    shell.write("w.mtx", "%%MatrixMarket matrix coordinate real general\n2 3 0\n");
    shell.fails(2, "symmetrize w.mtx x.mtx");
}
