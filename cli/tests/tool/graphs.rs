//! Graphs with names for their vertices, and inputs through pipes.

use std::process::Command;

use crate::shell::Shell;

#[test]
fn vertices_keep_their_names_from_a_list_to_the_results() {
    let shell = Shell::new();
    let write = |name: &str, text: &str| std::fs::write(shell.path().join(name), text).unwrap();
    let lines = |name: &str| -> Vec<String> {
        let text = std::fs::read_to_string(shell.path().join(name)).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    write("g.csv", "from,to\n\"Ann, A.\",Bob\nBob,Cem\nCem,Bob\nDan,Dan\n");
    shell.run("convert g.csv g.bspnpy --format edges");
    shell.run("verify g.bspnpy");
    for input in ["g.csv", "g.bspnpy"] {
        let ranks = shell.json(&format!("pagerank {input} r.tsv --top 1 --overwrite"));
        assert_eq!(ranks["top"][0][0], "Bob", "{input}");
        let ids: Vec<_> =
            lines("r.tsv").iter().map(|l| l.split('\t').next().unwrap().to_owned()).collect();
        assert_eq!(ids, ["Ann, A.", "Bob", "Cem", "Dan"], "{input}");
    }
    assert!(shell.run("pagerank g.csv").contains("Bob"));
    shell.run("bfs g.bspnpy Bob levels.csv");
    assert_eq!(lines("levels.csv"), ["\"Ann, A.\",-1", "Bob,0", "Cem,1", "Dan,-1"]);
    shell.run("components g.csv c.tsv");
    assert_eq!(lines("c.tsv"), ["Ann, A.\tAnn, A.", "Bob\tAnn, A.", "Cem\tAnn, A.", "Dan\tDan"]);
    shell.run("components g.csv c.csv");
    assert_eq!(lines("c.csv")[1], "Bob,\"Ann, A.\"");
    assert!(shell.fails(2, "bfs g.csv Eve").contains("Eve"));
    assert!(shell.fails(2, "bfs g.csv Bob levels.csv").contains("--overwrite"));
    assert!(shell.fails(2, "bfs g.csv Bob levels.txt").contains(".tsv"));
    // Large numbers, the flags, and nothing but results in the folder.
    write("n.txt", "7 9000000000 3\n9000000000 5 1\n5 5 1\n");
    let ranks = shell.json("pagerank n.txt --top 3");
    assert_eq!(ranks["top"][0][0], 5);
    assert_eq!(shell.json("info n.txt")["shape"], serde_json::json!([3, 3]));
    shell.fails(2, "info n.txt --no-compact");
    assert_eq!(shell.json("info n.txt --symmetrize --drop-loops")["entries"], 4);
    assert_eq!(shell.json("info n.txt --weights ignore")["type"], "pattern");
    write("small.txt", "3 5\n5 9\n");
    assert_eq!(shell.json("info small.txt --compact")["shape"], serde_json::json!([3, 3]));
    write("m.graph", "3 2\n2\n1 3\n2\n");
    assert_eq!(shell.json("components m.graph")["components"], 1);
    shell.run("convert m.graph m.mtx");
    shell.run("convert m.mtx n.graph");
    assert_eq!(shell.json("diff m.graph n.graph")["same"], true);
    let names = std::fs::read_dir(shell.path()).unwrap();
    assert!(names.flatten().all(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".")));
}

#[test]
fn graphs_of_every_format_have_the_same_ranks_distances_and_components() {
    let shell = Shell::new();
    shell.run("create rmat g.bspnpy 6 --seed 2");
    let expected = ["pagerank", "components", "bfs"];
    let run = |verb: &str, input: &str| {
        let source = if verb == "bfs" { "0" } else { "" };
        shell.run(&format!("{verb} {input} {source} {verb}-result.npy --overwrite --json"));
        std::fs::read(shell.path().join(format!("{verb}-result.npy"))).unwrap()
    };
    let expected = expected.map(|verb| (verb, run(verb, "g.bspnpy")));
    for (output, flags) in [
        ("g.npz", ""),
        ("c.npz", "--to csc"),
        ("o.npz", "--to coo"),
        ("d.npy", ""),
        ("w.bspnpy", "--index int64"),
        ("g.petsc", ""),
        ("g.mtx", ""),
    ] {
        shell.run(&format!("convert g.bspnpy {output} {flags}"));
        for (verb, result) in &expected {
            assert!(run(verb, output) == *result, "{verb} {output}");
        }
    }
    // AnnData holds a matrix of cells and genes, which is no graph.
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cells.h5ad");
    std::fs::copy(data, shell.path().join("cells.h5ad")).unwrap();
    let error = shell.fails(2, "pagerank cells.h5ad");
    assert!(error.contains("60") && error.contains("200"), "{error}");
}

#[test]
fn standard_input_is_an_input() {
    use std::io::Write;
    let shell = Shell::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_outcore"));
    command.current_dir(shell.path()).args(["components", "-", "c.tsv"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"ann bob\ncem dan\n").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    let text = std::fs::read_to_string(shell.path().join("c.tsv")).unwrap();
    assert_eq!(text, "ann\tann\nbob\tann\ncem\tcem\ndan\tcem\n");
    // A file that the shell opened is read as one.
    std::fs::write(
        shell.path().join("a.mtx"),
        "%%MatrixMarket matrix array real general\n1 1\n3\n",
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_outcore"));
    command.current_dir(shell.path()).args(["info", "-", "--stats", "--json"]);
    command.stdin(std::fs::File::open(shell.path().join("a.mtx")).unwrap());
    let out = command.output().unwrap();
    let info: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(info["sum"], 3.0);
}
