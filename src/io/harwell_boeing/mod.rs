//! Harwell-Boeing and Rutherford-Boeing files: compressed columns as text of fixed width.
//!
//! The formats are those of I. S. Duff, R. G. Grimes and J. G. Lewis, "Users' guide for the Harwell-Boeing sparse matrix
//! collection", 1992, and "The Rutherford-Boeing sparse matrix collection", 1997, which dropped the right-hand sides. A
//! file has a title, two lines of counts, a line of Fortran formats, and then pointers, row indices and values, each as
//! many to a line as its format says.
//!
//! | letter of the type | choices |
//! |---|---|
//! | first | `r` real, `c` complex, `i` integer, `p` pattern |
//! | second | `u` unsymmetric, `r` rectangular; `s` symmetric, `z` skew-symmetric, `h` Hermitian: the lower triangle stands for both |
//! | third | `a` assembled |
//!
//! Read as CSR, a symmetry expanded, rows and columns in order, duplicates summed; the values as `float64`, complex
//! `float64`, 64-bit integers or none. Right-hand sides, guesses and solutions behind the matrix of a Harwell-Boeing file
//! are not read.
//!
//! # What is accepted
//! Types and formats in any letter case, Fortran's formats of one kind of number (`(16I5)`, `(1P,4E20.12)`), exponents with
//! `D` or without a letter, numbers that touch each other, lines whose trailing blanks are cut off, text packed by gzip.
//!
//! # What is refused
//! Each with its line: matrices of finite elements (third letter `e`), other types; formats that are not understood;
//! numbers that are missing, in the wrong columns or out of range; pointers that do not begin with 1, decrease, or do
//! not end with the number of entries; entries above the diagonal, or on that of a skew-symmetric matrix, where one
//! triangle is stored; a symmetric matrix that is not square; counts of lines that contradict the formats; a file that
//! ends too early.

mod fortran;
mod header;
mod read;
mod structure;
mod value;

pub(super) use header::is_harwell_boeing;
pub(super) use read::read;
