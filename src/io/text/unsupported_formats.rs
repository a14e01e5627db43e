//! Recognises files that no reader here accepts by their first bytes, and suggests what to do.
//!
//! Nothing binary listed here can begin a text. An edge list may begin with any word, so that a word alone makes no
//! file another format: what belongs to it in that format must follow. Formats that cannot be recognised by their first
//! bytes are recognised when a line turns out to be invalid.

use std::path::Path;

use crate::error::{Error, ErrorKind};
use crate::io::text::cursor::quoted;

/// Bytes from the start of a file that [`foreign`] checks.
pub(in crate::io) const SEEN: usize = 264;

/// First bytes, the name of their format, and what to do.
type KnownForeign = (&'static [u8], &'static str, &'static str);

const UNPACK: &str = "unpack it first";
const EXPORT: &str = "write its matrix as Matrix Market, in Python with scipy.io.mmwrite";
const MATRIX: &str = "read it as a matrix or a graph, with read_matrix or read_graph";
const LIST: &str = "write its edges as lines \"u v\"";

const BINARY: &[KnownForeign] = &[
    (b"\x1f\x9d", "a file packed by compress", "unpack it with gunzip first"),
    (b"BZh", "bzip2", "unpack it with bunzip2 first"),
    (b"\xfd7zXZ\0", "xz", "unpack it with unxz first"),
    (b"\x28\xb5\x2f\xfd", "Zstandard", "unpack it with unzstd first"),
    (b"\x04\x22\x4d\x18", "LZ4", "unpack it with unlz4 first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (
        b"PK\x03\x04",
        "a zip archive, as .npz files are",
        "read an .npz file with read_matrix or read_graph; unpack any other archive",
    ),
    (b"PK\x05\x06", "an empty zip archive", UNPACK),
    (b"\x89HDF\r\n\x1a\n", "HDF5, as .h5 and .h5ad files are", MATRIX),
    (b"\x93NUMPY", "a NumPy array (.npy)", "open it with Dense::open"),
    (b"CDF\x01", "netCDF", EXPORT),
    (b"CDF\x02", "netCDF", EXPORT),
    (b"CDF\x05", "netCDF", EXPORT),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", EXPORT),
    (b"MATLAB 7.3 MAT-file", "a MATLAB file, which is HDF5", MATRIX),
    (b"PAR1", "Parquet", EXPORT),
    (b"ARROW1", "Arrow", EXPORT),
    (b"FEA1", "Feather", EXPORT),
    (b"SQLite format 3\0", "an SQLite database", LIST),
    (b"\x89PNG", "a picture (PNG)", LIST),
    (b"\x7fELF", "a program", "name the file that holds the matrix"),
    (b"%PDF-1", "a PDF document", "name the file that holds the matrix"),
    (b"%PDF-2", "a PDF document", "name the file that holds the matrix"),
    (b"\x80\x02", "a Python pickle", EXPORT),
    (b"\x80\x03", "a Python pickle", EXPORT),
    (b"\x80\x04", "a Python pickle", EXPORT),
    (b"\x80\x05", "a Python pickle", EXPORT),
    // The byte order mark of UTF-32 begins with that of UTF-16.
    (b"\xff\xfe", "UTF-16 text", "write it as ASCII or UTF-8, without a byte order mark"),
    (b"\xfe\xff", "UTF-16 text", "write it as ASCII or UTF-8, without a byte order mark"),
];

/// After blanks and blank lines, in any letter case.
const TEXT: &[KnownForeign] = &[
    (b"<!doctype", "a web page", "download the file itself"),
    (b"<html", "a web page", "download the file itself"),
    (b"<?xml", "XML, as GraphML files are", LIST),
    (b"<graphml", "GraphML", LIST),
    (b"<", "XML", LIST),
    (b"{", "JSON", LIST),
    (b"[", "JSON", LIST),
    (b"version https://git-lfs", "a pointer of Git LFS to the file", "fetch it with git lfs pull"),
    (b"*vertices", "a Pajek file", LIST),
    (b"p sp ", "a DIMACS file", LIST),
    (b"p edge ", "a DIMACS file", LIST),
    (b"p col ", "a DIMACS file", LIST),
];

/// As [`TEXT`], if one of the last bytes follows somewhere near.
const TEXT_WITH: &[(KnownForeign, &[u8])] = &[
    ((b"digraph", "a Graphviz file", LIST), b"{"),
    ((b"strict graph", "a Graphviz file", LIST), b"{"),
    ((b"graph", "a GML or Graphviz file", LIST), b"[{"),
    ((b"creator", "a GML file", LIST), b"[\""),
];

/// A comment of a DIMACS file, which is longer than a line with an edge, or precedes its first line.
const DIMACS: KnownForeign = (b"c ", "a DIMACS file", LIST);

/// The error for a file in a recognised format that is not read here.
pub(in crate::io) fn foreign(path: &Path, first: &[u8]) -> Option<Error> {
    let begins = |text: &[u8], mark: &[u8]| {
        text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark))
    };
    let text = after_blanks(first);
    let known = || {
        let follows = |bytes: &[u8]| text.iter().any(|byte| bytes.contains(byte));
        let is = |((mark, ..), with): &&(KnownForeign, &[u8])| begins(text, mark) && follows(with);
        TEXT.iter()
            .find(|(mark, ..)| begins(text, mark))
            .or_else(|| TEXT_WITH.iter().find(is).map(|(known, _)| known))
            .or_else(|| is_dimacs(text).then_some(&DIMACS))
            .map(|known| seems(path, known))
    };
    if let Some(error) = foreign_binary(path, first).or_else(known) {
        return Some(error);
    }
    first.starts_with(b"\xef\xbb\xbf").then(|| {
        Error::new(ErrorKind::Format, "the text begins with a UTF-8 byte order mark")
            .in_file(path)
            .at_line(1)
            .expected("ASCII from the first byte on")
            .found(quoted(b"\xef\xbb\xbf"))
            .remedy("remove the first three bytes")
    })
}

