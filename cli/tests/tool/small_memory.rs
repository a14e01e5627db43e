//! Texts several times the memory limit: converted to every format, and looked at by every verb.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::shell::Shell;

/// Less than a matrix of [`ENTRIES`] entries, and about a third of its text.
const LIMIT: &str = "--memory-limit 8MiB";
const ENTRIES: u64 = 800_000;

/// Entries of a matrix of 1000 x 1000 in any order, one in each line: row, column and value, counted from `base`.
fn lines(base: u64, separator: char) -> String {
    let mut text = String::new();
    for k in 0..ENTRIES {
        let place = k * 7919 % 1_000_000;
        let (row, column, value) = (place / 1000 + base, place % 1000 + base, 1.0 / (k + 3) as f64);
        writeln!(text, "{row}{separator}{column}{separator}{value}").unwrap();
    }
    text
}

fn market() -> String {
    let head = "%%MatrixMarket matrix coordinate real general\n1000 1000";
    format!("{head} {ENTRIES}\n{}", lines(1, ' '))
}

#[test]
fn a_text_larger_than_the_limit_is_converted_to_every_format() {
    let shell = Shell::new();
    shell.write("a.mtx", &market());
    for (output, more) in [
        ("b.bspnpy", ""),
        ("c.bspnpy", "--to csc"),
        ("d.bspnpy", "--to coo"),
        ("e.bspnpy", "--dtype float32 --index int64"),
        ("f.bspnpy", "--dup error --drop-zeros"),
        ("g.npz", ""),
        ("h.petsc", ""),
        ("i.csv", ""),
        ("j.mtx", ""),
        ("k.npy", ""),
    ] {
        let line = format!("convert a.mtx {output} {more} {LIMIT}");
        assert!(shell.run(&line).contains("1000 x 1000"), "{line}");
        let same = shell.json(&format!("diff b.bspnpy {output} --rtol 1e-7"));
        assert_eq!(same["same"], true, "{line}: {same}");
    }
    let same = shell.json("diff a.mtx b.bspnpy --rtol 0");
    assert_eq!((&same["same"], &same["difference"]), (&true.into(), &0.0.into()));
    assert_eq!(shell.json("info b.bspnpy --check")["entries"], ENTRIES);
}

#[test]
fn a_text_larger_than_the_limit_is_looked_at_by_every_verb() {
    let shell = Shell::new();
    shell.write("a.mtx", &market());
    shell.run("convert a.mtx a.bspnpy");
    for (verb, more) in [
        ("info", "--stats"),
        ("head", "--rows 3"),
        ("stats", "--top 3"),
        ("spy", "{}.png"),
        ("matvec", "ones {}.npy"),
        ("slice", "{}.npz --rows 10:20"),
        ("transpose", "{}.mtx"),
    ] {
        let [text, stored] = ["text", "stored"].map(|name| more.replace("{}", name));
        let of_text = shell.json(&format!("{verb} a.mtx {text} {LIMIT}"));
        let of_stored = shell.json(&format!("{verb} a.bspnpy {stored} {LIMIT}"));
        for name in ["rows", "sum", "entries", "shape", "numbers", "max"] {
            assert_eq!(of_text[name], of_stored[name], "{verb}: {name}");
        }
    }
    assert_eq!(shell.json(&format!("diff a.mtx a.bspnpy {LIMIT}"))["same"], true);
    for name in ["matvec", "slice", "transpose"] {
        let ending = [("matvec", "npy"), ("slice", "npz"), ("transpose", "mtx")];
        let ending = ending.iter().find(|(verb, _)| *verb == name).unwrap().1;
        let same = shell.json(&format!("diff text.{ending} stored.{ending}"));
        assert_eq!(same["same"], true, "{name}");
    }
    assert!(shell.run(&format!("info a.mtx {LIMIT}")).contains("read into scratch files"));
}

#[test]
fn tables_lists_and_what_comes_through_a_pipe_are_no_exception() {
    let shell = Shell::new();
    shell.write("a.mtx", &market());
    shell.write("a.tri", &lines(0, ' '));
    shell.write("a.csv", &format!("row,column,value\n{}", lines(0, ',')));
    shell.write("edges.txt", &lines(0, ' '));
    shell.run("convert a.mtx a.bspnpy");
    for input in ["a.tri", "a.csv", "edges.txt"] {
        for (output, more) in [("b.bspnpy", ""), ("c.bspnpy", "--to coo"), ("d.npz", "")] {
            let line = format!("convert {input} {output} {more} --overwrite {LIMIT}");
            shell.run(&line);
            assert_eq!(shell.json(&format!("diff a.bspnpy {output}"))["same"], true, "{line}");
        }
    }
    // A table whose columns are numbers alone.
    let row = |i: u64| (0..100).map(move |j| format!("{}", 1.0 / (i + j + 1) as f64));
    let rows = (0..12_000).map(|i| row(i).collect::<Vec<_>>().join(",") + "\n");
    shell.write("t.csv", &rows.collect::<String>());
    for output in ["t.npy", "t.npz", "t.bspnpy"] {
        shell.run(&format!("convert t.csv {output} {LIMIT}"));
        assert_eq!(shell.json(&format!("diff t.csv {output}"))["same"], true, "{output}");
    }
    for output in ["p.bspnpy", "p.npz"] {
        let mut child = shell
            .command(&format!("convert - {output} {LIMIT}"))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(market().as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{output}: {error}");
        assert_eq!(shell.json(&format!("diff a.bspnpy {output}"))["same"], true, "{output}");
    }
    let packed = Command::new("gzip").arg("-1").arg(shell.path().join("a.mtx")).status();
    if !packed.is_ok_and(|status| status.success()) {
        println!("skipped: there is no gzip");
        return;
    }
    for output in ["g.bspnpy", "g.npz"] {
        shell.run(&format!("convert a.mtx.gz {output} {LIMIT}"));
        assert_eq!(shell.json(&format!("diff a.bspnpy {output}"))["same"], true, "{output}");
    }
}
