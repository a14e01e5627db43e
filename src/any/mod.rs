//! Floor 4: matrices whose types are known only at run time.
//!
//! A program that opens arbitrary files, a command-line tool or a binding to another language cannot write
//! `Csr<f32, u32, u64>` for a matrix it has not seen yet. [`AnyMatrix`] covers all formats, element types and index
//! widths; [`open`] makes one from a path. Like the typed matrices it wraps the type-erased core, so that
//! conversions, products and sums are those of the typed matrices, bit by bit, and hardly any code is compiled for it.
//!
//! - [`matrix`] – the four kinds as one, and their properties; [`compressed`] – CSR and CSC of any types;
//!   [`display`] – in one line
//! - [`open`] – from files; [`exchange`] – from typed matrices and back
//! - [`convert`] – between all kinds; [`reshape`] – parts, stacks, other orders; [`selections`] – entries by place or
//!   value; [`common`] – the common type of two matrices; [`dtype`] – values of another type, by the rules of
//!   [`convert_values`], and [`astype`] for typed matrices
//! - [`products`] – with vectors, and operators; [`matmul`] – of two matrices; [`arithmetic`] – element by element;
//!   [`statistics`] – sums, norms, rows and columns

mod arithmetic;
mod astype;
mod common;
mod compressed;
mod convert;
mod convert_values;
mod display;
mod dtype;
mod exchange;
mod matmul;
mod matrix;
mod open;
mod products;

mod reshape;
mod selections;
mod statistics;

pub use compressed::{AnyCompressed, AnyCsc, AnyCsr};
pub(crate) use convert_values::rewrite;
pub use matrix::AnyMatrix;
pub(crate) use matrix::Body;
pub(crate) use open::check_known;
pub use open::open;
