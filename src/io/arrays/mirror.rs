//! Matrices of which one triangle is stored: the other is added.

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCooWriter, IndexVec, Indices};
use crate::storage::raw::{Raw, RawVec};
use crate::storage::{Context, DType, Half, Mirrored, Place, SparseFormat};

/// Entries mirrored at a time.
const STEP: usize = 1 << 14;

/// The matrix with both triangles, in the format of the one that is stored.
///
/// Fails if the matrix is not square, if an entry lies in the other triangle, and if a value has no mirror image.
pub(super) fn mirror(
    stored: &AnyMatrix,
    half: Half,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let (nrows, ncols) = stored.shape();
    let wrong =
        |what: &str| Error::new(ErrorKind::Format, what).at_field("structure").found(half.name);
    if nrows != ncols {
        return Err(wrong("the matrix is not square").expected("as many rows as columns"));
    }
    // Every entry as coordinates, wherever the stored ones are.
    let aside =
        if stored.stored_bytes() > ctx.memory_left() / 8 { Place::Scratch } else { Place::Memory };
    let entries = stored.to_coo(&aside, ctx)?;
    entries.check()?;
    let (rows, cols) = (Indices::of(entries.rows()), Indices::of(entries.cols()));
    let mut others = 0;
    for k in 0..entries.nnz() {
        let (row, col) = (rows.at(k), cols.at(k));
        if row != col && (row > col) != half.is_lower {
            return Err(wrong("an entry is in the triangle that should not be stored").expected(
                if half.is_lower {
                    "entries on and below the diagonal"
                } else {
                    "entries on and above the diagonal"
                },
            ));
        }
        if row == col && half.mirrored == Mirrored::Negative {
            return Err(wrong("a skew-symmetric matrix has an entry on its diagonal"));
        }
        others += usize::from(row != col);
    }
    let types = entries.types();
    let is_result = stored.format() == Some(SparseFormat::Coo);
    let target = if is_result { place } else { &aside };
    let nnz = entries.nnz() + others;
    let mut writer = AnyCooWriter::new(types, (nrows, ncols), Some(nnz), target, ctx)?;
    writer.push(entries.rows().as_raw(), entries.cols().as_raw(), entries.data().as_raw())?;
    let (mut to_rows, mut to_cols) = (IndexVec::new(types.1), IndexVec::new(types.1));
    let mut data = RawVec::new(types.0);
    for start in (0..entries.nnz()).step_by(STEP) {
        ctx.check_cancelled()?;
        for k in start..entries.nnz().min(start + STEP) {
            let (row, col) = (rows.at(k), cols.at(k));
            if row != col {
                to_rows.extend_with(1, &mut |_| col);
                to_cols.extend_with(1, &mut |_| row);
                data.extend(entries.data().as_raw().slice(k..k + 1));
            }
        }
        let values = reflected(data.as_raw(), half.mirrored)
            .ok_or_else(|| wrong("the values have no mirror images").expected("signed numbers"))?;
        let values = Raw::read(&values, (types.0, data.len())).unwrap_or(data.as_raw());
        writer.push(to_rows.as_raw(), to_cols.as_raw(), values)?;
        to_rows.clear();
        to_cols.clear();
        data.clear();
    }
    let all = AnyMatrix::Coo(writer.finish()?);
    Ok(match stored.format() {
        Some(SparseFormat::Csc) => all.to_csc(place, ctx)?.into(),
        Some(SparseFormat::Csr) => all.to_csr(place, ctx)?.into(),
        _ => all,
    })
}

/// The bytes of values at the mirrored positions; `None` for a type without negative values.
fn reflected(values: Raw<'_>, mirrored: Mirrored) -> Option<Vec<u8>> {
    let mut bytes = values.bytes().to_vec();
    let Some(dtype) = values.dtype() else { return Some(bytes) };
    let (unit, is_complex) = (dtype.swap_unit(), dtype.swap_unit() < dtype.size());
    // The byte with the sign of a number.
    let sign = if cfg!(target_endian = "little") { unit - 1 } else { 0 };
    match (mirrored, dtype) {
        (Mirrored::Same, _) => {}
        (Mirrored::Conjugate, _) if !is_complex => {}
        (Mirrored::Conjugate, _) => {
            let imaginary = bytes.chunks_exact_mut(unit).skip(1).step_by(2);
            imaginary.for_each(|number| number[sign] ^= 0x80);
        }
        (_, DType::Bool | DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64) => {
            return None;
        }
        (_, DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64) => {
            // The two's complement: all bits flipped, and one more. The least number has no negative.
            for number in bytes.chunks_exact_mut(unit) {
                negate(number)?;
            }
        }
        _ => bytes.chunks_exact_mut(unit).for_each(|number| number[sign] ^= 0x80),
    }
    Some(bytes)
}

/// Negates an integer of any width, in place; `None` if its negative does not exist.
fn negate(number: &mut [u8]) -> Option<()> {
    let mut wide = [0; 8];
    let at = if cfg!(target_endian = "little") { 0 } else { 8 - number.len() };
    wide[at..at + number.len()].copy_from_slice(number);
    // As the upper bits of a wide integer, so that overflow is that of the narrow one.
    let shift = 64 - 8 * number.len() as u32;
    let negative = (i64::from_ne_bytes(wide) << shift).checked_neg()? >> shift;
    number.copy_from_slice(&negative.to_ne_bytes()[at..at + number.len()]);
    Some(())
}
