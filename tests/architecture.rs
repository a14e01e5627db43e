//! The tree is the architecture: a file uses lower floors and its own folder only.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of `src`, floor by floor; `dense` and `sparse` stand on one floor and do not meet.
const FLOORS: [&[&str]; 8] = [
    &["error"],
    &["storage"],
    &["dense", "sparse"],
    &["convert"],
    &["linalg"],
    &["any", "graph", "solve", "spectral"],
    &["io"],
    &["bin"],
];

fn floor_of(room: &str) -> usize {
    FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| {
        panic!("src/{room} stands on no floor: give it one in tests/architecture.rs")
    })
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a source file names after `crate::`, outside comments.
fn imports(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n");
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn no_file_imports_upwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut seen = 0;
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let room = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if room == "lib" || room == "bin" {
            continue;
        }
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            let allowed = import == room || floor_of(&import) < floor_of(room);
            assert!(allowed, "{} may not use crate::{import}", relative.display());
            seen += 1;
        }
    }
    assert!(seen > 50, "only {seen} imports found: does this test still read the tree?");
}

#[test]
fn an_upward_import_would_be_found() {
    assert_eq!(
        imports("use crate::linalg::{A, B};\n// crate::graph\nuse crate::error;"),
        ["linalg", "error"]
    );
    assert!(floor_of("linalg") > floor_of("sparse"));
    assert!(!["dense"].iter().any(|room| floor_of(room) < floor_of("sparse")));
}
