//! The tool as a user meets it: commands, what they print, exit codes, what they leave behind.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

struct Shell(TempDir);

impl Shell {
    fn new() -> Self {
        Shell(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn outcome(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outcore"));
        command.current_dir(self.path()).args(line.split_whitespace());
        command.output().unwrap()
    }

    /// Runs a command that must succeed; what it printed.
    fn run(&self, line: &str) -> String {
        let out = self.outcome(line);
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{line}: {:?}: {error}", out.status);
        String::from_utf8(out.stdout).unwrap()
    }

    fn json(&self, line: &str) -> serde_json::Value {
        serde_json::from_str(&self.run(&format!("{line} --json"))).unwrap()
    }

    /// Runs a command that must fail with a code; what it wrote to standard error.
    fn fails(&self, code: i32, line: &str) -> String {
        let out = self.outcome(line);
        assert_eq!(out.status.code(), Some(code), "{line}");
        String::from_utf8(out.stderr).unwrap()
    }
}

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
    assert!(shell.run("head p.bspnpy -r 1").contains("0:  0=6  1=-1"));
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
fn bad_input_is_trouble_with_a_place() {
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

/// The sessions in `docs/tool.md` print what stands there, but for seconds.
#[test]
fn the_sessions_of_the_documentation_run() {
    let shell = Shell::new();
    let text = include_str!("../../docs/tool.md");
    let (mut run, mut inside) = (0, false);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(fence) = line.strip_prefix("```") {
            inside = fence == "console";
            continue;
        }
        let Some(command) = line.strip_prefix("$ ").filter(|_| inside) else { continue };
        let mut expected = Vec::new();
        while let Some(more) =
            lines.next_if(|next| !next.starts_with("$ ") && !next.starts_with("```"))
        {
            expected.push(more);
        }
        if let Some(text) = command.strip_prefix("printf '") {
            let (text, file) = text.split_once("' > ").unwrap();
            std::fs::write(shell.path().join(file), text.replace("\\n", "\n")).unwrap();
            continue;
        }
        let out = shell.outcome(command.strip_prefix("outcore ").unwrap());
        let printed = [out.stdout, out.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        // Memory depends on what the machine has, seconds on its speed.
        let steady = |line: &&str| !line.starts_with("seconds") && !line.starts_with("memory");
        let printed: Vec<&str> = printed.lines().filter(steady).collect();
        let expected: Vec<&str> = expected.into_iter().filter(steady).collect();
        assert_eq!(printed, expected, "{command}");
        run += 1;
    }
    assert!(run > 12, "only {run} commands found");
}
