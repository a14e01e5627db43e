//! Matrix Market files: the text format of most published sparse matrices.
//!
//! The format is that of R. F. Boisvert, R. Pozo and K. A. Remington, "The Matrix Market Exchange Formats: Initial
//! Design", NISTIR 5935, 1996. A banner `%%MatrixMarket matrix FORMAT FIELD SYMMETRY` opens the file, comments begin
//! with `%`, a line with the sizes follows, then one entry per line.
//!
//! | word of the banner | choices |
//! |---|---|
//! | format | `coordinate`: lines `row column value`, counted from 1, in any order; `array`: every value, column by column |
//! | field | `real`, `integer`, `complex` (two numbers), `pattern` (no value; coordinate alone); `unsigned-integer` |
//! | symmetry | `general`; `symmetric`, `skew-symmetric`, `hermitian`: the lower triangle stands for both |
//!
//! # What is accepted
//! Words of the banner in any case, with one percent sign instead of two, after blank lines; `double` for `real` and
//! `unsigned-integer` for `integer`, which SciPy knows and writes; `hermitian` with `real` or `integer`, which then
//! means `symmetric`; blanks and tabs at the front of every line and between tokens; blank lines and comment lines
//! anywhere after the banner, in any encoding; line ends `\n` and `\r\n`, and none after the last line; entries in any
//! order; duplicates and explicit zeros, which are passed on unchanged; `nan`, `inf` and `infinity` in any case and
//! with a sign; a decimal that underflows, which is a zero. A coordinate file with the upper triangle instead of the
//! lower is mirrored, and the diagonal of a Hermitian one is passed on unchanged, although it should be real (the
//! writer insists on that). A skew-symmetric array file may include the zeros of its diagonal, which the format leaves
//! out: this is detected by the number of its lines.
//!
//! The zeros of an array file are positions and not entries: matrices read as COO, CSR, CSC or a graph do not store
//! them. Explicit zeros of a coordinate file are entries, and stay. A −0.0 counts as a zero, and keeps its sign
//! wherever it is stored, also in a dense matrix.
//!
//! # What is refused
//! Each of these, with the line, what was expected and what was found:
//! - a banner with a word missing, unknown or too many, `pattern` with `array` or with a symmetry other than
//!   `symmetric`, or the object `vector`, which the 1996 format does not have;
//! - more or fewer entries than announced, and a count for which the file is too short (before anything is allocated);
//! - indices outside the matrix, zero among them, and numbers that wrap around;
//! - a value missing, anything after the value (a comment, a second number, Ctrl-Z), and numbers with a decimal comma,
//!   a Fortran `D`, hexadecimal digits, letters, NUL or bytes beyond ASCII;
//! - numbers that the requested element type cannot hold: a real too large, an integer that is not exact in it;
//! - with a symmetry: a matrix that is not square, entries in both triangles (a pair may then occur twice), and if
//!   skew-symmetric a diagonal entry (in an array file, one that is not zero) and a value whose negative the type does
//!   not have;
//! - compressed rows or columns that [dwarf](crate::io#extents) the entries, unless allowed;
//! - carriage returns alone as line ends, lines over one MiB, files that are clearly not text, a byte order mark, and
//!   files that are not ordinary ([what a file is](crate::io#what-a-file-is)).
//!
//! The types in `%%GraphBLAS type` comments are comments here.

mod any_type;
mod array_positions;
mod entry;
mod entry_block;
#[cfg(feature = "half")]
mod half_text;
mod header;
mod in_order;
mod matrices;
mod mirror;
mod number;
mod preamble;
mod read_array;
mod read_sparse;
mod reader;
mod write;
mod write_text;
mod writer;

pub(super) use any_type::read;
pub use header::{Field, Format, Header, Symmetry};
pub use number::Number;
pub(super) use preamble::is_banner;
pub use reader::Reader;
pub(super) use write::write;
pub use write::{write_dense, write_sparse};
pub use writer::Writer;
