//! An object of a PETSc file as a matrix: read in order, in blocks, its bytes reversed on the way.

use std::path::Path;

use crate::any::AnyMatrix;
use crate::dense::AnyDenseWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::io::options::ReadOptions;
use crate::io::petsc::objects::{BIG_ENDIAN, Object, ObjectKind, PetscFile};
use crate::sparse::{AnyArrayWriter, IndexVec, Types, largest};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{
    Context, DType, MEMORY_TO_READ, Order, Pass, Place, Plan, SparseFormat, StoredElements,
    read_elements,
};

/// Bytes of integers that were converted, at most: those of a block that is read.
const CONVERTED: u64 = 1 << 20;

/// The first object of a file, or the one that the options name.
///
/// Cost: the object is read once, and written in order. Memory: the result, unless it goes to files, and 4 MiB.
pub(in crate::io) fn read(
    path: &Path,
    options: &ReadOptions,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let file = PetscFile::open(path)?;
    let scalars = match options.petsc.scalars {
        Some(dtype @ (DType::Float32 | DType::Float64 | DType::Complex64 | DType::Complex128)) => {
            dtype
        }
        Some(other) => {
            return Err(Error::new(ErrorKind::Unsupported, "PETSc has no values of this type")
                .expected("float32, float64, complex64 or complex128")
                .found(other));
        }
        None => file.scalars(ctx)?,
    };
    let number = match &options.member {
        None => 0,
        Some(name) => name.parse().map_err(|_| {
            Error::new(ErrorKind::Format, "objects of a PETSc file have no names")
                .in_file(path)
                .expected("the number of an object, the first being 0")
                .found(format!("{name:?}"))
        })?,
    };
    let fixed = options.petsc.scalars.is_some();
    let (object, scalars) = file.nth(number, (scalars, fixed), ctx)?;
    match object.kind {
        ObjectKind::Sparse(nnz) => sparse(&file, object, (nnz, scalars), place, ctx),
        ObjectKind::Dense | ObjectKind::Vector => dense(&file, object, scalars, place, ctx),
        ObjectKind::IndexSet => dense(&file, object, file.integers, place, ctx),
    }
}

/// A number of the file as a position in memory.
fn position(number: u64) -> Result<usize> {
    usize::try_from(number).map_err(|_| {
        Error::new(ErrorKind::Unsupported, "an extent beyond the memory of this machine")
            .found(number)
    })
}

fn plan(file: &PetscFile, bytes: u64, elements: u64) -> Plan {
    let plan = Plan::new("reading PETSc binary").on_device_of(Some((&file.origin.path, 0)));
    plan.reads(1, bytes).works(elements, work::READ_SPARSE).holds(MEMORY_TO_READ + CONVERTED)
}

/// Values from an offset on.
fn values(start: u64, len: u64, dtype: DType) -> (DType, StoredElements) {
    let bytes = len.saturating_mul(dtype.size() as u64);
    (dtype, StoredElements { start, bytes, dtype, byte_order: BIG_ENDIAN })
}

fn dense(
    file: &PetscFile,
    object: Object,
    dtype: DType,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let shape = [position(object.nrows)?, position(object.ncols)?];
    // `nth` has seen that all elements are in the file, so that the product does not overflow.
    let len = position(object.nrows.saturating_mul(object.ncols))?;
    let what = values(object.start, len as u64, dtype);
    let pass = Pass::new(plan(file, what.1.bytes, len as u64));
    let result = (dtype, &shape[..], Order::C);
    let made = pass.make(result, place, ctx, &mut |writer: &mut AnyDenseWriter| {
        read_elements(&file.origin, what, ctx, &mut |elements| writer.push(elements))
    })?;
    AnyMatrix::try_from(made)
}

fn sparse(
    file: &PetscFile,
    object: Object,
    (nnz, scalars): (u64, DType),
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let (nrows, ncols) = (position(object.nrows)?, position(object.ncols)?);
    let entries = position(nnz)?;
    let narrow = |fits: bool| if fits { DType::UInt32 } else { DType::UInt64 };
    let types = Types {
        values: Some(scalars),
        indices: narrow(nrows.max(ncols) <= largest(DType::UInt32)),
        pointers: narrow(entries <= largest(DType::UInt32)),
    };
    let word = file.integers.size() as u64;
    let indices_at = object.start + object.nrows * word;
    let values = values(indices_at + nnz * word, nnz, scalars);
    let in_file = |error: Error| error.in_file(&file.origin.path);
    let plan = plan(file, (object.nrows + nnz) * word + values.1.bytes, nnz);
    let result = ((SparseFormat::Csr, types), (nrows, ncols), entries);
    let what = file.integers(indices_at, nnz)?;
    let pass = Pass::new(plan).blaming(&in_file);
    let made = pass.make(result, place, ctx, &mut |writer: &mut AnyArrayWriter| {
        let _held = ctx.hold(CONVERTED);
        let mut push = |run: Raw<'_>| writer.push_pointers(run);
        pointers(file, object, (nnz, types.pointers), &mut push, ctx)?;
        columns(file, what, (ncols, types.indices), &mut |run| writer.push_indices(run), ctx)?;
        read_elements(&file.origin, values, ctx, &mut |run| writer.push_data(run))
    })?;
    Ok(AnyMatrix::of_lines(made))
}

