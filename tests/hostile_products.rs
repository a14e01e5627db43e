//! Products of stored matrices that were damaged before they were opened, or are changed while they are open: an error
//! that names file and place, or numbers within reason, never a panic and never numbers from outside the matrix.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use outcore::linalg::LinearOperator;
use outcore::{
    Axis, ByCols, ByRows, Compressed, Context, Csr, ErrorKind, Location, Order, Place, Result,
};
use tempfile::{TempDir, tempdir};

type Matrix<A> = Compressed<f64, u32, u32, A>;

const POINTERS: &str = "pointers_to_1.npy";
const INDICES: &str = "indices_1.npy";

/// A matrix in a folder, large enough for products to be spread over threads, and its bytes to be tampered with.
struct Stored<A: Axis> {
    _folder: TempDir,
    path: PathBuf,
    original: Matrix<A>,
}

impl<A: Axis> Stored<A> {
    fn new(original: Matrix<A>) -> Self {
        assert!(original.nnz() > 20_000);
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.bspnpy");
        original.copy_to(&path, &Context::new()).unwrap();
        Stored { _folder: folder, path, original }
    }

    fn open(&self) -> Matrix<A> {
        Matrix::open(&self.path).unwrap()
    }

    /// Runs `work` while element `k` of an array is another one.
    fn with_other(&self, array: &str, k: usize, value: i32, work: impl FnOnce()) {
        let file = fs::OpenOptions::new().read(true).write(true).open(self.path.join(array));
        let (file, at) = (file.unwrap(), 4096 + 4 * k as u64);
        let mut old = [0; 4];
        file.read_exact_at(&mut old, at).unwrap();
        file.write_all_at(&value.to_le_bytes(), at).unwrap();
        work();
        file.write_all_at(&old, at).unwrap();
    }

    /// The row (column, for CSC) that holds an entry.
    fn major_of(&self, position: usize) -> u64 {
        let after = |&pointer: &u32| pointer as usize <= position;
        self.original.indptr().partition_point(after) as u64 - 1
    }
}

fn rows() -> Stored<ByRows> {
    Stored::new(Csr::random((600, 500), 0.1, 3, Place::Memory, &Context::new()).unwrap())
}

fn cols() -> Stored<ByCols> {
    Stored::new(rows().original.to_csc(Place::Memory, &Context::new()).unwrap())
}

/// All products, one after the other, with one and with two threads.
fn products<A: Axis>(a: &Matrix<A>) -> Vec<Result<Vec<f64>>> {
    let (nrows, ncols) = a.shape();
    let mut outcomes = Vec::new();
    for ctx in [1, 2].map(|threads| Context::new().threads(threads).unwrap()) {
        let product = |rows: usize, run: &dyn Fn(&mut [f64]) -> Result<()>| {
            let mut y = vec![f64::NAN; rows];
            run(&mut y).map(|()| y)
        };
        outcomes.push(product(nrows, &|y| a.apply(&vec![1.0; ncols], y, &ctx)));
        outcomes.push(product(ncols, &|y| a.apply_adjoint(&vec![1.0; nrows], y, &ctx)));
        outcomes.push(product(nrows * 3, &|y| a.apply_block(3, &vec![1.0; ncols * 3], y, &ctx)));
    }
    outcomes
}

fn a_bad_index_is_named<A: Axis>(stored: Stored<A>) {
    let (nnz, minor) = (stored.original.nnz(), stored.original.minor() as i32);
    for position in [0, 1, nnz / 2, nnz - 1] {
        let wanted =
            Location::Entry { major: stored.major_of(position), position: position as u64 };
        for bad in [minor, i32::MAX, -1, i32::MIN] {
            stored.with_other(INDICES, position, bad, || {
                for outcome in products(&stored.open()) {
                    let error = outcome.expect_err("a product of a bad index");
                    assert_eq!(error.kind(), ErrorKind::Index, "{error}");
                    assert_eq!(error.location(), Some(&wanted), "{error}");
                    assert_eq!(error.path(), Some(&*stored.path.join(INDICES)), "{error}");
                    assert!(error.expectation().is_some() && error.finding().is_some(), "{error}");
                }
            });
        }
    }
    assert!(products(&stored.open()).into_iter().all(|outcome| outcome.is_ok()));
}

#[test]
fn bad_indices_are_named() {
    a_bad_index_is_named(rows());
    a_bad_index_is_named(cols());
}

/// Everything that can be asked of a matrix; what comes back does not matter, that something comes back does.
fn ask_everything<A: Axis>(a: &Matrix<A>, folder: &Path) {
    let ctx = Context::new();
    for y in products(a).into_iter().flatten() {
        assert!(y.iter().all(|y| y.is_finite()));
    }
    drop(a.check());
    drop(a.get(1, 1));
    drop(a.as_sprs().map(drop));
    drop(a.to_coo(Place::Memory, &ctx));
    drop(a.to_dense(Order::C, Place::Memory, &ctx));
    drop(a.copy_to(Place::Memory, &ctx));
    // What is published must be a matrix.
    let copy = folder.join("copy.bspnpy");
    if a.copy_to(Place::Replace(copy.clone()), &ctx).is_ok() {
        Matrix::<A>::open(&copy).unwrap().check().unwrap();
    }
    assert!(a.sum::<f64>(&ctx).unwrap().is_finite() && *a == a.clone());
}

/// Changes an array of an open matrix in many ways, and asks everything of it: of one that was never looked at, of one
/// whose indices were checked, and of what `ask` makes of it.
fn changes_are_survived<A: Axis>(stored: Stored<A>, array: &str, ask: impl Fn(&Matrix<A>)) {
    let folder = tempdir().unwrap();
    let (nnz, major) = (stored.original.nnz(), stored.original.major());
    let places = match array {
        POINTERS => [0, 1, major / 2, major - 1, major],
        _ => [0, 1, nnz / 2, nnz - 2, nnz - 1],
    };
    for place in places {
        for value in [0, 1, nnz as i32, nnz as i32 + 1, i32::MAX, -1, i32::MIN] {
            let (new, checked) = (stored.open(), stored.open());
            checked.check().unwrap();
            stored.with_other(array, place, value, || {
                for a in [new, checked] {
                    ask_everything(&a, folder.path());
                    ask(&a);
                }
            });
        }
    }
}

#[test]
fn pointers_that_change_are_survived() {
    changes_are_survived(rows(), POINTERS, |a| {
        drop(a.to_csc(Place::Memory, &Context::new()));
        drop(a.row_range(1..500).map(|part| products(&part)));
        assert!(a.rows().map(|row| row.data.len()).sum::<usize>() < 600 * a.nnz());
    });
    changes_are_survived(cols(), POINTERS, |a| {
        drop(a.to_csr(Place::Memory, &Context::new()));
        drop(a.col_range(1..400).map(|part| products(&part)));
    });
}

#[test]
fn indices_that_change_are_survived() {
    changes_are_survived(rows(), INDICES, |a| {
        drop(a.to_csc(Place::Memory, &Context::new()));
    });
    changes_are_survived(cols(), INDICES, |a| {
        drop(a.to_csr(Place::Memory, &Context::new()));
    });
}
