//! Checks of the pointers and indices of a compressed matrix, and the errors that name the place.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::indices::{Indices, by_index};
use crate::sparse::types::largest;
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{DType, Index};

/// LineNumbers checked by one task.
const CHUNK: usize = 1 << 14;

/// LineNumbers whose pointers are converted to positions at a time.
const BLOCK: usize = 128;

/// Checks that pointers never decrease and span exactly `nnz` entries. Reads the pointers once.
pub(crate) fn check_pointers<P: Index>(indptr: &[P], major: usize, nnz: usize) -> Result<()> {
    if indptr.len() != major + 1 {
        return Err(Error::new(ErrorKind::Index, "the wrong number of pointers")
            .expected(major + 1)
            .found(indptr.len()));
    }
    let decrease = |chunk| {
        let start = chunk * CHUNK;
        let end = major.min(start + CHUNK);
        let part = &indptr[start..=end];
        // The test for the whole chunk compiles to vector code; the place is searched only if it fails.
        let ordered = part.windows(2).fold(true, |ordered, pair| ordered & (pair[0] <= pair[1]));
        if ordered {
            None
        } else {
            part.windows(2).position(|pair| pair[0] > pair[1]).map(|k| start + k)
        }
    };
    let chunks = (0..major.div_ceil(CHUNK)).into_par_iter();
    let decreasing = chunks.find_map_first(decrease);
    // They are stored as signed ones: a negative one looks larger than any other.
    let ends = [indptr[0], indptr[major]];
    if (decreasing.is_some() || ends.iter().any(|end| end.to_usize() > P::LARGEST))
        && let Some(k) = indptr.iter().position(|pointer| pointer.to_usize() > P::LARGEST)
    {
        let stored = match P::DISK {
            DType::Int32 => i64::from((indptr[k].to_usize() as u32).cast_signed()),
            _ => (indptr[k].to_usize() as u64).cast_signed(),
        };
        let expected = match k {
            0 => "a start of 0 or more".to_owned(),
            _ => format!("an end of at least {}", indptr[k - 1]),
        };
        return Err(Error::new(ErrorKind::Index, "the pointers decrease")
            .at(Location::Row(k.saturating_sub(1) as u64))
            .expected(expected)
            .found(stored));
    }
    if let Some(row) = decreasing {
        return Err(Error::new(ErrorKind::Index, "the pointers decrease")
            .at(Location::Row(row as u64))
            .expected(format!("an end of at least {}", indptr[row]))
            .found(indptr[row + 1]));
    }
    let (first, last) = (indptr[0].to_usize(), indptr[major].to_usize());
    if last - first != nnz {
        return Err(Error::new(ErrorKind::Index, "the pointers do not span the entries")
            .at(Location::Row(major.saturating_sub(1) as u64))
            .expected(format!("an end of {}", first.saturating_add(nnz)))
            .found(last));
    }
    Ok(())
}

/// Checks that every index is below `minor`, and returns whether they strictly increase within every major.
/// Reads the indices once. The pointers have passed [`check_pointers`].
pub(crate) fn check_indices(
    indptr: Indices<'_>,
    indices: Indices<'_>,
    minor: usize,
) -> Result<bool> {
    let majors = indptr.len() - 1;
    let chunks = (0..majors.div_ceil(CHUNK)).into_par_iter();
    let check = |chunk| {
        let lines = chunk * CHUNK..majors.min((chunk + 1) * CHUNK);
        by_index!(indices, indices => check_lines(indptr, indices, minor, lines))
    };
    Ok(chunks.map(check).collect::<Result<Vec<_>>>()?.into_iter().all(|canonical| canonical))
}

/// As [`check_indices`], for one line.
pub(crate) fn check_line(
    indptr: Indices<'_>,
    indices: Indices<'_>,
    minor: usize,
    major: usize,
) -> Result<bool> {
    by_index!(indices, indices => check_lines(indptr, indices, minor, major..major + 1))
}

fn check_lines<I: Index>(
    indptr: Indices<'_>,
    indices: &[I],
    minor: usize,
    lines: Range<usize>,
) -> Result<bool> {
    let (base, mut canonical, mut pointers) = (indptr.at(0), true, [0; BLOCK + 1]);
    for start in lines.clone().step_by(BLOCK) {
        let pointers = &mut pointers[..=BLOCK.min(lines.end - start)];
        indptr.positions(start, pointers);
        for (major, ends) in (start..).zip(pointers.windows(2)) {
            // The pointers may be in a file that another process has changed since they were checked.
            let (from, to) = (ends[0].wrapping_sub(base), ends[1].wrapping_sub(base));
            let line = indices.get(from..to).ok_or_else(|| pointers_changed(major))?;
            if !line.iter().fold(true, |below, index| below & (index.to_usize() < minor)) {
                return Err(out_of_range(line, major, from, minor));
            }
            canonical &= line.windows(2).fold(true, |rising, pair| rising & (pair[0] < pair[1]));
        }
    }
    Ok(canonical)
}

/// The error for a row (column, for CSC) whose pointers have changed since they were checked.
pub(crate) fn pointers_changed(major: usize) -> Error {
    Error::new(ErrorKind::Index, "the pointers changed while the matrix was open")
        .at(Location::Row(major as u64))
}

fn out_of_range<I: Index>(line: &[I], major: usize, from: usize, minor: usize) -> Error {
    let k = line.iter().position(|index| index.to_usize() >= minor).unwrap_or(0);
    index_out_of_range(major, from + k, line[k], minor)
}

/// The error for an index of a line at a position of the array that is not below `minor`.
#[cold]
pub(crate) fn index_out_of_range(
    major: usize,
    position: usize,
    index: impl std::fmt::Display,
    minor: usize,
) -> Error {
    let at = Location::Entry { major: major as u64, position: position as u64 };
    index_error(at, index, minor)
}

/// The error for an index that is not below `extent`.
pub(crate) fn index_error(at: Location, index: impl std::fmt::Display, extent: usize) -> Error {
    Error::new(ErrorKind::Index, "an index is out of range")
        .at(at)
        .expected(format!("an index below {extent}"))
        .found(index)
}

/// Checks that extents and counts fit the index and pointer types.
pub(crate) fn check_widths<I: Index, P: Index>(
    major: usize,
    minor: usize,
    nnz: usize,
) -> Result<()> {
    check_types((I::DTYPE, P::DTYPE), major, minor, nnz)
}

/// As [`check_widths`], for types known at run time.
pub(crate) fn check_types(
    (indices, pointers): (DType, DType),
    major: usize,
    minor: usize,
    nnz: usize,
) -> Result<()> {
    let (most_lines, most_entries) = (largest(indices), largest(pointers));
    let too_large = |what: &str, (dtype, largest): (DType, usize), found: usize, wider: &str| {
        let error = Error::new(ErrorKind::Type, format!("too many {what} for the index type"))
            .expected(format!("at most {largest}"))
            .found(found);
        // Nothing is wider than 64 bits.
        Err(if dtype == DType::UInt64 { error } else { error.remedy(wider) })
    };
    if major.max(minor) > most_lines {
        let found = major.max(minor);
        return too_large("rows or columns", (indices, most_lines), found, "use u64 indices");
    }
    if nnz > most_entries {
        return too_large("entries", (pointers, most_entries), nnz, "use u64 pointers");
    }
    Ok(())
}

/// Whether indices strictly rise.
pub(crate) fn rises<I: Index>(indices: &[I]) -> bool {
    indices.windows(2).fold(true, |rises, pair| rises & (pair[0] < pair[1]))
}
