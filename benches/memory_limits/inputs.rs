//! The inputs, made when they are first asked for, in a folder that both processes look into.

use std::path::{Path, PathBuf};

use outcore::io::matrix_market::write_sparse;
use outcore::{
    Context, Coo, Csc, Csr, Dense, DenseMut, Duplicates, Element, Error, ErrorKind, Order, Place,
    Result,
};

/// Columns of tall dense matrices.
pub(crate) const COLUMNS: usize = 100;

/// Matrices of about `bytes` bytes each.
pub(crate) struct Inputs {
    folder: PathBuf,
    /// 0 in the limited process, which finds everything there.
    bytes: u64,
}

impl Inputs {
    pub(crate) fn new(folder: &Path, bytes: u64) -> Self {
        Inputs { folder: folder.to_owned(), bytes }
    }

    /// Inputs that were made by another process.
    pub(crate) fn there(folder: &Path) -> Self {
        Inputs { folder: folder.to_owned(), bytes: 0 }
    }

    /// Removes all inputs but some.
    pub(crate) fn keep_only(&self, names: &[&str]) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !names.iter().any(|kept| name == *kept || name == format!("{kept}.xxh3")) {
                let path = entry.path();
                let _ = if path.is_dir() {
                    std::fs::remove_dir_all(path)
                } else {
                    std::fs::remove_file(path)
                };
            }
        }
    }

    /// The path of an input, which `make` makes if it is not there.
    fn at(&self, name: &str, make: impl FnOnce(&Path, usize) -> Result<()>) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if !path.exists() {
            make(&path, self.bytes as usize)?;
        }
        Ok(path)
    }

    /// Twice as many rows as columns, 240 entries a row, spread over all columns.
    pub(crate) fn csr(&self) -> Result<Csr<f64>> {
        let path = self.at("csr", |path, bytes| {
            let (nrows, ncols) = (bytes / 2880, bytes / 5760);
            let density = bytes as f64 / 12.0 / (nrows as f64 * ncols as f64);
            Csr::<f64>::random((nrows, ncols), density, 1, path, &Context::new()).map(drop)
        })?;
        Csr::open(path)
    }

    /// A quarter as many entries as in [`csr`](Self::csr), in the same shape.
    pub(crate) fn other(&self) -> Result<Csr<f64>> {
        let shape = self.csr()?.shape();
        let path = self.at("other", |path, bytes| {
            let density = bytes as f64 / 48.0 / (shape.0 as f64 * shape.1 as f64);
            Csr::<f64>::random(shape, density, 2, path, &Context::new()).map(drop)
        })?;
        Csr::open(path)
    }

    pub(crate) fn csc(&self) -> Result<Csc<f64>> {
        let path = self.at("csc", |path, _| self.csr()?.to_csc(path, &Context::new()).map(drop))?;
        Csc::open(path)
    }

    pub(crate) fn coo(&self) -> Result<Coo<f64>> {
        let path = self.at("coo", |path, _| self.csr()?.to_coo(path, &Context::new()).map(drop))?;
        Coo::open(path)
    }

    /// Symmetric and positive definite, with so many diagonals on each side: with many, its vectors are small compared
    /// with it; with few, its square takes few operations for the bytes that are moved.
    pub(crate) fn band(&self, side: usize) -> Result<Csr<f64>> {
        let path = self.at(&format!("band-{side}"), |path, bytes| {
            let n = bytes / 12 / (2 * side + 1);
            let (one, other) = (vec![200.0; n], vec![-1.0; n]);
            let bands: Vec<(isize, &[f64])> = (-(side as isize)..=side as isize)
                .map(|k| (k, if k == 0 { &one[..] } else { &other[k.unsigned_abs()..] }))
                .collect();
            Csr::<f64>::diags((n, n), &bands, path, &Context::new()).map(drop)
        })?;
        Csr::open(path)
    }

    /// The edge of a cube of points whose Laplacian is an input.
    pub(crate) fn cube(&self) -> Result<usize> {
        let path = self.at("cube.txt", |path, bytes| {
            let side = (bytes as f64 / 88.0).cbrt() as usize;
            std::fs::write(path, side.to_string()).map_err(|e| Error::io("writing", path, e))
        })?;
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io("reading", &path, e))?;
        text.parse().map_err(|_| Error::new(ErrorKind::Format, "no number").in_file(path))
    }

    /// Seven entries a row: the Laplacian on a cube.
    pub(crate) fn poisson(&self) -> Result<Csr<f64>> {
        let side = self.cube()?;
        let path = self.at("poisson", |path, _| {
            Csr::<f64>::poisson(&[side; 3], path, &Context::new()).map(drop)
        })?;
        Csr::open(path)
    }

    /// The same as text.
    pub(crate) fn matrix_market(&self) -> Result<PathBuf> {
        self.at("poisson.mtx", |path, _| write_sparse(path, &self.poisson()?, "", &Context::new()))
    }

    /// A graph with skewed degrees, of so few bytes that its square is as large as the others.
    pub(crate) fn graph(&self) -> Result<Csr<f64>> {
        let path = self.at("graph", |path, bytes| {
            let scale = (bytes as f64 / 64.0 / 12.0 / 8.0).log2() as u32;
            let ctx = Context::new();
            let edges: Csr<()> = Coo::rmat(scale, 8, 1, Place::Memory, &ctx)?.to_csr(
                Duplicates::Sum,
                Place::Memory,
                &ctx,
            )?;
            edges.to_ones::<f64>()?.copy_to(path, &ctx).map(drop)
        })?;
        Csr::open(path)
    }

    /// Few entries in rows so short that all of them written out are as large as the others.
    pub(crate) fn short(&self) -> Result<Csr<f64>> {
        let path = self.at("short", |path, bytes| {
            let shape = (bytes / 8 / COLUMNS, COLUMNS);
            Csr::<f64>::random(shape, 0.05, 3, path, &Context::new()).map(drop)
        })?;
        Csr::open(path)
    }

    /// A dense matrix that [`square`](Self::square) can be multiplied with, of a fortieth of its columns.
    pub(crate) fn slim(&self) -> Result<Dense<f32>> {
        let n = self.square()?.ncols();
        let path = self.at("slim.npy", |path, _| {
            fill(path, (n, n / 40), Order::C, |k| (k % 1013) as f32 / 1013.0)
        })?;
        Dense::open(path)
    }

    /// A tall dense matrix.
    pub(crate) fn tall(&self, order: Order) -> Result<Dense<f64>> {
        let name = if order == Order::C { "tall-c.npy" } else { "tall-f.npy" };
        let path = self.at(name, |path, bytes| {
            fill(path, (bytes / 8 / COLUMNS, COLUMNS), order, |k| (k % 7 / 3) as f64 * 0.1)
        })?;
        Dense::open(path)
    }

    /// A copy of [`tall`](Self::tall) for whoever changes it.
    pub(crate) fn copy_to_change(&self) -> Result<PathBuf> {
        self.tall(Order::C)?;
        let (from, to) = (self.folder.join("tall-c.npy"), self.folder.join("changed.npy"));
        std::fs::copy(&from, &to).map_err(|e| Error::io("copying", &from, e))?;
        Ok(to)
    }

    /// A square dense matrix.
    pub(crate) fn square(&self) -> Result<Dense<f32>> {
        let path = self.at("square.npy", |path, bytes| {
            let n = ((bytes / 4) as f64).sqrt() as usize;
            fill(path, (n, n), Order::C, |k| (k % 1009) as f32 / 1009.0)
        })?;
        Dense::open(path)
    }

    /// Elements of which one in eight is not zero.
    pub(crate) fn sparse_dense(&self) -> Result<Dense<f64>> {
        let path = self.at("sparse-dense.npy", |path, bytes| {
            fill(path, (bytes / 8 / COLUMNS, COLUMNS), Order::C, |k| {
                let mixed = (k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
                if mixed.is_multiple_of(8) { mixed as f64 } else { 0.0 }
            })
        })?;
        Dense::open(path)
    }
}

fn fill<T: Element>(
    path: &Path,
    shape: (usize, usize),
    order: Order,
    element: impl Fn(usize) -> T,
) -> Result<()> {
    let mut a = DenseMut::<T>::create(shape, order, path, &Context::new())?;
    a.as_mut_slice().iter_mut().enumerate().for_each(|(k, x)| *x = element(k));
    a.close()
}
