//! Small stored arrays and matrices, and what is to be read of them.

use std::fs;
use std::path::{Path, PathBuf};

use outcore::linalg::LinearOperator;
use outcore::{Context, Coo, Csr, Dense, DenseMut, Duplicates, Order, Place, Result};

/// What is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// One `.npy` file.
    Dense,
    /// A folder with compressed rows.
    Csr,
    /// A folder with coordinates.
    Coo,
}

/// What was read: shape, number of elements, and the product with a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Rows, columns and stored elements.
    pub size: (usize, usize, usize),
    /// The product with 1, 2, 3, …
    pub product: Vec<f64>,
}

const TRIPLETS: [(usize, usize, f64); 6] =
    [(0, 1, 1.5), (0, 4, 2.5), (1, 0, -3.0), (3, 2, 4.25), (3, 3, 5.0), (3, 4, -0.5)];

impl Store {
    /// All of them.
    pub const ALL: [Store; 3] = [Store::Dense, Store::Csr, Store::Coo];

    /// By its name on the command line.
    pub fn named(name: &str) -> Option<Store> {
        Store::ALL.into_iter().find(|store| store.name() == name)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Store::Dense => "dense",
            Store::Csr => "csr",
            Store::Coo => "coo",
        }
    }

    /// Writes it into a folder.
    pub fn write(self, folder: &Path) -> Result<PathBuf> {
        let ctx = Context::new();
        match self {
            Store::Dense => {
                let path = folder.join("x.npy");
                let mut a = DenseMut::<f64>::create((3, 4), Order::C, &path, &ctx)?;
                a.as_mut_slice().iter_mut().zip(1..).for_each(|(x, i)| *x = f64::from(i) / 2.0);
                a.close().map(|()| path)
            }
            Store::Csr => {
                let path = folder.join("x.bspnpy");
                let coo = Coo::<f64>::from_triplets((4, 5), TRIPLETS)?;
                let csr: Csr<f64> = coo.to_csr(Duplicates::Sum, &path, &ctx)?;
                drop(csr);
                Ok(path)
            }
            Store::Coo => {
                let path = folder.join("x.bspnpy");
                Coo::<f64>::from_triplets((4, 5), TRIPLETS)?.copy_to(&path, &ctx).map(|_| path)
            }
        }
    }

    /// The files that it is made of, sums among them.
    pub fn files(self, path: &Path) -> std::io::Result<Vec<PathBuf>> {
        if self == Store::Dense {
            return Ok(vec![path.to_owned(), path.with_file_name("x.npy.xxh3")]);
        }
        let mut files: Vec<PathBuf> =
            fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        files.sort();
        Ok(files)
    }

    /// Opens it and multiplies.
    pub fn numbers(self, path: &Path) -> Result<Numbers> {
        let ctx = Context::new();
        match self {
            Store::Dense => {
                let a = Dense::<f64>::open(path)?;
                product(&a, a.len(), &ctx)
            }
            Store::Csr => {
                let a = Csr::<f64>::open(path)?;
                product(&a, a.nnz(), &ctx)
            }
            Store::Coo => {
                let a = Coo::<f64>::open(path)?;
                let csr: Csr<f64> = a.to_csr(Duplicates::Keep, Place::Memory, &ctx)?;
                product(&csr, a.nnz(), &ctx)
            }
        }
    }
}

fn product(a: &impl LinearOperator<f64>, len: usize, ctx: &Context) -> Result<Numbers> {
    let (nrows, ncols) = a.shape();
    // A damaged header may announce any extent; what it costs to multiply is not the question here.
    if nrows.max(ncols) > 1 << 20 {
        return Ok(Numbers { size: (nrows, ncols, len), product: Vec::new() });
    }
    let x: Vec<f64> = (1..=ncols).map(|j| j as f64).collect();
    let mut product = vec![0.0; nrows];
    a.apply(&x, &mut product, ctx)?;
    Ok(Numbers { size: (nrows, ncols, len), product })
}
