//! Collected matrices in every format and place against trusted numbers: structure, sums, norms and products.
//!
//! The numbers were computed by other programs, in extended precision. The files lie in a folder beside the checkout
//! that not every machine has; without it the tests say that they were skipped.

use std::path::Path;

use num_complex::Complex;
use outcore::io::matrix_market::{Field, Format, Number, Reader};
use outcore::linalg::{LinearOperator, Multiplies, Scalar};
use outcore::{
    Axis, Compressed, Context, Csc, Csr, Dense, DenseBase, Duplicates, Element, ErrorKind, Index,
    Place, Result,
};
use serde_json::Value;
use tempfile::tempdir;

use crate::shared_data::{
    self, Collected, Scalar as Trusted, check_structure, close, close_complex, collected_matrices,
    json,
};

/// Relative error of sums and products: the trusted numbers are exact to 1e-16 or so, plain summation is not.
pub(crate) const TOLERANCE: f64 = 1e-12;

/// Vectors of reals or complex numbers, looked at as complex ones.
pub(crate) trait Vectors: Scalar<Real = f64> + Into<Complex<f64>> {}
impl<X: Scalar<Real = f64> + Into<Complex<f64>>> Vectors for X {}

/// A matrix under test and its table.
pub(crate) struct Case<'a> {
    pub(crate) name: String,
    pub(crate) expected: &'a Value,
    pub(crate) tolerance: f64,
    pub(crate) ctx: Context,
}

