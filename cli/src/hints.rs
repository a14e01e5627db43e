//! What to do about an error: the hints of the library, which name its functions and options, in the words of the tool,
//! and hints for errors that come without one.

use outcore::{Error, ErrorKind};

/// What a hint says, and what the tool says instead, one after the other.
const WORDS: &[(&str, &str)] = &[
    ("raise the limit, or store the result in a file", "raise the limit with --memory-limit"),
    ("choose another name, or Place::Replace", "choose another name, or use --overwrite"),
    ("Place::Replace", "--overwrite"),
    ("convert it with to_csr first", "outcore convert INPUT OUTPUT.bspnpy --to csr converts it"),
    ("convert it with to_csr", "outcore convert --to csr"),
    ("convert the matrix with to_csr", "outcore convert --to csr"),
    ("convert it with to_dense", "outcore convert INPUT OUTPUT.npy"),
    ("convert it with to_dtype", "outcore convert --dtype"),
    (
        "give a replacement (TableOptions::missing)",
        "give a replacement: --missing nan, or a number",
    ),
    ("with `member`", "with --member"),
    ("leave out `member`", "leave out --member"),
    ("set the format to EdgeList in ReadOptions", "use --format edges"),
    ("read it as EdgeList, or set that in ReadOptions", "use --format edges"),
    ("request that format", "request it with --format"),
    ("if that format is requested", "with --format metis"),
    ("name its format", "name its format with --format"),
    ("give the type of its values (PetscOptions)", "give the type of its values: --petsc-scalars"),
    ("`hypersparse` keeps all of them", "--hypersparse keeps all of them"),
    ("use ZeroDiagonal::IsOne", "use another --precond"),
    ("use u64 indices and pointers, or compact vertices", "renumber the vertices: --compact"),
    ("open it with Dense::open", "leave out --format"),
    ("read it as a matrix or a graph, with read_matrix or read_graph", "leave out --format"),
    ("read an .npz file with read_matrix or read_graph", "leave out --format for an .npz file"),
    (
        "add them first, by canonicalize and Duplicates::Sum",
        "outcore convert --dup sum adds them up",
    ),
    (
        "convert it to the order of the others with to_order",
        "outcore convert --order converts it to the order of the others",
    ),
    (
        "convert the factors to wider integers or to f64 with `astype`",
        "outcore convert --dtype float64 makes wider numbers",
    ),
    ("open it with open_unfinished, or write it again", "write it again"),
    (
        "raise the limit, or use randomized_svd, which needs only a few vectors",
        "raise the limit with --memory-limit, or use --method randomized, which needs only a few vectors",
    ),
    ("copy it with read, or with read_raw if it has no header", "outcore convert makes a copy"),
    (
        "read it as coordinates with read_coo, or a graph on compact vertices",
        "renumber the vertices of a graph with --compact",
    ),
    (
        "convert both to the same format with to_csr, to_csc or to_dense",
        "outcore convert --to converts both to the same format",
    ),
    ("a line is `u v` or `u v weight`", "a line is u v or u v weight"),
    ("is read by read_matrix and read_graph", "can be read as a matrix or a graph"),
];

/// What to do about an error.
pub(crate) fn hint(error: &Error) -> String {
    match error.hint() {
        Some(hint) => in_words_of_the_tool(hint),
        None => of_kind(error.kind()).to_owned(),
    }
}

