//! Matrices of which one triangle is stored: the other is added.

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::matrix_market::Number;
use crate::sparse::{AnyCooWriter, IndexVec, Indices};
use crate::storage::raw::RawMut;
use crate::storage::{Context, DType, Half, Mirrored, Place, RawBufferMut, SparseFormat, by_dtype};

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
    let aside = ctx.aside(2 * stored.stored_bytes());
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
    let mut data = RawBufferMut::fresh(types.0, STEP.min(entries.nnz()))?;
    for start in (0..entries.nnz()).step_by(STEP) {
        ctx.check_cancelled()?;
        for k in start..entries.nnz().min(start + STEP) {
            let (row, col) = (rows.at(k), cols.at(k));
            if row != col {
                to_rows.extend_with(1, &mut |_| col);
                to_cols.extend_with(1, &mut |_| row);
                let (value, at) = (entries.data().as_raw().slice(k..k + 1), to_rows.len() - 1);
                data.as_mut().slice_mut(at..at + 1).copy_from(value);
            }
        }
        let mut data = data.as_mut();
        let mut values = data.slice_mut(0..to_rows.len());
        reflect(values.reborrow(), half.mirrored)
            .ok_or_else(|| wrong("the values have no mirror images").expected("signed numbers"))?;
        writer.push(to_rows.as_raw(), to_cols.as_raw(), values.as_raw())?;
        to_rows.clear();
        to_cols.clear();
    }
    let all = AnyMatrix::Coo(writer.finish()?);
    Ok(match stored.format() {
        Some(SparseFormat::Csc) => all.to_csc(place, ctx)?.into(),
        Some(SparseFormat::Csr) => all.to_csr(place, ctx)?.into(),
        _ => all,
    })
}

/// Makes values those of the mirrored positions; `None` if one has no negative.
fn reflect(values: RawMut<'_>, mirrored: Mirrored) -> Option<()> {
    fn each<T: Number>(values: RawMut<'_>, mirrored: Mirrored) -> Option<()> {
        values.typed::<T>()?.iter_mut().try_for_each(|value| {
            *value = match mirrored {
                Mirrored::Same => *value,
                Mirrored::Conjugate => value.conjugated(),
                Mirrored::Negative => value.negated()?,
            };
            Some(())
        })
    }
    let Some(dtype) = values.dtype() else { return Some(()) };
    by_dtype!(dtype, T => each::<T>(values, mirrored), _ => None)
}
