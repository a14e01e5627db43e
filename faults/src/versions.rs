//! Versions of a matrix that are told apart wherever their parts come from.
//!
//! All entries of a version carry its number, and shape and indices depend on it.

use std::path::Path;

use outcore::linalg::LinearOperator;
use outcore::{Context, Csr, CsrBuilder, Dense, DenseMut, Error, ErrorKind, Order, Place, Result};

/// Columns of the sparse versions.
pub const NCOLS: usize = 40;
/// Entries in each of their rows.
const WIDTH: usize = 3;

/// The file or folder in which a matrix of this kind is shared.
pub fn name_of(kind: &str) -> &'static str {
    if kind == "dense" { "x.npy" } else { "x.bspnpy" }
}

/// A version of a matrix.
pub fn put(kind: &str, v: usize, place: Place, ctx: &Context) -> Result<()> {
    let value = v as f64;
    if kind == "dense" {
        let mut a = DenseMut::<f64>::create((20 + v % 3, 10 + v % 2), Order::C, place, ctx)?;
        a.as_mut_slice().fill(value);
        return a.close();
    }
    // Made in memory: a builder in a file reserves much more than these few bytes.
    let mut rows = CsrBuilder::<f64>::new(NCOLS, Place::Memory, ctx)?;
    for i in 0..nrows(v) {
        rows.push(&columns(v, i), &[value; WIDTH])?;
    }
    rows.finish()?.copy_to(place, ctx).map(drop)
}

/// Two in three versions have the same number of entries, so that not even lengths tell them apart.
fn nrows(v: usize) -> usize {
    30 + usize::from(v.is_multiple_of(3))
}

fn columns(v: usize, i: usize) -> [u32; WIDTH] {
    let mut columns = [0, 1, 2].map(|k| ((v + i + 11 * k) % NCOLS) as u32);
    columns.sort_unstable();
    columns
}

/// Opens what is there: whether it is one version, and which. An error of the library is the inner one.
pub fn look(kind: &str, path: &Path) -> Result<std::result::Result<usize, String>> {
    if kind == "dense" {
        let a = Dense::<f64>::open(path)?;
        let v = a.as_slice().first().copied().unwrap_or_default() as usize;
        let other = a.as_slice().iter().find(|&&x| x != v as f64);
        return Ok(match (other, a.shape() == (20 + v % 3, 10 + v % 2)) {
            (Some(other), _) => Err(format!("elements of {v} and of {other}")),
            (_, false) => Err(format!("elements of {v} in the shape {:?}", a.shape())),
            (None, true) => Ok(v),
        });
    }
    let a = Csr::<f64>::open(path)?;
    let mut y = vec![0.0; a.nrows()];
    a.apply(&[1.0; NCOLS], &mut y, &Context::new())?;
    let v = a.data().first().copied().unwrap_or_default() as usize;
    if let Some(other) = a.data().iter().find(|&&x| x != v as f64) {
        return Ok(Err(format!("values of {v} and of {other}")));
    }
    if a.nrows() != nrows(v) || a.nnz() != nrows(v) * WIDTH {
        return Ok(Err(format!("values of {v}, {} rows, {} entries", a.nrows(), a.nnz())));
    }
    if let Some(i) = (0..a.nrows()).find(|&i| a.indices()[i * WIDTH..][..WIDTH] != columns(v, i)) {
        return Ok(Err(format!("values of {v} with the indices of another in row {i}")));
    }
    Ok(match y.iter().all(|&y| y == (WIDTH * v) as f64) {
        true => Ok(v),
        false => Err(format!("the product of version {v} is another")),
    })
}

/// As [`look`], with every error a fault.
pub fn whole(kind: &str, path: &Path) -> std::result::Result<usize, String> {
    look(kind, path).map_err(|e| format!("{e:?}"))?
}

/// Errors with which a reader or a writer may be told to try again, beside others who replace and change the same name.
pub fn allowed(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Locked => Some("locked"),
        ErrorKind::Exists => Some("exists"),
        ErrorKind::Replaced => Some("replaced"),
        ErrorKind::Unfinished => Some("being changed"),
        ErrorKind::Io if error.to_string().contains("No such file") => Some("not found"),
        _ => None,
    }
}
