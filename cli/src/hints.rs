//! What to do about an error: the hints of the library, which name its functions and options, in the words of the tool,
//! and hints for errors that come without one.

use outcore::{Error, ErrorKind};

/// What a hint says, and what the tool says instead, one after the other.
const WORDS: [(&str, &str); 21] = [
    ("raise the limit, or let the result live in a file", "allow more with --memory-limit"),
    ("choose another name, or Place::Replace", "choose another name, or say --overwrite"),
    ("Place::Replace", "--overwrite"),
    ("convert it with to_csr first", "outcore convert INPUT OUTPUT.bspnpy --to csr makes it so"),
    ("convert it with to_csr", "outcore convert --to csr"),
    ("convert the matrix with to_csr", "outcore convert --to csr"),
    ("convert it with to_dense", "outcore convert INPUT OUTPUT.npy"),
    ("convert it with to_dtype", "outcore convert --dtype"),
    (
        "say what to put there (TableOptions::missing)",
        "say what to put there: --missing nan, or a number",
    ),
    ("with `member`", "with --member"),
    ("leave out `member`", "leave out --member"),
    ("say with ReadOptions that the file is a list of edges", "say --format edges"),
    ("read it as EdgeList, or say so with ReadOptions", "say --format edges"),
    ("ask for that format", "say so with --format"),
    ("if that format is asked for", "with --format metis"),
    ("say which format it is", "say which it is with --format"),
    (
        "say of which type its values are (PetscOptions)",
        "say of which type its values are: --petsc-scalars",
    ),
    ("`hypersparse` asks for all of them", "--hypersparse asks for all of them"),
    ("ask for ZeroDiagonal::IsOne", "use another --precond"),
    ("use u64 indices and pointers, or compact vertices", "number the vertices anew: --compact"),
    ("is read by read_matrix and read_graph", "is read where a matrix or a graph is"),
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
        ErrorKind::Io => "check the name, and that you may read or write there",
        ErrorKind::Format => {
            "check the file, or say what it is with --format; outcore VERB --help explains arguments"
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
            "correct the value, or choose a type that holds it with outcore convert --dtype"
        }
        ErrorKind::Duplicate => {
            "outcore convert --dup sum adds them up; --repeats does so for edges"
        }
        ErrorKind::Memory => "allow more with --memory-limit",
        ErrorKind::Locked => "wait until the other process is done",
        ErrorKind::Exists => "choose another name, or say --overwrite",
        ErrorKind::Space => "make space, or name another folder with --scratch",
        ErrorKind::Replaced => "run the command again: the file was exchanged meanwhile",
        ErrorKind::Unfinished => "make the file again: whoever wrote it did not finish",
        ErrorKind::NotDurable => {
            "the result is there; copy it again to be sure that it survives a power loss"
        }
        ErrorKind::Checksum => "take the file from a copy: its content has changed",
        ErrorKind::Unsupported => {
            "outcore convert writes other formats; outcore VERB --help tells what a verb takes"
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
    use super::*;

    #[test]
    fn hints_name_flags() {
        let said = in_words_of_the_tool("choose another name, or Place::Replace");
        assert_eq!(said, "choose another name, or say --overwrite");
        for (library, tool) in WORDS {
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
        let mut seen = Vec::new();
        for kind in kinds {
            let said = hint(&Error::new(kind, "something is wrong"));
            assert!(said.len() > 20 && !seen.contains(&said), "{kind:?}: {said}");
            assert_eq!(hint(&Error::new(kind, "").remedy("this")), "this");
            seen.push(said);
        }
    }
}
