//! PETSc binary files: matrices and vectors as `MatView` and `VecView` write them.
//!
//! A file is a sequence of objects of big-endian numbers, each with a header of integers: a class, the extents, and for
//! a matrix the number of its entries. Integers have 32 bits, or 64 in a file of a PETSc configured so, whose classes
//! have eight bytes too.
//!
//! | object | class | header | contents | read as |
//! |---|---|---|---|---|
//! | matrix | 1211216 | rows, columns, entries | entries of each row, columns, values | CSR |
//! | dense matrix | 1211216 | rows, columns, −1 | values, row by row | dense, C order |
//! | vector | 1211214 | length | values | dense, one column |
//! | index set | 1211218 | length | integers | dense, one column of integers |
//!
//! # Types of values
//! A file does not say whether its values are `float64`, complex, or of single precision: that is how the PETSc that
//! wrote it was configured. So the objects are followed to the end of the file with values of 8, 16 and 4 bytes, and
//! the width with which the last object ends where the file ends is the right one. [`PetscOptions::scalars`] overrides
//! this; it is needed for complex values of single precision, which are as wide as `float64`, and for files with
//! something else at their end.
//!
//! Of several objects the first is read, or the one whose number, from 0, is given as
//! [`ReadOptions::member`](crate::io::ReadOptions::member).
//!
//! # What is written
//! Values are `float64`, or `complex128` for complex matrices, as the usual configurations of PETSc expect; others are
//! converted, and integers that a `float64` does not hold exactly are refused. Integers have 32 bits if all of them
//! fit, otherwise 64; [`write_petsc`] chooses. Sparse matrices of any format are written by rows, a dense matrix of one
//! column as a vector, any other as a dense matrix.

mod objects;
mod read;
mod write;

pub use objects::PetscOptions;
pub(super) use read::read;
pub(super) use write::write;
pub use write::write_petsc;