/// The error for a file that is not text, or a web page.
pub(in crate::io) fn foreign_binary(path: &Path, first: &[u8]) -> Option<Error> {
    let tar = first.get(257..262) == Some(b"ustar") && first.contains(&0);
    let markup = after_blanks(first).starts_with(b"<");
    let page = |(mark, ..): &&KnownForeign| {
        after_blanks(first).get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark))
    };
    let known = match (tar, markup) {
        (true, _) => Some(&(&b"ustar"[..], "a tar archive", UNPACK)),
        (_, true) => TEXT.iter().find(page),
        _ => BINARY.iter().find(|(mark, ..)| first.starts_with(mark)),
    };
    known.map(|known| seems(path, known))
}

fn after_blanks(first: &[u8]) -> &[u8] {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    &first[first.iter().take_while(blank).count()..]
}

fn seems(path: &Path, (mark, name, remedy): &KnownForeign) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the file seems to be {name}"))
        .in_file(path)
        .expected("a matrix or an edge list in plain text")
        .found(quoted(mark))
        .remedy(*remedy)
}

/// Whether a text begins with a comment as DIMACS files have them.
fn is_dimacs(text: &[u8]) -> bool {
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let words = first.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    first.starts_with(b"c ") && (words > 3 || text.windows(3).any(|bytes| bytes == b"\np "))
}

/// The likely format of a line that begins with an invalid token, and what to do.
pub(in crate::io) fn wrong_text(token: &[u8]) -> Option<(&'static str, &'static str)> {
    let has = |test: &dyn Fn(u8) -> bool| token.iter().any(|&byte| test(byte));
    if has(&|byte| matches!(byte, 0..=8 | 14..=31 | 127)) {
        return Some(("the file seems to hold binary data", "name a file of plain text"));
    }
    if has(&|byte| matches!(byte, b',' | b';')) {
        let remedy = "name it .csv, or set the format to a table in ReadOptions";
        return Some(("the file seems to hold comma-separated values (CSV)", remedy));
    }
    if token.first().is_some_and(|&byte| byte.is_ascii_alphabetic() || byte == b'"') {
        return Some(("the line holds words", "lines that are not numbers begin with # or %"));
    }
    None
}