/// What to do about an error of a kind.
fn of_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Io => "check the name and the permissions",
        ErrorKind::Format => {
            "check the file, or name its format with --format; outcore VERB --help explains arguments"
        }
        ErrorKind::Type => {
            "outcore info tells the types; outcore convert changes them with --dtype and --index"
        }
        ErrorKind::Shape => {
            "outcore info tells the shape; outcore slice and outcore transpose change it"
        }
        ErrorKind::Index => {
            "outcore info tells how many rows and columns there are; they are counted from 0"
        }
        ErrorKind::Value => {
            "correct the value, or choose a type that can represent it with outcore convert --dtype"
        }
        ErrorKind::Duplicate => {
            "outcore convert --dup sum adds them up; --repeats does so for edges"
        }
        ErrorKind::Memory => "raise the limit with --memory-limit",
        ErrorKind::Locked => "wait until the other process has finished",
        ErrorKind::Exists => "choose another name, or use --overwrite",
        ErrorKind::Space => "free some space, or choose another folder with --scratch",
        ErrorKind::Replaced => "run the command again: the file was replaced in the meantime",
        ErrorKind::Unfinished => "create the file again: its writer did not finish",
        ErrorKind::NotDurable => {
            "the result exists; copy it again to be sure that it survives a power loss"
        }
        ErrorKind::Checksum => "restore the file from a copy: its content has changed",
        ErrorKind::Unsupported => {
            "outcore convert writes other formats; outcore VERB --help lists what a verb accepts"
        }
        _ => "outcore VERB --help explains the arguments",
    }
}

/// A hint of the library as the tool would say it.
fn in_words_of_the_tool(hint: &str) -> String {
    let plain = |hint: String, (library, tool): &(&str, &str)| hint.replace(library, tool);
    WORDS.iter().fold(hint.to_owned(), plain)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn hints_name_flags() {
        let said = in_words_of_the_tool("choose another name, or Place::Replace");
        assert_eq!(said, "choose another name, or use --overwrite");
        for &(library, tool) in WORDS {
            let said = in_words_of_the_tool(library);
            assert!(said.contains(tool) && !said.contains("::"), "{library}: {said}");
        }
    }

    #[test]
    fn every_kind_of_error_has_a_hint() {
        use ErrorKind::*;
        let kinds = [
            Io,
            Format,
            Type,
            Shape,
            Index,
            Value,
            Duplicate,
            Memory,
            Locked,
            Exists,
            Space,
            Replaced,
            Unfinished,
            NotDurable,
            Checksum,
            Unsupported,
        ];
        // A match on kinds of another package is never exhaustive, so that its text says which there are.
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/error.rs");
        let source = std::fs::read_to_string(source).unwrap();
        let (_, all) = source.split_once("pub enum ErrorKind {").unwrap();
        let (all, _) = all.split_once("\n}").unwrap();
        let names = all.lines().map(str::trim).filter_map(|line| line.strip_suffix(','));
        // These are no trouble: the first has words of its own, the second is not shown.
        let named = names.filter(|name| !["Cancelled", "Planned"].contains(name));
        let known = kinds.map(|kind| format!("{kind:?}"));
        assert_eq!(named.collect::<Vec<_>>(), known);
        let mut seen = Vec::new();
        for kind in kinds {
            let said = hint(&Error::new(kind, "something is wrong"));
            assert!(said.len() > 20 && !seen.contains(&said), "{kind:?}: {said}");
            assert_eq!(hint(&Error::new(kind, "").remedy("this")), "this");
            seen.push(said);
        }
    }

    /// What the library says in its own words, to programs that call what the tool does not.
    const NOT_OF_THE_TOOL: [&str; 7] = [
        "SolveOptions::bounds",
        "LinearOperator::apply_adjoint",
        "open_mut",
        "sum::<f64>",
        "numpy.savez",
        "Place::File",
        "Dense::open_raw",
    ];

    #[test]
    fn no_hint_names_a_function_of_the_library() {
        let is_name = |word: &str| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
            word.contains("::")
                || word.contains('_') && word.chars().all(|c| c.is_lowercase() || c == '_')
        };
        let mut seen = 0;
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for after in text.split("remedy(").skip(1) {
                    let literal = after.trim_start().strip_prefix('"');
                    let Some((hint, _)) = literal.and_then(|text| text.split_once('"')) else {
                        continue;
                    };
                    let said = in_words_of_the_tool(hint);
                    let known = NOT_OF_THE_TOOL.iter().any(|known| said.contains(known));
                    assert!(known || !said.split(' ').any(is_name), "{}: {said}", path.display());
                    seen += 1;
                }
            }
        }
        assert!(seen > 100, "only {seen} hints found");
    }
}
