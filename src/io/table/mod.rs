//! Tables of numbers as text: comma-separated values, and lists of entries.
//!
//! | file | read as |
//! |---|---|
//! | `.csv`, `.tsv` | a dense matrix in C order, a row for every line |
//! | the same with a header `row,column,value`, or with [`TableOptions::triplets`]; `.tri` | CSR, an entry for every line |
//!
//! # What is found out
//! - **Separator**: the first of tab, `;`, `|` and `,` that every one of the first lines has equally often; blanks where
//!   there is none. [`TableOptions::separator`] gives it.
//! - **Header**: the first line, if it has a field that is neither a number nor a missing value.
//!   [`TableOptions::header`] decides where names are numbers. The names are kept as
//!   [`Imported::columns`](crate::io::Imported::columns).
//! - **Type**: 64-bit integers if all values are whole (unsigned ones if that is needed and possible), otherwise
//!   `float64`. `1.0` and `1e3` are not whole. A whole number that a `float64` does not hold exactly is refused in a table
//!   of such values.
//! - **Extent of a list of entries**: the largest row and column, unless [`TableOptions::shape`] gives it.
//!
//! # How it is read
//! The rows are counted, then all lines are parsed on all threads and written in order while the next are parsed. The
//! type follows from the first lines; if a later value contradicts it, the types of all values are seen, and the file is
//! parsed again. The entries of a list are seen first for extents, order and types: those in the order of the
//! result go straight to their places.
//!
//! # What is accepted
//! Quoted fields, `""` for a quote in a name; blanks around fields; blank lines; lines that begin with `#` or `%`, as
//! comments; a UTF-8 byte order mark; line ends `\n` and `\r\n`; text packed by gzip; lines of any length that fits in
//! a sixteenth of the memory limit. Entries of a list in any order; those at one position are summed.
//!
//! # What is refused
//! Each with its line and column: missing values (nothing, `NA`, `N/A`, `nan`, `null`, `none`, in any letter case),
//! unless [`TableOptions::missing`] says what to put there; anything else that is not a number, such as a decimal
//! comma; a line with more or fewer fields than the first; a quoted field that does not end on its line.
//!
//! # What is written
//! A dense matrix as it is, without a header unless [`write_table`] is given names, numbers in the fewest digits that
//! read back as the same. A sparse matrix as a list of entries, rows and columns counted from 0, under the header
//! `row,column,value` (`row,column` for a pattern, `row,column,real,imaginary` for complex numbers), by which it is
//! known again; its extents are not in the file.

mod column_type;
mod dense;
mod entry_line;
mod field;
mod header;
mod layout;
mod options;
mod plain;
mod read;
mod triplets;
mod value;
mod write;

pub use options::TableOptions;
pub(super) use read::read;
pub(super) use write::write;
pub use write::write_table;