impl Case<'_> {
    /// Compares a number with the field `key` of the table.
    fn number(&self, key: &str, found: Complex<f64>, tolerance: f64) {
        let wanted = Trusted::of_json(&self.expected[key]).complex();
        let name = &self.name;
        assert!(
            close_complex(found, wanted, tolerance),
            "{name}: {key}: expected {wanted}, found {found}"
        );
    }

    fn shape(&self, (nrows, ncols): (usize, usize)) {
        assert_eq!(self.expected["shape"], serde_json::json!([nrows, ncols]), "{}", self.name);
    }

    /// The sum over all entries and the Frobenius norm.
    fn reductions(&self, sum: Complex<f64>, norm_fro: f64) {
        let part = |key: &str| Trusted::of_json(&self.expected[key]).parts().0;
        self.number("sum", sum, self.tolerance * part("abs_sum"));
        self.number("frobenius", norm_fro.into(), self.tolerance * part("frobenius"));
    }

    /// Entries a row (`key` "rows") or a column.
    fn counts(&self, key: &str, counts: &[u64]) {
        let table = &self.expected[key];
        let weighted: u64 = (1..).zip(counts).map(|(weight, count)| weight * count).sum();
        let found = [
            ("nnz_min", counts.iter().min().copied().unwrap_or(0)),
            ("nnz_max", counts.iter().max().copied().unwrap_or(0)),
            ("empty", counts.iter().filter(|&&count| count == 0).count() as u64),
            ("nnz_weighted", weighted),
        ];
        for (field, found) in found {
            assert_eq!(table[field], found, "{}: {field} of the {key}", self.name);
        }
    }

    /// A vector against its norm, its sum and some of its elements.
    fn vector<X: Vectors>(&self, key: &str, vector: &[X]) {
        let table = &self.expected[key];
        let vector: Vec<Complex<f64>> = vector.iter().map(|&value| value.into()).collect();
        let norm2 = Trusted::of_json(&table["norm2"]).parts().0;
        // Where one element is infinite or NaN, the others are compared by themselves.
        let compare = |what: &str, found: Complex<f64>, wanted: Complex<f64>| {
            let scale = if norm2.is_finite() { norm2 } else { wanted.norm() };
            let same = close_complex(found, wanted, self.tolerance * scale);
            assert!(same, "{}: {key}, {what}: expected {wanted}, found {found}", self.name);
        };
        let found = vector.iter().map(Complex::norm_sqr).sum::<f64>().sqrt();
        let near = close(found, norm2, self.tolerance * norm2);
        assert!(near, "{}: ‖{key}‖: expected {norm2}, found {found}", self.name);
        compare("sum", vector.iter().sum(), Trusted::of_json(&table["sum"]).complex());
        let first = table["first5"].as_array().unwrap();
        assert_eq!(first.len(), vector.len().min(5));
        for (found, wanted) in vector.iter().zip(first) {
            compare("one of the first five", *found, Trusted::of_json(wanted).complex());
        }
        if let Some(last) = vector.last() {
            compare("the last", *last, Trusted::of_json(&table["last"]).complex());
        }
    }

    /// `A x`, `Aᵀ x` and `Aᴴ x` for x = 1, 1/2, 1/3, …
    fn products<X: Vectors>(&self, a: &impl LinearOperator<X>) {
        let (nrows, ncols) = a.shape();
        let x: Vec<X> =
            (0..nrows.max(ncols)).map(|i| X::from_f64(1.0 / (i as f64 + 1.0))).collect();
        // What stood in the result before must not matter.
        let mut y = vec![X::from_f64(f64::NAN); nrows];
        a.apply(&x[..ncols], &mut y, &self.ctx).unwrap();
        self.vector("Ax", &y);
        let mut y = vec![X::from_f64(f64::NAN); ncols];
        a.apply_adjoint(&x[..nrows], &mut y, &self.ctx).unwrap();
        if self.expected["AHx"].is_object() {
            self.vector("AHx", &y);
        }
        // x is real, so that Aᵀ x is the conjugate of Aᴴ x.
        let transposed: Vec<X> = y.into_iter().map(X::conj).collect();
        self.vector("ATx", &transposed);
    }

    /// Everything that the table says of a sparse matrix.
    pub(crate) fn sparse<X: Vectors, T: Multiplies<X>, I: Index, P: Index, A: Axis>(
        &self,
        a: &Compressed<T, I, P, A>,
    ) {
        self.shape(a.shape());
        assert_eq!(self.expected["nnz_expanded"], a.nnz(), "{}", self.name);
        assert!(a.check().unwrap(), "{}", self.name);
        let positions = positions(a);
        check_structure(&self.name, positions.iter().copied(), a.ncols(), self.expected);
        let (mut rows, mut cols) = (vec![0; a.nrows()], vec![0; a.ncols()]);
        for (i, j) in positions {
            rows[i] += 1;
            cols[j] += 1;
        }
        self.counts("rows", &rows);
        self.counts("cols", &cols);
        self.reductions(a.sum::<X>(&self.ctx).unwrap().into(), a.norm_fro::<X>(&self.ctx).unwrap());
        self.products::<X>(a);
    }

    /// Everything that the table says of a matrix with its zeros written out.
    fn dense<X: Vectors, T: Element + Multiplies<X>>(&self, a: &Dense<T>) {
        self.shape(a.shape());
        self.reductions(a.sum::<X>(&self.ctx).unwrap().into(), a.norm_fro::<X>(&self.ctx).unwrap());
        self.products::<X>(a);
    }
}

/// Row and column of every entry, from the pointers and indices themselves.
fn positions<T: outcore::Entry, I: Index, P: Index, A: Axis>(
    a: &Compressed<T, I, P, A>,
) -> Vec<(usize, usize)> {
    let mut positions = Vec::with_capacity(a.nnz());
    for (major, pair) in a.indptr().windows(2).enumerate() {
        for index in &a.indices()[pair[0].to_usize()..pair[1].to_usize()] {
            positions.push(A::swap_if_cols((major, index.to_usize())));
        }
    }
    positions
}

/// A file in both compressed formats, in memory and mapped, its values of type `T` before vectors of `X`.
fn compare_sparse<X: Vectors, T: Number + Multiplies<X>>(
    reader: &Reader,
    case: &Case,
) -> Result<()> {
    let folder = tempdir().unwrap();
    let (csr, csc) = (folder.path().join("csr.bspnpy"), folder.path().join("csc.bspnpy"));
    let ctx = &case.ctx;
    let coo = reader.read_coo::<T, u32>(ctx)?;
    coo.to_csr::<u32>(Duplicates::Sum, &csr, ctx)?;
    let heap: Csr<T> = coo.to_csr(Duplicates::Sum, Place::Memory, ctx)?;
    let mapped = Csr::<T>::open(&csr)?;
    assert!(heap.indices().file().is_none() && mapped.indices().file().is_some());
    case.sparse::<X, _, _, _, _>(&heap);
    case.sparse::<X, _, _, _, _>(&mapped);
    let heap: Csc<T> = reader.read_csc(Place::Memory, ctx)?;
    heap.copy_to(&csc, ctx)?;
    case.sparse::<X, _, _, _, _>(&heap);
    case.sparse::<X, _, _, _, _>(&Csc::<T>::open(&csc)?);
    Ok(())
}

