//! What is refused, and what the tool says about what it guessed. That each refusal has a hint, `Shell::fails` checks.

use crate::shell::Shell;

#[test]
fn a_member_is_one_of_an_archive() {
    let shell = Shell::new();
    shell.run("create eye a.bspnpy 3");
    for output in ["a.npy", "a.mtx", "a.npz", "a.csv", "a.petsc"] {
        shell.run(&format!("convert a.bspnpy {output}"));
    }
    shell.write("edges.txt", "0 1\n1 2\n");
    for input in ["a.bspnpy", "a.npy", "a.mtx", "a.csv", "edges.txt"] {
        for verb in ["info", "components", "head"] {
            let error = shell.fails(2, &format!("{verb} {input} --member values"));
            assert!(error.contains("no members"), "{verb} {input}: {error}");
            assert!(error.contains("hint: leave out --member"), "{verb} {input}: {error}");
        }
    }
    shell.fails(2, "diff a.npy a.mtx --member data");
    // It is that of the archive.
    shell.run("slice a.npy row.npy --rows 0:1");
    shell.run("slice a.npy ones.npy --rows 0:1");
    assert_eq!(shell.json("info a.npz --member data")["entries"], 3);
    shell.fails(1, "diff a.npz a.npy --member data");
    let solved = shell.run("matvec a.npz ones y.npy --member data --transpose");
    assert!(solved.contains("y.npy"), "{solved}");
}

#[test]
fn a_note_says_how_a_nameless_input_was_read() {
    let shell = Shell::new();
    let entries = "1 2 5\n2 3 6\n3 1 7\n";
    let (info, note) = shell.pipe(entries, "info - --json");
    assert!(info.contains("\"entries\":3"), "{info}");
    assert!(note.contains("edge list") && note.contains("--format"), "{note}");
    for (flags, kind) in [("--format triplets", "CSR"), ("--format csv", "dense")] {
        let (info, note) = shell.pipe(entries, &format!("info - --json {flags}"));
        assert!(info.contains(kind) && note.is_empty(), "{flags}: {info} {note}");
    }
    assert!(shell.pipe(entries, "info - --quiet").1.is_empty());
    assert!(shell.pipe(entries, "components -").1.is_empty(), "a graph was asked for");
    let matrix = "%%MatrixMarket matrix array real general\n1 1\n3\n";
    assert!(shell.pipe(matrix, "info -").1.is_empty());
    shell.write("edges.txt", entries);
    assert!(shell.outcome("info edges.txt").stderr.is_empty());
}

#[test]
fn refusals_of_every_kind_have_a_hint() {
    let shell = Shell::new();
    shell.run("create eye a.bspnpy 3");
    shell.run("create zeros z.npy 2 5");
    shell.run("convert a.bspnpy a.mtx");
    shell.write("bad.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 1\n5 5 1\n");
    shell.write("word.csv", "1,2\n3,x\n");
    shell.write("twice.txt", "0 1\n0 1\n");
    shell.write("bad.csv", "1\n2\nx\n");
    shell.write("empty.npy", "");
    shell.write("file", "");
    for line in [
        "nothing",
        "info",
        "info nowhere",
        "info bad.mtx",
        "info word.csv",
        "info empty.npy",
        "info a.bspnpy --threads none",
        "info a.bspnpy --scratch file",
        "info a.bspnpy --memory-limit 1",
        "info a.bspnpy --format nothing",
        "convert a.bspnpy a.mtx",
        "convert a.bspnpy a.unknown",
        "convert a.bspnpy a.h5",
        "info twice.txt --repeats refuse",
        "convert a.bspnpy b.bspnpy --dtype complex",
        "add a.bspnpy z.npy s.npy",
        "matmul a.bspnpy z.npy s.npy",
        "matvec a.bspnpy z.npy y.npy",
        "slice a.bspnpy s.bspnpy --rows 2",
        "slice a.bspnpy s.bspnpy --rows 2:9",
        "permute a.bspnpy s.bspnpy --order z.npy",
        "symmetrize z.npy s.npy",
        "solve z.npy ones x.npy",
        "gram a.bspnpy g.npy",
        "svd a.bspnpy s.csv",
        "plot degrees z.npy p.png",
        "plot convergence bad.csv p.png",
        "spy a.bspnpy p.jpg",
        "bfs a.bspnpy 9",
        "bfs a.bspnpy 0 levels.txt",
        "pagerank z.npy",
        "verify nowhere",
        "clean nowhere",
    ] {
        shell.fails(2, line);
    }
}
