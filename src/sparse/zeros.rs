//! Sparse matrices without entries.

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::any_coo::{AnyCoo, CooTypes};
use crate::sparse::axis::Axis;
use crate::sparse::check::check_types;
use crate::sparse::compressed::Compressed;
use crate::sparse::coo::Coo;
use crate::sparse::coo_writer::AnyCooWriter;
use crate::sparse::types::Types;
use crate::sparse::writer::{AnyWriter, memory_left};
use crate::storage::{Context, DType, Entry, Index, Place, Plan, SparseFormat};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// A matrix of this shape without entries, at any place. Cost: the pointers, one per row (column, for CSC).
    ///
    /// Fails if the shape does not fit the index type, or if memory or disk space is insufficient.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::zeros((2, 3), Place::Memory, &Context::new())?;
    /// assert_eq!((a.shape(), a.nnz(), a.get(1, 2)?), ((2, 3), 0, None));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn zeros(shape: (usize, usize), place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let kind = (A::FORMAT, Types::of::<T, I, P>());
        compressed(kind, shape, &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    /// A matrix of this shape without entries, at any place. Fails if the shape does not fit the index type.
    ///
    /// ```
    /// use outcore::{Context, Coo, Place};
    /// let a = Coo::<f64>::zeros((2, 3), Place::Memory, &Context::new())?;
    /// assert_eq!((a.shape(), a.nnz()), ((2, 3), 0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn zeros(shape: (usize, usize), place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        coo((T::ENTRY_DTYPE, I::DTYPE), shape, &place.into(), ctx).map(AnyCoo::into_typed)
    }
}

fn compressed(
    kind: (SparseFormat, Types),
    shape: (usize, usize),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (major, minor) = kind.0.swap_if_cols(shape);
    check_types((kind.1.indices, kind.1.pointers), major, minor, 0)?;
    memory_left(kind.1.bytes_of(major, 0), place, ctx)?;
    let _running =
        ctx.begin(|| Ok(AnyWriter::plan(Plan::new("zeros"), kind.1, (major, 0), place, ctx)))?;
    AnyWriter::new(kind, shape, 0, true, place, ctx)?.finish(true)
}

fn coo(types: CooTypes, shape: (usize, usize), place: &Place, ctx: &Context) -> Result<AnyCoo> {
    check_types((types.1, DType::UInt64), shape.0, shape.1, 0)?;
    let _running =
        ctx.begin(|| Ok(AnyCooWriter::plan(Plan::new("zeros"), types, 0, place, ctx)))?;
    AnyCooWriter::new(types, shape, Some(0), place, ctx)?.finish()
}