/// As [`compare_sparse`]; an array file also with its zeros written out, in memory and mapped.
fn compare<X: Vectors, T: Number + Element + Multiplies<X>>(
    reader: &Reader,
    case: &Case,
) -> Result<()> {
    compare_sparse::<X, T>(reader, case)?;
    if reader.header().format == Format::Array {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.npy");
        case.dense::<X, T>(&reader.read_dense(Place::Memory, &case.ctx)?);
        reader.read_dense::<T>(&path, &case.ctx)?;
        case.dense::<X, T>(&DenseBase::open(&path)?);
    }
    Ok(())
}

#[test]
fn matrix_market_files_have_their_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    let (mut compared, ctx) = (0, Context::new().threads(2).unwrap());
    for Collected { name, path, expected } in collected_matrices(&shared) {
        if expected["verdict"] == "reject" {
            continue;
        }
        let case = Case { name, expected: &expected, tolerance: TOLERANCE, ctx: ctx.clone() };
        let outcome = Reader::open(&path).and_then(|reader| match reader.header().field {
            Field::Real => compare::<f64, f64>(&reader, &case),
            Field::Integer => compare::<f64, i64>(&reader, &case),
            Field::Complex => compare::<Complex<f64>, Complex<f64>>(&reader, &case),
            Field::Pattern => compare_sparse::<f64, ()>(&reader, &case),
        });
        match outcome {
            Ok(()) => compared += 1,
            // A file that a reader may refuse.
            Err(error) => assert_eq!(expected["verdict"], "either", "{error}"),
        }
    }
    eprintln!("{compared} Matrix Market files compared");
    assert!(compared >= 50, "only {compared} files were compared");
}

/// A `.npy` file as a mapped array of `T`, compared with the table of the matrix that was written into it.
fn compare_npy<X: Vectors, T: Element + Multiplies<X>>(path: &Path, case: &Case) -> Result<()> {
    let mapped = Dense::<T>::open(path)?;
    case.dense::<X, T>(&mapped);
    case.dense::<X, T>(&Dense::read(path, Place::Memory, &case.ctx)?);
    let sparse: Csr<T> = mapped.to_csr(Place::Memory, &case.ctx)?;
    assert_eq!(case.expected["nnz_nonzero"], sparse.nnz(), "{}", case.name);
    Ok(())
}

#[test]
fn arrays_of_numpy_have_their_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    let types: [fn(&Path, &Case) -> Result<()>; 5] = [
        compare_npy::<f64, f64>,
        compare_npy::<f64, f32>,
        compare_npy::<f64, i64>,
        compare_npy::<Complex<f64>, Complex<f64>>,
        compare_npy::<Complex<f64>, Complex<f32>>,
    ];
    let mut compared = 0;
    let index = json(&shared.join("interop/index.json"));
    for (name, about) in index.as_object().unwrap() {
        if !name.ends_with(".npy") {
            continue;
        }
        let expected = json(&shared.join(about["expected"].as_str().unwrap()));
        // Values rounded to single precision; the products are computed in double.
        let tolerance = if name.contains(".f32.") { 2e-6 } else { TOLERANCE };
        let case = Case { name: name.clone(), expected: &expected, tolerance, ctx: Context::new() };
        let path = shared.join("interop").join(name);
        let fits = types.iter().any(|compare| match compare(&path, &case) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Type, "{error}");
                false
            }
        });
        assert!(fits, "{name} is of no type that was tried");
        compared += 1;
    }
    assert!(compared >= 12, "only {compared} files were compared");
}
