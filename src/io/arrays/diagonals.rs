//! Matrices of diagonals (SciPy's DIA), expanded to CSR.
//!
//! Diagonal `k` of the array holds the elements of column `j` at position `j`. Rows go across it, so the array is used
//! where it lies, or copied to memory or, if it is large, to a scratch file first.

use crate::any::{AnyMatrix, check_known};
use crate::dense::AnyDenseWriter;
use crate::error::{ErrorKind, Result};
use crate::io::arrays::array::ForeignArray;
use crate::io::arrays::compressed::at_least;
use crate::io::extents::JustifiedExtent;
use crate::io::read_as::ReadAs;
use crate::sparse::{AnyWriter, IndexVec, Types, memory_left};
use crate::storage::raw::{Raw, RawVec};
use crate::storage::work;
use crate::storage::{Context, DType, Order, Place, Plan, RawBuffer, SparseFormat, by_dtype};

/// Entries written at a time, and lines.
const STEP: usize = 1 << 14;

/// A matrix of diagonals in a file.
pub(in crate::io) struct ForeignDiagonals {
    pub(in crate::io) shape: (usize, usize),
    /// The distance of each diagonal from the main one, to the right.
    pub(in crate::io) offsets: ForeignArray,
    /// Diagonals, and an element for each column.
    pub(in crate::io) data: ForeignArray,
}

/// The matrix as CSR at `place`, without the zeros on the diagonals, as in SciPy.
pub(in crate::io) fn read(
    operation: &'static str,
    diagonals: &ForeignDiagonals,
    hypersparse: bool,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let ForeignDiagonals { shape: (nrows, ncols), offsets, data } = diagonals;
    let (shape, path) = ((*nrows, *ncols), data.file().path());
    let &[count, _] = &data.shape[..] else {
        return Err(data
            .error(ErrorKind::Format, "the array has the wrong shape")
            .expected("two dimensions: diagonals and columns")
            .found(format!("{:?}", data.shape)));
    };
    offsets.check_line(Some(count))?;
    check_known(data.dtype, path)?;
    let extent = JustifiedExtent {
        path,
        lines: "rows",
        count: *nrows,
        entries: data.len() as u64,
        wanted: hypersparse,
        remedy: "`hypersparse` keeps all of them",
    };
    extent.check::<u64>(place, ctx)?;
    let types = Types {
        values: Some(data.dtype),
        indices: at_least(DType::UInt32, (*nrows).max(*ncols)),
        pointers: at_least(DType::UInt32, data.len()),
    };
    let size = (data.dtype, data.len());
    let bytes = data.dtype.bytes_of(data.len());
    let aside = ctx.aside(bytes);
    let _running = ctx.begin_pass(0, || {
        let plan = Plan::new(operation).works(data.len() as u64, work::READ_SPARSE);
        let plan = data.plan(offsets.plan(plan, ctx), ctx);
        let plan = match aside {
            Place::Memory => plan.throughout(bytes),
            _ => plan.scratches(bytes),
        };
        Ok(AnyWriter::plan(plan, types, (*nrows, data.len()), place, ctx))
    })?;
    ctx.check_memory("the diagonals", 16 * count as u64)?;
    let mut places = Vec::new();
    for (k, offset) in offsets.few_signed(count, ctx)?.into_iter().enumerate() {
        places.push((offset, k));
    }
    places.sort_unstable();
    if let Some(twice) = places.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(offsets
            .error(ErrorKind::Duplicate, "a diagonal occurs twice")
            .found(twice[0].0));
    }
    let elements = match data.map_as(data.dtype)? {
        Some(elements) => elements,
        None => {
            let mut copy = AnyDenseWriter::new(&aside, (size.0, &data.shape, data.order), ctx)?;
            data.for_each(ctx, &mut |run| copy.push(run))?;
            copy.finish()?.buffer().clone()
        }
    };
    let bands = Bands { places, data, elements, ncols: *ncols };
    let mut nnz = 0;
    bands.visit(*nrows, ctx, &mut |_, _| nnz += 1)?;
    memory_left(types.bytes_of(*nrows, nnz), place, ctx)?;
    let kind = (SparseFormat::Csr, types);
    let mut writer = AnyWriter::new(kind, shape, nnz, true, place, ctx)?;
    bands.write(*nrows, types, &mut writer, ctx)?;
    let matrix = writer.finish(true).map_err(|error| error.in_file(path))?;
    Ok((AnyMatrix::of_lines(matrix), ReadAs::Copied))
}

/// The diagonals by their offsets, and their elements.
struct Bands<'a> {
    places: Vec<(i64, usize)>,
    data: &'a ForeignArray,
    elements: RawBuffer,
    ncols: usize,
}

impl Bands<'_> {
    /// The column and the position of the entry of a diagonal in a row, if there is one.
    fn entry(&self, row: usize, (offset, k): (i64, usize)) -> Option<(usize, usize)> {
        let column = usize::try_from(i64::try_from(row).ok()?.checked_add(offset)?).ok()?;
        let (count, len) = (self.data.shape[0], self.data.shape[1]);
        let at = match self.data.order {
            Order::C => k * len + column,
            Order::Fortran => column * count + k,
        };
        let there = column < self.ncols.min(len);
        (there && !is_zero(self.elements.as_raw().get(at..at + 1)?)).then_some((column, at))
    }

    /// Calls `take` with the column and the position of every entry, row by row.
    fn visit(&self, nrows: usize, ctx: &Context, take: &mut dyn FnMut(usize, usize)) -> Result<()> {
        for row in 0..nrows {
            if row % STEP == 0 {
                ctx.report("expanding diagonals", row as u64, nrows as u64)?;
            }
            self.places
                .iter()
                .filter_map(|&place| self.entry(row, place))
                .for_each(|(column, at)| take(column, at));
        }
        Ok(())
    }

    fn write(
        &self,
        nrows: usize,
        types: Types,
        writer: &mut AnyWriter,
        ctx: &Context,
    ) -> Result<()> {
        let (mut indices, mut data) = (IndexVec::new(types.indices), RawVec::new(types.values));
        let mut lens = Vec::new();
        for row in 0..nrows {
            let before = data.len();
            for (column, at) in self.places.iter().filter_map(|&place| self.entry(row, place)) {
                indices.extend_with(1, &mut |_| column);
                data.extend(self.elements.as_raw().slice(at..at + 1));
            }
            lens.push(data.len() - before);
            if lens.len() == STEP || data.len() >= STEP || row + 1 == nrows {
                ctx.report("expanding diagonals", row as u64, nrows as u64)?;
                writer.push_lines(&lens, indices.as_raw(), data.as_raw())?;
                lens.clear();
                indices.clear();
                data.clear();
            }
        }
        Ok(())
    }
}

/// Whether a value is zero, of either sign.
fn is_zero(value: Raw<'_>) -> bool {
    let Some(dtype) = value.dtype() else { return false };
    by_dtype!(dtype, T => value.as_typed::<T>() == [T::default()], _ => false)
}
