//! The tree is the architecture: a file uses lower floors and earlier rooms only, no two files use each other, and no
//! room grows beyond its share.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, and the rooms of each in order: a file may use its own room, those listed before it on its floor, and
/// all rooms of lower floors. Rooms in braces do not meet.
const FLOORS: [&[&str]; 8] = [
    &["error"],
    &["storage/runtime", "storage/memory", "storage/files", "storage/stream"],
    &["{dense}", "{sparse}"],
    &["convert/in_memory", "convert/sort", "convert/formats", "convert/reshape", "convert/gallery"],
    &[
        "linalg/algebra",
        "linalg/kernels",
        "linalg/product",
        "linalg/composed",
        "linalg/elementwise",
        "linalg/statistics",
        "linalg/spgemm",
        "linalg/gemm",
    ],
    &["{any}", "{graph}", "{solve}", "{spectral}"],
    &[
        "io/entries",
        "io/extents",
        "io/file_range",
        "io/output",
        "io/read_as",
        "io/text",
        "io/matrix_market",
        "io/arrays",
        "io",
    ],
    &["bin"],
];

/// The largest part of the lines of `src` that a room may hold.
const LARGEST: f64 = 0.15;

/// A module: the names behind `crate::`.
type Module = Vec<String>;

/// What `src` says of its modules.
struct Source {
    /// The code of each, without comments, strings and tests.
    code: BTreeMap<Module, String>,
    lines: BTreeMap<Module, usize>,
    /// Names that a folder hands on, and where it has them from.
    handed_on: BTreeMap<Module, BTreeMap<String, Module>>,
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

/// The code without comments and what stands in quotes, up to the tests at its end.
fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
    let mut code = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if quoted => drop(chars.next()),
                '"' => quoted = !quoted,
                '/' if !quoted && chars.peek() == Some(&'/') => break,
                _ if !quoted => code.push(c),
                _ => {}
            }
        }
        code.push('\n');
    }
    code
}

/// The paths that a `use` tree names.
fn leaves(prefix: &[String], tree: &str, found: &mut Vec<Module>) {
    let tree = tree.trim();
    if let Some((head, rest)) = tree.split_once('{') {
        let mut prefix = prefix.to_vec();
        prefix.extend(names(head));
        let (mut depth, mut start) = (0, 0);
        let inner = &rest[..rest.rfind('}').unwrap_or(rest.len())];
        for (at, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    leaves(&prefix, &inner[start..at], found);
                    start = at + 1;
                }
                _ => {}
            }
        }
        leaves(&prefix, &inner[start..], found);
    } else if !tree.is_empty() {
        let path = tree.split(" as ").next().unwrap_or("");
        let names = names(path).into_iter().filter(|name| name != "self");
        found.push(prefix.iter().cloned().chain(names).collect());
    }
}

fn names(path: &str) -> Module {
    path.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// The words of a path at the start of some code.
fn path_at(code: &str) -> &str {
    let end = code.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    code[..end.unwrap_or(code.len())].trim_end_matches(':')
}

impl Source {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
        let mut files = Vec::new();
        sources(&root, &mut files);
        let (mut code, mut lines) = (BTreeMap::new(), BTreeMap::new());
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let relative = file.strip_prefix(&root).unwrap().with_extension("");
            let mut module: Module =
                relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if module.last().is_some_and(|last| last == "mod" || last == "lib") {
                module.pop();
            }
            if module.last().is_some_and(|last| last == "tests" || last == "reference") {
                continue;
            }
            lines.insert(module.clone(), text.lines().count());
            code.insert(module, code_of(&text));
        }
        let mut source = Source { code, lines, handed_on: BTreeMap::new() };
        for (module, code) in &source.code {
            let mut table = BTreeMap::new();
            for part in code.split("pub").skip(1) {
                let part = part.trim_start_matches("(crate)").trim_start();
                let Some(tree) = part.strip_prefix("use ") else { continue };
                let mut paths = Vec::new();
                leaves(&[], tree.split(';').next().unwrap_or(""), &mut paths);
                for path in paths {
                    let from = source.absolute(module, &path);
                    if let Some(name) = path.last() {
                        table.insert(name.clone(), from);
                    }
                }
            }
            source.handed_on.insert(module.clone(), table);
        }
        source
    }

    fn absolute(&self, module: &Module, path: &[String]) -> Module {
        let mut base = match path.first().map(String::as_str) {
            Some("crate") => return path[1..].to_vec(),
            _ => module.clone(),
        };
        let mut rest = path;
        while rest.first().is_some_and(|name| name == "super") {
            base.pop();
            rest = &rest[1..];
        }
        base.extend(rest.iter().cloned());
        base
    }

    /// The file in which the item at a path stands.
    fn file_of(&self, path: &[String], depth: usize) -> Option<Module> {
        let known = (0..=path.len()).rev().find(|&len| self.code.contains_key(&path[..len]))?;
        let (module, rest) = (path[..known].to_vec(), &path[known..]);
        let from = rest.first().and_then(|name| self.handed_on.get(&module)?.get(name));
        match from {
            Some(from) if depth < 12 && *from != path => {
                let path: Module = from.iter().chain(&rest[1..]).cloned().collect();
                self.file_of(&path, depth + 1)
            }
            _ => Some(module),
        }
    }

    fn is_folder(&self, module: &Module) -> bool {
        self.code.keys().any(|other| other.len() > module.len() && other.starts_with(module))
    }

    /// The files that each file uses.
    fn uses(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut uses = BTreeMap::new();
        for (module, code) in &self.code {
            if self.is_folder(module) {
                continue;
            }
            let mut paths = Vec::new();
            let mut plain = String::new();
            for (n, part) in code.split("use ").enumerate() {
                let (tree, after) =
                    if n == 0 { ("", part) } else { part.split_once(';').unwrap_or((part, "")) };
                let is_use =
                    n > 0 && ["crate", "super", "self"].iter().any(|it| tree.starts_with(it));
                match is_use {
                    true => leaves(&[], tree, &mut paths),
                    false => plain.push_str(tree),
                }
                plain.push_str(after);
            }
            let inline = plain.match_indices("crate::").map(|(at, _)| names(path_at(&plain[at..])));
            paths.extend(inline);
            let files: BTreeSet<Module> = paths
                .iter()
                .filter(|path| path.len() > 1)
                .filter_map(|path| self.file_of(&self.absolute(module, path), 0))
                .filter(|file| file != module && !file.is_empty())
                .collect();
            uses.insert(module.clone(), files);
        }
        uses
    }
}

