//! What the tool says about itself and the machine, and how it shows progress.

use std::io::Read;
use std::process::Stdio;

use crate::shell::Shell;

#[test]
fn every_verb_describes_itself_to_programs() {
    let shell = Shell::new();
    let usage: serde_json::Value = serde_json::from_str(&shell.run("--json-usage")).unwrap();
    let verbs = usage["verbs"].as_array().unwrap();
    let verb = |name: &str| verbs.iter().find(|verb| verb["name"] == name).unwrap();
    let argument = |verb: &serde_json::Value, name: &str| {
        let all = verb["arguments"].as_array().unwrap();
        all.iter().find(|argument| argument["name"] == name).unwrap().clone()
    };
    let size = argument(verb("spy"), "size");
    assert_eq!((&size["type"], &size["default"]), (&"integer".into(), &"800".into()));
    let input = argument(verb("spy"), "input");
    assert_eq!((&input["type"], &input["required"]), (&"path".into(), &true.into()));
    let how = argument(verb("symmetrize"), "how");
    assert_eq!(how["values"], serde_json::json!(["mean", "sum", "lower", "upper"]));
    assert_eq!(argument(verb("convert"), "dtype")["type"], "element type");
    assert_eq!(argument(verb("diff"), "rtol")["type"], "number");
    let flags: Vec<_> = usage["flags"].as_array().unwrap().iter().map(|f| &f["flag"]).collect();
    for flag in ["--memory-limit", "--threads", "--plan", "--json", "--overwrite", "--progress"] {
        assert!(flags.iter().any(|known| *known == flag), "{flag} of {flags:?}");
    }
    let kinds = verb("create")["verbs"].as_array().unwrap();
    assert!(kinds.iter().any(|kind| kind["name"] == "rmat"));
    // Each of them has an explanation, also in the manual page and in its help.
    let page = shell.run("man");
    assert!(page.starts_with(".TH OUTCORE 1"));
    for verb in verbs {
        let name = verb["name"].as_str().unwrap();
        assert!(!verb["about"].as_str().unwrap().is_empty(), "{name}");
        assert!(page.contains(&format!(".SS outcore {name}")), "{name}");
        assert!(shell.run(&format!("{name} --help")).contains("Usage:"), "{name}");
    }
}

#[test]
fn the_machine_is_described() {
    let shell = Shell::new();
    let found = shell.json("doctor --scratch .");
    for name in ["memory", "page_cache", "scratch_files"] {
        assert!(found[name].as_f64().unwrap() > 1e6, "{name}: {found}");
    }
    assert!(["direct", "buffered"].contains(&found["files_are_read"].as_str().unwrap()));
    let limits = found["memory_limits"].as_array().unwrap();
    let least = limits[0]["bytes"].as_u64().unwrap();
    assert!(found["memory_limit"].as_u64().unwrap() <= least);
    assert_eq!(shell.names(), [""; 0], "nothing is left in the scratch folder");
    let half = shell.json("doctor --plan --memory-limit 50%");
    assert_eq!(half["operation"], "nothing long");
}

#[test]
fn leftovers_are_listed_and_removed_when_asked() {
    let shell = Shell::new();
    let hidden = shell.path().join(".a.npy.tmp-AbCdEf");
    std::fs::create_dir(&hidden).unwrap();
    std::fs::write(hidden.join("outcore-stage"), []).unwrap();
    std::fs::write(hidden.join("array.npy"), [0; 2048]).unwrap();
    let found = shell.json("clean");
    assert_eq!((&found["folders"], &found["bytes"]), (&1.into(), &2048.into()));
    shell.run("clean . --remove --plan");
    assert!(hidden.exists());
    assert!(shell.run("clean --remove").contains("removed"));
    assert!(!hidden.exists());
    assert_eq!(shell.json("clean")["folders"], 0);
    shell.fails(2, "clean nowhere");
}

#[test]
fn progress_is_for_schedulers_if_they_ask() {
    let shell = Shell::new();
    shell.run("create rmat a.bspnpy 12");
    let out = shell.outcome("convert a.bspnpy b.bspnpy --to csc --progress json");
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(text.lines().count() > 0, "{text}");
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["done"].as_u64().unwrap() <= line["total"].as_u64().unwrap());
        assert!(line["phase"].is_string() && line["seconds"].is_number() && line["bytes"].is_u64());
    }
    for flags in ["--progress none", "--quiet --progress json"] {
        let out = shell.outcome(&format!("transpose a.bspnpy c.bspnpy --overwrite {flags}"));
        assert!(out.status.success() && out.stderr.is_empty(), "{flags}");
    }
    assert_eq!(shell.run("info a.bspnpy --quiet"), "");
    shell.fails(2, "info a.bspnpy --progress sometimes");
}

#[test]
fn a_reader_that_goes_away_is_not_an_error() {
    let shell = Shell::new();
    shell.run("create eye a.bspnpy 100000");
    let command = &mut shell.command("head a.bspnpy --rows 100000");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    // The pipe is closed here.
    let out = child.wait_with_output().unwrap();
    assert_eq!((out.status.code(), out.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn flags_without_sense_are_refused_before_the_work() {
    let shell = Shell::new();
    shell.run("create eye a.bspnpy 3");
    let error = shell.fails(2, "info a.bspnpy --scratch /nonexistent");
    assert!(error.contains("/nonexistent"), "{error}");
    shell.write("file", "");
    assert!(shell.fails(2, "info a.bspnpy --scratch file").contains("a folder"));
    assert!(shell.fails(2, "info a.bspnpy --threads 0").contains("at least one thread"));
    for limit in ["5", "1000KB"] {
        let error = shell.fails(2, &format!("info a.bspnpy --memory-limit {limit}"));
        assert!(error.contains("too small") && error.contains("at least 1.0 MiB"), "{error}");
    }
    shell.run("convert a.bspnpy a.mtx --memory-limit 1MiB --threads 1 --scratch .");
    shell.run("convert a.mtx b.bspnpy --memory-limit 1MiB");
    assert_eq!(shell.json("diff a.mtx b.bspnpy --memory-limit 1MiB")["same"], true);
}

#[test]
fn a_name_of_another_format_than_the_content_is_an_error_only_if_nothing_fits() {
    let shell = Shell::new();
    shell.run("create eye a.bspnpy 3");
    shell.run("convert a.bspnpy a.npz");
    // The content decides, whether or not the path has a folder in it.
    for name in ["wrong.npy", "values.npy", "wrong.mtx", "wrong"] {
        std::fs::copy(shell.path().join("a.npz"), shell.path().join(name)).unwrap();
        for path in [name.to_owned(), format!("./{name}")] {
            assert_eq!(shell.json(&format!("info {path}"))["entries"], 3, "{path}");
        }
        let same = shell.json(&format!("diff {name} a.bspnpy"));
        assert_eq!(same["same"], true, "{name}");
    }
    let archive = std::fs::read(shell.path().join("a.npz")).unwrap();
    let junk = [b"junk\n".as_slice(), &archive].concat();
    for name in ["junk.npz", "junk.npy", "junk.h5"] {
        std::fs::write(shell.path().join(name), &junk).unwrap();
        for verb in ["info", "components"] {
            let error = shell.fails(2, &format!("{verb} {name}"));
            assert!(error.contains("the name indicates"), "{verb} {name}: {error}");
        }
    }
    // An edge list is one, whatever its name.
    shell.write("edges.npz", "0 1\n1 2\n");
    assert_eq!(shell.json("info edges.npz")["entries"], 2);
}