/// Calls `take` with integers of the file and the offset of the first of them.
fn for_each_run(
    file: &PetscFile,
    what: StoredElements,
    ctx: &Context,
    take: &mut dyn FnMut(u64, &mut dyn Iterator<Item = i64>) -> Result<()>,
) -> Result<()> {
    let mut at = what.start;
    read_elements(&file.origin, (what.dtype, what), ctx, &mut |run| {
        let bytes = run.bytes().len() as u64;
        match what.dtype {
            DType::Int32 => take(at, &mut run.as_typed::<i32>().iter().map(|&n| i64::from(n)))?,
            _ => take(at, &mut run.as_typed::<i64>().iter().copied())?,
        }
        at += bytes;
        Ok(())
    })
}

/// Lengths of rows, added up.
fn pointers(
    file: &PetscFile,
    object: Object,
    (nnz, dtype): (u64, DType),
    push: &mut dyn FnMut(Raw<'_>) -> Result<()>,
    ctx: &Context,
) -> Result<()> {
    let error = |what: &str| Error::new(ErrorKind::Index, what).in_file(&file.origin.path);
    let (mut ends, mut sum) = (IndexVec::new(dtype), 0u64);
    ends.resize(1, 0);
    push(ends.as_raw())?;
    let word = file.integers.size() as u64;
    let what = file.integers(object.start, object.nrows)?;
    for_each_run(file, what, ctx, &mut |start, lengths| {
        ends.clear();
        for (k, length) in lengths.enumerate() {
            let end = u64::try_from(length).ok().and_then(|length| sum.checked_add(length));
            sum = end.filter(|&end| end <= nnz).ok_or_else(|| {
                error("the rows have more entries than the matrix")
                    .at_byte(start + k as u64 * word)
                    .expected(format!("at most {} entries in this row", nnz - sum))
                    .found(length)
            })?;
            ends.resize(k + 1, sum as usize);
        }
        push(ends.as_raw())
    })?;
    match sum == nnz {
        true => Ok(()),
        false => Err(error("the rows have fewer entries than the matrix")
            .at_byte(object.start)
            .expected(format!("{nnz} entries in all rows"))
            .found(sum)),
    }
}

/// Columns, checked to be in the matrix.
fn columns(
    file: &PetscFile,
    what: StoredElements,
    (ncols, dtype): (usize, DType),
    push: &mut dyn FnMut(Raw<'_>) -> Result<()>,
    ctx: &Context,
) -> Result<()> {
    let outside = |at: u64, found: i64| {
        Error::new(ErrorKind::Index, "a column index is out of range")
            .in_file(&file.origin.path)
            .at_byte(at)
            .expected(format!("an index from 0, below {ncols}"))
            .found(found)
    };
    let mut at = what.start;
    let mut narrowed = Vec::new();
    read_elements(&file.origin, (what.dtype, what), ctx, &mut |run| {
        let start = at;
        at += run.bytes().len() as u64;
        let below = ncols as u64;
        match (run.typed::<i32>(), run.typed::<i64>()) {
            (Some(run), _) => {
                let inside =
                    run.iter().fold(true, |inside, &i| inside & (u64::from(i as u32) < below));
                // A negative number is above every extent, which an i32 counts.
                if !inside {
                    let bad = |&i: &i32| i < 0 || i as u64 >= below;
                    let k = run.iter().position(bad).unwrap_or(0);
                    return Err(outside(start + 4 * k as u64, i64::from(run[k])));
                }
                push(Raw::of(bytemuck::cast_slice::<i32, u32>(run)))
            }
            (_, Some(run)) => {
                if let Some(k) = run.iter().position(|&i| i as u64 >= below) {
                    return Err(outside(start + 8 * k as u64, run[k]));
                }
                if dtype == DType::UInt64 {
                    return push(Raw::of(bytemuck::cast_slice::<i64, u64>(run)));
                }
                narrowed.clear();
                narrowed.extend(run.iter().map(|&i| i as u32));
                push(Raw::of(&narrowed[..]))
            }
            _ => unreachable!("integers of one of the two widths"),
        }
    })
}
