//! Matrix Market files: the text format in which most published sparse matrices can be had.
//!
//! The format is that of R. F. Boisvert, R. Pozo and K. A. Remington, "The Matrix Market Exchange Formats: Initial
//! Design", NISTIR 5935, 1996. A banner `%%MatrixMarket matrix FORMAT FIELD SYMMETRY` opens the file, comments begin with
//! `%`, a line with the sizes follows, then one entry a line.
//!
//! | word of the banner | choices |
//! |---|---|
//! | format | `coordinate`: lines `row column value`, counted from 1, in any order; `array`: every value, column by column |
//! | field | `real`, `integer`, `complex` (two numbers), `pattern` (no value; coordinate alone); `unsigned-integer` |
//! | symmetry | `general`; `symmetric`, `skew-symmetric`, `hermitian`: the lower triangle stands for both |
//!
//! # What is accepted
//! Words of the banner in any case, with one percent sign in place of two, behind blank lines; `double` for `real` and
//! `unsigned-integer` for `integer`, which SciPy knows and writes; `hermitian` with `real` or `integer`, which is `symmetric`
//! then; blanks and tabs at the front of every line and between tokens; blank lines and lines of comment anywhere behind the
//! banner, in any encoding; line ends `\n` and `\r\n`, and none behind the last line; entries in any order; duplicates and
//! explicit zeros, which are handed out as they stand; `nan`, `inf` and `infinity` in any case and with a sign; a decimal
//! that underflows, which is a zero. A coordinate file that holds the upper triangle in place of the lower is mirrored, and
//! the diagonal of a Hermitian one comes as it stands, although it should be real (the writer insists on that). A
//! skew-symmetric array file may write the zeros of its diagonal, which the format leaves out: the number of its lines tells.
//!
//! The zeros of an array file are positions and no entries: matrices that are read as COO, CSR, CSC or a graph do not store
//! them. Those that a coordinate file names are entries, and stay. A −0.0 is one of these zeros, and keeps its sign wherever
//! it is stored, also in a dense matrix.
//!
//! # What is refused
//! Each of these with the line, the expectation and the finding:
//! - a banner with a word missing, unknown or too many, `pattern` with `array` or with a symmetry other than `symmetric`,
//!   or the object `vector`, which the 1996 format does not have;
//! - more or fewer entries than announced, and a count that the file is too short for (before anything is allocated);
//! - indices outside the matrix, zero among them, and numbers that wrap around;
//! - a value missing, anything behind the value (a comment, a second number, Ctrl-Z), and numbers with a decimal comma, a
//!   Fortran `D`, hexadecimal digits, letters, NUL or bytes beyond ASCII;
//! - numbers that the element type asked for cannot hold: a real too large, an integer that is not exact in it;
//! - with a symmetry: a matrix that is not square, entries in both triangles (a pair may then be there twice), and if
//!   skew-symmetric a diagonal entry (in an array file, one that is not zero) and a value whose negative the type does not
//!   have;
//! - compressed rows or columns that [dwarf](crate::io#extents) the entries, unless asked for;
//! - carriage returns alone as line ends, lines over one MiB, what is visibly no text, a byte order mark, and what is no
//!   ordinary file ([what a file is](crate::io#what-a-file-is)).
//!
//! The types in `%%GraphBLAS type` comments are comments here.

mod header;
mod matrices;
mod number;
mod preamble;
mod reader;
mod walk;
mod writer;

pub use header::{Field, Format, Header, Symmetry};
pub use matrices::{write_dense, write_sparse};
pub use number::Number;
pub(super) use preamble::is_banner;
pub use reader::Reader;
pub use writer::Writer;
