//! The matrices: from a folder where they are there, else made up.

use std::path::PathBuf;

use outcore::{
    BufferMut, Context, Coo, Csr, Dense, Duplicates, Entry, Error, ErrorKind, Order, Place, Result,
};

/// Hands out one matrix at a time.
pub(crate) struct Inputs {
    folder: Option<PathBuf>,
    last: Option<(String, Csr<f64>)>,
}

impl Inputs {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Inputs { folder, last: None }
    }

    /// A sparse matrix, in memory.
    pub(crate) fn sparse(&mut self, name: &str) -> Result<Csr<f64>> {
        if let Some((last, matrix)) = &self.last
            && last == name
        {
            return Ok(matrix.clone());
        }
        let matrix = match self.stored(name)? {
            Some(matrix) => matrix,
            None => made(name)?,
        };
        self.last = Some((name.to_owned(), matrix.clone()));
        Ok(matrix)
    }

    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    fn stored(&self, name: &str) -> Result<Option<Csr<f64>>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let file = |part: &str| folder.join(format!("{name}.{part}.npy"));
        if !file("indptr").exists() {
            return Ok(None);
        }
        // Copies in memory, and unsigned: the files' int32 and uint32 have the same bits.
        let whole = |part| Dense::<i32, ndarray::Ix1>::open(file(part));
        let unsigned = |array: Dense<i32, ndarray::Ix1>| -> Result<BufferMut<u32>> {
            let mut copy = BufferMut::zeros(array.len())?;
            copy.iter_mut().zip(array.as_slice()).for_each(|(to, &from)| *to = from as u32);
            Ok(copy)
        };
        let (indptr, indices) = (unsigned(whole("indptr")?)?, unsigned(whole("indices")?)?);
        let data = Dense::<f64, ndarray::Ix1>::open(file("data"))?;
        let mut values = BufferMut::zeros(data.len())?;
        values.copy_from_slice(data.as_slice());
        let n = indptr.len() - 1;
        let matrix = Csr::from_parts((n, n), indptr.freeze(), indices.freeze(), values.freeze())?;
        Ok(Some(matrix))
    }
}

fn made(name: &str) -> Result<Csr<f64>> {
    let ctx = Context::new();
    if let Some(n) = name.strip_prefix("poisson").and_then(|n| n.parse().ok()) {
        return Csr::poisson(&[n; 3], Place::Memory, &ctx);
    }
    if let Some(scale) = name.strip_prefix("rmat").and_then(|n| n.parse().ok()) {
        let graph: Csr<()> = Coo::rmat(scale, 16, 1, Place::Memory, &ctx)?.to_csr(
            Duplicates::Sum,
            Place::Memory,
            &ctx,
        )?;
        return with_values(&graph);
    }
    match name {
        "uniform4m" => Csr::random((4_000_000, 4_000_000), 4e-6, 1, Place::Memory, &ctx),
        "banded2m" => {
            let n = 2_000_000;
            let values: Vec<f64> = (0..n).map(value).collect();
            let bands: Vec<(isize, &[f64])> =
                (-16isize..=16).map(|d| (d, &values[d.unsigned_abs()..])).collect();
            Csr::diags((n, n), &bands, Place::Memory, &ctx)
        }
        _ => Err(Error::new(ErrorKind::Unsupported, format!("no input {name}; see --help"))),
    }
}

/// The structure with values of its own everywhere.
fn with_values<T: Entry>(structure: &Csr<T>) -> Result<Csr<f64>> {
    let mut values = BufferMut::zeros(structure.nnz())?;
    values.iter_mut().enumerate().for_each(|(k, x)| *x = value(k));
    structure.with_data(values.freeze())
}

fn value(k: usize) -> f64 {
    1.0 / (1 + k % 1013) as f64
}

/// A dense matrix, `ROWSxCOLS`.
pub(crate) fn dense<T: outcore::Element>(
    shape: (usize, usize),
    number: impl Fn(usize) -> T,
) -> Result<Dense<T>> {
    let mut elements = BufferMut::zeros(shape.0 * shape.1)?;
    elements.iter_mut().enumerate().for_each(|(k, x)| *x = number(k));
    Dense::from_parts(shape, Order::C, elements.freeze())
}

/// Rows and columns, if the name is that of a dense input.
pub(crate) fn shape_of(name: &str) -> Option<(usize, usize)> {
    let (rows, cols) = name.split_once('x')?;
    Some((rows.parse().ok()?, cols.parse().ok()?))
}

pub(crate) fn is_dense(name: &str) -> bool {
    shape_of(name).is_some()
}
