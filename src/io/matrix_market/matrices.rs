//! Whole matrices from Matrix Market files.

use crate::convert::CooBuilder;
use crate::dense::{AnyDenseWriter, Dense, DenseMut};
use crate::error::{Error, ErrorKind, Result};
use crate::io::extents::JustifiedExtent;
use crate::io::matrix_market::header::{Format, Header, Symmetry};
use crate::io::matrix_market::number::Number;
use crate::io::matrix_market::read_array::array_values;
use crate::io::matrix_market::read_sparse::{compressed, coordinates};
use crate::io::matrix_market::reader::Reader;
use crate::sparse::{
    AnyCompressed, AnyCoo, Axis, ByCols, ByRows, Compressed, Coo, Csc, Csr, Duplicates, Types,
    check_widths,
};
use crate::storage::raw::RawMut;
use crate::storage::work;
use crate::storage::{Context, Element, Index, Order, Place, Plan};

impl Reader {
    /// The matrix as coordinates in memory, with a symmetry expanded and entries in file order; for an array file only
    /// those that are not zero. Rows and columns cost nothing here, however many there are.
    ///
    /// Fails as [`for_each`](Self::for_each) does, if the shape is too large for the index type, and if the entries do
    /// not fit in the memory limit.
    pub fn read_coo<T: Number, I: Index>(&self, ctx: &Context) -> Result<Coo<T, I>> {
        let Header { format, nrows, ncols, .. } = *self.header();
        let in_file = |e: Error| e.in_file(self.path());
        if format == Format::Coordinate {
            return coordinates(self, (T::ENTRY_DTYPE, I::DTYPE), ctx).map(AnyCoo::into_typed);
        }
        let each = (2 * size_of::<I>() + size_of::<T>()) as u64;
        let less = ctx.less(self.window(ctx));
        let fits = |entries: u64| {
            less.check_memory("the entries of the file", each.saturating_mul(entries))
                .map_err(in_file)
        };
        check_widths::<I, u64>(nrows, ncols, 0).map_err(in_file)?;
        let (mut rows, mut cols, mut data) = (Vec::new(), Vec::new(), Vec::new());
        self.for_each_stored::<T>(ctx, |row, col, value| {
            if rows.len() == rows.capacity() {
                fits(2 * rows.len() as u64 + 1)?;
            }
            rows.push(I::from_usize(row));
            cols.push(I::from_usize(col));
            data.push(value);
            Ok(())
        })?;
        Coo::from_parts((nrows, ncols), rows, cols, data)
    }

