//! Hints of the library, which name its functions and options, in the words of the tool.

/// What a hint says, and what the tool says instead, one after the other.
const WORDS: [(&str, &str); 20] = [
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

/// A hint of the library as the tool would say it.
pub(crate) fn in_words_of_the_tool(hint: &str) -> String {
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
}