/// Floor and position of the room of a file, and whether its room stands alone.
fn place_of(module: &[String]) -> (usize, usize, bool) {
    let path = module.join("/");
    for (floor, rooms) in FLOORS.iter().enumerate() {
        for (at, room) in rooms.iter().enumerate() {
            let name = room.trim_matches(['{', '}']);
            if path == name || path.starts_with(&format!("{name}/")) {
                return (floor, at, room.starts_with('{'));
            }
        }
    }
    panic!("src/{path} is in no room: give it one in tests/architecture.rs")
}

/// Whether a file of one place may use one of another.
fn may_use(from: (usize, usize, bool), to: (usize, usize, bool)) -> bool {
    to.0 < from.0 || (to.0 == from.0 && (to.1 == from.1 || (to.1 < from.1 && !from.2)))
}

#[test]
fn a_file_uses_lower_floors_and_earlier_rooms() {
    let source = Source::read();
    let (mut seen, mut wrong) = (0, Vec::new());
    for (file, used) in source.uses() {
        for other in used {
            // The table of a floor or a room, named for what it hands on.
            if source.is_folder(&other) {
                continue;
            }
            seen += 1;
            if !may_use(place_of(&file), place_of(&other)) {
                wrong.push(format!("{} may not use {}", file.join("/"), other.join("/")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 1000, "only {seen} uses found: does this test still read the tree?");
}

#[test]
fn no_two_files_use_each_other() {
    let uses = Source::read().uses();
    let mut done = BTreeSet::new();
    for start in uses.keys() {
        follow(start, &uses, &mut Vec::new(), &mut done);
    }
}

/// Fails where a path of uses comes back to a file on it.
fn follow(
    file: &Module,
    uses: &BTreeMap<Module, BTreeSet<Module>>,
    path: &mut Vec<Module>,
    done: &mut BTreeSet<Module>,
) {
    if let Some(at) = path.iter().position(|before| before == file) {
        let cycle: Vec<_> = path[at..].iter().map(|file| file.join("/")).collect();
        panic!("these use each other: {}", cycle.join(" -> "));
    }
    if done.contains(file) {
        return;
    }
    path.push(file.clone());
    for other in uses.get(file).into_iter().flatten() {
        follow(other, uses, path, done);
    }
    path.pop();
    done.insert(file.clone());
}

#[test]
fn no_room_holds_more_than_its_share() {
    let source = Source::read();
    let all: usize = source.lines.values().sum();
    let mut rooms = BTreeMap::new();
    for (file, lines) in &source.lines {
        if !file.is_empty() && !source.is_folder(file) {
            let (floor, at, _) = place_of(file);
            *rooms.entry((floor, at)).or_insert(0) += lines;
        }
    }
    for ((floor, at), lines) in rooms {
        let share = lines as f64 / all as f64;
        assert!(share <= LARGEST, "{} holds {:.1} %", FLOORS[floor][at], 100.0 * share);
    }
}

#[test]
fn what_is_forbidden_would_be_found() {
    let path = |text: &str| names(&text.replace('/', "::"));
    let of = |text: &str| place_of(&path(text));
    assert!(may_use(of("linalg/gemm/gram"), of("linalg/algebra/sums")));
    assert!(!may_use(of("linalg/algebra/sums"), of("linalg/gemm/gram")));
    assert!(!may_use(of("dense/base"), of("sparse/coo")));
    assert!(!may_use(of("sparse/coo"), of("dense/base")));
    assert!(!may_use(of("storage/memory/buffer"), of("storage/files/publish")));
    assert!(may_use(of("io/lines"), of("graph/bfs/search")));

    let source = Source::read();
    // A name that two folders hand on leads to the file that defines it.
    assert_eq!(source.file_of(&path("storage/Buffer"), 0), Some(path("storage/memory/buffer")));
    let mut found = Vec::new();
    leaves(&[], "crate::{a::{B, c::D as E}, f}", &mut found);
    assert_eq!(found, [path("crate/a/B"), path("crate/a/c/D"), path("crate/f")]);
    let uses = BTreeMap::from([
        (path("a"), BTreeSet::from([path("b")])),
        (path("b"), BTreeSet::from([path("a")])),
    ]);
    let cycle = std::panic::catch_unwind(|| {
        follow(&path("a"), &uses, &mut Vec::new(), &mut BTreeSet::new());
    });
    assert!(cycle.is_err());
    assert_eq!(code_of("let a = \"crate::x\"; // crate::y\n"), "let a = ; \n");
}
