//! Matrices made, looked at, converted and computed with.

use crate::shell::Shell;

#[test]
fn a_matrix_is_made_looked_at_converted_and_solved_with() {
    let shell = Shell::new();
    shell.run("create poisson p.bspnpy 20 20 20");
    let info = shell.json("info p.bspnpy --stats --check");
    assert_eq!((&info["kind"], &info["entries"]), (&"CSR".into(), &53_600.into()));
    assert_eq!(info["shape"], serde_json::json!([8000, 8000]));
    assert_eq!(info["checksums"], "as they were written");
    for step in [
        "convert p.bspnpy p.mtx",
        "convert p.mtx q.bspnpy --to csc",
        "convert q.bspnpy d.npy --order fortran",
        "convert d.npy e.bspnpy",
        "transpose e.bspnpy f.bspnpy",
        "add p.bspnpy f.bspnpy g.bspnpy",
        "scale g.bspnpy 0.5 h.bspnpy",
        "matmul p.bspnpy p.bspnpy pp.bspnpy",
        "verify p.bspnpy d.npy",
    ] {
        shell.run(step);
    }
    for other in ["q.bspnpy", "d.npy", "e.bspnpy", "f.bspnpy", "h.bspnpy", "p.mtx"] {
        assert_eq!(shell.json(&format!("diff p.bspnpy {other}"))["same"], true, "{other}");
    }
    shell.fails(1, "diff p.bspnpy pp.bspnpy");
    let solved = shell.json("solve p.bspnpy ones x.npy --rtol 1e-9");
    assert_eq!(solved["converged"], true);
    shell.run("matvec p.bspnpy x.npy b.npy");
    shell.run("create zeros z.npy 8000 1");
    assert!(shell.json("info b.npy --stats")["sum"].as_f64().unwrap() > 7999.99);
    shell.fails(1, "solve p.bspnpy ones y.npy --rtol 1e-12 --maxiter 2");
    // Three right-hand sides at once: a matrix times a block is the block.
    shell.run("create poisson s.bspnpy 15 1 1");
    shell.run("create random r.bspnpy 15 3 --density 0.5");
    shell.run("convert r.bspnpy r.npy");
    let solved = shell.json("solve s.bspnpy r.npy u.npy --rtol 1e-12 --history h.npy");
    assert_eq!((&solved["converged"], &solved["right-hand_sides"]), (&true.into(), &3.into()));
    assert_eq!(shell.json("info u.npy")["shape"], serde_json::json!([15, 3]));
    let rows = solved["iterations"].as_u64().unwrap() + 1;
    assert_eq!(shell.json("info h.npy")["shape"], serde_json::json!([rows, 3]));
    shell.run("matmul s.bspnpy u.npy v.npy");
    assert_eq!(shell.json("diff v.npy r.npy --atol 1e-9")["same"], true);
    shell.fails(1, "solve s.bspnpy r.npy w.npy --rtol 1e-12 --maxiter 1");
    assert!(shell.run("head p.bspnpy -r 1").contains("0:  0=6.0  1=-1.0"));
    assert!(shell.run("stats p.bspnpy --top 2").contains("and 7998 more"));
    shell.run("spy p.bspnpy p.png");
    let picture = std::fs::read(shell.path().join("p.png")).unwrap();
    assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n");
}