    /// The matrix in compressed rows at `place`, duplicates summed as by SciPy on conversion. Explicit zeros of a
    /// coordinate file are stored; those of an array file are not.
    ///
    /// Fails with [`ErrorKind::Memory`], at once, if the rows [dwarf](crate::io#extents) the entries, unless
    /// [`hypersparse`](Self::hypersparse) allows them.
    ///
    /// Cost: one pass over the file, and for entries that do not fit in a quarter of the memory limit one write and one
    /// read in the scratch folder; one write of the result.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.mtx");
    /// # std::fs::write(&path, "%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 4\n")?;
    /// use outcore::{Context, Csr, Place, io::matrix_market::Reader};
    /// let a: Csr<f64> = Reader::open(&path)?.read_csr(Place::Memory, &Context::new())?;
    /// assert_eq!((a.get(0, 1)?, a.get(1, 0)?), (Some(4.0), Some(4.0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_csr<T: Number, I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        self.read_compressed::<T, I, P, ByRows>("Matrix Market to CSR", &place.into(), ctx)
    }

    /// The matrix in compressed columns at `place`; otherwise as [`read_csr`](Self::read_csr).
    pub fn read_csc<T: Number, I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        self.read_compressed::<T, I, P, ByCols>("Matrix Market to CSC", &place.into(), ctx)
    }

    fn read_compressed<T: Number, I: Index, P: Index, A: Axis>(
        &self,
        operation: &'static str,
        place: &Place,
        ctx: &Context,
    ) -> Result<Compressed<T, I, P, A>> {
        let shape = (self.header().nrows, self.header().ncols);
        let nnz = self.expanded_upper_bound();
        let in_file = |e: Error| e.in_file(self.path());
        check_widths::<I, P>(shape.0, shape.1, 0).map_err(in_file)?;
        let (count, _) = A::swap_if_cols(shape);
        let (lines, _) = A::swap_if_cols(("rows", "columns"));
        let extent = JustifiedExtent {
            path: self.path(),
            lines,
            count,
            entries: nnz,
            wanted: self.hypersparse,
            remedy: "read it as coordinates with read_coo, or a graph on compact vertices; \
                     `hypersparse` keeps all of them",
        };
        extent.check::<P>(place, ctx)?;
        let kind = (A::FORMAT, Types::of::<T, I, P>());
        if self.header().format == Format::Coordinate {
            return compressed(self, kind, operation, place, ctx).map(AnyCompressed::into_typed);
        }
        let window = self.window(ctx);
        let less = ctx.less(window);
        let _running = ctx.begin_pass(self.bytes(), || {
            let plan = Plan::new(operation).reads(1, self.bytes());
            let plan = CooBuilder::<T, I, A>::plan::<P>(plan, shape, nnz, place, &less);
            Ok(plan.throughout(window))
        })?;
        let mut builder = CooBuilder::<T, I, A>::with_types(shape, &less).map_err(in_file)?;
        self.for_each_stored::<T>(ctx, |row, col, value| builder.push(row, col, value))?;
        builder.finish(Duplicates::Sum, place, ctx).map_err(in_file)
    }

    /// The matrix with its zeros filled in, in column-major order as in array files, duplicates summed. Every
    /// position uses memory, however few entries the file has.
    ///
    /// Cost: one pass over the file, and two more over a coordinate file that holds a −0.0; no memory in addition to
    /// the result.
    pub fn read_dense<T: Number + Element>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<T>> {
        let Header { format, symmetry, nrows, ncols, .. } = *self.header();
        let (place, entries) = (place.into(), nrows.saturating_mul(ncols));
        let _running = ctx.begin_pass(self.bytes(), || {
            let plan = Plan::new("Matrix Market to dense").reads(1, self.bytes());
            let plan = plan.works(self.expanded_upper_bound(), work::READ_TEXT);
            let what = (T::DTYPE, entries);
            AnyDenseWriter::memory_left(what, &place, ctx)?;
            let plan = AnyDenseWriter::plan(plan, what, &place, ctx);
            Ok(plan.throughout(self.window(ctx)))
        })?;
        let mut dense = DenseMut::<T>::create((nrows, ncols), Order::Fortran, place, ctx)?;
        let elements = dense.as_mut_slice();
        if format == Format::Array && symmetry == Symmetry::General {
            array_values(self, RawMut::of(elements), ctx)?;
            return dense.freeze();
        }
        let at = |row: usize, col: usize| col * nrows + row;
        let mut negative_zeros = false;
        self.for_each::<T>(ctx, |row, col, value| {
            let element = &mut elements[at(row, col)];
            // An array file has a value for every position: nothing to add it to.
            *element = match format {
                Format::Array => value,
                Format::Coordinate => element.merge(value).ok_or_else(|| {
                    Error::new(ErrorKind::Value, "the sum of the entries at a position overflows")
                        .in_file(self.path())
                        .found(format!("row {}, column {}", row + 1, col + 1))
                })?,
            };
            negative_zeros |= format == Format::Coordinate && value.has_negative_zero();
            Ok(())
        })?;
        if negative_zeros {
            // 0.0 + −0.0 is 0.0, but if every entry at a position is −0.0, so is their sum.
            self.for_each::<T>(ctx, |row, col, value| {
                elements[at(row, col)].take_sign_of_zero(value);
                Ok(())
            })?;
            self.for_each::<T>(ctx, |row, col, value| {
                elements[at(row, col)].drop_sign_of_zero(value);
                Ok(())
            })?;
        }
        dense.freeze()
    }
}
