//! The same matrices as SciPy, NumPy, binsparse-python and anndata write them, against trusted numbers.
//!
//! The files lie in a folder beside the checkout that not every machine has; without it the tests say that they were
//! skipped.

use std::path::Path;

use outcore::io::{ReadOptions, read_matrix_with};
use outcore::num_complex::Complex;
use outcore::{AnyMatrix, Context, Csr, DType, Place, Result};
use serde_json::Value;

use crate::shared_data::{self, Scalar, check_structure, close, close_complex, json};

/// Relative error of plain sums.
const TOLERANCE: f64 = 1e-12;

/// Whether this build reads the format of a file.
fn is_read(name: &str) -> bool {
    cfg!(feature = "hdf5") || !(name.ends_with(".h5") || name.ends_with(".h5ad"))
}

/// Compares shape, structure, sum and norm of a matrix with a table.
fn compare(name: &str, a: &AnyMatrix, expected: &Value, tolerance: f64) -> Result<()> {
    let ctx = Context::new();
    assert_eq!(expected["shape"], serde_json::json!([a.nrows(), a.ncols()]), "{name}");
    let is_dense = a.format().is_none();
    // A pattern is counted, and other values are added up as they are.
    let pattern = expected["field"] == "pattern" && a.dtype().is_none();
    let a = a.to_dtype(DType::Complex128, Place::Memory, &ctx)?;
    let a = AnyMatrix::from(a.to_coo(Place::Memory, &ctx)?).to_csr(Place::Memory, &ctx)?;
    let entries: Vec<(usize, usize, Complex<f64>)> = match Csr::<Complex<f64>>::try_from(a.clone())
    {
        Ok(a) => a.iter().collect(),
        Err(_) => Csr::<Complex<f64>, u64, u64>::try_from(a)?.iter().collect(),
    };
    let entries: Vec<_> =
        entries.into_iter().filter(|(.., v)| !is_dense || *v != Complex::default()).collect();
    let counted = if is_dense { "nnz_nonzero" } else { "nnz_expanded" };
    assert_eq!(expected[counted], entries.len(), "{name}");
    if !is_dense || expected["explicit_zeros"] == 0 {
        let positions = entries.iter().map(|&(i, j, _)| (i, j));
        let ncols = expected["shape"][1].as_u64().unwrap() as usize;
        check_structure(name, positions, ncols, expected);
    }
    if !pattern {
        let part = |key: &str| Scalar::of_json(&expected[key]).parts().0;
        let sum: Complex<f64> = entries.iter().map(|(.., v)| v).sum();
        let wanted = Scalar::of_json(&expected["sum"]).complex();
        assert!(close_complex(sum, wanted, tolerance * part("abs_sum")), "{name}: {sum}");
        let norm = entries.iter().map(|(.., v)| v.norm_sqr()).sum::<f64>().sqrt();
        assert!(close(norm, part("frobenius"), tolerance * part("frobenius")), "{name}: {norm}");
    }
    Ok(())
}

fn read(path: &Path, member: Option<&str>) -> Result<AnyMatrix> {
    let member = member.map(str::to_owned);
    let options = ReadOptions { member, ..ReadOptions::default() };
    read_matrix_with(path, &options, Place::Memory, &Context::new()).map(|read| read.matrix)
}

#[test]
fn files_of_other_libraries_have_their_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    let (index, mut compared) = (json(&shared.join("interop/index.json")), 0);
    for (name, about) in index.as_object().unwrap() {
        let path = shared.join("interop").join(name);
        if !is_read(name) || !path.exists() {
            continue;
        }
        let expected = json(&shared.join(about["expected"].as_str().unwrap()));
        let a = read(&path, None).unwrap_or_else(|error| panic!("{error}"));
        let tolerance = if name.contains(".f32.") { 2e-6 } else { TOLERANCE };
        compare(name, &a, &expected, tolerance).unwrap();
        compared += 1;
    }
    assert!(compared >= 50, "{compared}");
    println!("{compared} files");
}

#[test]
fn arrays_of_linear_programs_have_their_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    let mut compared = 0;
    for table in std::fs::read_dir(shared.join("expected")).unwrap() {
        let table = table.unwrap().file_name().into_string().unwrap();
        let Some((file, member)) = table.strip_suffix(".json").and_then(|t| t.split_once("__"))
        else {
            continue;
        };
        if !file.ends_with(".npz") {
            continue;
        }
        let path = shared.join("matrices").join(file);
        let a = read(&path, Some(member)).unwrap();
        let expected = json(&shared.join("expected").join(&table));
        compare(&table, &a, &expected, TOLERANCE).unwrap();
        let error = read(&path, None).err().unwrap();
        assert!(error.finding().unwrap().contains(member), "{error}");
        compared += 1;
    }
    assert!(compared >= 8, "{compared}");
    println!("{compared} arrays");
}