#[test]
fn a_graph_is_searched_and_ranked() {
    let shell = Shell::new();
    std::fs::write(shell.path().join("g.txt"), "# a path\n0 1\n1 2\n2 3\n").unwrap();
    let bfs = shell.json("bfs g.txt 0 levels.npy");
    assert_eq!(bfs["levels"], serde_json::json!([1, 1, 1, 1]));
    assert_eq!(shell.json("components g.txt")["components"], 1);
    let ranks = shell.json("pagerank g.txt r.npy --top 1");
    assert_eq!(ranks["top"][0][0], 3);
    assert!((shell.json("info r.npy --stats")["sum"].as_f64().unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn nothing_is_overwritten_unless_it_is_said() {
    let shell = Shell::new();
    shell.run("create eye a.bspnpy 5");
    let error = shell.fails(2, "create eye a.bspnpy 6");
    assert!(error.contains("error: ") && error.lines().count() <= 2, "{error}");
    assert_eq!(shell.json("info a.bspnpy")["entries"], 5);
    shell.run("create eye a.bspnpy 6 --overwrite");
    assert_eq!(shell.json("info a.bspnpy")["entries"], 6);
    // What it would cost is said, and nothing is done.
    let plan = shell.json("convert a.bspnpy d.npy --plan");
    assert_eq!(plan["bytes_written"], 36 * 8 + 4096);
    assert!(!shell.path().join("d.npy").exists());
    assert_eq!(std::fs::read_dir(shell.path()).unwrap().count(), 1);
}

#[test]
fn bad_input_is_an_error_with_a_position() {
    let shell = Shell::new();
    assert!(shell.fails(2, "info nothing.npy").contains("nothing.npy"));
    std::fs::write(
        shell.path().join("bad.mtx"),
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n9 1 3\n",
    )
    .unwrap();
    let error = shell.fails(2, "info bad.mtx");
    assert!(error.contains("bad.mtx") && error.contains("line 3"), "{error}");
    std::fs::write(shell.path().join("x.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    assert!(shell.fails(2, "info x.gz").contains("gzip"));
    shell.fails(2, "no-such-verb");
    shell.fails(2, "info");
    shell.fails(2, "info bad.mtx --memory-limit nonsense");
    shell.run("create eye a.bspnpy 3");
    assert!(shell.fails(2, "convert a.bspnpy a.xyz").contains(".mtx"));
    assert!(shell.run("--help").contains("convert"));
    assert!(shell.run("completions bash").contains("outcore"));
    let error = shell.fails(2, "create random r.bspnpy 100 100 --density 7");
    assert!(error.contains("error: "), "{error}");
    assert!(!shell.path().join("r.bspnpy").exists());
}

#[test]
fn entries_are_sorted_added_up_and_left_out_as_asked() {
    let shell = Shell::new();
    shell.write(
        "a.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 3 4\n2 3 1\n1 1 0\n2 1 5\n2 2 2\n",
    );
    shell.run("convert a.mtx a.bspnpy --to coo");
    let kinds = [("csr", "CSR"), ("csc", "CSC"), ("coo", "COO"), ("same", "CSR")];
    for (to, kind) in kinds {
        shell.run(&format!(
            "convert a.bspnpy b.bspnpy --to {to} --sort --dup error --drop-zeros --index int64 --overwrite"
        ));
        let found = shell.json("info b.bspnpy --check");
        assert_eq!((&found["entries"], &found["indices"]), (&3.into(), &"int64".into()), "{to}");
        assert_eq!(
            (&found["kind"], &found["order_of_entries"]),
            (&kind.into(), &(to != "coo").into())
        );
        assert_eq!(shell.json("diff a.mtx b.bspnpy")["same"], true);
    }
    shell.run("convert b.bspnpy c.bspnpy --index int32 --dtype float32");
    let found = shell.json("info c.bspnpy");
    assert_eq!((&found["indices"], &found["type"]), (&"int32".into(), &"float32".into()));
    assert_eq!(found["checksums"], true);
    shell.run("convert b.bspnpy d.npy --drop-zeros");
    assert_eq!(shell.json("diff a.mtx d.npy")["same"], true);
    let error = shell.fails(2, "convert d.npy e.npy --index int64");
    assert!(error.contains("indices of a dense matrix"), "{error}");
}

#[test]
fn the_first_difference_is_named() {
    let shell = Shell::new();
    shell.write("a.mtx", "%%MatrixMarket matrix coordinate real general\n3 3 2\n1 1 1\n3 2 5\n");
    shell.write("b.mtx", "%%MatrixMarket matrix coordinate real general\n3 3 2\n1 1 1\n3 2 5.5\n");
    let out = shell.outcome("diff a.mtx b.mtx");
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(text.contains("row 2, column 1: 5 and 5.5"), "{text}");
    assert_eq!(shell.json("diff a.mtx b.mtx --atol 0.5")["same"], true);
    assert_eq!(shell.json("diff a.mtx b.mtx --rtol 0.2")["same"], true);
    shell.run("convert b.mtx b.npy");
    shell.fails(1, "diff a.mtx b.npy --atol 0.4");
    shell.write("c.mtx", "%%MatrixMarket matrix coordinate real general\n3 4 0\n");
    let out = shell.outcome("diff a.mtx c.mtx");
    assert!(String::from_utf8(out.stdout).unwrap().contains("3 x 3 and 3 x 4"));
}

#[test]
fn the_first_rows_of_every_kind_are_shown() {
    let shell = Shell::new();
    shell.write(
        "a.mtx",
        "%%MatrixMarket matrix coordinate integer general\n3 3 3\n1 1 7\n1 3 -2\n3 2 5\n",
    );
    for (to, name) in [("csr", "r.bspnpy"), ("csc", "c.bspnpy"), ("coo", "o.bspnpy")] {
        shell.run(&format!("convert a.mtx {name} --to {to}"));
        let head = shell.run(&format!("head {name} --rows 2"));
        assert_eq!(head.lines().skip(1).collect::<Vec<_>>(), ["0:  0=7  2=-2", "1:"], "{name}");
    }
    for dtype in ["float16", "bfloat16", "float32", "complex64", "int8", "uint64"] {
        let to = if dtype == "uint64" { "convert r.bspnpy s.npy --dtype int64" } else { "" };
        let line = match to {
            "" => format!("convert r.bspnpy {dtype}.npy --dtype {dtype}"),
            other => other.to_owned(),
        };
        shell.run(&line);
        let name = if to.is_empty() { format!("{dtype}.npy") } else { "s.npy".to_owned() };
        let head = shell.run(&format!("head {name} --rows 1 --columns 2"));
        let row = head.lines().nth(1).unwrap();
        assert!(row.starts_with('7') && row.ends_with("  …"), "{dtype}: {row}");
    }
    shell.run("convert r.bspnpy f.npy --order fortran");
    assert_eq!(shell.run("head f.npy").lines().nth(1), Some("7  0  -2"));
    let part = shell.json("slice f.npy p.npy --rows 0:1 --cols 1:");
    assert_eq!(part["shape"], serde_json::json!([1, 2]));
    assert_eq!(shell.run("head p.npy").lines().nth(1), Some("0  -2"));
}

#[test]
fn tables_and_files_without_a_header_are_converted_as_flags_say() {
    let shell = Shell::new();
    let write = |name: &str, text: &[u8]| std::fs::write(shell.path().join(name), text).unwrap();
    write("t.csv", b"x;y\n1;2.5\nNA;4\n");
    assert!(shell.fails(2, "convert t.csv t.npy").contains("line 3: a value is missing"));
    shell.run("convert t.csv t.npy --missing -1");
    assert_eq!(shell.json("info t.npy")["shape"], serde_json::json!([2, 2]));
    shell.run("convert t.npy u.tsv");
    assert_eq!(
        std::fs::read_to_string(shell.path().join("u.tsv")).unwrap(),
        "1.0\t2.5\n-1.0\t4.0\n"
    );
    write("e.txt", b"1 2 5\n3 1 7\n");
    shell.fails(2, "convert e.txt e.bspnpy --triplets --raw-offset 3");
    write("e.tri", b"1 2 5\n3 1 7\n");
    shell.run("convert e.tri e.petsc --one-based --shape 4x2");
    shell.run("convert e.petsc e.csv");
    let text = std::fs::read_to_string(shell.path().join("e.csv")).unwrap();
    assert_eq!(text, "row,column,value\n0,1,5.0\n2,0,7.0\n");
    write("r.bin", &[[0u8; 4], 1.5f32.to_be_bytes(), 2.5f32.to_be_bytes()].concat());
    shell
        .run("convert r.bin r.csv --raw-dtype float32 --shape 1x2 --raw-offset 4 --raw-big-endian");
    assert_eq!(std::fs::read_to_string(shell.path().join("r.csv")).unwrap(), "1.5,2.5\n");
    shell.fails(2, "convert r.bin s.csv --raw-dtype float32");
}

#[test]
fn every_method_solves_with_every_preconditioner() {
    let shell = Shell::new();
    shell.run("create poisson p.bspnpy 12 12");
    shell.run("convert p.bspnpy single.bspnpy --dtype float32");
    assert_eq!(shell.json("solve single.bspnpy ones s.npy --precond ic0")["converged"], true);
    for method in ["cg", "minres", "gmres", "fgmres", "bicgstab", "idrs"] {
        for precond in ["none", "jacobi", "block-jacobi", "ssor", "ilu0", "ic0", "chebyshev"] {
            let flags = format!("--method {method} --precond {precond} --rtol 1e-9 --overwrite");
            let solved = shell.json(&format!("solve p.bspnpy ones x.npy {flags}"));
            assert_eq!(solved["converged"], true, "{flags}");
            assert!(solved["relative_residual"].as_f64().unwrap() <= 1e-9, "{flags}");
        }
    }
    let plain = shell.json("solve p.bspnpy ones y.npy --rtol 1e-9");
    let better = shell.json("solve p.bspnpy ones z.npy --rtol 1e-9 --precond ic0");
    assert!(better["iterations"].as_u64() < plain["iterations"].as_u64());
    // Least squares: three rows for each two columns.
    shell.write("tall.mtx", "%%MatrixMarket matrix array real general\n3 2\n1\n1\n1\n0\n1\n2\n");
    shell.write("b.csv", "6\n0\n0\n");
    let solved = shell.json("solve tall.mtx b.csv line.npy --method lsqr --rtol 1e-12");
    assert_eq!((&solved["converged"], &solved["reason"]), (&true.into(), &"LeastSquares".into()));
    let line = shell.run("head line.npy");
    assert!(line.contains("5.0") && line.contains("-3.0"), "{line}");
    shell.fails(2, "solve tall.mtx b.csv x.npy --overwrite");
    shell.fails(2, "solve p.bspnpy ones x.npy --overwrite --method lsmr --precond jacobi");
    shell.fails(2, "solve p.bspnpy ones x.npy --overwrite --method chebyshev");
    // A guess that is the solution.
    let again = shell.json("solve p.bspnpy ones again.npy --rtol 1e-8 --x0 z.npy");
    assert_eq!(again["iterations"], 0);
}
