//! The inputs of the cases, made on disk before the memory is limited.

use std::fs;
use std::path::{Path, PathBuf};

use outcore::{Context, Csr, DenseMut, Duplicates, Order, Place, Result};

/// Columns of the dense matrices, as in the recipe of 4,000,000 x 250.
pub(crate) const DENSE_COLUMNS: usize = 250;

/// A band matrix with 33 diagonals, in compressed rows.
pub(crate) fn band(folder: &Path, bytes: u64) -> Result<PathBuf> {
    let path = folder.join("band.bspnpy");
    let n = (bytes / (33 * 12 + 4)) as usize;
    let values: Vec<f64> = (0..n).map(|i| 1.0 / (1 + i % 7) as f64).collect();
    let bands: Vec<(isize, &[f64])> =
        (-16isize..=16).map(|offset| (offset, &values[offset.unsigned_abs()..])).collect();
    Csr::<f64>::diags((n, n), &bands, &path, &Context::new())?;
    Ok(path)
}

/// A matrix with 16 entries in every row, in columns spread over all.
pub(crate) fn scattered(folder: &Path, bytes: u64) -> Result<PathBuf> {
    let path = folder.join("scattered.bspnpy");
    let n = (bytes / (16 * 12 + 4)) as usize;
    Csr::<f64>::random((n, n), 16.0 / n as f64, 1, &path, &Context::new())?;
    Ok(path)
}

/// Coordinates in no order, with some duplicates, about one in a thousand.
pub(crate) fn coordinates(folder: &Path, bytes: u64) -> Result<PathBuf> {
    let path = folder.join("coordinates.bspnpy");
    let nnz = (bytes / 16) as usize;
    let n = nnz / 16;
    let mut state = 1u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((state >> 32) * below as u64) >> 32) as u32
    };
    let rows: Vec<u32> = (0..nnz).map(|_| random(n)).collect();
    let cols: Vec<u32> = (0..nnz).map(|_| random(n)).collect();
    let data: Vec<f64> = (0..nnz).map(|k| 1.0 / (1 + k % 100) as f64).collect();
    outcore::Coo::from_parts((n, n), rows, cols, data)?.copy_to(&path, &Context::new())?;
    Ok(path)
}

/// A dense matrix of `f32`, rows contiguous.
pub(crate) fn dense(folder: &Path, bytes: u64) -> Result<PathBuf> {
    let path = folder.join("dense.npy");
    let rows = (bytes / (4 * DENSE_COLUMNS as u64)) as usize;
    let mut a = DenseMut::<f32>::create((rows, DENSE_COLUMNS), Order::C, &path, &Context::new())?;
    a.fill_rows(fill_row)?;
    a.close()?;
    Ok(path)
}

/// The elements of a row.
pub(crate) fn fill_row(i: usize, row: &mut [f32]) {
    row.iter_mut().enumerate().for_each(|(j, x)| *x = element(i, j));
}

/// An element, the same whoever makes it.
pub(crate) fn element(i: usize, j: usize) -> f32 {
    ((i.wrapping_mul(31) ^ j.wrapping_mul(17)) & 0xff) as f32 / 256.0
}

/// Nothing but a name: for cases that make all they need.
pub(crate) fn nothing(folder: &Path, bytes: u64) -> Result<PathBuf> {
    let path = folder.join(format!("size-{bytes}"));
    fs::write(&path, bytes.to_string()).map_err(|e| outcore::Error::io("writing", &path, e))?;
    Ok(path)
}

/// Removes an input.
pub(crate) fn remove(path: &Path) {
    let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    let mut side = path.as_os_str().to_owned();
    side.push(".xxh3");
    let _ = fs::remove_file(side);
}

/// The policy of all conversions here.
pub(crate) const DUPLICATES: Duplicates = Duplicates::Sum;

/// Where results that are thrown away go.
pub(crate) const AWAY: Place = Place::Scratch;
